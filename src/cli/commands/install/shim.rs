//! The shim: a small program on PATH with the name of a real one, which it runs under `keystencil exec`.

use crate::cli::context::Context;
use crate::cli::environment::{own_program, search_path};
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Text, Warning};
use crate::cli::typed::Typed;
use crate::host::shell::word;
use clap::{Args, ValueEnum};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What tells a shim from a real program; also what `exec --behind-shim` passes over.
const MARK: &str = "# keystencil shim:";

/// A program of the same name on PATH, which runs the real one under `keystencil exec`
///
/// Everything is handed through: arguments, standard input and output, signals, exit status. If the secrets can't be had,
/// it says so and runs the program without them.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct ShimArgs {
    /// Name of the program
    #[arg(value_name = "PROGRAM", value_parser = program_name)]
    program: String,
    /// Where to put it; must come before the real program's folder in PATH [default: ~/.local/bin]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Print a shell function that does the same, instead of installing anything
    #[arg(long, value_name = "SHELL", conflicts_with = "dir")]
    print: Option<Shell>,
}

/// The shim of a program
#[derive(Debug, Args)]
pub(in crate::cli) struct UnshimArgs {
    /// Name of the program
    #[arg(value_name = "PROGRAM", value_parser = program_name)]
    program: String,
    /// Where it is [default: ~/.local/bin]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

fn program_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match text.chars().all(fits) && !text.starts_with(['.', '-']) && !text.is_empty() && text != "keystencil" {
        true => Ok(text.to_owned()),
        false => Err("the name of a program on PATH, without a folder".to_owned()),
    }
}

pub(super) fn install(context: &Context, args: &ShimArgs) -> Result<Exit, CommandError> {
    let (report, program) = (&context.report, &args.program);
    if let Some(shell) = args.print {
        report.raw(function(program, shell).as_bytes())?;
        return Ok(Exit::Done);
    }
    let folder = folder(context, args.dir.as_ref());
    let path = folder.join(program);
    if path.symlink_metadata().is_ok() && !is_shim(&path) {
        return Err(CommandError::exists(path));
    }
    put(&folder, &path, &script(program)).map_err(|source| CommandError::file("write", &path, &source))?;
    report.note(Text::new().styled(GOOD, "installed").plain(format_args!(" the shim {}", report.path(&path))));
    let real = real_program(program);
    let first = search_path().into_iter().find(|folder| folder.join(program).is_file());
    if !first.is_some_and(|first| same(&first, &folder)) {
        report.warning(&Warning {
            message: format!("typing `{program}` does not run the shim: its folder is not first in PATH"),
            place: None,
            hint: Some(format!("put {} first in PATH, in your shell's start-up file", report.path(&folder))),
        });
        return Ok(Exit::Attention);
    }
    if real.is_none() {
        report.warning(&Warning {
            message: format!("the real `{program}` is not on PATH yet"),
            place: None,
            hint: Some(format!(
                "install it, and the shim finds it; or remove the shim with `{}`",
                Typed::ours("uninstall shim").operand(program)
            )),
        });
        return Ok(Exit::Attention);
    }
    Ok(Exit::Done)
}

pub(super) fn uninstall(context: &Context, args: &UnshimArgs) -> Result<Exit, CommandError> {
    let report = &context.report;
    let path = folder(context, args.dir.as_ref()).join(&args.program);
    if !is_shim(&path) {
        report.note(
            Text::new().plain(format_args!("{} is not a keystencil shim; nothing was changed", report.path(&path))),
        );
        return Ok(Exit::Done);
    }
    fs::remove_file(&path).map_err(|source| CommandError::file("remove it", &path, &source))?;
    report.note(Text::new().styled(GOOD, "uninstalled").plain(format_args!(" the shim {}", report.path(&path))));
    Ok(Exit::Done)
}

/// The first program of that name on PATH that is no shim.
pub(in crate::cli) fn real_program(program: &str) -> Option<PathBuf> {
    // Absolute, since an empty folder of PATH is the working folder, and a name without a folder would be looked for in
    // PATH once more: the shim would find itself there, and start itself for ever.
    let absolute = |folder: PathBuf| std::path::absolute(Path::new(".").join(folder).join(program)).ok();
    search_path().into_iter().filter_map(absolute).find(|file| is_program(file) && !is_shim(file))
}

fn is_program(file: &Path) -> bool {
    let Ok(metadata) = fs::metadata(file) else { return false };
    #[cfg(unix)]
    let runs = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let runs = true;
    metadata.is_file() && runs
}

/// Whether a program on PATH is one that `install shim` made.
pub(in crate::cli) fn is_shim(file: &Path) -> bool {
    use io::Read as _;
    let mut start = Vec::new();
    let read = fs::File::open(file).and_then(|file| file.take(256).read_to_end(&mut start));
    read.is_ok() && String::from_utf8_lossy(&start).contains(MARK)
}

fn same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn folder(context: &Context, named: Option<&PathBuf>) -> PathBuf {
    named.cloned().unwrap_or_else(|| context.environment.home.join(".local/bin"))
}

fn script(program: &str) -> String {
    let own = own_program().map_or_else(|| "keystencil".to_owned(), |own| word(&own.to_string_lossy()));
    format!(
        "#!/bin/sh\n{MARK} runs the real {program} with its secrets in place.\n# Take it out with `keystencil uninstall \
         shim {program}`.\nexec {own} exec --behind-shim -- {program} \"$@\"\n"
    )
}

fn function(program: &str, shell: Shell) -> String {
    match shell {
        Shell::Bash | Shell::Zsh => {
            format!("{program}() {{ command keystencil exec --behind-shim -- {program} \"$@\"; }}\n")
        }
        Shell::Fish => {
            format!(
                "function {program} --wraps {program}\n    command keystencil exec --behind-shim -- {program} $argv\nend\n"
            )
        }
        Shell::Powershell => format!("function {program} {{ keystencil exec --behind-shim -- {program} @args }}\n"),
    }
}

fn put(folder: &Path, path: &Path, content: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".keystencil-").tempfile_in(folder)?;
    file.write_all(content.as_bytes())?;
    #[cfg(unix)]
    file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    file.persist(path)?;
    Ok(())
}
