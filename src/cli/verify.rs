//! `viewtide verify`.

use clap::Args;

use crate::cli::Outcome;
use crate::cli::database::{DatabaseArgs, runtime};
use crate::cli::input::InputArgs;
use crate::postgres::connect::connect;
use crate::source::OnLostOffsets;
use crate::source::kafka::Start;
use crate::verify::Verification;
use crate::verify::report::VerifyReport;

/// What to compare.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    input: InputArgs,
}

/// Compares, and says what differs.
pub fn execute(args: VerifyArgs) -> anyhow::Result<Outcome> {
    let input = args.input.chosen("verify")?;
    let database = args.database.open()?;
    let report = runtime()?.block_on(async {
        let mut client = connect(&database.url, "viewtide verify").await?;
        let verification = Verification::begin(&mut client).await?;
        // The input is judged as it was when it was read, whatever the flags of today.
        let future_max_us = verification.stored().future_max_us;
        // What a topic holds no longer cannot be compared; the rest can.
        let source = input.open(Start::Earliest, future_max_us, OnLostOffsets::Earliest)?;
        anyhow::Ok(verification.run(source).await?)
    })?;
    say(&report);
    println!("{}", serde_json::to_string(&report)?);
    Ok(if report.holds() { Outcome::Done } else { Outcome::DifferencesFound })
}

fn say(report: &VerifyReport) {
    for difference in &report.first {
        eprintln!("{difference}");
    }
    let all: u64 = report.differences.values().sum();
    let shown = report.first.len() as u64;
    if all > shown {
        eprintln!("and {} more", all - shown);
    }
    if report.crossing_videos > 0 {
        eprintln!(
            "{} video(s) have records in several partitions; their order there was taken as it was stored",
            report.crossing_videos
        );
    }
    for name in &report.not_compared {
        eprintln!("{name} was read too and is not given: what comes from it was not compared with it");
    }
    for name in &report.never_read {
        eprintln!("{name} was never read by a run: nothing was compared with it");
    }
    if let Some(rest) = report.rest_of_input() {
        eprintln!("{rest}");
    }
    let against = match (report.records, report.read_from.is_empty()) {
        (None, _) => "the raw rows",
        (Some(_), true) => "the input and the raw rows",
        (Some(_), false) => "the rest of the input and the raw rows",
    };
    match all {
        0 => eprintln!("every table is exactly what {against} give, at tick {}", report.tick),
        all => eprintln!("{all} difference(s) from what {against} give, at tick {}", report.tick),
    }
}
