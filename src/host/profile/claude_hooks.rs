//! Our hooks in Claude Code's settings: which there are, what adds them, and what takes exactly them out.

use crate::document::{Node, Operation, Pointer, string};

/// Our hooks: the event, the verb of `keystencil hook`, and the seconds it may take. Without a timeout of its own a
/// SessionEnd hook is killed after a second and a half (measured).
pub(super) const HOOKS: [(&str, &str, u32); 4] = [
    ("SessionStart", "session-start", 10),
    ("SessionEnd", "session-end", 30),
    ("PreToolUse", "pre-tool-use", 10),
    ("PostToolUse", "post-tool-use", 10),
];
/// The first so many of them take keys in and out; the others shield them from the agent.
pub(super) const OF_SESSIONS: usize = 2;

/// What the hooks lack: each event is a list of groups, each with a list of hooks.
pub(super) fn additions(
    hooks: Option<Node<'_>>,
    all: &Pointer,
    program: &str,
    wanted: &[(&str, &str, u32)],
) -> Vec<Operation> {
    let lacking = wanted.iter().filter(|(event, verb, _)| {
        let groups = hooks.and_then(|hooks| hooks.get(event));
        groups.is_none_or(|groups| ours(groups, verb).next().is_none())
    });
    let group = |verb: &str, timeout: u32| {
        // `exec`, so that the hook's parent is the client.
        let command = string::encode(&format!("exec {program} hook {verb}"));
        format!("{{\"hooks\":[{{\"type\":\"command\",\"command\":{command},\"timeout\":{timeout}}}]}}")
    };
    let Some(hooks) = hooks else {
        let events: Vec<String> =
            lacking.map(|(event, verb, timeout)| format!("\"{event}\":[{}]", group(verb, *timeout))).collect();
        return vec![Operation::Add { path: all.clone(), value: format!("{{{}}}", events.join(",")) }];
    };
    lacking
        .map(|(event, verb, timeout)| {
            let (at, value) = (all.child(event), group(verb, *timeout));
            match hooks.get(event) {
                Some(_) => Operation::Add { path: at.child("-"), value },
                None => Operation::Add { path: at, value: format!("[{value}]") },
            }
        })
        .collect()
}

/// Takes out our hooks, the last first, and what they leave empty of what we made.
pub(super) fn removals(hooks: Node<'_>, all: &Pointer, made: Option<&[Pointer]>) -> Vec<Operation> {
    let is_ours = |at: &Pointer| made.is_none_or(|made| made.iter().any(|made| at.is_within(made)));
    let mut removals = Vec::new();
    let mut emptied = 0;
    for (event, verb, _) in HOOKS {
        let Some(groups) = hooks.get(event) else { continue };
        let at = all.child(event);
        let mut found: Vec<_> = ours(groups, verb).collect();
        found.reverse();
        let in_group = |group: usize| groups.items().nth(group).and_then(|group| group.get("hooks"));
        let alone = |group: usize| in_group(group).is_some_and(|hooks| hooks.items().count() == 1);
        let is_all = found.len() == groups.items().count() && found.iter().all(|(group, _)| alone(*group));
        if !found.is_empty() && is_all && is_ours(&at) {
            emptied += 1;
            removals.push(at);
            continue;
        }
        removals.extend(found.into_iter().map(|(group, hook)| match alone(group) {
            true => at.index(group),
            false => at.index(group).child("hooks").index(hook),
        }));
    }
    if emptied > 0 && emptied == hooks.members().count() && is_ours(all) {
        removals = vec![all.clone()];
    }
    removals.into_iter().map(|path| Operation::Remove { path }).collect()
}

/// Where our hook stands among the groups of an event: group and place in it.
pub(super) fn ours<'a>(groups: Node<'a>, verb: &str) -> impl Iterator<Item = (usize, usize)> + use<'a> {
    let call = format!(" hook {verb}");
    groups.items().enumerate().flat_map(move |(group, node)| {
        let call = call.clone();
        let hooks = node.get("hooks").map(|hooks| hooks.items().collect::<Vec<_>>()).unwrap_or_default();
        let is_ours = move |hook: &Node<'_>| {
            let command = hook.get("command").and_then(|command| command.as_str());
            command.is_some_and(|command| calls_us(&command) && command.trim_end().ends_with(&call))
        };
        hooks.into_iter().enumerate().filter(move |(_, hook)| is_ours(hook)).map(move |(hook, _)| (group, hook))
    })
}

/// Whether a word of a shell command is our program, by its name or its path.
fn calls_us(command: &str) -> bool {
    let words = command.split_whitespace().map(|word| word.trim_matches(['\'', '"']));
    words.filter_map(|word| word.rsplit(['/', '\\']).next()).any(|name| matches!(name, "keystencil" | "keystencil.exe"))
}
