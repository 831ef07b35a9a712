"""What scanners find in the corpus, and how long they take: keystencil beside ripsecrets and detect-secrets."""

import json
import os
import shutil
import statistics
import subprocess
import time

import corpus

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = os.path.join(ROOT, "target", "bench-tools")


def install():
    """The other two, where they are missing: from crates.io and PyPI, into target/."""
    if not os.path.exists(os.path.join(TOOLS, "bin", "ripsecrets")):
        subprocess.run(["cargo", "install", "--quiet", "--locked", "--root", TOOLS, "ripsecrets"], check=True)
    python = os.path.join(TOOLS, "python")
    if not os.path.exists(os.path.join(python, "bin", "detect-secrets")):
        subprocess.run(["python3", "-m", "venv", python], check=True)
        pip = [os.path.join(python, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "detect-secrets"], check=True)


def lines(program, folder, env):
    """Runs it to its end; what it printed."""
    done = subprocess.run(program, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{program[0]} failed: {done.stderr}")
    return done.stdout


def keystencil(binary):
    def found(folder, env):
        report = json.loads(lines([binary, "check", "--json", "."], folder, env))
        return {(one["file"], one["line"]) for one in report["findings"]}

    return [binary, "check", "--quiet", "."], found


def ripsecrets():
    binary = os.path.join(TOOLS, "bin", "ripsecrets")

    def found(folder, env):
        places = set()
        for line in lines([binary, "."], folder, env).splitlines():
            parts = line.removeprefix("./").split(":", 2)
            if len(parts) == 3 and parts[1].isdigit():
                places.add((parts[0], int(parts[1])))
        return places

    return [binary, "."], found


def detect_secrets():
    binary = os.path.join(TOOLS, "python", "bin", "detect-secrets")

    def found(folder, env):
        report = json.loads(lines([binary, "scan", "--no-verify", "--all-files", "."], folder, env))
        return {(name.removeprefix("./"), one["line_number"]) for name, all in report["results"].items() for one in all}

    return [binary, "scan", "--no-verify", "--all-files", "."], found


def seconds(program, folder, env):
    start = time.perf_counter()
    lines(program, folder, env)
    return time.perf_counter() - start


def measure(work, runs, binary, say):
    install()
    small, large, home = (os.path.join(work, name) for name in ("corpus", "large", "empty-home"))
    os.makedirs(home)
    env = {"HOME": home, "PATH": os.environ["PATH"], "KEYSTENCIL_STORE": "vault"}
    keys, friends = corpus.make(small)
    corpus.make(large, planted=400, friends=4_000, lines=40_000, seed=2)
    scanners = {"keystencil": keystencil(binary), "ripsecrets": ripsecrets(), "detect-secrets": detect_secrets()}
    found, false = {}, {}
    for name, (_, places) in scanners.items():
        said = places(small, env)
        found[name], false[name] = len(said & keys), len(said - keys)
        say(f"{name}: of {len(keys)} planted keys", f"{found[name]} found, {false[name]} false alarms of {len(friends)}")
        if os.environ.get("KEYSTENCIL_BENCH_SHOW") == name:
            show(small, sorted(keys - said), sorted(said - keys))
    for other in ("ripsecrets", "detect-secrets"):
        better = found["keystencil"] > found[other] and false["keystencil"] < false[other]
        say(f"finds more and raises fewer false alarms than {other}", "yes" if better else "no", "yes", better)
    took = {name: [] for name in scanners}
    for _ in range(max(runs // 5, 3)):
        for name, (program, _) in scanners.items():
            took[name].append(seconds(program, large, env))
    took = {name: statistics.median(all) for name, all in took.items()}
    size = sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(large) for name in names)
    for name, one in took.items():
        say(f"{name}, {size / 2**20:.0f} MB", f"{one * 1000:.0f} ms")
    ratio = took["detect-secrets"] / took["keystencil"]
    say("faster than detect-secrets", f"{ratio:.1f} x", ">= 5 x", ratio >= 5)
    ratio = took["keystencil"] / took["ripsecrets"]
    say("time beside ripsecrets", f"{ratio:.2f} x", "<= 1 x", ratio <= 1)
    shutil.rmtree(small)
    shutil.rmtree(large)


def show(folder, missed, false):
    """For whoever improves the rules."""
    for what, places in (("missed", missed), ("false", false)):
        for name, line in places:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                print(f"  {what} {name}:{line} {file.read().splitlines()[line - 1][:150]}")
