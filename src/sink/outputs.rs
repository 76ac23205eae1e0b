//! Which tables are computed.

use std::fmt;
use std::str::FromStr;

/// Tables beside the raw rows, which are always stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outputs {
    /// Growth in `video_stats_processed`.
    pub growth: bool,
    /// `hourly_aggregations`.
    pub hourly: bool,
}

impl Default for Outputs {
    fn default() -> Self {
        Self { growth: true, hourly: true }
    }
}

impl Outputs {
    /// Their names, as `--outputs` takes them.
    pub fn names(self) -> Vec<&'static str> {
        [("growth", self.growth), ("hourly", self.hourly)]
            .into_iter()
            .filter_map(|(name, wanted)| wanted.then_some(name))
            .collect()
    }
}

impl FromStr for Outputs {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let mut outputs = Self { growth: false, hourly: false };
        for name in list.split(',').map(str::trim) {
            match name {
                "growth" => outputs.growth = true,
                "hourly" => outputs.hourly = true,
                _ => return Err(format!("`{name}` is no output; choose of growth, hourly, separated by commas")),
            }
        }
        Ok(outputs)
    }
}

impl fmt::Display for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        for list in ["growth", "hourly", "growth,hourly"] {
            assert_eq!(list.parse::<Outputs>().unwrap().to_string(), list);
        }
        assert_eq!("hourly, growth".parse(), Ok(Outputs::default()));
        for wrong in ["", "all", "growth,,hourly", "Growth"] {
            assert!(wrong.parse::<Outputs>().is_err(), "{wrong}");
        }
    }
}
