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
    /// `channel_hourly`, `category_hourly` and `total_hourly`, which are sums of hours.
    pub rollups: bool,
    /// `trends` and `trending`.
    pub trends: bool,
}

impl Default for Outputs {
    fn default() -> Self {
        Self { growth: true, hourly: true, rollups: true, trends: true }
    }
}

impl Outputs {
    /// Their names, as `--outputs` takes them.
    pub fn names(self) -> Vec<&'static str> {
        let Self { growth, hourly, rollups, trends } = self;
        [("growth", growth), ("hourly", hourly), ("rollups", rollups), ("trends", trends)]
            .into_iter()
            .filter_map(|(name, wanted)| wanted.then_some(name))
            .collect()
    }
}

impl FromStr for Outputs {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let mut outputs = Self { growth: false, hourly: false, rollups: false, trends: false };
        for name in list.split(',').map(str::trim) {
            match name {
                "growth" => outputs.growth = true,
                "hourly" => outputs.hourly = true,
                "rollups" => outputs.rollups = true,
                "trends" => outputs.trends = true,
                _ => return Err(format!("`{name}` is no output; choose of {}, separated by commas", Self::default())),
            }
        }
        if outputs.rollups && !outputs.hourly {
            return Err("rollups are sums of hourly; add hourly".to_owned());
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
        for list in ["growth", "hourly", "trends", "growth,hourly", "hourly,rollups", "growth,trends"] {
            assert_eq!(list.parse::<Outputs>().unwrap().to_string(), list);
        }
        assert_eq!("trends, hourly, growth,rollups".parse(), Ok(Outputs::default()));
        for wrong in ["", "all", "growth,,hourly", "Growth", "rollups", "growth,rollups"] {
            assert!(wrong.parse::<Outputs>().is_err(), "{wrong}");
        }
    }
}
