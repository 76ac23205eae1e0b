//! Flags, and where they were given: an environment is one for all commands, so what only stands there may be meant for another.

use std::collections::BTreeMap;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

/// Flags that know where each of them was given.
#[derive(Clone, Debug)]
pub struct Told<T> {
    /// The flags themselves.
    pub flags: T,
    /// By the flag's name, `_` for `-`.
    sources: BTreeMap<String, ValueSource>,
}

impl<T> Told<T> {
    /// Whether `flag` stands on the command line.
    pub fn is_on_command_line(&self, flag: &str) -> bool {
        self.sources.get(flag) == Some(&ValueSource::CommandLine)
    }

    /// Whether `flag` stands in the environment and not on the command line.
    pub fn is_in_environment(&self, flag: &str) -> bool {
        self.sources.get(flag) == Some(&ValueSource::EnvVariable)
    }

    /// As if `flags` stood in the environment: the one of a test is that of all its threads.
    #[cfg(test)]
    pub fn in_environment<'a>(mut self, flags: impl IntoIterator<Item = &'a str>) -> Self {
        self.sources.extend(flags.into_iter().map(|flag| (flag.to_owned(), ValueSource::EnvVariable)));
        self
    }
}

impl<T: Args> Args for Told<T> {
    fn augment_args(command: Command) -> Command {
        T::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        T::augment_args_for_update(command)
    }
}

impl<T: FromArgMatches> FromArgMatches for Told<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let source = |id: &clap::Id| Some((id.to_string(), matches.value_source(id.as_str())?));
        Ok(Self { flags: T::from_arg_matches(matches)?, sources: matches.ids().filter_map(source).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
