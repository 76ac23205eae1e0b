//! The stack that viewtide replaces, rebuilt as it was, so that it is scored beside the rest by the same code.
//!
//! Its trend by growth rates is [`crate::naive::Naive::GrowthTrend`].
//!
//! | module | one concept |
//! |---|---|
//! | `forest` | its random forest, which forecasts the next count |

mod forest;

pub use forest::{Errors, Forest, ForestError, Row, forest_method, rows};
