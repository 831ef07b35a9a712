//! The binary: hands the exit status of [`keystencil::cli::run`] to the system, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    keystencil::cli::run()
}
