//! `viewtide dead-letters`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::database::{DatabaseArgs, runtime};
use crate::cli::kafka::KafkaArgs;
use crate::cli::list_format::Format;
use crate::cli::stop::stop_on_signals;
use crate::cli::{Outcome, UsageError};
use crate::dead_letters::DeadLettersError;
use crate::dead_letters::export::export;
use crate::dead_letters::filter::{Filter, Offsets};
use crate::dead_letters::list::{list_json, list_table};
use crate::dead_letters::resend::{LettersFrom, ResendConfig, ResendEvent, ResendSummary, Stamp, resend};
use crate::dead_letters::stored::StoredLetters;
use crate::destination::Destination;
use crate::limits::RESENDS_SHOWN_MAX;
use crate::postgres::connect::connect;

/// How often an export looks whether a signal came.
const STOP_POLL: Duration = Duration::from_millis(20);

/// What to do with dead letters. They stay in the table in any case: they say what was at a place of the input, and `verify`
/// compares them.
#[derive(Clone, Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct DeadLettersArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Show them, and how many there are for which reason
    List(ListArgs),
    /// Write them to a file, one a line as JSON, to be repaired with an editor
    Export(ExportArgs),
    /// Send their bytes, or those of a repaired file, to Kafka again
    #[command(
        after_help = "A dead letter stays in the table whatever is sent: it is what was at its place of the input. One that \
                      is sent again and is still no snapshot becomes another dead letter, at its new place.\n\
                      Refused are those of which only the beginning was kept, those without a payload, and rows of CSV \
                      files; what was refused or not acknowledged makes the exit code 1."
    )]
    Replay(ReplayArgs),
}

/// Which dead letters: those for which all that is given holds.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Which")]
struct FilterArgs {
    /// Of this topic, or of this CSV file as it was named
    // Not VIEWTIDE_TOPIC, which tells `run` where to read: where a service has it, it would leave out the others unsaid.
    #[arg(long, env = "VIEWTIDE_FROM_TOPIC", value_name = "TOPIC")]
    from_topic: Option<String>,
    /// Of this partition
    #[arg(long, env = "VIEWTIDE_PARTITION", value_name = "N")]
    partition: Option<u32>,
    /// At this offset (of a CSV file: line), or from one to another, both included: 17, 17..42, 17.. or ..42
    #[arg(long, env = "VIEWTIDE_OFFSET", value_name = "FROM[..TO]")]
    offset: Option<Offsets>,
    /// With this text in their reason, in upper or lower case
    #[arg(long, env = "VIEWTIDE_REASON", value_name = "TEXT")]
    reason: Option<String>,
    /// Stored at this time or later, such as 2025-07-01T00:00:00Z
    #[arg(long, env = "VIEWTIDE_SINCE", value_name = "TIME", value_parser = parse_time)]
    since: Option<Timestamp>,
    /// Stored before this time
    #[arg(long, env = "VIEWTIDE_UNTIL", value_name = "TIME", value_parser = parse_time)]
    until: Option<Timestamp>,
    /// The first so many, in order of topic, partition and offset
    #[arg(long, env = "VIEWTIDE_LIMIT", value_name = "N")]
    limit: Option<u64>,
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write a time such as 2025-07-01T00:00:00Z".to_owned())
}

impl FilterArgs {
    fn filter(self) -> Filter {
        let Self { from_topic: topic, partition, offset, reason, since, until, limit } = self;
        Filter { topic, partition, offsets: offset, reason, since, until, before_gap: None, limit }
    }
}

/// What to list, and how.
#[derive(Clone, Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// A table for people, with a closing line that counts by reason, or one JSON object a line
    #[arg(long, env = "VIEWTIDE_FORMAT", value_enum, default_value_t = Format::Table)]
    format: Format,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// What to export, and where to.
#[derive(Clone, Debug, Args)]
struct ExportArgs {
    /// The file, written whole or not at all; - is standard output, and a pipe or a device is written into
    #[arg(value_name = "FILE")]
    file: String,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// What to send again, and where to.
#[derive(Clone, Debug, Args)]
struct ReplayArgs {
    /// Kafka brokers, as host:port,host:port; needed unless with --dry-run
    #[arg(long, env = "VIEWTIDE_BROKERS", value_name = "BROKERS")]
    brokers: Option<String>,
    /// Another topic than the one that each came from; needed for those of CSV files
    #[arg(long, env = "VIEWTIDE_TO_TOPIC", value_name = "TOPIC")]
    to_topic: Option<String>,
    /// Send what this file holds, in the form of `export`, and not what the table does; no database is needed then
    #[arg(long, env = "VIEWTIDE_FILE", value_name = "FILE")]
    file: Option<PathBuf>,
    /// The time that records are given in Kafka: the one that they had there (where there is none, when the dead letter was
    /// stored), when it was stored, or now. It is the event time of records that have no timestamp of their own, and a
    /// snapshot may not be far ahead of it (--future-max of `run`)
    #[arg(long, env = "VIEWTIDE_STAMP", value_enum, default_value_t = StampArg::Kept)]
    stamp: StampArg,
    /// Send those too that were read before their partition began anew (the topic was created again, or lost its end): a
    /// record of the topic that is there now may have taken their place
    #[arg(long, env = "VIEWTIDE_BEFORE_GAPS")]
    before_gaps: bool,
    /// Only say what would be sent
    #[arg(long, env = "VIEWTIDE_DRY_RUN")]
    dry_run: bool,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    kafka: KafkaArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// As [`Stamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StampArg {
    /// The one that it had.
    Kept,
    /// When the dead letter was stored.
    Received,
    /// The time of sending.
    Now,
}

/// The line of JSON that a replay ends with.
#[derive(Serialize)]
struct Summary {
    chosen: u64,
    sent: u64,
    acknowledged: u64,
    refused: u64,
    left_out: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_send: Option<u64>,
    stopped: bool,
    seconds: f64,
}

/// Carries out the command.
pub fn execute(args: DeadLettersArgs) -> anyhow::Result<Outcome> {
    match args.command {
        Command::List(args) => list(args),
        Command::Export(args) => write(args),
        Command::Replay(args) => replay(args),
    }
}

fn list(args: ListArgs) -> anyhow::Result<Outcome> {
    let database = args.database.open()?;
    let filter = args.filter.filter();
    let listed = runtime()?.block_on(async {
        let mut client = connect(&database.url, "viewtide dead-letters").await?;
        let letters = StoredLetters::open(&mut client).await?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        anyhow::Ok(match args.format {
            Format::Table => list_table(&letters, &filter, &mut out).await,
            Format::Json => list_json(&letters, &filter, &mut out).await,
        })
    })?;
    done_or_closed(listed)
}

/// Who reads standard output, such as `head`, may have seen enough.
fn done_or_closed(written: Result<(), DeadLettersError>) -> anyhow::Result<Outcome> {
    match written {
        Err(DeadLettersError::Write { error, .. }) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Outcome::Done),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(Outcome::Done),
    }
}

/// Drawn where standard error is a terminal, and nowhere else.
fn bar(length: u64) -> anyhow::Result<ProgressBar> {
    let style =
        ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} dead letters, {per_sec}, {eta} left")?;
    Ok(ProgressBar::new(length).with_style(style))
}

fn write(args: ExportArgs) -> anyhow::Result<Outcome> {
    let database = args.database.open()?;
    let filter = args.filter.filter();
    let destination = Destination::named(&args.file);
    // Elsewhere nothing is left behind, and a signal ends the process at once.
    let stop = matches!(destination, Destination::File(_)).then(stop_on_signals).transpose()?;
    let exported = async {
        let mut client = connect(&database.url, "viewtide dead-letters").await?;
        let letters = StoredLetters::open(&mut client).await?;
        let bar = bar(letters.count(&filter).await?)?;
        let written = export(&letters, &filter, &destination, &mut |written| bar.set_position(written)).await;
        bar.finish_and_clear();
        anyhow::Ok(written)
    };
    let written = runtime()?.block_on(async {
        tokio::select! {
            written = exported => written,
            // The temporary file goes with the export.
            () = raised(stop) => Ok(Err(DeadLettersError::Stopped { file: args.file.clone() })),
        }
    })?;
    if let (Ok(written), Destination::File(_) | Destination::Stream(_)) = (&written, &destination) {
        eprintln!("{written} dead letter(s) in {}", args.file);
    }
    done_or_closed(written.map(drop))
}

/// Waits for a signal, where one is waited for.
async fn raised(stop: Option<Arc<AtomicBool>>) {
    let Some(stop) = stop else { return std::future::pending().await };
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(STOP_POLL).await;
    }
}

fn replay(args: ReplayArgs) -> anyhow::Result<Outcome> {
    // By its value: VIEWTIDE_DRY_RUN may say false.
    if args.brokers.is_none() && !args.dry_run {
        let wrong = "--brokers says where to send them, or --dry-run that nothing is to be sent; give one of them";
        return Err(UsageError(wrong.to_owned(), "dead-letters replay").into());
    }
    let stop = stop_on_signals()?;
    let config = ResendConfig {
        settings: args.brokers.filter(|_| !args.dry_run).map(|brokers| args.kafka.settings(&brokers)),
        filter: Filter { before_gap: if args.before_gaps { None } else { Some(false) }, ..args.filter.filter() },
        to_topic: args.to_topic,
        stamp: match args.stamp {
            StampArg::Kept => Stamp::Kept,
            StampArg::Received => Stamp::Received,
            StampArg::Now => Stamp::Now,
        },
    };
    let mut teller = Teller { bar: bar(0)?, said: 0, unsaid: 0 };
    let summary = runtime()?.block_on(async {
        let observe = &mut |event: ResendEvent<'_>| teller.tell(&event);
        match args.file {
            Some(file) => anyhow::Ok(resend(LettersFrom::File(file), &config, &stop, observe).await?),
            None => {
                let database = args.database.open()?;
                let mut client = connect(&database.url, "viewtide dead-letters").await?;
                Ok(resend(LettersFrom::Database(&mut client), &config, &stop, observe).await?)
            }
        }
    })?;
    teller.finish(&summary);
    let complete = summary.is_complete();
    let json = Summary {
        chosen: summary.chosen,
        sent: if args.dry_run { 0 } else { summary.sent },
        acknowledged: summary.acknowledged,
        refused: summary.refused,
        left_out: summary.left_out,
        would_send: args.dry_run.then_some(summary.sent),
        stopped: summary.stopped,
        seconds: summary.elapsed.as_secs_f64(),
    };
    let json = serde_json::to_string(&json).map_err(|error| anyhow!("the summary: {error}"))?;
    writeln!(io::stdout(), "{json}").context("cannot write to standard output")?;
    Ok(if complete { Outcome::Done } else { Outcome::Incomplete })
}

/// Says what is refused, and what would be sent, up to a limit.
struct Teller {
    bar: ProgressBar,
    said: u64,
    unsaid: u64,
}

impl Teller {
    fn tell(&mut self, event: &ResendEvent<'_>) {
        if let ResendEvent::Progress(summary) = event {
            self.bar.set_length(summary.chosen);
            self.bar.set_position(summary.acknowledged + summary.refused);
            return;
        }
        if self.said == RESENDS_SHOWN_MAX {
            self.unsaid += 1;
            return;
        }
        self.said += 1;
        self.bar.suspend(|| match event {
            ResendEvent::Refused(letter, why) => eprintln!("{letter}: refused: {why}"),
            ResendEvent::WouldSend(letter, topic) => {
                let bytes = letter.payload.as_ref().map_or(0, Vec::len);
                eprintln!("{letter}: {bytes} bytes would be sent to topic {topic} ({})", letter.reason);
            }
            ResendEvent::Progress(_) => {}
        });
    }

    fn finish(&self, summary: &ResendSummary) {
        self.bar.finish_and_clear();
        if self.unsaid > 0 {
            eprintln!("and {} more", self.unsaid);
        }
        if let Some(why) = &summary.why {
            match summary.missing() {
                0 => eprintln!("{why}"),
                missing => {
                    eprintln!("{missing} dead letter(s) were not acknowledged: {why}; they may be in the topic or not");
                }
            }
        }
        if summary.left_out > 0 {
            eprintln!(
                "{} dead letter(s) were left out: they were read before their partition began anew; --before-gaps sends them \
                 as well",
                summary.left_out
            );
        }
        if summary.chosen == 0 {
            eprintln!("there is no such dead letter");
        }
    }
}
