//! Several networks, trained alike from different seeds, that forecast their mean.

use super::LstmError;
use super::architecture::Architecture;
use super::bounds::Bounds;
use super::network::{Inputs, Network};

/// Networks in an ensemble at most: beyond a few there is nothing more to win, and each costs its time.
pub const MEMBERS_MAX: usize = 16;

/// Networks of the same sizes that forecast their mean, each within bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    members: Vec<Network>,
    bounds: Bounds,
}

impl Ensemble {
    /// # Errors
    /// [`LstmError::Ensemble`] without a network, with more than [`MEMBERS_MAX`], or where their sizes differ;
    /// [`LstmError::Bounds`] where the bounds are none.
    pub fn new(members: Vec<Network>, bounds: Bounds) -> Result<Self, LstmError> {
        let alike = members.windows(2).all(|pair| pair[0].architecture() == pair[1].architecture());
        if members.is_empty() || members.len() > MEMBERS_MAX || !alike {
            return Err(LstmError::Ensemble);
        }
        bounds.check()?;
        Ok(Self { members, bounds })
    }

    /// Its networks, of which there is at least one.
    pub fn members(&self) -> &[Network] {
        &self.members
    }

    /// The sizes that all of them have.
    pub fn architecture(&self) -> &Architecture {
        self.members[0].architecture()
    }

    /// How far from their base the members' words are taken.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The mean of what the members forecast within the bounds, as [`Network::forecast`] gives it.
    ///
    /// # Errors
    /// [`LstmError::Length`] where the arrays are not of one number of rows.
    pub fn forecast(&self, inputs: Inputs, threads: usize) -> Result<Vec<f32>, LstmError> {
        let bounded = |member: &Network| {
            let mut forecasts = member.forecast(inputs, threads)?;
            self.bounds.apply(inputs.base, &mut forecasts);
            Ok(forecasts)
        };
        let mut sums = bounded(&self.members[0])?;
        for member in &self.members[1..] {
            let forecasts = bounded(member)?;
            sums.iter_mut().zip(forecasts).for_each(|(sum, value)| *sum += value);
        }
        let members = self.members.len() as f32;
        sums.iter_mut().for_each(|sum| *sum /= members);
        Ok(sums)
    }
}
