//! `.env` files: `NAME=value`, one a line, as dotenv libraries read them.
//!
//! Such a file is no JSON and has no template. Its keys are found as if it were the `env` of a server, and what comes out
//! is that `env` with references; the file itself stays.

use crate::json::string;
use zeroize::Zeroizing;

/// The variables of a `.env` file as a JSON document, `{"env": {…}}`; `None` if the text is none.
///
/// Comments, `export`, quotes of both kinds (of several lines too) and a comment behind a value are understood. Of a variable
/// that is set twice the last counts. A value that refers to another (`${OTHER}`) stays as written.
///
/// ```
/// use keystencil::plan::import::dotenv;
/// let json = dotenv("# mine\nexport A_TOKEN='x y' # work\nB=\"1\\n2\"\n").unwrap();
/// assert_eq!(json.as_str(), "{\"env\":{\"A_TOKEN\":\"x y\",\"B\":\"1\\n2\"}}");
/// ```
#[must_use]
pub fn dotenv(text: &str) -> Option<Zeroizing<String>> {
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut variables: Vec<(&str, Zeroizing<String>)> = Vec::new();
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
        let (name, after) = line.get(..end)?.split_once('=')?;
        let name = name.trim();
        let name = name.strip_prefix("export ").map_or(name, str::trim_start);
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if !is_name {
            return None;
        }
        let start = line.len() - line.get(end..)?.len() - after.len();
        let (value, tail) = value(line.get(start..)?)?;
        variables.retain(|(known, _)| *known != name);
        variables.push((name, value));
        rest = tail;
    }
    let room = variables.iter().map(|(name, value)| name.len() + 6 * value.len() + 8).sum::<usize>();
    let mut json = Zeroizing::new(String::with_capacity(room + 16));
    json.push_str("{\"env\":{");
    for (index, (name, value)) in variables.iter().enumerate() {
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
    use super::dotenv;

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
}
