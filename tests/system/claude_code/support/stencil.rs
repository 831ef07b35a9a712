//! keystencil as the tests use it: a template, a secret in the vault, the hooks installed, commands in front of `claude`.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use super::home::Home;
use super::process::{self, Ran};
use crate::poll::PATIENCE;
use crate::yes::Yes;

/// The program under test.
pub(crate) const BIN: &str = env!("CARGO_BIN_EXE_keystencil");

/// How a secret is written at rest.
pub(crate) const PLACEHOLDER: &str = "<< keyring('probe') >>";

/// A home where keystencil is set up as its manual says: configuration, template, secret, hooks.
pub(crate) fn home() -> Home {
    let home = Home::new();
    let settings = format!(
        "[targets.claude]\ntemplate = {:?}\npath = {:?}\nprofile = \"claude-code\"\n",
        home.template(),
        home.target()
    );
    std::fs::create_dir_all(home.folder().join(".config/keystencil")).unwrap();
    std::fs::write(home.folder().join(".config/keystencil/config.toml"), settings).unwrap();
    write_template(&home, &[]);
    store(&home, "probe", &home.secret);
    allow(&home);
    succeeds(&home, ["install", "claude-code"]);
    home
}

/// The probe with the two slots every scenario uses, and with more if it likes.
pub(crate) fn write_template(home: &Home, more: &[(&str, &str)]) {
    let bearer = format!("Bearer {PLACEHOLDER}");
    let slots = [&[("SECRET", PLACEHOLDER), ("AUTHORIZATION", &bearer)], more].concat();
    let json = serde_json::to_string_pretty(&home.servers(&slots)).unwrap();
    std::fs::write(home.template(), format!("// The probe writes down what it is given.\n{json}\n")).unwrap();
    allow(home);
}

/// A person's yes to all that the template asks for now; nothing if it was said before.
fn allow(home: &Home) {
    Yes::in_home(&home.folder()).to_config(None);
}

/// Puts a secret into the vault, through standard input.
pub(crate) fn store(home: &Home, name: &str, secret: &str) {
    let file = home.witness("secret");
    std::fs::write(&file, secret).unwrap();
    let mut command = command(home, ["secret", "set", name]);
    let ran = process::run(command.stdin(std::fs::File::open(&file).unwrap()), PATIENCE);
    assert!(ran.status.success(), "{ran:?}");
}

/// Runs a command of keystencil that must succeed.
pub(crate) fn succeeds<S: AsRef<OsStr>>(home: &Home, args: impl IntoIterator<Item = S>) -> Ran {
    let ran = process::run(&mut command(home, args), PATIENCE);
    assert!(ran.status.success(), "{ran:?}");
    ran
}

/// `keystencil …` in this home.
pub(crate) fn command<S: AsRef<OsStr>>(home: &Home, args: impl IntoIterator<Item = S>) -> Command {
    in_home(home, BIN, args)
}

/// The client without keystencil in front of it.
pub(crate) fn client<S: AsRef<OsStr>>(home: &Home, args: impl IntoIterator<Item = S>) -> Command {
    in_home(home, "claude", args)
}

fn in_home<S: AsRef<OsStr>>(home: &Home, program: &str, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new("env");
    command.arg(program).args(args).env_clear().envs(home.env()).current_dir(home.project()).stdin(Stdio::null());
    command
}
