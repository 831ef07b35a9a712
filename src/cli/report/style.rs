//! The colours: what they mean, and nothing else of them.

use anstyle::{AnsiColor, Style};

pub(in crate::cli) const BOLD: Style = Style::new().bold();

pub(in crate::cli) const DIM: Style = Style::new().dimmed();

pub(in crate::cli) const GOOD: Style = AnsiColor::Green.on_default();

pub(in crate::cli) const BAD: Style = AnsiColor::Red.on_default();

pub(in crate::cli) const MARK: Style = AnsiColor::Cyan.on_default();

pub(in crate::cli) const WARN: Style = AnsiColor::Yellow.on_default();
