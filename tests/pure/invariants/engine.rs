//! Render and undo without a disk, as the invariants ask for them.

use crate::comments::uncommented;
use keystencil::document::Syntax;
use keystencil::journal::{Journal, Key, VERSION, undo};
use keystencil::plan::render::Inputs;
use keystencil::plan::wrap::Wrapping;
use keystencil::plan::{Applied, OnConflict, RenderPlan, plan_render};
use keystencil::secret::Secret;
use keystencil::template::{Blueprint, Reference, Source, Template, Variables, compile};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

pub(crate) fn blueprint(template: &str) -> Blueprint {
    let template = Template { name: Path::new("t.json"), text: template };
    compile(template, &Variables::default(), &|_| Err(std::io::ErrorKind::NotFound.into()))
        .unwrap_or_else(|error| panic!("{error:?}"))
}

pub(crate) fn plan(target: &str, blueprint: &Blueprint, secrets: &[String], earlier: Option<&Applied>) -> RenderPlan {
    plan_delivered(target, blueprint, secrets, earlier, None)
}

/// The same with servers wrapped.
pub(crate) fn plan_delivered(
    target: &str,
    blueprint: &Blueprint,
    secrets: &[String],
    earlier: Option<&Applied>,
    wrapping: Option<Wrapping<'_>>,
) -> RenderPlan {
    let secrets: HashMap<String, Secret> =
        secrets.iter().enumerate().map(|(i, text)| (format!("s{i}"), Secret::new(text.clone()))).collect();
    let inputs = Inputs {
        blueprint,
        journal: None,
        earlier,
        on_conflict: OnConflict::Keep,
        grants: None,
        merges_starts: false,
        wrapping,
        is_state: &|_, _| false,
        key: &Key::new([42; 32]),
        value: |reference: &Reference| match &reference.source {
            Source::Secret(query) => query.name().and_then(|name| secrets.get(name.service())),
            Source::Env(_) => None,
        },
    };
    plan_render(target.as_bytes(), &inputs).unwrap()
}

pub(crate) fn journal(plan: &RenderPlan) -> Journal {
    let mut journal = Journal {
        version: VERSION,
        target: "t".into(),
        named: "t".into(),
        name: None,
        profile: "plain".into(),
        since: jiff::Timestamp::UNIX_EPOCH,
        undo: Default::default(),
        key: Key::new([42; 32]),
        slots: vec![],
        retired: vec![],
        foreign: vec![],
        leases: vec![],
        folders: vec![],
        mode: None,
        earlier: vec![],
    };
    plan.enter_into(&mut journal);
    // As it would be read back.
    Journal::read(journal.write().as_bytes()).unwrap()
}

pub(crate) fn undone(text: &str, journal: &Journal) -> String {
    let file = Syntax::JsonWithComments.open(text.as_bytes()).unwrap();
    file.splice(undo(&file.document(), journal).splices).unwrap()
}

pub(crate) fn parse(text: &str) -> Value {
    serde_json::from_str(uncommented(text).trim_start_matches('\u{feff}')).unwrap()
}
