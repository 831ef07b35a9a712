//! What a template may read.

/// What a template may read besides references.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// `linux`, `macos`, `windows` …, as [`std::env::consts::OS`].
    pub os: String,
    /// `x86_64`, `aarch64` …, as [`std::env::consts::ARCH`].
    pub arch: String,
    /// The name of this machine.
    pub hostname: String,
    /// The name of the user.
    pub user: String,
    /// The home folder.
    pub home: String,
    /// `[vars]` of the config: `<< NAME >>` and `<< vars.NAME >>`. The names above win.
    pub vars: std::collections::BTreeMap<String, serde_json::Value>,
    /// The functions that `[providers]` of the config declares; they win over `vars`.
    pub providers: std::collections::BTreeSet<String>,
}
