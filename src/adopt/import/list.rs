//! Several settings in one string: headers a line each, `x=1,y=2` as OpenTelemetry has it, `Server=db;Password=…`,
//! `host=db password='…'`, `--token x --port 1`.
//!
//! Asked by `split`, which looks at each setting as if it stood alone.

use super::recognise::is_secret_name;
use std::ops::Range;

/// What separates settings: the first of these that a name follows.
const DIVIDERS: [char; 5] = ['\n', ';', ',', '&', ' '];
/// Longer texts are not names.
const NAME: usize = 64;

/// A piece of a list: a name and its value, or what is before the first name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting<'t> {
    /// What it is called; nothing for what is before the first.
    pub(super) name: &'t str,
    /// Whether it is written as a header.
    pub(super) is_header: bool,
    /// Where its value is, without quotes.
    pub(super) value: Range<usize>,
}

/// The settings of a text; none unless there are two, or one after something else.
pub(super) fn settings(text: &str) -> Vec<Setting<'_>> {
    DIVIDERS.iter().map(|divider| divided(text, *divider)).find(|all| all.len() > 1).unwrap_or_default()
}

fn divided<'t>(text: &'t str, divider: char) -> Vec<Setting<'t>> {
    let behind = text.match_indices(divider).map(|(at, _)| at + divider.len_utf8());
    let mut starts: Vec<(usize, Named<'t>)> = Vec::new();
    for start in std::iter::once(0).chain(behind) {
        let rest = text.get(start..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        // Of a run of blanks the last one divides.
        let at = start + blank;
        if starts.last().is_none_or(|(known, _)| *known < at)
            && let Some(named) = named(rest.get(blank..).unwrap_or_default(), divider)
        {
            starts.push((at, named));
        }
    }
    let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([text.len()]);
    let one = |((at, named), end): (&(usize, Named<'t>), usize)| {
        let value = bare(text, at + named.length..end, divider);
        Setting { name: named.name, is_header: named.is_header, value }
    };
    let mut all: Vec<Setting<'t>> = starts.iter().zip(ends).map(one).collect();
    if let Some((first, _)) = starts.first().filter(|(first, _)| *first > 0) {
        all.insert(0, Setting { name: "", is_header: false, value: bare(text, 0..*first, divider) });
    }
    all
}

/// A name at the beginning of a text, and how much of it comes before the value.
struct Named<'t> {
    name: &'t str,
    length: usize,
    is_header: bool,
}

fn named(text: &str, divider: char) -> Option<Named<'_>> {
    let dashes = text.len() - text.trim_start_matches('-').len();
    let rest = text.get(dashes..)?;
    // `User Id`, but not where a blank divides.
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c) || (c == ' ' && divider == ';');
    let length = rest.find(|c| !fits(c)).unwrap_or(rest.len());
    let name = rest.get(..length).filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))?;
    let name = name.trim_end();
    let after = rest.get(length..)?;
    // `name = "value"`, as TOML and INI files have it, a line each. Without quotes it is code as often:
    // `password = args.x`.
    let quoted = |after: &str| after.trim_start_matches(['=', ' ']).starts_with(['"', '\'']);
    let spaced = Some(after.trim_start_matches(' ')).filter(|after| divider == '\n' && after.starts_with('='));
    let spaced = spaced.filter(|spaced| quoted(spaced));
    let (after, length) = spaced.map_or((after, length), |spaced| (spaced, length + after.len() - spaced.len()));
    let is_header = after.starts_with(": ") || (divider == '\n' && after.starts_with(':') && !after.starts_with("://"));
    let assigned = after.starts_with('=') || (is_header && ['\n', ','].contains(&divider));
    // `--token x`: only if the name says that it is secret, since most options have no value.
    let is_option = divider == ' ' && dashes > 0 && after.starts_with(' ') && is_secret_name(name);
    let sign = usize::from(assigned || is_option);
    let blank = after.get(sign..).map_or(0, |rest| rest.len() - rest.trim_start_matches(' ').len());
    let blank = if is_header || is_option || spaced.is_some() { blank } else { 0 };
    (name.len() <= NAME && sign > 0).then_some(Named { name, length: dashes + length + sign + blank, is_header })
}

/// A value without the quotes around it, and without what divides it from the next. Where blanks divide it is one word.
fn bare(text: &str, range: Range<usize>, divider: char) -> Range<usize> {
    let written = text.get(range.clone()).unwrap_or_default();
    let written = written.trim_end_matches(['\r', '\n', ' ', '\t', divider]);
    let quote = written.chars().next().filter(|first| ['"', '\''].contains(first));
    if let Some(last) = quote.and_then(|quote| written.rfind(quote)).filter(|last| *last > 0) {
        return range.start + 1..range.start + last;
    }
    let length = if divider == ' ' { written.find([' ', '\t']).unwrap_or(written.len()) } else { written.len() };
    range.start..range.start + length
}

#[cfg(test)]
mod tests {
    use super::settings;

    fn read(text: &str) -> Vec<(&str, &str)> {
        settings(text).into_iter().map(|one| (one.name, &text[one.value])).collect()
    }

    #[test]
    fn each_way_to_write_several_settings_is_read() {
        assert_eq!(read("A: k1\nB-x: k 2\r\nC:k3"), [("A", "k1"), ("B-x", "k 2"), ("C", "k3")]);
        assert_eq!(read("x=k1,y=k2=="), [("x", "k1"), ("y", "k2==")]);
        assert_eq!(read("A: k1, B: k2"), [("A", "k1"), ("B", "k2")]);
        assert_eq!(
            read("Server=tcp:db,1433;User Id=sa;Password=a;b c;Encrypt=true;"),
            [("Server", "tcp:db,1433"), ("User Id", "sa"), ("Password", "a;b c"), ("Encrypt", "true")]
        );
        assert_eq!(read("jdbc:x://h:1;user=u;password=p"), [("", "jdbc:x://h:1"), ("user", "u"), ("password", "p")]);
        assert_eq!(read("[server]\nkey = \"a b\"\nport=3"), [("", "[server]"), ("key", "a b"), ("port", "3")]);
        assert_eq!(
            read("host=db  password='two words' dbname=x"),
            [("host", "db"), ("password", "two words"), ("dbname", "x")]
        );
        assert_eq!(read("client_id=a&client_secret=b"), [("client_id", "a"), ("client_secret", "b")]);
        assert_eq!(read("run --api-key 'x y' --port 1"), [("", "run"), ("api-key", "x y")]);
        assert_eq!(read("run --token=x --port 1"), [("", "run"), ("token", "x")]);
    }

    #[test]
    fn what_is_no_list_has_no_settings() {
        for text in ["", "a", "a=b", "https://h/?a=b", "one, two", "10:20,30:40", "ab==", "token abc"] {
            assert_eq!(read(text), [("", ""); 0], "{text}");
        }
    }
}
