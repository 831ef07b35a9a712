//! What is keystencil's own on this machine: the state folder, and the shield of this process.

use super::finding::Finding;
use super::targets::open_to_others;
use crate::cli::context::Workplace;
use crate::cli::environment;
use crate::cli::hints;
use crate::cli::typed::Typed;
use std::fs;

pub(super) fn look(workplace: &Workplace<'_>) -> Vec<Finding> {
    let mut findings = vec![state(workplace)];
    if environment::is_grants_off() {
        let off = "off, by KEYSTENCIL_GRANTS: exec and render fill every slot, wherever its secret goes";
        findings.push(Finding::idle("grants", off));
    }
    if workplace.config.lets_agents {
        findings.push(match workplace.session(|session| !session.lets_agents()) {
            false => {
                Finding::idle("agents", "AI tools may read secrets and say yes in your place: you allowed this config")
            }
            true => Finding::due(
                "agents",
                "the config lets AI tools read secrets and say yes, and nobody allowed that",
                Some(hints::agents::not_let()),
            ),
        });
    }
    findings.push(match workplace.context.hardened.is_in_force() {
        true => Finding::good("core dumps", "off for keystencil"),
        false => Finding::due(
            "core dumps",
            "this system does not let keystencil turn them off for itself",
            Some("turn them off for your account: `ulimit -c 0`".to_owned()),
        ),
    });
    findings
}

fn state(workplace: &Workplace<'_>) -> Finding {
    let folder = &workplace.context.environment.state;
    let shown = workplace.report().path(folder);
    match fs::metadata(folder) {
        Err(_) => Finding::good("state", format!("{shown} is made when there is something to note")),
        Ok(metadata) if !metadata.is_dir() => {
            Finding::bad("state", format!("{shown} is not a folder"), Some("move it away".to_owned()))
        }
        Ok(metadata) => match open_to_others(&metadata) {
            Some(mode) => Finding::due(
                "state",
                format!("other users can look into {shown} (mode {mode:o})"),
                Some(format!("`{}`", Typed::other("chmod 700").file(folder))),
            ),
            None => Finding::good("state", shown),
        },
    }
}
