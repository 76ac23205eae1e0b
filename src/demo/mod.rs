//! `viewtide demo`: everything on bundled real data. A Kafka-protocol broker in this process, the sample replayed to it,
//! the engine, a Postgres of its own with a fresh database, and the results as a person would ask for them.

mod results;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use viewtide_models::forecasting::When;

use crate::cli::Outcome;
use crate::cli::stop::stop_on_signals;
use crate::engine::cluster::Cluster;
use crate::http::listen::listen_from;
use crate::postgres::connect::DatabaseUrl;
use crate::postgres::managed::ManagedPostgres;
use crate::replay::{Pace, ReplayConfig, ReplaySummary, replay};
use crate::run::{FUTURE_MAX_US_DEFAULT, Run};
use crate::sink::ForecastConfig;
use crate::source::Input;
use crate::source::kafka::{KafkaConfig, KafkaSource, Start};
use crate::source::kafka_settings::KafkaSettings;
use crate::source::side_by_side::SideBySide;
use crate::source::videos_file::VideosFile;

/// Real snapshots, in the order in which they are sent: 2,149 videos of 271 channels once a day, and 41 videos every hour or
/// so; `data/README.md` says where they come from.
const SAMPLES: [(&str, &[u8]); 2] = [
    ("trending_channels.csv.gz", include_bytes!("../../data/trending_channels.csv.gz")),
    ("tracked_dense.csv.gz", include_bytes!("../../data/tracked_dense.csv.gz")),
];
/// What is known of them.
const VIDEOS: (&str, &[u8]) = ("sample_videos.csv.gz", include_bytes!("../../data/sample_videos.csv.gz"));
/// Partitions of the demo's topic: the in-process broker keeps 5 MB of each, and the sample is 7 MB as JSON.
const PARTITIONS: i32 = 4;
/// The demo's topic.
const TOPIC: &str = "youtube_stats";
/// How fast records come where people watch: the whole sample in about ten seconds.
const RATE_WATCHED: f64 = 5_000.0;
/// The first port that is tried for the page.
const PORT: u16 = 8088;
/// How often the demo looks whether to end.
const POLL: Duration = Duration::from_millis(100);

/// How to show it.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Process all of the sample, print the results and end
    #[arg(long, env = "VIEWTIDE_ONCE")]
    once: bool,
    /// Worker threads
    #[arg(short = 'w', long, env = "VIEWTIDE_WORKERS", value_name = "W", default_value_t = 2)]
    workers: usize,
}

/// Runs the demo.
pub fn execute(args: DemoArgs) -> anyhow::Result<Outcome> {
    let stop = stop_on_signals()?;
    let postgres = ManagedPostgres::temporary().context("the demo's Postgres does not start")?;
    let broker = MockCluster::<DefaultProducerContext>::new(1).context("the in-process broker does not start")?;
    broker.create_topic(TOPIC, PARTITIONS, 1).context("the in-process broker takes no topic")?;
    let folder = tempfile::tempdir().context("no folder for the sample")?;
    let write = |(name, bytes): (&str, &[u8])| {
        let path = folder.path().join(name).display().to_string();
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {path}")).map(|()| path)
    };
    let samples: Vec<String> = SAMPLES.into_iter().map(write).collect::<anyhow::Result<_>>()?;
    let demo = Demo {
        brokers: broker.bootstrap_servers(),
        url: DatabaseUrl::parse(&postgres.url()).context("the URL of the demo's Postgres")?,
        psql: postgres.psql_command(),
        samples,
        videos: write(VIDEOS)?,
        workers: args.workers,
        stop,
    };
    eprintln!(
        "viewtide demo: real snapshots of 2,190 videos, an in-process broker, a fresh Postgres; see it grow with\n  {}",
        demo.psql
    );
    if args.once {
        demo.once()?
    } else {
        demo.watch()?
    }
    Ok(Outcome::Done)
}

struct Demo {
    brokers: String,
    url: DatabaseUrl,
    psql: String,
    samples: Vec<String>,
    videos: String,
    workers: usize,
    stop: Arc<AtomicBool>,
}

impl Demo {
    /// Everything flat out, then the results.
    fn once(&self) -> anyhow::Result<()> {
        self.replay(Pace::FlatOut)?;
        let summary = self.engine(true)?.run()?.ok_or_else(|| anyhow!("the engine was told of no summary"))?;
        results::show(&self.url)?;
        println!("{}", serde_json::to_string(&summary)?);
        Ok(())
    }

    /// Records at a pace that can be followed, then the results; the tables stay up until somebody stops the demo.
    fn watch(&self) -> anyhow::Result<()> {
        let page = listen_from(PORT).context("no port is free for the page")?;
        eprintln!("the page: http://{}", page.local_addr()?);
        let engine = Run { http: Some(page), ..self.engine(false)? };
        let engine = Builder::new().name("engine".to_owned()).spawn(move || engine.run())?;
        let sent = self.replay(Pace::PerSecond(RATE_WATCHED))?.progress.sent;
        while !self.stop.load(Ordering::Relaxed) && !engine.is_finished() && results::records(&self.url)? < sent {
            std::thread::sleep(POLL);
        }
        results::show(&self.url)?;
        eprintln!("the tables stay up until you press Ctrl-C; look at them with\n  {}", self.psql);
        while !self.stop.load(Ordering::Relaxed) && !engine.is_finished() {
            std::thread::sleep(POLL);
        }
        let summary = engine.join().map_err(|_| anyhow!("the engine panicked"))??;
        println!("{}", serde_json::to_string(&summary)?);
        Ok(())
    }

    fn settings(&self) -> KafkaSettings {
        KafkaSettings { brokers: self.brokers.clone(), overrides: Vec::new() }
    }

    fn replay(&self, pace: Pace) -> anyhow::Result<ReplaySummary> {
        let config = ReplayConfig {
            settings: self.settings(),
            topic: TOPIC.to_owned(),
            files: self.samples.clone(),
            partitions: None,
            pace,
        };
        Ok(replay(&config, &self.stop, &mut |_| ())?)
    }

    fn engine(&self, exit_at_end: bool) -> anyhow::Result<Run> {
        let snapshots = KafkaSource::open(KafkaConfig {
            input: Input::Snapshots,
            settings: self.settings(),
            topic: TOPIC.to_owned(),
            group: "viewtide-demo".to_owned(),
            start: Start::Earliest,
            future_max_us: FUTURE_MAX_US_DEFAULT,
        })?;
        let videos = VideosFile::open(&self.videos)?;
        Ok(Run {
            cluster: Cluster::single(self.workers),
            database: Some(self.url.clone()),
            // The sample is of days that are past.
            forecasts: ForecastConfig { when: When::All, ..ForecastConfig::default() },
            exit_at_end,
            stop: Arc::clone(&self.stop),
            ..Run::new(Arc::new(SideBySide::new(Arc::new(snapshots), vec![(Input::VideosFile, Arc::new(videos))])))
        })
    }
}
