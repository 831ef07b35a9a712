//! Invariant 2 against programs that rewrite JSON for a living: node's `JSON.stringify`, which is what Claude Code
//! writes with, Python's `json`, which escapes everything beyond ASCII, and jq, which sorts.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

// The invariants use more of these.
#[allow(dead_code)]
#[path = "../pure/invariants/engine.rs"]
mod engine;
#[allow(dead_code)]
#[path = "../pure/invariants/generate.rs"]
mod generate;

use engine::{blueprint, journal, plan, undone};
use generate::Case;
use keystencil::document::Syntax;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// How many documents each program rewrites, all in one run of it.
const CASES: usize = 500;

/// One document a line in, one string a line out.
const NODE: &str = r#"
const lines = require('fs').readFileSync(0, 'utf8').split('\n').filter(Boolean);
const reversed = v => Array.isArray(v) ? v.map(reversed)
  : v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).reverse().map(([k, x]) => [k, reversed(x)])) : v;
for (const [n, line] of lines.entries()) {
  const value = JSON.parse(JSON.parse(line).replace(/^\uFEFF/, ''));
  console.log(JSON.stringify(JSON.stringify(n % 3 ? value : reversed(value), null, n % 2 ? 2 : undefined)));
}
"#;

const PYTHON: &str = r#"
import json, sys
for n, line in enumerate(filter(None, sys.stdin.read().split("\n"))):
    value = json.loads(json.loads(line).lstrip("\ufeff"))
    inner = {"moved": value, "as text": json.dumps(value)}
    print(json.dumps(json.dumps(inner if n % 2 else value, indent=n % 4, sort_keys=n % 3 == 0)))
"#;

/// What the program makes of the documents, which are given and taken as JSON strings.
fn rewritten(command: &mut Command, documents: &[String]) -> Vec<String> {
    let program = command.get_program().to_owned();
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = spawned
        .unwrap_or_else(|error| panic!("{program:?} can't be run ({error}): run scripts/test, which installs it"));
    let lines: Vec<String> = documents.iter().map(|text| serde_json::to_string(text).unwrap()).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.join("\n").as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{program:?} failed");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Undoing what the program made of the rendered form is, byte for byte, what it makes of the placeholder form.
fn commutes(command: impl Fn() -> Command) {
    let mut runner = TestRunner::deterministic();
    let (mut rendered, mut resting, mut journals) = (Vec::new(), Vec::new(), Vec::new());
    while rendered.len() < CASES {
        let case = Case::written_in(&[Syntax::Json]).new_tree(&mut runner).unwrap().current();
        // A number that no float holds is not theirs to keep.
        if [case.target.clone(), case.template()].iter().any(|text| text.contains("1e+400") || text.contains("1e400")) {
            continue;
        }
        let plan = plan(&case.target, &blueprint(&case.template()), &case.secrets, None);
        journals.push(journal(&plan));
        rendered.push(plan.rendered);
        resting.push(plan.placeholder_form);
    }
    assert!(journals.iter().filter(|journal| !journal.slots.is_empty()).count() > CASES / 4);
    let (live, expected) = (rewritten(&mut command(), &rendered), rewritten(&mut command(), &resting));
    assert_eq!((live.len(), expected.len()), (CASES, CASES));
    for ((live, expected), journal) in live.iter().zip(&expected).zip(&journals) {
        assert_eq!(&undone(live, journal), expected);
    }
}

#[test]
fn what_node_rewrites_and_reorders_is_undone_to_what_it_makes_of_the_placeholder_form() {
    commutes(|| {
        let mut node = Command::new("node");
        node.args(["-e", NODE]);
        node
    });
}

#[test]
fn what_python_escapes_moves_and_puts_into_strings_is_undone_to_what_it_makes_of_the_placeholder_form() {
    commutes(|| {
        let mut python = Command::new("python3");
        python.args(["-c", PYTHON]);
        python
    });
}

#[test]
fn what_jq_sorts_is_undone_to_what_it_makes_of_the_placeholder_form() {
    commutes(|| {
        let mut jq = Command::new("jq");
        jq.args(["-c", "-S", "ltrimstr(\"\\ufeff\") | fromjson | tojson"]);
        jq
    });
}
