//! How a secret is called in a table: as a template would write its name, without quotes and delimiters.

use crate::secret::{DEFAULT_ACCOUNT, Query, SecretName, Wanted};
use crate::template::{Reference, Source};

/// `openai`, `github (work)`.
pub(super) fn of_name(name: &SecretName) -> String {
    if name.account() == DEFAULT_ACCOUNT {
        name.service().to_owned()
    } else {
        format!("{} ({})", name.service(), name.account())
    }
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

/// The same of a placeholder; one that can't be read is shown as it is.
pub(super) fn of_placeholder(placeholder: &str) -> String {
    Reference::parse(placeholder).map_or_else(|| placeholder.to_owned(), |reference| of_source(&reference.source))
}

#[cfg(test)]
mod tests {
    use super::*;

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
