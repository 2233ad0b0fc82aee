//! The Python objects that the core refers to, by name: exception classes, callbacks of the
//! package.
//!
//! Owns: one reference each, for the life of the interpreter. Filled by: `module` (built-in
//! exceptions) and the package, through `_native.register`. Called by: everything in `bridge`.
//! Threads: filled while the package is imported, read-only afterwards.

use std::sync::atomic::{AtomicIsize, Ordering};

use hpy_shim::{stored_release, Argument, Attached, Handle};

macro_rules! names {
    ($($variant:ident = $text:literal: $doc:literal,)*) => {
        /// What can be registered.
        #[derive(Clone, Copy, Debug)]
        pub enum Name { $(#[doc = $doc] $variant,)* }

        const ALL: &[(&str, Name)] = &[$(($text, Name::$variant),)*];
    };
}

names! {
    TypeError = "TypeError": "the built-in",
    ValueError = "ValueError": "the built-in",
    RuntimeError = "RuntimeError": "the built-in",
    Exception = "Exception": "the built-in",
    Int = "int": "the built-in",
    Float = "float": "the built-in",
    TimeoutError = "TimeoutError": "concurrent.futures.TimeoutError",
    CancelledError = "CancelledError": "concurrent.futures.CancelledError",
    BrokenExecutor = "BrokenExecutor": "concurrent.futures.BrokenExecutor",
    None = "None": "the singleton",
    True = "True": "the singleton",
    False = "False": "the singleton",
    Future = "Future": "the class that async_ and submit make",
    EnsureRunning = "ensure_running": "() -> None: starts the runtime, or raises why it cannot",
    StartThread = "start_thread": "(role, index, claim) -> bool: starts a thread",
    LogCallbackError = "log_callback_error": "(future, exception) -> None",
    RunInitializer = "run_initializer": "((initializer, initargs)) -> bool: whether it succeeded",
    Breathe = "breathe": "() -> None: any Python code; pending requests are served on the way",
    NewLock = "new_lock": "() -> something to sleep on: see `hpyx/_parking.py`",
    NoLock = "no_lock": "in the place of one that cannot be made",
    InterruptAgain = "interrupt_again": "(exception) -> None: what interrupted the core goes on",
    ProcessEnds = "process_ends": "() -> the exception that ends a sleep when the process ends",
    IsMainThread = "is_main_thread": "() -> bool",
    StackIsDeep = "stack_is_deep": "() -> bool: too deep for a nested run",
    NoteNotCalled = "note_not_called": "(exception, call) -> None: the call was given up for it",
    Adopt = "adopt": "(object) -> a Future that follows somebody else's, or None: no future",
    Qualname = "qualname": "the str \"__qualname__\"",
    TraceName = "trace_name": "(callable or future) -> int: its name in the trace",
    ThreadName = "thread_name": "() -> str: the name of the calling thread",
    LostException = "lost_exception": "(exception) -> what reports it when it is collected",
    RunFuture = "run_future": "(future) -> bool: runs a task that was packed in Python",
    Lane = "lane": "a promise that stands in the queues for the lane; None: there is none",
}

/// One reference per [`Name`].
pub struct Names {
    words: [AtomicIsize; ALL.len()],
}

impl Names {
    /// Nothing registered.
    pub fn new() -> Self {
        Names { words: [const { AtomicIsize::new(0) }; ALL.len()] }
    }

    /// Keeps `object` under `text`. False when there is no such name.
    pub fn register(&self, text: &str, object: &Handle<'_>) -> bool {
        let Some((_, name)) = ALL.iter().find(|(known, _)| *known == text) else {
            return false;
        };
        let before = self.words[*name as usize].swap(object.dup().into_word(), Ordering::Relaxed);
        // SAFETY: it was registered here, and nobody uses names while the package registers them.
        unsafe { stored_release(object.py(), before) };
        true
    }

    /// The names that have no object yet.
    pub fn unregistered(&self) -> Vec<&'static str> {
        let is_empty = |name: Name| self.words[name as usize].load(Ordering::Relaxed) == 0;
        ALL.iter().filter(|(_, name)| is_empty(*name)).map(|(text, _)| *text).collect()
    }

    /// The object registered under `name`.
    #[inline]
    pub fn get<'py>(&self, py: Attached<'py>, name: Name) -> Argument<'py> {
        let word = self.words[name as usize].load(Ordering::Relaxed);
        assert!(word != 0, "{name:?} is used before the package registered it");
        // SAFETY: registered objects are kept for the life of the interpreter.
        unsafe { Argument::borrow(py, word) }
    }

    /// The raw word of the object, to compare.
    #[inline]
    pub fn word(&self, name: Name) -> isize {
        self.words[name as usize].load(Ordering::Relaxed)
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}
