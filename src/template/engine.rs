//! minijinja with `<< >>`, `<% %>`, `<# #>`, and references as opaque tokens: the way from text to blueprint.
//!
//! A template goes through five steps: `prepare` separates text and expressions, `checks` puts a check after what looks
//! at a value, the engine runs that with a `Run` that answers the checks, `assemble` puts the text together, and
//! `strict` reads it as JSON.

use super::assemble::{self, Rendered, assemble};
use super::blueprint::Blueprint;
use super::checks;
use super::error::Limit;
pub use super::error::TemplateError;
use super::explain::{Stopped, stopped, syntax_error};
use super::include::check_include_name;
use super::marks::Marks;
use super::prepare::{Clean, Delimiters, prepare};
use super::run::{ReferenceUse, Run};
use super::source::Source;
use super::sources::{File, Sources};
use super::variables::Variables;
use super::{functions, strict};
use crate::error::Place;
use minijinja::{Environment, Error, ErrorKind};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A template's text and how it is named in errors.
#[derive(Debug, Clone, Copy)]
pub struct Template<'a> {
    /// The path as the user would name it. Includes count from its folder.
    pub name: &'a Path,
    /// Its text; a byte order mark and any line endings are fine.
    pub text: &'a str,
}

/// How an included file is read: by its name, relative to the template's folder.
pub type Load<'a> = dyn Fn(&str) -> io::Result<String> + Sync + 'a;

/// Files a template may include.
const MAX_FILES: usize = 128;
/// Room for the recursion that the limits of the other files allow, in a build without optimisation too.
const STACK_BYTES: usize = 64 << 20;
/// Of the engine's units; an include costs 10, so 30 levels.
const RECURSION: usize = 300;

/// Renders a template into its blueprint. No secret is read, and no file but through `load`, which is asked for
/// names that [`check_include_name`] has passed; what a symlink leads to is for `load` to judge.
///
/// # Errors
/// [`TemplateError`], with the place in the template or in the included file.
///
/// # Examples
/// ```
/// use keystencil::template::{Template, Variables, compile};
/// let text = r#"{"env": {"KEY": "<< keyring("openai") >>"}} // the four ways to write it are equal"#;
/// let template = Template { name: "claude.json".as_ref(), text };
/// let blueprint = compile(template, &Variables::default(), &|_| Err(std::io::ErrorKind::NotFound.into()))?;
/// assert_eq!(blueprint.slots[0].pointer.as_str(), "/env/KEY");
/// assert_eq!(blueprint.slots[0].placeholder(), "<< keyring('openai') >>");
/// # Ok::<(), keystencil::template::TemplateError>(())
/// ```
pub fn compile(
    template: Template<'_>,
    variables: &Variables,
    load: &(dyn Fn(&str) -> io::Result<String> + Sync),
) -> Result<Blueprint, TemplateError> {
    let read = |rendered: &Rendered, sources: &Sources, met: &[ReferenceUse]| {
        strict::read(rendered, sources, met, false).map(|(blueprint, _)| blueprint)
    };
    run(template, variables, load, read)
}

/// Runs a template on a thread with a stack of its own; `read` makes the outcome of the rendered text.
pub(super) fn run<T: Send>(
    template: Template<'_>,
    variables: &Variables,
    load: &(dyn Fn(&str) -> io::Result<String> + Sync),
    read: impl Fn(&Rendered, &Sources, &[ReferenceUse]) -> Result<T, TemplateError> + Sync,
) -> Result<T, TemplateError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let compile = thread.spawn_scoped(scope, || Compilation::new(template)?.run(template, variables, load, &read));
        match compile.map_err(TemplateError::Thread)?.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// The files read so far. A file that turns out to be needed in a run is read and the run repeated, because the
/// engine wants a loader that outlives it.
struct Compilation {
    sources: Sources,
    marks: Marks,
    delimiters: Delimiters,
    folder: PathBuf,
}

impl Compilation {
    fn new(template: Template<'_>) -> Result<Self, TemplateError> {
        let marks = Marks::new().map_err(TemplateError::Random)?;
        let delimiters = Delimiters::new(marks.nonce());
        let folder = template.name.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { sources: Sources::default(), marks, delimiters, folder })
    }

    fn run<T>(
        mut self,
        template: Template<'_>,
        variables: &Variables,
        load: &Load<'_>,
        read: &impl Fn(&Rendered, &Sources, &[ReferenceUse]) -> Result<T, TemplateError>,
    ) -> Result<T, TemplateError> {
        let known = ["os", "arch", "hostname", "user", "home", "vars"].into_iter().map(str::to_owned);
        self.sources.variables.extend(known.chain(variables.vars.keys().cloned()));
        self.sources.providers.clone_from(&variables.providers);
        self.read(template.name.to_owned(), template.text)?;
        let context = functions::context(variables);
        loop {
            let sources = Arc::new(std::mem::take(&mut self.sources));
            let run = Run::new(Arc::clone(&sources), self.marks.clone());
            let outcome = render(&run, &context, &self.delimiters);
            let (name, place) = match outcome {
                Ok(output) => {
                    if let Some(met) = run.looked_at() {
                        let what = super::error::Use::Lookup;
                        return Err(TemplateError::NeedsValue { what, place: met.place });
                    }
                    let rendered = assemble(&output, &self.marks, &sources)?;
                    return read(&rendered, &sources, &run.met());
                }
                Err(Stopped::For(error)) => return Err(*error),
                Err(Stopped::Syntax(error)) => {
                    sources.files.iter().try_for_each(|file| self.syntax(&file.source, &file.clean))?;
                    return Err(*error);
                }
                Err(Stopped::ToRead { name, place }) => (name, place),
            };
            drop(run);
            self.sources = Arc::into_inner(sources).unwrap_or_default();
            self.include(name, place, load)?;
        }
    }

    fn include(&mut self, name: String, place: Place, load: &Load<'_>) -> Result<(), TemplateError> {
        if let Err(why) = check_include_name(&name) {
            return Err(TemplateError::IncludeName { name, why, place });
        }
        if self.sources.names.len() >= MAX_FILES {
            return Err(TemplateError::Exceeded { limit: Limit::Files, place });
        }
        match load(&name) {
            Ok(text) => {
                let number = self.read(self.folder.join(&name), &text)?;
                self.sources.names.insert(name, Some(number));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.sources.names.insert(name, None);
                Ok(())
            }
            Err(source) => Err(TemplateError::IncludeRead { name, source, place }),
        }
    }

    /// Makes a file ready to run and returns its number.
    fn read(&mut self, path: PathBuf, text: &str) -> Result<usize, TemplateError> {
        let source = Source::new(path, text);
        let clean = prepare(&source, &self.delimiters)?;
        let number = self.sources.files.len();
        let checked = checks::insert(&source, &clean, number, &mut self.sources, (&self.marks, &self.delimiters));
        let checked = checked.or_else(|error| self.syntax(&source, &clean).and(Err(error)))?;
        self.sources.files.push(File { source, clean, checked });
        Ok(number)
    }

    /// The error of the engine's parser, if there is one.
    fn syntax(&self, source: &Source, clean: &Clean) -> Result<(), TemplateError> {
        let mut parser = Environment::empty();
        let parsed = self.delimiters.syntax().and_then(|syntax| {
            parser.set_syntax(syntax);
            parser.template_from_str(&clean.text).map(drop)
        });
        parsed.map_err(|error| syntax_error(&error, source, clean))
    }
}

fn render(run: &Arc<Run>, context: &minijinja::Value, delimiters: &Delimiters) -> Result<String, Stopped> {
    let stop = |error: &Error| stopped(run, error);
    let mut engine = functions::environment(run);
    engine.set_syntax(delimiters.syntax().map_err(|error| stop(&error))?);
    engine.set_recursion_limit(RECURSION);
    let loader = Arc::clone(run);
    engine.set_loader(move |name| {
        let number = if name.is_empty() { Some(Some(0)) } else { loader.sources.names.get(name).copied() };
        let file = number.ok_or_else(|| loader.want(name))?.and_then(|number| loader.sources.files.get(number));
        Ok(file.map(|file| file.checked.text.clone()))
    });
    let template = engine.get_template("").map_err(|error| stop(&error))?;
    let mut output = Bounded::default();
    template.render_captured_to(context.clone(), &mut output).map_err(|error| stop(&error))?;
    drop(template);
    String::from_utf8(output.0).map_err(|_| stop(&Error::from(ErrorKind::WriteFailure)))
}

/// The output, up to a limit: marks take several times the room of the text they stand for.
#[derive(Default)]
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > assemble::MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
