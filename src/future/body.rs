//! The native part of a `hpyx.Future`.
//!
//! Owns: the packed call while the future is pending, its result afterwards, its callbacks.
//! Called by: `future::run`, `bridge::future_type`, the collector (through `NativeBody`).
//!
//! | field | who writes | who reads | protected by |
//! |---|---|---|---|
//! | state | see `state` | all | itself |
//! | scope | birth; whoever ends the future takes it | the same | ending happens once |
//! | callable, args, kwargs, shape, context | birth; whoever starts or cancels takes them | the
//! same | `try_start` and `try_cancel` exclude each other |
//! | args, after a failure | whoever ends the future, before `complete`: the reporter of `lost` |
//! whoever retrieves the exception | a swap: one takes it |
//! | hidden | submit; whoever shows the future | the same | a swap: one shows it |
//! | deferred | submit; whoever launches the future | all | a swap: one launches it |
//! | extra | see `extra` | the same | as the call |
//! | home | birth, submit | all | immutable once it is queued |
//! | result | whoever ends the future, before `complete`; whoever has the only reference takes it |
//! whoever saw `is_done` | Release/Acquire on state |
//!
//! Invariant: all zero is a valid, dead body (what the interpreter's allocation gives us).
//! Threads: fields change only while attached, so that the collector sees none of it half-done.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};
use std::sync::Arc;

use hpy_shim::native::{Dead, NativeBody};
use hpy_shim::task::PackedCall;
use hpy_shim::{probe, stored_release, Attached, Handle, PyResult, Slot, Stored};

use crate::bridge::names::Name;
use crate::bridge::runtime::Runtime;
use crate::compose::join::Join;
use crate::executor::scope::Scope;
use crate::future::callback::Callback;
use crate::future::extra::Extra;
use crate::future::give_back::Home;
use crate::future::recycle;
use crate::future::state::{Life, State};

/// In `shape`, of a future that failed: `args` holds the reporter of the failure.
const HAS_REPORTER: u8 = u8::MAX;

/// See the module.
#[repr(C)]
#[derive(Default)]
pub struct FutureBody {
    /// The word that says how far the future is.
    pub state: State<Callback>,
    /// What it waits for, and what the trace will say of it.
    pub extra: Extra,
    home: AtomicPtr<Home>,
    scope: AtomicPtr<Scope>,
    callable: Slot,
    args: Slot,
    kwargs: Slot,
    context: Slot,
    result: Slot,
    shape: AtomicU8,
    breaking: AtomicU8,
    hidden: AtomicU8,
    deferred: AtomicU8,
}

impl FutureBody {
    /// The future belongs to this home's runtime, and goes there when its task is done. At birth,
    /// and once more before it is queued.
    #[inline]
    pub fn set_home(&self, home: &'static Home) {
        self.home.store(std::ptr::from_ref(home).cast_mut(), Ordering::Relaxed);
    }

    /// See `set_home`.
    #[inline]
    pub fn home(&self) -> &'static Home {
        // SAFETY: set at birth, before anybody saw the future; homes are never freed.
        unsafe { &*self.home.load(Ordering::Relaxed) }
    }

    /// The runtime that the future belongs to.
    #[inline]
    pub fn runtime(&self) -> &'static Runtime {
        self.home().runtime
    }

    /// False for an object that no submission made (some interpreters let object.__new__ make one).
    #[inline]
    pub fn has_runtime(&self) -> bool {
        !self.home.load(Ordering::Relaxed).is_null()
    }

    /// The future runs this call, in these context variables (0: none). Once, before it is queued.
    #[inline]
    pub fn set_call(&self, call: PackedCall, context: isize) {
        let (callable, args, kwargs, shape) = call.into_parts();
        self.callable.fill(callable);
        self.args.fill(args);
        self.kwargs.fill(kwargs);
        self.context.fill(context);
        self.shape.store(shape, Ordering::Relaxed);
    }

    /// Takes the call and its context variables. Only by whoever started or cancelled the future.
    #[inline]
    pub fn take_call(&self) -> (PackedCall, isize) {
        let shape = self.shape.load(Ordering::Relaxed);
        let call = PackedCall::from_parts(
            self.callable.take(),
            self.args.take(),
            self.kwargs.take(),
            shape,
        );
        (call, self.context.take())
    }

    /// Keeps the argument of a call that was made until the future dies.
    #[inline]
    pub fn keep_argument(&self, argument: isize) {
        self.args.fill(argument);
    }

    /// Keeps the reporter of a failure (see `lost`), where the arguments of the call were. By
    /// whoever ends the future, before `complete`.
    pub fn keep_reporter(&self, reporter: Handle<'_>) {
        self.shape.store(HAS_REPORTER, Ordering::Relaxed);
        self.args.fill(reporter.into_word());
    }

    /// Takes the reporter out: one thread gets it. Only of a future that has failed.
    #[inline]
    pub fn take_reporter<'py>(&self, py: Attached<'py>) -> Option<Handle<'py>> {
        let has_one = self.shape.load(Ordering::Relaxed) == HAS_REPORTER && self.args.is_filled();
        match has_one.then(|| self.args.take_shared()) {
            None | Some(0) => None,
            // SAFETY: owned by the slot, taken out of it just now, by this thread alone.
            Some(word) => Some(unsafe { Handle::from_word(py, word) }),
        }
    }

    /// What it waits for. Only for whoever claimed the future.
    pub fn join(&self) -> Option<Arc<Join>> {
        // SAFETY: the caller has the future for itself.
        let join = unsafe { self.extra.join() }? as *const Join;
        // SAFETY: from an Arc that the body has until `take_join`, which is the same caller's to
        // call.
        unsafe {
            Arc::increment_strong_count(join);
            Some(Arc::from_raw(join))
        }
    }

    /// What the future was to call: a callable or, where calls are packed in Python, a tuple. Only
    /// for whoever claimed the future.
    pub fn packed_call<'py>(&self, owner: &Handle<'py>) -> Option<Handle<'py>> {
        if probe::runs_tasks_natively() {
            return self.callable.get(owner.py());
        }
        let call = owner.attr(c"_hpyx_call").map_err(|raised| raised.clear(owner.py())).ok()?;
        (!call.is(&self.runtime().names().get(owner.py(), Name::None))).then_some(call)
    }

    /// The callable of the call that is packed, as a word that the body owns; 0: none.
    #[inline]
    pub fn callable_word(&self) -> isize {
        self.callable.word()
    }

    /// The executor's scope, for whoever ends the future.
    #[inline]
    pub fn scope(&self) -> *const Scope {
        self.scope.load(Ordering::Relaxed)
    }

    /// The future belongs to this scope. Once, before it is queued.
    #[inline]
    pub fn set_scope(&self, scope: *const Scope) {
        self.scope.store(scope.cast_mut(), Ordering::Relaxed);
    }

    /// Takes the scope out. Only by whoever ends the future.
    #[inline]
    pub fn take_scope(&self) -> *const Scope {
        let scope = self.scope.load(Ordering::Relaxed);
        self.scope.store(std::ptr::null_mut(), Ordering::Relaxed);
        scope
    }

    /// Keeps the result (value or exception). Before `complete`, by whoever completes.
    #[inline]
    pub fn keep_result<'py>(
        &self,
        py: Attached<'py>,
        owner: &Stored,
        life: Life,
        result: Handle<'py>,
    ) {
        let future = owner.bind(py);
        if probe::runs_tasks_natively() {
            return future.fill_field(&self.result, result);
        }
        let attribute = if life == Life::Value { c"_hpyx_value" } else { c"_hpyx_error" };
        if let Err(raised) = future.set_attr(attribute, &result) {
            raised.write_unraisable(py, &future);
        }
        owner.got_attributes(py);
    }

    /// The result of a future that is done.
    #[inline]
    pub fn result<'py>(&self, owner: &Handle<'py>, life: Life) -> PyResult<'py, Handle<'py>> {
        if probe::runs_tasks_natively() {
            return owner.load_field(&self.result);
        }
        owner.attr(if life == Life::Value { c"_hpyx_value" } else { c"_hpyx_error" })
    }

    /// The collector need not look at a future while it is queued: the queue's reference, which it
    /// does not see, keeps the future alive anyway. Once, before it is queued.
    #[inline]
    pub fn hide_from_collector(&self, py: Attached<'_>, owner: &Stored) {
        self.is_out_of_sight();
        owner.untrack(py);
    }

    /// The same, of a future that the collector has never seen.
    #[inline]
    pub fn is_out_of_sight(&self) {
        self.hidden.store(1, Ordering::Relaxed);
    }

    /// The collector looks at the future from now on: it may be part of a cycle.
    #[inline]
    pub fn show_to_collector(&self, py: Attached<'_>, owner: &Stored) {
        if self.is_hidden() && self.hidden.swap(0, Ordering::Relaxed) != 0 {
            // SAFETY: hidden before it was queued; the swap lets one thread through.
            unsafe { owner.track(py) };
        }
    }

    /// The same, if the result may be part of a cycle. A number or a string never is.
    #[inline]
    pub fn show_if_result_is_collectable(&self, py: Attached<'_>, owner: &Stored) {
        if self.is_hidden() && self.result.is_collectable(py) {
            self.show_to_collector(py, owner);
        }
    }

    /// The future is in no queue: whoever asks for it runs it. Once, when it is submitted.
    pub fn defer(&self) {
        self.deferred.store(1, Ordering::Relaxed);
    }

    /// Whether it is in no queue.
    #[inline]
    pub fn is_deferred(&self) -> bool {
        self.deferred.load(Ordering::Relaxed) != 0
    }

    /// True for one caller, who must queue it.
    pub fn take_deferred(&self) -> bool {
        self.deferred.swap(0, Ordering::Relaxed) != 0
    }

    /// Gives up the result. Only by whoever has the only reference to a future that is done.
    #[inline]
    pub fn give_up_result(&self, py: Attached<'_>) {
        // SAFETY: taken out just now; the caller has the future for itself.
        unsafe { stored_release(py, self.result.take()) };
    }

    /// The result of a future that is done and hidden, which nobody takes away.
    #[inline]
    pub fn hidden_result<'py>(&self, py: Attached<'py>) -> Option<Handle<'py>> {
        self.result.get(py)
    }

    /// Whether the collector does not look at it.
    #[inline]
    pub fn is_hidden(&self) -> bool {
        self.hidden.load(Ordering::Relaxed) != 0
    }

    /// True for one caller only: the one who ends a future that a fork left behind.
    pub fn claim_breaking(&self) -> bool {
        // ORDER: AcqRel; the others only wait for `is_done`, which `complete` publishes.
        self.breaking.swap(1, Ordering::AcqRel) == 0
    }
}

impl FutureBody {
    fn discard_callbacks(&self, py: Attached<'_>) {
        for callback in self.state.take_callbacks().into_callbacks() {
            callback.discard(py);
        }
    }
}

impl NativeBody for FutureBody {
    fn release(&self, py: Attached<'_>) {
        let (call, context) = self.take_call();
        // SAFETY: taken out just now; the object is dying, nobody else looks.
        unsafe {
            call.release(py);
            stored_release(py, context);
            stored_release(py, self.result.take());
        }
        if let Some(join) = self.extra.take_join() {
            join.release(py);
        }
        drop(self.extra.take_span());
        let scope = self.take_scope();
        if !scope.is_null() {
            // SAFETY: a future that was never ended still counts in its scope.
            unsafe { Scope::leave(scope, self.runtime()) };
        }
        self.discard_callbacks(py);
    }

    unsafe fn traverse(&self, visit: *mut c_void, arg: *mut c_void) -> i32 {
        for slot in [&self.callable, &self.args, &self.kwargs, &self.context, &self.result] {
            // SAFETY: tp_traverse's own arguments.
            let stop = unsafe { slot.visit(visit, arg) };
            if stop != 0 {
                return stop;
            }
        }
        // SAFETY: null, or counted by the body; it is taken out attached, not during a traversal.
        if let Some(join) = unsafe { self.extra.join() } {
            // SAFETY: tp_traverse's own arguments.
            let stop = unsafe { join.visit(visit, arg) };
            if stop != 0 {
                return stop;
            }
        }
        // SAFETY: during a traversal nobody completes or takes callbacks: that happens attached.
        unsafe { self.state.visit_callbacks(|callback| callback.visit(visit, arg)) }
    }

    fn class_word(&self) -> isize {
        // Futures are made by `new_instance` of the registered class only.
        match self.has_runtime() {
            true => self.runtime().names().word(Name::Future),
            false => 0,
        }
    }

    #[inline]
    fn keep(&self, py: Attached<'_>, dead: Dead) -> Result<(), Dead> {
        match self.has_runtime() {
            true => recycle::keep(py, self.runtime(), dead),
            false => Err(dead),
        }
    }

    fn clear(&self, py: Attached<'_>) {
        // SAFETY: taken out just now. Only unreachable objects are cleared.
        unsafe { stored_release(py, self.result.take()) };
        self.discard_callbacks(py);
    }
}
