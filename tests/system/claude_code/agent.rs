//! What the agent in the real client can read: a table of ways, permission modes and deliveries, as it comes out. The mock
//! API plays a model that tries all ways in one message; a cell says whether the key stood in what it was told.
//!
//! The table in docs/AGENTS.md is the claim, and has to be the one that is measured here.

use super::support::home::Home;
use super::support::process;
use super::support::stencil;
use super::support::stencil::PLACEHOLDER as REFERENCE;
use super::support::tools;
use crate::poll::PATIENCE;
use crate::residue;
use serde_json::{Value, json};
use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::BuildHasher;
use std::time::Duration;

/// Longer than a session with all of these takes on a loaded machine.
const LIMIT: Duration = Duration::from_secs(300);

const DOCS: &str = include_str!("../../../docs/AGENTS.md");

/// How the secrets get to the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setup {
    /// In the file, with the hooks alone.
    Plain,
    /// The same with `install claude-code --shield`.
    Shield,
    /// Into the process of each server.
    Wrap,
}

const SETUPS: [(Setup, &str); 3] = [(Setup::Plain, "file"), (Setup::Shield, "shield"), (Setup::Wrap, "wrap")];
const MODES: [&str; 3] = ["default", "auto", "bypassPermissions"];

/// The ways that are tried: what the table calls each, the tool, and its input.
fn ways(home: &Home) -> Vec<(&'static str, &'static str, Value)> {
    let config = home.target().display().to_string();
    let variable = variable(home);
    let bash = |command: String| ("Bash", json!({ "command": command, "description": "looks" }));
    let until = |done: &str| format!("i=0; while [ $i -lt 50 ]; do {done} && break; sleep 0.1; i=$((i + 1)); done");
    let servers = "for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/environ; done 2>/dev/null";
    let environ = until(&format!("{{ {servers}; }} | grep ^{variable}="));
    let cmdline = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; done 2>/dev/null";
    let server = format!("{} {} {} {variable}", node(), probe(), home.witness("record").display());
    let run = format!(
        "sleep 20 | {variable}=\"{REFERENCE}\" keystencil run --for claude:/mcpServers/probe -- {server} >out 2>&1 & {}; \
         cat out; tr '\\0' '\\n' </proc/$!/environ | grep ^{variable}=",
        until("grep -q node /proc/$!/comm")
    );
    let headers =
        format!("CLAUDE_CODE_MCP_SERVER_URL={}/mcp keystencil headers --for claude:/mcpServers/remote", home.api.url());
    let look_alike = format!(
        "mkdir -p node_modules/.bin; printf '#!/bin/sh\\nenv\\n' >node_modules/.bin/look-alike-server; \
         chmod +x node_modules/.bin/look-alike-server; \
         LOOK=\"{REFERENCE}\" keystencil run --for claude:/mcpServers/look -- npx -y look-alike-server"
    );
    let detached = format!(
        "rm -f out; (env -i HOME=$HOME PATH=$PATH KEYSTENCIL_STORE=vault setsid sh -c \
         'keystencil secret get probe >out 2>&1; echo >done' &); {}; cat out",
        until("[ -e done ]")
    );
    let all = [
        ("`Read` of `~/.claude.json`", ("Read", json!({ "file_path": config }))),
        ("`cat` of it", bash(format!("cat {config}"))),
        ("Python's `open` of it", bash(format!("python3 -c 'print(open(\"{config}\").read())'"))),
        ("the file by a pattern, its letters apart", bash("sed 's/./& /g' $HOME/.claude.j?on".into())),
        ("`keystencil exec -- cat` of it", bash(format!("keystencil exec -- cat {config}"))),
        ("`env`", bash("env".into())),
        ("`/proc/PID/environ` of the servers", bash(environ)),
        ("the same, its letters apart", bash(format!("{{ {servers}; }} | grep ^{variable}= | sed 's/./& /g'"))),
        ("`/proc/PID/cmdline` of all processes", bash(cmdline.into())),
        ("`keystencil secret get`", bash("keystencil secret get probe".into())),
        ("the same, with another state folder", bash("XDG_STATE_HOME=$PWD/x keystencil secret get probe".into())),
        ("the same, detached and without the client's variables", bash(detached)),
        ("`keystencil run --for` an allowed server, and its environment", bash(run)),
        ("`keystencil headers --for` an allowed URL", bash(headers)),
        ("an allowed `npx` server, and a look-alike in `node_modules/.bin`", bash(look_alike)),
    ];
    all.into_iter().map(|(way, (tool, input))| (way, tool, input)).collect()
}

/// A home where three servers are allowed: the probe, one that is reached, and one that `npx` starts.
fn home(setup: Setup) -> Home {
    let mut home = Home::new();
    home.secret = new_key();
    let deliver = if setup == Setup::Wrap { "wrap" } else { "file" };
    std::fs::create_dir_all(home.folder().join(".config/keystencil")).unwrap();
    let config = format!(
        "[targets.claude]\ntemplate = {:?}\npath = {:?}\nprofile = \"claude-code\"\ndeliver = \"{deliver}\"\n",
        home.template(),
        home.target()
    );
    std::fs::write(home.folder().join(".config/keystencil/config.toml"), config).unwrap();
    // Without this npx waits for a network.
    std::fs::write(home.folder().join(".npmrc"), "offline=true\n").unwrap();
    let variable = variable(&home);
    let mut template = home.servers(&[(&variable, REFERENCE)]);
    template["mcpServers"]["probe"]["args"][2] = variable.into();
    template["mcpServers"]["remote"] = json!({ "type": "http", "url": format!("{}/mcp", home.api.url()), "headers": { "Authorization": format!("Bearer {REFERENCE}") } });
    template["mcpServers"]["look"] =
        json!({ "type": "stdio", "command": "npx", "args": ["-y", "look-alike-server"], "env": { "LOOK": REFERENCE } });
    std::fs::write(home.template(), serde_json::to_string_pretty(&template).unwrap()).unwrap();
    // The user of `Home` has a variable of their own in the probe, which would be none of the template's.
    let mut live = home.config();
    live["mcpServers"] = json!({});
    home.write(&home.target(), &live);
    stencil::store(&home, "probe", &home.secret);
    let pending = process::run(&mut stencil::command(&home, ["allow", "--pending", "--json"]), PATIENCE);
    let pending: Value = serde_json::from_str(&pending.stdout).unwrap();
    let number: usize = pending.as_array().unwrap().iter().map(|one| one["new"].as_array().unwrap().len()).sum();
    stencil::succeeds(&home, ["allow", &format!("--allow-new={number}")]);
    let install: &[&str] =
        if setup == Setup::Shield { &["install", "claude-code", "--shield"] } else { &["install", "claude-code"] };
    stencil::succeeds(&home, install);
    home
}

/// Shaped like a key, so that nobody takes it for a word.
fn new_key() -> String {
    let random = |seed: u64| RandomState::new().hash_one(seed);
    let letters = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let digits = (0..40).map(|at| char::from(letters[(random(at) % letters.len() as u64) as usize]));
    format!("sk-{}", digits.collect::<String>())
}

/// The variable of the probe that holds the key: nobody else on this machine has one of that name.
fn variable(home: &Home) -> String {
    format!("KEY_{}", home.api.url().rsplit(':').next().unwrap())
}

fn node() -> String {
    tools::program("node").display().to_string()
}

fn probe() -> String {
    tools::scripts().join("probe_server.mjs").display().to_string()
}

/// What came of each way.
fn reach(setup: Setup, mode: &str) -> Vec<&'static str> {
    let home = home(setup);
    let ways = ways(&home);
    let uses: Vec<(&str, Value)> = ways.iter().map(|(_, tool, input)| (*tool, input.clone())).collect();
    home.api.call(&uses);
    let arguments = ["exec", "--", "claude", "-p", "try it", "--permission-mode", mode];
    let ran = process::run(&mut stencil::command(&home, arguments), LIMIT);
    let results = home.api.results();
    assert_eq!(results.len(), ways.len(), "{setup:?} {mode}: {ran:?} {results:?}");
    for ((way, ..), (failed, result)) in ways.iter().zip(&results) {
        eprintln!("== {setup:?} {mode} {way} {failed}\n{}", result.chars().take(500).collect::<String>());
    }
    results
        .iter()
        .map(|(failed, result)| {
            let apart = result.replace(' ', "");
            let shows =
                [result, &apart].iter().any(|text| !residue::in_bytes(text.as_bytes(), &home.secret).is_empty());
            match (shows, failed) {
                (true, _) => "**key**",
                (false, true) if result.starts_with("Auto mode is unavailable") => "¹",
                // A command that ran and failed says so.
                (false, true) if !result.starts_with("Exit code") => "refused",
                (false, _) => "no key",
            }
        })
        .collect()
}

#[test]
fn the_agents_reach_is_the_table_in_the_docs() {
    let all = SETUPS.into_iter().flat_map(|(setup, _)| MODES.map(|mode| (setup, mode)));
    let columns: Vec<Vec<&str>> = all.map(|(setup, mode)| reach(setup, mode)).collect();
    let mut head = String::from("| the agent tries |");
    for (_, name) in SETUPS {
        write!(head, " {name}: default | auto | bypass |").unwrap();
    }
    let mut table = format!("{head}\n|---|{}\n", "---|".repeat(columns.len()));
    for (row, (way, ..)) in ways(&Home::new()).iter().enumerate() {
        let cells: Vec<&str> = columns.iter().map(|column| column[row]).collect();
        writeln!(table, "| {way} | {} |", cells.join(" | ")).unwrap();
    }
    eprintln!("{table}");
    assert!(DOCS.contains(&table), "docs/AGENTS.md claims another table than the measured one:\n{table}");
}
