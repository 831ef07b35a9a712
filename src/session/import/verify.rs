//! Whether the template and the secrets of an import give back the file as it was. Done in memory, before anything is
//! kept.

use super::ImportRequest;
use crate::consent::Flow;
use crate::document::{Document, Pointer, Splice, edit, string};
use crate::journal::{Journal, Key, undo};
use crate::lint::{Own, finds};
use crate::plan::render::{Inputs, open, target as check};
use crate::plan::wrap::plain;
use crate::plan::{OnConflict, plan_render};
use crate::session::{Session, SessionError, Target};
use crate::template::{Reference, Template, compile};
use std::path::Path;

impl Session<'_> {
    /// The placeholder form of the file, if a render of the template makes the file of it again: byte for byte, but for
    /// keys that merely were mentioned somewhere (their placeholder stays), and for strings in another notation than
    /// JSON's usual one, which keep their meaning. And where the keys go.
    ///
    /// # Errors
    /// [`SessionError::Unfaithful`] with the first place that would differ; [`SessionError::Template`].
    pub(super) fn verify(
        &self,
        target: &Target,
        request: &ImportRequest<'_>,
        key: &Key,
    ) -> Result<(String, Vec<Flow>), SessionError> {
        let failed = |error| SessionError::Target { path: target.path.clone(), error };
        let unfaithful = |pointer: Option<&Pointer>| SessionError::Unfaithful {
            path: target.path.clone(),
            pointer: pointer.map(ToString::to_string).unwrap_or_default(),
        };
        let plan = request.plan;
        // What is left in the file is reported; what would be left in the template is, for example, the name of a
        // member.
        refuse_keys(&target.template, "", request.template, &plan.own(request.stored))?;
        if let Some(config) = request.config {
            refuse_keys(&config.path, &config.before, &config.after, &plan.own(request.stored))?;
        }
        let journal = self.owed_by(target, request, key)?;
        // Planned from the plain servers; what is in the file has to give the keys back as well.
        if let Some(pointer) =
            undo(&open(&target.path, request.text).map_err(failed)?.document(), &journal).changed.first()
        {
            return Err(unfaithful(Some(pointer)));
        }
        let text = plain(request.text);
        let document = check(&text).map_err(failed)?;
        let undone = undo(&document, &journal);
        if let Some(pointer) = undone.changed.first() {
            return Err(unfaithful(Some(pointer)));
        }
        let placeholder_form = edit::splice(document.text(), undone.splices.clone());

        let pointers: Vec<Pointer> = plan.findings.iter().map(|finding| finding.pointer.clone()).collect();
        let slots: Vec<_> = document.find_all(&pointers).into_iter().flatten().collect();
        let is_in_slot = |splice: &Splice| {
            slots.iter().any(|slot| slot.span().start <= splice.span.start && splice.span.end <= slot.span().end)
        };
        let mut expected: Vec<Splice> = undone.splices.into_iter().filter(|splice| !is_in_slot(splice)).collect();
        expected.extend(slots.iter().filter_map(|slot| {
            let text = string::encode(&slot.as_str()?);
            (text != slot.raw()).then(|| Splice { span: slot.span(), text })
        }));
        let expected = edit::splice(document.text(), expected);

        let refuse = |name: &str| Err(std::io::Error::other(name.to_owned()));
        let template = Template { name: &target.template, text: request.template };
        let blueprint = compile(template, self.variables, &refuse)?;
        let value = |reference: &Reference| plan.value(reference);
        let inputs = Inputs {
            blueprint: &blueprint,
            journal: None,
            earlier: None,
            on_conflict: OnConflict::Keep,
            grants: None,
            merges_starts: false,
            wrapping: None,
            is_state: &|member, kind| target.profile.is_state(member, kind),
            key,
            value,
        };
        let rendered = plan_render(placeholder_form.as_bytes(), &inputs).map_err(failed)?;
        if rendered.rendered != expected {
            let filled = |pointer: &&Pointer| !rendered.filling.slots.iter().any(|slot| slot.pointer == **pointer);
            return Err(unfaithful(pointers.iter().find(filled)));
        }
        if Document::parse_relaxed(placeholder_form.as_bytes()).is_err() {
            return Err(unfaithful(None));
        }
        Ok((placeholder_form, rendered.flows))
    }

    /// The file's journal once everything is kept.
    pub(super) fn owed_by(
        &self,
        target: &Target,
        request: &ImportRequest<'_>,
        key: &Key,
    ) -> Result<Journal, SessionError> {
        let mut journal = self.new_journal(target, &crate::host::Resolved::follow(&target.path)?)?;
        request.plan.owe(&mut journal, key);
        Ok(journal)
    }
}

/// Refuses to write a text that `check` would find something in that was not there before.
///
/// # Errors
/// [`SessionError::KeyInTemplate`] with the line in `after`.
pub fn refuse_keys(path: &Path, before: &str, after: &str, own: &Own) -> Result<(), SessionError> {
    let mut known: Vec<(&str, &str)> = Vec::new();
    let earlier = if before.is_empty() { Vec::new() } else { finds(before, own) };
    for (range, kind) in &earlier {
        known.push((kind.rule(), before.get(range.clone()).unwrap_or_default()));
    }
    for (range, kind) in finds(after, own) {
        let one = (kind.rule(), after.get(range.clone()).unwrap_or_default());
        match known.iter().position(|known| *known == one) {
            Some(at) => drop(known.swap_remove(at)),
            None => {
                let line = after.get(..range.start).map_or(1, |before| before.matches('\n').count() + 1);
                return Err(SessionError::KeyInTemplate { path: path.to_owned(), line, what: kind.message() });
            }
        }
    }
    Ok(())
}
