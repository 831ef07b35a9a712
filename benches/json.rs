//! What the passes over JSON text cost, beside what `serde_json` takes for the least it can do (`IgnoredAny`, and
//! `RawValue` down to the same member). Prints medians; run with `cargo bench --bench json [MB]`.

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

fn main() {
    small();
    let megabytes = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(12);
    for (name, indent) in [("pretty", Some("  ")), ("minified", None)] {
        let text = document(megabytes, indent);
        let report = |what: &str, time: Duration, base: Option<Duration>| {
            let speed = text.len() as f64 / 1e6 / time.as_secs_f64();
            let ratio = base.map_or(String::new(), |base| format!("{:5.2}x", time.as_secs_f64() / base.as_secs_f64()));
            println!(
                "{name:9} {:6.1} MB {what:44} {:9.2} ms {speed:7.0} MB/s {ratio}",
                text.len() as f64 / 1e6,
                time.as_secs_f64() * 1e3
            );
        };
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

        let base = median(|| serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok());
        report("serde_json IgnoredAny", base, None);
        report("serde_json RawValue", median(|| serde_json::from_slice::<&RawValue>(bytes).unwrap()), Some(base));
        report("serde_json Value", median(|| serde_json::from_slice::<serde_json::Value>(bytes).unwrap()), Some(base));
        report("Document::parse", median(|| Document::parse(bytes).unwrap()), Some(base));
        let one = &keys[keys.len() / 2];
        let raw = median(|| raw_find(bytes, one).len());
        report("serde_json RawValue, 1 pointer", raw, Some(base));
        report("find, 1 pointer", median(|| document.find(one)), Some(base));
        report(&format!("find_all, {} pointers", keys.len()), median(|| document.find_all(&keys)), Some(base));
        let strings = || {
            let mut count = 0usize;
            document.strings(|token| count += usize::from(!token.is_key));
            count
        };
        report("strings", median(strings), Some(base));
        report(&format!("apply, {} replace", keys.len()), median(|| apply(&text, &replace).unwrap()), Some(base));
        report(&format!("apply, {} add", keys.len()), median(|| apply(&text, &add).unwrap()), Some(base));
        report(&format!("apply, {} remove", keys.len()), median(|| apply(&text, &remove).unwrap()), Some(base));
        let other = document.root();
        let rewritten = text.replace("\": ", "\":  ");
        let rewritten = Document::parse(rewritten.as_bytes()).unwrap();
        report(
            "same_value with other white space",
            median(|| assert!(other.same_value(&rewritten.root()))),
            Some(base),
        );
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
