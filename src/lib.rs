//! viewtide keeps YouTube statistics analytics up to date, incrementally and exactly: Kafka records or CSV files ->
//! multi-worker dataflow -> Postgres.
//!
//! Data flows left to right, and so do the modules:
//!
//! | module | one concept |
//! |---|---|
//! | [`source`] | records read from Kafka or CSV, in order, with their positions; what is no snapshot becomes a dead letter |
//! | [`engine`] | the running dataflow: workers, ticks, the gate between source and sink |
//! | [`sink`] | whole ticks into Postgres, exactly once |
//! | [`postgres`] | connecting, migrating, and a server of our own where none is given |
//! | [`verify`] | every derived table computed again in batch, and compared bit by bit |
//! | [`rebuild`] | derived tables made anew from the raw rows |
//! | [`replay`] | CSV files to Kafka |
//! | [`registry`] | what forecasts are made by: added, put into use, and watched by a run |
//! | [`retrain`] | models made anew beside a run, and put into use where they are better |
//! | [`http`] | what a run shows over HTTP: a live page, its figures, and whether it works |
//! | [`metabase`] | a Metabase provisioned: connection, tables, dashboards |
//! | [`mlflow`] | retrainings mirrored to an MLflow tracking server |
//! | [`train`] | models made of all that is stored, or of CSV files |
//! | [`dead_letters`] | dead letters listed, exported, and sent again |
//! | [`destination`] | where a command writes: a file whole or not at all, a stream, standard output |
//! | [`picture`] | forecasts and their errors, drawn |
//! | [`demo`] | all of it on bundled real data |
//! | [`async_thread`] | asynchronous work beside a run |
//! | [`trouble`] | trouble that lasts, said once |
//! | [`secret`] | what is never shown |
//! | [`web_server`] | where a server is that is spoken to over HTTP |
//! | `web_answer` | what such a server says |
//! | [`whole_file`] | files that are there whole, or as they were before |
//! | [`limits`] | every limit, with its unit and reason |
//! | [`run`] | a whole run, put together |
//! | [`cli`] | the command line |

pub mod async_thread;
pub mod cli;
pub mod dead_letters;
pub mod demo;
pub mod destination;
pub mod engine;
pub mod http;
pub mod limits;
pub mod metabase;
pub mod mlflow;
pub mod picture;
pub mod postgres;
pub mod rebuild;
pub mod registry;
pub mod replay;
pub mod retrain;
pub mod run;
pub mod secret;
pub mod sink;
pub mod source;
pub mod train;
pub mod trouble;
pub mod verify;
mod web_answer;
pub mod web_server;
pub mod whole_file;
