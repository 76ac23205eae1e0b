//! Postgres: a server of our own where none is given.

pub mod managed;
