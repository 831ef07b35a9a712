//! A real KeePassXC as the keyring of one test: the second provider of the Secret Service, without a display.
//!
//! Its database is made for the test and opened with `--pw-stdin`; nobody can click on anything it shows.

#![allow(dead_code)]

use crate::keyring::{Keyring, installed};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The group that is exposed, as the database and as its custom data write it.
const GROUP: [&str; 2] = ["AAAAAAAAAAAAAAAAAAAAAQ==", "{00000000-0000-0000-0000-000000000001}"];
const PASSWORD: &str = "throw-away\n";
pub(crate) const COLLECTION: &str = "/org/freedesktop/secrets/collection/exposed";

/// Which of KeePassXC's questions are left on; both are by default.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asks {
    pub(crate) before_reading: bool,
    pub(crate) before_deleting: bool,
}

impl Keyring {
    /// A KeePassXC with an open database of these entries: title, user name, password.
    pub(crate) fn keepassxc(entries: &[(&str, &str, &str)], asks: Asks) -> Self {
        let mut keyring = Self::bus_only();
        let (xml, database) = (keyring.path().join("database.xml"), keyring.path().join("exposed.kdbx"));
        fs::write(&xml, document(entries)).unwrap();
        let import = ["import", "--decryption-time", "100", "-p", xml.to_str().unwrap(), database.to_str().unwrap()];
        keyring.run("keepassxc-cli", &import, &PASSWORD.repeat(2));
        let settings = keyring.path().join("keepassxc.ini");
        fs::write(
            &settings,
            format!(
                "[General]\nConfigVersion=2\nSingleInstance=false\nUpdateCheckMessageShown=true\n\
                 [GUI]\nCheckForUpdates=false\n[FdoSecrets]\nEnabled=true\nShowNotification=false\n\
                 ConfirmAccessItem={}\nConfirmDeleteItem={}\n",
                asks.before_reading, asks.before_deleting
            ),
        )
        .unwrap();
        let program = keyring
            .command("keepassxc")
            .env("QT_QPA_PLATFORM", "offscreen")
            .args(["--pw-stdin", "--config"])
            .args([&settings, &database])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut program = installed(program, "keepassxc", "keepassxc");
        program.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        keyring.daemons.push(program);
        keyring.wait_for_lock(false);
        keyring
    }

    /// Locks the database, as its lock button does.
    pub(crate) fn lock_keepassxc(&self) {
        let reply =
            self.ask("/org/freedesktop/secrets", &["Service.Lock", &format!("array:objpath:{COLLECTION}")]).unwrap();
        if let Some(prompt) = reply.split('"').find(|part| part.contains("/prompt/")) {
            self.ask(prompt, &["Prompt.Prompt", "string:"]).unwrap();
        }
        self.wait_for_lock(true);
    }

    /// What the database file itself says of an entry, once KeePassXC has saved it.
    pub(crate) fn wait_for_entry(&self, title: &str, attribute: &str, value: Option<&str>) {
        let database = self.path().join("exposed.kdbx");
        let arguments = ["show", "-q", "-s", "-a", attribute, database.to_str().unwrap(), title];
        self.wait(title, || {
            let output = self.try_run("keepassxc-cli", &arguments, PASSWORD);
            let shown = output.status.success().then(|| String::from_utf8(output.stdout).unwrap());
            shown.as_deref().map(str::trim_end) == value
        });
    }

    fn wait_for_lock(&self, state: bool) {
        let question = ["string:org.freedesktop.Secret.Collection", "string:Locked"];
        self.wait("database", || {
            let call = ["org.freedesktop.DBus.Properties.Get", question[0], question[1]];
            let state = format!("boolean {state}");
            self.ask("/org/freedesktop/secrets/aliases/default", &call).is_some_and(|reply| reply.contains(&state))
        });
    }

    fn wait(&self, what: &str, done: impl Fn() -> bool) {
        let since = Instant::now();
        while !done() {
            assert!(since.elapsed() < Duration::from_secs(60), "KeePassXC did not get to it within a minute: {what}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Calls the Secret Service; `None` if it answers with an error.
    fn ask(&self, path: &str, call: &[&str]) -> Option<String> {
        let method =
            if call[0].contains("DBus") { call[0].to_owned() } else { format!("org.freedesktop.Secret.{}", call[0]) };
        let mut arguments = vec!["--session", "--print-reply", "--dest=org.freedesktop.secrets", path, &method];
        arguments.extend(&call[1..]);
        let output = self.try_run("dbus-send", &arguments, "");
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }
}

/// A database in KeePass' XML format, whose group is exposed.
fn document(entries: &[(&str, &str, &str)]) -> String {
    let mut group = String::new();
    for (index, (title, user, password)) in entries.iter().enumerate() {
        write!(group, "<Entry><UUID>AAAAAAAAAAAAAAAAAAA{:03}A==</UUID>", index + 100).unwrap();
        for (key, value) in [("Title", title), ("UserName", user), ("Password", password)] {
            write!(group, "<String><Key>{key}</Key><Value>{value}</Value></String>").unwrap();
        }
        group.push_str("</Entry>");
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><KeePassFile><Meta><Generator>KeePassXC</Generator><CustomData>\
         <Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{}</Value></Item></CustomData></Meta><Root><Group>\
         <UUID>{}</UUID><Name>Passwords</Name>{group}</Group></Root></KeePassFile>",
        GROUP[1], GROUP[0]
    )
}
