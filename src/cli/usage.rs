//! What is wrong with a command line although each of its words is right.

/// The command line asks for something that cannot be: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}; see `viewtide {1} --help`")]
pub struct UsageError(
    /// What is wrong, and what to write instead.
    pub String,
    /// The command.
    pub &'static str,
);
