//! References that outlive a call: in a queue, in a task, in the body of a native object.
//!
//! [`Stored`] is one that may travel between threads; [`Slot`] is a place for one in a body that
//! the garbage collector looks into. Neither closes on drop, since dropping may happen on a thread
//! that is not attached: whoever owns one releases it. Threads: any may hold, attached ones may
//! open.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::atomic::{AtomicIsize, Ordering};

use crate::attached::{context, Attached};
use crate::bindings;
use crate::error::{PyResult, Raised};
use crate::handle::{Argument, Handle};
use crate::probe;

/// An owned reference that may be sent to another thread. Release it, or turn it into a handle.
#[must_use = "a stored reference that is dropped is leaked"]
#[derive(Debug)]
pub struct Stored(isize);

// SAFETY: a Stored is only a word; the object behind it is reached through an `Attached`.
unsafe impl Send for Stored {}
// SAFETY: as above.
unsafe impl Sync for Stored {}

impl Stored {
    /// Keeps the reference of `handle`.
    #[inline]
    pub fn new(handle: Handle<'_>) -> Self {
        Stored(handle.into_word())
    }

    /// The object, for as long as this reference is kept.
    #[inline]
    pub fn bind<'a>(&'a self, py: Attached<'a>) -> Argument<'a> {
        // SAFETY: `self` owns a reference for at least `'a`.
        unsafe { Argument::borrow(py, self.0) }
    }

    /// Another reference to the same object.
    #[inline]
    pub fn dup(&self, py: Attached<'_>) -> Stored {
        Stored::new(self.bind(py).dup())
    }

    /// Gives the reference to a handle.
    #[inline]
    pub fn into_handle(self, py: Attached<'_>) -> Handle<'_> {
        // SAFETY: `self` owned the reference, and is gone.
        unsafe { Handle::from_word(py, self.0) }
    }

    /// The word itself, given away.
    #[inline]
    pub fn into_word(self) -> isize {
        self.0
    }

    /// # Safety
    /// `word` is an owned reference, given away by [`Stored::into_word`].
    #[inline]
    pub unsafe fn from_word(word: isize) -> Self {
        Stored(word)
    }

    /// Takes this native object out of the collector's sight.
    #[inline]
    pub fn untrack(&self, _py: Attached<'_>) {
        // SAFETY: attached; an object that is tracked, or not, may be untracked.
        unsafe { bindings::hpyx_object_untrack(self.0) }
    }

    /// Shows this native object to the collector again.
    ///
    /// # Safety
    /// It was untracked, and nobody else does the same meanwhile.
    #[inline]
    pub unsafe fn track(&self, _py: Attached<'_>) {
        // SAFETY: attached; as the caller promises.
        unsafe { bindings::hpyx_object_track(self.0) }
    }

    /// This native object, which is in the collector's sight, has got its first attribute, or may
    /// have. Where fields are attributes it must be said, or a cycle through them may stay.
    #[inline]
    pub fn got_attributes(&self, _py: Attached<'_>) {
        // SAFETY: attached; a native object that is tracked.
        unsafe { bindings::hpyx_object_got_attributes(self.0) }
    }

    /// Whether this is the only reference, so that nobody else can reach the object. A no may mean
    /// that it cannot be told here.
    #[inline]
    pub fn is_only_reference(&self, _py: Attached<'_>) -> bool {
        // SAFETY: attached; the object is alive.
        probe::probe().refcounts_are_known != 0
            && unsafe { bindings::hpyx_object_has_one_reference(self.0) != 0 }
    }

    /// Which object this is; only to compare, or to reach a native body.
    #[inline]
    pub fn word(&self) -> isize {
        self.0
    }
}

/// A [`Stored`] look-alike without a reference of its own, to an object that somebody else keeps
/// alive for `'py`.
pub struct Lent<'py> {
    stored: ManuallyDrop<Stored>,
    _kept_alive: PhantomData<&'py ()>,
}

impl Lent<'_> {
    /// # Safety
    /// The object in `word` stays alive for the lifetime.
    #[inline]
    pub(crate) unsafe fn assume(word: isize) -> Self {
        Lent { stored: ManuallyDrop::new(Stored(word)), _kept_alive: PhantomData }
    }
}

impl Deref for Lent<'_> {
    type Target = Stored;

    #[inline]
    fn deref(&self) -> &Stored {
        &self.stored
    }
}

/// A place for one reference in the body of a native object. Zeroed memory is an empty slot.
///
/// The word is atomic so that the collector's walk and a racing `take` are defined; whoever fills a
/// slot publishes it by other means (a future's state), hence Relaxed.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Slot(AtomicIsize);

impl Slot {
    /// Puts a reference in, or 0; what was there is overwritten, so the slot must be empty.
    #[inline]
    pub fn fill(&self, word: isize) {
        debug_assert_eq!(self.0.load(Ordering::Relaxed), 0, "filled a slot that is in use");
        self.0.store(word, Ordering::Relaxed);
    }

    /// Takes the reference out, as a word (0 when empty).
    #[inline]
    pub fn take(&self) -> isize {
        let word = self.0.load(Ordering::Relaxed);
        self.0.store(0, Ordering::Relaxed);
        word
    }

    /// Takes the reference out where two threads may try: exactly one gets it.
    #[inline]
    pub fn take_shared(&self) -> isize {
        self.0.swap(0, Ordering::Relaxed)
    }

    /// The object, if there is one and its owner keeps it there.
    #[inline]
    pub fn get<'py>(&self, py: Attached<'py>) -> Option<Handle<'py>> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            // SAFETY: the slot owns a reference; the argument is duplicated at once.
            word => Some(unsafe { Argument::borrow(py, word) }.dup()),
        }
    }

    /// The word of the reference, which the slot keeps; 0 when it is empty.
    #[inline]
    pub fn word(&self) -> isize {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether there is a reference.
    #[inline]
    pub fn is_filled(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Whether the object in it can be part of a reference cycle, going by its type.
    #[inline]
    pub fn is_collectable(&self, _py: Attached<'_>) -> bool {
        match self.0.load(Ordering::Relaxed) {
            0 => false,
            // SAFETY: attached; the slot owns a reference.
            word => unsafe { bindings::hpyx_object_is_collectable(word) != 0 },
        }
    }

    /// Shows the reference to the collector.
    ///
    /// # Safety
    /// Called from `tp_traverse` with its own arguments.
    pub unsafe fn visit(&self, visit: *mut c_void, arg: *mut c_void) -> i32 {
        match self.0.load(Ordering::Relaxed) {
            0 => 0,
            // SAFETY: passed on from tp_traverse.
            word => unsafe { bindings::hpyx_visit(word, visit, arg) },
        }
    }
}

/// Gives up a reference that a word holds (0: nothing to do).
///
/// # Safety
/// `word` is 0 or an owned reference.
#[inline]
pub unsafe fn release(_py: Attached<'_>, word: isize) {
    // SAFETY: attached, and the reference is ours to give up.
    unsafe { bindings::hpyx_release(word) }
}

impl Stored {
    /// Shows the reference to the collector.
    ///
    /// # Safety
    /// Called from `tp_traverse` with its own arguments.
    pub unsafe fn visit(&self, visit: *mut c_void, arg: *mut c_void) -> i32 {
        // SAFETY: passed on from tp_traverse.
        unsafe { bindings::hpyx_visit(self.0, visit, arg) }
    }
}

impl<'py> Handle<'py> {
    /// Fills a slot in the body of this object. Where the collector does not look into bodies, the
    /// value is kept as an attribute instead.
    #[inline]
    pub fn fill_field(&self, slot: &Slot, value: Handle<'_>) {
        if !probe::fields_are_attributes() {
            slot.fill(value.into_word());
            return;
        }
        let py = self.py();
        let field = std::ptr::from_ref(slot).cast_mut().cast();
        let status = context!(py, ctx_Field_Store, self.as_raw(), field, value.as_raw());
        if status < 0 {
            Raised::assume(py).write_unraisable(py, self);
        }
    }

    /// A handle to what [`Handle::fill_field`] put there.
    #[inline]
    pub fn load_field(&self, slot: &Slot) -> PyResult<'py, Handle<'py>> {
        let py = self.py();
        if !slot.is_filled() {
            let class = py.import(c"builtins")?.attr(c"RuntimeError")?;
            return Err(py.raise(&class, "the garbage collector has cleared this object already"));
        }
        let field = std::ptr::from_ref(slot).cast();
        py.own(context!(py, ctx_Field_Load, self.as_raw(), field))
    }
}
