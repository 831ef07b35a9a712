//! A key of the system's keyring, for a server whose host hands on nothing that says where the keyring is.

use std::process::Command;

use serde_json::{Value, json};

use super::{KEY, hash};
use crate::claude_code::support::process;
use crate::claude_code::support::stencil::BIN;
use crate::claude_code::support::tools;
use crate::keyring::Keyring;
use crate::poll::PATIENCE;

/// What the MCP SDK hands on.
const SDK: [&str; 6] = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"];

/// Gives the user the folder `/run/user/UID` with the bus `$1` in it, as a login does, for this command alone. 99: nobody
/// may do that here.
const LOGGED_IN: &str = r#"mount -t tmpfs none /run/user && mkdir -m 700 "/run/user/$(id -u)" &&
    ln -s "$1" "/run/user/$(id -u)/bus" || exit 99
shift; exec "$@""#;

#[test]
fn a_server_gets_a_key_of_the_keyring_in_an_environment_that_names_no_bus() {
    let keyring = Keyring::start();
    let record = keyring.path().join("record");
    let secret = format!("kst-keyring-{}-0123456789abcdef", std::process::id());
    let template = json!({ "mcpServers": { "probe": {
        "command": tools::program("node"),
        "args": [tools::scripts().join("probe_server.mjs"), record, "SECRET", "--hashed", KEY],
        "env": { "SECRET": "<< keyring('probe') >>" },
    } } });
    let folder = keyring.path().join(".config/keystencil");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("template.json"), template.to_string()).unwrap();
    let config = "[targets.host]\ntemplate = 'template.json'\npath = '~/live.json'\ndeliver = 'wrap'\n";
    std::fs::write(folder.join("config.toml"), config).unwrap();
    keyring.run(BIN, &["secret", "set", "probe"], &secret);
    keyring.run(BIN, &["allow", "--allow-new=1"], "");
    keyring.run(BIN, &["render"], "");

    let live: Value = serde_json::from_slice(&std::fs::read(keyring.path().join("live.json")).unwrap()).unwrap();
    let server = &live["mcpServers"]["probe"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-current-user", "--keep-caps", "--mount", "sh", "-c", LOGGED_IN, "sh"]);
    command
        .arg(keyring.socket())
        .arg(text(&server["command"]))
        .args(server["args"].as_array().unwrap().iter().map(text));
    command.env_clear().current_dir("/").stdin(std::process::Stdio::null());
    let home = keyring.path().display().to_string();
    let path = std::env::var("PATH").unwrap();
    command.envs(SDK.into_iter().zip([home.as_str(), "me", &path, "/bin/sh", "xterm", "me"]));
    command.env("SECRET", text(&server["env"]["SECRET"]));
    let ran = process::run(&mut command, PATIENCE);
    if ran.status.code() == Some(99) || ran.stderr.contains("unshare") {
        println!("no login was made: nobody may mount a file system here ({})", ran.stderr.trim());
        return;
    }
    assert!(ran.status.success() && ran.stderr.is_empty(), "{ran:?}");
    let given: Value = serde_json::from_str(std::fs::read_to_string(record).unwrap().trim()).unwrap();
    assert_eq!(given["env"]["SECRET"], hash(&secret));
}
