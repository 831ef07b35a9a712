//! One known key format: who issues it, where it is revoked, what it looks like.

use std::fmt;

/// A key format of one provider.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Name of the rule, kebab-case, stable over releases.
    pub id: &'static str,
    /// Who issues such keys.
    pub provider: &'static str,
    /// What a store files such a key under if nobody says otherwise: `openai`.
    pub name: &'static str,
    /// Where its owner revokes it: nearly always a URL.
    pub revoke_url: &'static str,
    /// What it looks like: literals, `[classes]`, `{counts}` and `(this|or that)`, read as in a regular expression.
    pub pattern: &'static str,
    /// Words of which the name before the value must hold one, where the pattern alone says too little.
    pub near: &'static [&'static str],
    /// What the format lets one verify.
    pub check: Check,
}

/// What can be verified of a key without asking its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Nothing but its form.
    None,
    /// The last six characters are the CRC-32 of those between prefix and checksum, in base 62: GitHub, npm.
    Crc32Base62,
    /// The eight hexadecimal digits after the last `_` are the CRC-32 of all before it, its low byte first: Grafana.
    Crc32Hex,
    /// The checksum of Bech32 (BIP 173): age identities, Nostr.
    Bech32,
    /// The first part is base64 of a JSON object: JWT.
    JsonHeader,
    /// The first part is base64 of a decimal number: Discord.
    Snowflake,
    /// Base64 follows, not the closing line or a placeholder: PEM. The key goes to its last line.
    Pem,
    /// A line follows that says how long the private part is: PuTTY. The key goes to its last line.
    Putty,
    /// Base64 of a PEM block: what it decodes to begins with the first line of a private key.
    EncodedPem,
}

pub(super) const fn key(
    id: &'static str,
    provider: &'static str,
    name: &'static str,
    revoke_url: &'static str,
    pattern: &'static str,
) -> Rule {
    Rule { id, provider, name, revoke_url, pattern, near: &[], check: Check::None }
}

impl Rule {
    pub(super) const fn near(self, near: &'static [&'static str]) -> Self {
        Self { near, ..self }
    }

    pub(super) const fn checked(self, check: Check) -> Self {
        Self { check, ..self }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.id)
    }
}
