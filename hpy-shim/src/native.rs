//! Types and modules of our own: how the interpreter calls into Rust.
//!
//! Owns: the trampolines (macros [`method!`], [`function!`], [`module_entry!`]) and the view of
//! arguments. Called by: the core's `bridge`. Invariants: a trampoline is registered only on the
//! type whose body it names; a body is zeroed memory when the object is new.
//! Threads: attached. Errors: a function that fails returns NULL with the error set.

use std::ffi::{c_void, CStr};
use std::marker::PhantomData;

use crate::attached::{context, Attached};
use crate::bindings::{self, HPyMeth, HPyType_Spec};
use crate::error::{PyResult, Raised};
use crate::handle::{Argument, Handle};
use crate::probe;
use crate::stored::{Lent, Stored};

/// The object that a method was called on, with its body.
pub struct This<'py, Body> {
    word: isize,
    _body: PhantomData<&'py Body>,
}

impl<'py, Body> This<'py, Body> {
    /// # Safety
    /// `word` is an object, alive for `'py`, of a native type whose body is `Body`.
    #[inline]
    pub unsafe fn assume(word: isize) -> Self {
        This { word, _body: PhantomData }
    }

    /// Our part of the object.
    #[inline]
    pub fn body(&self) -> &'py Body {
        // SAFETY: `assume` promised the type; the body lies behind the probed header.
        unsafe { body_of(self.word) }
    }

    /// The raw word of the object.
    #[inline]
    pub fn word(&self) -> isize {
        self.word
    }

    /// A handle to the object.
    #[inline]
    pub fn handle(&self, py: Attached<'py>) -> Handle<'py> {
        self.borrow(py).dup()
    }

    /// The object, without a reference of its own: the caller keeps it alive.
    #[inline]
    pub fn borrow(&self, py: Attached<'py>) -> Argument<'py> {
        // SAFETY: alive for 'py.
        unsafe { Argument::borrow(py, self.word) }
    }

    /// The same, for functions that take what a queue would hold.
    #[inline]
    pub fn lend(&self) -> Lent<'py> {
        // SAFETY: alive for 'py, and a `Lent` gives nothing up.
        unsafe { Lent::assume(self.word) }
    }
}

/// The body of an object.
///
/// # Safety
/// `word` is an object, alive for `'a`, of a native type whose body is `Body`.
#[inline]
pub unsafe fn body_of<'a, Body>(word: isize) -> &'a Body {
    let body = word + probe::probe().header_size as isize;
    // SAFETY: the type was made with room for a Body there, zeroed at birth.
    unsafe { &*(body as *const Body) }
}

/// The module that a function was called on.
pub struct Module<'py> {
    word: isize,
    _py: PhantomData<&'py ()>,
}

impl<'py> Module<'py> {
    /// # Safety
    /// `word` is a module made by `hpyx_module_init`, alive for `'py`.
    #[inline]
    pub unsafe fn assume(word: isize) -> Self {
        Module { word, _py: PhantomData }
    }

    /// The state block of the module in this interpreter.
    ///
    /// # Safety
    /// The module's definition has `size_of::<State>()` as its state size; zeroed is a valid State.
    #[inline]
    pub unsafe fn state<State>(&self) -> &'py State {
        // SAFETY: as the caller promises.
        unsafe { &*bindings::hpyx_module_state(self.word).cast::<State>() }
    }

    /// A handle to the module.
    pub fn handle(&self, py: Attached<'py>) -> Handle<'py> {
        // SAFETY: alive for 'py; duplicated at once.
        unsafe { Argument::borrow(py, self.word) }.dup()
    }
}

/// The arguments of a call: positional ones, then the values of the keywords.
pub struct Arguments<'py> {
    words: *const isize,
    positional: usize,
    names: isize,
    py: Attached<'py>,
}

impl<'py> Arguments<'py> {
    /// How many positional arguments there are.
    #[inline]
    pub fn positional(&self) -> usize {
        self.positional
    }

    /// Whether there are keyword arguments.
    #[inline]
    pub fn has_keywords(&self) -> bool {
        self.names != 0
    }

    /// How many arguments there are, values of keywords included.
    pub fn count(&self) -> PyResult<'py, usize> {
        if self.names == 0 {
            return Ok(self.positional);
        }
        // SAFETY: alive for the call.
        let names = unsafe { Argument::borrow(self.py, self.names) };
        Ok(self.positional + names.len()?)
    }

    /// The names of the keywords, as an owned word: a tuple, or 0.
    pub fn names(&self) -> isize {
        match self.names {
            0 => 0,
            // SAFETY: alive for the call.
            names => unsafe { Argument::borrow(self.py, names) }.dup().into_word(),
        }
    }

    /// Argument `index` of all, values of keywords (which follow the positional ones) included;
    /// below `count()`.
    #[inline]
    pub fn value(&self, index: usize) -> Argument<'py> {
        // SAFETY: in range, as the caller has looked up; alive for the call.
        unsafe { Argument::borrow(self.py, *self.words.add(index)) }
    }

    /// The raw words from argument `skip` on, how many are positional, and the keyword names.
    #[inline]
    pub(crate) fn words_from(&self, skip: usize) -> (*const isize, isize, isize) {
        debug_assert!(skip <= self.positional);
        // SAFETY: `skip` is at most the number of positional arguments.
        let words = unsafe { self.words.add(skip) };
        (words, (self.positional - skip) as isize, self.names)
    }

    /// The raw word of positional argument `index`.
    #[inline]
    pub fn word(&self, index: usize) -> isize {
        assert!(index < self.positional, "argument {index} of {}", self.positional);
        // SAFETY: in range.
        unsafe { *self.words.add(index) }
    }

    /// Positional argument `index`.
    #[inline]
    pub fn at(&self, index: usize) -> Argument<'py> {
        // SAFETY: the caller of the function keeps its arguments alive.
        unsafe { Argument::borrow(self.py, self.word(index)) }
    }

    /// The arguments by parameter name; a parameter that was not given is `None`. `type_error` is
    /// the class to raise when there are too many, or one has an unknown name.
    pub fn bind<const N: usize>(
        &self,
        function: &str,
        parameters: [&str; N],
        type_error: &Handle<'_>,
    ) -> PyResult<'py, [Option<Argument<'py>>; N]> {
        let mut bound = [const { None }; N];
        if self.positional > N {
            let text = format!(
                "{function}() takes at most {N} arguments ({} given): {}",
                self.positional,
                parameters.join(", ")
            );
            return Err(self.py.raise(type_error, &text));
        }
        for (index, place) in bound.iter_mut().enumerate().take(self.positional) {
            *place = Some(self.at(index));
        }
        self.bind_keywords(function, &parameters, &mut bound, type_error)?;
        Ok(bound)
    }

    fn bind_keywords(
        &self,
        function: &str,
        parameters: &[&str],
        bound: &mut [Option<Argument<'py>>],
        type_error: &Handle<'_>,
    ) -> PyResult<'py, ()> {
        if self.names == 0 {
            return Ok(());
        }
        // SAFETY: alive for the call.
        let names = unsafe { Argument::borrow(self.py, self.names) };
        for index in 0..names.len()? {
            let position = self.py.int(index as i64)?;
            let name = names.item(&position)?.to_text()?;
            let Some(parameter) = parameters.iter().position(|known| *known == name) else {
                let text = format!("{function}() got an unexpected keyword argument '{name}'");
                return Err(self.py.raise(type_error, &text));
            };
            if bound[parameter].is_some() {
                let text = format!("{function}() got multiple values for argument '{name}'");
                return Err(self.py.raise(type_error, &text));
            }
            // SAFETY: values of keywords follow the positional arguments; alive for the call.
            bound[parameter] = Some(unsafe {
                Argument::borrow(self.py, *self.words.add(self.positional + index))
            });
        }
        Ok(())
    }
}

impl<'py> Handle<'py> {
    /// `self[key]`.
    pub fn item(&self, key: &Handle<'_>) -> PyResult<'py, Handle<'py>> {
        let py = self.py();
        py.own(context!(py, ctx_GetItem, self.as_raw(), key.as_raw()))
    }
}

/// Enters Rust from a call of the interpreter: `f(py, arguments)`, its result as a word.
///
/// # Safety
/// The four words are those of a fast call that is going on.
#[inline(always)]
pub unsafe fn enter<F>(args: *const isize, nargs: isize, names: isize, f: F) -> isize
where
    F: for<'py> FnOnce(Attached<'py>, Arguments<'py>) -> PyResult<'py, Handle<'py>>,
{
    probe::count_call_in();
    // SAFETY: the interpreter calls us attached.
    let py = unsafe { Attached::assume() };
    let arguments = Arguments { words: args, positional: nargs as usize, names, py };
    returned(py, f(py, arguments))
}

/// What goes back to the interpreter: no result while an error is set.
#[inline(always)]
fn returned<'py>(py: Attached<'py>, result: PyResult<'py, Handle<'py>>) -> isize {
    let Ok(result) = result else {
        return 0;
    };
    match py.raised_in_passing() {
        Ok(()) => result.into_word(),
        Err(raised) => raised_instead_of(py, result, raised),
    }
}

#[cold]
fn raised_instead_of<'py>(py: Attached<'py>, result: Handle<'py>, raised: Raised<'py>) -> isize {
    let error = raised.take(py); // none is set while the result is dropped, which may run code
    drop(result);
    let Raised { .. } = py.raise_object(&error);
    0
}

/// A row of a type's method table: `method!(Body, "name", function, "doc")`, where `function` takes
/// `(Attached, This<Body>, Arguments)`.
#[macro_export]
macro_rules! method {
    ($body:ty, $name:expr, $function:path, $doc:expr) => {{
        unsafe extern "C" fn raw(this: isize, args: *const isize, n: isize, names: isize) -> isize {
            // SAFETY: the interpreter's fast call; the table belongs to the type of `$body`.
            unsafe {
                $crate::native::enter(args, n, names, |py, arguments| {
                    $function(py, $crate::This::<$body>::assume(this), arguments)
                })
            }
        }
        $crate::native::row($name, raw, $doc)
    }};
}

/// A row of a module's function table: `function!("name", function, "doc")`, where `function` takes
/// `(Attached, Module, Arguments)`.
#[macro_export]
macro_rules! function {
    ($name:expr, $function:path, $doc:expr) => {{
        unsafe extern "C" fn raw(this: isize, args: *const isize, n: isize, names: isize) -> isize {
            // SAFETY: the interpreter's fast call; self of a module function is the module.
            unsafe {
                $crate::native::enter(args, n, names, |py, arguments| {
                    $function(py, $crate::Module::assume(this), arguments)
                })
            }
        }
        $crate::native::row($name, raw, $doc)
    }};
}

/// The library's entry points: the one that interpreters look for, and the one that a loader asks
/// (through ctypes) when not even an exception could be raised.
#[macro_export]
macro_rules! module_entry {
    ($name:literal, $init:path) => {
        #[export_name = $name]
        extern "C" fn module_entry() -> *mut std::ffi::c_void {
            $init()
        }

        #[export_name = "hpyx_why_not_loaded"]
        extern "C" fn why_not_loaded() -> *const std::ffi::c_char {
            // SAFETY: returns a static buffer.
            unsafe { $crate::bindings::hpyx_load_error() }
        }
    };
}

/// A row of a type's method table, for a method without arguments: `method_noargs!(Body, "name",
/// function, "doc")`, where `function` takes `(Attached, This<Body>)`.
#[macro_export]
macro_rules! method_noargs {
    ($body:ty, $name:expr, $function:path, $doc:expr) => {{
        unsafe extern "C" fn raw(this: isize, _: isize) -> isize {
            // SAFETY: a call of the interpreter; the table belongs to the type of `$body`.
            unsafe {
                $crate::native::enter_simply(|py| {
                    $function(py, $crate::This::<$body>::assume(this))
                })
            }
        }
        $crate::native::row_o($name, raw, $crate::bindings::HPyFunc_NOARGS, $doc)
    }};
}

/// The same with exactly one argument, by position: `function` takes `(Attached, This<Body>,
/// Argument)`.
#[macro_export]
macro_rules! method_o {
    ($body:ty, $name:expr, $function:path, $doc:expr) => {{
        unsafe extern "C" fn raw(this: isize, argument: isize) -> isize {
            // SAFETY: as for method_noargs; the caller keeps the argument alive.
            unsafe {
                $crate::native::enter_simply(|py| {
                    let argument = $crate::Argument::borrow(py, argument);
                    $function(py, $crate::This::<$body>::assume(this), argument)
                })
            }
        }
        $crate::native::row_o($name, raw, $crate::bindings::HPyFunc_O, $doc)
    }};
}

/// Enters Rust from a call of the interpreter without a list of arguments.
///
/// # Safety
/// Such a call is going on.
#[inline(always)]
pub unsafe fn enter_simply<F>(f: F) -> isize
where
    F: for<'py> FnOnce(Attached<'py>) -> PyResult<'py, Handle<'py>>,
{
    probe::count_call_in();
    // SAFETY: the interpreter calls us attached.
    let py = unsafe { Attached::assume() };
    returned(py, f(py))
}

/// One row of a method table.
pub const fn row(
    name: &'static CStr,
    function: unsafe extern "C" fn(isize, *const isize, isize, isize) -> isize,
    doc: &'static CStr,
) -> HPyMeth {
    HPyMeth { name: name.as_ptr(), impl_: Some(function), doc: doc.as_ptr(), ..END_OF_METHODS }
}

/// One row for a function that takes one argument, or none.
pub const fn row_o(
    name: &'static CStr,
    function: unsafe extern "C" fn(isize, isize) -> isize,
    signature: u32,
    doc: &'static CStr,
) -> HPyMeth {
    let (name, doc, impl_o) = (name.as_ptr(), doc.as_ptr(), Some(function));
    HPyMeth { name, impl_: None, doc, signature, impl_o }
}

/// The row that ends a method table.
pub const END_OF_METHODS: HPyMeth = HPyMeth {
    name: std::ptr::null(),
    impl_: None,
    doc: std::ptr::null(),
    signature: bindings::HPyFunc_KEYWORDS,
    impl_o: None,
};

/// A table or definition that C keeps pointers into; it is never written.
pub struct Static<T>(pub T);

// SAFETY: read-only after construction, points to static data only.
unsafe impl<T> Sync for Static<T> {}

/// What a native type does for the collector and at its end, on top of its methods.
pub trait NativeBody: Sized {
    /// Gives up all that the body owns. Called once, when the object dies.
    fn release(&self, py: Attached<'_>);

    /// Shows each reference to the collector; stop at the first answer that is not 0.
    ///
    /// # Safety
    /// Called from `tp_traverse`, with its own arguments.
    unsafe fn traverse(&self, visit: *mut c_void, arg: *mut c_void) -> i32;

    /// The object's class, where the body knows it: cheaper than asking the interpreter. 0: ask.
    #[inline]
    fn class_word(&self) -> isize {
        0
    }

    /// Breaks cycles: gives up the references that may be part of one.
    fn clear(&self, py: Attached<'_>);

    /// Keeps the memory of the object, which has been released, for [`Remains::revive`]; gives it
    /// back where that is not to be.
    #[inline]
    fn keep(&self, _py: Attached<'_>, dead: Dead) -> Result<(), Dead> {
        Err(dead)
    }
}

/// An object whose body has been released, and whose memory has not been freed.
#[must_use = "its memory is leaked if it is dropped"]
pub struct Dead(isize);

impl Dead {
    /// Leaves nothing but the memory.
    ///
    /// # Safety
    /// [`Handle::is_revivable`] holds for the object's class.
    #[inline]
    pub unsafe fn lay_aside(self) -> Remains {
        // SAFETY: its tp_dealloc is running, and does nothing else with it.
        unsafe { bindings::hpyx_object_lay_aside(self.0) };
        Remains(self.0)
    }
}

/// The memory of an object that died.
#[must_use = "memory that is dropped is leaked"]
pub struct Remains(isize);

impl Remains {
    /// A new instance of the class, which the collector does not see yet.
    ///
    /// # Safety
    /// The object was an instance of `class`, a class derived from the type with this body.
    #[inline]
    pub unsafe fn revive<'py, Body>(self, class: &Handle<'py>) -> Stored {
        let (size, class) = (size_of::<Body>(), class.as_word());
        // SAFETY: memory of such an instance, which nobody else has; as the caller promises.
        unsafe { Stored::from_word(bindings::hpyx_object_revive(self.0, class, size)) }
    }

    /// Gives the memory to the interpreter.
    pub fn free(self, class: &Handle<'_>) {
        // SAFETY: nobody else has the memory. To free it, it must look like an instance.
        unsafe {
            bindings::hpyx_object_revive(self.0, class.as_word(), 0);
            bindings::hpyx_object_free(self.0);
        }
    }
}

unsafe extern "C" fn dealloc<Body: NativeBody>(this: isize) {
    probe::count_call_in();
    // SAFETY: tp_dealloc of the type with this body: attached, the object is dying.
    unsafe {
        bindings::hpyx_object_untrack(this);
        let body = body_of::<Body>(this);
        body.release(Attached::assume());
        if let Err(Dead(this)) = body.keep(Attached::assume(), Dead(this)) {
            bindings::hpyx_object_free(this);
        }
    }
}

unsafe extern "C" fn traverse<Body: NativeBody>(
    this: isize,
    visit: *mut c_void,
    arg: *mut c_void,
) -> i32 {
    // SAFETY: tp_traverse of the type with this body.
    unsafe {
        let body = body_of::<Body>(this);
        let stop = match body.class_word() {
            0 => bindings::hpyx_visit_type(this, visit, arg),
            class => bindings::hpyx_visit(class, visit, arg),
        };
        match stop {
            0 => {}
            stop => return stop,
        }
        match bindings::hpyx_visit_attributes(this, visit, arg) {
            0 => body.traverse(visit, arg),
            stop => stop,
        }
    }
}

unsafe extern "C" fn clear<Body: NativeBody>(this: isize) -> i32 {
    // SAFETY: tp_clear of the type with this body, attached.
    unsafe { body_of::<Body>(this).clear(Attached::assume()) };
    0
}

impl<'py> Attached<'py> {
    /// Makes a native type. `new` is what `Type()` does from Python; None inherits object's.
    pub fn native_type<Body: NativeBody>(
        self,
        name: &'static CStr,
        doc: &'static CStr,
        methods: &'static [HPyMeth],
        new: Option<unsafe extern "C" fn(isize, isize, isize) -> isize>,
    ) -> PyResult<'py, Handle<'py>> {
        let spec = HPyType_Spec {
            name: name.as_ptr(),
            doc: doc.as_ptr(),
            body_size: size_of::<Body>(),
            methods: methods.as_ptr(),
            tp_new: new,
            tp_dealloc: Some(dealloc::<Body>),
            tp_traverse: Some(traverse::<Body>),
            tp_clear: Some(clear::<Body>),
        };
        self.own(context!(self, ctx_Type_FromSpec, &spec))
    }
}
