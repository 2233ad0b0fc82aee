//! The thread that writes a session's records into its file.
//!
//! Owns: the file descriptor, the format of a line. Called by: `trace::Tracer` (start, finish).
//! Invariants: every record that was drained is formatted once; after an error nothing is written
//! any more, and the session goes on as if it were. The thread is no thread of the interpreter and
//! never touches it, so it may write while the interpreter runs, waits or dies; signals are not
//! its business. Errors: the number of the first one is what `finish` returns.

use std::sync::atomic::{fence, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::trace::buffer::{Buffer, Session};
use crate::trace::names::Names;
use crate::trace::span::{Outcome, Record};

/// How far the file is behind at most, where the disk keeps up.
const PERIOD: Duration = Duration::from_secs(1);
/// Lines are handed to the system in pieces of about this size.
const PIECE: usize = 1 << 18;

/// A session that is being written.
pub(super) struct Writer {
    /// The session.
    pub(super) session: Arc<Session>,
    thread: JoinHandle<i32>,
}

impl Writer {
    /// Starts the thread. None, and the file is left alone, when that cannot be done.
    pub(super) fn start(session: Arc<Session>, names: &'static Names, file: i32) -> Option<Self> {
        let lines = Lines {
            session: session.clone(),
            names,
            file: File { number: file, error: 0 },
            known: Vec::new(),
            members: Vec::new(),
            text: Vec::new(),
            spare: Vec::new(),
        };
        // Of all that the core starts, this alone is no thread of the interpreter.
        let builder = std::thread::Builder::new().name("hpyx-trace".into());
        let thread = builder.spawn(move || lines.write_until_end()).ok()?;
        session.set_writer(thread.thread().clone());
        Some(Writer { session, thread })
    }

    /// Waits until all is written; the number of the first error, or 0.
    pub(super) fn finish(self) -> i32 {
        self.session.end();
        self.thread.join().unwrap_or(0)
    }
}

/// What the thread works with.
struct Lines {
    session: Arc<Session>,
    names: &'static Names,
    file: File,
    /// Texts by number, and threads by number, as far as they were needed.
    known: Vec<Arc<str>>,
    members: Vec<(Arc<str>, Option<Arc<Buffer>>)>,
    text: Vec<u8>,
    spare: Vec<Record>,
}

impl Lines {
    fn write_until_end(mut self) -> i32 {
        block_signals();
        loop {
            // Before draining: what was pushed before the session ended is drained.
            let is_last = self.session.is_ending();
            self.drain();
            if is_last {
                return self.file.close();
            }
            std::thread::park_timeout(PERIOD);
        }
    }

    fn drain(&mut self) {
        self.meet_members();
        for number in 0..self.members.len() {
            let Some(buffer) = self.members[number].1.take() else {
                continue;
            };
            // The thread itself has one reference, the session another, and this is the third.
            let is_alive = Arc::strong_count(&buffer) > 2;
            // ORDER: Acquire fence; pairs with the Release with which a dying thread gives up its
            // reference: whoever sees it gone sees the thread's last record below.
            fence(Ordering::Acquire);
            let spare = &mut self.spare;
            let mut records = if is_alive { std::mem::take(spare) } else { Vec::new() };
            buffer.swap(&mut records);
            self.members[number].1 = is_alive.then_some(buffer);
            self.format(&records);
            records.clear();
            if is_alive {
                self.spare = records;
            }
        }
        self.flush();
    }

    fn meet_members(&mut self) {
        let members = &mut self.members;
        self.session.members_from(members.len(), |member| {
            members.push((member.name.clone(), Some(member.buffer.clone())));
        });
    }

    fn format(&mut self, records: &[Record]) {
        self.names.catch_up(&mut self.known);
        // A task may have been submitted by a thread that joined after the last look.
        self.meet_members();
        for record in records {
            line(&mut self.text, record, &self.known, |number| &self.members[number as usize].0);
            if self.text.len() >= PIECE {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        self.file.write(&self.text);
        self.text.clear();
    }
}

/// Appends one line: an object whose keys are the same, in the same order, in every line.
fn line<'a>(
    out: &mut Vec<u8>,
    record: &Record,
    names: &[Arc<str>],
    thread: impl Fn(u32) -> &'a Arc<str>,
) {
    let span = &record.span;
    let started = (span.started != 0).then_some(span.started);
    let ran = started.is_some();
    let exception = match record.outcome {
        Outcome::Error(name) => Some(&names[name as usize]),
        _ => None,
    };
    let outcome = match record.outcome {
        Outcome::Value => "value",
        Outcome::Error(_) => "error",
        Outcome::Cancelled => "cancelled",
    };
    out.extend_from_slice(b"{\"id\": ");
    number(out, Some(span.id));
    out.extend_from_slice(b", \"parent\": ");
    number(out, (span.parent != 0).then_some(span.parent));
    out.extend_from_slice(b", \"name\": ");
    out.extend_from_slice(names[span.name as usize].as_bytes());
    out.extend_from_slice(b", \"submitter\": ");
    out.extend_from_slice(thread(span.submitter).as_bytes());
    out.extend_from_slice(b", \"worker\": ");
    match u64::try_from(record.worker) {
        Err(_) if ran => out.extend_from_slice(b"-1"),
        worker => number(out, worker.ok().filter(|_| ran)),
    }
    out.extend_from_slice(b", \"thread\": ");
    out.extend_from_slice(if ran { thread(record.thread).as_bytes() } else { b"null" });
    for (key, value) in [
        (&b", \"submit_ns\": "[..], Some(span.submitted)),
        (b", \"start_ns\": ", started),
        (b", \"end_ns\": ", Some(record.ended)),
    ] {
        out.extend_from_slice(key);
        number(out, value);
    }
    out.extend_from_slice(b", \"outcome\": \"");
    out.extend_from_slice(outcome.as_bytes());
    out.extend_from_slice(b"\", \"exception\": ");
    out.extend_from_slice(exception.map_or(b"null", |name| name.as_bytes()));
    out.extend_from_slice(b"}\n");
}

fn number(out: &mut Vec<u8>, value: Option<u64>) {
    let Some(mut rest) = value else {
        return out.extend_from_slice(b"null");
    };
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return out.extend_from_slice(&digits[first..]);
        }
    }
}

/// The text as a JSON string.
pub(super) fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            control if (control as u32) < 0x20 => {
                json.push_str(&format!("\\u{:04x}", control as u32));
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

/// A file descriptor, and the number of the first error (after which nothing is written).
struct File {
    number: i32,
    error: i32,
}

impl File {
    fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.error == 0 {
            // SAFETY: `bytes` is alive for the call; the descriptor is ours until `close`.
            let written =
                unsafe { libc::write(self.number, bytes.as_ptr().cast(), bytes.len() as _) };
            match usize::try_from(written) {
                Ok(0) => self.error = libc::EIO,
                Ok(written) => bytes = &bytes[written..],
                Err(_) => {
                    let error = std::io::Error::last_os_error();
                    if error.kind() != std::io::ErrorKind::Interrupted {
                        self.error = error.raw_os_error().unwrap_or(libc::EIO);
                    }
                }
            }
        }
    }

    fn close(&mut self) -> i32 {
        // SAFETY: the descriptor is ours, and not used afterwards.
        let status = unsafe { libc::close(self.number) };
        if status != 0 && self.error == 0 {
            self.error = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
        }
        self.error
    }
}

/// Signals go to the threads of the interpreter.
fn block_signals() {
    #[cfg(unix)]
    // SAFETY: the set is filled before it is used; this thread's mask alone changes.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &all, std::ptr::null_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::span::Span;

    fn record(outcome: Outcome, started: u64) -> Record {
        let span = Span { id: 12, submitted: 100, started, name: 1, ..Span::default() };
        Record { span, ended: u64::MAX, outcome, thread: 1, worker: -1 }
    }

    fn text_of(record: &Record) -> String {
        let names: Vec<Arc<str>> = [json_string("?"), json_string("f")].map(Arc::from).into();
        let threads: Vec<Arc<str>> =
            [json_string("Main"), json_string("a\"b")].map(Arc::from).into();
        let mut out = Vec::new();
        line(&mut out, record, &names, |number| &threads[number as usize]);
        String::from_utf8(out).expect("all of it was text")
    }

    #[test]
    fn a_line_has_every_key() {
        assert_eq!(
            text_of(&record(Outcome::Error(0), 200)),
            "{\"id\": 12, \"parent\": null, \"name\": \"f\", \"submitter\": \"Main\", \
             \"worker\": -1, \"thread\": \"a\\\"b\", \"submit_ns\": 100, \"start_ns\": 200, \
             \"end_ns\": 18446744073709551615, \"outcome\": \"error\", \"exception\": \"?\"}\n"
        );
    }

    #[test]
    fn what_never_ran_has_no_thread_and_no_start() {
        let text = text_of(&record(Outcome::Cancelled, 0));
        for part in ["\"worker\": null", "\"thread\": null", "\"start_ns\": null"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(json_string("a\n\u{1}é\\"), "\"a\\u000a\\u0001é\\\\\"");
    }
}
