//! Names of callables and exception classes, each with a number.
//!
//! Owns: the texts, and references to the `str` objects that gave them. Called by: `trace`, while a
//! task is submitted or fails; `writer`. A function hands out the same `str` object every time, so
//! the usual look-up is by its address: no lock, no hash of the text. An address in the table stays
//! valid, since the object behind it is kept; the table has a fixed size, and is never emptied.
//! Threads: any; `of_string` attached. Errors: none; what has no name is number 0, "?".

use std::collections::HashMap;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex};

use hpy_shim::{Attached, Handle, Stored};

use crate::trace::lock;
use crate::trace::writer::json_string;

const PLACES: usize = 1 << 10;
/// A text may have so many objects in the table. Some callables make a new one each time.
const OBJECTS_PER_TEXT: u8 = 4;
/// A program that makes up names must not fill the memory: from here on all are number 0.
const MOST: usize = 100_000;

/// A `str` object, and the number of its text.
struct Known {
    object: Stored,
    number: u32,
}

struct Text {
    number: u32,
    objects: u8,
}

/// See the module.
pub(super) struct Names {
    by_object: Box<[AtomicPtr<Known>]>,
    by_text: Mutex<HashMap<Box<str>, Text>>,
    /// By number, as JSON strings.
    json: Mutex<Vec<Arc<str>>>,
}

impl Default for Names {
    fn default() -> Self {
        Names {
            by_object: (0..PLACES).map(|_| AtomicPtr::default()).collect(),
            by_text: Mutex::default(),
            json: Mutex::new(vec![json_string("?").into()]),
        }
    }
}

impl Names {
    /// The number of the text of a `str` object.
    #[inline]
    pub(super) fn of_string(&self, object: Handle<'_>) -> u32 {
        let py = object.py();
        let object = Stored::new(object);
        // ORDER: Acquire; pairs with the Release in `remember`: who sees the address sees the rest.
        let known = self.place(object.word()).load(Ordering::Acquire);
        // SAFETY: null, or made by `remember`; never freed.
        let number = match unsafe { known.as_ref() } {
            Some(known) if known.object.word() == object.word() => known.number,
            _ => self.of_string_cold(&object.bind(py)),
        };
        drop(object.into_handle(py));
        number
    }

    #[cold]
    fn of_string_cold(&self, object: &Handle<'_>) -> u32 {
        let py = object.py();
        let text = match object.to_text() {
            Ok(text) => text,
            Err(raised) => {
                raised.clear(py);
                return 0;
            }
        };
        let (number, keep) = self.find(&text, 1);
        if keep {
            self.remember(Stored::new(object.dup()), number, py);
        }
        number
    }

    /// The number of a text.
    pub(super) fn of_text(&self, text: &str) -> u32 {
        self.find(text, 0).0
    }

    /// Looks a text up, or adds it. Whether `objects` more may go into the table for it.
    fn find(&self, text: &str, objects: u8) -> (u32, bool) {
        let mut by_text = lock(&self.by_text);
        if let Some(known) = by_text.get_mut(text) {
            let keep = known.objects + objects <= OBJECTS_PER_TEXT;
            known.objects += if keep { objects } else { 0 };
            return (known.number, keep);
        }
        if by_text.len() >= MOST {
            return (0, false);
        }
        let mut json = lock(&self.json);
        let number = json.len() as u32;
        json.push(json_string(text).into());
        by_text.insert(text.into(), Text { number, objects });
        (number, true)
    }

    fn remember(&self, object: Stored, number: u32, py: Attached<'_>) {
        let place = self.place(object.word());
        let known = Box::into_raw(Box::new(Known { object, number }));
        // ORDER: Release; pairs with the Acquire in `of_string`.
        let free = place.compare_exchange(
            std::ptr::null_mut(),
            known,
            Ordering::Release,
            Ordering::Relaxed,
        );
        if free.is_err() {
            // SAFETY: made above, and seen by nobody.
            let known = unsafe { Box::from_raw(known) };
            drop(known.object.into_handle(py));
        }
    }

    #[inline]
    fn place(&self, word: isize) -> &AtomicPtr<Known> {
        // Objects are 16 bytes apart at least; the multiplier is 2^64 divided by the golden ratio.
        let spread = (word as u64 >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        &self.by_object[(spread >> 54) as usize]
    }

    /// Appends those texts that `known`, which begins the same, lacks.
    pub(super) fn catch_up(&self, known: &mut Vec<Arc<str>>) {
        let json = lock(&self.json);
        known.extend_from_slice(&json[known.len()..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number_and_numbers_are_in_order() {
        let names = Names::default();
        let numbers: Vec<u32> = ["f", "g", "f"].map(|text| names.of_text(text)).into();
        assert_eq!(numbers, [1, 2, 1]);
        let mut known = Vec::new();
        names.catch_up(&mut known);
        names.of_text("h");
        names.catch_up(&mut known);
        let known: Vec<&str> = known.iter().map(|text| &**text).collect();
        assert_eq!(known, [r#""?""#, r#""f""#, r#""g""#, r#""h""#]);
    }

    #[test]
    fn so_many_objects_are_kept_for_a_text_and_no_more() {
        let names = Names::default();
        let kept = (0..10).filter(|_| names.find("f", 1).1).count();
        assert_eq!(kept, usize::from(OBJECTS_PER_TEXT));
    }
}
