//! A repository and its work tree: which one a file lies in, and what git says of the file there.

use super::call::{Call, GitError};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the repositories of people who keep their dotfiles in a bare one are, below the home folder; their work tree
/// is the home folder. Those of vcsh are found besides.
const IN_HOME: [&str; 8] = [
    ".dotfiles",
    ".dotfiles.git",
    ".dots",
    ".cfg",
    ".config.git",
    ".local/share/yadm/repo.git",
    ".config/yadm/repo.git",
    ".yadm/repo.git",
];
/// vcsh keeps one bare repository for each program here.
const VCSH: &str = ".config/vcsh/repo.d";

/// The ids of an empty file, in SHA-1 and SHA-256.
const EMPTY: [&[u8]; 2] =
    [b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", b"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"];

/// How often, and after which pause, an index is tried again that another git has.
const TRIES: u32 = 25;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(40);

/// A repository with a work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    root: PathBuf,
    /// Where its objects are, if that can't be told from the work tree.
    git_dir: Option<PathBuf>,
}

/// Settings of git's config, whichever of its files they are in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(Vec<(String, String)>);

impl Settings {
    /// The value of a key, the last one given.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

impl Repository {
    /// The repository in whose work tree a folder lies. Looks at the folders above it, and runs no git.
    #[must_use]
    pub fn around(folder: &Path) -> Option<Self> {
        let root = folder.ancestors().find(|folder| is_dot_git(&folder.join(".git")))?;
        Some(Self { root: root.to_owned(), git_dir: None })
    }

    /// A repository whose work tree is somewhere else: `work_tree`, unless it says so itself. `None` if there is none.
    ///
    /// # Errors
    /// [`GitError`] if git can't tell.
    pub fn detached(git_dir: &Path, work_tree: Option<&Path>) -> Result<Option<Self>, GitError> {
        // With its `.git` in the work tree it is found by that.
        let is_apart = |found: &Self| fs::canonicalize(found.root.join(".git")).ok() != found.git_dir;
        Ok(Self::explicit(git_dir, work_tree)?.filter(is_apart))
    }

    /// The same, also if it lies in its work tree: a bare `.git`.
    ///
    /// # Errors
    /// [`GitError`] if git can't tell.
    pub fn explicit(git_dir: &Path, work_tree: Option<&Path>) -> Result<Option<Self>, GitError> {
        let is_one = ["HEAD", "objects", "refs"].iter().all(|part| git_dir.join(part).exists());
        if !is_one {
            return Ok(None);
        }
        let git_dir = fs::canonicalize(git_dir).unwrap_or_else(|_| git_dir.to_owned());
        let call = Call::about("find its work tree", &git_dir).args([option("--git-dir=", &git_dir)]);
        let said = call.args(["config", "-z", "--type=path", "--get", "core.worktree"]).run(None, &[0, 1])?.stdout;
        let named =
            said.strip_suffix(b"\0").filter(|named| !named.is_empty()).map(|named| git_dir.join(path_of(named)));
        let root = named.or_else(|| work_tree.map(Path::to_owned)).and_then(|root| fs::canonicalize(root).ok());
        Ok(root.map(|root| Self { root, git_dir: Some(git_dir) }))
    }

    /// Where repositories without a `.git` in their work tree usually are.
    #[must_use]
    pub fn usual_places(home: &Path) -> Vec<PathBuf> {
        let mut places: Vec<PathBuf> = IN_HOME.iter().map(|place| home.join(place)).collect();
        let vcsh = fs::read_dir(home.join(VCSH)).into_iter().flatten().filter_map(Result::ok);
        places.extend(vcsh.map(|entry| entry.path()));
        places
    }

    /// The top of the work tree.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path as it is called in the repository; `None` if it can't be in it.
    #[must_use]
    pub fn name_of<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        let name = path.strip_prefix(&self.root).ok()?;
        let is_inside_git = name.iter().any(|part| part.eq_ignore_ascii_case(".git"));
        (!is_inside_git && !name.as_os_str().is_empty()).then_some(name)
    }

    /// The value of an attribute for each name; `None` where it has none.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn attribute(&self, attribute: &str, names: &[&Path]) -> Result<Vec<Option<String>>, GitError> {
        let call = self.call("read its attributes").args(["check-attr", "-z", "--stdin", attribute]);
        let said = call.run(Some(&listed(names)), &[0])?.stdout;
        // Name, attribute, value, each with a NUL.
        let values = said.split(|byte| *byte == 0).skip(2).step_by(3);
        let mut values: Vec<_> = values.map(|value| String::from_utf8_lossy(value).into_owned()).collect();
        values.resize(names.len(), "unspecified".to_owned());
        let is_some = |value: &String| !matches!(value.as_str(), "unspecified" | "unset" | "set" | "");
        Ok(values.into_iter().map(|value| Some(value).filter(is_some)).collect())
    }

    /// Which of the names git would not add: they are ignored, and not tracked.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn ignored<'p>(&self, names: &[&'p Path]) -> Result<Vec<&'p Path>, GitError> {
        let call = self.call("list what is ignored").args(["check-ignore", "-z", "--stdin"]);
        let said = call.run(Some(&listed(names)), &[0, 1])?.stdout;
        let ignored: Vec<&[u8]> = said.split(|byte| *byte == 0).collect();
        let is_ignored = |name: &&Path| ignored.contains(&listed_name(name).as_slice());
        Ok(names.iter().copied().filter(is_ignored).collect())
    }

    /// Which file says of each name that it is ignored; an empty path where none does.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn ignored_by(&self, names: &[&Path]) -> Result<Vec<PathBuf>, GitError> {
        let call = self.call("list what is ignored").args(["check-ignore", "-z", "-v", "-n", "--stdin"]);
        let said = call.run(Some(&listed(names)), &[0, 1])?.stdout;
        // Source, line, pattern, name, each with a NUL.
        let fields: Vec<&[u8]> = said.split(|byte| *byte == 0).collect();
        let is_not = |pattern: &[u8]| pattern.starts_with(b"!");
        let source = |four: &[&[u8]]| match four {
            [source, _, pattern, _] if !is_not(pattern) => path_of(source),
            _ => PathBuf::new(),
        };
        Ok(fields.chunks_exact(4).map(source).collect())
    }

    /// Whether a name is in the index.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn is_tracked(&self, name: &Path) -> Result<bool, GitError> {
        Ok(!self.entries("--stage", name)?.is_empty())
    }

    /// The files of its work tree that are in the index or that git would add, and folders of which it knows no file.
    /// Of one whose work tree is elsewhere, a home folder mostly, those in the index.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn files(&self) -> Result<Vec<PathBuf>, GitError> {
        let list = ["ls-files", "-z", "--cached", "--others", "--directory", "--exclude-standard"];
        let is_apart = self.git_dir.is_some();
        let said = self
            .call("list its files")
            .args(list.into_iter().take(if is_apart { 3 } else { list.len() }))
            .run(None, &[0])?
            .stdout;
        let names = said.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| self.root.join(path_of(name))).collect())
    }

    /// The settings whose keys match.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn settings(&self, pattern: &str) -> Result<Settings, GitError> {
        let call = self.call("find its config").args(["config", "-z", "--get-regexp", pattern]);
        let said = call.run(None, &[0, 1])?.stdout;
        let pairs = said.split(|byte| *byte == 0).filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let pair = String::from_utf8_lossy(pair);
            // A key without a value means true.
            let (key, value) = pair.split_once('\n').unwrap_or((&pair, "true"));
            (key.to_owned(), value.to_owned())
        });
        Ok(Settings(pairs.collect()))
    }

    /// The value of a key in one of git's config files: `--local` or `--global`.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn setting_in(&self, file: &str, key: &str) -> Result<Option<String>, GitError> {
        let call = self.call("read its config").args(["config", "-z", file, "--get", key]);
        let said = call.run(None, &[0, 1])?.stdout;
        Ok(said.strip_suffix(b"\0").map(|value| String::from_utf8_lossy(value).into_owned()))
    }

    /// The same of a key that is a path: absolute, its `~` replaced.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn path_in(&self, file: &str, key: &str) -> Result<Option<PathBuf>, GitError> {
        let call = self.call("read its config").args(["config", "-z", "--type=path", file, "--get", key]);
        let said = call.run(None, &[0, 1])?.stdout;
        Ok(said.strip_suffix(b"\0").filter(|path| !path.is_empty()).map(|path| self.root.join(path_of(path))))
    }

    /// Sets a key in one of git's config files, or takes it out.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn set(&self, file: &str, key: &str, value: Option<&OsStr>) -> Result<(), GitError> {
        let call = self.call("write its config").args(["config", file]);
        match value {
            Some(value) => call.args([OsStr::new("--replace-all"), key.as_ref(), value]).run(None, &[0])?,
            // 5: there was none.
            None => call.args(["--unset-all", key]).run(None, &[0, 5])?,
        };
        Ok(())
    }

    /// Has git compare a file's content the next time it looks. It trusts a length that differs from the noted one
    /// without asking the filter, so a file that was rendered, or unrendered, would count as modified until it is
    /// staged again. What is staged stays; a name that is not, or not plainly, is passed over.
    ///
    /// # Errors
    /// [`GitError`], if another git is at work for one, and for longer than a second.
    pub fn look_again(&self, name: &Path) -> Result<(), GitError> {
        // A `git status` has the index for a moment, and what is not done now is done by nobody later. What is staged
        // is read again each time: the other may have changed it.
        for _ in 0..TRIES {
            match self.look_again_now(name) {
                Err(_) => std::thread::sleep(PAUSE),
                done => return done,
            }
        }
        self.look_again_now(name)
    }

    fn look_again_now(&self, name: &Path) -> Result<(), GitError> {
        let said = self.entries("-v", name)?;
        // `H 100644 <id> 0\t<name>`. Entries with flags would lose them, and an empty one may be `--intent-to-add`.
        let entry = said.strip_prefix(b"H ").filter(|entry| entry.ends_with(b"\0"));
        let Some(entry) = entry.filter(|entry| is_plain_entry(entry)) else { return Ok(()) };
        let call = self.call("write its index").args(["update-index", "-z", "--index-info"]);
        call.run(Some(entry), &[0]).map(drop)
    }

    /// Where the attributes of this clone are that no commit holds.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn own_attributes(&self) -> Result<PathBuf, GitError> {
        let call = self.call("find its files").args(["rev-parse", "--git-path", "info/attributes"]);
        let said = call.run(None, &[0])?.stdout;
        Ok(self.root.join(path_of(said.strip_suffix(b"\n").unwrap_or(&said))))
    }

    /// Whether its root is in a work tree at all; a `.git` whose `core.worktree` is elsewhere has none here.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn is_work_tree(&self) -> Result<bool, GitError> {
        let call = self.call("find its work tree").args(["rev-parse", "--is-inside-work-tree"]);
        Ok(call.run(None, &[0])?.stdout.starts_with(b"true"))
    }

    /// What the index has of a name.
    fn entries(&self, how: &str, name: &Path) -> Result<Vec<u8>, GitError> {
        let mut pathspec = OsString::from(":(top,literal)");
        pathspec.push(name);
        let call = self.call("list what is staged").args(["ls-files", "--stage", how, "-z", "--"]).args([pathspec]);
        Ok(call.run(None, &[0])?.stdout)
    }

    fn call(&self, step: &'static str) -> Call<'_> {
        let call = Call::about(step, &self.root);
        match &self.git_dir {
            None => call,
            Some(git_dir) => call.args([option("--git-dir=", git_dir), option("--work-tree=", &self.root)]),
        }
    }
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

/// A folder that is a repository, or the file of a work tree or a submodule that says where it is. An empty `.git` is
/// none, as for git itself; one that can't be looked into may be one.
fn is_dot_git(path: &Path) -> bool {
    let is_there = |path: &Path| match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    };
    is_there(path) && (path.is_file() || is_there(&path.join("HEAD")))
}

/// Whether `<mode> <id> <stage>\t<name>` is one that is merged and not empty.
fn is_plain_entry(entry: &[u8]) -> bool {
    let head = entry.split(|byte| *byte == b'\t').next().unwrap_or_default();
    let is_one = entry.iter().filter(|byte| **byte == 0).count() == 1;
    is_one && head.ends_with(b" 0") && !EMPTY.iter().any(|id| memchr::memmem::find(head, id).is_some())
}

/// Names for `--stdin -z`.
fn listed(names: &[&Path]) -> Vec<u8> {
    names.iter().flat_map(|name| [listed_name(name), vec![0]].concat()).collect()
}

/// `./` keeps a name that begins with a colon from being taken for magic.
fn listed_name(name: &Path) -> Vec<u8> {
    [b"./", name.as_os_str().as_encoded_bytes()].concat()
}

/// A path as git prints it with `-z`.
fn path_of(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    return PathBuf::from(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes));
    #[cfg(not(unix))]
    return PathBuf::from(String::from_utf8_lossy(bytes).into_owned());
}
