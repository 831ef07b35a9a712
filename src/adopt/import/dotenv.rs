//! `.env` files: `NAME=value`, one a line, as dotenv libraries read them.
//!
//! Such a file is not JSON and has no template. Its keys are found as if it were the `env` of a server, and what comes
//! out is that `env` with references. In the file itself a key can only become a comment: its programs know no
//! placeholders.

use crate::document::string;
use std::ops::Range;
use zeroize::Zeroizing;

/// The variables of a `.env` file as a JSON document, `{"env": {…}}`; `None` if the text is not a `.env` file.
///
/// Comments, `export`, quotes of both kinds (of several lines too) and a comment after a value are understood. Of a
/// variable that is set twice the last counts. A value that refers to another (`${OTHER}`) stays as written.
///
/// ```
/// use keystencil::adopt::import::dotenv;
/// let json = dotenv("# mine\nexport A_TOKEN='x y' # work\nB=\"1\\n2\"\n").unwrap();
/// assert_eq!(json.as_str(), "{\"env\":{\"A_TOKEN\":\"x y\",\"B\":\"1\\n2\"}}");
/// ```
#[must_use]
pub fn dotenv(text: &str) -> Option<Zeroizing<String>> {
    let mut variables: Vec<Assignment<'_>> = Vec::new();
    for assignment in assignments(text).ok()? {
        variables.retain(|known| known.name != assignment.name);
        variables.push(assignment);
    }
    let room = variables.iter().map(|known| known.name.len() + 6 * known.value.len() + 8).sum::<usize>();
    let mut json = Zeroizing::new(String::with_capacity(room + 16));
    json.push_str("{\"env\":{");
    for (index, Assignment { name, value, .. }) in variables.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        json.push_str(&string::encode(name));
        json.push(':');
        json.push_str(&Zeroizing::new(string::encode(value)));
    }
    json.push_str("}}");
    Some(json)
}

/// A `.env` file whose named variables are comments, with another text in the place of their values. Nothing else
/// changes. Every assignment of a variable is replaced, also those that a later one hides.
///
/// ```
/// use keystencil::adopt::import::comment_out;
/// let text = "# mine\nexport A='x y' # work\nB=1\n";
/// let changed = comment_out(text, &[("A", "<< keyring('a') >>".to_owned())]).unwrap();
/// assert_eq!(changed.as_str(), "# mine\n# A=<< keyring('a') >>\nB=1\n");
/// ```
///
/// `None` if the text is no such file.
#[must_use]
pub fn comment_out(text: &str, variables: &[(&str, String)]) -> Option<Zeroizing<String>> {
    let room = text.len() + variables.iter().map(|(name, shown)| name.len() + 2 * shown.len() + 8).sum::<usize>();
    let mut changed = Zeroizing::new(String::with_capacity(room));
    let mut done = 0;
    for Assignment { name, range, .. } in assignments(text).ok()? {
        let Some((_, shown)) = variables.iter().find(|(known, _)| *known == name) else { continue };
        changed.push_str(text.get(done..range.start)?);
        let line = format!("# {name}={}", shown.replace('\r', "\\r").replace('\n', "\\n"));
        changed.push_str(&line);
        done = range.end;
    }
    changed.push_str(text.get(done..)?);
    Some(changed)
}

/// The first line of a `.env` file that is none of its lines, counted from 1: a value continues there without quotes,
/// or a quote is never closed. `None` if all are, or if the text begins like no such file.
#[must_use]
pub fn broken_line(text: &str) -> Option<usize> {
    let (at, is_first) = assignments(text).err()?;
    let before = text.get(..at).unwrap_or_default();
    (!is_first).then(|| 1 + before.bytes().filter(|byte| *byte == b'\n').count())
}

/// A variable of the file, its value as programs read it, and where the two are, without the end of the line.
struct Assignment<'t> {
    name: &'t str,
    value: Zeroizing<String>,
    range: Range<usize>,
}

/// Fails with the place of the malformed line, and whether nothing was read before it.
fn assignments(text: &str) -> Result<Vec<Assignment<'_>>, (usize, bool)> {
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut found = Vec::new();
    while !rest.is_empty() {
        let line = rest.trim_start();
        if line.is_empty() {
            break;
        }
        let end = line.find('\n').unwrap_or(line.len());
        if line.starts_with('#') {
            rest = line.get(end..).unwrap_or_default();
            continue;
        }
        let start = text.len() - line.len();
        let broken = (start, found.is_empty());
        let (name, after) = line.get(..end).and_then(|line| line.split_once('=')).ok_or(broken)?;
        let name = name.trim();
        let name = name.strip_prefix("export ").map_or(name, str::trim_start);
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if !is_name {
            return Err(broken);
        }
        let (value, tail) = line.get(end - after.len()..).and_then(value).ok_or((start, false))?;
        let stop = text.get(..text.len() - tail.len()).unwrap_or_default().trim_end_matches('\r').len();
        found.push(Assignment { name, value, range: start..stop });
        rest = tail;
    }
    Ok(found)
}

/// The value at the start of a text, and what follows its line.
fn value(text: &str) -> Option<(Zeroizing<String>, &str)> {
    let text = text.trim_start_matches([' ', '\t']);
    let quote = text.chars().next().filter(|first| ['"', '\''].contains(first));
    let Some(quote) = quote else {
        let (line, rest) = text.split_at(text.find('\n').unwrap_or(text.len()));
        let line = line.split_once(" #").map_or(line, |(value, _)| value);
        let line = if line.starts_with('#') { "" } else { line };
        return Some((Zeroizing::new(line.trim_end().to_owned()), rest));
    };
    let mut value = Zeroizing::new(String::with_capacity(text.len().min(1 << 16)));
    let mut chars = text.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        match char {
            char if char == quote => {
                let rest = text.get(at + 1..)?;
                return Some((value, rest.get(rest.find('\n').unwrap_or(rest.len())..)?));
            }
            '\\' if quote == '"' => match chars.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{broken_line, comment_out, dotenv};

    #[test]
    fn what_dotenv_libraries_read_is_read() {
        for (text, json) in [
            ("", r#"{"env":{}}"#),
            ("A=1\r\nB = two words  # comment\n\nC=\n", r##"{"env":{"A":"1","B":"two words","C":""}}"##),
            ("A='it''s'\n", r#"{"env":{"A":"it"}}"#),
            ("K=\"-----BEGIN\nab#c\n-----END\"\nL=x#y", r##"{"env":{"K":"-----BEGIN\nab#c\n-----END","L":"x#y"}}"##),
            ("A=1\nA=2\n", r#"{"env":{"A":"2"}}"#),
            ("export A='\\n'\n", r#"{"env":{"A":"\\n"}}"#),
        ] {
            assert_eq!(dotenv(text).unwrap().as_str(), json);
        }
    }

    #[test]
    fn what_is_no_such_file_is_told() {
        for text in ["hello", "{\"a\": 1}", "A=\"open\nB=2", "1A=2", "[targets.x]\npath = 'y'"] {
            assert!(dotenv(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_line_that_is_none_is_named() {
        for (text, line) in [
            ("A=1\nK=-----BEGIN X-----\nabcd\n", Some(3)),
            ("A=1\n# K=\"one\ntwo\"\n", Some(3)),
            ("A=1\nB='open\nC=1\n", Some(2)),
            ("A=1\nB=2\n", None),
            ("hello\nA=1\n", None),
        ] {
            assert_eq!(broken_line(text), line, "{text:?}");
        }
    }

    #[test]
    fn a_variable_becomes_a_comment_and_nothing_else_changes() {
        let reference = "<< keyring('a') >>";
        for (text, changed) in [
            ("A=1", format!("# A={reference}")),
            ("\u{feff}A=1\r\nB=2\r\n", format!("\u{feff}# A={reference}\r\nB=2\r\n")),
            ("  export A = 'x'  # c\n\nB=1\n", format!("  # A={reference}\n\nB=1\n")),
            ("A=\"one\ntwo\" # c\nB='A=3'\n", format!("# A={reference}\nB='A=3'\n")),
            ("A=old\nB=1\nA=new\n", format!("# A={reference}\nB=1\n# A={reference}\n")),
            ("# A=1\nAA=1\n", "# A=1\nAA=1\n".to_owned()),
        ] {
            assert_eq!(comment_out(text, &[("A", reference.to_owned())]).unwrap().as_str(), changed, "{text:?}");
            assert!(dotenv(&changed).is_some_and(|left| !left.contains("\"A\"")), "{changed:?}");
        }
    }

    #[test]
    fn a_line_break_in_what_is_put_in_opens_no_line() {
        let changed = comment_out("A=1\nB=2\n", &[("A", "x\ny=3".to_owned())]).unwrap();
        assert_eq!(changed.as_str(), "# A=x\\ny=3\nB=2\n");
    }
}
