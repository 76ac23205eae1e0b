//! The operator against the oracle: after every tick the rows that its updates make are those of the definition.

pub(crate) mod cases;
pub(crate) mod model;
mod property;
pub(crate) mod run;
mod scenarios;
