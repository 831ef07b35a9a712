//! git, asked as a program: which work tree a file lies in, what is committed of it, which filter it goes through.
//!
//! [`crate::session`] asks before a secret is put in a file that could be committed, and when git calls us as a filter;
//! `install git` sets us up. No git runs for a file that lies in no repository. Nothing here decides about secrets, and
//! none is ever in an argument.
//!
//! Only options that git 2.30 knows are used: `cat-file --batch`, `check-attr -z --stdin`, `check-ignore -z --stdin`,
//! `config -z --get-regexp`, `rev-parse --git-path`.

pub mod attributes;
mod call;
pub mod objects;
pub mod packet;
pub mod places;
pub mod repository;

pub use call::GitError;
pub use objects::Objects;
pub use packet::{Incoming, ProtocolError};
pub use places::Places;
pub use repository::Repository;
