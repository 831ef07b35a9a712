//! Which file of a crate uses which other, as the compiler resolves names: through `use` (renamed, nested, glob), paths
//! in the code and in macros, and re-exports, to the file that defines the item. What only tests use does not count.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, Meta, UseTree, Visibility};

/// File → file → the names that the first takes from the second.
pub(crate) type Uses = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// File → the paths of other crates that it names, in full.
pub(crate) type Outside = BTreeMap<String, BTreeSet<String>>;

type Module = Vec<String>;

/// What is in one module.
#[derive(Default)]
struct Scope {
    file: String,
    items: BTreeSet<String>,
    aliases: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
}

/// What a path leads to.
enum Found {
    Module(Module),
    Item(String),
}

#[derive(Default)]
struct Crate {
    scopes: BTreeMap<Module, Scope>,
}

/// Reads a crate of `(path below src, text)`.
pub(crate) fn uses(files: &[(String, String)]) -> (Uses, Outside) {
    let mut all = Crate::default();
    let parsed: Vec<_> =
        files.iter().map(|(path, text)| (path, module_of(path), syn::parse_file(text).unwrap())).collect();
    let mut tests = BTreeSet::new();
    for (path, module, file) in &parsed {
        all.enter(path, module, &file.items, &mut tests);
    }
    let is_test = |module: &Module| tests.iter().any(|test: &Module| module.starts_with(test));
    let (mut found, mut outside) = (Uses::new(), Outside::new());
    for (path, module, file) in parsed.iter().filter(|(_, module, _)| !is_test(module)) {
        let mut walk = Walk {
            all: &all,
            module: module.clone(),
            own: path,
            local: BTreeMap::new(),
            is_inside: false,
            found: found.entry((*path).clone()).or_default(),
            outside: outside.entry((*path).clone()).or_default(),
        };
        walk.visit_file(file);
    }
    (found, outside)
}

/// `a/b.rs` and `a/b/mod.rs` are `a::b`.
fn module_of(path: &str) -> Module {
    let mut segments: Module = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(segments.last().map(String::as_str), Some("mod" | "lib")) {
        segments.pop();
    }
    segments
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let is_test = |attribute: &Attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        meta => meta.path().is_ident("test"),
    };
    attributes.iter().any(is_test)
}

impl Crate {
    fn enter(&mut self, path: &str, module: &Module, items: &[Item], tests: &mut BTreeSet<Module>) {
        let mut scope = Scope { file: path.to_owned(), ..Scope::default() };
        for item in items {
            let name = match item {
                Item::Const(item) => Some(item.ident.to_string()),
                Item::Enum(item) => Some(item.ident.to_string()),
                Item::Fn(item) => Some(item.sig.ident.to_string()),
                Item::Macro(item) => item.ident.as_ref().map(ToString::to_string),
                Item::Static(item) => Some(item.ident.to_string()),
                Item::Struct(item) => Some(item.ident.to_string()),
                Item::Trait(item) => Some(item.ident.to_string()),
                Item::Type(item) => Some(item.ident.to_string()),
                Item::Use(item) => {
                    flatten(&item.tree, &mut Vec::new(), &mut |path, alias| match alias {
                        Some(alias) => drop(scope.aliases.insert(alias, path)),
                        None => scope.globs.push(path),
                    });
                    None
                }
                Item::Mod(item) => {
                    let inner = [&module[..], &[item.ident.to_string()]].concat();
                    if is_for_tests(&item.attrs) {
                        tests.insert(inner);
                    } else if let Some((_, items)) = &item.content {
                        self.enter(path, &inner, items, tests);
                    }
                    None
                }
                _ => None,
            };
            scope.items.extend(name);
        }
        self.scopes.insert(module.clone(), scope);
    }

    /// The item that a path names where a module has the same name, as in `pub mod sync; pub use sync::sync;`.
    fn namesake(&self, from: &Module, path: &[String]) -> Option<String> {
        let (name, before) = path.split_last()?;
        let Found::Module(parent) = self.resolve(from, before, 0)? else { return None };
        let target = self.scopes.get(&parent)?.aliases.get(name).filter(|target| target.len() > 1)?;
        match self.resolve(&parent, target, 0)? {
            Found::Item(file) => Some(file),
            Found::Module(_) => None,
        }
    }

    /// Where a path leads from a module; `None` for what is of another crate, or a local name.
    fn resolve(&self, from: &Module, path: &[String], depth: usize) -> Option<Found> {
        let (mut at, mut rest) = (from.clone(), path);
        let mut is_start = true;
        if depth > 20 {
            return None;
        }
        loop {
            let Some((first, after)) = rest.split_first() else { return Some(Found::Module(at)) };
            match first.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()),
                name => {
                    let child = [&at[..], &[name.to_owned()]].concat();
                    let scope = self.scopes.get(&at)?;
                    if self.scopes.contains_key(&child) {
                        at = child;
                    } else if scope.items.contains(name) {
                        return Some(Found::Item(scope.file.clone()));
                    } else if let Some(target) = scope.aliases.get(name) {
                        // A name that is imported by itself would lead here again.
                        if is_start && target.first().map(String::as_str) == Some(name) {
                            return None;
                        }
                        return self.resolve(&at, &[target, after].concat(), depth + 1);
                    } else {
                        let through = |glob: &Vec<String>| self.resolve(&at, &[glob, rest].concat(), depth + 1);
                        return scope.globs.iter().find_map(through);
                    }
                }
            }
            (rest, is_start) = (after, false);
        }
    }
}

/// Every path of a `use`, with the name it gets; a glob has none.
fn flatten(tree: &UseTree, before: &mut Vec<String>, found: &mut impl FnMut(Vec<String>, Option<String>)) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, found);
            before.pop();
        }
        UseTree::Name(name) if name.ident == "self" => found(before.clone(), before.last().cloned()),
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            found([&before[..], std::slice::from_ref(&name)].concat(), Some(name));
        }
        UseTree::Rename(name) => {
            let path =
                if name.ident == "self" { before.clone() } else { [&before[..], &[name.ident.to_string()]].concat() };
            found(path, Some(name.rename.to_string()));
        }
        UseTree::Glob(_) => found(before.clone(), None),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, found)),
    }
}

struct Walk<'a> {
    all: &'a Crate,
    module: Module,
    own: &'a str,
    /// What the functions around have imported for themselves.
    local: BTreeMap<String, Vec<String>>,
    is_inside: bool,
    found: &'a mut BTreeMap<String, BTreeSet<String>>,
    outside: &'a mut BTreeSet<String>,
}

impl Walk<'_> {
    fn note(&mut self, path: &[String]) {
        let path = match path.split_first() {
            Some((first, after)) if self.local.contains_key(first) => &[&self.local[first], after].concat(),
            _ => path,
        };
        let file = match self.all.resolve(&self.module, path, 0) {
            Some(Found::Item(file)) => Some(file),
            Some(Found::Module(_)) => self.all.namesake(&self.module, path),
            None => {
                self.note_outside(path);
                None
            }
        };
        if let Some(file) = file.filter(|file| file != self.own) {
            self.found.entry(file).or_default().insert(path.last().cloned().unwrap_or_default());
        }
    }

    /// `Timestamp::now` after `use jiff::Timestamp` is `jiff::Timestamp::now`.
    fn note_outside(&mut self, path: &[String]) {
        let Some((first, after)) = path.split_first() else { return };
        let import = self.all.scopes.get(&self.module).and_then(|scope| scope.aliases.get(first));
        let full = import.map_or_else(|| path.to_vec(), |import| [&import[..], after].concat());
        self.outside.insert(full.join("::"));
    }

    /// A glob takes what the module has, or hands on.
    fn note_glob(&mut self, path: &[String]) {
        let Some(Found::Module(module)) = self.all.resolve(&self.module, path, 0) else { return self.note(path) };
        let names = self.all.scopes.get(&module).map(|scope| scope.items.iter().chain(scope.aliases.keys()).cloned());
        for name in names.into_iter().flatten().collect::<Vec<_>>() {
            self.note(&[path, &[name]].concat());
        }
    }

    /// The paths in what a macro, or an attribute, is given.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.note_several(&path);
                        path.clear();
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.note_several(&path);
                    path.clear();
                    colons = 0;
                    match other {
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        // As in `#[serde(with = "crate::a::b")]`.
                        TokenTree::Literal(text) => {
                            let text = text.to_string();
                            let path: Vec<String> = text.trim_matches('"').split("::").map(str::to_owned).collect();
                            if path[0] == "crate" {
                                self.note_glob(&path);
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        self.note_several(&path);
    }

    fn note_several(&mut self, path: &[String]) {
        if path.len() > 1 {
            self.note(path);
        }
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if is_for_tests(attributes) {
            return;
        }
        if let Item::Mod(inner) = item {
            self.module.push(inner.ident.to_string());
            visit::visit_item(self, item);
            self.module.pop();
        } else {
            visit::visit_item(self, item);
        }
    }

    /// A re-export uses nothing: whatever uses it uses what it leads to.
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !matches!(item.vis, Visibility::Inherited) {
            return;
        }
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut |path, alias| paths.push((path, alias)));
        for (path, alias) in paths {
            if let Some(alias) = alias {
                self.note(&path);
                if self.is_inside {
                    self.local.insert(alias, path);
                }
            } else {
                self.note_glob(&path);
            }
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        let (local, is_inside) = (self.local.clone(), std::mem::replace(&mut self.is_inside, true));
        visit::visit_block(self, block);
        (self.local, self.is_inside) = (local, is_inside);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }
}

/// The circles: each is the files that reach each other, with what ties them.
pub(crate) fn circles(uses: &Uses) -> Vec<String> {
    let mut reach: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in uses.keys() {
        let mut open: Vec<&str> = vec![file];
        let seen = reach.entry(file).or_default();
        while let Some(at) = open.pop() {
            for next in uses.get(at).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
    }
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut circles = Vec::new();
    for (file, reached) in &reach {
        if told.contains(file) || !reached.contains(file) {
            continue;
        }
        let ring: BTreeSet<&str> = reached.iter().copied().filter(|other| reach[other].contains(file)).collect();
        let mut text = format!("{} files import each other in a circle:", ring.len());
        for one in &ring {
            for (other, names) in uses[*one].iter().filter(|(other, _)| ring.contains(other.as_str())) {
                text += &format!("\n  {one} -> {other}: {}", names.iter().cloned().collect::<Vec<_>>().join(", "));
            }
        }
        told.extend(&ring);
        circles.push(text);
    }
    circles
}

mod tests;
