//! Comments in the gaps between elements: one at the end of a line belongs to what stands before it, any other to what
//! follows. JSON has none, so without a slash a gap is passed on as it is.

use super::layout::has_newline;
use crate::document::json::scan::comma;
use std::borrow::Cow;

/// A gap in front of a line end, if there is a comment in it, and the rest.
pub(super) fn split(gap: &str) -> (&str, &str) {
    let end = gap.find(['\n', '\r']).unwrap_or(gap.len());
    match gap.split_at_checked(end) {
        Some((head, rest)) if head.contains('/') => (head, rest),
        _ => ("", gap),
    }
}

/// What stands before an element once the one in front of it, which had `gone` before it, is taken out.
pub(super) fn before_next<'a>(gone: Cow<'a, str>, next: Cow<'a, str>, is_first: bool) -> Cow<'a, str> {
    if !gone.contains('/') && !next.contains('/') {
        return if is_first { gone } else { next };
    }
    Cow::Owned(joined(split(&gone).0, split(&next).1))
}

/// What stands after the last element once the one behind it is taken out.
pub(super) fn after_last<'a>(gone_before: &str, gone_after: Cow<'a, str>) -> Cow<'a, str> {
    if !gone_before.contains('/') && !gone_after.contains('/') {
        return gone_after;
    }
    let comma = if has_comma(&gone_after) { "," } else { "" };
    let rest = without_comma(split(&gone_after).1);
    Cow::Owned(format!("{comma}{}", joined(split(gone_before).0, &rest)))
}

/// What stays between the brackets once the only element is taken out: every comment, because nothing tells whether it
/// was about the element.
pub(super) fn of_emptied<'a>(before: &str, after: &str) -> Cow<'a, str> {
    if !before.contains('/') && !after.contains('/') {
        return Cow::Borrowed("");
    }
    Cow::Owned(joined(before.trim_end_matches([' ', '\t', '\r', '\n']), &without_comma(after)))
}

/// What stands before and after a new last element, of what it would have before it (`behind`) and what stood after the one
/// that was the last.
pub(super) fn around_new<'a>(behind: Cow<'a, str>, after: Cow<'a, str>) -> (Cow<'a, str>, Cow<'a, str>) {
    let (head, rest) = split(&after);
    if head.is_empty() || !has_newline(&behind) {
        return (behind, after);
    }
    let comma = if has_comma(&after) { "," } else { "" };
    (Cow::Owned(format!("{}{behind}", without_comma(head))), Cow::Owned(format!("{comma}{}", without_comma(rest))))
}

/// Whether a comma stands in the gap outside of its comments: one before a closing bracket.
fn has_comma(gap: &str) -> bool {
    comma(gap).is_some()
}

/// The gap without such a comma.
fn without_comma(gap: &str) -> Cow<'_, str> {
    match comma(gap) {
        Some(at) => {
            Cow::Owned(format!("{}{}", gap.get(..at).unwrap_or_default(), gap.get(at + 1..).unwrap_or_default()))
        }
        None => Cow::Borrowed(gap),
    }
}

/// A gap behind a comment, which may go up to the end of its line.
fn joined(head: &str, gap: &str) -> String {
    let is_open = head.rfind("//") > head.rfind("*/") && !gap.starts_with(['\n', '\r']);
    format!("{head}{}{gap}", if is_open { "\n" } else { "" })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::document::edit::apply;
    use crate::document::{Document, Patch};

    #[track_caller]
    fn edited(text: &str, patch: &str, becomes: &str) {
        let patch: Patch = serde_json::from_str(patch).unwrap();
        let after = apply(text, &patch).unwrap();
        assert_eq!(after, becomes);
        Document::parse_relaxed(after.as_bytes()).unwrap();
    }

    #[test]
    fn comments_stay_where_they_belong_when_an_element_comes() {
        let add = r#"[{"op":"add","path":"/c","value":3}]"#;
        edited(
            "{\n  \"a\": 1, // a\n  // b\n  \"b\": 2 // b too\n}",
            add,
            "{\n  \"a\": 1, // a\n  // b\n  \"b\": 2, // b too\n  \"c\": 3\n}",
        );
        edited("{\n  \"b\": 2, // b too\n}", add, "{\n  \"b\": 2, // b too\n  \"c\": 3,\n}");
        edited("{\n  \"b\": 2,\n  // the end\n}", add, "{\n  \"b\": 2,\n  \"c\": 3,\n  // the end\n}");
        edited("{\"b\": 2 /* b */}", add, "{\"b\": 2, \"c\": 3 /* b */}");
        edited("{ // none yet\n}", add, "{ // none yet\n  \"c\": 3\n}");
        edited("// top\n{\"b\": 2,}\n// end", add, "// top\n{\"b\": 2, \"c\": 3,}\n// end");
    }

    #[test]
    fn comments_stay_with_what_stays_when_an_element_goes() {
        let text =
            "{ // servers\n  // a\n  \"a\": 1, // a too\n  // b\n  \"b\": 2, // b too\n  /* c */ \"c\": 3, // c too\n}";
        let remove = |name: &str| format!(r#"[{{"op":"remove","path":"/{name}"}}]"#);
        edited(text, &remove("a"), "{ // servers\n  // b\n  \"b\": 2, // b too\n  /* c */ \"c\": 3, // c too\n}");
        edited(text, &remove("b"), "{ // servers\n  // a\n  \"a\": 1, // a too\n  /* c */ \"c\": 3, // c too\n}");
        edited(text, &remove("c"), "{ // servers\n  // a\n  \"a\": 1, // a too\n  // b\n  \"b\": 2, // b too\n}");
        edited("{\"a\": 1, /* b */ \"b\": 2}", &remove("b"), "{\"a\": 1 /* b */ }");
        edited("{\"a\": 1,}", &remove("a"), "{}");
    }

    #[test]
    fn a_comment_that_is_all_there_is_stays_when_an_element_comes_and_goes() {
        let add = r#"[{"op":"add","path":"/a/c","value":3}]"#;
        let remove = r#"[{"op":"remove","path":"/a/c"}]"#;
        for (text, with) in [
            ("{\n  \"a\": {\n    // \"old\": 1\n  }\n}", "{\n  \"a\": {\n    // \"old\": 1\n    \"c\": 3\n  }\n}"),
            ("{\n  \"a\": { // old\n  }\n}", "{\n  \"a\": { // old\n    \"c\": 3\n  }\n}"),
            ("{\"a\": {/* old */}}", "{\"a\": {/* old */ \"c\": 3}}"),
        ] {
            edited(text, add, with);
            edited(with, remove, text);
        }
    }

    #[test]
    fn a_value_is_replaced_among_comments() {
        let replace = r#"[{"op":"replace","path":"/a/1","value":{"x":[1,2]}}]"#;
        edited(
            "{\"a\": [ // \"[{\n  1, /* 2 */ 2,\n],}",
            replace,
            "{\"a\": [ // \"[{\n  1, /* 2 */ {\"x\": [1, 2]},\n],}",
        );
    }
}
