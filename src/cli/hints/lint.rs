//! What to do about each kind of finding.

use crate::cli::typed::Typed;
use crate::lint::Kind;

/// What to do about something that `check` found.
pub(in crate::cli) fn finding(kind: &Kind) -> String {
    match kind {
        Kind::InName(kind) => match &**kind {
            Kind::Format(rule) => format!("rename the file, and revoke the key: {}", rule.revoke_url),
            _ => "rename the file, and replace the key by a new one".to_owned(),
        },
        Kind::Format(rule) => format!(
            "store it with `{}` and write `<< keyring('{}') >>`; if it was ever pushed, \
             revoke it: {}",
            Typed::ours("secret set").operand(rule.name),
            rule.name,
            rule.revoke_url
        ),
        Kind::Random | Kind::UrlPassword => "store it with `keystencil secret set NAME` and write `<< keyring('NAME') \
             >>`; if it is no secret, say `keystencil: allow` in a comment there"
            .to_owned(),
        Kind::Own { name, .. } => {
            format!("take it out and write `{name}`; if it was ever pushed, replace it by a new one")
        }
        Kind::Seen { placeholder, .. } => super::sessions::finding(placeholder),
        Kind::Rendered(_) | Kind::RenderedFile => {
            "run `keystencil unrender`, and `keystencil install git` so that such files are never staged".to_owned()
        }
        Kind::Literal(_) => {
            "store it with `keystencil secret set`, then `keystencil render --on-conflict replace`".to_owned()
        }
        Kind::Broken(_, hint) => {
            hint.clone().unwrap_or_else(|| "correct the template; `keystencil diff` tries it".to_owned())
        }
        Kind::Unknown(_) => "store it with `keystencil secret set`, or correct the name".to_owned(),
        Kind::Logged(_) => "put the reference into `env` or `headers` of the server".to_owned(),
    }
}
