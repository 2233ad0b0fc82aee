//! A call packed for later: callable, arguments, keyword names.
//!
//! Owns: the shapes in which arguments are kept (none, one, a tuple, ...), chosen in c/call.c so
//! that the common task costs no tuple. Called by: the core's `future::body`. Threads: attached.

use crate::attached::Attached;
use crate::bindings::{self, HPyxTask};
use crate::error::{checked, PyResult, Raised};
use crate::handle::{Argument, Handle};
use crate::native::Arguments;
use crate::stored;

/// The references of one packed call, and their shape.
#[derive(Clone, Copy)]
pub struct PackedCall {
    words: HPyxTask,
    shape: u8,
}

impl PackedCall {
    /// Packs `callable(*arguments[skip:])`, taking references of its own.
    #[inline]
    pub fn pack<'py>(
        py: Attached<'py>,
        callable: isize,
        arguments: &Arguments<'py>,
        skip: usize,
    ) -> PyResult<'py, Self> {
        let mut words = HPyxTask::default();
        let (args, nargs, names) = arguments.words_from(skip);
        // SAFETY: the words are arguments of the call that is going on, alive until it returns.
        let shape = unsafe { bindings::hpyx_task_pack(&mut words, callable, args, nargs, names) };
        u8::try_from(shape).map(|shape| PackedCall { words, shape }).map_err(|_| Raised::assume(py))
    }

    /// Packs `callable()`, taking a reference of its own.
    #[inline]
    pub fn of_none(callable: &Handle<'_>) -> Self {
        let words = HPyxTask { callable: callable.dup().into_word(), args: 0, kwargs: 0 };
        PackedCall { words, shape: bindings::HPYX_ARGS_NONE as u8 }
    }

    /// Packs `callable(argument)`, taking references of its own.
    #[inline]
    pub fn of_one(callable: &Handle<'_>, argument: &Handle<'_>) -> Self {
        let (callable, args) = (callable.dup().into_word(), argument.dup().into_word());
        let shape = bindings::HPYX_ARGS_ONE as u8;
        PackedCall { words: HPyxTask { callable, args, kwargs: 0 }, shape }
    }

    /// Packs `callable(*arguments)`, a `tuple`, taking references of its own.
    #[inline]
    pub fn of_tuple(callable: &Handle<'_>, arguments: Handle<'_>) -> Self {
        let (callable, args) = (callable.dup().into_word(), arguments.into_word());
        let shape = bindings::HPYX_ARGS_TUPLE as u8;
        PackedCall { words: HPyxTask { callable, args, kwargs: 0 }, shape }
    }

    /// From the parts that [`PackedCall::into_parts`] gave.
    #[inline]
    pub fn from_parts(callable: isize, args: isize, kwargs: isize, shape: u8) -> Self {
        PackedCall { words: HPyxTask { callable, args, kwargs }, shape }
    }

    /// Callable, arguments, keywords (owned references, 0 when absent) and shape.
    #[inline]
    pub fn into_parts(self) -> (isize, isize, isize, u8) {
        (self.words.callable, self.words.args, self.words.kwargs, self.shape)
    }

    /// What is called.
    ///
    /// # Safety
    /// The references are still owned.
    #[inline]
    pub unsafe fn callable<'py>(&self, py: Attached<'py>) -> Handle<'py> {
        // SAFETY: as the caller promises; duplicated at once.
        unsafe { Argument::borrow(py, self.words.callable) }.dup()
    }

    /// The argument, if there is exactly one, without a keyword.
    ///
    /// # Safety
    /// The references are owned for `'py`.
    #[inline]
    pub unsafe fn only_argument<'py>(&self, py: Attached<'py>) -> Option<Argument<'py>> {
        let is_one = u32::from(self.shape) == bindings::HPYX_ARGS_ONE;
        // SAFETY: as the caller promises.
        is_one.then(|| unsafe { Argument::borrow(py, self.words.args) })
    }

    /// Gives all references up but that of the argument(s), which is returned.
    ///
    /// # Safety
    /// As for [`PackedCall::release`].
    #[inline]
    pub unsafe fn release_but_args(self, py: Attached<'_>) -> isize {
        // SAFETY: as the caller promises.
        unsafe {
            stored::release(py, self.words.callable);
            stored::release(py, self.words.kwargs);
        }
        self.words.args
    }

    /// Makes the call.
    ///
    /// # Safety
    /// The references are still owned.
    #[inline]
    pub unsafe fn call<'py>(&self, py: Attached<'py>) -> PyResult<'py, Handle<'py>> {
        let shape = i32::from(self.shape);
        // SAFETY: attached; the references are alive until `release`.
        let result = unsafe { bindings::hpyx_task_call(py.context(), &self.words, shape) };
        checked(py, result)
    }

    /// Gives the references up.
    ///
    /// # Safety
    /// They are still owned, and not used afterwards.
    #[inline]
    pub unsafe fn release(self, py: Attached<'_>) {
        // SAFETY: as the caller promises.
        unsafe {
            stored::release(py, self.words.callable);
            stored::release(py, self.words.args);
            stored::release(py, self.words.kwargs);
        }
    }
}
