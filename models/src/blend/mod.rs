//! The forecast that is issued: a blend of members, weighed online for each video, counter and horizon by what each of them
//! missed lately, with an interval that is calibrated online.
//!
//! | module | one concept |
//! |---|---|
//! | `hedge` | the weights of the members |
//! | `guard` | when the naive members alone take over |
//! | `calibration` | the widths of the intervals |
//! | `forecaster` | what is known of one video, and what is issued for it |
//! | `stored` | that as bytes |

mod calibration;
mod forecaster;
mod guard;
mod hedge;
mod stored;
#[cfg(test)]
mod tests;

pub use calibration::Calibration;
pub use forecaster::{Basis, ForecastCounts, Forecaster, Issued, Members, Network, Outstanding};
pub use guard::Guard;
pub use hedge::Hedge;
pub use stored::StoredError;

use crate::naive::Naive;

/// The naive members of a blend.
pub const NAIVE_MEMBERS: [Naive; 8] = [
    Naive::LastValue,
    Naive::LastIncrement,
    Naive::Ewma3,
    Naive::Ewma6,
    Naive::Mean24,
    Naive::Median24,
    Naive::SameHoursYesterday,
    Naive::PowerLaw,
];

/// The network, then [`NAIVE_MEMBERS`].
pub const MEMBERS: usize = 1 + NAIVE_MEMBERS.len();

/// The members, then the blend of all of them, and that of the naive ones.
pub const GAINS: usize = MEMBERS + 2;
