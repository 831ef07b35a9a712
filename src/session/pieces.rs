//! Goes through a file of any size in a bounded amount of memory, and calls every place in which something is looked for.
//!
//! A piece overlaps the one before it, so that nothing is cut; what was called is not called again.
//!
//! # Limitations
//! **What is longer than [`OVERLAP`] is not found** where two pieces meet. No secret is.

use std::io::{self, Read};
use std::ops::Range;
use zeroize::Zeroize as _;

/// How much is read at once. Arbitrary: unescaped three times it is four times as much in memory.
const PIECE: usize = 4 << 20;
/// How much of a piece is looked at again with the next one.
const OVERLAP: usize = 64 << 10;
/// How much in front of that is kept: an escape that is cut at its beginning is read wrongly, for a few bytes.
const CONTEXT: usize = 4 << 10;

/// Where something stands in a piece, and what it is called.
pub(super) type Place<T> = (Range<usize>, T);

/// A part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'p, T> {
    /// As it is.
    Kept(&'p [u8]),
    /// Something that was looked for, as it is written there.
    Found(&'p [u8], T),
}

/// Where pieces are read into, for one file after the other. It holds secrets, and never grows: no copy of it is left
/// anywhere.
pub(super) struct Room {
    piece: Vec<u8>,
    /// How much of it was ever written to. The rest is memory that the system has not given yet: to wipe all of it takes
    /// 2.6 ms, which every end of a session would pay.
    used: usize,
}

impl Room {
    pub(super) fn new() -> Self {
        Self { piece: vec![0; PIECE + OVERLAP + CONTEXT], used: 0 }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(used) = self.piece.get_mut(..self.used) {
            used.zeroize();
        }
    }
}

/// Calls `visit` with every part of the file, in order; `find` says what is in a piece of it.
pub(super) fn parts<T: Copy>(
    Room { piece, used }: &mut Room,
    file: &mut impl Read,
    find: &dyn Fn(&[u8]) -> Vec<Place<T>>,
    visit: &mut dyn FnMut(Part<'_, T>) -> io::Result<()>,
) -> io::Result<()> {
    let (mut filled, mut done) = (0, 0);
    loop {
        let read = fill(file, piece, &mut filled);
        *used = filled.max(*used);
        let is_last = read?;
        let text = piece.get(..filled).unwrap_or_default();
        let until = if is_last { filled } else { filled.saturating_sub(OVERLAP) };
        let mut found = find(text);
        found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut at = done;
        for (range, name) in found {
            // What overlaps what was called already is a part of it.
            if range.end <= at || range.start >= until {
                continue;
            }
            let start = range.start.max(at);
            visit(Part::Kept(text.get(at..start).unwrap_or_default()))?;
            visit(Part::Found(text.get(start..range.end).unwrap_or_default(), name))?;
            at = range.end;
        }
        let end = at.max(until);
        visit(Part::Kept(text.get(at..end).unwrap_or_default()))?;
        if is_last {
            return Ok(());
        }
        let kept = end.saturating_sub(CONTEXT);
        piece.copy_within(kept..filled, 0);
        (filled, done) = (filled - kept, end - kept);
    }
}

/// Reads until the piece is full; whether the file is over.
fn fill(file: &mut impl Read, piece: &mut [u8], filled: &mut usize) -> io::Result<bool> {
    while let Some(room) = piece.get_mut(*filled..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => return Ok(true),
            Ok(read) => *filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(text: &[u8], wanted: &[u8]) -> (Vec<u8>, usize) {
        let (mut out, mut times) = (Vec::new(), 0);
        let find = |piece: &[u8]| {
            let all = memchr::memmem::find_iter(piece, wanted).map(|at| (at..at + wanted.len(), ()));
            all.collect()
        };
        parts(&mut Room::new(), &mut &*text, &find, &mut |part| {
            match part {
                Part::Kept(bytes) => out.extend_from_slice(bytes),
                Part::Found(bytes, ()) => {
                    assert_eq!(bytes, wanted);
                    out.extend_from_slice(b"<>");
                    times += 1;
                }
            }
            Ok(())
        })
        .unwrap();
        (out, times)
    }

    #[test]
    fn what_lies_across_two_pieces_is_called_once_and_nothing_else_changes() {
        let wanted = b"the-secret-that-is-looked-for";
        let whole = PIECE + OVERLAP + CONTEXT;
        for edge in [PIECE + CONTEXT, whole, whole - OVERLAP, whole + PIECE - CONTEXT] {
            for at in (edge - 40)..(edge + 8) {
                if at % 5 != 0 {
                    continue;
                }
                let mut text = vec![b'x'; whole + PIECE + 1000];
                text[at..at + wanted.len()].copy_from_slice(wanted);
                let (out, times) = replaced(&text, wanted);
                assert_eq!((times, out.len()), (1, text.len() - wanted.len() + 2), "at {at}");
            }
        }
    }

    #[test]
    fn short_and_empty_files_are_gone_through_as_well() {
        assert_eq!(replaced(b"", b"abc"), (Vec::new(), 0));
        assert_eq!(replaced(b"abcabc", b"abc"), (b"<><>".to_vec(), 2));
        assert_eq!(replaced(b"ab", b"abc"), (b"ab".to_vec(), 0));
    }
}
