//! `viewtide run`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{ArgAction, Args};
use viewtide_models::forecasting::When;

use crate::cli::database::DatabaseArgs;
use crate::cli::durations::{parse_duration_us, parse_tick_ms};
use crate::cli::input::{InputArgs, parse_start};
use crate::cli::stop::stop_on_signals;
use crate::cli::{Outcome, UsageError};
use crate::engine::cluster::Cluster;
use crate::http::listen;
use crate::limits::RETRAIN_EVERY_MIN;
use crate::run::Run;
use crate::sink::ForecastConfig;
use crate::sink::outputs::Outputs;
use crate::source::OnLostOffsets;
use crate::source::kafka::Start;
use crate::web_server::WebServer;

/// The port of process 0 where no hostfile is given; timely's own convention.
const FIRST_PORT: usize = 2101;

/// What `run` reads, computes and writes.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Where to begin in Kafka when nothing is stored: `earliest`, or a time such as 2025-07-01T00:00:00Z
    #[arg(long, env = "VIEWTIDE_START", value_name = "WHERE", default_value = "earliest", value_parser = parse_start)]
    start: Start,
    /// Where records are gone from Kafka before they were read, or the topic was created again: `stop`, or read on at the
    /// `earliest` that is there and keep the gap in the table lost_offsets
    #[arg(long, env = "VIEWTIDE_ON_LOST_OFFSETS", value_name = "WHAT", default_value = "stop")]
    on_lost_offsets: OnLostOffsets,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Milliseconds of a tick; what arrives within one is committed together
    #[arg(long, env = "VIEWTIDE_TICK", value_name = "MS", default_value = "100", value_parser = parse_tick_ms)]
    tick: u64,
    /// How far behind its video's newest snapshot a record is still folded in
    #[arg(long, env = "VIEWTIDE_RETENTION", value_name = "DURATION", default_value = "7d", value_parser = parse_duration_us)]
    retention: i64,
    /// How far ahead of its arrival a record may be
    #[arg(long, env = "VIEWTIDE_FUTURE_MAX", value_name = "DURATION", default_value = "1h", value_parser = parse_duration_us)]
    future_max: i64,
    /// Tables to compute beside the raw rows, of: growth, hourly, rollups, trends
    #[arg(long, env = "VIEWTIDE_OUTPUTS", value_name = "LIST", default_value = "growth,hourly,rollups,trends")]
    outputs: Outputs,
    /// Which forecasts to make at the first record of each hour of a video: `live`, those whose target lies after the record's
    /// timestamp in Kafka; `all`, also for hours that are past already; or `off`
    #[arg(long, env = "VIEWTIDE_FORECASTS", value_name = "WHICH", default_value = "live")]
    forecasts: When,
    /// Whether a database without models gets those that come with viewtide: `on` or `off`
    #[arg(long, env = "VIEWTIDE_PRETRAINED", value_name = "WHETHER", default_value = "on", action = ArgAction::Set, value_parser = parse_switch)]
    pretrained: bool,
    /// How long it is from one training of new models on what is stored to the next, as 6h, or `off`. They are used where they
    /// are better on the newest data than what is
    #[arg(long, env = "VIEWTIDE_RETRAIN", value_name = "DURATION", default_value = "6h", value_parser = parse_retrain)]
    retrain: Retrain,
    /// Tracking server of MLflow that every retraining is mirrored to, as http://localhost:5000; the run never waits for it
    #[arg(long, env = "VIEWTIDE_MLFLOW", value_name = "URI", hide_env_values = true)]
    mlflow: Option<String>,
    /// Port, or address and port, of a live page, and of /metrics (for Prometheus), /healthz and /readyz. A port alone is for this
    /// machine only
    #[arg(long, env = "VIEWTIDE_HTTP", value_name = "ADDR", value_parser = listen::parse)]
    http: Option<SocketAddr>,
    /// End once all that was there at the start is committed
    #[arg(long, env = "VIEWTIDE_EXIT_AT_END")]
    exit_at_end: bool,
}

/// Workers and processes, by timely's own convention.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Workers")]
struct ClusterArgs {
    /// Worker threads of each process
    #[arg(short = 'w', long, env = "VIEWTIDE_WORKERS", value_name = "W", default_value_t = 1)]
    workers: usize,
    /// Processes of the engine
    #[arg(short = 'n', long, env = "VIEWTIDE_PROCESSES", value_name = "N", default_value_t = 1)]
    processes: usize,
    /// This process, from 0; process 0 writes to the database
    #[arg(short = 'p', long, env = "VIEWTIDE_PROCESS", value_name = "I", default_value_t = 0)]
    process: usize,
    /// File with one host:port a line, for each process; without it localhost:2101 and up
    #[arg(long, env = "VIEWTIDE_HOSTFILE", value_name = "FILE")]
    hostfile: Option<PathBuf>,
}

impl ClusterArgs {
    fn cluster(&self) -> anyhow::Result<Cluster> {
        let addresses = if self.processes == 1 { Cluster::single(1).addresses } else { self.addresses()? };
        let cluster = Cluster { workers: self.workers, process: self.process, addresses };
        cluster.check().map_err(|error| usage(error.to_string()))?;
        Ok(cluster)
    }

    fn addresses(&self) -> anyhow::Result<Vec<String>> {
        let Some(hostfile) = &self.hostfile else {
            return Ok((0..self.processes).map(|process| format!("localhost:{}", FIRST_PORT + process)).collect());
        };
        let text = std::fs::read_to_string(hostfile).with_context(|| format!("--hostfile {}", hostfile.display()))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let addresses: Vec<String> = lines.take(self.processes).map(str::to_owned).collect();
        if addresses.len() < self.processes {
            return Err(usage(format!(
                "--hostfile {} names {} process(es), and -n says {}; write one host:port a line",
                hostfile.display(),
                addresses.len(),
                self.processes
            ))
            .into());
        }
        Ok(addresses)
    }
}

/// How long from one retraining to the next; none where it is `None`.
#[derive(Clone, Copy, Debug)]
struct Retrain(Option<Duration>);

fn parse_retrain(text: &str) -> Result<Retrain, String> {
    if text == "off" {
        return Ok(Retrain(None));
    }
    let every = Duration::from_micros(parse_duration_us(text)?.unsigned_abs());
    if every < RETRAIN_EVERY_MIN {
        return Err(format!("write off, or at least {} s", RETRAIN_EVERY_MIN.as_secs()));
    }
    Ok(Retrain(Some(every)))
}

fn parse_switch(word: &str) -> Result<bool, String> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("write on or off".to_owned()),
    }
}

fn usage(wrong: String) -> UsageError {
    UsageError(wrong, "run")
}

/// Runs the engine.
pub fn execute(args: RunArgs) -> anyhow::Result<Outcome> {
    let stop = stop_on_signals()?;
    let cluster = args.cluster.cluster()?;
    // Parsed here, since an error of clap's would show the password that may be in it.
    let mlflow = args.mlflow.as_deref().map(WebServer::parse).transpose();
    let mlflow = mlflow.map_err(|wrong| usage(format!("--mlflow: {wrong}")))?;
    let source = args
        .input
        .chosen("run")?
        .open(args.start, args.future_max, args.on_lost_offsets)?
        .ok_or_else(|| usage("no input: give --brokers HOST:PORT (and --topic), or --csv FILE..".to_owned()))?;
    let listen = |address| listen::listen(address).with_context(|| format!("--http: cannot listen on {address}"));
    let http = args.http.map(listen).transpose()?;
    // Only process 0 writes; the others get what is stored from it.
    let database = if cluster.process == 0 { Some(args.database.open()?) } else { None };
    let summary = Run {
        database: database.as_ref().map(|database| database.url.clone()),
        cluster,
        outputs: args.outputs,
        forecasts: ForecastConfig { when: args.forecasts, pretrained: args.pretrained },
        retrain_every: args.retrain.0,
        mlflow,
        http,
        retention_us: args.retention,
        future_max_us: args.future_max,
        tick_ms: args.tick,
        exit_at_end: args.exit_at_end,
        stop: Arc::clone(&stop),
        ..Run::new(source)
    }
    .run()?;
    if let Some(summary) = summary {
        println!("{}", serde_json::to_string(&summary).map_err(|error| anyhow!("the summary: {error}"))?);
    }
    Ok(Outcome::Done)
}
