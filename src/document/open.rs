//! The one way into a file and back: [`Document::open`].
//!
//! Whatever a file is written in, it is read as JSON with comments: templates, patches and journals speak no other language, so
//! nothing above this room has to know a second one. Of JSON that reading is the file's own text, and nothing is copied;
//! another syntax writes a [`Reading`]. A syntax is asked once for a file, never for a byte of it.

use super::edit::{self, EditError, Operation, Patch, Splice};
use super::json::text::Document;
use super::place::{self, Span};
use super::reading::{Reading, Role};
use super::syntax::{Syntax, SyntaxError};
use super::toml;
use std::path::Path;

impl Syntax {
    /// Reads a file that is known to be in this syntax: a copy, whose own name says nothing.
    ///
    /// # Errors
    /// [`SyntaxError`] at the first byte that can't stand where it does.
    pub fn open(self, bytes: &[u8]) -> Result<Opened<'_>, SyntaxError> {
        let said = match self {
            Self::Json => Said::InPlace(Document::parse(bytes)?),
            Self::JsonWithComments => Said::InPlace(Document::parse_relaxed(bytes)?),
            Self::Toml => {
                let (text, reading) = toml::read(bytes).map_err(|(offset, what)| {
                    let (line, column) = place::position(bytes, offset);
                    SyntaxError { syntax: self, offset, line, column, what }
                })?;
                Said::Otherwise(text, reading)
            }
        };
        Ok(Opened { syntax: self, said })
    }
}

impl Document<'_> {
    /// Reads a file in its own syntax, which its name tells.
    ///
    /// ```
    /// use keystencil::document::{Document, Patch, Pointer};
    /// use std::path::Path;
    /// let patch: Patch = serde_json::from_str(r#"[{"op":"replace","path":"/env/KEY","value":"it's new"}]"#)?;
    /// for (name, text, edited) in [
    ///     ("a.json", "{ // one\n  \"env\": { \"KEY\": \"x\", },\n}", "{ // one\n  \"env\": { \"KEY\": \"it's new\", },\n}"),
    ///     ("a.toml", "[env] # one\nKEY = \"x\"\n", "[env] # one\nKEY = \"it's new\"\n"),
    ///     ("a.toml", "env.KEY = 'x' # one", "env.KEY = \"it's new\" # one"),
    /// ] {
    ///     let file = Document::open(Path::new(name), text.as_bytes())?;
    ///     let node = file.document().find(&Pointer::parse("/env/KEY")?).unwrap();
    ///     assert_eq!(node.as_str().as_deref(), Some("x"));
    ///     assert_eq!(text[file.place(node.span()).unwrap()].trim_matches(['"', '\'']), "x");
    ///     assert_eq!(file.apply(&patch)?, edited);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SyntaxError`] at the first byte that can't stand where it does.
    pub fn open<'b>(path: &Path, bytes: &'b [u8]) -> Result<Opened<'b>, SyntaxError> {
        Syntax::of(path).open(bytes)
    }
}

/// A file's text and what it says.
#[derive(Debug)]
pub struct Opened<'a> {
    syntax: Syntax,
    said: Said<'a>,
}

/// What a file says.
#[derive(Debug)]
enum Said<'a> {
    /// It is JSON itself.
    InPlace(Document<'a>),
    /// Its text, and that as JSON.
    Otherwise(&'a str, Reading),
}

impl Opened<'_> {
    /// What the file is written in.
    #[must_use]
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// What it says: values by pointer, strings, comments. Its tokens are JSON's in any syntax.
    #[must_use]
    pub fn document(&self) -> Document<'_> {
        match &self.said {
            Said::InPlace(document) => *document,
            Said::Otherwise(_, reading) => reading.document(),
        }
    }

    /// Where a token, value or comment of [`Self::document`] stands in the file's own text; `None` if it stands there in no
    /// one piece.
    #[must_use]
    pub fn place(&self, span: Span) -> Option<Span> {
        match &self.said {
            Said::InPlace(_) => Some(span),
            Said::Otherwise(_, reading) => reading.place(&span),
        }
    }

    /// The file's text after splices of [`Self::document`]'s text, which are given as JSON and put in as the syntax writes
    /// them, in the style of what they replace. In TOML a splice lies in a scalar, a key or a comment.
    ///
    /// # Errors
    /// [`EditError::Unwritable`] if the syntax can't say that.
    pub fn splice(&self, splices: Vec<Splice>) -> Result<String, EditError> {
        match &self.said {
            Said::InPlace(document) => Ok(edit::splice(document.text(), splices)),
            Said::Otherwise(text, reading) => {
                otherwise(text, reading, splices).ok_or(EditError::Unwritable { syntax: self.syntax })
            }
        }
    }

    /// The file's text with a patch applied: all operations or, on an error, none. In TOML the patch replaces scalars and tests.
    ///
    /// # Errors
    /// [`EditError`] as [`edit::apply`], and [`EditError::Unwritable`] if the syntax can't say that.
    pub fn apply(&self, patch: &Patch) -> Result<String, EditError> {
        match &self.said {
            Said::InPlace(document) => edit::apply_to(document, patch),
            Said::Otherwise(..) => {
                patch.0.iter().try_for_each(Operation::check)?;
                let found = edit::replacements(&self.document(), patch);
                let found = found.ok_or(EditError::Unwritable { syntax: self.syntax })??;
                self.splice(found.into_iter().map(|(span, value)| Splice { span, text: value.to_owned() }).collect())
            }
        }
    }
}

/// A text in another syntax after splices of its reading, if that syntax can say it. What came of it is read again and compared
/// with what was meant: a key that stands in several headers was changed in one of them, say.
fn otherwise(text: &str, reading: &Reading, mut splices: Vec<Splice>) -> Option<String> {
    splices.sort_by_key(|splice| (splice.span.start, splice.span.end));
    let document = reading.document();
    let wanted = edit::splice(document.text(), splices.clone());
    let mut here = Vec::new();
    let mut rest = splices.into_iter().peekable();
    while let Some(first) = rest.next() {
        let token = reading.around(&first.span)?;
        let mut within = vec![first];
        while let Some(next) = rest.next_if(|next| next.span.end <= token.here.end) {
            within.push(next);
        }
        for splice in &mut within {
            let Span { start, end } = splice.span;
            splice.span = start.checked_sub(token.here.start)?..end.checked_sub(token.here.start)?;
        }
        let changed = edit::splice(document.text().get(token.here.clone())?, within);
        let old = text.get(token.there.clone())?;
        let new = match token.role {
            Role::Value => toml::value(old, &changed)?,
            Role::Key => toml::key(old, &changed)?,
            Role::Comment => toml::comment(&changed)?,
        };
        here.push(Splice { span: token.there.clone(), text: new });
    }
    let text = edit::splice(text, here);
    let (_, again) = toml::read(text.as_bytes()).ok()?;
    same(&again.document(), &Document::parse_relaxed(wanted.as_bytes()).ok()?).then_some(text)
}

fn same(one: &Document<'_>, other: &Document<'_>) -> bool {
    let comments = |document: &Document<'_>| -> Vec<String> {
        document.comments().filter_map(|span| Some(document.text().get(span)?.to_owned())).collect()
    };
    one.root().same_value(&other.root()) && comments(one) == comments(other)
}
