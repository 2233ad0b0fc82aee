//! The state of a future: one atomic word.
//!
//! Owns: the life cycle, the flag that somebody sleeps on the future, and the list of callbacks
//! (`entries`), all in one word, so that completing takes everything over in a single step.
//!
//! ```text
//!   63 ............................ 4   3        2 .. 0
//!   link to the newest callback         WAITERS  life cycle
//! ```
//!
//! | field | who writes | who reads |
//! |---|---|---|
//! | life cycle | whoever starts, completes or cancels: each step is one compare-and-swap or swap |
//! all |
//! | WAITERS | a thread about to sleep | the completer, in the same swap that completes |
//! | list | whoever adds an entry, completer and canceller (take all) | the collector, while no
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

pub use crate::future::entries::Completion;
use crate::future::entries::{self, Entry, Node, BEING_LINKED, FIRST_LIMIT, LINK};
use crate::sync::{AtomicUsize, Ordering};

const LIFE: usize = 0b111;
const WAITERS: usize = 0b1000;

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

impl<C: Entry> State<C> {
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
        // `push` and `add_bare`, so that the entries of the list are complete when we walk them.
        Self::taken(self.word.swap(life as usize, Ordering::AcqRel))
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
                Ok(before) => return Ok(Self::taken(before)),
                Err(current) => word = current,
            }
        }
    }

    fn taken(word: usize) -> Completion<C> {
        Completion::new(word & WAITERS != 0, word & LINK)
    }

    /// Adds a callback; Err gives it back when the future is done, for the caller to call.
    pub fn add_callback(&self, callback: C) -> Result<(), C> {
        let Err(callback) = self.add_bare(callback) else {
            return Ok(());
        };
        let node = Node::leak(callback, 0);
        // SAFETY: ours until it is in the list.
        self.push(node, |older| unsafe { &(*node).next }.store(older, Ordering::Relaxed)).map(drop)
    }

    /// The same; gives back entries that `is_stale`, for the caller to drop. They are looked for
    /// when the list has doubled since the last time, so that an addition costs the same on average
    /// however long the list is.
    pub fn add_and_prune(&self, callback: C, is_stale: impl Fn(&C) -> bool) -> Result<Vec<C>, C> {
        let node = Node::leak(callback, BEING_LINKED);
        let older = self.push(node, |_| ())?;
        // SAFETY: `push` put the new node in the place of `older` and all below it, which nobody
        // else can reach before it is linked.
        let (count, limit) = unsafe { entries::counted::<C>(older) };
        let (kept, pruned, count, limit) = match count < limit {
            true => (older, Vec::new(), count, limit),
            false => {
                // SAFETY: as above.
                let (kept, count, pruned) = unsafe { entries::pruned(older, is_stale) };
                (kept, pruned, count, 2 * count + FIRST_LIMIT)
            }
        };
        // SAFETY: whoever reaches the node looks at nothing but `next` until that is set, below.
        unsafe { ((*node).count, (*node).limit) = (count + 1, limit) };
        // ORDER: Release; pairs with the Acquire in `older`.
        // SAFETY: whoever has taken the node keeps it until it is linked.
        unsafe { &(*node).next }.store(kept, Ordering::Release);
        Ok(pruned)
    }

    /// Adds a callback that needs no node to an empty list; Err gives it back.
    #[inline]
    fn add_bare(&self, callback: C) -> Result<(), C> {
        let may_add = |word: usize| word & LINK == 0 && !Life::of(word).is_done();
        let mut word = self.word.load(Ordering::Relaxed);
        if !may_add(word) {
            return Err(callback);
        }
        let link = entries::bare(callback)?;
        while may_add(word) {
            // ORDER: Release; pairs with the Acquire in `complete` and `try_cancel`: who takes the
            // callback calls it. Relaxed on failure, since the loop looks again.
            match self.word.compare_exchange_weak(
                word,
                word | link,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(()),
                Err(current) => word = current,
            }
        }
        // SAFETY: made of the callback above; nobody else has seen it.
        Err(unsafe { entries::entry_of(link) })
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
                return Err(unsafe { Box::from_raw(node) }.entry);
            }
            before(word & LINK);
            let with_node = (word & !LINK) | node as usize;
            // ORDER: AcqRel; Release pairs with the Acquire in `complete` and `try_cancel`, Acquire
            // with the Release of whoever added the older nodes, which `add_and_prune` reads.
            match self.word.compare_exchange_weak(
                word,
                with_node,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(word & LINK),
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
        Self::taken(self.word.fetch_and(!LINK, Ordering::AcqRel))
    }

    /// Looks at each callback in the list.
    ///
    /// # Safety
    /// Nobody completes, cancels or takes callbacks meanwhile (the collector stops the world, or
    /// holds what serialises attached threads).
    pub unsafe fn visit_callbacks(&self, look: impl FnMut(&C) -> i32) -> i32 {
        // ORDER: Acquire; pairs with the Release of whoever added the newest entry.
        let newest = self.word.load(Ordering::Acquire) & LINK;
        // SAFETY: as the caller promises.
        unsafe { entries::visit(newest, look) }
    }
}

#[cfg(test)]
#[path = "state_test.rs"]
mod tests;
