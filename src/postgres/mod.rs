//! Postgres: connecting, migrating, and a server of our own where none is given.

pub mod connect;
pub mod managed;
pub mod migrate;
pub mod reader_login;
pub mod reader_role;
