//! Private keys that are written as a block of lines: PEM, OpenSSH, PGP, SSH2, PuTTY. Where such a block ends, and
//! whether it has a body at all.
//!
//! The rule's pattern finds the first line; this file continues from there to the last one, whatever ends the lines: a
//! line end, `\n` as in JSON, blanks, quoted concatenation, comment marks. It never looks further than the next block,
//! so a text of nothing but first lines costs no more than its length.

use super::rule::Check;
use memchr::memmem;

/// So much base64 makes a private key; the smallest, of an elliptic curve, has 160.
const PEM_BODY: usize = 40;
/// Shorter lines of base64 have only the ends of keys.
const PEM_LINE: usize = 16;
/// How far after its first line the body of a key is looked for.
const LOOK: usize = 4096;
/// Longer lines are not headers of a block.
const HEADER: usize = 512;
/// A longer block is searched for its end no further; a scan looks at pieces that overlap by more.
const LONGEST: usize = 48 << 10;
/// What is said after `END` is no longer.
const LAST_LINE: usize = 48;
/// A MAC is at most this many hexadecimal digits.
const MAC: usize = 128;

/// The end of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// How many bytes after the first line.
    pub(super) length: usize,
    /// Whether its last line is missing, so that what follows may still belong to it.
    pub(super) is_cut: bool,
}

/// Where the block ends whose first line is followed by `after`; `None` if no key follows.
pub(super) fn end(check: Check, after: &[u8]) -> Option<End> {
    match check {
        Check::Pem => pem(after),
        Check::Putty => putty(after),
        _ => None,
    }
}

/// Whether a format is a block.
pub(super) fn is_block(check: Check) -> bool {
    matches!(check, Check::Pem | Check::Putty)
}

fn pem(after: &[u8]) -> Option<End> {
    if !has_body(after) {
        return None;
    }
    let ahead = after.get(..after.len().min(LONGEST)).unwrap_or_default();
    let closed = memmem::find(ahead, b"----").and_then(|at| {
        let rest = ahead.get(at..)?;
        let words = rest.iter().take_while(|byte| matches!(byte, b'-' | b' ')).count();
        let said = rest.get(words..).filter(|said| said.starts_with(b"END"))?;
        let said = said.get(..said.len().min(LAST_LINE))?;
        let name = said.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b' ').count();
        let dashes = said.get(name..)?.iter().take_while(|byte| **byte == b'-').count();
        Some(End { length: at + words + name + dashes, is_cut: dashes == 0 })
    });
    Some(closed.unwrap_or_else(|| End { length: body(ahead).length, is_cut: true }))
}

/// Base64 after the first line of a block. Code that asks for the line (`startsWith("-----BEGIN …")`) and manuals
/// (`\nXXXX\n`) have no such body.
fn has_body(after: &[u8]) -> bool {
    let body = body(after.get(..after.len().min(LOOK)).unwrap_or_default());
    body.letters >= PEM_BODY && body.kinds == [true; 3]
}

/// What is between the first line and the last: headers, then lines of base64.
#[derive(Default)]
struct Body {
    /// Where the last line of base64 ends.
    length: usize,
    /// How many characters of base64 there are.
    letters: usize,
    /// Whether small letters, capitals and digits are among them.
    kinds: [bool; 3],
}

fn body(text: &[u8]) -> Body {
    let mut body = Body::default();
    let mut rest = text;
    loop {
        let start = rest;
        rest = behind_line_end(rest);
        let gap = start.get(..start.len() - rest.len()).unwrap_or_default();
        let run = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)).count();
        let (word, behind) = rest.split_at_checked(run).unwrap_or_default();
        // Headers such as `Proc-Type: 4,ENCRYPTED` are neither base64 nor the end.
        if body.letters == 0
            && let [b'-' | b':', ..] = behind
            && word.len() < PEM_LINE
            && !word.is_empty()
            && let Some(end) = header_end(behind)
        {
            rest = behind.get(end..).unwrap_or_default();
            continue;
        }
        // The last line may be short. A word in quotes of its own is none.
        let is_short = word.len() < PEM_LINE;
        let is_apart = gap.iter().any(|byte| b"\"',;".contains(byte));
        if word.is_empty() || (is_short && (is_apart || body.letters + word.len() < PEM_BODY)) {
            return body;
        }
        body.letters += word.len();
        body.length = text.len() - behind.len();
        let has = |kind: fn(&u8) -> bool| word.iter().any(kind);
        let kinds = [has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase), has(u8::is_ascii_digit)];
        body.kinds.iter_mut().zip(kinds).for_each(|(known, new)| *known |= new);
        if is_short {
            return body;
        }
        rest = behind;
    }
}

/// What follows the end of a line, in any of the ways in which texts write one.
fn behind_line_end(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b'\\', b'n' | b'r' | b't', rest @ ..] => rest,
            [
                b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'\\' | b'*' | b'#' | b'!' | b',' | b';' | b'>' | b'|',
                rest @ ..,
            ] => rest,
            // Comments and concatenation; a line of base64 that begins with one of them loses a byte, which does no
            // harm.
            [b'/' | b'+', rest @ ..] => rest,
            _ => return text,
        };
    }
}

/// Where the line of a header ends.
fn header_end(text: &[u8]) -> Option<usize> {
    let line = text.get(..text.len().min(HEADER)).unwrap_or_default();
    line.windows(2).position(|pair| pair == b"\\n" || pair.first() == Some(&b'\n'))
}

/// The line that says how long the private part is, which only a key file has; the MAC is the last.
fn putty(after: &[u8]) -> Option<End> {
    const PRIVATE: &[u8] = b"Private-Lines: ";
    const LAST: &[u8] = b"Private-MAC: ";
    let ahead = after.get(..after.len().min(LONGEST)).unwrap_or_default();
    let next = memmem::find(ahead, b"PuTTY-User-Key-File-").unwrap_or(ahead.len());
    let ahead = ahead.get(..next).unwrap_or_default();
    let private = memmem::find(ahead.get(..ahead.len().min(LOOK))?, PRIVATE)? + PRIVATE.len();
    let lines = ahead.get(private..)?;
    let digits = lines.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let closed = memmem::find(lines, LAST).map(|at| {
        let start = private + at + LAST.len();
        let mac = ahead.iter().skip(start).take(MAC).take_while(|byte| byte.is_ascii_hexdigit()).count();
        End { length: start + mac, is_cut: mac == 0 }
    });
    let cut = || End { length: private + digits + body(lines.get(digits..).unwrap_or_default()).length, is_cut: true };
    Some(closed.unwrap_or_else(cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body of no key.
    fn text() -> String {
        ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj", "AgEAAoIBAQC7"].concat()
    }

    #[test]
    fn a_private_key_has_a_body() {
        let body = text();
        let has = |text: &str| pem(text.as_bytes()).is_some();
        for newline in ["\n", "\r\n", "\\n", "\" +\n  \"", " ", ""] {
            assert!(has(&format!("{newline}{body}")), "{newline:?}");
        }
        assert!(has(&format!("\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0102\n\n{body}")));
        for comment in ["\n//! ", "\n * ", "\n# ", "\n> "] {
            let (first, second) = body.split_at(32);
            assert!(has(&format!("{comment}{first}{comment}{second}{comment}")), "{comment:?}");
        }
        for none in [
            "",
            "\n...\n",
            "\n-----END PRIVATE KEY-----",
            "\n<your key>\n",
            "\") {",
            "\"))throw TypeError('\"pkcs8\" must be PKCS#8 formatted string');let b=e.replace(/a/g,\"\")",
            "\"), line_ending),\n        map_res(take_until(\"-----END RSA PRIVATE KEY-----\"), decode)",
            "this is not a private key-----END PRIVATE KEY-----",
            "\\nXXXX\\nXXXX\\n-----END PRIVATE KEY-----",
            "\"\n// click-0.3.3: r\"-----END PRIVATE KEY-----\"\nconsumeClickOneTwoThree",
            "\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC...\n",
            "\n: : : : : : :",
        ] {
            assert!(!has(none), "{none:?}");
        }
        assert!(!has_body(&b":".repeat(1 << 20)) && !has_body(&b"a:".repeat(1 << 20)));
    }

    #[test]
    fn a_block_goes_to_its_last_line_or_as_far_as_its_body_goes() {
        let body = text();
        for newline in ["\n", "\r\n", "\\n", "\\\\n", "\" +\n  \"", " ", ""] {
            let whole = format!("{newline}{body}{newline}-----END RSA PRIVATE KEY-----");
            let found = pem(format!("{whole}{newline}and more").as_bytes());
            assert_eq!(found, Some(End { length: whole.len(), is_cut: false }), "{newline:?}");
            let cut = format!("{newline}{body}");
            for behind in ["", "\n", "\", \"b\": 1}", "\n-----BEGIN RSA PRIVATE KEY-----\n"] {
                let found = pem(format!("{cut}{behind}").as_bytes());
                assert_eq!(found, Some(End { length: cut.len(), is_cut: true }), "{newline:?} {behind:?}");
            }
        }
        let torn = format!("\n{body}\n-----END RSA");
        assert_eq!(pem(torn.as_bytes()), Some(End { length: torn.len(), is_cut: true }));
    }

    #[test]
    fn a_putty_key_has_private_lines_and_goes_to_its_mac() {
        let head = "ssh-ed25519\r\nEncryption: none\r\nPublic-Lines: 1\r\nAAAA\r\nPrivate-Lines: 1\r\n";
        let whole = format!("{head}AAAA\r\nPrivate-MAC: 0a1b2c3d");
        assert_eq!(putty(format!("{whole}\r\nx").as_bytes()), Some(End { length: whole.len(), is_cut: false }));
        assert!(putty(format!("{head}AAAA").as_bytes()).is_some_and(|end| end.is_cut));
        assert_eq!(putty(format!("x PuTTY-User-Key-File-2: {whole}").as_bytes()), None);
        assert_eq!(putty(b"\", \"-----BEGIN \","), None);
    }
}
