//! `check`: files and folders, what is reported, and what is left out. Keys are made here, so that no scanner trips
//! over this file.

use crate::sandbox::{BINARY, KEY, Said, Sandbox, snapshot};
use crate::terminal::{line_with_typed, with_typed};
use base64::Engine as _;
use rustix::process::getuid;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

/// A key that GitHub published as an example, whose checksum is right.
pub(crate) fn github_key() -> String {
    ["gh", "p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"].concat()
}

fn random_value() -> String {
    ["q7Zk2Xv9Lw3R", "t8Yb5Nc1Hd6M"].concat()
}

/// The places and rules of the findings, from `--json`.
pub(crate) fn places(said: &Said) -> Vec<String> {
    let report: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let place = |one: &Value| {
        format!("{}:{}:{} {}", one["file"].as_str().unwrap(), one["line"], one["column"], one["rule"].as_str().unwrap())
    };
    report["findings"].as_array().unwrap().iter().map(place).collect()
}

#[test]
fn keys_are_found_with_place_rule_and_hint_and_are_not_shown() {
    let sandbox = Sandbox::empty();
    sandbox.write("repo/a.json", &format!("{{\n  \"token\": \"{}\"\n}}\n", github_key()));
    sandbox.write("repo/b/.env", &format!("# é\nDB_SECRET={}\n", random_value()));
    sandbox.write("repo/c.md", &format!("postgres://app:{}@db.local/x\n", random_value()));
    let said = sandbox.run(&["check", "repo"]);
    assert!(!said.whole().contains("zQWB") && !said.whole().contains("q7Zk"), "{said:?}");
    snapshot("check", &said.whole());
    let said = sandbox.run(&["check", "repo", "--json"]);
    assert_eq!(
        places(&said),
        ["repo/a.json:2:13 github-pat", "repo/b/.env:2:11 random-value", "repo/c.md:1:16 url-password"]
    );
    assert!(!said.whole().contains("zQWB") && !said.whole().contains("q7Zk"), "{said:?}");
}

#[test]
fn a_key_in_the_name_of_a_file_or_folder_is_found_and_not_shown() {
    let sandbox = Sandbox::empty();
    let key = github_key();
    sandbox.write(&format!("repo/{key}/a.json"), "{}");
    sandbox.write(&format!("repo/key-{key}.env"), &format!("DB_SECRET={}\n", random_value()));
    let said = sandbox.run(&["check", "repo"]);
    assert!(said.code == 1 && !said.whole().contains(&key[8..]), "{said:?}");
    for line in [
        "repo/ghp_[36 bytes]/a.json:1:1: a key of GitHub (github-pat) in the file's name  ghp_[36 bytes]\n  hint: rename the file",
        "repo/key-ghp_[36 bytes].env:1:11: a random value",
    ] {
        assert!(said.out.contains(line), "{line}\n{said:?}");
    }
    for format in ["--json", "--sarif"] {
        let said = sandbox.run(&["check", "repo", format]);
        assert!(said.code == 1 && !said.whole().contains(&key[8..]), "{said:?}");
    }
    // A baseline, which is committed, names no key either.
    let said = sandbox.run(&["check", "repo", "--baseline", "known.json", "--update-baseline"]);
    assert!(said.code == 0 && !sandbox.read("known.json").contains(&key[8..]), "{said:?}");
    assert_eq!(sandbox.run(&["check", "repo", "--baseline", "known.json"]).code, 0);
}

#[test]
fn nothing_found_is_status_0_and_says_what_was_looked_at() {
    let sandbox = Sandbox::empty();
    sandbox.write("repo/a.json", "{\"token\": \"${GITHUB_TOKEN}\"}");
    assert_eq!(sandbox.run(&["check", "repo"]).whole(), "nothing found in 1 file\n[0]");
}

#[test]
fn this_repository_is_clean_by_its_own_check() {
    let root = env!("CARGO_MANIFEST_DIR");
    // The cases of templates that do not work are known: `check tests/pure/template --baseline … --update-baseline`.
    let known = format!("{root}/tests/pure/template/known.json");
    let said = Sandbox::empty().run(&["check", root, "--baseline", &known]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("nothing found in ") || said.out.contains("nothing found in "), "{said:?}");
}

#[test]
fn own_secrets_are_found_in_every_form_in_any_file() {
    let sandbox = Sandbox::with_key();
    let base64 = |prefix: &str| base64::engine::general_purpose::STANDARD.encode(format!("{prefix}{KEY}:x"));
    let json = serde_json::to_string(KEY).unwrap();
    let forms = [
        KEY.to_owned(),
        json.clone(),
        serde_json::to_string(&json).unwrap(),
        json.replace('é', "\\u00e9"),
        percent_encoding::utf8_percent_encode(KEY, percent_encoding::NON_ALPHANUMERIC).to_string().replace("%2D", "-"),
        base64(""),
        base64("a"),
        base64("ab"),
        hex::encode(KEY),
        KEY.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        percent_encoding::utf8_percent_encode(KEY, percent_encoding::NON_ALPHANUMERIC)
            .to_string()
            .replace("%2D", "-")
            .replace("%2F", "/"),
    ];
    for (number, form) in forms.iter().enumerate() {
        sandbox.write(&format!("repo/{number}.txt"), &format!("x\n.. {form}\n"));
    }
    fs::write(sandbox.path("repo/x.bin"), [b"\0\x01".as_slice(), KEY.as_bytes(), b"\xff"].concat()).unwrap();
    let utf16: Vec<u8> = format!("\u{feff}a {KEY}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(sandbox.path("repo/y.txt"), &utf16).unwrap();
    fs::write(sandbox.path("repo/z.txt"), &utf16[2..]).unwrap();
    let said = sandbox.run(&["check", "repo", "--json"]);
    let files: Vec<String> = places(&said).into_iter().filter(|place| place.ends_with(" own-secret")).collect();
    assert_eq!(files.len(), forms.len() + 3, "{said:?}");
    assert!(!said.whole().contains("9f2b7c"), "{said:?}");
}

#[test]
fn without_files_the_templates_and_targets_of_the_config_are_checked() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["check"]).whole(), "nothing found in 1 file: templates and live files of 1 target\n[0]");
    sandbox.write("live.json", "{\"mcpServers\": {\"github\": {\"env\": {\"TOKEN\": \"short\"}}}}");
    let said = sandbox.run(&["check", "--json"]);
    assert_eq!((places(&said), said.code), (vec!["~/live.json:1:1 literal-in-slot".to_owned()], 1));
}

#[test]
fn a_rendered_file_is_found_by_its_journal_without_a_store() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["render"]).code, 0);
    fs::copy(sandbox.path("live.json"), sandbox.path("copy.txt")).unwrap();
    let said = sandbox.run(&["--store", "native", "check", "--json", "copy.txt", "live.json"]);
    assert_eq!(places(&said), ["copy.txt:5:19 rendered-file", "live.json:5:19 rendered-file"]);
    assert!(said.err.contains("could not be looked up"), "{said:?}");
}

#[test]
fn a_rendered_file_whose_secret_is_too_short_to_be_found_is_found_as_a_whole() {
    let sandbox = Sandbox::with_target();
    sandbox.store("github", "1234");
    assert_eq!(sandbox.run(&["render"]).code, 0);
    assert_eq!(places(&sandbox.run(&["check", "--json", "live.json"])), ["live.json:1:1 rendered-file"]);
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert_eq!(sandbox.run(&["check", "live.json"]).code, 0);
}

#[test]
fn references_that_do_not_work_name_nothing_or_would_be_logged_are_found() {
    let sandbox = Sandbox::with_key();
    let template = ".config/keystencil/claude.json";
    sandbox.write(template, "{\n  \"a\": \"<< keyring('githup') >>\"\n}\n");
    let said = sandbox.run(&["check", "--json"]);
    assert_eq!(places(&said), ["~/.config/keystencil/claude.json:2:12 unknown-secret"], "{said:?}");
    sandbox.write(template, "{\n  \"a\": \"<< keyrin('github') >>\"\n}\n");
    let said = sandbox.run(&["check", "--json", template]);
    assert_eq!(places(&said), ["~/.config/keystencil/claude.json:2:12 broken-reference"], "{said:?}");
    sandbox.write(
        ".config/keystencil/config.toml",
        "[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\nprofile = 'claude-code'\n",
    );
    sandbox.write(template, "{\"mcpServers\": {\"x\": {\"command\": \"x --key << keyring('github') >>\"}}}");
    let said = sandbox.run(&["check", "--json"]);
    assert_eq!(places(&said).len(), 1, "{said:?}");
    assert!(places(&said)[0].ends_with(" logged-secret"), "{said:?}");
}

#[test]
fn a_machine_without_secrets_is_no_reason_to_doubt_the_names_in_a_template() {
    let sandbox = Sandbox::with_target();
    let said = sandbox.run(&["check"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("were not checked"), "{said:?}");
}

#[test]
fn a_comment_or_a_baseline_leaves_a_finding_out_and_the_baseline_holds_no_secret() {
    let sandbox = Sandbox::with_key();
    let value = random_value();
    sandbox.write("repo/a.env", &format!("# keystencil: allow\nA_TOKEN={value}\nB_TOKEN={value}x\n"));
    sandbox.write("repo/b.env", KEY);
    let said = sandbox.run(&["check", "repo", "--baseline", "repo/known.json", "--update-baseline", "--json"]);
    // What is certainly one's own secret is in no baseline.
    assert_eq!((places(&said), said.code), (vec!["repo/b.env:1:1 own-secret".to_owned()], 1));
    let baseline = sandbox.read("repo/known.json");
    assert!(!baseline.contains(&value) && !baseline.contains("9f2b7c"), "{baseline}");
    fs::remove_file(sandbox.path("repo/b.env")).unwrap();
    assert_eq!(sandbox.run(&["check", "repo", "--baseline", "repo/known.json"]).code, 0);
    // From another folder it is the same.
    let said = sandbox.command(&["check", ".", "--baseline", "known.json"]).current_dir(sandbox.path("repo")).output();
    assert_eq!(sandbox.said(&said.unwrap()).code, 0);
    sandbox.write("repo/a.env", &format!("B_TOKEN={value}y\n"));
    assert_eq!(sandbox.run(&["check", "repo", "--baseline", "repo/known.json"]).code, 1);
    for wrong in ["no baseline", "{\"version\": 9, \"key\": \"\", \"findings\": []}"] {
        sandbox.write("repo/known.json", wrong);
        assert_eq!(sandbox.run(&["check", "repo", "--baseline", "repo/known.json"]).code, 2);
    }
    assert_eq!(sandbox.run(&["check", "repo", "--baseline", "missing.json"]).code, 2);
}

#[test]
fn sarif_has_all_that_its_schema_requires() {
    let sandbox = Sandbox::empty();
    sandbox.write("re po/a é.env", &format!("A_TOKEN={}\n", random_value()));
    let said = sandbox.run(&["check", "re po", "--sarif"]);
    assert_eq!(said.code, 1);
    let sarif: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "keystencil");
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let result = &run["results"][0];
    assert!(result["message"]["text"].is_string());
    let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
    assert_eq!(rule["id"], result["ruleId"]);
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "re%20po/a%20%C3%A9.env");
    assert!(place["region"]["startLine"].as_u64() >= Some(1) && place["region"]["startColumn"].as_u64() >= Some(1));
    // Nothing found is a document as well.
    sandbox.write("re po/a é.env", "");
    let said = sandbox.run(&["check", "re po", "--sarif"]);
    let sarif: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, sarif["runs"][0]["results"].as_array().unwrap().len()), (0, 0));
}

#[test]
fn gitignore_is_honoured_hidden_files_are_read_and_named_files_always() {
    let sandbox = Sandbox::empty();
    let text = format!("A_TOKEN={}\n", random_value());
    for file in ["repo/.env", "repo/build/x", "repo/.git/config", "repo/src/y"] {
        sandbox.write(file, &text);
    }
    sandbox.write("repo/.gitignore", "build\n");
    symlink(sandbox.path("repo/src/y"), sandbox.path("repo/link")).unwrap();
    symlink(sandbox.path("repo"), sandbox.path("repo/src/loop")).unwrap();
    let files = |said: &Said| -> Vec<String> {
        places(said).iter().map(|place| place.split(':').next().unwrap().to_owned()).collect()
    };
    assert_eq!(files(&sandbox.run(&["check", "repo", "--json"])), ["repo/.env", "repo/src/y"]);
    assert_eq!(files(&sandbox.run(&["check", "repo/build/x", "repo/link", "--json"])), ["repo/build/x", "repo/link"]);
}

#[test]
fn what_cannot_be_read_is_never_passed_over() {
    let sandbox = Sandbox::empty();
    assert_eq!(sandbox.run(&["check", "missing"]).code, 2);
    assert_eq!(sandbox.run(&["check"]).code, 2);
    assert!(Command::new("mkfifo").arg(sandbox.path("pipe")).status().unwrap().success());
    assert_eq!(sandbox.run(&["check", "pipe"]).code, 2);
    sandbox.write("repo/a", "x");
    symlink("nowhere", sandbox.path("repo/dangling")).unwrap();
    assert_eq!(sandbox.run(&["check", "repo"]).code, 0);
    fs::create_dir(sandbox.path("repo/closed")).unwrap();
    fs::set_permissions(sandbox.path("repo/closed"), fs::Permissions::from_mode(0o0)).unwrap();
    // The superuser reads everything.
    if fs::read_dir(sandbox.path("repo/closed")).is_err() {
        let said = sandbox.run(&["check", "repo"]);
        assert_eq!(said.code, 3, "{said:?}");
        assert!(said.err.contains("was not checked") && said.err.contains("repo/closed"), "{said:?}");
    }
    fs::set_permissions(sandbox.path("repo/closed"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_target_that_is_a_fifo_is_told_and_not_waited_for() {
    let sandbox = Sandbox::with_target();
    drop(fs::remove_file(sandbox.path("live.json")));
    assert!(Command::new("mkfifo").arg(sandbox.path("live.json")).status().unwrap().success());
    let said = sandbox.run(&["check"]);
    assert!(said.code != 0 && said.err.contains("live.json") && said.err.contains("not a regular file"), "{said:?}");
}

#[test]
fn a_line_of_50_megabytes_and_bytes_that_are_no_text_are_looked_through() {
    let sandbox = Sandbox::with_key();
    let mut line = vec![b'x'; 50 << 20];
    line.extend_from_slice(b" \xff\xfe ");
    line.extend_from_slice(KEY.as_bytes());
    line.extend_from_slice(format!(" {} ", github_key()).as_bytes());
    fs::write(sandbox.path("minified.js"), &line).unwrap();
    let said = sandbox.run(&["check", "--json", "minified.js"]);
    assert_eq!(said.code, 1);
    let rules: Vec<String> = places(&said).iter().map(|place| place.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(rules, ["own-secret", "github-pat"], "{said:?}");
    assert!(said.out.len() < 4000);
}

#[test]
fn a_hostile_file_name_writes_no_line_of_its_own() {
    let sandbox = Sandbox::empty();
    sandbox.write("repo/a\nb\u{1b}[31m.env", &format!("A_TOKEN={}\n", random_value()));
    let said = sandbox.run(&["check", "repo"]);
    assert_eq!(said.code, 1);
    assert!(!said.out.contains('\u{1b}') && said.out.lines().count() == 2, "{said:?}");
}

#[test]
fn a_keyring_that_does_not_answer_is_a_warning() {
    let sandbox = Sandbox::with_target();
    sandbox.write("repo/a.env", &format!("A_TOKEN={}\n", random_value()));
    let said = sandbox.run(&["--store", "native", "check", "repo"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("warning") && said.out.contains("random value"), "{said:?}");
}

#[test]
fn templates_that_no_config_names_are_checked_for_what_is_wrong_in_any_case() {
    let sandbox = Sandbox::empty();
    for (file, text) in [
        ("misspelt.json", "{\n  \"a\": \"<< keyrin('github') >>\"\n}"),
        ("argument.json.tmpl", "{\"a\": \"<< keyring() >>\", \"b\": \"<< keyring('x') >>\"}"),
        ("filter.jsonc", "// theirs\n{\"a\": \"<< keyring('x') | upper >>\"}"),
        ("logged.json", "{\"mcpServers\": {\"x\": {\"command\": \"x --key << keyring('github') >>\"}}}"),
        // What their config may declare, what is only a part, and what is not a template.
        ("fine.json", "{\"mcpServers\": {\"x\": {\"command\": \"x\", \"env\": {\"K\": \"<< keyring('github') >>\"}}}}"),
        ("vars.json", "{\"a\": \"<< keyring('x') >>\", \"b\": \"<< proxy >>\", \"c\": \"<< op('op://a/b') >>\"}"),
        ("part.json", "\"github\": {\"env\": {\"K\": \"<< keyring('github') >>\"}},"),
        ("include.json", "{\"a\": \"<< keyring('x') >>\", <% include 'not/here.json' %>}"),
        ("map.json", "{\"code\": \"1<<n(r)|t>>3; cout << key(y) << 'x'\"}"),
        ("notes.md", "{\"a\": \"<< keyrin('github') >>\"}"),
        ("latin.json", "{\"a\": \"<< keyring() >>\"}"),
    ] {
        sandbox.write(&format!("repo/{file}"), text);
    }
    fs::write(sandbox.path("repo/latin.json"), b"{\"a\": \"<< keyring() >> \xe9\"}").unwrap();
    let expected = [
        "repo/argument.json.tmpl:1:11 broken-reference",
        "repo/filter.jsonc:2:11 broken-reference",
        "repo/logged.json:1:46 logged-secret",
        "repo/misspelt.json:2:12 broken-reference",
    ];
    let said = sandbox.run(&["check", "repo", "--json"]);
    assert_eq!((places(&said), said.code), (expected.map(str::to_owned).to_vec(), 1), "{said:?}");
    // Named one by one, as pre-commit does.
    let said = sandbox.run(&["check", "--json", "repo/logged.json", "repo/fine.json", "repo/misspelt.json"]);
    assert_eq!(places(&said), [expected[2], expected[3]]);
    // A comment or a baseline leaves them out as well.
    let args = ["check", "repo", "--baseline", "known.json"];
    assert_eq!(sandbox.run(&[args.as_slice(), &["--update-baseline"]].concat()).code, 0);
    assert_eq!(sandbox.run(&args).code, 0);
    sandbox.write(
        "repo/misspelt.json",
        "{\n  // keystencil: allow broken-reference\n  \"a\": \"<< keyrin('github') >>\"\n}",
    );
    sandbox.write("repo/filter.jsonc", "{\"a\": \"<< keyring('x') | lower >>\"}");
    assert_eq!(
        places(&sandbox.run(&["check", "repo", "--json", "--baseline", "known.json"])),
        ["repo/filter.jsonc:1:11 broken-reference"]
    );
}

#[test]
#[cfg_attr(not(feature = "system-tests"), ignore = "needs setpriv")]
fn a_folder_or_file_that_may_not_be_read_is_told_and_is_no_clean_result() {
    let sandbox = Sandbox::empty();
    sandbox.write("repo/fine.txt", "x");
    sandbox.write("repo/closed/a.env", &format!("A_TOKEN={}\n", random_value()));
    sandbox.write("repo/secret.txt", "x");
    for closed in ["repo/closed", "repo/secret.txt"] {
        fs::set_permissions(sandbox.path(closed), fs::Permissions::from_mode(0o0)).unwrap();
    }
    // Root reads everything, so it steps down; the program may lie where nobody else may look.
    let mut command = Command::new(if getuid().is_root() { "setpriv" } else { "env" });
    if getuid().is_root() {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]);
        fs::copy(BINARY, sandbox.path("keystencil")).unwrap();
        let owned = Command::new("chown").args(["-R", "65534:65534"]).arg(sandbox.home()).status().unwrap();
        assert!(owned.success());
    }
    let program = if getuid().is_root() { sandbox.path("keystencil") } else { BINARY.into() };
    let as_always = sandbox.command(&[]);
    command.env_clear().envs(as_always.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.arg(program).args(["check", "repo", "--json"]).current_dir(sandbox.home());
    let said = sandbox.said(&command.output().unwrap());
    for closed in ["repo/closed", "repo/secret.txt"] {
        fs::set_permissions(sandbox.path(closed), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let report: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let unread: Vec<&str> =
        report["unread"].as_array().unwrap().iter().map(|one| one["file"].as_str().unwrap()).collect();
    assert_eq!(
        (unread, report["files"].as_u64(), said.code),
        (vec!["repo/closed", "repo/secret.txt"], Some(1), 3),
        "{said:?}"
    );
    assert!(said.err.contains("this was not checked: Permission denied"), "{said:?}");
}

#[test]
fn a_progress_bar_is_shown_on_a_terminal_and_leaves_nothing_behind() {
    let sandbox = Sandbox::empty();
    // Enough for more than the half second before it appears: sparse, so it costs no disk.
    fs::File::create(sandbox.path("big")).unwrap().set_len(64 << 20).unwrap();
    let line = format!("sh -c 'stty cols 80 rows 24; TERM=xterm exec {BINARY} check big'");
    let (code, screen) = line_with_typed(&sandbox, &line, "");
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("checking [") && screen.contains(" of 64.00 MiB"), "{screen}");
    // The bar's line is erased before the outcome is told.
    let (_, last) = screen.rsplit_once("\u{1b}[2K").unwrap_or_default();
    assert!(last.contains(" in 1 file") && !last.contains("checking ["), "{screen}");
    let (_, screen) = with_typed(&sandbox, "check -q big", "");
    assert_eq!(screen, "");
}
