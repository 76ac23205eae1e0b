//! Dead letters after the fact: what is there, out into a file that a person can repair, and to Kafka again.
//!
//! The table is never changed: a dead letter says what was at a place of the input. That stays true whatever is sent
//! afterwards, and `verify` compares it.
//!
//! | module | one concept |
//! |---|---|
//! | [`filter`] | which dead letters |
//! | [`letter`] | one of them, and as a line of a file |
//! | [`stored`] | the table, read as a stream |
//! | [`list`] | for people, and what kinds there are |
//! | [`export`] | into a file, whole or not at all |
//! | [`repaired`] | out of such a file again |
//! | [`resend`] | to Kafka again |

pub mod export;
pub mod filter;
pub mod letter;
pub mod list;
pub mod repaired;
pub mod resend;
pub mod stored;

use crate::postgres::connect::in_words;
use crate::replay::ReplayError;

/// Why dead letters could not be listed, exported or sent.
#[derive(Debug, thiserror::Error)]
pub enum DeadLettersError {
    /// Nothing was ever stored there.
    #[error("the database has no tables of viewtide; let `viewtide run` make them first, or name another database")]
    Empty,
    /// An older schema.
    #[error("the tables are of an older version; `viewtide migrate` (or `viewtide run`) brings them up to date")]
    Older,
    /// Progress cannot be read.
    #[error("viewtide_progress has a damaged {0}; make the tables anew in an empty database")]
    Progress(String),
    /// The server said no.
    #[error("{what}: {}", in_words(error))]
    Db {
        /// What was being done.
        what: &'static str,
        /// The server's word.
        error: tokio_postgres::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {file}: {error}")]
    Write {
        /// As it was named.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// A signal came.
    #[error("stopped; {file} is as it was before")]
    Stopped {
        /// As it was named.
        file: String,
    },
    /// A file cannot be read.
    #[error("cannot read {file}: {error}")]
    Read {
        /// As it was named.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// A file has a line that is no dead letter.
    #[error(
        "{file}, line {line}: {why}; nothing was sent. A line has the form in which `viewtide dead-letters export` writes"
    )]
    Line {
        /// As it was named.
        file: String,
        /// From 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The brokers, or a topic.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

impl DeadLettersError {
    fn while_doing(what: &'static str) -> impl Fn(tokio_postgres::Error) -> Self {
        move |error| Self::Db { what, error }
    }
}
