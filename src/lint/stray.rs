//! Templates that no config of this machine names: in a clone, on a build server, under `--template F --to F`.
//!
//! Such a file is known by its name and by a reference in it. Its variables, commands and includes may be set
//! elsewhere, so only errors of a reference are reported that do not depend on the config.

use crate::template::TemplateError;
use crate::template::error::NameKind;
use memchr::memmem;
use std::path::Path;

/// Whether a file of this name can be a template: `claude.json`, `mcp.jsonc`, `claude.json.tmpl`.
#[must_use]
pub fn can_be_template(name: &Path) -> bool {
    let name = name.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    [".json", ".jsonc", ".json5"].iter().any(|end| name.ends_with(end)) || name.contains(".json.")
}

/// Whether a reference is in a text, be it misspelt: `<< keyring('x') >>`, `<< env(\"X\") >>`, `<< keyrin('x') >>`.
///
/// ```
/// use keystencil::lint::stray::has_reference;
/// assert!(has_reference(br#"{"a": "Bearer <<keyring(\"x\")>>"}"#) && has_reference(b"{'a': << keyrin('x') >>}"));
/// assert!(!has_reference(b"{\"code\": \"1<<n(r)|t>>3; x << key(y)\"}"));
/// ```
#[must_use]
pub fn has_reference(text: &[u8]) -> bool {
    memmem::find_iter(text, b"<<").any(|at| {
        let ahead = text.get(at + 2..).unwrap_or_default().trim_ascii_start();
        let ahead = ahead.strip_prefix(b"-").unwrap_or(ahead).trim_ascii_start();
        let name = ahead.iter().take(16).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let (name, behind) = ahead.split_at_checked(name).unwrap_or_default();
        let argument = behind.strip_prefix(b"(").map(<[u8]>::trim_ascii_start);
        (name.starts_with(b"key") || name == b"env")
            && argument
                .is_some_and(|argument| matches!(argument, [b'"' | b'\'' | b'\\', ..] | [b'a', b't', b't', b'r', ..]))
    })
}

/// Whether an error is about a reference itself, and the same on every machine.
#[must_use]
pub fn is_certain(error: &TemplateError) -> bool {
    match error {
        TemplateError::Unknown { kind: NameKind::Variable | NameKind::Attribute, .. } => false,
        // What nothing here resembles may be a command of another machine's config.
        TemplateError::Unknown { kind: NameKind::Function, similar, .. } => similar.is_some(),
        TemplateError::Syntax { .. }
        | TemplateError::Unclosed { .. }
        | TemplateError::Unknown { .. }
        | TemplateError::NeedsValue { .. }
        | TemplateError::BadName { .. }
        | TemplateError::BadVariableName { .. }
        | TemplateError::BadArguments { .. }
        | TemplateError::ReferenceInKey { .. }
        | TemplateError::LooksLikeReference { .. }
        | TemplateError::LoneSurrogate { .. } => true,
        _ => false,
    }
}
