//! How a secret is called in a table: as a template would write its name, without quotes and delimiters.

use crate::secret::{DEFAULT_ACCOUNT, NameError, Query, SecretName, Wanted};
use crate::template::{Reference, Source};

/// `openai`, `github (work)`.
pub(super) fn of_name(name: &SecretName) -> String {
    if name.account() == DEFAULT_ACCOUNT {
        name.service().to_owned()
    } else {
        format!("{} ({})", name.service(), name.account())
    }
}

/// A name that the user typed for a new secret, and that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadName {
    /// No store takes it.
    #[error(transparent)]
    Name(#[from] NameError),
    /// It holds what no key types: an arrow key was pressed, say.
    #[error("a name can't hold control characters")]
    Control,
}

/// The reverse of [`of_name`].
pub(super) fn parse_name(text: &str) -> Result<SecretName, BadName> {
    let account = text.strip_suffix(')').and_then(|text| text.rsplit_once(" ("));
    let (service, account) = account.unwrap_or((text, DEFAULT_ACCOUNT));
    if text.contains(char::is_control) {
        return Err(BadName::Control);
    }
    Ok(SecretName::new(service.trim(), account.trim())?)
}

/// The same of a query; a pin to a store is left out, attributes are their values.
pub(super) fn of_query(query: &Query) -> String {
    match query {
        Query::Name(name) | Query::Vault(name) => of_name(name),
        Query::Keyring(pinned) => match pinned.wanted() {
            Wanted::Name(name) => of_name(name),
            Wanted::Attributes(attributes) => {
                attributes.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
            }
        },
        Query::Command(provided) => format!("{} {}", provided.provider(), provided.reference()),
    }
}

/// The same of a source; a variable of the environment is `$NAME`.
pub(super) fn of_source(source: &Source) -> String {
    match source {
        Source::Secret(query) => of_query(query),
        Source::Env(name) => format!("${name}"),
    }
}

/// The placeholder of a name, as a template writes it.
pub(super) fn placeholder(name: &SecretName) -> String {
    Reference { source: Source::Secret(Query::Name(name.clone())), encodings: Vec::new() }.to_string()
}

/// The same of a placeholder; one that can't be read is shown as it is.
pub(super) fn of_placeholder(placeholder: &str) -> String {
    Reference::parse(placeholder).map_or_else(|| placeholder.to_owned(), |reference| of_source(&reference.source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_is_shown_as_is_read_back() {
        for (service, account) in [("openai", DEFAULT_ACCOUNT), ("github", "work"), ("a (b)", "c d"), ("a/b", "=")] {
            let name = SecretName::new(service, account).unwrap();
            assert_eq!(parse_name(&of_name(&name)), Ok(name));
        }
        assert_eq!(parse_name("a\u{1b}[D"), Err(BadName::Control));
        assert!(parse_name("").is_err() && parse_name(" ()").is_err());
    }

    #[test]
    fn a_placeholder_is_called_by_what_it_refers_to() {
        assert_eq!(of_placeholder("<< keyring('openai') >>"), "openai");
        assert_eq!(of_placeholder("<< keyring('github', 'work') | b64encode >>"), "github (work)");
        assert_eq!(of_placeholder("<< env('TOKEN') >>"), "$TOKEN");
        assert_eq!(of_placeholder("<< op('op://Private/OpenAI/key') >>"), "op op://Private/OpenAI/key");
        assert_eq!(of_placeholder("<< keyring(attributes={'b': '2', 'a': '1'}) >>"), "a=1 b=2");
        assert_eq!(of_placeholder("something else"), "something else");
    }
}
