//! The entries of a future's list, and how they are tied together.
//!
//! Owns: the nodes, the links between them, and `Completion`: a list that was taken. Called by:
//! `state`, which keeps the link to the newest entry in its word.
//!
//! A link is 0, the address of a node, or, marked with `BARE`, the word of an entry that needs no
//! node: most futures have one callback at most, which then costs no memory. Such an entry is the
//! oldest of its list.
//! Threads: as each function says.

use std::mem::ManuallyDrop;

use crate::sync::{yield_now, AtomicUsize, Ordering};

/// The bits of a word that hold a link.
pub const LINK: usize = !0b1111;
/// In a link: what follows is no address of a node. No address of ours has the highest of 64 bits.
const BARE: usize = if usize::BITS == 64 { 1 << 63 } else { 0 };
/// The `next` of a node whose adder still looks through the older ones. No link.
pub const BEING_LINKED: usize = 1;
/// So many entries a list may have before it is looked through.
pub const FIRST_LIMIT: usize = if cfg!(loom) { 1 } else { 16 };

/// What a list holds.
pub trait Entry: Sized {
    /// The entry as one word, which then owns what it owned; Err where it takes more than that.
    fn into_word(self) -> Result<usize, Self> {
        Err(self)
    }

    /// # Safety
    /// `word` came from `into_word`, and no other entry is made of it.
    unsafe fn from_word(_word: usize) -> Self {
        unreachable!("no entry of this kind was turned into a word")
    }
}

/// A link to an entry that needs no node.
pub fn bare<C: Entry>(entry: C) -> Result<usize, C> {
    let word = entry.into_word()?;
    if BARE == 0 || word == 0 || word & (BARE | !LINK) != 0 {
        // SAFETY: made of the entry just now.
        return Err(unsafe { C::from_word(word) });
    }
    Ok(word | BARE)
}

#[inline]
fn is_bare(link: usize) -> bool {
    link & BARE != 0
}

/// The entry in a bare link.
///
/// # Safety
/// `link` came from `bare`, and no other entry is made of it (or this one is not dropped).
#[inline]
pub unsafe fn entry_of<C: Entry>(link: usize) -> C {
    // SAFETY: as the caller promises.
    unsafe { C::from_word(link & !BARE) }
}

/// One entry that has a node.
#[repr(align(16))]
pub struct Node<C> {
    /// The link to the next older one.
    pub next: AtomicUsize,
    /// How many there are from this one on; 0: nobody has counted.
    pub count: usize,
    /// How many there may be before they are looked through. With `count`.
    pub limit: usize,
    /// The entry.
    pub entry: C,
}

impl<C> Node<C> {
    /// A node in no list.
    pub fn leak(entry: C, next: usize) -> *mut Self {
        Box::into_raw(Box::new(Node { next: AtomicUsize::new(next), count: 0, limit: 0, entry }))
    }

    /// The link to the next older one, once it is known.
    ///
    /// # Safety
    /// `node` is in a list that the caller took, or that nobody can take.
    pub unsafe fn older(node: *const Self) -> usize {
        loop {
            // ORDER: Acquire; pairs with the Release in `add_and_prune`, which comes after what is
            // written to this node and the older ones. With Relaxed those might be seen as before.
            // SAFETY: alive, as promised.
            match unsafe { &(*node).next }.load(Ordering::Acquire) {
                // Its adder is attached and calls nobody: it is between two lines.
                BEING_LINKED => yield_now(),
                next => return next,
            }
        }
    }
}

/// The node that a link leads to: none at the end, and at an entry without one.
#[inline]
fn node_at<C>(link: usize) -> Option<*mut Node<C>> {
    (link != 0 && !is_bare(link)).then_some(link as *mut Node<C>)
}

/// What the one who completes a future has to do afterwards.
#[must_use = "sleepers must be woken and callbacks called"]
pub struct Completion<C> {
    /// Somebody may sleep on the future.
    pub has_waiters: bool,
    newest: usize,
    _entries: std::marker::PhantomData<C>,
}

impl<C: Entry> Completion<C> {
    /// Of a list that was taken out of a future's word, which was the only way to it.
    pub fn new(has_waiters: bool, newest: usize) -> Self {
        Completion { has_waiters, newest, _entries: std::marker::PhantomData }
    }

    /// Whether there are no callbacks.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.newest == 0
    }

    /// The callbacks, in the order in which they were added.
    pub fn into_callbacks(self) -> impl Iterator<Item = C> {
        let (mut oldest, mut link) = (0, self.newest);
        while let Some(node) = node_at::<C>(link) {
            // SAFETY: the completer owns the whole list.
            let next = unsafe { Node::older(node) };
            // SAFETY: as above.
            unsafe { &(*node).next }.store(oldest, Ordering::Relaxed);
            oldest = link;
            link = next;
        }
        // SAFETY: as above; visited once.
        let mut bare = is_bare(link).then(|| unsafe { entry_of(link) });
        let mut rest = oldest;
        std::iter::from_fn(move || {
            if let Some(entry) = bare.take() {
                return Some(entry);
            }
            let node = node_at::<C>(rest)?;
            // SAFETY: made by `leak`; owned as above, visited once.
            let node = unsafe { Box::from_raw(node) };
            rest = node.next.load(Ordering::Relaxed);
            Some(node.entry)
        })
    }
}

/// Looks at each entry from `link` on, until one look says stop.
///
/// # Safety
/// Nobody takes or adds entries meanwhile.
pub unsafe fn visit<C: Entry>(mut link: usize, mut look: impl FnMut(&C) -> i32) -> i32 {
    while let Some(node) = node_at::<C>(link) {
        // SAFETY: nodes in the list are complete and, as promised, not freed meanwhile.
        let stop = unsafe { look(&(*node).entry) };
        if stop != 0 {
            return stop;
        }
        // SAFETY: as above.
        link = unsafe { Node::older(node) };
    }
    match is_bare(link) {
        // SAFETY: looked at, and not dropped: the link keeps what it owns.
        true => look(&ManuallyDrop::new(unsafe { entry_of(link) })),
        false => 0,
    }
}

/// How many entries there are from `link` on, and how many there may be. Those that were counted
/// before are not counted again.
///
/// # Safety
/// The caller owns the list.
pub unsafe fn counted<C>(mut link: usize) -> (usize, usize) {
    let mut count = 0;
    while let Some(node) = node_at::<C>(link) {
        // SAFETY: the caller's own; `count` and `limit` were written before `next` was.
        let (next, (below, limit)) = unsafe { (Node::older(node), ((*node).count, (*node).limit)) };
        if below != 0 {
            return (count + below, limit);
        }
        count += 1;
        link = next;
    }
    (count + usize::from(is_bare(link)), FIRST_LIMIT)
}

/// Takes what `is_stale` out of the list; returns the link to the rest, how many that are, and what
/// was taken. An entry without a node stays.
///
/// # Safety
/// The caller owns the list.
pub unsafe fn pruned<C>(mut link: usize, is_stale: impl Fn(&C) -> bool) -> (usize, usize, Vec<C>) {
    let (mut newest, mut last) = (0, None::<*mut Node<C>>);
    let (mut count, mut stale) = (0, Vec::new());
    let mut tie = |last: Option<*mut Node<C>>, link: usize| match last {
        // SAFETY: a node of the list that was kept.
        Some(last) => unsafe { &(*last).next }.store(link, Ordering::Relaxed),
        None => newest = link,
    };
    while let Some(node) = node_at::<C>(link) {
        // SAFETY: the caller's own.
        let next = unsafe { Node::older(node) };
        // SAFETY: as above.
        if is_stale(unsafe { &(*node).entry }) {
            // SAFETY: made by `leak`; out of the list, as the nodes around it get tied together.
            stale.push(unsafe { Box::from_raw(node) }.entry);
        } else {
            tie(last, link);
            (last, count) = (Some(node), count + 1);
        }
        link = next;
    }
    tie(last, link);
    (newest, count + usize::from(is_bare(link)), stale)
}
