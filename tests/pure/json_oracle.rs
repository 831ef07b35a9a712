//! Invariant 5, the oracle: splicing a patch into the text and then parsing equals parsing and then
//! `json_patch::patch`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use crate::comments::commented;
use crate::json;

use json::{Format, arbitrary_format, arbitrary_json, arbitrary_patch};
use keystencil::document::{Document, Kind, Operation, Patch, Pointer, edit::apply};
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

fn value(text: &str) -> Value {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn splicing_a_patch_and_parsing_equals_parsing_and_patching(
        document in arbitrary_json(),
        format in arbitrary_format(),
        steps in arbitrary_patch(),
    ) {
        let text = format.write(&document);
        let before = value(&text);
        let patch = json::resolve(&before, &steps);
        let mut expected = before.clone();
        match (apply(&text, &patch), json::oracle(&mut expected, &patch)) {
            (Ok(edited), Ok(())) => prop_assert_eq!(value(&edited), expected, "{}", edited),
            (Err(_), Err(_)) => {}
            (ours, theirs) => prop_assert!(false, "{ours:?} but {theirs:?} for {text} and {patch:?}"),
        }
    }

    #[test]
    fn a_patch_goes_to_json_patch_and_back_and_says_the_same(
        document in arbitrary_json(),
        format in arbitrary_format(),
        steps in arbitrary_patch(),
    ) {
        let text = format.write(&document);
        let ours = json::resolve(&value(&text), &steps);
        let theirs = json_patch::Patch::try_from(&ours).unwrap();
        prop_assert_eq!(serde_json::to_value(&ours).unwrap(), serde_json::to_value(&theirs).unwrap());
        prop_assert_eq!(&serde_json::from_str::<json_patch::Patch>(&serde_json::to_string(&ours).unwrap()).unwrap(), &theirs);
        // Back again only the white space in the values is gone.
        let back = Patch::from(theirs.clone());
        prop_assert_eq!(serde_json::to_string(&back).unwrap(), serde_json::to_string(&theirs).unwrap());
        prop_assert_eq!(&json_patch::Patch::try_from(&back).unwrap(), &theirs);
        match (apply(&text, &ours), apply(&text, &back)) {
            (Ok(ours), Ok(back)) => prop_assert_eq!(value(&ours), value(&back)),
            (ours, back) => prop_assert_eq!(ours, back),
        }
    }

    #[test]
    fn what_json_patch_finds_between_two_documents_can_be_made_in_the_text(
        before in arbitrary_json(),
        after in arbitrary_json(),
        format in arbitrary_format(),
        comments in prop::collection::vec(0..6u8, 1..20),
    ) {
        let plain = format.write(&before);
        let (from, to) = (value(&plain), value(&format.write(&after)));
        let patch = Patch::from(json_patch::diff(&from, &to));
        for text in [commented(&plain, &comments), plain] {
            let edited = apply(&text, &patch).unwrap();
            prop_assert_eq!(value(&Document::parse_relaxed(edited.as_bytes()).unwrap().root().plain()), to.clone());
        }
    }

    #[test]
    fn a_pointer_is_one_of_jsonptr(tokens in prop::collection::vec(".*", 0..6), text in "(/?(a|~|~0|~1|é|\\PC))*") {
        use json_patch::jsonptr::PointerBuf;
        let ours = tokens.iter().fold(Pointer::root(), |pointer, token| pointer.child(token));
        let theirs = PointerBuf::from_tokens(&tokens);
        prop_assert_eq!(ours.as_str(), theirs.as_str());
        prop_assert_eq!(ours.tokens().collect::<Vec<_>>(), tokens);
        prop_assert_eq!(&PointerBuf::from(ours.clone()), &theirs);
        prop_assert_eq!(Pointer::from(theirs), ours);
        prop_assert_eq!(Pointer::parse(&text).map(PointerBuf::from).ok(), PointerBuf::parse(text.as_str()).ok());
    }

    #[test]
    fn comments_change_nothing_and_go_nowhere(
        document in arbitrary_json(),
        format in arbitrary_format(),
        steps in arbitrary_patch(),
        comments in prop::collection::vec(0..6u8, 1..20),
    ) {
        let plain = format.write(&document);
        let text = commented(&plain, &comments);
        let relaxed = Document::parse_relaxed(text.as_bytes()).unwrap();
        let strict = Document::parse(plain.as_bytes()).unwrap();
        prop_assert!(relaxed.root().same_value(&strict.root()), "{}", text);
        prop_assert_eq!(value(&relaxed.root().plain()), value(&plain), "{}", text);
        let pointers = json::pointers(&value(&plain));
        for (with, without) in relaxed.find_all(&pointers).into_iter().zip(strict.find_all(&pointers)) {
            prop_assert_eq!(with.map(|node| value(&node.plain())), without.map(|node| value(node.raw())));
        }
        let tokens = |document: &Document<'_>| {
            let mut all = Vec::new();
            document.strings(|token| all.push((token.pointer(), token.is_key, token.node.raw().to_owned())));
            all
        };
        prop_assert_eq!(tokens(&relaxed), tokens(&strict));
        let count = |document: &Document<'_>| document.comments().count();
        let patch = json::resolve(&value(&plain), &steps);
        match (apply(&text, &patch), apply(&plain, &patch)) {
            (Ok(edited), Ok(expected)) => {
                let after = Document::parse_relaxed(edited.as_bytes());
                prop_assert!(after.is_ok(), "{} becomes {}", text, edited);
                let after = after.unwrap();
                prop_assert_eq!(value(&after.root().plain()), value(&expected), "{} becomes {}", text, edited);
                let copies = patch.0.iter().any(|operation| matches!(operation, Operation::Copy { .. }));
                prop_assert!(copies || count(&after) <= count(&relaxed), "{} becomes {}", text, edited);
            }
            (ours, theirs) => prop_assert!(ours.is_err() && theirs.is_err(), "{text} and {patch:?}"),
        }
    }

    #[test]
    fn what_was_written_in_one_style_stays_in_that_style(
        document in arbitrary_json(),
        format in arbitrary_format(),
        steps in arbitrary_patch(),
    ) {
        // Two members at the root show the style.
        let document = json::Json::Object(vec![("first".into(), json::Json::Raw("1".into())), ("rest".into(), document)]);
        let text = format.write(&document);
        let patch = json::resolve(&value(&text), &steps);
        if let Ok(edited) = apply(&text, &patch) {
            let model = json::read(&Document::parse(edited.as_bytes()).unwrap().root());
            prop_assert_eq!(&edited, &format.write_as_is(&model), "{:?}", patch);
        }
    }

    #[test]
    fn bytes_outside_of_the_touched_container_stay(
        document in arbitrary_json(),
        format in arbitrary_format(),
        steps in arbitrary_patch(),
    ) {
        let text = format.write(&document);
        let before = value(&text);
        for operation in json::resolve(&before, &steps).0.into_iter().take(1) {
            let (Operation::Add { ref path, .. } | Operation::Remove { ref path } | Operation::Replace { ref path, .. }) =
                operation
            else {
                continue;
            };
            let outer = path.parent().unwrap_or_default();
            let replaces = matches!(operation, Operation::Replace { .. });
            let touched = if replaces { path.clone() } else { outer };
            let parsed = Document::parse(text.as_bytes()).unwrap();
            let Some(span) = parsed.find(&touched).map(|node| node.span()) else { continue };
            if let Ok(edited) = apply(&text, &Patch(vec![operation])) {
                prop_assert!(edited.starts_with(&text[..span.start]));
                prop_assert!(edited.ends_with(&text[span.end..]));
            }
        }
    }

    #[test]
    fn removing_the_last_member_and_adding_it_back_restores_the_bytes(
        document in arbitrary_json(),
        format in arbitrary_format(),
        pick in any::<prop::sample::Index>(),
    ) {
        // A key that comes back is written without needless escapes.
        let format = Format { escape: false, ..format };
        let document = json::Json::Object(vec![("first".into(), json::Json::Raw("1".into())), ("rest".into(), document)]);
        let text = format.write(&document);
        let parsed = Document::parse(text.as_bytes()).unwrap();
        let elements = |pointer: &Pointer| -> Vec<_> {
            let holder = parsed.find(pointer).unwrap();
            holder.members().map(|member| member.value).chain(holder.items()).collect()
        };
        let holders = json::pointers(&value(&text)).into_iter().filter(|pointer| !elements(pointer).is_empty());
        let holders: Vec<_> = holders.collect();
        let parent = &holders[pick.index(holders.len())];
        let holder = parsed.find(parent).unwrap();
        let elements = elements(parent);
        let node = elements.last().unwrap();
        let pointer = match holder.members().last() {
            Some(member) => parent.child(&member.key.as_str().unwrap()),
            None => parent.index(elements.len() - 1),
        };
        let remove = Operation::Remove { path: pointer.clone() };
        let path = if holder.kind() == Kind::Array { parent.child("-") } else { pointer.clone() };
        let add = Operation::Add { path, value: node.raw().to_owned() };
        let removed = apply(&text, &Patch(vec![remove.clone()])).unwrap();
        prop_assert!(!json::blank_line(&removed), "{:?}", removed);
        if elements.len() > 1 {
            prop_assert_eq!(&apply(&removed, &Patch(vec![add.clone()])).unwrap(), &text);
        } else {
            let hollow = removed.as_bytes().get(holder.span().start..holder.span().start + 2).unwrap();
            prop_assert!([b"{}", b"[]"].iter().any(|empty| hollow == *empty), "{:?}", removed);
        }
        prop_assert_eq!(apply(&text, &Patch(vec![remove, add])).unwrap(), text);
    }

    #[test]
    fn a_mutated_text_is_accepted_exactly_when_serde_json_accepts_it(
        document in arbitrary_json(),
        format in arbitrary_format(),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..3u8, prop::sample::select(b"{}[]:,\"\\u0d8e.-+eE19tfn \n\r\t\x00\x1f/'x".to_vec())),
            0..4,
        ),
    ) {
        let format = json::Format { bom: false, ..format };
        let mut bytes = format.write(&document).into_bytes();
        for (at, kind, byte) in changes {
            let at = at.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                _ if at < bytes.len() => drop(bytes.remove(at)),
                _ => {}
            }
        }
        let ours = Document::parse(&bytes);
        let theirs = serde_json::from_slice::<IgnoredAny>(&bytes).is_ok() && std::str::from_utf8(&bytes).is_ok();
        prop_assert_eq!(ours.is_ok(), theirs, "{:?} {}", ours.err(), String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn find_equals_the_pointer_of_serde_json(
        document in arbitrary_json(),
        format in arbitrary_format(),
        strange in prop::collection::vec("(/(a|b|0|1|01|-|é|a~1b|m~0n|\"|))*", 3),
    ) {
        let text = format.write(&document);
        let parsed = Document::parse(text.as_bytes()).unwrap();
        let expected = value(&text);
        let mut pointers = json::pointers(&expected);
        pointers.extend(strange.iter().map(|pointer| Pointer::parse(pointer).unwrap()));
        for (pointer, found) in pointers.iter().zip(parsed.find_all(&pointers)) {
            let ours = found.map(|node| value(node.raw()));
            prop_assert_eq!(ours.as_ref(), expected.pointer(pointer.as_str()));
            prop_assert_eq!(found.map(|node| node.span()), parsed.find(pointer).map(|node| node.span()));
        }
    }

    #[test]
    fn the_walk_meets_exactly_the_strings_and_their_pointers_lead_back(
        document in arbitrary_json(),
        format in arbitrary_format(),
    ) {
        let text = format.write(&document);
        let parsed = Document::parse(text.as_bytes()).unwrap();
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        parsed.strings(|token| {
            let decoded = token.node.as_str().unwrap().into_owned();
            let pointer = token.pointer();
            if token.is_key {
                assert_eq!(pointer.last().unwrap(), decoded.as_str());
                assert!(token.key().is_none());
                keys.push(pointer);
            } else {
                assert_eq!(parsed.find(&pointer).unwrap().span(), token.node.span());
                let key = token.key().map(|key| keystencil::document::string::decode(key).unwrap());
                let holder = pointer.parent().and_then(|parent| parsed.find(&parent));
                let named = holder.filter(|node| node.kind() == Kind::Object).and_then(|_| pointer.last());
                assert_eq!(key, named);
                values.push(pointer);
            }
        });
        let whole = value(&text);
        let all = json::pointers(&whole);
        let expected: Vec<_> = all.iter().filter(|&pointer| whole.pointer(pointer.as_str()).unwrap().is_string()).collect();
        prop_assert_eq!(values.iter().collect::<Vec<_>>(), expected);
        let named = |pointer: &&Pointer| pointer.parent().is_some_and(|up| whole.pointer(up.as_str()).unwrap().is_object());
        prop_assert_eq!(keys.iter().collect::<Vec<_>>(), all.iter().filter(named).collect::<Vec<_>>());
    }

    #[test]
    fn documents_written_in_two_styles_are_the_same_value(
        document in arbitrary_json(),
        other in arbitrary_json(),
        formats in (arbitrary_format(), arbitrary_format()),
    ) {
        let (a, b) = (formats.0.write(&document), formats.1.write(&document));
        let (a, b) = (Document::parse(a.as_bytes()).unwrap(), Document::parse(b.as_bytes()).unwrap());
        prop_assert!(a.root().same_value(&b.root()));
        let c = formats.1.write(&other);
        let equal = value(a.text()) == value(&c);
        prop_assert_eq!(a.root().same_value(&Document::parse(c.as_bytes()).unwrap().root()), equal);
    }
}

#[test]
fn the_generators_reach_successful_patches_of_every_kind() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut done = [0usize; 6];
    let mut failed = 0;
    for _ in 0..500 {
        let document = arbitrary_json().new_tree(&mut runner).unwrap().current();
        let steps = arbitrary_patch().new_tree(&mut runner).unwrap().current();
        let text = Format::default().write(&document);
        let patch = json::resolve(&value(&text), &steps);
        if apply(&text, &patch).is_err() {
            failed += 1;
            continue;
        }
        for operation in &patch.0 {
            done[match operation {
                Operation::Add { .. } => 0,
                Operation::Remove { .. } => 1,
                Operation::Replace { .. } => 2,
                Operation::Move { .. } => 3,
                Operation::Copy { .. } => 4,
                Operation::Test { .. } => 5,
            }] += 1;
        }
    }
    assert!(done.iter().all(|&count| count > 50) && (50..400).contains(&failed), "{done:?}, {failed} failed");
}
