//! The table `models`: what forecasts are made by, from a file to its use in a stream that runs.
//!
//! Who forecasts only looks at the table: whoever puts a model into use, by a command, by retraining or by hand, changes rows.
//!
//! | module | one concept |
//! |---|---|
//! | [`stored`] | the models in use, read and put there |
//! | [`watch`] | a thread that tells a running engine when they change |
//! | [`change`] | adding, promoting, rolling back |
//! | [`list`] | all of them, for people and programs |

pub mod change;
pub mod list;
pub mod stored;
pub mod watch;

use std::borrow::Cow;

use viewtide_models::artifact::ArtifactError;
use viewtide_models::task::Metric;

use crate::postgres::connect::{ConnectError, in_words, is_transient};

/// Why the models cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// No such table.
    #[error("the database has no table of models yet; run `viewtide migrate` first")]
    NotMigrated,
    /// No such row.
    #[error("there is no version {version} of {model}{}", versions(there))]
    NoVersion {
        /// Of which model.
        model: &'static str,
        /// Which one.
        version: i32,
        /// Those that there are.
        there: Vec<i32>,
    },
    /// There is nothing to go back to.
    #[error("no version of {model} was in use before {}; `viewtide models promote {model} VERSION` takes any", now(*version))]
    NothingBefore {
        /// Of which model.
        model: &'static str,
        /// The one in use.
        version: Option<i32>,
    },
    /// A model that does not work is not put into use.
    #[error("version {version} of {model} cannot be used: {reason}. Nothing was changed")]
    Unusable {
        /// Of which model.
        model: &'static str,
        /// Which one.
        version: i32,
        /// Why.
        reason: String,
    },
    /// A file that is no model.
    #[error("{file}: {error}; give files that `viewtide train` wrote. Nothing was added")]
    File {
        /// Which.
        file: String,
        /// What is wrong with it.
        error: ArtifactError,
    },
    /// A later start took over.
    #[error("another viewtide has taken over the tables, so that this one changes no models")]
    Fenced,
    /// The server said no.
    #[error("{what}: {}", in_words(error))]
    Db {
        /// What was being done.
        what: Cow<'static, str>,
        /// The server's word.
        error: tokio_postgres::Error,
    },
}

impl RegistryError {
    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Db { error, .. } => is_transient(error),
            Self::Connect(error) => error.is_transient(),
            _ => false,
        }
    }

    /// Says what was being done when the server said no.
    pub(crate) fn while_doing(what: impl Into<Cow<'static, str>>) -> impl Fn(tokio_postgres::Error) -> Self {
        let what = what.into();
        move |error| match error.code() {
            Some(
                &tokio_postgres::error::SqlState::UNDEFINED_TABLE | &tokio_postgres::error::SqlState::UNDEFINED_COLUMN,
            ) => Self::NotMigrated,
            _ => Self::Db { what: what.clone(), error },
        }
    }
}

fn versions(there: &[i32]) -> String {
    let there: Vec<String> = there.iter().map(i32::to_string).collect();
    if there.is_empty() { ", nor any other".to_owned() } else { format!(", but {}", there.join(", ")) }
}

fn now(version: Option<i32>) -> String {
    version.map_or_else(|| "now, and none is".to_owned(), |version| format!("version {version}, which is"))
}

/// The name of the model of a counter.
fn model_name(metric: Metric) -> &'static str {
    metric.name()
}
