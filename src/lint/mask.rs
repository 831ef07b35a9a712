//! Takes known secrets out of a stream of output, in every form that [`own`](super::own) knows, wherever a chunk ends.
//!
//! # Limitations
//! **A secret of fewer than four bytes is not taken out**: it would be found in every other line. What a program writes
//! in two places, or compresses, is not recognised.

use super::own::forms;
use zeroize::Zeroizing;

/// A shorter form could be any word.
const SHORT: usize = 4;

/// The secrets that are taken out.
#[derive(Default)]
pub struct Mask {
    /// What is looked for, the longest first, each with what is there instead.
    needles: Vec<(Zeroizing<Vec<u8>>, String)>,
    /// Whether a needle begins with that byte.
    begins: Vec<bool>,
    longest: usize,
}

/// One stream that goes through a mask.
pub struct Masked<'m> {
    mask: &'m Mask,
    /// What may be the beginning of a secret; the rest is still to come.
    held: Zeroizing<Vec<u8>>,
}

impl Mask {
    /// Takes out a value under the name the user knows it by; `false` if it is too short for that.
    pub fn add(&mut self, name: &str, value: &str) -> bool {
        if value.len() < SHORT {
            return false;
        }
        let instead = format!("[keystencil: {name} removed]");
        forms(value, |form, _| {
            if form.len() >= SHORT && !self.needles.iter().any(|(needle, _)| **needle == *form.as_bytes()) {
                self.needles.push((Zeroizing::new(form.as_bytes().to_vec()), instead.clone()));
            }
        });
        // A value of several lines is printed line by line.
        let lines = value.lines().map(str::trim).filter(|line| line.len() >= 8 && *line != value);
        lines.for_each(|line| self.needles.push((Zeroizing::new(line.as_bytes().to_vec()), instead.clone())));
        self.needles.sort_by_key(|(needle, _)| std::cmp::Reverse(needle.len()));
        self.longest = self.needles.first().map_or(0, |(needle, _)| needle.len());
        self.begins =
            (0..=u8::MAX).map(|byte| self.needles.iter().any(|(one, _)| one.first() == Some(&byte))).collect();
        true
    }

    /// A stream through it.
    ///
    /// ```
    /// use keystencil::lint::Mask;
    /// let mut mask = Mask::default();
    /// assert!(mask.add("github", "hunter2 and more"));
    /// let mut stream = mask.stream();
    /// let mut out = stream.feed(b"the key is hunter2 a");
    /// out.extend(stream.feed(b"nd more!\n"));
    /// out.extend(stream.end());
    /// assert_eq!(out, b"the key is [keystencil: github removed]!\n");
    /// ```
    #[must_use]
    pub fn stream(&self) -> Masked<'_> {
        Masked { mask: self, held: Zeroizing::default() }
    }

    /// The needle that a text begins with.
    fn at(&self, text: &[u8]) -> Option<(usize, &str)> {
        let (needle, instead) = self.needles.iter().find(|(needle, _)| text.starts_with(needle))?;
        Some((needle.len(), instead))
    }

    /// Whether a text may be the beginning of a needle that is longer.
    fn may_begin(&self, text: &[u8]) -> bool {
        self.needles.iter().any(|(needle, _)| needle.len() > text.len() && needle.starts_with(text))
    }

    fn is_beginning(&self, byte: u8) -> bool {
        self.begins.get(usize::from(byte)).copied().unwrap_or(false)
    }
}

impl Masked<'_> {
    /// What may be passed on of what has come so far.
    pub fn feed(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(chunk);
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(next) = rest.iter().position(|byte| self.mask.is_beginning(*byte)) else {
                out.extend_from_slice(rest);
                at = text.len();
                break;
            };
            out.extend_from_slice(rest.get(..next).unwrap_or_default());
            at += next;
            let rest = text.get(at..).unwrap_or_default();
            if rest.len() < self.mask.longest && self.mask.may_begin(rest) {
                break;
            }
            let (length, instead) = match self.mask.at(rest) {
                Some((length, instead)) => (length, instead.as_bytes()),
                None => (1, rest.get(..1).unwrap_or_default()),
            };
            out.extend_from_slice(instead);
            at += length;
        }
        self.held = Zeroizing::new(text.get(at..).unwrap_or_default().to_vec());
        out
    }

    /// What was held back: the stream is over, and it was not a secret.
    #[must_use]
    pub fn end(mut self) -> Vec<u8> {
        let text = std::mem::take(&mut self.held);
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            // The beginning of a long needle may hold a whole shorter one.
            let (length, instead) = self
                .mask
                .at(rest)
                .map_or((1, rest.get(..1).unwrap_or_default()), |(length, text)| (length, text.as_bytes()));
            out.extend_from_slice(instead);
            at += length;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(mask: &Mask, chunks: &[&[u8]]) -> String {
        let mut stream = mask.stream();
        let mut out: Vec<u8> = chunks.iter().flat_map(|chunk| stream.feed(chunk)).collect();
        out.extend(stream.end());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_beginning_of_a_secret_that_does_not_go_on_comes_out() {
        let mut mask = Mask::default();
        assert!(mask.add("a", "abcabcabd"));
        assert_eq!(masked(&mask, &[b"abcabc", b"abcabd"]), "abc[keystencil: a removed]");
        assert_eq!(masked(&mask, &[b"abcabcab"]), "abcabcab");
        assert!(!mask.add("short", "abc"));
    }

    #[test]
    fn each_line_of_a_value_of_several_is_taken_out() {
        let mut mask = Mask::default();
        mask.add("pem", "first line of it\nsecond line of it\n");
        assert_eq!(masked(&mask, &[b"> second line of it\r\n"]), "> [keystencil: pem removed]\r\n");
    }

    proptest! {
        #[test]
        fn no_form_of_a_secret_comes_through_wherever_the_chunks_end(
            value in "[ -~]{8,24}",
            before in "[a-z]{0,6}",
            form in 0usize..40,
            cuts in prop::collection::vec(0usize..200, 0..6),
        ) {
            let mut all = Vec::new();
            forms(&value, |form, _| all.push(form.to_owned()));
            let form = &all[form % all.len()];
            prop_assume!(form.len() >= SHORT);
            let mut mask = Mask::default();
            mask.add("it", &value);
            let text = format!("{before} {form} {before}");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            let out = masked(&mask, &chunks);
            prop_assert!(!out.contains(form.as_str()), "{out}");
            prop_assert!(out.contains("removed]"), "{out}");
        }
    }
}
