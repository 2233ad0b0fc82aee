//! The state of a future: one atomic word.
//!
//! Owns: the life cycle, the flag that somebody sleeps on the future, and the list of callbacks,
//! all in one word, so that completing takes everything over in a single step.
//!
//! ```text
//!   63 ............................ 4   3        2 .. 0
//!   newest callback node (address)      WAITERS  life cycle
//! ```
//!
//! | field | who writes | who reads |
//! |---|---|---|
//! | life cycle | whoever starts, completes or cancels: each step is one compare-and-swap or swap |
//! all |
//! | WAITERS | a thread about to sleep | the completer, in the same swap that completes |
//! | list | add_callback (push), completer and canceller (take all) | the collector, while no
//! thread runs |
//! | a node's `next` | its adder | whoever took the node out of the word |
//! | a node's `count`, `limit` | its adder, before `next` | whoever has read `next` |
//!
//! `add_and_prune` puts its node in the place of the whole list, which is then its own to look
//! through; whoever takes that node meanwhile waits for its `next`. So a list to which entries are
//! added that soon have nothing left to do stays short.
//!
//! Invariants: a future is completed once; every callback is either in the list that the completer
//! takes, or pruned, or its adder is told "done"; a sleeper either sees "done" or is woken. Models
//! below. Threads: any. Nothing here calls out.

use crate::sync::{yield_now, AtomicUsize, Ordering};

const LIFE: usize = 0b111;
const WAITERS: usize = 0b1000;
const LIST: usize = !0b1111;
/// The `next` of a node whose adder still looks through the older ones. No address.
const BEING_LINKED: usize = 1;
/// So many entries a list may have before it is looked through.
const FIRST_LIMIT: usize = if cfg!(loom) { 1 } else { 16 };

/// Where a future is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Life {
    /// Not started.
    Pending = 0,
    /// A thread runs it.
    Running = 1,
    /// Done, with a value.
    Value = 2,
    /// Done, with an exception.
    Error = 3,
    /// Cancelled before it started.
    Cancelled = 4,
    /// Not to be started yet: it depends on futures that are not done.
    Waiting = 5,
}

impl Life {
    fn of(word: usize) -> Life {
        match word & LIFE {
            0 => Life::Pending,
            1 => Life::Running,
            2 => Life::Value,
            3 => Life::Error,
            5 => Life::Waiting,
            _ => Life::Cancelled,
        }
    }

    /// Whether nothing will change any more.
    #[inline]
    pub fn is_done(self) -> bool {
        !matches!(self, Life::Pending | Life::Running | Life::Waiting)
    }
}

/// One callback in the list of a future.
#[repr(align(16))]
pub struct Node<C> {
    /// The next older one.
    next: AtomicUsize,
    /// How many there are from this one on; 0: nobody has counted.
    count: usize,
    /// How many there may be before they are looked through. With `count`.
    limit: usize,
    /// What to call.
    pub callback: C,
}

impl<C> Node<C> {
    fn leak(callback: C, next: usize) -> *mut Self {
        Box::into_raw(Box::new(Node { next: AtomicUsize::new(next), count: 0, limit: 0, callback }))
    }

    /// The next older one, once it is known.
    ///
    /// # Safety
    /// `node` is in a list that the caller took, or that nobody can take.
    unsafe fn older(node: *const Self) -> *mut Self {
        loop {
            // ORDER: Acquire; pairs with the Release in `add_and_prune`, which comes after what is
            // written to this node and the older ones. With Relaxed those might be seen as before.
            // SAFETY: alive, as promised.
            match unsafe { &(*node).next }.load(Ordering::Acquire) {
                // Its adder is attached and calls nobody: it is between two lines.
                BEING_LINKED => yield_now(),
                next => return next as *mut Self,
            }
        }
    }
}

/// What the one who completes a future has to do afterwards.
#[must_use = "sleepers must be woken and callbacks called"]
pub struct Completion<C> {
    /// Somebody may sleep on the future.
    pub has_waiters: bool,
    newest: *mut Node<C>,
}

impl<C> Completion<C> {
    /// Whether there are no callbacks.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.newest.is_null()
    }

    fn of(word: usize) -> Self {
        Completion { has_waiters: word & WAITERS != 0, newest: (word & LIST) as *mut Node<C> }
    }

    /// The callbacks, in the order in which they were added.
    pub fn into_callbacks(self) -> impl Iterator<Item = C> {
        let (mut oldest, mut node) = (std::ptr::null_mut::<Node<C>>(), self.newest);
        while !node.is_null() {
            // SAFETY: the completer owns the whole list: `swap` took it out of the word.
            let next = unsafe { Node::older(node) };
            // SAFETY: as above.
            unsafe { &(*node).next }.store(oldest as usize, Ordering::Relaxed);
            oldest = node;
            node = next;
        }
        let mut rest = oldest;
        std::iter::from_fn(move || {
            if rest.is_null() {
                return None;
            }
            // SAFETY: made by Box::into_raw in add_callback; owned as above, visited once.
            let node = unsafe { Box::from_raw(rest) };
            rest = node.next.load(Ordering::Relaxed) as *mut Node<C>;
            Some(node.callback)
        })
    }
}

/// The word. All zero is a pending future without waiters or callbacks.
pub struct State<C> {
    word: AtomicUsize,
    _callbacks: std::marker::PhantomData<C>,
}

impl<C> Default for State<C> {
    fn default() -> Self {
        State { word: AtomicUsize::new(0), _callbacks: std::marker::PhantomData }
    }
}

impl<C> State<C> {
    /// Where the future is in its life. After `Value` or `Error` its result may be read.
    #[inline]
    pub fn life(&self) -> Life {
        // ORDER: Acquire; pairs with the Release half of the swap in `complete`: whoever sees
        // "done" sees the result that was written before. Relaxed would let it read an empty slot.
        Life::of(self.word.load(Ordering::Acquire))
    }

    /// An address that names this future in the parking lot.
    #[inline]
    pub fn key(&self) -> usize {
        self as *const Self as usize
    }

    /// Pending to running. True for exactly one caller, who then owns the packed call.
    #[inline]
    pub fn try_start(&self) -> bool {
        // ORDER: Acquire; pairs with the Release in `try_admit`: the packed call of a dependent was
        // written before. (That of any other was written before the queue, or the interpreter,
        // brought the future here.)
        self.step(Life::Pending, Life::Running, Ordering::Acquire)
    }

    /// Pending to waiting: at birth, before anybody else sees the future.
    #[inline]
    pub fn begin_waiting(&self) {
        self.word.store(Life::Waiting as usize, Ordering::Relaxed);
    }

    /// Waiting to pending: what it depends on is there. True for exactly one caller, who then
    /// queues the future.
    #[inline]
    pub fn try_admit(&self) -> bool {
        // ORDER: AcqRel; Acquire as in `try_start`; Release for a waiter, who may start the future
        // before any queue brings it to a worker, and then reads the packed call.
        self.step(Life::Waiting, Life::Pending, Ordering::AcqRel)
    }

    /// Waiting to running: what it depends on decides it, without a call. True for exactly one
    /// caller, who then ends it.
    #[inline]
    pub fn try_claim(&self) -> bool {
        // ORDER: Acquire; as in `try_start`.
        self.step(Life::Waiting, Life::Running, Ordering::Acquire)
    }

    #[inline]
    fn step(&self, from: Life, to: Life, success: Ordering) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        while Life::of(word) == from {
            let next = (word & !LIFE) | to as usize;
            // ORDER: as each caller says; Relaxed on failure, since the loop looks again.
            match self.word.compare_exchange_weak(word, next, success, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(current) => word = current,
            }
        }
        false
    }

    /// Ends the future. Only by the one who started it (or made it).
    #[inline]
    pub fn complete(&self, life: Life) -> Completion<C> {
        debug_assert!(life.is_done());
        // ORDER: AcqRel. Release publishes the result to `life`; Acquire pairs with the Release in
        // `add_callback`, so that the nodes of the list are complete when we walk them.
        Completion::of(self.word.swap(life as usize, Ordering::AcqRel))
    }

    /// Pending or waiting to cancelled; Err says what the future is instead.
    pub fn try_cancel(&self) -> Result<Completion<C>, Life> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if !matches!(Life::of(word), Life::Pending | Life::Waiting) {
                return Err(Life::of(word));
            }
            // ORDER: AcqRel, as in `complete`; Relaxed on failure, since the loop looks again.
            match self.word.compare_exchange_weak(
                word,
                Life::Cancelled as usize,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(before) => return Ok(Completion::of(before)),
                Err(current) => word = current,
            }
        }
    }

    /// Adds a callback; Err gives it back when the future is done, for the caller to call.
    pub fn add_callback(&self, callback: C) -> Result<(), C> {
        let node = Node::leak(callback, 0);
        // SAFETY: ours until it is in the list.
        self.push(node, |older| unsafe { &(*node).next }.store(older, Ordering::Relaxed)).map(drop)
    }

    /// The same; gives back entries that `is_stale`, for the caller to drop. They are looked for
    /// when the list has doubled since the last time, so that an addition costs the same on average
    /// however long the list is.
    pub fn add_and_prune(&self, callback: C, is_stale: impl Fn(&C) -> bool) -> Result<Vec<C>, C> {
        let node = Node::leak(callback, BEING_LINKED);
        let older = self.push(node, |_| ())? as *mut Node<C>;
        // SAFETY: `push` put the new node in the place of `older` and all below it, which nobody
        // else can reach before it is linked.
        let (count, limit) = unsafe { counted(older) };
        let (kept, pruned, count, limit) = match count < limit {
            true => (older, Vec::new(), count, limit),
            false => {
                // SAFETY: as above.
                let (kept, count, pruned) = unsafe { pruned(older, is_stale) };
                (kept, pruned, count, 2 * count + FIRST_LIMIT)
            }
        };
        // SAFETY: whoever reaches the node looks at nothing but `next` until that is set, below.
        unsafe { ((*node).count, (*node).limit) = (count + 1, limit) };
        // ORDER: Release; pairs with the Acquire in `older`.
        // SAFETY: whoever has taken the node keeps it until it is linked.
        unsafe { &(*node).next }.store(kept as usize, Ordering::Release);
        Ok(pruned)
    }

    /// Makes `node` the newest one, after `before` was told the address of the one that was;
    /// returns that. Err gives the callback back when the future is done.
    #[inline]
    fn push(&self, node: *mut Node<C>, before: impl Fn(usize)) -> Result<usize, C> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if Life::of(word).is_done() {
                // ORDER: Acquire; pairs with the Release in `complete`: the caller of an immediate
                // callback reads the result.
                self.word.load(Ordering::Acquire);
                // SAFETY: made by `leak`, and in no list.
                return Err(unsafe { Box::from_raw(node) }.callback);
            }
            before(word & LIST);
            let with_node = (word & !LIST) | node as usize;
            // ORDER: AcqRel; Release pairs with the Acquire in `complete` and `try_cancel`, Acquire
            // with the Release of whoever added the older nodes, which `add_and_prune` reads.
            match self.word.compare_exchange_weak(
                word,
                with_node,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(word & LIST),
                Err(current) => word = current,
            }
        }
    }

    /// Tells the completer that somebody is going to sleep on this future. False when it is done.
    pub fn announce_waiter(&self) -> bool {
        // ORDER: AcqRel; the flag is either part of the word that `complete` swaps out (Release),
        // or we see here that the future is done, with its result (Acquire).
        !Life::of(self.word.fetch_or(WAITERS, Ordering::AcqRel)).is_done()
    }

    /// Takes all callbacks out without completing: the future dies, or a cycle is broken.
    pub fn take_callbacks(&self) -> Completion<C> {
        // ORDER: AcqRel, as in `complete`.
        Completion::of(self.word.fetch_and(!LIST, Ordering::AcqRel))
    }

    /// Looks at each callback in the list.
    ///
    /// # Safety
    /// Nobody completes, cancels or takes callbacks meanwhile (the collector stops the world, or
    /// holds what serialises attached threads).
    pub unsafe fn visit_callbacks(&self, mut visit: impl FnMut(&C) -> i32) -> i32 {
        // ORDER: Acquire; pairs with the Release in `add_callback`.
        let mut node = (self.word.load(Ordering::Acquire) & LIST) as *const Node<C>;
        while !node.is_null() {
            // SAFETY: nodes in the list are complete and, as promised, not freed meanwhile.
            let stop = unsafe { visit(&(*node).callback) };
            if stop != 0 {
                return stop;
            }
            // SAFETY: as above.
            node = unsafe { Node::older(node) };
        }
        0
    }
}

/// How many nodes there are from `node` on, and how many there may be. Those that were counted
/// before are not counted again.
///
/// # Safety
/// The caller owns the list.
unsafe fn counted<C>(mut node: *mut Node<C>) -> (usize, usize) {
    let mut count = 0;
    while !node.is_null() {
        // SAFETY: the caller's own; `count` and `limit` were written before `next` was.
        let (next, (below, limit)) = unsafe { (Node::older(node), ((*node).count, (*node).limit)) };
        if below != 0 {
            return (count + below, limit);
        }
        count += 1;
        node = next;
    }
    (count, FIRST_LIMIT)
}

/// Takes what `is_stale` out of the list; returns the rest, how many that are, and what was taken.
///
/// # Safety
/// The caller owns the list.
unsafe fn pruned<C>(
    mut node: *mut Node<C>,
    is_stale: impl Fn(&C) -> bool,
) -> (*mut Node<C>, usize, Vec<C>) {
    let mut newest: *mut Node<C> = std::ptr::null_mut();
    let mut last = newest;
    let (mut count, mut stale) = (0, Vec::new());
    while !node.is_null() {
        // SAFETY: the caller's own.
        let next = unsafe { Node::older(node) };
        // SAFETY: as above.
        if is_stale(unsafe { &(*node).callback }) {
            // SAFETY: made by `leak`; out of the list, as the nodes around it get tied together.
            stale.push(unsafe { Box::from_raw(node) }.callback);
        } else {
            match last.is_null() {
                true => newest = node,
                // SAFETY: a node of the list that was kept.
                false => unsafe { &(*last).next }.store(node as usize, Ordering::Relaxed),
            }
            (last, count) = (node, count + 1);
        }
        node = next;
    }
    if !last.is_null() {
        // SAFETY: as above.
        unsafe { &(*last).next }.store(0, Ordering::Relaxed);
    }
    (newest, count, stale)
}

#[cfg(test)]
#[path = "state_test.rs"]
mod tests;
