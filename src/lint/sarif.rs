//! Findings as SARIF 2.1.0, for code hosts and editors.

use super::finding::{Finding, Kind};
use crate::scan;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// What a path in a URI reference may not hold as it is.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What the user can do about a kind of finding; the command line knows.
pub type Hint<'a> = &'a dyn Fn(&Kind) -> String;

/// The document; `complete` says whether everything that was asked for could be read.
#[must_use]
pub fn document(findings: &[Finding], complete: bool, hint: Hint<'_>) -> Value {
    let mut rules: BTreeMap<&str, &Finding> = BTreeMap::new();
    for finding in findings {
        rules.entry(finding.kind.rule()).or_insert(finding);
    }
    let ids: Vec<&str> = rules.keys().copied().collect();
    let results: Vec<Value> = findings.iter().map(|finding| result(finding, &ids, hint)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "keystencil",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|(id, finding)| rule(id, finding, hint)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": complete }],
            "results": results,
        }],
    })
}

fn rule(id: &str, finding: &Finding, hint: Hint<'_>) -> Value {
    let text = match scan::rule(id) {
        Some(rule) => format!("A key of {}", rule.provider),
        None => id.replace('-', " "),
    };
    json!({
        "id": id,
        "shortDescription": { "text": text },
        "help": { "text": hint(&finding.kind) },
        "defaultConfiguration": { "level": "error" },
    })
}

fn result(finding: &Finding, ids: &[&str], hint: Hint<'_>) -> Value {
    let path = finding.file.to_string_lossy().replace('\\', "/");
    let uri = utf8_percent_encode(path.strip_prefix("./").unwrap_or(&path), PATH).to_string();
    let id = finding.kind.rule();
    let mut result = json!({
        "ruleId": id,
        "ruleIndex": ids.iter().position(|known| *known == id),
        "level": "error",
        "message": { "text": format!("{}. {}", finding.kind.message(), hint(&finding.kind)) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri },
            "region": { "startLine": finding.line, "startColumn": finding.column },
        } }],
    });
    if let (Some(print), Some(members)) = (&finding.print, result.as_object_mut()) {
        members.insert("partialFingerprints".to_owned(), json!({ "keystencil/v1": print }));
    }
    result
}
