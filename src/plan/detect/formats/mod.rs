//! The tables of known key formats, by the kind of service.
//!
//! Sources: the default rules of gitleaks 8, GitHub's list of supported secret scanning patterns, the detectors of
//! trufflehog, the rule lists of ripsecrets and detect-secrets, and the providers' own pages. A format without a
//! beginning of its own (32 hexadecimal digits, say) counts only behind a name that says the provider.
//!
//! An identifier is for ever: baselines and comments name it.

mod clouds;
mod code;
mod models;
mod services;

use super::rule::Rule;

/// All tables. The order decides between two rules that match the same bytes with equally long literals.
pub(super) const TABLES: [&[Rule]; 4] = [models::RULES, code::RULES, clouds::RULES, services::RULES];
