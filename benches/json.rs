//! What the passes over JSON text cost, beside what `serde_json` takes for the least it can do (`IgnoredAny`, and
//! `RawValue` down to the same member). Prints medians; run with `cargo bench --bench json [MB]`.
//!
//! Clocks are noisy and the layout of code alone makes a line a fifth slower, so a change is judged by instructions as
//! well: with a LINE each pass whose name contains it runs once, inside of `counted`, for
//! `valgrind --tool=callgrind --toggle-collect='*counted*' BINARY [MB] LINE`.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing)]

use keystencil::document::{Document, Operation, Patch, Pointer, edit::apply};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A document like `~/.claude.json`: projects with histories, and servers with environments.
fn document(megabytes: usize, indent: Option<&str>) -> String {
    let mut projects = Vec::new();
    let mut size = 0;
    while size < megabytes << 20 {
        let project = projects.len();
        let history: Vec<_> = (0..20)
            .map(|entry| serde_json::json!({
                "display": format!("prompt {entry} of project {project}: please explain \"this\" — and why\nit fails"),
                "pastedContents": {}, "tokens": entry * 977, "cost": 0.001_25, "ok": true, "tags": ["one", "two"],
            }))
            .collect();
        let value = serde_json::json!({
            "allowedTools": [], "history": history, "mcpServers": { "local": {
                "type": "stdio", "command": "npx", "args": ["-y", "server"], "env": { "KEY": "<< keyring('x') >>" } } },
            "lastCost": null, "lastSessionId": "0b9f6c1e-7a35-4a4e-9f0e-1d6a1c8e7f55",
        });
        size += if indent.is_some() {
            serde_json::to_string_pretty(&value).unwrap().len()
        } else {
            value.to_string().len()
        };
        projects.push((format!("/home/someone/src/project-{project}"), value));
    }
    let value = serde_json::json!({
        "numStartups": 184, "projects": serde_json::Map::from_iter(projects), "userID": "3c1f", "mcpServers": {},
    });
    if indent.is_some() { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() }
}

/// Runs once what valgrind counts.
#[inline(never)]
fn counted<T>(run: &mut impl FnMut() -> T) {
    black_box(run());
}

/// The median of a number of runs.
fn median<T>(mut run: impl FnMut() -> T) -> Duration {
    let mut times: Vec<_> = (0..15)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// A thousand members added to one of 64 KB, one patch.
fn small() {
    let members: Vec<String> = (0..1700).map(|member| format!("  \"member {member}\": \"{member:016}\"")).collect();
    let text = format!("{{\n{}\n}}\n", members.join(",\n"));
    let path = |member: usize| Pointer::parse(&format!("/new {member}")).unwrap();
    let add = (0..1000).map(|member| Operation::Add { path: path(member), value: "[1, 2]".into() }).collect();
    let patch = Patch(add);
    let time = median(|| apply(&text, &patch).unwrap());
    println!("{} bytes, apply, 1000 add to one object: {:.2} ms", text.len(), time.as_secs_f64() * 1e3);
}

/// How a document's lines are run and shown.
struct Lines<'t> {
    name: &'t str,
    bytes: usize,
    only: Option<&'t str>,
    base: Option<Duration>,
}

impl Lines<'_> {
    fn line<T>(&mut self, what: &str, mut run: impl FnMut() -> T) {
        if let Some(only) = self.only {
            if format!("{} {what}", self.name).contains(only) {
                counted(&mut run);
            }
            return;
        }
        let time = median(run);
        let speed = self.bytes as f64 / 1e6 / time.as_secs_f64();
        let ratio = time.as_secs_f64() / self.base.unwrap_or(time).as_secs_f64();
        self.base = self.base.or(Some(time));
        println!(
            "{:9} {:6.1} MB {what:44} {:9.2} ms {speed:7.0} MB/s {ratio:5.2}x",
            self.name,
            self.bytes as f64 / 1e6,
            time.as_secs_f64() * 1e3
        );
    }
}

fn main() {
    // Cargo says `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let megabytes = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(12);
    let only = arguments.iter().find(|argument| argument.parse::<usize>().is_err()).map(String::as_str);
    if only.is_none() {
        small();
    }
    for (name, indent) in [("pretty", Some("  ")), ("minified", None)] {
        let text = document(megabytes, indent);
        let mut lines = Lines { name, bytes: text.len(), only, base: None };
        let bytes = text.as_bytes();
        let document = Document::parse(bytes).unwrap();
        let keys: Vec<Pointer> = (0..1000)
            .map(|project| {
                Pointer::parse(&format!("/projects/~1home~1someone~1src~1project-{project}/mcpServers/local/env/KEY"))
                    .unwrap()
            })
            .filter(|pointer| document.find(pointer).is_some())
            .collect();
        let patch = |operation: fn(&Pointer) -> Operation| Patch(keys.iter().map(operation).collect());
        let replace = patch(|path| Operation::Replace { path: path.clone(), value: "\"sk-live-0123456789\"".into() });
        let add = patch(|path| Operation::Add { path: path.parent().unwrap().child("NEW"), value: "\"x\"".into() });
        let remove = patch(|path| Operation::Remove { path: path.clone() });

        lines.line("serde_json IgnoredAny", || serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok());
        lines.line("serde_json RawValue", || serde_json::from_slice::<&RawValue>(bytes).unwrap());
        lines.line("serde_json Value", || serde_json::from_slice::<serde_json::Value>(bytes).unwrap());
        lines.line("Document::parse", || Document::parse(bytes).unwrap());
        lines.line("Document::parse_relaxed", || Document::parse_relaxed(bytes).unwrap());
        let one = &keys[keys.len() / 2];
        lines.line("serde_json RawValue, 1 pointer", || raw_find(bytes, one).len());
        lines.line("find, 1 pointer", || document.find(one));
        lines.line(&format!("find_all, {} pointers", keys.len()), || document.find_all(&keys));
        lines.line("strings", || {
            let mut count = 0usize;
            document.strings(|token| count += usize::from(!token.is_key));
            count
        });
        lines.line("strings, decoded", || {
            let mut length = 0usize;
            document.strings(|token| length += token.node.as_str().map_or(0, |text| text.len()));
            length
        });
        lines.line(&format!("apply, {} replace", keys.len()), || apply(&text, &replace).unwrap());
        lines.line(&format!("apply, {} add", keys.len()), || apply(&text, &add).unwrap());
        lines.line(&format!("apply, {} remove", keys.len()), || apply(&text, &remove).unwrap());
        let other = document.root();
        let rewritten = text.replace("\": ", "\":  ");
        let rewritten = Document::parse(rewritten.as_bytes()).unwrap();
        lines.line("same_value with other white space", || assert!(other.same_value(&rewritten.root())));
    }
}

/// What one would write without this layer: a map of raw values a level.
fn raw_find<'a>(bytes: &'a [u8], pointer: &Pointer) -> &'a str {
    let mut raw: &RawValue = serde_json::from_slice(bytes).unwrap();
    for token in pointer.tokens() {
        let members: HashMap<String, &RawValue> = serde_json::from_str(raw.get()).unwrap();
        raw = members.get(&*token).unwrap();
    }
    raw.get()
}
