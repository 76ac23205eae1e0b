//! How a command ended.

use std::process::ExitCode;

/// How a command that did not fail ended; a failure is an `anyhow::Error` and exit code 1, a command line that was not
/// understood exit code 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All was done: exit code 0.
    Done,
    /// All was compared, and something differs: exit code 1.
    DifferencesFound,
    /// What could be sent was sent, and something could not: exit code 1.
    Incomplete,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::DifferencesFound | Outcome::Incomplete => Self::from(1),
        }
    }
}
