//! The whole of what a hook gets on standard input, where all of it matters: one JSON value as it is written.
//!
//! It is read to its end even if nothing is done with it, since the client would complain of a hook that does not listen.

use std::io::{self, Read};
use zeroize::Zeroizing;

/// More than this is passed on unread. Arbitrary: a hundred times what the client lets a tool put out.
const LIMIT: usize = 64 << 20;
/// How long the next piece is waited for, in seconds.
#[cfg(unix)]
const PATIENCE: i64 = 5;
/// What is read at once.
const CHUNK: usize = 64 << 10;

/// Follows a JSON value to its end, without judging it.
#[derive(Debug, Default)]
struct Following {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl Following {
    /// Where the value ends, if it does in this piece. Only an object or a list has an end.
    fn end(&mut self, piece: &[u8]) -> Option<usize> {
        for (at, byte) in piece.iter().enumerate() {
            match (self.in_string, byte) {
                (true, _) if self.is_escaped => self.is_escaped = false,
                (true, b'\\') => self.is_escaped = true,
                (_, b'"') => self.in_string = !self.in_string,
                (false, b'{' | b'[') => self.depth += 1,
                (false, b'}' | b']') => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// What stands on standard input, up to the end of its JSON value; `None` if it does not come in time, or is too long.
pub(super) fn read() -> Option<Zeroizing<Vec<u8>>> {
    let input = io::stdin();
    read_from(&mut input.lock(), is_ready)
}

fn read_from(input: &mut impl Read, is_ready: impl Fn() -> bool) -> Option<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(CHUNK));
    let mut chunk = Zeroizing::new(vec![0; CHUNK]);
    let mut following = Following::default();
    while is_ready() {
        let length = match input.read(&mut chunk) {
            Ok(0) => return Some(text),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        let piece = chunk.get(..length).unwrap_or_default();
        let end = following.end(piece);
        text.extend_from_slice(piece.get(..end.unwrap_or(length)).unwrap_or_default());
        if end.is_some() {
            return Some(text);
        }
        if text.len() > LIMIT {
            return None;
        }
    }
    None
}

/// Whether something is there to be read, or the end is.
#[cfg(unix)]
fn is_ready() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let limit = Timespec { tv_sec: PATIENCE, tv_nsec: 0 };
    let input = io::stdin();
    let mut watched = [PollFd::new(&input, PollFlags::IN)];
    loop {
        match poll(&mut watched, Some(&limit)) {
            Ok(found) => return found > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// There the client closes the pipe, or it is waited for.
#[cfg(not(unix))]
fn is_ready() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Slowly<'a>(&'a [u8], usize);

    impl Read for Slowly<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let (now, later) = self.0.split_at(self.1.min(self.0.len()));
            into[..now.len()].copy_from_slice(now);
            self.0 = later;
            Ok(now.len())
        }
    }

    fn read(text: &str, step: usize) -> Option<String> {
        let read = read_from(&mut Slowly(text.as_bytes(), step), || true)?;
        Some(String::from_utf8(read.to_vec()).unwrap())
    }

    #[test]
    fn one_value_is_read_wherever_it_is_cut_and_nothing_behind_it() {
        let value = r#"{"a":"}\"]\\","b":[{"c":"{[\u007d"}]}"#;
        for step in 1..value.len() {
            assert_eq!(
                read(&format!("{value}\n{{\"other\":1}}"), step).unwrap().trim_end(),
                value.trim_end(),
                "{step}"
            );
        }
        for text in ["", "{\"a\":", "12", "\"}\""] {
            assert_eq!(read(text, 3).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_does_not_come_or_does_not_end_is_given_up() {
        assert!(read_from(&mut Slowly(b"{}", 1), || false).is_none());
        struct Endless;
        impl Read for Endless {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                into.fill(b' ');
                Ok(into.len())
            }
        }
        assert!(read_from(&mut Endless, || true).is_none());
    }
}
