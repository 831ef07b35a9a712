//! The invariants, each as a property of generated documents, templates, secrets, ways of delivery and drifts. None of them
//! touches a disk.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod absorb;
mod engine;
mod generate;
mod grants;
mod toml;
mod wrap;

use engine::{blueprint, journal, parse, undone};
use generate::{Case, Drift};
use keystencil::document::{Document, edit};
use keystencil::host::servers::find::Server;
use keystencil::journal::undo;
use keystencil::plan::wrap::{Deliver, unwrap};
use proptest::prelude::*;
use serde_json::Value;

/// Every string a value holds, keys included, and what JSON in them holds in turn.
fn strings(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            if let Ok(inner @ (Value::Object(_) | Value::Array(_) | Value::String(_))) = serde_json::from_str(text) {
                strings(&inner, all);
            }
            all.push(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, all)),
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            all.push(key.clone());
            strings(value, all);
        }),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn invariant_1_unrender_of_render_is_the_placeholder_form_byte_for_byte(case in Case::any()) {
        let blueprint = blueprint(&case.template());
        let plan = case.plan(&case.target, &blueprint, None);
        prop_assert_eq!(undone(&plan.rendered, &journal(&plan)), &*plan.resting);
        prop_assert_eq!(&*unwrap(&Document::parse_relaxed(plan.resting.as_bytes()).unwrap()), &plan.placeholder_form);
    }

    #[test]
    fn invariant_1_a_target_in_placeholder_form_comes_back_as_the_same_bytes(case in Case::any()) {
        let blueprint = blueprint(&case.template());
        let first = case.plan(&case.target, &blueprint, None);
        let again = case.plan(&first.resting, &blueprint, Some(&first.applied));
        prop_assert_eq!(&*again.placeholder_form, &*first.placeholder_form);
        prop_assert_eq!(undone(&again.rendered, &journal(&again)), &*first.resting);
    }

    #[test]
    fn invariant_2_unrender_commutes_with_whatever_the_host_does_to_the_document(case in Case::any(), drifts in Drift::some()) {
        let blueprint = blueprint(&case.template());
        let plan = case.plan(&case.target, &blueprint, None);
        let (mut live, mut resting) = (parse(&plan.rendered), parse(&plan.resting));
        for drift in &drifts {
            drift.apply(&mut live);
            drift.apply(&mut resting);
        }
        for text in [live.to_string(), serde_json::to_string_pretty(&live).unwrap()] {
            prop_assert_eq!(parse(&undone(&text, &journal(&plan))), resting.clone());
        }
    }

    #[test]
    fn invariant_3_no_inserted_secret_is_left_wherever_it_moved(case in Case::any(), drifts in Drift::some()) {
        let blueprint = blueprint(&case.template());
        let plan = case.plan(&case.target, &blueprint, None);
        let mut live = parse(&plan.rendered);
        drifts.iter().for_each(|drift| drift.apply(&mut live));
        let clean = undone(&live.to_string(), &journal(&plan));
        let mut all = Vec::new();
        strings(&parse(&clean), &mut all);
        for secret in &case.secrets {
            for text in &all {
                prop_assert!(!text.contains(secret.as_str()), "{:?} in {:?}", secret, text);
            }
        }
    }

    #[test]
    fn invariant_4_nothing_that_the_template_does_not_name_is_touched(case in Case::any()) {
        let blueprint = blueprint(&case.template());
        let plan = case.plan(&case.target, &blueprint, None);
        let (before, after, wanted) = (parse(&case.target), parse(&plan.placeholder_form), parse(&blueprint.document));
        prop_assert!(generate::kept(&before, &after, &wanted), "{}\n{}\n{}", before, wanted, after);
    }

    #[test]
    fn invariant_4_a_literal_in_a_slots_place_stays_and_is_told_of_and_the_secret_itself_becomes_the_placeholder(
        case in Case::any(), equal in any::<bool>()
    ) {
        let blueprint = blueprint(&case.template());
        let first = case.plan("{}", &blueprint, None);
        for slot in blueprint.slots.iter().filter(|slot| !slot.pointer.as_str().contains("/0")) {
            let pointer = slot.pointer.as_str();
            let is_filled = first.filling.slots.iter().any(|filled| filled.pointer == slot.pointer);
            if !is_filled && equal {
                continue;
            }
            let mut value = parse(&first.placeholder_form);
            let literal = if equal { parse(&first.rendered).pointer(pointer).cloned().unwrap() } else { "sk-of-the-user".into() };
            *value.pointer_mut(pointer).unwrap() = literal.clone();
            let text = value.to_string();
            let again = case.plan(&text, &blueprint, None);
            let told = again.conflicts.iter().any(|conflict| conflict.pointer == slot.pointer);
            prop_assert_eq!(told, !equal);
            let back = undone(&again.rendered, &journal(&again));
            let back = parse(&unwrap(&Document::parse(back.as_bytes()).unwrap()));
            let expected = if equal { Value::from(slot.placeholder()) } else { literal };
            prop_assert_eq!(back.pointer(pointer), Some(&expected));
        }
    }

    #[test]
    fn invariant_4_a_value_of_the_users_that_equals_a_secret_survives_the_round_trip(case in Case::any()) {
        let blueprint = blueprint(&case.template());
        let mut value = parse(&case.target);
        value.as_object_mut().unwrap().insert("of the user".into(), case.secrets.clone().into());
        let plan = case.plan(&value.to_string(), &blueprint, None);
        let back = parse(&undone(&plan.rendered, &journal(&plan)));
        prop_assert_eq!(&back["of the user"], &Value::from(case.secrets.clone()));
    }

    #[test]
    fn invariant_4_a_slot_changed_while_rendered_stays_as_changed_and_is_told_of(case in Case::any()) {
        let blueprint = blueprint(&case.template());
        let plan = case.plan(&case.target, &blueprint, None);
        let Some(slot) = plan.filling.slots.first() else { return Ok(()) };
        let mut live = parse(&plan.rendered);
        *live.pointer_mut(slot.pointer.as_str()).unwrap() = Value::from("changed by the user");
        let text = live.to_string();
        let document = Document::parse(text.as_bytes()).unwrap();
        let undone = undo(&document, &journal(&plan));
        // Unless the same secrets stand elsewhere too: then the value may as well have moved there.
        if slot.secrets().any(|(own, _)| plan.filling.slots.iter().skip(1).all(|s| s.secrets().all(|(p, _)| p != own))) {
            prop_assert!(undone.changed.contains(&slot.pointer));
        }
        let back = parse(&edit::splice(&text, undone.splices));
        prop_assert_eq!(back.pointer(slot.pointer.as_str()), Some(&Value::from("changed by the user")));
    }

    #[test]
    fn invariant_6_no_byte_of_a_secret_is_in_the_journal_the_patch_or_any_debug_output(case in Case::any()) {
        let blueprint = blueprint(&case.template());
        let plan = case.plan(&case.target, &blueprint, None);
        let journal = journal(&plan);
        let said = [
            journal.write(),
            format!("{journal:?}"),
            format!("{blueprint:?}"),
            serde_json::to_string(&plan.patch).unwrap(),
            serde_json::to_string(&plan.applied).unwrap(),
            format!("{:?}", plan.filling.slots),
            format!("{:?}", plan.conflicts),
        ];
        for secret in &case.secrets {
            let quoted = serde_json::to_string(secret).unwrap();
            let escaped = &quoted[1..quoted.len() - 1];
            for text in &said {
                prop_assert!(!text.contains(secret.as_str()) && !text.contains(escaped));
            }
        }
    }

    #[test]
    fn invariant_10_nothing_is_filled_in_a_server_that_is_wrapped_nor_where_wrapping_is_refused(case in Case::any()) {
        let blueprint = blueprint(&case.template());
        let plan = case.plan(&case.target, &blueprint, None);
        if case.deliver == Deliver::Wrap {
            // What is in no server, or can't be wrapped, stays closed.
            prop_assert!(plan.filling.slots.is_empty());
            prop_assert_eq!(&plan.rendered, &plan.resting);
        }
        let rendered = parse(&plan.rendered);
        for pointer in &plan.delivered.wrapped {
            let mut all = Vec::new();
            strings(rendered.pointer(Server::around(pointer).unwrap().as_str()).unwrap(), &mut all);
            prop_assert!(case.secrets.iter().all(|secret| all.iter().all(|text| !text.contains(secret.as_str()))));
        }
    }

    #[test]
    fn the_undo_patch_is_plain_rfc_6902_that_another_tool_could_apply(case in Case::any()) {
        let blueprint = blueprint(&case.template());
        let plan = case.plan(&case.target, &blueprint, None);
        let mut value = parse(&plan.rendered);
        let undo = journal(&plan).undo;
        let patch = json_patch::Patch::try_from(&undo).unwrap();
        // As it stands in the journal, and as it is converted.
        prop_assert_eq!(&patch, &serde_json::from_str(&serde_json::to_string(&undo).unwrap()).unwrap());
        json_patch::patch(&mut value, &patch).unwrap();
        prop_assert_eq!(value, parse(&plan.resting));
    }

    #[test]
    fn what_an_earlier_template_put_and_nobody_changed_is_pruned_and_nothing_else(case in Case::any(), next in Case::any()) {
        let (old, new) = (blueprint(&case.template()), blueprint(&next.template()));
        let first = case.plan(&case.target, &old, None);
        let second = case.plan(&first.resting, &new, Some(&first.applied));
        let fresh = case.plan(&case.target, &new, None);
        let (pruned, direct) = (parse(&second.placeholder_form), parse(&fresh.placeholder_form));
        // What neither template names is the user's, and is all there.
        prop_assert!(generate::kept(&parse(&case.target), &pruned, &generate::union(&parse(&old.document), &parse(&new.document))));
        // Where the old template overwrote nothing, pruning leads to where the new one alone leads.
        if first.patch.0.iter().all(|operation| matches!(operation, keystencil::document::Operation::Add { .. })) {
            prop_assert_eq!(pruned, direct);
        }
    }
}
