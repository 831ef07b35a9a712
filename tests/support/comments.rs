//! Comments put into JSON and taken out of it again, by other rules than the product's.

#![allow(dead_code)]

/// The text with comments, and commas before closing brackets, at its tokens.
pub(crate) fn commented(text: &str, comments: &[u8]) -> String {
    let mut comments = comments.iter().cycle();
    let mut comment = || match comments.next().unwrap() {
        0 => "// one, \"{[\n",
        1 => "/* two */",
        2 => " /*\"*/ // ]\r\n ",
        _ => "",
    };
    let (mut out, mut is_string, mut is_escaped, mut last) = (String::new(), false, false, ' ');
    for char in text.chars() {
        if is_string {
            is_string = char != '"' || is_escaped;
            is_escaped = char == '\\' && !is_escaped;
        } else if "{}[]:,\"".contains(char) {
            out.push_str(comment());
            if "}]".contains(char) && !"{[".contains(last) && comment().is_empty() {
                out.push(',');
                out.push_str(comment());
            }
            is_string = char == '"';
        }
        last = if char.is_whitespace() && !is_string { last } else { char };
        out.push(char);
        if !is_string && "{[,:".contains(char) {
            out.push_str(comment());
        }
    }
    out + comment()
}

/// Such a text without its comments and those commas, read by other rules than the product's: token by token, forward only.
pub(crate) fn uncommented(text: &str) -> String {
    let mut out = String::new();
    // Where a comma was put last, if nothing but white space came behind it.
    let mut comma = None;
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let length = match char {
            '"' => {
                let mut is_escaped = false;
                let end = rest.char_indices().skip(1).find(|(_, char)| {
                    let ends = *char == '"' && !is_escaped;
                    is_escaped = *char == '\\' && !is_escaped;
                    ends
                });
                end.unwrap().0 + 1
            }
            '/' => {
                let end =
                    if rest.starts_with("//") { rest.find(['\n', '\r']) } else { rest.find("*/").map(|at| at + 2) };
                rest = &rest[end.unwrap_or(rest.len())..];
                continue;
            }
            _ => char.len_utf8(),
        };
        if let (Some(at), '}' | ']') = (comma, char) {
            out.remove(at);
        }
        comma = if char == ',' { Some(out.len()) } else { comma.filter(|_| char.is_whitespace()) };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}
