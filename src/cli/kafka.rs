//! librdkafka's settings, for every command that speaks to Kafka.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Args, Command};

use crate::source::kafka_settings::KafkaSettings;

/// librdkafka's settings.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Input")]
pub struct KafkaArgs {
    /// Any setting of librdkafka, such as -X security.protocol=ssl; may be given several times
    #[arg(
        short = 'X',
        long = "kafka-setting",
        env = "VIEWTIDE_KAFKA_SETTING",
        value_name = "KEY=VALUE",
        value_delimiter = ';',
        value_parser = SettingParser,
        hide_env_values = true
    )]
    settings: Vec<(String, String)>,
}

impl KafkaArgs {
    /// The settings for `brokers`.
    pub fn settings(&self, brokers: &str) -> KafkaSettings {
        KafkaSettings { brokers: brokers.to_owned(), overrides: self.settings.clone() }
    }
}

/// Parses `key=value`. Of one that is not written so nothing is shown, as clap would: it may be a password.
#[derive(Clone)]
struct SettingParser;

impl TypedValueParser for SettingParser {
    type Value = (String, String);

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, setting: &OsStr) -> Result<Self::Value, clap::Error> {
        match setting.to_str().and_then(|setting| setting.split_once('=')) {
            Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
            _ => {
                let wrong = "a setting of librdkafka (-X) is written key=value, several in VIEWTIDE_KAFKA_SETTING with a \
                             semicolon between them; one that was given is not, and is not shown since it may be a secret";
                Err(clap::Error::raw(ErrorKind::ValueValidation, wrong).with_cmd(command))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Told {
        #[command(flatten)]
        kafka: KafkaArgs,
    }

    #[test]
    fn a_setting_is_a_key_and_a_value() {
        let told = Told::try_parse_from(["t", "-X", " a.b = c=d ", "-X", "e=;f=g"]).ok().unwrap();
        let expected = [("a.b", "c=d"), ("e", ""), ("f", "g")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(told.kafka.settings("b:1").overrides, expected);
    }

    #[test]
    fn what_is_no_setting_is_not_shown() {
        for wrong in ["sasl.password s3cret", "=s3cret", " =s3cret", "sasl.password=a;s3cret"] {
            let error = Told::try_parse_from(["t", "-X", wrong]).err().unwrap();
            let said = error.to_string();
            assert!(said.contains("written key=value") && !said.contains("s3cret"), "{said}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
