//! A Metabase, provisioned through its API: the connection to the tables, what they and their columns are, and dashboards.
//!
//! What is to be there stands in [`definitions`]; what is there is asked for, and only what differs is sent. So a second run
//! changes nothing, a run that was broken off is gone on with by the next one, and what people made is left as it is.
//!
//! | module | one concept |
//! |---|---|
//! | [`client`] | requests: deadlines, repeats, and answers without secrets |
//! | [`session`] | waiting for the server, its first set-up, logging in |
//! | [`definitions`] | the files of `cluster/metabase/`, compiled into the program |
//! | `connection` | how Metabase reaches the database |
//! | `metadata` | names of tables, keys and types of their columns |
//! | `content` | what the collection holds, and what lies in the trash |
//! | `cards` | questions, each with its SQL |
//! | `dashboards` | cards and filters in their places, beside those of people |
//! | [`provision`] | all of it, in order |
//! | [`tally`] | what was made, changed, and left |

mod cards;
pub mod client;
mod connection;
mod content;
mod dashboards;
pub mod definitions;
mod metadata;
pub mod provision;
mod same;
pub mod session;
pub mod tally;

use crate::postgres::reader_login::ReaderLoginError;

/// Why a Metabase is not provisioned. No message holds a secret.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what each field is")]
pub enum MetabaseError {
    #[error("it cannot be reached: {0}; is the server running, and is --url right?")]
    Unreachable(String),
    #[error(
        "it was not up after {seconds} s: {last}; is --url right? A first start takes minutes: --wait gives it more"
    )]
    NotUp { seconds: u64, last: String },
    #[error("it refuses {call} with status {status}: {message}")]
    Refused { call: String, status: u16, message: String },
    #[error("it answers {call} with {answer}; is it a Metabase?")]
    Answer { call: String, answer: String },
    #[error("it does not log in {email} (status {status}): {message}. Check --email and --password")]
    Login { email: String, status: u16, message: String },
    #[error(
        "it takes no more attempts to log in for now: {0}. Wait, then run this again; repeating it sooner only makes it longer"
    )]
    Throttled(String),
    #[error("it does not take the key (status {status}): {message}. Check --api-key")]
    ApiKey { status: u16, message: String },
    #[error(
        "it is not set up yet, and a key can only be of a server that is: give --email and --password for its first admin"
    )]
    NotSetUp,
    #[error(
        "{0} is no admin there, and only an admin may add a database. Log in as one, or make a key of the group Administrators"
    )]
    NoAdmin(String),
    #[error(
        "it cannot connect to {place} as metabase_ro: {message}. Where Metabase reaches the database by another name \
             than viewtide, give --database-host and --database-port"
    )]
    NoDatabase { place: String, message: String },
    #[error("it did not find {missing} in {seconds} s of looking at the tables; is its log saying why?")]
    NotSynced { missing: String, seconds: u64 },
    #[error("its queries fail, also after its password was set anew: {0}")]
    Query(String),
    #[error(transparent)]
    Reader(#[from] ReaderLoginError),
}

impl MetabaseError {
    /// Whether the server said no with one of these statuses.
    fn has_status(&self, statuses: &[u16]) -> bool {
        matches!(self, Self::Refused { status, .. } if statuses.contains(status))
    }
}
