//! How a secret is named: after the provider if the format says which, otherwise after the server and the setting.

use super::place::Place;
use super::recognise;
use super::split::Part;
use crate::secret::{DEFAULT_ACCOUNT, SecretName};
use std::collections::HashSet;

/// Longer than anybody types.
const MAX: usize = 48;

/// What a secret may be called, the best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proposal {
    service: String,
    /// Accounts to be tried in this order.
    accounts: Vec<String>,
}

impl Proposal {
    /// The preferred name.
    pub(super) fn name(&self) -> &str {
        &self.service
    }
}

/// The names that are taken.
#[derive(Debug, Default)]
pub struct Names {
    taken: HashSet<SecretName>,
}

impl Names {
    /// Those names are taken.
    #[must_use]
    pub fn taken(names: impl IntoIterator<Item = SecretName>) -> Self {
        Self { taken: names.into_iter().collect() }
    }

    /// The first free name of a proposal.
    pub(super) fn unique(&mut self, proposal: Proposal) -> SecretName {
        let first = proposal.accounts.first().cloned().unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned());
        let named = proposal.accounts.into_iter();
        let counted = (2..).map(|number: u32| format!("{first}-{number}"));
        self.first_free(&proposal.service, named.chain(counted))
    }

    /// The next free name beside one that is in use for another value.
    pub fn beside(&mut self, name: &SecretName) -> SecretName {
        self.first_free(name.service(), (2..).map(|number: u32| format!("{}-{number}", name.account())))
    }

    fn first_free(&mut self, service: &str, accounts: impl Iterator<Item = String>) -> SecretName {
        for account in accounts {
            // Both parts are cleaned words, which every store takes.
            let Ok(name) = SecretName::new(service, account) else { continue };
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
        unreachable_name()
    }
}

/// The accounts are counted without end, so this is never asked for.
fn unreachable_name() -> SecretName {
    SecretName::new("imported", DEFAULT_ACCOUNT).unwrap_or_else(|_| unreachable_name())
}

/// What a part of a string may be called.
pub(super) fn propose(part: &Part, place: &Place) -> Proposal {
    let label = word(part.label.as_deref().filter(|label| !label.is_empty()).unwrap_or(&place.label));
    // A name is shown, so none is made of a key.
    let is_shown = |name: &&str| !recognise::is_random(name) && recognise::known(name, "").is_empty();
    let server = place.server.as_deref().filter(is_shown).map(word).filter(|server| !server.is_empty());
    let project = place.project.as_deref().map(|path| word(path.rsplit(['/', '\\']).next().unwrap_or(path)));
    let mut accounts = Vec::new();
    let service = match (&part.provider, &server) {
        (Some(provider), _) => {
            accounts.push(DEFAULT_ACCOUNT.to_owned());
            accounts.extend(server.clone().filter(|server| server != provider));
            provider.clone()
        }
        (None, Some(server)) => {
            accounts.push(account_of(&label, server));
            server.clone()
        }
        (None, None) => {
            accounts.push(DEFAULT_ACCOUNT.to_owned());
            if label.is_empty() { "imported".to_owned() } else { label.clone() }
        }
    };
    if let Some(project) = project.filter(|project| !project.is_empty()) {
        let with = accounts.last().cloned().filter(|last| last != DEFAULT_ACCOUNT);
        accounts.push(with.map_or_else(|| project.clone(), |last| format!("{last}-{project}")));
    }
    if !label.is_empty() && part.provider.is_some() {
        accounts.push(label);
    }
    let service = if service.is_empty() { "imported".to_owned() } else { service };
    Proposal { service, accounts }
}

/// `ACME_API_KEY` of the server `acme` is just its key.
fn account_of(label: &str, server: &str) -> String {
    let rest = match label.strip_prefix(server) {
        Some(rest) if rest.is_empty() || rest.starts_with('-') => rest.trim_matches('-'),
        _ => label,
    };
    match rest {
        "" | "key" | "token" | "api-token" | "apikey" | "authorization" | "x-api-key" | "access-token" | "url"
        | "auth-token" => DEFAULT_ACCOUNT.to_owned(),
        other => other.to_owned(),
    }
}

/// A name in small letters, its words joined by hyphens: `ACME_API_KEY` and `acmeApiKey` are `acme-api-key`.
fn word(text: &str) -> String {
    let mut word = String::new();
    let mut before_small = false;
    for char in text.chars().take(MAX) {
        if char.is_uppercase() && before_small {
            word.push('-');
        }
        before_small = char.is_lowercase() || char.is_ascii_digit();
        match char {
            char if char.is_alphanumeric() => word.extend(char.to_lowercase()),
            '.' => word.push('.'),
            _ if word.ends_with('-') => {}
            _ => word.push('-'),
        }
    }
    word.trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_becomes_a_word() {
        for (text, is) in [
            ("ACME_API_KEY", "acme-api-key"),
            ("acmeApiKey", "acme-api-key"),
            ("X-API-Key", "x-api-key"),
            ("@acme/mcp", "acme-mcp"),
            ("  ", ""),
        ] {
            assert_eq!(word(text), is);
        }
    }

    #[test]
    fn the_servers_own_key_needs_no_account() {
        assert_eq!(account_of("acme-api-key", "acme"), "api-key");
        assert_eq!(account_of("acme-token", "acme"), DEFAULT_ACCOUNT);
        assert_eq!(account_of("authorization", "a"), DEFAULT_ACCOUNT);
        assert_eq!(account_of("secret-sauce", "secret"), "sauce");
        assert_eq!(account_of("secrets", "secret"), "secrets");
        assert_eq!(account_of("db-password", "shop"), "db-password");
    }

    #[test]
    fn a_name_in_use_gets_the_next_number() {
        let name = SecretName::new("github", "work").unwrap();
        let mut names = Names::taken([name.clone()]);
        assert_eq!(names.beside(&name).account(), "work-2");
        assert_eq!(names.beside(&name).account(), "work-3");
    }
}
