//! Stores that give nothing, as a server that a host starts and a helper for headers meet them: one line that names the
//! server and what helps, within three seconds, and no question to anybody.

use crate::run::{ARGV, PROBE, allowed, assert_refused, path, said, server, with_path};
use crate::sandbox::{BINARY, Sandbox};
use crate::terminal::{line_with_typed, on_a_terminal};
use std::io::Read as _;

const URL: &str = "https://mcp.example.com/v1/mcp";
/// One server that is started and one that is reached, with a reference of this text.
fn servers(reference: &str) -> String {
    format!(
        r#"{{"mcpServers": {{
  "github": {{ "command": "probe", "args": ["-y", "/home/me/data", "two words"],
    "env": {{ "TOKEN": "{reference}", "REGION": "eu" }} }},
  "sentry": {{ "url": "{URL}", "headers": {{ "Authorization": "Bearer {reference}" }} }}
}}}}"#
    )
}

/// What both verbs say; each is one line with a hint, and nothing on standard output.
#[track_caller]
fn assert_both_refused(sandbox: &Sandbox, reference: &str, what: &str, hint: &str) {
    let run = said(sandbox, server(sandbox, &ARGV).env("TOKEN", reference));
    let mut headers = with_path(sandbox, &["headers", "--for", "claude:/mcpServers/sentry"]);
    let headers = said(sandbox, headers.env("CLAUDE_CODE_MCP_SERVER_URL", URL));
    for (said, name) in [(run, "github"), (headers, "sentry")] {
        assert_refused(&said, 125, what);
        assert!(said.err.contains(hint) && said.err.contains(&format!("claude:/mcpServers/{name}: ")), "{said:?}");
    }
}

fn protected() -> Sandbox {
    let sandbox = Sandbox::with_key();
    sandbox.write(".config/keystencil/claude.json", &servers("<< keyring('github') >>"));
    sandbox.write_program("bin/probe", PROBE);
    assert_eq!(said(&sandbox, &mut with_path(&sandbox, &["allow", "--allow-new=2"])).code, 0);
    let line = format!("{BINARY} vault rekey --passphrase");
    let (code, shown) = line_with_typed(&sandbox, &line, "canary battery staple\ncanary battery staple\n");
    assert_eq!(code, 0, "{shown}");
    sandbox
}

#[test]
fn a_vault_with_a_passphrase_is_locked_and_nobody_is_asked() {
    let sandbox = protected();
    assert_both_refused(&sandbox, "<< keyring('github') >>", "the vault is locked", "keystencil unlock");
    // Nor at a terminal, where every other command asks.
    let line = format!(
        "env PATH={} TOKEN=\"<< keyring('github') >>\" REGION=eu {BINARY} run --for claude:/mcpServers/github -- probe -y \
         /home/me/data 'two words'",
        path(&sandbox)
    );
    let (mut child, _keyboard) = on_a_terminal(&sandbox, &line);
    let mut screen = String::new();
    child.0.stdout.as_mut().unwrap().read_to_string(&mut screen).unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(125), "{screen}");
    assert!(screen.contains("the vault is locked") && !screen.contains("Passphrase"), "{screen}");
    assert_eq!(screen.trim_end().lines().count(), 1, "{screen}");
}

#[test]
fn a_secret_that_is_missing_is_named_with_the_command_that_stores_it() {
    let sandbox = allowed(&servers("<< keyring('github') >>").replace("Bearer << keyring('github') >>", "none"));
    assert_eq!(said(&sandbox, &mut with_path(&sandbox, &["secret", "rm", "github", "--yes"])).code, 0);
    let said = said(&sandbox, &mut server(&sandbox, &ARGV));
    assert_refused(&said, 125, "`github`");
    assert!(said.err.contains("keystencil secret set github"), "{said:?}");
}

#[test]
fn a_vault_that_the_environment_may_have_chosen_lets_no_command_run() {
    let sandbox = Sandbox::with_target();
    sandbox.write_program("bin/get", "#!/bin/sh\necho canary >> \"$HOME/asked\"\n");
    sandbox.write_program("bin/probe", PROBE);
    let config = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\n[providers.get]\ncommand = ['get', '{ref}']\n";
    sandbox.write(".config/keystencil/config.toml", config);
    sandbox.write(".config/keystencil/claude.json", &servers("<< get('op') >>"));
    assert_eq!(said(&sandbox, &mut with_path(&sandbox, &["allow", "--allow-new=3"])).code, 0);
    assert_both_refused(&sandbox, "<< get('op') >>", "no store that is found here", "HOME, XDG_DATA_HOME");
    assert!(!sandbox.path("asked").exists());
}

#[cfg(all(target_os = "linux", feature = "system-tests"))]
mod keyring {
    use super::{ARGV, PROBE, URL, assert_refused, servers};
    use crate::keyring::Keyring;
    use crate::sandbox::{BINARY, Said};
    use std::fs;
    use std::path::Path;
    use std::process::{Command, Stdio};

    /// A keyring with the key, and two servers that were allowed to have what this reference stands for.
    fn with_servers(config: &str, reference: &str, things: usize) -> Keyring {
        let keyring = Keyring::start();
        let folder = keyring.path().join(".config/keystencil");
        fs::create_dir_all(&folder).unwrap();
        let target = "[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\n";
        fs::write(folder.join("config.toml"), format!("{target}{config}")).unwrap();
        fs::write(folder.join("claude.json"), servers(reference)).unwrap();
        keyring.secret_tool_store("L", "service github username api-key", "canary-key");
        write_program(&keyring, "probe", PROBE);
        write_program(&keyring, "get", GET);
        let allow = end(&keyring, command(&keyring, &["allow", &format!("--allow-new={things}")]));
        assert_eq!(allow.code, 0, "{allow:?}");
        keyring
    }

    /// A command of the config: it says its value, or hangs or stops once a file says so.
    const GET: &str = "#!/bin/sh\n[ -e \"$HOME/hang\" ] || { echo canary-key; exit; }\necho $$ >> \"$HOME/pids\"\n\
                       [ \"$(cat \"$HOME/hang\")\" != stop ] || kill -STOP $$\nexec sleep 600\n";

    /// By another process: a program that this one has open for writing can't be run.
    fn write_program(keyring: &Keyring, name: &str, script: &str) {
        let (text, program) = (keyring.path().join("text"), keyring.path().join("bin").join(name));
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(&text, script).unwrap();
        assert!(Command::new("install").args(["-m", "755"]).args([&text, &program]).status().unwrap().success());
    }

    fn command(keyring: &Keyring, arguments: &[&str]) -> Command {
        let mut command = keyring.command(BINARY);
        command.env("PATH", format!("{}/bin:/usr/bin:/bin", keyring.path().display())).current_dir(keyring.path());
        command.args(arguments).stdin(Stdio::null());
        command
    }

    fn end(keyring: &Keyring, mut command: Command) -> Said {
        let output = command.output().unwrap();
        let home = keyring.path().display().to_string();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&home, "HOME");
        Said { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    const KEY: &str = "<< keyring('github') >>";

    fn run(keyring: &Keyring, reference: &str) -> Said {
        let mut command = command(keyring, &["run", "--for", "claude:/mcpServers/github", "--"]);
        command.args(ARGV).env("TOKEN", reference).env("REGION", "eu");
        end(keyring, command)
    }

    fn headers(keyring: &Keyring) -> Said {
        let mut command = command(keyring, &["headers", "--for", "claude:/mcpServers/sentry"]);
        command.env("CLAUDE_CODE_MCP_SERVER_URL", URL);
        end(keyring, command)
    }

    #[track_caller]
    fn assert_both_refused(keyring: &Keyring, reference: &str, what: &str, hint: &str) {
        for (said, name) in [(run(keyring, reference), "github"), (headers(keyring), "sentry")] {
            assert_refused(&said, 125, what);
            assert!(said.err.contains(hint) && said.err.contains(&format!("claude:/mcpServers/{name}: ")), "{said:?}");
        }
    }

    #[test]
    fn a_keyring_that_is_locked_or_frozen_or_gone_is_said_in_one_line() {
        let mut keyring = with_servers("", KEY, 2);
        let good = (run(&keyring, KEY), headers(&keyring));
        assert!(good.0.code == 0 && good.0.out.contains("TOKEN=canary-key"), "{good:?}");
        assert_eq!(good.1.out, "{\"Authorization\":\"Bearer canary-key\"}", "{good:?}");
        keyring.lock();
        assert_both_refused(&keyring, KEY, "the keyring is locked", "have the host start the server again");
        keyring.freeze();
        assert_both_refused(&keyring, KEY, "the keyring did not answer within 3 s", "");
        keyring.kill();
        assert_both_refused(&keyring, KEY, "`github`", "");
    }

    #[test]
    fn a_bus_that_is_frozen_is_said_in_one_line() {
        let keyring = with_servers("", KEY, 2);
        keyring.freeze_bus();
        assert_both_refused(&keyring, KEY, "did not answer within 3 s", "");
    }

    #[test]
    fn a_command_of_the_config_that_hangs_or_is_stopped_ends_at_three_seconds_and_is_ended() {
        let (config, reference) = ("[providers.get]\ncommand = ['get', '{ref}']\n", "<< get('op') >>");
        let keyring = with_servers(config, reference, 3);
        let good = run(&keyring, reference);
        assert!(good.code == 0 && good.out.contains("TOKEN=canary-key"), "{good:?}");
        for how in ["hang", "stop"] {
            fs::write(keyring.path().join("hang"), how).unwrap();
            assert_both_refused(&keyring, reference, "did not answer `op` within 3 s", "get");
        }
        let pids = fs::read_to_string(keyring.path().join("pids")).unwrap();
        assert_eq!(pids.lines().count(), 4, "{pids}");
        for pid in pids.lines() {
            assert!(crate::poll::comes_true(crate::sandbox::LIMIT, || !Path::new("/proc").join(pid).exists()), "{pid}");
        }
    }
}
