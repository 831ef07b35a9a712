use super::{circles, uses};

fn tree(files: &[(&str, &str)]) -> super::Uses {
    read(files).0
}

fn read(files: &[(&str, &str)]) -> (super::Uses, super::Outside) {
    uses(&files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect::<Vec<_>>())
}

fn used(files: &[(&str, &str)], file: &str) -> Vec<String> {
    tree(files)[file].iter().map(|(other, names)| format!("{other} {names:?}")).collect()
}

const ROOT: (&str, &str) = ("lib.rs", "pub mod a; pub mod b;");
const B: (&str, &str) = ("b/mod.rs", "mod c; pub use c::Thing; pub use c::make as build;");
const C: (&str, &str) = ("b/c.rs", "pub struct Thing; pub fn make() {}");

#[test]
fn a_re_export_leads_to_the_file_that_defines_the_item() {
    for text in [
        "use crate::b::Thing;",
        "use crate::b::{Thing as Other};",
        "use super::b; fn f() -> b::Thing { todo!() }",
        "use crate::b::*;",
        "fn f() { let _ = vec![crate::b::Thing]; }",
        "fn f() { use crate::b::build; build() }",
        "fn f() { use crate::b as other; other::build() }",
        "pub use crate::b::Thing; fn f(_: Thing) {}",
        "mod inner { fn f(_: super::super::b::Thing) {} }",
        "#[serde(with = \"crate::b\")] struct S;",
    ] {
        let found = used(&[ROOT, B, C, ("a.rs", text)], "a.rs");
        assert!(found.len() == 1 && found[0].starts_with("b/c.rs"), "{text}: {found:?}");
    }
}

#[test]
fn what_only_tests_use_and_what_is_of_another_crate_does_not_count() {
    for text in [
        "#[cfg(test)] mod tests { use crate::b::Thing; }",
        "#[cfg(test)] use crate::b::Thing;",
        "use serde::Thing; fn f() { std::fs::read(\"crate\"); }",
        "pub use crate::b::Thing;",
    ] {
        assert_eq!(used(&[ROOT, B, C, ("a.rs", text)], "a.rs"), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_circle_through_a_re_export_is_found_and_its_names_are_told() {
    let c = ("b/c.rs", "pub struct Thing(crate::a::Part); pub fn make() {}");
    let files = [ROOT, B, c, ("a.rs", "use crate::b::Thing; pub struct Part; fn f(_: Thing) {}")];
    let circles = circles(&tree(&files));
    assert_eq!(circles, ["2 files import each other in a circle:\n  a.rs -> b/c.rs: Thing\n  b/c.rs -> a.rs: Part"]);
}

#[test]
fn a_child_that_imports_its_sibling_through_the_parent_makes_no_circle() {
    let b = ("b/mod.rs", "mod c; mod d; pub use c::Thing; pub use d::Other;");
    let d = ("b/d.rs", "use super::Thing; pub struct Other(Thing);");
    assert!(circles(&tree(&[ROOT, b, C, d, ("a.rs", "")])).is_empty());
}

#[test]
fn an_item_with_the_name_of_its_module_is_found() {
    let b = ("b/mod.rs", "pub mod c; pub use c::c;");
    let c = ("b/c.rs", "pub fn c() {}");
    assert_eq!(used(&[ROOT, b, c, ("a.rs", "use crate::b::c;")], "a.rs"), ["b/c.rs {\"c\"}"]);
}

#[test]
fn what_is_of_another_crate_is_told_in_full_however_it_is_imported() {
    for text in [
        "use std::{fs, fmt}; fn f() { fs::read(\"x\"); }",
        "use std::fs as disk; fn f() { disk::read(\"x\"); }",
        "fn f() { use std::fs; fs::read(\"x\"); }",
        "fn f() { assert!(std::fs::read(\"x\").is_ok()); }",
    ] {
        let outside = &read(&[ROOT, B, C, ("a.rs", text)]).1["a.rs"];
        assert!(outside.contains("std::fs::read"), "{text}: {outside:?}");
    }
}
