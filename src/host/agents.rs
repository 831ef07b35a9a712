//! Which processes are AI tools that run commands by themselves, and what stands above a process.
//!
//! A tool is known by the program that the kernel runs, or by the script that a JavaScript runtime was given; never by what a
//! process calls itself, which any process may change. Editors, terminals, shells and build tools are none, whatever runs in
//! them. Measured on Linux with Claude Code 2.1.330, Codex 0.171.0, Gemini CLI 0.61.0, Qwen Code 0.15.10, opencode 1.18.33 and
//! Copilot CLI 1.0.102.
//!
//! # Limitations
//! **What is above a process is what it lets be seen**: one that was handed to `init`, or started by a service, is below
//! nobody, and a tool that was copied under another name is not known. So this is for records and for friction, not a fence.

use super::process::{Invocation, Process};
use std::path::{Component, Path, PathBuf};

/// How one tool is recognised.
struct Tool {
    /// What a person calls it.
    name: &'static str,
    /// File names of its program, without an ending; also the names of its commands.
    programs: &'static [&'static str],
    /// The npm package that it is, as a scope and a name, or as a name.
    package: &'static str,
}

/// Every tool that is known. A new one is a row.
static TOOLS: [Tool; 6] = [
    Tool { name: "Claude Code", programs: &["claude"], package: "@anthropic-ai/claude-code" },
    Tool { name: "Codex", programs: &["codex"], package: "@openai/codex" },
    Tool { name: "Gemini CLI", programs: &["gemini"], package: "@google/gemini-cli" },
    Tool { name: "Qwen Code", programs: &["qwen"], package: "@qwen-code/qwen-code" },
    Tool { name: "opencode", programs: &["opencode"], package: "opencode-ai" },
    Tool { name: "Copilot CLI", programs: &["copilot"], package: "@github/copilot" },
];

/// Programs that run a script.
const RUNTIMES: [&str; 4] = ["node", "nodejs", "bun", "deno"];
/// Their options whose value is an argument of its own.
const WITH_VALUE: [&str; 7] =
    ["-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions"];
/// Those after which the script is text on the command line.
const EVALUATED: [&str; 4] = ["-e", "--eval", "-p", "--print"];

/// A process above another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Above {
    /// The process.
    pub process: Process,
    /// The name of the AI tool that it is, if it is one.
    pub agent: Option<&'static str>,
}

/// Everything above a process, its parent first.
#[must_use]
pub fn above(process: &Process) -> Vec<Above> {
    let named = |process: Process| Above { agent: agent(&process), process };
    process.ancestors().into_iter().map(named).collect()
}

/// The AI tools above a process, the nearest first.
#[must_use]
pub fn agents_above(process: &Process) -> Vec<(Process, &'static str)> {
    above(process).into_iter().filter_map(|above| Some((above.process, above.agent?))).collect()
}

/// The nearest AI tool above a process.
#[must_use]
pub fn nearest_agent(process: &Process) -> Option<(Process, &'static str)> {
    agents_above(process).into_iter().next()
}

/// The name of the AI tool that a process is, if it is one.
#[must_use]
pub fn agent(process: &Process) -> Option<&'static str> {
    started(&process.invocation(), &resolved)
}

fn resolved(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

/// The tool that was started so; `resolve` follows the links of a path.
fn started(how: &Invocation, resolve: &dyn Fn(&Path) -> Option<PathBuf>) -> Option<&'static str> {
    let called = how.arguments.first().map(PathBuf::from);
    let program = how.program.as_ref().or(called.as_ref())?;
    let stem = stem(program);
    let tool = if RUNTIMES.contains(&stem.as_str()) {
        of_script(how, resolve)
    } else {
        TOOLS.iter().find(|tool| tool.programs.contains(&stem.as_str()) || is_release(tool, program, &stem))
    };
    tool.map(|tool| tool.name)
}

/// A program whose file is named for its version or its system: `~/.local/share/claude/versions/2.1.330`,
/// `codex-x86_64-unknown-linux-musl`.
fn is_release(tool: &Tool, program: &Path, stem: &str) -> bool {
    let mut folders = program.iter().rev().skip(1).map(|name| name.to_string_lossy());
    let is_versioned = folders.next().is_some_and(|name| name == "versions");
    let owner = folders.next().unwrap_or_default();
    let is_built = |name: &str| {
        let system = stem.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
        system.is_some_and(|system| system.starts_with("x86_64-") || system.starts_with("aarch64-"))
    };
    tool.programs.iter().any(|name| is_built(name) || (is_versioned && owner == *name))
}

fn of_script(started: &Invocation, resolve: &dyn Fn(&Path) -> Option<PathBuf>) -> Option<&'static Tool> {
    let by_name = |name: &str| TOOLS.iter().find(|tool| tool.programs.contains(&name));
    // A title of its own in the place of all arguments.
    if let [title] = started.arguments.as_slice() {
        return by_name(title);
    }
    let named = started.folder.clone().unwrap_or_default().join(script(&started.arguments)?);
    let real = resolve(&named).unwrap_or_else(|| named.clone());
    let package = package(&real);
    // A launcher whose package can't be seen, as an upgrade leaves it: a command in a folder of commands.
    let is_command = || {
        let folder = named.parent().and_then(Path::file_name);
        named.extension().is_none() && folder.is_some_and(|name| name == "bin" || name == ".bin")
    };
    let of_package = TOOLS.iter().find(|tool| package.as_deref() == Some(tool.package));
    of_package.or_else(|| if is_command() { by_name(&stem(&named)) } else { None })
}

/// The script among the arguments of a runtime.
fn script(arguments: &[String]) -> Option<&str> {
    let mut rest = arguments.iter().skip(1).map(String::as_str);
    while let Some(argument) = rest.next() {
        match argument {
            "run" | "--" => {}
            option if EVALUATED.contains(&option) => return None,
            option if WITH_VALUE.contains(&option) => drop(rest.next()),
            option if option.starts_with('-') => {}
            script => return Some(script),
        }
    }
    None
}

/// The npm package that a file belongs to: what stands behind the last `node_modules` of its path.
fn package(file: &Path) -> Option<String> {
    let names: Vec<_> = file
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy()),
            _ => None,
        })
        .collect();
    let mut rest = names.rsplit(|name| name == "node_modules").next()?.iter();
    let first = rest.next()?;
    (names.iter().any(|name| name == "node_modules")).then(|| match first.starts_with('@') {
        true => format!("{first}/{}", rest.next().map(AsRef::as_ref).unwrap_or_default()),
        false => first.to_string(),
    })
}

/// The name of a program without the ending of an executable file.
fn stem(program: &Path) -> String {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    // What the kernel says of a program that was replaced.
    let name = name.strip_suffix(" (deleted)").unwrap_or(&name);
    let ending = [".exe", ".EXE", ".cmd"].iter().find_map(|ending| name.strip_suffix(ending));
    ending.unwrap_or(name).to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn named(program: &str, arguments: &[&str]) -> Option<&'static str> {
        let how = Invocation {
            program: (!program.is_empty()).then(|| PathBuf::from(program)),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            folder: Some(PathBuf::from("/home/u/project")),
        };
        let lib = "/usr/lib/node_modules";
        let links = [
            ("/usr/bin/gemini", format!("{lib}/@google/gemini-cli/bundle/gemini.js")),
            ("/usr/bin/qwen", format!("{lib}/@qwen-code/qwen-code/cli.js")),
            ("/usr/bin/copilot", format!("{lib}/@github/copilot/npm-loader.js")),
            ("/usr/bin/codex", format!("{lib}/@openai/codex/bin/codex.js")),
            ("/home/u/project/node_modules/.bin/tsc", "/home/u/project/node_modules/typescript/bin/tsc".to_owned()),
        ];
        started(&how, &|path| Some(links.iter().find(|(link, _)| Path::new(link) == path)?.1.clone().into()))
    }

    #[test]
    fn each_tool_is_known_as_it_was_measured() {
        for (program, arguments, name) in [
            ("/usr/lib/node_modules/@anthropic-ai/claude-code-linux-x64/claude", &["claude"][..], "Claude Code"),
            ("/home/u/.local/share/claude/versions/2.1.330", &["/home/u/.local/bin/claude", "-p"], "Claude Code"),
            ("/home/u/.local/share/claude/versions/2.1.330 (deleted)", &["claude"], "Claude Code"),
            ("C:/Users/u/.local/bin/claude.exe", &["claude"], "Claude Code"),
            (
                "/usr/bin/node",
                &["node", "/usr/lib/node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs"],
                "Claude Code",
            ),
            ("/usr/bin/node", &["claude"], "Claude Code"),
            ("/usr/bin/node", &["node", "/usr/bin/codex"], "Codex"),
            (
                "/home/u/.codex/packages/app-server-daemon/releases/0.171.0-x86_64-unknown-linux-musl/bin/codex",
                &["codex", "app-server"],
                "Codex",
            ),
            ("/opt/codex-x86_64-unknown-linux-musl", &["codex"], "Codex"),
            ("/usr/bin/node", &["node", "/usr/bin/gemini"], "Gemini CLI"),
            (
                "/usr/bin/node",
                &["/usr/bin/node", "--max-old-space-size=12052", "/usr/bin/gemini", "-p", "hi"],
                "Gemini CLI",
            ),
            ("/usr/bin/node", &["node", "-r", "./hook.js", "/usr/bin/qwen"], "Qwen Code"),
            ("/usr/bin/node", &["node", "/usr/bin/qwen"], "Qwen Code"),
            ("/usr/lib/node_modules/opencode-linux-x64/bin/opencode", &["opencode"], "opencode"),
            ("/usr/lib/node_modules/@github/copilot-linux-x64/copilot", &["/…/copilot"], "Copilot CLI"),
            ("/usr/bin/node", &["node", "/usr/bin/copilot"], "Copilot CLI"),
            // The package is gone, by an upgrade.
            ("/usr/bin/node", &["node", "/opt/old/bin/gemini"], "Gemini CLI"),
            // The system does not say which program it is.
            ("", &["/home/u/.local/bin/claude"], "Claude Code"),
        ] {
            assert_eq!(named(program, arguments), Some(name), "{program} {arguments:?}");
        }
    }

    #[test]
    fn an_editor_a_shell_a_build_and_a_script_that_only_mentions_a_tool_are_none() {
        for (program, arguments) in [
            ("/usr/bin/zsh", &["-zsh"][..]),
            ("/usr/bin/bash", &["bash", "-c", "claude"]),
            ("/usr/bin/make", &["make", "codex"]),
            ("/usr/share/code/code", &["/usr/share/code/code", "--type=utility"]),
            ("/opt/Claude/Claude", &["Claude"]),
            ("/usr/bin/tmux", &["tmux", "new", "claude"]),
            ("/usr/bin/vim", &["vim", "claude"]),
            ("/usr/bin/node", &["node", "server.js", "/usr/bin/gemini"]),
            ("/usr/bin/node", &["node", "-e", "0", "/usr/bin/gemini"]),
            ("/usr/bin/node", &["node", "./gemini.js"]),
            ("/usr/bin/node", &["node", "/usr/lib/node_modules/@google/gemini-cli/node_modules/server/index.js"]),
            ("/usr/bin/node", &["node", "node_modules/.bin/tsc"]),
            ("/usr/bin/node", &["node"]),
            ("/usr/bin/python3", &["python3", "/usr/bin/qwen"]),
            ("/opt/claude/bin/keystencil", &["keystencil"]),
            ("/opt/codex-notes", &["codex-notes"]),
            ("", &[]),
        ] {
            assert_eq!(named(program, arguments), None, "{program} {arguments:?}");
        }
    }

    /// A shell under another name, which runs one more process that says what is above it.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_running_process_is_below_the_tool_that_started_it_through_a_shell() {
        use std::process::{Command, Stdio};
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        let script = at("node_modules/@google/gemini-cli/bundle/gemini.js");
        for file in [at("codex"), at("node"), script.clone()] {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        }
        let shell = Path::new("/bin/sh").canonicalize().unwrap();
        std::fs::copy(&shell, at("codex")).unwrap();
        std::fs::copy(&shell, at("node")).unwrap();
        std::fs::write(&script, "/bin/sh -c 'read line; :'; :\n").unwrap();
        let starts: [(&str, Vec<PathBuf>, &str); 2] = [
            ("codex", vec!["-c".into(), "/bin/sh -c 'read line; :'; :".into()], "Codex"),
            ("node", vec![script], "Gemini CLI"),
        ];
        for (program, arguments, name) in starts {
            let mut command = Command::new(at(program));
            command.args(arguments).stdin(Stdio::piped());
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
            // A process that another test forks meanwhile may have the copy open for writing until it runs its own program.
            let mut child = loop {
                match command.spawn() {
                    Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                        assert!(std::time::Instant::now() < deadline, "{program} can't be run");
                    }
                    started => break started.unwrap(),
                }
            };
            let below = loop {
                let grandchild = Process::children(child.id()).into_iter().find_map(Process::find);
                match grandchild.filter(|process| process.program == "sh") {
                    Some(process) => break process,
                    None => assert!(std::time::Instant::now() < deadline, "{program} started nothing"),
                }
                std::thread::yield_now();
            };
            let (process, found) = nearest_agent(&below).unwrap();
            drop(child.stdin.take());
            child.wait().unwrap();
            assert_eq!((process.pid, found), (child.id(), name));
        }
    }
}
