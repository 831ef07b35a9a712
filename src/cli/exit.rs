//! The exit statuses, which scripts rely on. DESIGN's table is this enum.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// 0: done; `diff`: no difference.
    Done,
    /// 1: `diff` found differences, `check` something that must not be committed.
    Differences,
    /// 2: an error, or a command line that makes no sense. Nothing was changed.
    Failed,
    /// 3: done, and something is left to the user.
    Attention,
    /// `exec`: the status of the command that it ran.
    Status(u8),
}

impl Exit {
    /// `exec`: keystencil failed before the command ran.
    pub(super) const BEFORE_CMD: Self = Self::Status(125);
    /// `exec`: the command is there and can't be run.
    pub(super) const NOT_EXECUTABLE: Self = Self::Status(126);
    /// `exec`: there is no such command.
    pub(super) const NOT_FOUND: Self = Self::Status(127);
    /// The reader of our output went away: what a shell says of a program that SIGPIPE ended.
    pub(super) const BROKEN_PIPE: Self = Self::Status(141);

    /// The status as a number.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Differences => 1,
            Self::Failed => 2,
            Self::Attention => 3,
            Self::Status(status) => status,
        }
    }

    /// [`Exit::Attention`] if something is left to the user.
    pub(super) fn attention(needed: bool) -> Self {
        if needed { Self::Attention } else { Self::Done }
    }

    /// Of two parts of a command's work, the more serious status: an error before something left to the user
    /// before a difference before nothing.
    pub(super) fn and(self, other: Self) -> Self {
        let weight = |exit: Self| match exit {
            Self::Done => 0,
            Self::Differences => 1,
            Self::Attention => 2,
            Self::Failed => 3,
            Self::Status(_) => 4,
        };
        if weight(other) > weight(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
