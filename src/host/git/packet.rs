//! The pkt-line format of git's long-running filter process (gitattributes(5), "Long Running Filter Process").
//!
//! A packet is four hexadecimal digits that count themselves and what follows; `0000`, the flush packet, ends a list.
//! What goes through here may hold a secret: it is wiped when it is dropped, also where a buffer grows.

use crate::error::Explain;
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// The most a packet carries besides its four digits.
const MOST: usize = 65_516;

/// Why a conversation with git ended.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// A pipe broke, or ended in mid-packet.
    #[error("lost connection to git: {0}")]
    Pipe(#[from] io::Error),
    /// Bytes that are not a packet, or another list than the protocol has there.
    #[error("git does not speak the filter protocol, version 2")]
    Unknown,
}

impl Explain for ProtocolError {}

/// What comes next.
#[derive(PartialEq, Eq)]
pub enum Incoming {
    /// A packet's content.
    Packet(Zeroizing<Vec<u8>>),
    /// The end of a list.
    Flush,
    /// The other side has closed the pipe between two packets.
    End,
}

/// Reads a packet.
///
/// # Errors
/// [`ProtocolError`] if it is none.
pub fn read(stream: &mut impl Read) -> Result<Incoming, ProtocolError> {
    let mut digits = [0; 4];
    let mut have = 0;
    while let Some(rest) = digits.get_mut(have..).filter(|rest| !rest.is_empty()) {
        match stream.read(rest) {
            Ok(0) if have == 0 => return Ok(Incoming::End),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(count) => have += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let text = std::str::from_utf8(&digits).map_err(|_| ProtocolError::Unknown)?;
    if !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(ProtocolError::Unknown);
    }
    match usize::from_str_radix(text, 16) {
        Ok(0) => Ok(Incoming::Flush),
        Ok(length @ 4..) if length <= MOST + 4 => {
            let mut content = Zeroizing::new(vec![0; length - 4]);
            stream.read_exact(&mut content)?;
            Ok(Incoming::Packet(content))
        }
        _ => Err(ProtocolError::Unknown),
    }
}

/// Reads the text packets up to the flush packet, without their line ends; `None` if the stream ends before the first.
///
/// # Errors
/// [`ProtocolError`] if it ends later, or is none of these.
pub fn read_list(stream: &mut impl Read) -> Result<Option<Vec<Vec<u8>>>, ProtocolError> {
    let mut list = Vec::new();
    loop {
        match read(stream)? {
            Incoming::Packet(line) => list.push(line.strip_suffix(b"\n").unwrap_or(&line).to_vec()),
            Incoming::Flush => return Ok(Some(list)),
            Incoming::End if list.is_empty() => return Ok(None),
            Incoming::End => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }
}

/// Reads a content up to the flush packet; `about` is how many bytes it probably has.
///
/// # Errors
/// [`ProtocolError`] if the stream ends before.
pub fn read_content(stream: &mut impl Read, about: usize) -> Result<Zeroizing<Vec<u8>>, ProtocolError> {
    let mut content = Zeroizing::new(Vec::with_capacity(about));
    loop {
        match read(stream)? {
            Incoming::Packet(piece) => append(&mut content, &piece),
            Incoming::Flush => return Ok(content),
            Incoming::End => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }
}

/// Appends without leaving a copy behind where the buffer has to grow.
pub fn append(buffer: &mut Zeroizing<Vec<u8>>, piece: &[u8]) {
    if buffer.capacity() - buffer.len() < piece.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((buffer.len() + piece.len()).max(buffer.capacity() * 2)));
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
    buffer.extend_from_slice(piece);
}

/// Writes bytes as packets, none for no bytes.
///
/// # Errors
/// What the stream says.
pub fn write(stream: &mut impl Write, content: &[u8]) -> io::Result<()> {
    for piece in content.chunks(MOST) {
        write!(stream, "{:04x}", piece.len() + 4)?;
        stream.write_all(piece)?;
    }
    Ok(())
}

/// Writes text packets, each a line, and the flush packet.
///
/// # Errors
/// What the stream says.
pub fn write_list(stream: &mut impl Write, list: &[&str]) -> io::Result<()> {
    for line in list {
        write(stream, format!("{line}\n").as_bytes())?;
    }
    flush(stream)
}

/// Writes the flush packet.
///
/// # Errors
/// What the stream says.
pub fn flush(stream: &mut impl Write) -> io::Result<()> {
    stream.write_all(b"0000")?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again_whatever_its_length(content in prop::collection::vec(any::<u8>(), 0..200_000), about in 0..300_000_usize) {
            let mut stream = Vec::new();
            write(&mut stream, &content).unwrap();
            flush(&mut stream).unwrap();
            let mut rest = stream.as_slice();
            prop_assert_eq!(&**read_content(&mut rest, about).unwrap(), &content[..]);
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn no_bytes_whatever_make_it_panic_or_wait(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut stream = bytes.as_slice();
            let _ = read_list(&mut stream);
            let _ = read_content(&mut bytes.as_slice(), 0);
        }
    }

    #[test]
    fn a_list_is_lines_up_to_the_flush_and_a_torn_packet_is_an_error() {
        let mut stream: &[u8] = b"000ahello\n0007x=10000";
        assert_eq!(read_list(&mut stream).unwrap().unwrap(), [b"hello".to_vec(), b"x=1".to_vec()]);
        assert!(read_list(&mut stream).unwrap().is_none());
        for torn in ["0", "000", "0009a", "0001", "0003", "fff5", "+005x", "zzzz", "000ahello\n"] {
            assert!(read_list(&mut torn.as_bytes()).is_err(), "{torn}");
        }
    }
}
