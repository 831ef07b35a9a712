//! minijinja with `<< >>`, `<% %>`, `<# #>`, and references as opaque tokens.

use super::blueprint::Blueprint;
use std::path::Path;

/// A template's text and how it is named in errors.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Template<'a> {
    pub name: &'a Path,
    pub text: &'a str,
}

/// What a template may read besides references.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Variables {
    pub os: String,
    pub arch: String,
    pub hostname: String,
    pub user: String,
    pub home: String,
    /// `[vars]` of the config.
    pub vars: std::collections::BTreeMap<String, serde_json::Value>,
}

/// Why a template has no blueprint.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum TemplateError {
    #[error("not implemented")]
    Nothing,
}
impl crate::error::Explain for TemplateError {}

/// Compiles. `load` reads an included template by its path relative to the template's folder (already checked to stay inside by name).
pub fn compile(
    _template: Template<'_>,
    _variables: &Variables,
    _load: &(dyn Fn(&str) -> std::io::Result<String> + Sync),
) -> Result<Blueprint, TemplateError> {
    todo!()
}
