//! Combinators as Python calls them: `then`, `dataflow`, `when_all`, `when_any`.
//!
//! Owns: what may be given to them, and what is made of it: a waiting future with its join.
//! Called by: `module`, `future_type`. What is none of our futures is shown to the package
//! (`adopt`), which makes one of ours that follows it where it is somebody else's future.
//! Invariant: bad input raises before anything is linked. Threads: any, attached.

use std::sync::Arc;

use hpy_shim::task::PackedCall;
use hpy_shim::{stored_release, Arguments, Attached, Handle, PyResult, Stored};
use smallvec::SmallVec;

use crate::bridge::names::Name;
use crate::bridge::runtime::{Interpreter, Runtime};
use crate::bridge::{context_vars, future_type, submit, waiting};
use crate::compose::join::{Input, Inputs, Join, Rule, FEW};
use crate::compose::link;
use crate::future::{give_back, run};
use crate::trace;

/// What a combinator was given, sorted.
struct Gathered {
    inputs: Inputs,
    sources: SmallVec<[(usize, Stored); FEW]>,
}

impl Gathered {
    /// Arguments from `first` on, and the values of keywords. `plain_values`: what is no future is
    /// an input all the same; otherwise it raises TypeError.
    fn new<'py>(
        py: Attached<'py>,
        interpreter: &'static Interpreter,
        function: &str,
        arguments: &Arguments<'py>,
        first: usize,
        plain_values: bool,
    ) -> PyResult<'py, Self> {
        let count = arguments.count()?;
        let inputs = Inputs::with_capacity(count.saturating_sub(first));
        let mut gathered = Gathered { inputs, sources: SmallVec::new() };
        for index in first..count {
            let argument = arguments.value(index);
            if let Err(raised) = gathered.add(py, interpreter, &argument, plain_values, function) {
                gathered.release(py);
                return Err(raised);
            }
        }
        Ok(gathered)
    }

    fn add<'py>(
        &mut self,
        py: Attached<'py>,
        interpreter: &'static Interpreter,
        argument: &Handle<'py>,
        plain_values: bool,
        function: &str,
    ) -> PyResult<'py, ()> {
        let input = Input::default();
        match source_of(py, interpreter, argument)? {
            None if !plain_values => {
                let class = interpreter.names().get(py, Name::TypeError);
                let what = argument.class()?.attr(c"__name__")?.to_text()?;
                let text = format!(
                    "{function}() takes futures, not {what}: write {function}(*futures), or \
                     hpyx.ready_future(value) for a value"
                );
                return Err(py.raise(&class, &text));
            }
            None => input.object.fill(argument.dup().into_word()),
            Some(source) => {
                // `when_any` gives back what it was given; the others need the result.
                let shown = if function == WHEN_ANY { argument.dup() } else { source.dup() };
                input.object.fill(shown.into_word());
                self.sources.push((self.inputs.len(), Stored::new(source)));
            }
        }
        let is_source = self.sources.last().is_some_and(|(index, _)| *index == self.inputs.len());
        self.inputs.push(Input { is_source, ..input });
        Ok(())
    }

    fn release(self, py: Attached<'_>) {
        for input in self.inputs {
            // SAFETY: filled above, and given to nobody.
            unsafe { stored_release(py, input.object.take()) };
        }
        self.sources.into_iter().for_each(|(_, source)| drop(source.into_handle(py)));
    }
}

/// The future of ours that `argument` is, or that follows it; None: it is no future.
#[inline]
fn source_of<'py>(
    py: Attached<'py>,
    interpreter: &'static Interpreter,
    argument: &Handle<'py>,
) -> PyResult<'py, Option<Handle<'py>>> {
    let names = interpreter.names();
    let source = match argument.class()?.as_word() == names.word(Name::Future) {
        true => argument.dup(),
        false => names.get(py, Name::Adopt).call(&[argument])?,
    };
    if source.is(&names.get(py, Name::None)) {
        return Ok(None);
    }
    let source = Stored::new(source);
    if !run::body(&source).has_runtime() {
        drop(source.into_handle(py));
        return Err(future_type::refused(py));
    }
    // One that a fork left behind is ended here.
    let checked = waiting::life(py, &source);
    let source = source.into_handle(py);
    checked.map(|_| Some(source))
}

fn new_waiting<'py>(py: Attached<'py>, runtime: &'static Runtime) -> PyResult<'py, Stored> {
    let target = Stored::new(submit::new_future(py, runtime)?);
    run::body(&target).state.begin_waiting();
    Ok(target)
}

/// A dependent whose sources are done, or kept alive by a queue, will itself come into a queue: the
/// collector need not look at it before. (Others may wait for what never comes.)
fn hide_if_sure_to_be_queued<'a>(
    py: Attached<'_>,
    target: &Stored,
    mut sources: impl Iterator<Item = &'a Stored>,
) {
    let is_sure = |source: &Stored| {
        let body = run::body(source);
        body.is_hidden() || body.state.life().is_done()
    };
    if sources.all(is_sure) {
        run::body(target).hide_from_collector(py, target);
    }
}

const WHEN_ANY: &str = "when_any";

/// A future that waits for all that was gathered, by `rule`.
fn link_gathered<'py>(
    py: Attached<'py>,
    target: Stored,
    rule: Rule,
    gathered: Gathered,
    names: isize,
) -> Handle<'py> {
    let Gathered { inputs, sources } = gathered;
    let join = Arc::new(Join::new(rule, sources.len(), inputs, names));
    run::body(&target).extra.set_join(join.clone());
    if rule == Rule::Call {
        hide_if_sure_to_be_queued(py, &target, sources.iter().map(|(_, source)| source));
    }
    link::link_to_all(py, &target, &join, sources.into_iter());
    target.into_handle(py)
}

fn combine<'py>(
    py: Attached<'py>,
    interpreter: &'static Interpreter,
    arguments: &Arguments<'py>,
    function: &str,
    rule: Rule,
) -> PyResult<'py, Handle<'py>> {
    if arguments.has_keywords() {
        let class = interpreter.names().get(py, Name::TypeError);
        let text = format!("{function}() takes no keyword arguments");
        return Err(py.raise(&class, &text));
    }
    let runtime = interpreter.running(py)?;
    let gathered = Gathered::new(py, interpreter, function, arguments, 0, false)?;
    match new_waiting(py, runtime) {
        Ok(target) => Ok(link_gathered(py, target, rule, gathered, 0)),
        Err(raised) => {
            gathered.release(py);
            Err(raised)
        }
    }
}

/// `when_all(*futures)`.
pub fn when_all<'py>(
    py: Attached<'py>,
    interpreter: &'static Interpreter,
    arguments: &Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    combine(py, interpreter, arguments, "when_all", Rule::All)
}

/// `when_any(*futures)`. Without futures the result is one that nothing ever ends, but cancel().
pub fn when_any<'py>(
    py: Attached<'py>,
    interpreter: &'static Interpreter,
    arguments: &Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    if arguments.positional() == 0 && !arguments.has_keywords() {
        let target = new_waiting(py, interpreter.running(py)?)?;
        return Ok(target.into_handle(py));
    }
    combine(py, interpreter, arguments, WHEN_ANY, Rule::Any)
}

/// `dataflow(fn, *inputs, **keywords)`, where calls are packed natively.
pub fn dataflow<'py>(
    py: Attached<'py>,
    interpreter: &'static Interpreter,
    arguments: &Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    submit::check_callable(py, interpreter, arguments, "dataflow(fn, *futures, **kwargs)")?;
    let runtime = interpreter.running(py)?;
    let gathered = Gathered::new(py, interpreter, "dataflow", arguments, 1, true)?;
    let made = context_vars::capture(py).and_then(|context| match new_waiting(py, runtime) {
        Ok(target) => Ok((target, context)),
        Err(raised) => {
            context_vars::discard(py, context);
            Err(raised)
        }
    });
    match made {
        Ok((target, context)) => {
            run::body(&target).set_call(PackedCall::of_none(&arguments.at(0)), context);
            if give_back::is_used() {
                run::body(&target).set_home(give_back::reclaim(py, runtime));
            }
            trace::submitted(py, runtime, &target);
            Ok(link_gathered(py, target, Rule::Call, gathered, arguments.names()))
        }
        Err(raised) => {
            gathered.release(py);
            Err(raised)
        }
    }
}

/// `source.then(callable)`, where calls are packed natively.
#[inline]
pub fn then<'py>(
    py: Attached<'py>,
    source: &Stored,
    callable: &Handle<'py>,
) -> PyResult<'py, Handle<'py>> {
    let runtime = run::body(source).runtime().interpreter().running(py)?;
    waiting::life(py, source)?;
    let context = context_vars::capture(py)?;
    let target = match new_waiting(py, runtime) {
        Ok(target) => target,
        Err(raised) => {
            context_vars::discard(py, context);
            return Err(raised);
        }
    };
    let call = PackedCall::of_one(callable, &source.bind(py));
    run::body(&target).set_call(call, context);
    // On free-threaded builds it would be given back to a thread that seldom comes for it.
    if !give_back::is_used() {
        hide_if_sure_to_be_queued(py, &target, std::iter::once(source));
    }
    trace::submitted(py, runtime, &target);
    link::link_to(py, &target, source);
    Ok(target.into_handle(py))
}

/// `dependent(call, *sources)`: for front ends written in Python, which keep the call as an
/// attribute. It is made once all sources have a result.
pub fn dependent<'py>(
    py: Attached<'py>,
    interpreter: &'static Interpreter,
    arguments: &Arguments<'py>,
) -> PyResult<'py, Handle<'py>> {
    let runtime = interpreter.running(py)?;
    let gathered = Gathered::new(py, interpreter, "dependent", arguments, 1, false)?;
    let made = new_waiting(py, runtime).and_then(|target| {
        let target = target.into_handle(py);
        target.set_attr(c"_hpyx_call", &arguments.at(0))?;
        let target = Stored::new(target);
        target.got_attributes(py);
        trace::submitted(py, runtime, &target);
        Ok(target)
    });
    let linked = made.map(|target| {
        // The call holds the sources; the target needs none of its own, and no join either: only
        // those who end a source look at it.
        let join = Arc::new(Join::new(Rule::Call, gathered.sources.len(), Inputs::new(), 0));
        let sources = gathered.sources.iter().map(|(index, source)| (*index, source.dup(py)));
        link::link_to_all(py, &target, &join, sources);
        target.into_handle(py)
    });
    gathered.release(py);
    linked
}
