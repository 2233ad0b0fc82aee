//! Tracing: what each task was, where and when it ran, as one line of JSON per task.
//!
//! Owns: the spans of tasks that were submitted while tracing is on, the buffers they end in, the
//! thread that writes them. Called by: `bridge::submit` and `future` (the hooks below, one line
//! each), `bridge::tracing` (on and off). The rooms: `span` (one task), `names` (of callables),
//! `buffer` (one per thread, and the session that they belong to), `writer` (the file).
//!
//! | field | who writes | who reads | protected by |
//! |---|---|---|---|
//! | Tracer::session | on, off, fork | every submission | itself; 0 means off |
//! | Tracer::running | on, off | threads that join a session | its mutex, never held long |
//! | a future's span | submission; who ends the future | who started it | as its packed call |
//!
//! **Concurrency.** Off, a submission reads one word and a task's start and end read one pointer
//! each, of lines that they need anyway. On, a thread writes into a buffer of its own, whose mutex
//! only the writer asks for besides, once in a thousand tasks. The record of a task that ran is in
//! its buffer *before* its future is done, so whoever saw a result and then turns tracing off finds
//! the task in the file. Spans of another session are dropped: those of tasks that were under way
//! when tracing ended, and in a forked child all of its parent's, whose locks it never touches.
//! Threads: any, attached. Errors: none here; what cannot be written is counted by the writer.

mod buffer;
mod names;
mod span;
mod writer;

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use hpy_shim::{probe, Argument, Attached, Stored};
use once_cell::sync::OnceCell;

use crate::bridge::names::Name;
use crate::bridge::runtime::Runtime;
use crate::future::run::body;
use crate::future::state::Life;
use crate::trace::buffer::{Buffer, Session};
use crate::trace::names::Names;
use crate::trace::span::{now, Record};
pub use crate::trace::span::{Outcome, Span};
use crate::trace::writer::Writer;

/// Whether and where one runtime traces.
#[derive(Default)]
pub struct Tracer {
    session: AtomicU32,
    running: Mutex<Option<Writer>>,
    names: OnceCell<Names>,
}

/// Why tracing could not be turned on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is on.
    AlreadyOn,
    /// The thread that writes cannot be started.
    NoThread,
}

/// A thread in a session.
struct Here {
    session: u32,
    thread: u32,
    buffer: Arc<Buffer>,
}

thread_local! {
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
    /// The traced task that runs on this thread; 0: none.
    static CURRENT: Cell<u64> = const { Cell::new(0) };
}

impl Tracer {
    /// Tasks that are submitted from now on are written to the file descriptor, which is taken over
    /// on success.
    pub fn enable(&'static self, file: i32) -> Result<(), Refused> {
        static LAST_SESSION: AtomicU32 = AtomicU32::new(0);
        let mut running = lock(&self.running);
        if running.is_some() {
            return Err(Refused::AlreadyOn);
        }
        let number = LAST_SESSION.fetch_add(1, Ordering::Relaxed) + 1;
        let names = self.names.get_or_init(Names::default);
        *running = Some(Writer::start(Session::new(number), names, file).ok_or(Refused::NoThread)?);
        self.session.store(number, Ordering::Relaxed);
        Ok(())
    }

    /// Ends tracing: what ended so far is in the file when this returns. None if it was off, else
    /// the number of the first error in writing, 0 for none. Waits for the file: call it detached.
    pub fn disable(&self) -> Option<i32> {
        self.session.store(0, Ordering::Relaxed);
        let writer = lock(&self.running).take();
        writer.map(Writer::finish)
    }

    /// The runtime belongs to the parent process: its file is not ours, its locks may be held.
    pub fn abandon(&self) {
        self.session.store(0, Ordering::Relaxed);
    }

    #[inline]
    fn session(&self) -> u32 {
        self.session.load(Ordering::Relaxed)
    }

    /// The number under which `text` goes into the records; for names that Python keeps.
    pub fn name(&self, text: &str) -> u32 {
        self.names.get_or_init(Names::default).of_text(text)
    }

    fn join(&self, number: u32, name: &str) -> Option<Here> {
        let running = lock(&self.running);
        let session = &running.as_ref()?.session;
        if session.number != number {
            return None;
        }
        let (thread, buffer) = session.join(name);
        Some(Here { session: number, thread, buffer })
    }
}

/// In a forked child: the thread that forked is inside no task of ours, and in no session.
pub fn forget_thread() {
    CURRENT.set(0);
    HERE.with_borrow_mut(|here| *here = None);
}

/// Hook: a future is about to be queued.
#[inline]
pub fn submitted(py: Attached<'_>, runtime: &'static Runtime, future: &Stored) {
    if runtime.tracer().session() != 0 {
        submitted_cold(py, runtime, future);
    }
}

#[cold]
fn submitted_cold(py: Attached<'_>, runtime: &'static Runtime, future: &Stored) {
    static LAST_ID: AtomicU64 = AtomicU64::new(0);
    let submitted = now();
    let session = runtime.tracer().session();
    let Some(submitter) = with_here(py, runtime, session, |here| here.thread) else {
        return;
    };
    body(future).extra.set_span(Box::new(Span {
        id: LAST_ID.fetch_add(1, Ordering::Relaxed) + 1,
        parent: CURRENT.get(),
        submitted,
        started: 0,
        outer: 0,
        session,
        name: name_of(py, runtime, future),
        submitter,
        join: None,
    }));
}

/// The name of the callable that a future will call.
fn name_of(py: Attached<'_>, runtime: &'static Runtime, future: &Stored) -> u32 {
    let (names, table) = (runtime.names(), runtime.tracer().names.get_or_init(Names::default));
    let number = match (probe::runs_tasks_natively(), body(future).callable_word()) {
        (true, 0) => return 0,
        (true, callable) => {
            // SAFETY: the future that is being submitted owns it.
            let callable = unsafe { Argument::borrow(py, callable) };
            match callable.attr_of(&names.get(py, Name::Qualname)) {
                Ok(text) => return table.of_string(text),
                Err(raised) => raised.clear(py),
            }
            names.get(py, Name::TraceName).call(&[&callable])
        }
        (false, _) => names.get(py, Name::TraceName).call(&[&future.bind(py)]),
    };
    match number.and_then(|number| number.to_i64()) {
        Ok(number) => u32::try_from(number).unwrap_or(0),
        Err(raised) => {
            raised.clear(py);
            0
        }
    }
}

/// Hook: the calling thread has started a future, and its call comes next.
#[inline]
pub fn started(future: &Stored) {
    // SAFETY: whoever started a future has its span for itself.
    if let Some(span) = unsafe { body(future).extra.span() } {
        span.started = now();
        span.outer = CURRENT.replace(span.id);
    }
}

/// Hook: a future is about to be done.
#[inline]
pub fn ended(py: Attached<'_>, future: &Stored, life: Life) {
    if let Some(span) = body(future).extra.take_span() {
        ended_cold(py, future, *span, life);
    }
}

#[cold]
fn ended_cold(py: Attached<'_>, future: &Stored, span: Span, life: Life) {
    let ended = now();
    if span.started != 0 {
        CURRENT.set(span.outer);
    }
    let runtime = body(future).runtime();
    if span.session != runtime.tracer().session() {
        return;
    }
    let outcome = match life {
        Life::Cancelled => Outcome::Cancelled,
        Life::Error => Outcome::Error(exception_name(py, runtime, future)),
        _ => Outcome::Value,
    };
    let worker = runtime.pool().and_then(|pool| pool.current_index());
    let worker = worker.and_then(|index| i32::try_from(index).ok()).unwrap_or(-1);
    let session = span.session;
    with_here(py, runtime, session, |here| {
        here.buffer.push(Record { span, ended, outcome, thread: here.thread, worker });
    });
}

#[cold]
fn exception_name(py: Attached<'_>, runtime: &'static Runtime, future: &Stored) -> u32 {
    let owner = future.bind(py);
    let name = body(future)
        .result(&owner, Life::Error)
        .and_then(|exception| exception.attr(c"__class__"))
        .and_then(|class| class.attr(c"__name__"));
    match name {
        Ok(text) => runtime.tracer().names.get_or_init(Names::default).of_string(text),
        Err(raised) => {
            raised.clear(py);
            0
        }
    }
}

/// Calls `use_it` with the calling thread's place in the session, which it joins if it has none.
/// None: the session has ended.
fn with_here<R>(
    py: Attached<'_>,
    runtime: &'static Runtime,
    session: u32,
    use_it: impl FnOnce(&Here) -> R,
) -> Option<R> {
    let is_in = HERE.with_borrow(|here| here.as_ref().is_some_and(|here| here.session == session));
    if !is_in {
        let name = runtime.names().get(py, Name::ThreadName).call(&[]);
        let name = name.and_then(|name| name.to_text()).unwrap_or_else(|raised| {
            raised.clear(py);
            String::from("?")
        });
        let joined = runtime.tracer().join(session, &name)?;
        HERE.with_borrow_mut(|here| *here = Some(joined));
    }
    HERE.with_borrow(|here| here.as_ref().map(use_it))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
