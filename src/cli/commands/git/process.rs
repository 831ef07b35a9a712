//! `keystencil git filter-process`: one process for all files of one run of git.
//!
//! gitattributes(5), "Long Running Filter Process", version 2. Capabilities are `clean`, and `smudge`, which hands
//! through: with `required` set git asks for both.

use super::filter::Filter;
use crate::cli::error::CommandError;
use crate::cli::report::Report;
use crate::host::git::packet::{ProtocolError, flush, read_content, read_list, write, write_list};
use std::ffi::OsStr;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;

/// Talks with git until it has no more files. A file that is refused ends git's run, and not this process.
pub(super) fn run(report: &Report, filter: &mut Filter<'_>) -> Result<(), CommandError> {
    let (mut input, mut output) = (BufReader::new(io::stdin().lock()), BufWriter::new(report.stream()));
    greet(&mut input, &mut output)?;
    while let Some(request) = read_list(&mut input)? {
        let value = |key: &[u8]| {
            let mut values = request.iter().filter_map(|line| line.strip_prefix(key)?.strip_prefix(b"="));
            values.next()
        };
        let (Some(command), Some(name)) = (value(b"command"), value(b"pathname")) else {
            return Err(ProtocolError::Unknown.into());
        };
        let name = path(name);
        let content = read_content(&mut input, filter.size_of(&name))?;
        let answer = match command {
            b"clean" => filter.clean(&name, content),
            b"smudge" => Ok(content),
            _ => return Err(ProtocolError::Unknown.into()),
        };
        match answer {
            Ok(content) => {
                write_list(&mut output, &["status=success"]).map_err(ProtocolError::from)?;
                write(&mut output, &content).and_then(|()| flush(&mut output)).map_err(ProtocolError::from)?;
                // An empty list: the status stays as it was.
                flush(&mut output).map_err(ProtocolError::from)?;
            }
            Err(error) => {
                report.error(&error);
                write_list(&mut output, &["status=error"]).map_err(ProtocolError::from)?;
            }
        }
    }
    Ok(())
}

fn greet(input: &mut impl Read, output: &mut impl Write) -> Result<(), ProtocolError> {
    let has = |list: &Option<Vec<Vec<u8>>>, line: &str| {
        list.as_ref().is_some_and(|list| list.iter().any(|own| own == line.as_bytes()))
    };
    let hello = read_list(input)?;
    if !has(&hello, "git-filter-client") || !has(&hello, "version=2") {
        return Err(ProtocolError::Unknown);
    }
    write_list(output, &["git-filter-server", "version=2"])?;
    if !has(&read_list(input)?, "capability=clean") {
        return Err(ProtocolError::Unknown);
    }
    Ok(write_list(output, &["capability=clean", "capability=smudge"])?)
}

/// A path as git names it.
fn path(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    return PathBuf::from(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes));
    #[cfg(not(unix))]
    return PathBuf::from(<str as AsRef<OsStr>>::as_ref(&String::from_utf8_lossy(bytes)));
}
