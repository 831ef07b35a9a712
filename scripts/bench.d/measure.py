"""The runs of scripts/bench. Starts every program itself, interleaves the runs, and compares medians."""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import claude_json
import scanners

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BINARY = os.path.join(ROOT, "target/release/keystencil")
KB, MB = 1 << 10, 1 << 20
SECRETS = {f"BENCH_SECRET_{n}": f"sk-bench-{n:04}-" + f"{n * 2654435761 % 2**64:016x}" * 2 for n in range(1000)}

missed = []


class Scene:
    """A home of its own with a target, a template, and what keystencil keeps about them."""

    def __init__(self, folder, size, references, backups=0, rendered_backups=False, owner=None, vault=False):
        self.home = tempfile.mkdtemp(dir=folder)
        self.target, self.template = self.path(".claude.json"), self.path("template.json")
        self.backups = self.path(".claude", "backups")
        self.slots = len(references)
        self.owner = [] if owner is None else ["--owner", str(owner)]
        os.makedirs(self.backups)
        claude_json.write(self.target, size)
        with open(self.template, "w", encoding="utf-8") as out:
            out.write(claude_json.template(references))
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": self.home,
            "DBUS_SESSION_BUS_ADDRESS": os.environ.get("DBUS_SESSION_BUS_ADDRESS", ""),
            **(SECRETS if references[0].startswith("env") else {}),
        }
        if vault:
            self.env["KEYSTENCIL_STORE"] = "vault"
            for index in range(20):
                value = SECRETS[f"BENCH_SECRET_{index}"].encode()
                subprocess.run([BINARY, "-q", "secret", "set", f"bench-{index}"], input=value, env=self.env, check=True)
        # Once there and back, so that the target is at rest and the state is as it is in daily use.
        run(self.render(), self.env)
        if rendered_backups:
            self.copy_to_backups(backups)
        self.saved = self.path("saved")
        os.mkdir(self.saved)
        self.save()
        run(self.unrender(), self.env)
        if not rendered_backups:
            self.copy_to_backups(backups)

    def path(self, *parts):
        return os.path.join(self.home, *parts)

    def copy_to_backups(self, number):
        for name in os.listdir(self.backups):
            os.remove(os.path.join(self.backups, name))
        now = int(time.time() * 1000)
        for index in range(number):
            shutil.copy(self.target, os.path.join(self.backups, f".claude.json.backup.{now - index * 60000}"))

    def render(self):
        return [BINARY, "render", "--template", self.template, "--to", self.target, f"--allow-new={self.slots}", *self.owner]

    def unrender(self):
        return [BINARY, "unrender", "--to", self.target, *self.owner]

    def hook_session_end(self):
        said = '{"session_id":"bench","hook_event_name":"SessionEnd","reason":"other"}'
        # `exec`, as Claude Code runs it: a shell is part of every hook.
        return ["sh", "-c", f"exec {BINARY} hook session-end <<'END'\n{said}\nEND"]

    def save(self):
        """Keeps the rendered form, so that every run can start from it without a render."""
        for name in (".claude.json", ".local", ".claude"):
            copy = shutil.copytree if os.path.isdir(self.path(name)) else shutil.copy2
            copy(self.path(name), os.path.join(self.saved, name))

    def restore(self):
        """Puts the rendered form back, and lets the disk finish with it."""
        for folder, _, names in os.walk(self.saved):
            for name in names:
                saved = os.path.join(folder, name)
                shutil.copy2(saved, self.path(os.path.relpath(saved, self.saved)))
                with open(self.path(os.path.relpath(saved, self.saved)), "rb") as file:
                    os.fsync(file.fileno())

    def without_backups(self):
        """Ends the last render; the next one has to put a backup where the client would make one."""
        run(self.unrender(), self.env)
        for name in os.listdir(self.backups):
            os.remove(os.path.join(self.backups, name))

    def remove(self):
        shutil.rmtree(self.home)


def run(argv, env=None):
    """Runs a program; milliseconds from start to end, and peak memory in bytes."""
    argv = [shutil.which(argv[0]), *argv[1:]]
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1)]
    said = (os.POSIX_SPAWN_OPEN, 2, SAID, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    start = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, os.environ if env is None else env, file_actions=[*null, said])
    _, status, usage = os.wait4(pid, 0)
    took = (time.perf_counter() - start) * 1000
    if status != 0:
        with open(SAID, encoding="utf-8") as file:
            sys.exit(f"{' '.join(argv)} failed: {file.read()}")
    return took, usage.ru_maxrss * (1024 if sys.platform == "linux" else 1)


def two_fsyncs(folder, size):
    """What the disk takes for a replaced file: the fsync of its content, and that of its folder."""

    def measure():
        path = os.path.join(folder, "fsync")
        with open(path + ".tmp", "wb") as file:
            file.write(b"x" * size)
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            took = time.perf_counter() - start
        os.rename(path + ".tmp", path)
        directory = os.open(folder, os.O_RDONLY)
        start = time.perf_counter()
        os.fsync(directory)
        took += time.perf_counter() - start
        os.close(directory)
        return took * 1000, 0

    return measure


def interleave(runs, lines):
    """Medians of time and memory for each line: (measure, or a command with its environment, and what comes before)."""
    results = {name: [] for name in lines}
    for turn in range(runs + 1):
        for name, (measure, before) in lines.items():
            before()
            result = measure() if callable(measure) else run(*measure)
            if turn > 0:  # the first warms the caches
                results[name].append(result)
    return {name: tuple(map(statistics.median, zip(*result))) for name, result in results.items()}


def nothing():
    pass


def say(what, figure, budget=None, met=True):
    verdict = ""
    if budget:
        verdict = f"   budget {budget}: {'met' if met else 'MISSED'}"
        if not met:
            missed.append(what)
    print(f"{what:<52} {figure}{verdict}", flush=True)


def start(folder, runs):
    size = os.stat(BINARY).st_size / MB
    say("stripped binary", f"{size:.2f} MB", "8 MB", size <= 8)
    medians = interleave(runs * 4, {"version": (([BINARY, "--version"],), nothing), "true": ((["true"],), nothing)})
    version, true = medians["version"][0], medians["true"][0]
    say("--version", f"{version:.2f} ms, {version / true:.2f} × true ({true:.2f} ms)", "3 ×", version <= 3 * true)


def store_in_keyring(number):
    for index in range(number):
        subprocess.run(
            ["secret-tool", "store", "--label", f"bench {index}", "service", f"bench-{index}", "username", "api-key"],
            input=SECRETS[f"BENCH_SECRET_{index}"].encode(), check=True,
        )


def render(folder, runs):
    store_in_keyring(20)
    scenes = {n: Scene(folder, 64 * KB, [f"keyring('bench-{i}')" for i in range(n)]) for n in (5, 20)}
    lookup = ["secret-tool", "lookup", "service", "bench-3", "username", "api-key"]
    lines = {"lookup": ((lookup,), nothing)}
    for n, scene in scenes.items():
        lines[n] = ((scene.render(), scene.env), scene.without_backups)
    medians = interleave(runs * 2, lines)
    lookup = medians["lookup"][0]
    for n, budget in ((5, 1.5), (20, 2)):
        took = medians[n][0]
        figure = f"{took:.2f} ms, {took / lookup:.2f} × one secret-tool lookup ({lookup:.2f} ms)"
        say(f"render, {n} references from gnome-keyring, 64 KB", figure, f"{budget} ×", took <= budget * lookup)
    scene = scenes[5]
    in_repository = Scene(folder, 64 * KB, [f"keyring('bench-{i}')" for i in range(5)])
    subprocess.run(["git", "init", "--quiet", in_repository.home], check=True)
    subprocess.run([BINARY, "-q", "install", "git", in_repository.target], env=in_repository.env, check=True)
    medians = interleave(runs, {
        "repository": ((in_repository.render(), in_repository.env), in_repository.without_backups),
        "none": ((scene.render(), scene.env), scene.without_backups),
    })
    figure = f"{medians['repository'][0]:.2f} ms, {medians['repository'][0] / medians['none'][0]:.2f} × outside of one"
    say("render, 5 references, in a git repository", figure)
    in_repository.remove()
    run(scene.unrender(), scene.env)
    other = scene.path("python.json")
    shutil.copy(scene.target, other)
    python = [sys.executable, os.path.join(ROOT, "scripts/bench.d/render_with_python.py"), "5", other]
    medians = interleave(max(runs // 2, 5), {
        "python": ((python,), nothing),
        "ours": ((scene.render(), scene.env), scene.without_backups),
    })
    ours, python = medians["ours"][0], medians["python"][0]
    figure = f"{ours:.2f} ms, {python / ours:.1f} × faster ({python:.1f} ms)"
    say("render, 5 references, beside Python's keyring", figure, "10 ×", python >= 10 * ours)
    for scene in scenes.values():
        scene.remove()


class Delivered:
    """A home with servers that are allowed: `s1` and `s5` are started with that many references, `h1` and `h5` are reached."""

    URL = "https://mcp.example.com/mcp"

    def __init__(self, folder, store):
        self.home = tempfile.mkdtemp(dir=folder)
        config = os.path.join(self.home, ".config/keystencil")
        os.makedirs(config)
        self.env = {"PATH": os.environ["PATH"], "HOME": self.home, "CLAUDE_CODE_MCP_SERVER_URL": self.URL}
        if store == "vault":
            self.env["KEYSTENCIL_STORE"] = "vault"
            for index in range(5):
                value = SECRETS[f"BENCH_SECRET_{index}"].encode()
                subprocess.run([BINARY, "-q", "secret", "set", f"bench-{index}"], input=value, env=self.env, check=True)
        else:
            self.env["DBUS_SESSION_BUS_ADDRESS"] = os.environ["DBUS_SESSION_BUS_ADDRESS"]
        servers = {}
        for n in (1, 5):
            values = {f"KEY_{index}": f"<< keyring('bench-{index}') >>" for index in range(n)}
            servers[f"s{n}"] = {"command": "true", "env": values}
            servers[f"h{n}"] = {"url": self.URL, "headers": values}
            self.env.update(values)
        with open(os.path.join(config, "claude.json"), "w", encoding="utf-8") as out:
            json.dump({"mcpServers": servers}, out)
        with open(os.path.join(config, "config.toml"), "w", encoding="utf-8") as out:
            out.write("[targets.claude]\ntemplate = 'claude.json'\npath = '~/.claude.json'\nprofile = 'claude-code'\n")
        run([BINARY, "allow", "--allow-new=12"], self.env)

    def run(self, n):
        return [BINARY, "run", "--for", f"claude:/mcpServers/s{n}", "--", "true"]

    def headers(self, n):
        return [BINARY, "headers", "--for", f"claude:/mcpServers/h{n}"]

    def lines(self):
        lines = {("run", n): ((self.run(n), self.env), nothing) for n in (1, 5)}
        return lines | {("headers", n): ((self.headers(n), self.env), nothing) for n in (1, 5)}


def at_once(argv, env, number=20):
    """Milliseconds from the first start of so many processes to the end of the last; each must succeed."""

    def measure():
        start = time.perf_counter()
        null = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        running = [subprocess.Popen(argv, env=env, **null) for _ in range(number)]
        if any(process.wait() for process in running):
            sys.exit(f"{' '.join(argv)}, {number} at once: one failed")
        return (time.perf_counter() - start) * 1000, 0

    return measure


def tools(folder, runs):
    """The hooks around each tool of the agent, where there is nothing to do."""
    scene = Delivered(folder, "vault")
    said = {
        "pre-tool-use": {"tool_name": "Bash", "tool_input": {"command": "cargo test --quiet 2>&1 | tail -20"}},
        "post-tool-use": {"tool_name": "Bash", "tool_input": {}, "tool_response": {"stdout": "ok\n" * 1000}},
    }
    lines = {"sh": ((["sh", "-c", "true"], scene.env), nothing)}
    for verb, call in said.items():
        name = "".join(part.capitalize() for part in verb.split("-"))
        text = json.dumps({"session_id": "bench", "hook_event_name": name, "cwd": scene.home, **call})
        lines[verb] = ((["sh", "-c", f"exec {BINARY} hook {verb} <<'END'\n{text}\nEND"], scene.env), nothing)
    medians = interleave(runs * 2, lines)
    base = medians["sh"][0]
    for verb in said:
        took = medians[verb][0]
        figure = f"{took:.2f} ms, {took - base:.2f} ms over sh -c true ({base:.2f} ms)"
        say(f"hook {verb}, nothing to do", figure, "3 ms over", took - base <= 3)
    shutil.rmtree(scene.home)


def delivery(folder, runs):
    """Servers that get their secrets as they start, and helpers for headers."""
    store_in_keyring(5)
    lookup = ["secret-tool", "lookup", "service", "bench-3", "username", "api-key"]
    keyring, vault = Delivered(folder, "keyring"), Delivered(folder, "vault")
    medians = interleave(runs * 2, {"lookup": ((lookup,), nothing), **keyring.lines()})
    base = medians["lookup"][0]
    for (verb, n), (took, _) in ((key, value) for key, value in medians.items() if key != "lookup"):
        budget = 0.7 if n == 1 else 0.8
        what = f"{verb} --for, {n} reference{'s' if n > 1 else ''} from gnome-keyring"
        figure = f"{took:.2f} ms, {took / base:.2f} × one secret-tool lookup ({base:.2f} ms)"
        say(what, figure, f"{budget} ×", took <= budget * base)
    medians = interleave(runs * 2, {"true": ((["true"], vault.env), nothing), **vault.lines()})
    base = medians["true"][0]
    for (verb, n), (took, _) in ((key, value) for key, value in medians.items() if key != "true"):
        what = f"{verb} --for, {n} reference{'s' if n > 1 else ''} from the vault"
        say(what, f"{took:.2f} ms, {took - base:.2f} ms over true ({base:.2f} ms)", "4 ms over", took - base <= 4)
    medians = interleave(max(runs // 2, 5), {
        "lookup": (at_once([shutil.which(lookup[0]), *lookup[1:]], None), nothing),
        "run": (at_once(keyring.run(1), keyring.env), nothing),
    })
    (took, _), (base, _) = medians["run"], medians["lookup"]
    figure = f"{took:.1f} ms, {took / base:.2f} × 20 secret-tool lookups ({base:.1f} ms)"
    say("20 servers at once, gnome-keyring", figure, "2 ×", took <= 2 * base)
    run(lookup)  # the keyring is none the worse
    tools(folder, runs)
    for home in (keyring.home, vault.home):
        shutil.rmtree(home)


def vault(folder, runs):
    scenes = {n: Scene(folder, 64 * KB, [f"keyring('bench-{i}')" for i in range(n)], vault=True) for n in (1, 20)}
    lines = {n: ((scene.render(), scene.env), scene.without_backups) for n, scene in scenes.items()}
    medians = interleave(runs * 2, lines)
    one, twenty = medians[1][0], medians[20][0]
    figure = f"{twenty:.2f} ms, {twenty / one:.2f} × one ({one:.2f} ms)"
    say("render, 20 references from the vault, 64 KB", figure, "1.5 ×", twenty <= 1.5 * one)
    for scene in scenes.values():
        scene.remove()


def unrender(folder, runs):
    small = Scene(folder, 64 * KB, [f"env('BENCH_SECRET_{n}')" for n in range(5)])
    medians = interleave(runs * 2, {
        "unrender": ((small.unrender(), small.env), small.restore),
        "version": (([BINARY, "--version"],), nothing),
        "fsyncs": (two_fsyncs(small.home, os.stat(small.target).st_size), nothing),
    })
    took, version, fsyncs = (medians[name][0] for name in ("unrender", "version", "fsyncs"))
    figure = f"{took:.2f} ms; --version {version:.2f} ms, two fsyncs {fsyncs:.2f} ms"
    say("unrender, 64 KB", figure, f"{2 * version + fsyncs:.2f} ms", took <= 2 * version + fsyncs)
    small.remove()

    large = Scene(folder, 12 * MB, [f"env('BENCH_SECRET_{n}')" for n in range(5)])
    medians = interleave(max(runs // 3, 5), {
        "unrender": ((large.unrender(), large.env), large.restore),
        "jq": ((["jq", ".", os.path.join(large.saved, ".claude.json")],), nothing),
        "fsyncs": (two_fsyncs(large.home, 12 * MB), nothing),
    })
    (took, memory), (jq, _), (fsyncs, _) = (medians[name] for name in ("unrender", "jq", "fsyncs"))
    figure = f"{took:.1f} ms (two fsyncs {fsyncs:.1f} ms), {took / jq:.2f} × jq . ({jq:.0f} ms)"
    say("unrender, 12 MB", figure, "0.25 ×", took <= jq / 4)
    size = os.stat(large.target).st_size
    say("unrender, 12 MB, peak memory", f"{memory / MB:.1f} MB, {memory / size:.2f} × the file", "4 ×", memory <= 4 * size)
    large.remove()


def lock_held(scene):
    """Milliseconds from the mkdir of the host's lock directory to its rmdir."""

    def measure():
        calls = "trace=mkdir,mkdirat,rmdir,unlinkat"
        trace = ["strace", "-f", "--seccomp-bpf", "-ttt", "-e", calls, "-o", scene.path("trace"), *scene.unrender()]
        run(trace, scene.env)
        with open(scene.path("trace"), encoding="utf-8") as file:
            times = re.findall(r"(\d+\.\d+) (?:mkdir|rmdir|unlinkat)(?:at)?\([^)]*\.claude\.json\.lock", file.read())
        if len(times) != 2:
            sys.exit("the trace does not show one lock being taken and released")
        return (float(times[1]) - float(times[0])) * 1000, 0

    return measure


def session(folder, runs):
    references = [f"env('BENCH_SECRET_{n}')" for n in range(5)]
    scenes = {
        "10 backups": Scene(folder, MB, references, backups=10),
        "10 backups that hold the secrets": Scene(folder, MB, references, backups=10, rendered_backups=True),
    }
    clean = scenes["10 backups"]
    hook = Scene(folder, MB, references, backups=10, owner=os.getpid())
    hook.env["CLAUDE_PID"] = str(os.getpid())
    # The backups of this scene are at rest although the target is rendered.
    for scene in (clean, hook):
        shutil.copytree(scene.backups, os.path.join(scene.saved, ".claude/backups"), dirs_exist_ok=True)
    lines = {name: ((scene.unrender(), scene.env), scene.restore) for name, scene in scenes.items()}
    lines["hook"] = ((hook.hook_session_end(), hook.env), hook.restore)
    lines["fsyncs"] = (two_fsyncs(clean.home, MB), nothing)
    lines["lock"] = (lock_held(clean), clean.restore)
    medians = interleave(runs, lines)
    fsyncs = medians["fsyncs"][0]
    for name in scenes:
        took = medians[name][0]
        figure = f"{took:.2f} ms, {took - fsyncs:.2f} ms beyond two fsyncs ({fsyncs:.2f} ms)"
        say(f"unrender, 1 MB, {name}", figure, "30 ms", took - fsyncs <= 30)
    took = medians["hook"][0]
    figure = f"{took:.2f} ms, {took - fsyncs:.2f} ms beyond two fsyncs"
    say("hook session-end, 1 MB, 10 backups", figure, "30 ms", took - fsyncs <= 30)
    held = medians["lock"][0]
    say("the host's lock, held by unrender at 1 MB", f"{held:.2f} ms", "10 ms", held <= 10)
    for scene in (*scenes.values(), hook):
        scene.remove()


def linear(what, unit, costs):
    """Prints what each step costs above the smallest; the cost for a unit must not grow by more than half."""
    (least, base), *larger = sorted(costs.items())
    rates = {amount: (took - base) / (amount - least) for amount, took in larger}
    first, last = rates[larger[0][0]], rates[larger[-1][0]]
    shown = ", ".join(f"{amount:g}: {took:.1f} ms" for amount, took in sorted(costs.items()))
    each = ", ".join(f"{rate:.3f}" for rate in rates.values())
    # Below ten microseconds there is nothing to grow but noise.
    met = last <= 1.5 * max(first, 0.01)
    say(what, f"{shown}; {each} ms for each {unit}", "1.5 × the first rate", met)


def scale(folder, runs):
    costs = {}
    for size, turns in ((64 * KB, runs), (MB, runs), (12 * MB, max(runs // 3, 5)), (100 * MB, max(runs // 8, 3))):
        scene = Scene(folder, size, [f"env('BENCH_SECRET_{n}')" for n in range(5)])
        medians = interleave(turns, {
            "unrender": ((scene.unrender(), scene.env), scene.restore),
            "fsyncs": (two_fsyncs(scene.home, size), nothing),
        })
        took, memory = medians["unrender"]
        costs[os.stat(scene.target).st_size / MB] = took - medians["fsyncs"][0]
        scene.remove()
    linear("unrender without its two fsyncs, by size", "MB", costs)
    say("unrender, 100 MB, peak memory", f"{memory / MB:.0f} MB")
    costs = {}
    for slots in (1, 250, 1000):
        scene = Scene(folder, 64 * KB, [f"env('BENCH_SECRET_{n}')" for n in range(slots)])
        medians = interleave(runs * 2, {
            "unrender": ((scene.unrender(), scene.env), scene.restore),
            "fsyncs": (two_fsyncs(scene.home, os.stat(scene.target).st_size), nothing),
        })
        costs[slots] = medians["unrender"][0] - medians["fsyncs"][0]
        scene.remove()
    linear("unrender without its two fsyncs, by slots at 64 KB", "slot", costs)


def check(folder, runs):
    scanners.measure(folder, runs, BINARY, say)


def import_(folder, runs):
    """A config of 12 MB with keys in plain text, to the store, a template and placeholders."""
    scene = Scene(folder, 12 * MB, [f"env('BENCH_SECRET_{n}')" for n in range(20)])
    home = scene.path("imported")
    config = os.path.join(home, ".claude.json")
    env = {"PATH": os.environ["PATH"], "HOME": home, "KEYSTENCIL_STORE": "vault"}

    def before():
        shutil.rmtree(home, ignore_errors=True)
        os.mkdir(home)
        shutil.copy(os.path.join(scene.saved, ".claude.json"), config)

    medians = interleave(max(runs // 5, 3), {"import": (([BINARY, "import", config, "--yes"], env), before)})
    took, memory = medians["import"]
    with open(config, encoding="utf-8") as file:
        if (filled := file.read().count("<< keyring(")) < 20:
            sys.exit(f"import found {filled} of 20 keys")
    say("import, 12 MB, 20 keys", f"{took / 1000:.2f} s", "3 s", took <= 3000)
    say("import, 12 MB, peak memory", f"{memory / MB:.0f} MB")
    scene.remove()


GROUPS = {
    "start": start, "render": render, "delivery": delivery, "vault": vault, "unrender": unrender, "session": session,
    "import": import_, "scale": scale, "check": check,
}

arguments = argparse.ArgumentParser(prog="scripts/bench", add_help=False)
arguments.add_argument("--strict", action="store_true")
arguments.add_argument("--runs", type=int, default=25)
arguments.add_argument("groups", nargs="*", metavar="GROUP")
arguments = arguments.parse_args()
if unknown := [group for group in arguments.groups if group not in GROUPS]:
    sys.exit(f"scripts/bench: there is no group {unknown[0]}; the groups are {', '.join(GROUPS)}")

# Not below this repository: a render there asks git about its target.
work = tempfile.mkdtemp(prefix="bench-", dir=os.environ.get("KEYSTENCIL_BENCH_DIR", "/var/tmp"))
SAID = os.path.join(work, "said")
try:
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; medians of whole processes\n")
    for group in arguments.groups or GROUPS:
        GROUPS[group](work, arguments.runs)
finally:
    shutil.rmtree(work)
print(f"\n{len(missed)} budgets missed" + "".join(f"\n  {line}" for line in missed))
sys.exit(1 if missed and arguments.strict else 0)
