//! The options that every command takes.

use crate::store::Choice;
use anstream::ColorChoice;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalArgs {
    /// Read this config file instead of the usual one
    #[arg(long, global = true, value_name = "FILE", env = "KEYSTENCIL_CONFIG", hide_env_values = true)]
    pub(super) config: Option<PathBuf>,
    /// Where to look for secrets: the keyring (native), an encrypted file (vault), or both (auto)
    #[arg(long, global = true, value_name = "WHICH", env = "KEYSTENCIL_STORE", hide_env_values = true)]
    pub(super) store: Option<StoreArg>,
    /// Print errors and warnings only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print more detail
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    /// When to use colour: on a terminal (auto), always, or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
    pub(super) color: ColorArg,
}

/// The values of `--store`. Without comments of their own: clap would list them in the help of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StoreArg {
    Auto,
    Native,
    Vault,
}

impl From<StoreArg> for Choice {
    fn from(store: StoreArg) -> Self {
        match store {
            StoreArg::Auto => Self::Auto,
            StoreArg::Native => Self::Native,
            StoreArg::Vault => Self::Vault,
        }
    }
}

/// The values of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorArg {
    Auto,
    Always,
    Never,
}

impl From<ColorArg> for ColorChoice {
    fn from(color: ColorArg) -> Self {
        match color {
            ColorArg::Auto => Self::Auto,
            ColorArg::Always => Self::Always,
            ColorArg::Never => Self::Never,
        }
    }
}
