//! The operators against the oracle: after every tick the rows that their updates make are those of the definition.

mod cases;
mod model;
mod property;
mod run;
mod scenarios;
mod videos;
