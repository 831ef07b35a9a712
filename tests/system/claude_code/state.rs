//! A yes holds: what the client notes for itself, session after session, revokes nothing that was allowed.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::support::home::Home;
use super::support::stencil;
use super::support::terminal::Session;

/// Keystencil as a person starts it, who said yes to the template.
const STARTED: [&str; 4] = ["keystencil", "exec", "--", "claude"];

/// The names of what stands in the client's file: at its root, and in the project.
fn names(home: &Home) -> BTreeSet<String> {
    let config = home.config();
    let project = config["projects"][home.project().to_str().unwrap()].as_object().cloned().unwrap_or_default();
    config.as_object().unwrap().keys().chain(project.keys()).cloned().collect()
}

#[test]
fn four_sessions_with_tips_and_an_upgrade_between_them_all_deliver() {
    let home = stencil::home();
    let before = names(&home);
    for number in 1..=4 {
        let session = Session::start(&home, &STARTED);
        session.wait_for_prompt();
        home.assert_delivered(&home.record(number));
        session.ask("hi");
        session.ask("and again");
        session.enter("/exit");
        assert_eq!(session.status(), 0);
        home.assert_nothing_left_within(Duration::ZERO, &[]);
        // What another version, and a day of work, leave there.
        home.edit(|config| {
            let project = home.project();
            config["lastOnboardingVersion"] = json!("2.1.400");
            config["numStartups"] = json!(number * 50);
            config["projects"][project.to_str().unwrap()]["lastVersionBase"] = json!(format!("2.2.{number}"));
        });
    }
    let noted: BTreeSet<String> = names(&home).difference(&before).cloned().collect();
    for name in ["tipsHistoryByCommand", "lastVersionBase", "seenNotifications", "lastModelUsage"] {
        assert!(noted.contains(name), "the client noted no {name}: {noted:?}");
    }
}
