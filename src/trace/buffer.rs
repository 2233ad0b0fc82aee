//! Where records wait for the writer: one buffer per thread, and the session they belong to.
//!
//! Owns: the buffers and the names of threads of one session (from on to off).
//! Called by: `trace` (joining, pushing), `writer` (draining).
//! Invariant: a record that was pushed before the session was told to end is drained.
//! Threads: a buffer has one thread that pushes, and the writer; its mutex is held for a push or a
//! swap. A thread that is far ahead of the writer waits for it, so memory is bounded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::trace::lock;
use crate::trace::span::Record;
use crate::trace::writer::json_string;

/// At so many records the writer is woken.
const BATCH: usize = 1024;
/// At so many the thread waits: the writer, or the disk, does not keep up.
const LIMIT: usize = 64 * BATCH;

/// The records of one thread.
pub(super) struct Buffer {
    records: Mutex<Vec<Record>>,
    session: Arc<Link>,
}

/// What buffers need of their session.
#[derive(Default)]
struct Link {
    writer: OnceCell<std::thread::Thread>,
    ending: AtomicBool,
}

/// One thread of a session.
pub(super) struct Member {
    /// Its name, as a JSON string.
    pub(super) name: Arc<str>,
    /// Its records.
    pub(super) buffer: Arc<Buffer>,
}

/// Tracing from on to off.
pub(super) struct Session {
    /// Unique in the process, never 0.
    pub(super) number: u32,
    members: Mutex<Vec<Member>>,
    link: Arc<Link>,
}

impl Buffer {
    /// Adds a record. Only by the buffer's own thread.
    #[inline]
    pub(super) fn push(&self, record: Record) {
        let waiting = {
            let mut records = lock(&self.records);
            records.push(record);
            records.len()
        };
        if waiting % BATCH == 0 {
            self.hand_over_cold(waiting);
        }
    }

    #[cold]
    fn hand_over_cold(&self, mut waiting: usize) {
        while let Some(writer) = self.session.writer.get() {
            writer.unpark();
            if waiting < LIMIT || self.session.is_ending() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
            waiting = lock(&self.records).len();
        }
    }

    /// Takes all records; `empty`, which has none, goes in their place.
    pub(super) fn swap(&self, empty: &mut Vec<Record>) {
        debug_assert!(empty.is_empty());
        std::mem::swap(&mut *lock(&self.records), empty);
    }
}

impl Link {
    fn is_ending(&self) -> bool {
        // ORDER: Acquire; pairs with the Release in `end`.
        self.ending.load(Ordering::Acquire)
    }
}

impl Session {
    /// A session that no thread has joined.
    pub(super) fn new(number: u32) -> Arc<Self> {
        Arc::new(Session { number, members: Mutex::default(), link: Arc::default() })
    }

    /// The calling thread joins: its number, and its buffer.
    pub(super) fn join(&self, name: &str) -> (u32, Arc<Buffer>) {
        let buffer = Arc::new(Buffer { records: Mutex::default(), session: self.link.clone() });
        let mut members = lock(&self.members);
        members.push(Member { name: json_string(name).into(), buffer: buffer.clone() });
        ((members.len() - 1) as u32, buffer)
    }

    /// This thread writes from now on.
    pub(super) fn set_writer(&self, writer: std::thread::Thread) {
        let _ = self.link.writer.set(writer);
    }

    /// Calls `visit` with the members from number `first` on, in order.
    pub(super) fn members_from(&self, first: usize, mut visit: impl FnMut(&Member)) {
        lock(&self.members)[first..].iter().for_each(&mut visit);
    }

    /// No more records will come that anybody counts on: the writer drains once more, and ends.
    pub(super) fn end(&self) {
        // ORDER: Release; pairs with the Acquire in `is_ending`.
        self.link.ending.store(true, Ordering::Release);
        if let Some(writer) = self.link.writer.get() {
            writer.unpark();
        }
    }

    /// Whether `end` was called.
    pub(super) fn is_ending(&self) -> bool {
        self.link.is_ending()
    }
}
