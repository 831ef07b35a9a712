//! What Claude Code's settings say so that its agent does not read keys: rules of permissions, and what the sandbox hides.
//! Measured with version 2.1.332.
//!
//! The settings are the person's. What is added is noted by its place and its value, so that it is found again in whatever
//! order the client writes them, and exactly that is taken out.

use super::UnfitSettings;
use crate::document::{Document, Kind, Node, Operation, Pointer, string};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The commands of ours that print keys, or start something with them.
const COMMANDS: [&str; 2] = ["run", "headers"];

/// What an agent has no business with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protected {
    /// Files.
    pub files: Vec<PathBuf>,
    /// Folders, with all that is in them.
    pub folders: Vec<PathBuf>,
    /// How the paths of copies begin.
    pub beginnings: Vec<PathBuf>,
}

/// An item of a list in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The list.
    pub list: Pointer,
    /// The item, as JSON.
    pub value: String,
}

impl Item {
    /// Whether it is about what the sandbox hides, which only newer clients know.
    #[must_use]
    pub fn is_hidden_file(&self) -> bool {
        self.list == hidden_files()
    }
}

fn hidden_files() -> Pointer {
    Pointer::root().child("sandbox").child("credentials").child("files")
}

/// What the settings should say. `home` is written as `~`, so that they can be shared between machines. Without `credentials`
/// what the sandbox hides is left out.
#[must_use]
pub fn items(protected: &Protected, home: &Path, credentials: bool) -> Vec<Item> {
    let files = protected.files.iter().map(|file| pattern(file, home, ""));
    let folders = protected.folders.iter().map(|folder| pattern(folder, home, "/**"));
    let beginnings = protected.beginnings.iter().map(|beginning| pattern(beginning, home, "*"));
    let reads = files.chain(folders).chain(beginnings).map(|path| format!("Read({path})"));
    let commands = COMMANDS.iter().map(|verb| format!("Bash(keystencil {verb}:*)"));
    let deny = Pointer::root().child("permissions").child("deny");
    let item = |list: &Pointer, value: String| Item { list: list.clone(), value };
    let mut items: Vec<Item> = reads.chain(commands).map(|rule| item(&deny, string::encode(&rule))).collect();
    if credentials {
        let hidden = hidden_files();
        let paths = protected.files.iter().chain(&protected.folders);
        items.extend(paths.map(|path| {
            let path = string::encode(&shown(path, home));
            item(&hidden, format!("{{\"path\":{path},\"mode\":\"deny\"}}"))
        }));
    }
    let mut seen = Vec::new();
    items.retain(|item| {
        !seen.contains(item) && {
            seen.push(item.clone());
            true
        }
    });
    items
}

/// A path as the sandbox's settings have it.
fn shown(path: &Path, home: &Path) -> String {
    match path.strip_prefix(home) {
        Ok(rest) => format!("~/{}", rest.display()),
        Err(_) => path.display().to_string(),
    }
}

/// A path as a rule has it: like a line of `.gitignore`, and behind two slashes if it is absolute.
fn pattern(path: &Path, home: &Path, end: &str) -> String {
    let shown = shown(path, home);
    let mut pattern = String::from(if shown.starts_with('/') { "/" } else { "" });
    for char in shown.chars() {
        if "*?[]!\\".contains(char) {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern + end
}

/// What the settings lack of the items, and the operations that add it.
///
/// # Errors
/// [`UnfitSettings`] if something else stands where a list or an object has to be.
pub fn additions(settings: &Document<'_>, items: &[Item]) -> Result<(Vec<Item>, Vec<Operation>), UnfitSettings> {
    let mut lacking: Vec<Item> = Vec::new();
    for item in items {
        if !list(settings, &item.list)?.is_some_and(|list| list.items().any(|has| is(has, &item.value))) {
            lacking.push(item.clone());
        }
    }
    let mut operations: Vec<Operation> = Vec::new();
    let mut made: Vec<Pointer> = Vec::new();
    for item in &lacking {
        if made.contains(&item.list) {
            continue;
        }
        let of_list: Vec<&str> =
            lacking.iter().filter(|other| other.list == item.list).map(|other| other.value.as_str()).collect();
        made.push(item.list.clone());
        if list(settings, &item.list)?.is_some() {
            let end = item.list.child("-");
            operations
                .extend(of_list.iter().map(|value| Operation::Add { path: end.clone(), value: (*value).to_owned() }));
            continue;
        }
        // The first object on the way that is not there is added with all that is in it.
        let mut path = item.list.clone();
        let mut value = format!("[{}]", of_list.join(","));
        while let Some(parent) = path.parent().filter(|parent| node(settings, parent).is_none()) {
            value = format!("{{{}:{value}}}", string::encode(&path.last().unwrap_or_default()));
            path = parent;
        }
        operations.push(Operation::Add { path, value });
    }
    Ok((lacking, operations))
}

/// The operations that take the items out, and what they leave empty of the lists and objects that were `made` for them.
#[must_use]
pub fn removals(settings: &Document<'_>, items: &[Item], made: &[Pointer]) -> Vec<Operation> {
    let mut gone: Vec<Pointer> = Vec::new();
    for item in items {
        let Ok(Some(list)) = list(settings, &item.list) else { continue };
        let mut places = list.items().enumerate().filter(|(_, has)| is(*has, &item.value));
        let place = places.find_map(|(at, _)| Some(item.list.index(at)).filter(|place| !gone.contains(place)));
        gone.extend(place);
    }
    let is_ours = |at: &Pointer| made.iter().any(|made| at.is_within(made));
    // What has nothing left goes as a whole, from the inside out.
    while let Some(empty) = gone.iter().filter_map(Pointer::parent).find(|parent| {
        let children = node(settings, parent).map_or(0, |node| node.members().count() + node.items().count());
        let going = gone.iter().filter(|place| place.parent().as_ref() == Some(parent)).count();
        *parent != Pointer::root() && is_ours(parent) && children == going
    }) {
        gone.retain(|place| place.parent().as_ref() != Some(&empty));
        gone.push(empty);
    }
    // The last of a list first, so that the places of the others stay.
    let index = |place: &Pointer| place.last().and_then(|last| last.parse::<usize>().ok());
    gone.sort_by_key(|place| std::cmp::Reverse(index(place)));
    gone.into_iter().map(|path| Operation::Remove { path }).collect()
}

/// The list at a place; `None` if there is nothing.
fn list<'a>(settings: &Document<'a>, place: &Pointer) -> Result<Option<Node<'a>>, UnfitSettings> {
    let mut at = Pointer::root();
    let mut found = settings.root();
    for token in place.tokens() {
        expect(found, Kind::Object, &at, "an object")?;
        let Some(next) = found.get(&token) else { return Ok(None) };
        at.push(&token);
        found = next;
    }
    expect(found, Kind::Array, &at, "a list")?;
    Ok(Some(found))
}

fn expect(node: Node<'_>, kind: Kind, pointer: &Pointer, expected: &'static str) -> Result<(), UnfitSettings> {
    if node.kind() == kind { Ok(()) } else { Err(UnfitSettings { pointer: pointer.clone(), expected }) }
}

fn node<'a>(settings: &Document<'a>, place: &Pointer) -> Option<Node<'a>> {
    place.tokens().try_fold(settings.root(), |node, token| node.get(&token))
}

fn is(node: Node<'_>, value: &str) -> bool {
    Document::parse(value.as_bytes()).is_ok_and(|value| node.same_value(&value.root()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Patch, edit};
    use crate::host::profile::{ClaudeCode, HookChange, Profile};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn wanted() -> Vec<Item> {
        let protected = Protected {
            files: vec!["/home/u/.claude.json".into(), "/srv/a [b]/x.json".into()],
            folders: vec!["/home/u/.local/state/keystencil".into()],
            beginnings: vec!["/home/u/.claude/backups/.claude.json.".into()],
        };
        items(&protected, Path::new("/home/u"), true)
    }

    /// What an installation makes of settings, and what it notes.
    fn installed(settings: &str) -> (String, Vec<Item>, Vec<Pointer>) {
        let document = Document::parse(settings.as_bytes()).unwrap();
        let hooks = HookChange::Install { program: "keystencil", shield: true };
        let mut patch = ClaudeCode.hooks(&document, hooks).unwrap().0;
        let (lacking, operations) = additions(&document, &wanted()).unwrap();
        patch.extend(operations);
        let made = patch.iter().map(Operation::path).filter(|path| path.last().is_none_or(|last| last != "-"));
        let made = made.cloned().collect();
        (edit::apply(settings, &Patch(patch)).unwrap(), lacking, made)
    }

    fn uninstalled(settings: &str, items: &[Item], made: &[Pointer]) -> String {
        let document = Document::parse(settings.as_bytes()).unwrap();
        let mut patch = ClaudeCode.hooks(&document, HookChange::Uninstall { made: Some(made) }).unwrap().0;
        patch.extend(removals(&document, items, made));
        edit::apply(settings, &Patch(patch)).unwrap()
    }

    #[test]
    fn rules_are_written_as_the_client_reads_them() {
        let rules: Vec<String> = wanted().into_iter().map(|item| item.value).collect();
        for rule in [
            r#""Read(~/.claude.json)""#,
            r#""Read(//srv/a \\[b\\]/x.json)""#,
            r#""Read(~/.local/state/keystencil/**)""#,
            r#""Read(~/.claude/backups/.claude.json.*)""#,
            r#""Bash(keystencil run:*)""#,
            r#""Bash(keystencil headers:*)""#,
            r#"{"path":"~/.claude.json","mode":"deny"}"#,
            r#"{"path":"/srv/a [b]/x.json","mode":"deny"}"#,
        ] {
            assert!(rules.iter().any(|one| one == rule), "{rule}: {rules:#?}");
        }
    }

    #[test]
    fn settings_of_another_shape_are_refused() {
        for (settings, pointer) in [
            ("[]", ""),
            (r#"{"permissions":[]}"#, "/permissions"),
            (r#"{"permissions":{"deny":"Read"}}"#, "/permissions/deny"),
            (r#"{"sandbox":{"credentials":1}}"#, "/sandbox/credentials"),
        ] {
            let document = Document::parse(settings.as_bytes()).unwrap();
            assert_eq!(additions(&document, &wanted()).unwrap_err().pointer.as_str(), pointer, "{settings}");
        }
    }

    /// Settings as a person or the client may have them, with parts of what we add among them.
    fn settings() -> impl Strategy<Value = Value> {
        let rule = prop_oneof![
            "[A-Z][a-z]{1,6}\\([a-z~/.*:]{1,12}\\)".prop_map(Value::from),
            Just(json!("Read(~/.claude.json)")),
            Just(json!("Bash(keystencil run:*)")),
        ];
        let file = prop_oneof![
            Just(json!({"mode": "deny", "path": "~/.claude.json"})),
            "[a-z/~.]{1,9}".prop_map(|path| json!({ "path": path, "mode": "mask" })),
        ];
        let list = |item: BoxedStrategy<Value>| proptest::collection::vec(item, 0..4).prop_map(Value::from).boxed();
        let hook = "[a-z]{1,9}".prop_map(|command| json!({ "hooks": [{ "type": "command", "command": command }] }));
        let of = |name: &'static str, inner: BoxedStrategy<Value>| {
            prop_oneof![Just(json!({})), inner.prop_map(move |inner| json!({ name: inner }))].boxed()
        };
        let permissions = (of("deny", list(rule.clone().boxed())), of("allow", list(rule.boxed())));
        let permissions = permissions.prop_map(|(a, b)| merged(&[a, b])).boxed();
        let sandbox = of("credentials", of("files", list(file.boxed())));
        let hooks = of("PreToolUse", list(hook.boxed()));
        let plain = proptest::collection::btree_map("[a-z]{1,5}", any::<i16>(), 0..3);
        let plain = plain.prop_map(|members| json!(members)).boxed();
        (of("permissions", permissions), of("sandbox", sandbox), of("hooks", hooks), plain)
            .prop_map(|(a, b, c, d)| merged(&[a, d, b, c]))
    }

    fn merged(objects: &[Value]) -> Value {
        Value::Object(objects.iter().flat_map(|object| object.as_object().unwrap().clone()).collect())
    }

    /// As different programs write it.
    fn written(value: &Value, how: usize) -> String {
        let pretty = serde_json::to_string_pretty(value).unwrap();
        match how {
            0 => value.to_string(),
            1 => pretty + "\n",
            2 => pretty.replace("  ", "\t"),
            3 => pretty.replace('\n', "\r\n"),
            4 => pretty.replace("  ", "    ") + "\n\n",
            _ => value.to_string().replace("\":", "\" : ").replace(",\"", " ,  \""),
        }
    }

    /// The same with the members of every object in another order, as the client leaves them.
    fn reordered(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                Value::Object(members.iter().rev().map(|(name, value)| (name.clone(), reordered(value))).collect())
            }
            Value::Array(items) => items.iter().map(reordered).collect::<Vec<_>>().into(),
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn what_was_installed_is_taken_out_again_byte_for_byte(settings in settings(), how in 0usize..6) {
            let before = written(&settings, how);
            let (after, items, made) = installed(&before);
            let says: Value = serde_json::from_str(&after).unwrap();
            let rules = says["permissions"]["deny"].as_array().unwrap();
            prop_assert!(rules.contains(&json!("Read(~/.claude.json)")), "{}", after);
            prop_assert!(says["hooks"]["PostToolUse"].is_array());
            // A second installation has nothing to do.
            prop_assert_eq!(&installed(&after).0, &after);
            prop_assert_eq!(uninstalled(&after, &items, &made), before);
        }

        #[test]
        fn nothing_else_goes_after_the_client_reordered_and_a_person_added_to_it(settings in settings(), how in 0usize..6) {
            let (after, items, made) = installed(&written(&settings, how));
            let mut moved = reordered(&serde_json::from_str(&after).unwrap());
            moved["permissions"]["deny"].as_array_mut().unwrap().insert(0, json!("Read(./mine)"));
            moved["sandbox"]["credentials"]["mine"] = json!(1);
            let left: Value = serde_json::from_str(&uninstalled(&written(&moved, how), &items, &made)).unwrap();
            let mut expected = reordered(&settings);
            for (at, name) in [("permissions", "deny"), ("sandbox", "credentials")] {
                if !expected[at].is_object() {
                    expected[at] = json!({});
                }
                if expected[at].get(name).is_none() {
                    expected[at][name] = if name == "deny" { json!([]) } else { json!({}) };
                }
            }
            expected["permissions"]["deny"].as_array_mut().unwrap().insert(0, json!("Read(./mine)"));
            expected["sandbox"]["credentials"]["mine"] = json!(1);
            prop_assert_eq!(left, expected);
        }
    }
}
