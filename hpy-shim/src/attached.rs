//! `Attached`: evidence that this thread may touch Python now.
//!
//! Called by: everything. Invariant: a value exists only between the interpreter's call into us (or
//! `hpyx_attach`) and the return (or `hpyx_detach`); its lifetime is that of the attachment.
//! Threads: not Send. Errors: methods that can fail return [`PyResult`] with the Python error set.

use std::ffi::CStr;
use std::marker::PhantomData;

use crate::bindings::{self, HPy, HPyContext};
use crate::error::{checked, checked_status, PyResult, Raised};
use crate::handle::Handle;

/// Evidence that the current thread is attached to the interpreter. Copy it freely.
#[derive(Clone, Copy)]
pub struct Attached<'py> {
    context: &'static HPyContext,
    _not_send: PhantomData<(&'py (), *mut ())>,
}

/// Calls one function of the context: `context!(py, ctx_Dup, handle)`.
macro_rules! context {
    ($py:expr, $member:ident $(, $argument:expr)*) => {{
        let context = $py.context();
        // SAFETY: the tables in c/context.c and c/debug.c fill every member, and holding an
        // `Attached` proves that the thread may call it; handle arguments are open by type.
        unsafe { context.$member.unwrap_unchecked()(context $(, $argument)*) }
    }};
}
pub(crate) use context;

impl<'py> Attached<'py> {
    /// # Safety
    /// The thread is attached, and stays so for `'py`; the library has been loaded.
    #[inline]
    pub unsafe fn assume() -> Self {
        // SAFETY: hpyx_context returns one of two static tables.
        let context = unsafe { &*bindings::hpyx_context() };
        Attached { context, _not_send: PhantomData }
    }

    #[inline]
    pub(crate) fn context(self) -> &'static HPyContext {
        self.context
    }

    /// A handle that takes over the reference in `raw`; an error is set if that is 0.
    #[inline]
    pub(crate) fn own(self, raw: HPy) -> PyResult<'py, Handle<'py>> {
        checked(self, raw)
    }

    /// The integer as an `int`.
    pub fn int(self, value: i64) -> PyResult<'py, Handle<'py>> {
        self.own(context!(self, ctx_Long_FromInt64_t, value))
    }

    /// The same for one that has no sign.
    pub fn unsigned(self, value: u64) -> PyResult<'py, Handle<'py>> {
        self.own(context!(self, ctx_Long_FromUInt64_t, value))
    }

    /// `True` or `False`.
    pub fn bool(self, value: bool) -> PyResult<'py, Handle<'py>> {
        self.own(context!(self, ctx_Bool_FromBool, value.into()))
    }

    /// The text as a `str`.
    pub fn str(self, text: &str) -> PyResult<'py, Handle<'py>> {
        let (bytes, len) = (text.as_ptr().cast(), text.len() as isize);
        self.own(context!(self, ctx_Unicode_FromStringAndSize, bytes, len))
    }

    /// A `tuple` of these.
    pub fn tuple(self, items: &[&Handle<'_>]) -> PyResult<'py, Handle<'py>> {
        let raw: Vec<HPy> = items.iter().map(|item| item.as_raw()).collect();
        self.own(context!(self, ctx_Tuple_FromArray, raw.as_ptr(), raw.len() as isize))
    }

    /// An empty `list`.
    pub fn list(self) -> PyResult<'py, Handle<'py>> {
        self.own(context!(self, ctx_List_New))
    }

    /// An empty `dict`.
    pub fn dict(self) -> PyResult<'py, Handle<'py>> {
        self.own(context!(self, ctx_Dict_New))
    }

    /// `import name`.
    pub fn import(self, name: &CStr) -> PyResult<'py, Handle<'py>> {
        self.own(context!(self, ctx_Import_ImportModule, name.as_ptr()))
    }

    /// Runs the signal handlers that are due; in other threads than the main one, nothing.
    pub fn check_signals(self) -> PyResult<'py, ()> {
        checked_status(self, context!(self, ctx_Err_CheckSignals))
    }

    /// Sets `MemoryError`.
    pub fn no_memory(self) -> Raised<'py> {
        context!(self, ctx_Err_NoMemory);
        Raised::assume(self)
    }
}
