//! Where records come from: the flags that `run` and `verify` share.

use std::sync::Arc;

use clap::Args;
use viewtide_dataflows::snapshot::EventTime;

use crate::cli::UsageError;
use crate::cli::kafka::KafkaArgs;
use crate::cli::told::Told;
use crate::source::csv::CsvSource;
use crate::source::kafka::{KafkaConfig, KafkaSource, Start};
use crate::source::kafka_settings::KafkaSettings;
use crate::source::side_by_side::SideBySide;
use crate::source::videos_file::VideosFile;
use crate::source::{Input, OnLostOffsets, Source};

/// The consumer group that lag tools see.
const GROUP: &str = "viewtide";

/// The topic of videos that is read where the brokers have it.
const VIDEOS_TOPIC: &str = "youtube_videos";

/// The input: Kafka or CSV, and what is known of videos beside it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Input")]
struct Flags {
    /// Kafka brokers, as host:port,host:port
    #[arg(long, env = "VIEWTIDE_BROKERS", value_name = "BROKERS")]
    brokers: Option<String>,
    /// Kafka topic of snapshots: JSON, in the plain form, or items and whole responses of the YouTube Data API
    #[arg(long, env = "VIEWTIDE_TOPIC", value_name = "TOPIC", default_value = "youtube_stats")]
    topic: String,
    /// CSV files, plain or gzip, read in the order given; a directory stands for its *.csv and *.csv.gz, by name. Instead of
    /// --brokers; the one on the command line wins over the other's environment variable
    #[arg(long, env = "VIEWTIDE_CSV", value_name = "FILE", num_args = 1.., value_delimiter = ',')]
    csv: Vec<String>,
    /// CSV file of titles, channels and categories, plain or gzip; what other inputs say of a video comes before it
    #[arg(long, env = "VIEWTIDE_VIDEOS", value_name = "FILE")]
    videos: Option<String>,
    /// Kafka topic of titles, channels and categories; '' for none [default: youtube_videos, where the brokers have it and let
    /// it be read]
    #[arg(long, env = "VIEWTIDE_VIDEOS_TOPIC", value_name = "TOPIC")]
    videos_topic: Option<String>,
    #[command(flatten)]
    kafka: KafkaArgs,
}

/// The flags of the input. What only stands in the environment gives way to the command line.
#[derive(Clone, Debug, Args)]
pub struct InputArgs {
    #[command(flatten)]
    told: Told<Flags>,
}

/// What the flags say, if it can be.
#[derive(Debug)]
pub struct Chosen {
    command: &'static str,
    snapshots: Option<Snapshots>,
    videos: Option<String>,
}

#[derive(Debug)]
enum Snapshots {
    Kafka { settings: KafkaSettings, topic: String, videos: VideosTopic },
    Csv(Vec<String>),
}

/// Which topic of videos is read.
#[derive(Debug, PartialEq)]
enum VideosTopic {
    /// This one, which has to be there.
    Named(String),
    /// The usual one, if it is there.
    Usual,
    None,
}

impl InputArgs {
    /// What is to be read by `command`.
    ///
    /// # Errors
    /// Flags that cannot go together.
    pub fn chosen(self, command: &'static str) -> Result<Chosen, UsageError> {
        choose(self.told, command).map_err(|wrong| UsageError(wrong, command))
    }
}

fn choose(told: Told<Flags>, command: &'static str) -> Result<Chosen, String> {
    let in_environment = ["brokers", "csv", "videos", "videos_topic"].map(|flag| told.is_in_environment(flag));
    let [brokers_in_environment, csv_in_environment, videos_in_environment, topic_in_environment] = in_environment;
    let Flags { brokers, topic, csv, videos, videos_topic, kafka } = told.flags;
    // A variable that is empty is as good as none.
    let mut brokers = brokers.filter(|brokers| !(brokers_in_environment && brokers.is_empty()));
    let mut csv = Some(csv).filter(|csv| csv.iter().any(|path| !(csv_in_environment && path.is_empty())));
    if brokers.is_some() && csv.is_some() {
        match (brokers_in_environment, csv_in_environment) {
            (true, false) => brokers = None,
            (false, true) => csv = None,
            (false, false) => {
                return Err("--brokers cannot be used with --csv: snapshots come from Kafka or from files".to_owned());
            }
            (true, true) => {
                return Err("VIEWTIDE_BROKERS cannot be used with VIEWTIDE_CSV; say which by a flag".to_owned());
            }
        }
    }
    let videos = videos.filter(|path| !(videos_in_environment && path.is_empty()));
    let asked_for_topic = videos_topic.as_ref().is_some_and(|topic| !topic.is_empty() && !topic_in_environment);
    let snapshots = match (brokers, csv) {
        (Some(brokers), _) => {
            let videos = match videos_topic {
                Some(name) if name.is_empty() => VideosTopic::None,
                Some(name) if name == topic => {
                    return Err(format!(
                        "--topic and --videos-topic both name {topic}; a topic has snapshots or videos"
                    ));
                }
                Some(name) => VideosTopic::Named(name),
                None if topic == VIDEOS_TOPIC => VideosTopic::None,
                None => VideosTopic::Usual,
            };
            Some(Snapshots::Kafka { settings: kafka.settings(&brokers), topic, videos })
        }
        (None, Some(_)) if asked_for_topic => {
            return Err("--videos-topic cannot be used with --csv; --videos takes a file".to_owned());
        }
        (None, Some(csv)) => Some(Snapshots::Csv(csv)),
        (None, None) if asked_for_topic => return Err("--videos-topic needs --brokers <BROKERS>".to_owned()),
        (None, None) if videos.is_some() && !videos_in_environment => {
            return Err("--videos needs --brokers <BROKERS> or --csv <FILE>..".to_owned());
        }
        (None, None) => None,
    };
    Ok(Chosen { command, snapshots, videos })
}

impl Chosen {
    /// Opens what is named, if anything is.
    pub fn open(
        self,
        start: Start,
        future_max_us: i64,
        on_lost: OnLostOffsets,
    ) -> anyhow::Result<Option<Arc<dyn Source>>> {
        let mut beside: Vec<(Input, Arc<dyn Source>)> = Vec::new();
        let (flag, snapshots): (_, Arc<dyn Source>) = match self.snapshots {
            None => return Ok(None),
            Some(Snapshots::Csv(paths)) => ("--csv", Arc::new(CsvSource::open(&paths, future_max_us)?)),
            Some(Snapshots::Kafka { settings, topic, videos }) => {
                let group = GROUP.to_owned();
                let config = KafkaConfig { input: Input::Snapshots, settings, topic, group, start, future_max_us };
                let snapshots = KafkaSource::open(config.clone())?.on_lost_offsets(on_lost);
                let of_videos = |topic| KafkaConfig { input: Input::VideosTopic, topic, ..config };
                let videos = match videos {
                    VideosTopic::Named(topic) => Some(KafkaSource::open(of_videos(topic))?),
                    VideosTopic::Usual => KafkaSource::open_if_there(of_videos(VIDEOS_TOPIC.to_owned()))?,
                    VideosTopic::None => None,
                };
                if let Some(videos) = videos {
                    beside.push((Input::VideosTopic, Arc::new(videos.on_lost_offsets(on_lost))));
                }
                ("--topic", Arc::new(snapshots))
            }
        };
        if let Some(path) = &self.videos {
            beside.push((Input::VideosFile, Arc::new(VideosFile::open(path)?)));
        }
        let of_beside = |input: &Input| if *input == Input::VideosFile { "--videos" } else { "--videos-topic" };
        let names = |flag, source: &Arc<dyn Source>| {
            source.identity().names().into_iter().map(|name| (flag, name.to_owned())).collect::<Vec<_>>()
        };
        let mut named = names(flag, &snapshots);
        named.extend(beside.iter().flat_map(|(input, source)| names(of_beside(input), source)));
        check_names(&named).map_err(|wrong| UsageError(wrong, self.command))?;
        Ok(Some(if beside.is_empty() { snapshots } else { Arc::new(SideBySide::new(snapshots, beside)) }))
    }
}

/// No two inputs have one name: dead letters are told apart by it, and by the offset or the line.
fn check_names(named: &[(&str, String)]) -> Result<(), String> {
    for (index, (flag, name)) in named.iter().enumerate() {
        if let Some((before, _)) = named[..index].iter().find(|(_, before)| before == name) {
            let what_to_do = match (*before, *flag) {
                ("--csv", "--videos") => {
                    "name it once: what rows of snapshots say of titles, channels and categories is read as well"
                }
                _ => "dead letters are told apart by it; rename or link the file",
            };
            return Err(format!("{before} and {flag} both name {name}; {what_to_do}"));
        }
    }
    Ok(())
}

/// Parses `--start`.
pub fn parse_start(text: &str) -> Result<Start, String> {
    if text == "earliest" {
        return Ok(Start::Earliest);
    }
    let time: jiff::Timestamp =
        text.parse().map_err(|_| "write `earliest`, or a time such as 2025-07-01T00:00:00Z".to_owned())?;
    Ok(Start::At(EventTime::from(time.as_microsecond())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        input: InputArgs,
    }

    /// What is chosen where `line` was given and of it `in_environment` as variables.
    fn chosen(line: &[&str], in_environment: &str) -> Result<Chosen, String> {
        let line = <Line as clap::Parser>::try_parse_from(["t"].iter().chain(line));
        let told = line.map_err(|error| error.to_string())?.input.told;
        let told = told.in_environment(in_environment.split_whitespace());
        InputArgs { told }.chosen("verify").map_err(|error| error.to_string())
    }

    fn shown(line: &[&str], in_environment: &str) -> (String, Option<String>) {
        let Chosen { snapshots, videos, .. } = chosen(line, in_environment).unwrap();
        let snapshots = match snapshots {
            None => "nothing".to_owned(),
            Some(Snapshots::Csv(paths)) => paths.join(" "),
            Some(Snapshots::Kafka { settings, topic, videos }) => format!("{} {topic} {videos:?}", settings.brokers),
        };
        (snapshots, videos)
    }

    #[test]
    fn what_is_in_the_environment_gives_way_to_the_command_line() {
        let (brokers, csv) = (["--brokers", "b:1"], ["--csv", "a.csv"]);
        let (videos, topic) = (["--videos", "v.csv"], ["--videos-topic", "v"]);
        let all = [&brokers[..], &csv, &videos, &topic].concat();
        assert_eq!(shown(&all, "brokers videos videos_topic").0, "a.csv");
        assert_eq!(shown(&all, "brokers videos videos_topic").1.as_deref(), Some("v.csv"), "it goes with files too");
        assert_eq!(shown(&all, "csv videos videos_topic").0, "b:1 youtube_stats Named(\"v\")");
        let beside = [&videos[..], &topic].concat();
        assert_eq!(shown(&beside, "videos videos_topic").0, "nothing", "as where verify stands alone");
        assert_eq!(shown(&["--csv", "a.csv", "--videos-topic", "v"], "videos_topic").0, "a.csv");
        // Variables that are empty are none.
        let empty = ["--brokers", "", "--csv", "", "--videos", ""];
        assert_eq!(shown(&empty, "brokers csv videos"), ("nothing".to_owned(), None));
        for (line, in_environment, why) in [
            (&all, "", "--brokers cannot be used with --csv"),
            (&all, "brokers csv", "VIEWTIDE_BROKERS cannot be used with VIEWTIDE_CSV"),
            (&all, "brokers", "--videos-topic cannot be used with --csv"),
            (&beside, "videos", "--videos-topic needs --brokers"),
            (&beside, "videos_topic", "--videos needs --brokers <BROKERS> or --csv"),
        ] {
            let wrong = chosen(line, in_environment).unwrap_err();
            assert!(wrong.starts_with(why) && wrong.ends_with("see `viewtide verify --help`"), "{wrong}");
        }
    }

    #[test]
    fn the_usual_topic_of_videos_can_be_left_away() {
        let of = |more: &[&str]| shown(&[&["--brokers", "b:1"], more].concat(), "").0;
        assert_eq!(of(&[]), "b:1 youtube_stats Usual");
        assert_eq!(of(&["--videos-topic", ""]), "b:1 youtube_stats None");
        assert_eq!(of(&["--videos-topic="]), "b:1 youtube_stats None");
        assert_eq!(of(&["--topic", VIDEOS_TOPIC]), "b:1 youtube_videos None");
        assert_eq!(shown(&["--csv", "a.csv", "--videos-topic", ""], "").0, "a.csv");
    }

    #[test]
    fn two_inputs_of_one_name_are_refused() {
        let named = |names: &[(&'static str, &str)]| {
            check_names(&names.iter().map(|(flag, name)| (*flag, (*name).to_owned())).collect::<Vec<_>>())
        };
        named(&[("--csv", "a"), ("--csv", "b"), ("--videos", "c")]).unwrap();
        let wrong = named(&[("--csv", "a"), ("--csv", "b"), ("--videos", "b")]).unwrap_err();
        assert!(wrong.starts_with("--csv and --videos both name b; name it once"), "{wrong}");
        let wrong = named(&[("--topic", "t"), ("--videos", "t")]).unwrap_err();
        assert!(wrong.starts_with("--topic and --videos both name t; dead letters"), "{wrong}");
        let wrong = named(&[("--topic", "t"), ("--videos-topic", "v"), ("--videos", "v")]).unwrap_err();
        assert!(wrong.starts_with("--videos-topic and --videos both name v; dead letters"), "{wrong}");
        let same = chosen(&["--brokers", "b:1", "--topic", "t", "--videos-topic", "t"], "").unwrap_err();
        assert!(same.starts_with("--topic and --videos-topic both name t; a topic has snapshots or videos"), "{same}");
    }
}
