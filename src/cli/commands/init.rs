//! `keystencil init`.

use super::install::offer_shield;
use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Text};
use crate::host::replace::make_folder;
use clap::Args;
use std::fs;
use std::io::Write as _;
use std::path::Path;

const CONFIG: &str = include_str!("init/config.toml");
const TEMPLATE: &str = include_str!("init/claude.json");

/// Create a config and a template to start from
///
/// Writes config.toml and claude.json to keystencil's folder. Existing files are
/// never overwritten. Where Claude Code is found, asks whether to keep keys from its
/// agent (`keystencil install claude-code --shield`).
#[derive(Debug, Args)]
pub(in crate::cli) struct InitArgs {}

pub(in crate::cli) fn run(context: &Context, _args: &InitArgs) -> Result<Exit, CommandError> {
    let config = context.config_file();
    let template = config.with_file_name("claude.json");
    if let Some(there) = [&config, &template].into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(CommandError::exists(there));
    }
    for (path, text) in [(&template, TEMPLATE), (&config, CONFIG)] {
        write_new(path, text)?;
        let shown = context.report.path(path);
        context.report.note(Text::new().styled(GOOD, "wrote").plain(format_args!(" {shown}")));
    }
    offer_shield(context)?;
    context.report.note(Text::new().plain("next: change the template, then `keystencil diff`"));
    Ok(Exit::Done)
}

fn write_new(path: &Path, text: &str) -> Result<(), CommandError> {
    let failed = |source| CommandError::file("write the file", path, &source);
    if let Some(folder) = path.parent() {
        make_folder(folder).map_err(failed)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
