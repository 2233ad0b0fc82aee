//! Handles: the only way to reach a Python object.
//!
//! [`Handle`] owns a reference and closes it when dropped; [`Argument`] is one that the caller
//! keeps alive for the duration of a call. Threads: attached, by their lifetime.

use std::ffi::CStr;
use std::mem::ManuallyDrop;
use std::ops::Deref;

use crate::attached::{context, Attached};
use crate::bindings::{self, HPy};
use crate::error::{checked_status, PyResult, Raised};
use crate::probe;

/// A reference to a Python object, closed when dropped.
pub struct Handle<'py> {
    raw: HPy,
    py: Attached<'py>,
}

impl Drop for Handle<'_> {
    #[inline]
    fn drop(&mut self) {
        context!(self.py, ctx_Close, self.raw);
    }
}

impl<'py> Handle<'py> {
    /// `raw` is open, and owned by nobody else.
    #[inline]
    pub(crate) fn from_open(py: Attached<'py>, raw: HPy) -> Self {
        Handle { raw, py }
    }

    #[inline]
    pub(crate) fn as_raw(&self) -> HPy {
        self.raw
    }

    /// The attachment that this handle lives in.
    #[inline]
    pub fn py(&self) -> Attached<'py> {
        self.py
    }

    /// The raw word of the object: to reach a native body, or to compare.
    #[inline]
    pub fn word(&self) -> isize {
        if probe::checks_handles() {
            let this = ManuallyDrop::new(self.dup());
            // SAFETY: a duplicate that is disowned and released at once; `self` keeps the object.
            unsafe {
                let word = bindings::hpyx_disown(this.raw);
                crate::stored::release(self.py, word);
                word
            }
        } else {
            self.raw._i
        }
    }

    /// Gives the reference away as a raw word: the handle is closed, the reference is not.
    #[inline]
    pub fn into_word(self) -> isize {
        let this = ManuallyDrop::new(self);
        if probe::checks_handles() {
            // SAFETY: the handle is open, and forgotten here.
            unsafe { bindings::hpyx_disown(this.raw) }
        } else {
            this.raw._i
        }
    }

    /// Which object this is: the word that [`Handle::into_word`] would give away.
    #[inline]
    pub fn as_word(&self) -> isize {
        match probe::checks_handles() {
            // SAFETY: the handle is open.
            true => unsafe { bindings::hpyx_peek(self.raw) },
            false => self.raw._i,
        }
    }

    /// A handle that takes over the reference in `word`.
    ///
    /// # Safety
    /// `word` is a reference that is owned and now given away.
    #[inline]
    pub unsafe fn from_word(py: Attached<'py>, word: isize) -> Self {
        let raw = if probe::checks_handles() {
            // SAFETY: the caller gives the reference away.
            unsafe { bindings::hpyx_own(word) }
        } else {
            HPy { _i: word }
        };
        Handle { raw, py }
    }

    /// Another handle to the same object.
    #[inline]
    pub fn dup(&self) -> Handle<'py> {
        Handle { raw: context!(self.py, ctx_Dup, self.raw), py: self.py }
    }

    /// `getattr(self, name)`.
    pub fn attr(&self, name: &CStr) -> PyResult<'py, Handle<'py>> {
        self.py.own(context!(self.py, ctx_GetAttr_s, self.raw, name.as_ptr()))
    }

    /// `getattr(self, name)` with a name that is a `str` object already.
    #[inline]
    pub fn attr_of(&self, name: &Handle<'_>) -> PyResult<'py, Handle<'py>> {
        self.py.own(context!(self.py, ctx_GetAttr, self.raw, name.raw))
    }

    /// `setattr(self, name, value)`.
    pub fn set_attr(&self, name: &CStr, value: &Handle<'_>) -> PyResult<'py, ()> {
        checked_status(
            self.py,
            context!(self.py, ctx_SetAttr_s, self.raw, name.as_ptr(), value.raw),
        )
    }

    /// `self[key] = value` with a `str` key.
    pub fn set_item(&self, key: &CStr, value: &Handle<'_>) -> PyResult<'py, ()> {
        checked_status(self.py, context!(self.py, ctx_SetItem_s, self.raw, key.as_ptr(), value.raw))
    }

    /// The next item of this iterator; `None`: there is no more.
    #[inline]
    pub fn next_item(&self) -> PyResult<'py, Option<Handle<'py>>> {
        let raw = context!(self.py, ctx_Iter_Next, self.raw);
        match raw._i != 0 {
            true => Ok(Some(Handle::from_open(self.py, raw))),
            false => self.or_raised(None, true),
        }
    }

    /// `self.append(item)` of a `list`.
    pub fn append(&self, item: &Handle<'_>) -> PyResult<'py, ()> {
        checked_status(self.py, context!(self.py, ctx_List_Append, self.raw, item.raw))
    }

    /// `self(*args)`.
    pub fn call(&self, args: &[&Handle<'_>]) -> PyResult<'py, Handle<'py>> {
        const ON_STACK: usize = 4;
        let names = HPy { _i: 0 };
        if args.len() > ON_STACK {
            let raw: Vec<HPy> = args.iter().map(|argument| argument.raw).collect();
            return self.py.own(context!(
                self.py,
                ctx_Call,
                self.raw,
                raw.as_ptr(),
                raw.len(),
                names
            ));
        }
        let mut raw = [names; ON_STACK];
        for (place, argument) in raw.iter_mut().zip(args) {
            *place = argument.raw;
        }
        self.py.own(context!(self.py, ctx_Call, self.raw, raw.as_ptr(), args.len(), names))
    }

    /// `self(*args)`, the last of which have these names (a tuple).
    pub fn call_named(
        &self,
        args: &[Handle<'_>],
        names: Option<&Handle<'py>>,
    ) -> PyResult<'py, Handle<'py>> {
        let raw: Vec<HPy> = args.iter().map(|argument| argument.raw).collect();
        let positional = match names {
            Some(names) => raw.len() - names.len()?,
            None => raw.len(),
        };
        let names = names.map_or(HPy { _i: 0 }, |names| names.raw);
        self.py.own(context!(self.py, ctx_Call, self.raw, raw.as_ptr(), positional, names))
    }

    /// The object's class.
    pub fn class(&self) -> PyResult<'py, Handle<'py>> {
        self.py.own(context!(self.py, ctx_Type, self.raw))
    }

    /// `callable(self)`.
    pub fn is_callable(&self) -> bool {
        context!(self.py, ctx_Callable_Check, self.raw) != 0
    }

    /// `isinstance(self, class)`.
    pub fn is_instance(&self, class: &Handle<'_>) -> PyResult<'py, bool> {
        let answer = context!(self.py, ctx_TypeCheck, self.raw, class.raw);
        checked_status(self.py, answer).map(|()| answer != 0)
    }

    /// `self is other`.
    #[inline]
    pub fn is(&self, other: &Handle<'_>) -> bool {
        context!(self.py, ctx_Is, self.raw, other.raw) != 0
    }

    /// `bool(self)`.
    pub fn is_true(&self) -> PyResult<'py, bool> {
        let answer = context!(self.py, ctx_IsTrue, self.raw);
        checked_status(self.py, answer).map(|()| answer != 0)
    }

    /// `len(self)`.
    #[inline]
    pub fn len(&self) -> PyResult<'py, usize> {
        let length = context!(self.py, ctx_Length, self.raw);
        usize::try_from(length).map_err(|_| Raised::assume(self.py))
    }

    /// `len(self) == 0`.
    #[inline]
    pub fn is_empty(&self) -> PyResult<'py, bool> {
        self.len().map(|length| length == 0)
    }

    /// The value of an `int`.
    pub fn to_i64(&self) -> PyResult<'py, i64> {
        let value = context!(self.py, ctx_Long_AsInt64_t, self.raw);
        self.or_raised(value, value == -1)
    }

    /// The value of anything that `float()` takes.
    pub fn to_f64(&self) -> PyResult<'py, f64> {
        let value = context!(self.py, ctx_Float_AsDouble, self.raw);
        self.or_raised(value, value == -1.0)
    }

    /// `str(self)`.
    pub fn to_text(&self) -> PyResult<'py, String> {
        let text = self.py.own(context!(self.py, ctx_Str, self.raw))?;
        let mut size = 0;
        let bytes = context!(self.py, ctx_Unicode_AsUTF8AndSize, text.raw, &mut size);
        if bytes.is_null() {
            return Err(Raised::assume(self.py));
        }
        // SAFETY: `size` bytes of UTF-8, alive as long as `text`, which is dropped after the copy.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), size as usize) };
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    fn or_raised<T>(&self, value: T, maybe: bool) -> PyResult<'py, T> {
        if maybe && context!(self.py, ctx_Err_Occurred) != 0 {
            return Err(Raised::assume(self.py));
        }
        Ok(value)
    }

    /// Whether an instance of this class can be made in the memory of one that died.
    pub fn is_revivable(&self) -> bool {
        // SAFETY: attached; this is a class.
        unsafe { bindings::hpyx_class_is_revivable(self.as_word()) != 0 }
    }

    /// A new instance of this class (a native type, or derived from one), without `__init__`.
    #[inline]
    pub fn new_instance(&self) -> PyResult<'py, Handle<'py>> {
        self.py.own(context!(self.py, ctx_New, self.raw))
    }
}

/// A handle to an object that somebody else keeps alive for `'py`: an argument, or what a
/// [`crate::Stored`] holds. It closes nothing.
pub struct Argument<'py>(ManuallyDrop<Handle<'py>>);

impl<'py> Argument<'py> {
    /// # Safety
    /// The object in `word` stays alive for `'py`.
    #[inline]
    pub unsafe fn borrow(py: Attached<'py>, word: isize) -> Self {
        let raw = if probe::checks_handles() {
            // SAFETY: the caller keeps the object alive.
            unsafe { bindings::hpyx_borrow(word) }
        } else {
            HPy { _i: word }
        };
        Argument(ManuallyDrop::new(Handle { raw, py }))
    }
}

impl Drop for Argument<'_> {
    #[inline]
    fn drop(&mut self) {
        if probe::checks_handles() {
            // SAFETY: made by hpyx_borrow above, and not used afterwards.
            unsafe { bindings::hpyx_unborrow(self.0.raw) }
        }
    }
}

impl<'py> Deref for Argument<'py> {
    type Target = Handle<'py>;

    #[inline]
    fn deref(&self) -> &Handle<'py> {
        &self.0
    }
}
