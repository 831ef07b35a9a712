//! `keystencil demo`: a session as a person would type it, in a scratch home, with the real program and the vault.

pub(in crate::cli) mod child;
mod stage;

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use clap::Args;
use stage::Stage;

const TEMPLATE: &str = include_str!("demo/template.json");
const TARGET: &str = include_str!("demo/target.json");
const CONFIG: &str = include_str!("demo/config.toml");

/// Play a whole session in a scratch directory
///
/// Stores a made-up key and delivers it in both ways: in the live file while a
/// program runs, and without any file. Then checks that nothing is left of it.
/// Everything happens in a scratch folder with its own vault, which is removed at
/// the end: your own files and your keyring are not touched. Fails if a step does
/// not do what it shows.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct DemoArgs {
    /// Keep the scratch folder, to look around in it
    #[arg(long)]
    keep: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &DemoArgs) -> Result<Exit, CommandError> {
    let failed = |source| CommandError::file("make the scratch folder", std::env::temp_dir(), &source);
    let scratch = tempfile::Builder::new().prefix("keystencil-demo-").tempdir().map_err(failed)?;
    let played = play(&Stage::new(&context.report, scratch.path())?);
    if args.keep {
        let kept = scratch.keep();
        context.report.note(crate::cli::report::Text::new().plain(format_args!("kept: {}", kept.display())));
    }
    played.map(|()| Exit::Done)
}

fn play(stage: &Stage<'_>) -> Result<(), CommandError> {
    stage.write("dotfiles/claude.json", TEMPLATE)?;
    stage.write(".claude.json", TARGET)?;
    stage.write("keystencil.toml", CONFIG)?;

    stage.tell("A made-up home folder, a made-up key, the real program.")?;
    stage.tell("The template is what you commit. It has a reference where the key would be.")?;
    stage.cat("dotfiles/claude.json")?;

    stage.tell("The key is stored, here in the vault. You would type it; the demo pipes it in.")?;
    stage.run("keystencil secret set github", &["secret", "set", "github"], 0)?;

    stage.tell("What would a render merge into the live file? (`diff` never reads the key.)")?;
    stage.run("keystencil diff", &["diff"], 1)?;

    stage.tell("No template gets a key until you allow it. You would be shown this, and asked.")?;
    stage.run("keystencil allow --pending", &["allow", "--pending"], 1)?;
    stage.run("keystencil allow --allow-new=1", &["allow", "--allow-new=1"], 0)?;

    stage.tell("One way: the key is in the live file for as long as a program runs.")?;
    stage.run_child("keystencil exec -- demo-child")?;
    let at_rest = stage.read(".claude.json")?;
    stage.check("the key is out of the live file again", !stage.holds_key(&at_rest))?;
    stage.check("the settings that were there before are still there", keeps_lines(&at_rest))?;

    if stage.can_wrap() {
        wrap(stage, &at_rest)?;
    }
    let (files, holding) = stage.search()?;
    stage.check(&format!("no trace of the key in the {files} files of this home"), holding == 0)?;
    stage.tell("Now try your own: `keystencil init`")
}

/// The same without a file, and back again.
fn wrap(stage: &Stage<'_>, at_rest: &[u8]) -> Result<(), CommandError> {
    stage.tell("The other way: the key is never in a file. The server is called through us.")?;
    stage.show("echo 'deliver = \"wrap\"' >> keystencil.toml")?;
    stage.write("keystencil.toml", &format!("{CONFIG}deliver = \"wrap\"\n"))?;
    stage.run("keystencil render", &["render"], 0)?;
    stage.cat(".claude.json")?;
    stage.tell("The host runs that helper as it connects, and the header has the key.")?;
    stage.run_host("demo-child")?;
    stage.check("the live file never held it", !stage.holds_key(&stage.read(".claude.json")?))?;

    stage.tell("Back to the first way, and nothing has changed.")?;
    stage.write("keystencil.toml", CONFIG)?;
    stage.run("keystencil render", &["render"], 0)?;
    stage.check("the live file holds the key now", stage.holds_key(&stage.read(".claude.json")?))?;
    stage.run("keystencil unrender", &["unrender"], 0)?;
    let after = stage.read(".claude.json")?;
    stage.check(&format!("byte for byte as it was ({} bytes)", after.len()), after == at_rest)
}

/// Whether every line of the live file that was there before is there still, as it was.
fn keeps_lines(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    TARGET.lines().all(|line| text.contains(line.trim_end_matches(',')))
}
