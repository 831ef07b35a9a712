//! A command as the config declares it, checked: what it may be, and where the reference goes.

use crate::error::Place;
use crate::host::shell::word;
use crate::template::is_provider_name;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What stands for the reference in a command.
const REF: &str = "{ref}";

/// Programs that run their arguments as code or as a program.
const INTERPRETERS: [&str; 31] = [
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "fish",
    "ash",
    "busybox",
    "csh",
    "tcsh",
    "nu",
    "elvish",
    "pwsh",
    "powershell",
    "cmd",
    "python",
    "perl",
    "ruby",
    "node",
    "deno",
    "bun",
    "php",
    "lua",
    "awk",
    "gawk",
    "env",
    "sudo",
    "xargs",
    "nice",
    "timeout",
    "eval",
];

/// What the config says about one provider.
#[derive(Debug, Clone, Default)]
pub struct Declaration {
    /// Its name there, and that of the function in templates.
    pub name: String,
    /// The program and its arguments; `{ref}` is in one of them.
    pub command: Vec<String>,
    /// How long one reference may take, whether or not a user is there.
    pub timeout: Option<Duration>,
    /// Whether only the first line of what is printed counts.
    pub first_line: bool,
    /// Variables that the program gets on top of ours.
    pub env: BTreeMap<String, String>,
    /// The folder it runs in.
    pub folder: PathBuf,
    /// Where the config says so.
    pub place: Place,
}

/// A declaration that can be run.
#[derive(Debug, Clone)]
pub struct Provider {
    declaration: Declaration,
    program: PathBuf,
    /// The arguments before the one with the reference, what is around it there, and the arguments after.
    before: Vec<String>,
    around: (String, String),
    after: Vec<String>,
}

/// Why a declaration can't be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A template can't call this name, or it has another meaning there.
    #[error("a template can't call it by this name")]
    Name,
    /// There is no program.
    #[error("its command is empty")]
    NoCommand,
    /// The reference has no place, or several.
    #[error("`{{ref}}` must be in exactly one argument of its command")]
    Reference,
    /// The reference would decide what is run.
    #[error("`{program}` would run `{{ref}}` as a program, and a template writes that")]
    Code {
        /// The interpreter.
        program: String,
    },
    /// No program can be given that.
    #[error("its command contains a NUL byte")]
    Nul,
    /// No variable has such a name or value.
    #[error("its `env` has an empty name, or one with a `=` or a NUL byte")]
    Env,
    /// Neither zero nor a day is a sensible limit.
    #[error("its timeout is not between 1 ms and 1 h")]
    Timeout,
}

impl Unfit {
    /// How to write it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Name => "name it with ASCII letters, digits and `_`, and not like anything else in a template",
            Self::NoCommand | Self::Reference | Self::Nul => {
                "write it as `command = [\"op\", \"read\", \"{ref}\"]`, each argument a string of its own"
            }
            Self::Code { .. } => {
                "pass it as an argument: `[\"sh\", \"-c\", \"pass show \\\"$1\\\" | head -n 1\", \"sh\", \"{ref}\"]`"
            }
            Self::Env => "write it as `env = { VAULT_ADDR = \"https://vault.example\" }`",
            Self::Timeout => "write it as `timeout = \"10s\"`",
        }
    }
}

impl Declaration {
    /// Checks it.
    ///
    /// ```
    /// use keystencil::store::command::Declaration;
    /// let declare = |name: &str, command: &[&str]| {
    ///     let command = command.iter().map(|text| (*text).to_owned()).collect();
    ///     Declaration { name: name.to_owned(), command, ..Declaration::default() }.check()
    /// };
    /// assert!(declare("op", &["op", "read", "{ref}"]).is_ok());
    /// assert!(declare("keyring", &["op", "read", "{ref}"]).is_err()); // means something else in a template
    /// assert!(declare("pass", &["sh", "-c", "pass show {ref}"]).is_err()); // a template would write the script
    /// ```
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn check(self) -> Result<Provider, Unfit> {
        if !is_provider_name(&self.name) {
            return Err(Unfit::Name);
        }
        let (program, arguments) = self.command.split_first().ok_or(Unfit::NoCommand)?;
        if program.is_empty() {
            return Err(Unfit::NoCommand);
        }
        if self.command.iter().any(|text| text.contains('\0')) {
            return Err(Unfit::Nul);
        }
        let is_variable =
            |name: &str, value: &str| !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0');
        if !self.env.iter().all(|(name, value)| is_variable(name, value)) {
            return Err(Unfit::Env);
        }
        if self.timeout.is_some_and(|limit| limit < Duration::from_millis(1) || limit > Duration::from_secs(3600)) {
            return Err(Unfit::Timeout);
        }
        if self.command.iter().map(|text| text.matches(REF).count()).sum::<usize>() != 1 {
            return Err(Unfit::Reference);
        }
        let at = arguments.iter().position(|text| text.contains(REF)).ok_or(Unfit::Reference)?;
        let (before, rest) = arguments.split_at(at);
        let (holder, after) = rest.split_first().ok_or(Unfit::Reference)?;
        let (left, right) = holder.split_once(REF).ok_or(Unfit::Reference)?;
        if let Some(program) = interpreter(program) {
            let is_option = |text: &str| text.starts_with('-') || (program == "cmd" && text.starts_with('/'));
            let is_argument = holder == REF && before.last().is_some_and(|text| !is_option(text));
            if !is_argument {
                return Err(Unfit::Code { program });
            }
        }
        Ok(Provider {
            program: PathBuf::from(program),
            before: before.to_vec(),
            around: (left.to_owned(), right.to_owned()),
            after: after.to_vec(),
            declaration: self,
        })
    }
}

/// The name of a program that runs what it is given: `/usr/bin/python3.12` is `python`.
fn interpreter(program: &str) -> Option<String> {
    let name = Path::new(program).file_name()?.to_str()?.to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.contains(&name).then(|| name.to_owned())
}

impl Provider {
    /// Its name in the config and in templates.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.declaration.name
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    pub(super) fn place(&self) -> &Place {
        &self.declaration.place
    }

    pub(super) fn folder(&self) -> &Path {
        &self.declaration.folder
    }

    pub(super) fn env(&self) -> &BTreeMap<String, String> {
        &self.declaration.env
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        self.declaration.timeout
    }

    pub(super) fn first_line(&self) -> bool {
        self.declaration.first_line
    }

    /// Its command line, as the config has it.
    pub(super) fn line(&self) -> String {
        let words = self.declaration.command.iter().map(|argument| word(argument));
        let variables = self.declaration.env.iter().map(|(name, value)| format!("{name}={}", word(value)));
        variables.chain(words).collect::<Vec<_>>().join(" ")
    }

    /// Enters into a hash all that decides what is run: the program as it is found in these folders, too.
    pub(super) fn enter(&self, hasher: &mut blake3::Hasher, search_path: &[PathBuf]) {
        let one = &self.declaration;
        let found = match self.program.components().count() {
            1 => search_path.iter().map(|folder| folder.join(&self.program)).find(|path| path.is_file()),
            _ => Some(self.program.clone()),
        };
        let timeout = one.timeout.map(|limit| limit.as_millis().to_string()).unwrap_or_default();
        let (words, variables) = (one.command.len().to_string(), one.env.len().to_string());
        let first_line = if one.first_line { "first line" } else { "all" };
        let texts = [one.name.as_str(), &timeout, first_line, &words, &variables].into_iter();
        let env = one.env.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let paths = [found.as_deref().unwrap_or(Path::new("")), one.folder.as_path()];
        let fields = texts.chain(one.command.iter().map(String::as_str)).chain(env).map(str::as_bytes);
        for field in fields.chain(paths.map(|path| path.as_os_str().as_encoded_bytes())) {
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field);
        }
    }

    /// Whether the program could take this reference for an option.
    pub(super) fn is_option(&self, reference: &str) -> bool {
        reference.starts_with('-') && self.around.0.is_empty() && !self.before.iter().any(|text| text == "--")
    }

    /// The arguments with the reference in its place.
    pub(super) fn arguments(&self, reference: &str) -> Vec<String> {
        let holder = format!("{}{reference}{}", self.around.0, self.around.1);
        self.before.iter().cloned().chain([holder]).chain(self.after.iter().cloned()).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(name: &str, command: &[&str]) -> Result<Provider, Unfit> {
        let command = command.iter().map(|text| (*text).to_owned()).collect();
        Declaration { name: name.to_owned(), command, ..Declaration::default() }.check()
    }

    #[test]
    fn a_name_that_means_something_else_in_a_template_is_refused() {
        for name in ["keyring", "env", "range", "vars", "os", "True", "not", "", "a-b", "1p", "é", "_check"] {
            assert_eq!(check(name, &["op", "{ref}"]).unwrap_err(), Unfit::Name, "{name}");
        }
    }

    #[test]
    fn the_reference_goes_into_one_argument_and_nowhere_else() {
        for command in [&["op"][..], &["op", "read"], &["{ref}"], &["op", "{ref}", "{ref}"], &["op", "{ref}{ref}"]] {
            assert_eq!(check("op", command).unwrap_err(), Unfit::Reference, "{command:?}");
        }
        assert_eq!(check("op", &[]).unwrap_err(), Unfit::NoCommand);
        let provider = check("op", &["op", "read", "--item={ref}/x", "-n"]).unwrap();
        assert_eq!(provider.arguments("{ref} $HOME; rm"), ["read", "--item={ref} $HOME; rm/x", "-n"]);
    }

    #[test]
    fn what_begins_with_a_dash_is_an_option_unless_something_stands_before_it() {
        let is_option = |command: &[&str]| check("op", command).unwrap().is_option("--help");
        assert!(is_option(&["op", "read", "{ref}"]));
        assert!(is_option(&["op", "read", "{ref}/x"]));
        assert!(!is_option(&["op", "read", "--", "{ref}"]));
        assert!(!is_option(&["op", "read", "--item={ref}"]));
    }

    #[test]
    fn a_template_writes_no_script() {
        for command in [
            &["sh", "-c", "pass show {ref}"][..],
            &["/bin/bash", "-lc", "{ref}"],
            &["python3.12", "-c", "{ref}"],
            &["sh", "{ref}"],
            &["env", "{ref}"],
            &["cmd.exe", "/c", "{ref}"],
        ] {
            assert!(matches!(check("x", command).unwrap_err(), Unfit::Code { .. }), "{command:?}");
        }
        assert!(check("x", &["sh", "-c", "pass show \"$1\" | head -n 1", "sh", "{ref}"]).is_ok());
        assert!(check("x", &["python3", "/opt/get.py", "{ref}"]).is_ok());
    }
}
