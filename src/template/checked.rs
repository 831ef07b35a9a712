//! A text that has its checks.

/// A text for the engine, and for each of its lines the offset in the file that it stands for.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) text: String,
    pub(crate) lines: Vec<usize>,
}

impl Checked {
    /// Goes to a line that stands for an offset.
    pub(super) fn line(&mut self, offset: usize) {
        if self.lines.last() != Some(&offset) {
            self.text.push('\n');
            self.lines.push(offset);
        }
    }

    /// Adds a text, which may have line breaks in a string of it.
    pub(super) fn put(&mut self, text: &str, offset: usize) {
        self.text.push_str(text);
        self.lines.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|_| offset));
    }
}
