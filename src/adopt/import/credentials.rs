//! `mcp-credentials.json`: which variable of which MCP server gets which entry of the keyring. The values are in the
//! keyring already, so there is nothing to store; what comes out is a template.

use crate::adopt::literal::shielded;
use crate::document::string;
use crate::secret::{DEFAULT_ACCOUNT, Query, SecretName};
use crate::template::{Reference, Source};
use serde_json::Value;
use std::collections::BTreeMap;

/// What such a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// By server, then by variable.
    servers: BTreeMap<String, BTreeMap<String, SecretName>>,
}

impl Credentials {
    /// Reads the file; `None` if it is no such file: somewhere in it are objects with `env_var`, `service` and
    /// `mcp_server`. `account` may be missing, and `mcp_server` may be a list.
    ///
    /// ```
    /// use keystencil::adopt::import::Credentials;
    /// let text = r#"[{"env_var": "GITHUB_TOKEN", "service": "github", "account": "me", "mcp_server": "hub"}]"#;
    /// let credentials = Credentials::read(text.as_bytes()).unwrap();
    /// assert!(credentials.template("x").contains("\"GITHUB_TOKEN\": \"<< keyring('github', 'me') >>\""));
    /// ```
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let mut credentials = Self::default();
        let mut open = vec![serde_json::from_slice::<Value>(text).ok()?];
        while let Some(value) = open.pop() {
            match value {
                Value::Object(members) => {
                    let said = |name: &str| members.get(name).and_then(Value::as_str);
                    if let (Some(variable), Some(service), Some(server)) =
                        (said("env_var"), said("service"), members.get("mcp_server"))
                    {
                        let name = SecretName::new(service, said("account").unwrap_or(DEFAULT_ACCOUNT)).ok()?;
                        let one = server.as_str().into_iter();
                        let many = server.as_array().into_iter().flatten().filter_map(Value::as_str);
                        for server in one.chain(many) {
                            let env = credentials.servers.entry(server.to_owned()).or_default();
                            env.insert(variable.to_owned(), name.clone());
                        }
                    } else {
                        open.extend(members.into_iter().map(|(_, value)| value));
                    }
                }
                Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
        (!credentials.servers.is_empty()).then_some(credentials)
    }

    /// The entries of the keyring, each once.
    #[must_use]
    pub fn names(&self) -> Vec<&SecretName> {
        let mut names: Vec<&SecretName> = self.servers.values().flat_map(BTreeMap::values).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The template: each server's `env` with references.
    #[must_use]
    pub fn template(&self, from: &str) -> String {
        let from: String = from.chars().filter(|char| !char.is_control() && *char != '<').collect();
        let quoted = |text: &str| shielded(&string::encode(text));
        let servers = self.servers.iter().map(|(server, env)| {
            let variables = env.iter().map(|(variable, name)| {
                let reference = Reference { source: Source::Secret(Query::from(name.clone())), encodings: Vec::new() };
                format!("        {}: {}", quoted(variable), string::encode(&reference.to_string()))
            });
            let variables = variables.collect::<Vec<_>>().join(",\n");
            format!("    {}: {{\n      \"env\": {{\n{variables}\n      }}\n    }}", quoted(server))
        });
        let servers = servers.collect::<Vec<_>>().join(",\n");
        format!("// Made by `keystencil import` from {from}.\n{{\n  \"mcpServers\": {{\n{servers}\n  }}\n}}\n")
    }
}
