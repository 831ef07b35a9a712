//! The tables of known key formats, by the kind of service.
//!
//! Sources: largely the default rules of gitleaks 8 and public knowledge. Neither the formats nor the addresses where
//! keys are revoked were checked with each provider, and the layout of Grafana's checksum is unverified. A format
//! without a beginning of its own (32 hexadecimal digits, say) counts only after a name that says the provider.
//!
//! An identifier is for ever: baselines and comments name it.

mod clouds;
mod code;
mod models;
mod services;

use super::rule::Rule;

/// All tables. The order decides between two rules that match the same bytes with equally long literals.
pub(super) const TABLES: [&[Rule]; 4] = [models::RULES, code::RULES, clouds::RULES, services::RULES];
