//! What lives on holds no secret: the memory of `exec` and of the guard is read whole, from outside, after their work.
//!
//! Reading the memory of a process that is closed to others takes root or CAP_SYS_PTRACE; without it these tests fail.

use crate::keyring::Keyring;
use crate::sandbox::{BINARY, LIMIT, Running};
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Of each store five, with characters that encodings change.
const COUNT: usize = 5;

fn secret(store: &str, number: usize) -> String {
    format!("kst-memory-{store}-{number}/\"q\"\\é+=~{}", "0a1B".repeat(number))
}

/// A keyring with five secrets, a vault with five more, and a template that asks for all of them, plainly and encoded.
struct World {
    keyring: Keyring,
}

impl World {
    fn new() -> Self {
        let world = Self { keyring: Keyring::start() };
        let mut slots = Vec::new();
        for number in 0..COUNT {
            for store in ["native", "vault"] {
                let name = format!("{store}{number}");
                world.run(&["--store", store, "-q", "secret", "set", &name], &secret(store, number));
                slots.push(format!(
                    r#""{name}": "<< keyring('{name}') >>", "{name}-b": "Basic << keyring('{name}') | b64encode >>",
                       "{name}-u": "https://h.example/?k=<< keyring('{name}') | urlencode >>""#
                ));
            }
        }
        world.write("t.json", &format!("{{{}}}", slots.join(",\n")));
        let config = "[targets.live]\ntemplate = '~/t.json'\npath = '~/live.json'\n";
        world.write(".config/keystencil/config.toml", config);
        world.keyring.allow();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.keyring.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, arguments: &[&str], input: &str) -> String {
        self.keyring.run(BINARY, arguments, input)
    }

    /// A program that runs until `end` is there.
    fn exec(&self, options: &[&str], name: &str) -> Running {
        let script =
            format!("sleep 600 & touch ~/{name}-started; while [ ! -e ~/{name}-end ]; do sleep 0.02; done; kill $!");
        let mut command = self.keyring.command(BINARY);
        command.arg("exec").args(options).args(["--", "sh", "-c", &script]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        self.wait_for(|| self.path(&format!("{name}-started")).exists());
        Running(child)
    }

    fn end(&self, name: &str, running: &mut Running) {
        self.write(&format!("{name}-end"), "");
        running.0.wait().unwrap();
    }

    fn is_rendered(&self) -> bool {
        fs::read_to_string(self.path("live.json")).is_ok_and(|text| text.contains("kst-memory-vault"))
    }

    /// The guard of the target, once there is one.
    fn guard(&self) -> u32 {
        let mut found = None;
        self.wait_for(|| {
            found = self.processes("guard\0").first().copied();
            found.is_some()
        });
        found.unwrap()
    }

    /// Processes of this home whose first argument is that.
    fn processes(&self, verb: &str) -> Vec<u32> {
        let home = self.keyring.path().to_string_lossy().into_owned();
        let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        all.filter(|pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            line.starts_with(&format!("keystencil\0{verb}")) && line.contains(&home)
        })
        .collect()
    }

    #[track_caller]
    fn wait_for(&self, condition: impl FnMut() -> bool) {
        assert!(crate::poll::comes_true(LIMIT, condition), "it did not happen");
    }
}

/// Every byte of a process that can be read, mapping by mapping; read again if one of them went meanwhile.
fn memory(pid: u32) -> Vec<Vec<u8>> {
    let all = crate::poll::within(LIMIT, || mappings(pid)).unwrap_or_else(|| panic!("its mappings never stay"));
    assert!(all.iter().map(Vec::len).sum::<usize>() > 1 << 20, "that can't be all of process {pid}");
    all
}

fn mappings(pid: u32) -> Option<Vec<Vec<u8>>> {
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap_or_else(|error| {
        panic!("the memory of process {pid} can't be read ({error}): run these tests as root or with CAP_SYS_PTRACE")
    });
    let mut all = Vec::new();
    for mapping in fs::read_to_string(format!("/proc/{pid}/maps")).unwrap().lines() {
        let mut fields = mapping.split(' ');
        let (range, mode) = (fields.next().unwrap(), fields.next().unwrap());
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|number| u64::from_str_radix(number, 16).unwrap());
        if !mode.starts_with('r') || mapping.contains("[v") {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        memory.read_exact_at(&mut bytes, start).ok()?;
        all.push(bytes);
    }
    Some(all)
}

/// The secrets that are in a process's memory, command line or environment, in any form, forwards or backwards.
fn found_in(pid: u32) -> Vec<String> {
    let mut all = memory(pid);
    for name in ["cmdline", "environ"] {
        all.push(fs::read(format!("/proc/{pid}/{name}")).unwrap());
    }
    let mut found = Vec::new();
    for store in ["native", "vault"] {
        for secret in (0..COUNT).map(|number| secret(store, number)) {
            let backwards: String = secret.chars().rev().collect();
            for bytes in &all {
                for text in [&secret, &backwards] {
                    found.extend(
                        crate::residue::in_bytes(bytes, text).iter().map(|(at, form)| format!("{form} at {at}")),
                    );
                }
                // What an allocator left of it when it wrote its own pointers over the beginning.
                let tail = &secret.as_bytes()[16..secret.len() - 2];
                found.extend(memchr::memmem::find(bytes, tail).map(|at| format!("the end of one at {at}")));
            }
        }
    }
    found
}

#[track_caller]
fn assert_clean(pid: u32, who: &str) {
    let found = found_in(pid);
    assert!(found.is_empty(), "{who} holds secrets: {found:?}");
}

#[test]
fn the_search_finds_a_secret_in_a_process_that_holds_one() {
    let world = World::new();
    let file = world.path("held");
    fs::write(&file, secret("native", 3)).unwrap();
    let hold = "held=open(__import__('sys').argv[1],'rb').read(); print(flush=True); __import__('time').sleep(600)";
    let mut child = Running(
        Command::new("python3")
            .args(["-c", hold])
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed"),
    );
    std::io::Read::read_exact(child.0.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    assert!(!found_in(child.0.id()).is_empty());
}

#[test]
fn exec_holds_no_secret_while_its_program_has_them() {
    let world = World::new();
    let mut running = world.exec(&[], "a");
    assert!(world.is_rendered());
    let environment = fs::read(format!("/proc/{}/environ", running.0.id())).unwrap();
    assert!(crate::residue::in_bytes(&environment, &secret("vault", 1)).is_empty());
    assert_clean(running.0.id(), "exec");
    assert_clean(world.guard(), "the guard of exec");
    world.end("a", &mut running);
    assert!(!world.is_rendered());
}

#[test]
fn exec_holds_no_secret_after_an_early_window_has_closed() {
    let world = World::new();
    let mut running = world.exec(&["--window", "start"], "a");
    world.wait_for(|| !world.is_rendered());
    assert_clean(running.0.id(), "exec");
    world.end("a", &mut running);
}

#[test]
fn the_guard_holds_no_secret_after_it_has_taken_some_out() {
    let world = World::new();
    let mut first = world.exec(&[], "a");
    let guard = world.guard();
    assert_clean(guard, "a guard that waits");
    let live = fs::read_to_string(world.path("live.json")).unwrap();
    world.write("other", &live);
    fs::rename(world.path("other"), world.path("live.json")).unwrap();
    let mut second = world.exec(&[], "b");
    assert_clean(guard, "a guard that was woken by a second render");
    world.end("b", &mut second);
    assert_clean(guard, "a guard after a hold came and went");
    world.end("a", &mut first);
}

#[test]
fn a_guard_that_took_secrets_out_and_goes_on_waiting_holds_none() {
    let world = World::new();
    let sleeper = || Running(Command::new("sleep").arg("600").spawn().unwrap());
    let (starter, holder) = (sleeper(), sleeper());
    let mut guard = world.keyring.command(BINARY);
    let state = world.path(".local/state/keystencil");
    guard.arg("guard").args([&state, &world.path("live.json")]).arg(starter.0.id().to_string());
    let guard = Running(guard.env_clear().spawn().unwrap());
    for _ in 0..2 {
        world.run(&["-q", "render", "--owner", &holder.0.id().to_string()], "");
        assert!(world.is_rendered());
        world.run(&["-q", "render", "--owner", &sleeper().0.id().to_string()], "");
        world.run(&["-q", "unrender", "--owner", &holder.0.id().to_string()], "");
        world.wait_for(|| !world.is_rendered());
    }
    assert_clean(guard.0.id(), "a guard that took secrets out");
}
