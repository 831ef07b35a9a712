//! How old a key may get: `rotate_after` of the config, 90 days unless it says something else.
//!
//! Asked by `status`, `secret list`, `doctor` and the SessionStart hook. The age is that of the value: what changes a
//! key is counted, what changes its label is too, since a keyring does not tell the two apart.

use crate::secret::SecretName;
use crate::store::{Entry, StoreKind};
use jiff::{Span, Timestamp, tz::TimeZone};

/// What keys get unless the config says otherwise. Arbitrary; many policies say so.
const USUAL: i32 = 90;

/// When a key is due for a new one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rotation(Option<Span>);

impl Default for Rotation {
    fn default() -> Self {
        Self(Some(Span::new().days(USUAL)))
    }
}

impl Rotation {
    /// Nobody is ever reminded.
    pub(super) const NEVER: Self = Self(None);

    /// Reads `90 days`, `12 weeks`, `1 year`, or `never`; `None` if it is not a duration.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.trim().eq_ignore_ascii_case("never") {
            return Some(Self::NEVER);
        }
        let span: Span = text.trim().parse().ok()?;
        (!span.is_negative()).then_some(Self(Some(span)))
    }

    /// Whether a value that was last changed then is due now; one whose age nobody knows is not.
    pub(super) fn is_due(self, changed: Option<Timestamp>, now: Timestamp) -> bool {
        let limit = self.0.and_then(|age| now.to_zoned_datetime(TimeZone::UTC).checked_sub(age).ok());
        changed.zip(limit).is_some_and(|(changed, limit)| changed < limit.timestamp())
    }
}

/// When the value of an entry was last changed.
pub(super) fn changed(entry: &Entry) -> Option<Timestamp> {
    entry.modified.or(entry.created)
}

/// The names whose value in the vault is newer than the one in the keyring, which is used: somebody stored it while the
/// keyring was out of reach, over ssh for example.
pub(super) fn newer_in_vault(entries: &[Entry]) -> Vec<&SecretName> {
    let newest = |name: &SecretName, store: StoreKind| {
        entries.iter().filter(|entry| entry.name == *name && entry.store == store).filter_map(changed).max()
    };
    let of_vault = entries.iter().filter(|entry| entry.store == StoreKind::Vault);
    let is_behind = |name: &&SecretName| {
        newest(name, StoreKind::Native).zip(newest(name, StoreKind::Vault)).is_some_and(|(used, new)| used < new)
    };
    of_vault.map(|entry| &entry.name).filter(is_behind).collect()
}

/// What is said about one of them, and what helps.
pub(super) fn behind(name: &SecretName) -> (String, String) {
    let command = super::hints::secret_command("move", name, None);
    (
        format!(
            "{} has a newer value in the vault than in the keyring, whose value is used",
            super::naming::of_name(name)
        ),
        format!("to use the newer one: `{command} --to native --replace`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_one_that_a_person_would_write() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let is_due = |rotation: Rotation, then: &str| rotation.is_due(Some(then.parse().unwrap()), now);
        assert!(is_due(Rotation::default(), "2026-03-02T00:00:00Z"));
        assert!(!is_due(Rotation::default(), "2026-03-04T00:00:00Z"));
        for text in ["1 month", "1mo", " P1M ", "4 weeks", "30d"] {
            let rotation = Rotation::parse(text).unwrap();
            assert!(is_due(rotation, "2026-04-30T00:00:00Z") && !is_due(rotation, "2026-05-05T00:00:00Z"), "{text}");
        }
        for text in ["never", "Never "] {
            assert!(!is_due(Rotation::parse(text).unwrap(), "1990-01-01T00:00:00Z"));
        }
        for text in ["", "soon", "90", "-3 days"] {
            assert!(Rotation::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_value_whose_age_nobody_knows_is_not_due() {
        assert!(!Rotation::parse("0 days").unwrap().is_due(None, Timestamp::now()));
    }
}
