//! What few futures have: a join (dependents) and a span (traced tasks), in one word.
//!
//! Owns: both. Called by: `future::body`, `trace`. The word is 0, the address of a join, or that of
//! a span with the lowest bit set; a span has room for a join. One word and not two, since with two
//! a future no longer fits into 128 bytes, which costs every task as much as two cache misses.
//! Invariant: changed by one thread at a time: the one that makes the future, then the one that
//! starts, claims or cancels it. Threads: any, attached.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use crate::compose::join::Join;
use crate::trace::Span;

const IS_SPAN: usize = 1;

/// See the module. All zero is a future with neither.
#[derive(Default)]
pub struct Extra(AtomicUsize);

impl Extra {
    /// The future waits as `join` says. Once, at birth.
    pub fn set_join(&self, join: Arc<Join>) {
        // SAFETY: at birth nobody else has the future.
        match unsafe { self.span() } {
            Some(span) => span.join = Some(join),
            None => self.0.store(Arc::into_raw(join) as usize, Ordering::Relaxed),
        }
    }

    /// The future is traced. Once, at birth.
    pub fn set_span(&self, mut span: Box<Span>) {
        span.join = self.take_join();
        self.0.store(Box::into_raw(span) as usize | IS_SPAN, Ordering::Relaxed);
    }

    /// The span, to write in.
    ///
    /// # Safety
    /// The caller has the future for itself: it made it, or has started and not ended it.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn span(&self) -> Option<&mut Span> {
        let word = self.0.load(Ordering::Relaxed);
        // SAFETY: from Box::into_raw in `set_span`, and not taken yet: only whoever has the future
        // does that, which is the caller.
        (word & IS_SPAN != 0).then(|| unsafe { &mut *((word & !IS_SPAN) as *mut Span) })
    }

    /// What the future waits for.
    ///
    /// # Safety
    /// As for `span`, or nobody changes the future meanwhile (the collector has stopped them).
    pub unsafe fn join(&self) -> Option<&Join> {
        let word = self.0.load(Ordering::Relaxed);
        if word & IS_SPAN != 0 {
            // SAFETY: as in `span`; shared here.
            return unsafe { &*((word & !IS_SPAN) as *const Span) }.join.as_deref();
        }
        // SAFETY: 0, or from Arc::into_raw in `set_join`, and not taken yet.
        unsafe { (word as *const Join).as_ref() }
    }

    /// Takes the join out. Only by whoever has the future for itself, or when it dies.
    #[inline]
    pub fn take_join(&self) -> Option<Arc<Join>> {
        let word = self.0.load(Ordering::Relaxed);
        if word == 0 {
            return None;
        }
        if word & IS_SPAN != 0 {
            // SAFETY: as the caller promises.
            return unsafe { self.span() }.and_then(|span| span.join.take());
        }
        self.0.store(0, Ordering::Relaxed);
        // SAFETY: from Arc::into_raw in `set_join`; out of reach from here on.
        Some(unsafe { Arc::from_raw(word as *const Join) })
    }

    /// Takes the span out; the join stays. Only by whoever ends the future, or when it dies.
    #[inline]
    pub fn take_span(&self) -> Option<Box<Span>> {
        let word = self.0.load(Ordering::Relaxed);
        if word & IS_SPAN == 0 {
            return None;
        }
        // SAFETY: from Box::into_raw in `set_span`; out of reach from here on.
        let mut span = unsafe { Box::from_raw((word & !IS_SPAN) as *mut Span) };
        let join = span.join.take().map_or(0, |join| Arc::into_raw(join) as usize);
        self.0.store(join, Ordering::Relaxed);
        Some(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::join::{Inputs, Rule};

    fn join() -> Arc<Join> {
        Arc::new(Join::new(Rule::All, 1, Inputs::new(), 0))
    }

    fn span(id: u64) -> Box<Span> {
        Box::new(Span { id, ..Span::default() })
    }

    #[test]
    fn empty_gives_nothing() {
        let extra = Extra::default();
        assert!(extra.take_span().is_none() && extra.take_join().is_none());
    }

    #[test]
    fn both_are_kept_in_whatever_order_they_come_and_go() {
        for order in 0..4 {
            let (extra, waited_for) = (Extra::default(), join());
            if order & 1 == 0 {
                extra.set_join(waited_for.clone());
                extra.set_span(span(7));
            } else {
                extra.set_span(span(7));
                extra.set_join(waited_for.clone());
            }
            // SAFETY: this thread has it for itself.
            assert!(unsafe { extra.join() }.is_some() && unsafe { extra.span() }.is_some());
            if order & 2 == 0 {
                assert_eq!(extra.take_span().map(|span| span.id), Some(7));
                assert!(Arc::ptr_eq(&extra.take_join().expect("kept"), &waited_for));
            } else {
                assert!(Arc::ptr_eq(&extra.take_join().expect("kept"), &waited_for));
                assert_eq!(extra.take_span().map(|span| span.id), Some(7));
            }
            assert!(extra.take_span().is_none() && extra.take_join().is_none());
            assert_eq!(Arc::strong_count(&waited_for), 1, "nothing is leaked");
        }
    }
}
