//! `viewtide evaluate`.

mod forecasts_file;
mod networks;
mod old_stack;
mod picture;
mod table;

use anyhow::anyhow;
use clap::Args;
use console::Term;
use serde::Serialize;
use viewtide_models::evaluate::{Line, evaluate};

use crate::cli::Outcome;
use crate::cli::durations::parse_duration_us;
use crate::cli::snapshots::read_csv;
use crate::cli::stop::stop_on_signals;
use crate::destination::Destination;
use crate::source::csv_whole::CsvTally;
use forecasts_file::{ForecastsFile, read_all};
use networks::NetworkArgs;
use old_stack::{OldStack, OwnRow, own_table};
use table::{seeds_table, table};

/// What to score the forecasts on.
#[derive(Clone, Debug, Args)]
pub struct EvaluateArgs {
    /// CSV files, plain or gzip, read in the order given; a directory stands for its *.csv and *.csv.gz, by name
    #[arg(long, env = "VIEWTIDE_CSV", value_name = "FILE", num_args = 1.., value_delimiter = ',', required = true)]
    csv: Vec<String>,
    /// How far ahead of the clock a row may be
    #[arg(long, env = "VIEWTIDE_FUTURE_MAX", value_name = "DURATION", default_value = "1h", value_parser = parse_duration_us)]
    future_max: i64,
    #[command(flatten)]
    networks: NetworkArgs,
    /// Score the random forest and the LSTM of the stack that viewtide replaces too; it takes minutes
    #[arg(long, env = "VIEWTIDE_OLD_STACK")]
    old_stack: bool,
    /// Score the forecasts in a CSV file too, under this name: a column each of video_id, issued_at (the origin, as in the
    /// snapshots), metric (views, likes, comments), horizon_hours (1, 6, 24), gain, and with intervals low and high. May be given
    /// several times
    #[arg(long, env = "VIEWTIDE_FORECASTS_FILE", value_name = "NAME=FILE", value_delimiter = ',', value_parser = ForecastsFile::parse)]
    forecasts_file: Vec<ForecastsFile>,
    /// Print all figures as one JSON object instead of a table
    #[arg(long, env = "VIEWTIDE_JSON")]
    json: bool,
    /// Draw forecasts beside what came of them, and the errors, into this file as SVG, written whole or not at all; - is standard
    /// output, in place of the table
    #[arg(long, env = "VIEWTIDE_SVG", value_name = "FILE")]
    svg: Option<String>,
}

/// Whether the networks that are scored saw the videos that they are scored on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Sample {
    OutOfSample,
    InSample,
}

/// A line of the table.
#[derive(Clone, Debug, Serialize)]
struct Row {
    sample: Sample,
    /// Of which seed alone, where it is of one.
    seed: Option<u64>,
    #[serde(flatten)]
    line: Line,
}

/// Forecasts at every origin as if it were now, and scores what came of it.
pub fn execute(args: EvaluateArgs) -> anyhow::Result<Outcome> {
    let stop = stop_on_signals()?;
    let (videos, tally) = read_csv(&args.csv, args.future_max)?;
    let count = videos.len();
    let given = read_all(&args.forecasts_file, &videos)?;
    let (mut rows, mut own_rows, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    let networks = args.networks.open()?;
    for (sample, videos) in args.networks.samples(&networks, videos)? {
        let Some(mut methods) = networks.methods(&videos, &stop)? else {
            return Err(anyhow!("stopped before the networks were trained; nothing was scored"));
        };
        if args.old_stack {
            let old_stack = OldStack::rebuild(&videos, sample, networks.threads(), &stop)?;
            methods.extend(old_stack.methods);
            own_rows.extend(old_stack.own_rows);
        }
        methods.extend(given.iter().cloned());
        let lines = evaluate(&videos, &methods);
        if args.svg.is_some() {
            parts.push(picture::part(sample, &networks, &videos, &methods, &lines));
        }
        rows.extend(lines.into_iter().map(|line| Row { sample, seed: networks.seed_of(&line.method), line }));
    }
    if rows.iter().all(|row| row.line.scores.origins == 0) {
        return Err(anyhow!(
            "nothing can be scored: {} snapshot(s) of {count} video(s) have no origin with 20 hourly steps before it and a \
             count after it; give files of videos that were polled at least every 6 hours for more than a day",
            tally.snapshots
        ));
    }
    let destination = args.svg.as_deref().map(Destination::named);
    match &destination {
        // With anything else there it would be no picture.
        Some(Destination::Standard) => {}
        _ if args.json => println!("{}", json(&tally, count, &rows, &own_rows)),
        _ => show(&rows, &own_rows),
    }
    if let (Some(name), Some(destination)) = (&args.svg, &destination) {
        picture::write(name, destination, &parts)?;
    }
    Ok(Outcome::Done)
}

/// The tables, on a terminal no wider than it.
fn show(rows: &[Row], own_rows: &[OwnRow]) {
    let width = Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    let (all, left_out) = table(rows, width);
    println!("{all}");
    if !left_out.is_empty() {
        println!("The terminal is too narrow for: {}. --json has them too.", left_out.join(", "));
    }
    seeds_table(rows).iter().chain(&own_table(own_rows)).for_each(|table| println!("{table}"));
}

fn json(tally: &CsvTally, videos: usize, rows: &[Row], own_rows: &[OwnRow]) -> serde_json::Value {
    serde_json::json!({
        "snapshots": tally.snapshots,
        "refused_rows": tally.refused,
        "videos": videos,
        "scores": rows,
        "old_stack": own_rows,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use viewtide_models::evaluate::NAIVE_BLEND;
    use viewtide_models::naive::Naive;
    use viewtide_models::task::{HORIZONS_HOURS, Metric, Videos};

    use super::*;
    use crate::source::csv_whole::read_whole;
    use crate::source::refusal::Clock;
    use crate::source::times::Horizon;

    /// The bundled data, evaluated.
    fn lines() -> Vec<Line> {
        let path = format!("{}/data/tracked_dense.csv.gz", env!("CARGO_MANIFEST_DIR"));
        let horizon = Horizon { arrived_us: None, future_max_us: 0, clock: Clock::FirstStart };
        let mut videos = Videos::default();
        let tally = read_whole(&[path], horizon, &mut |video, snapshot| videos.observe(video, snapshot)).unwrap();
        assert_eq!((tally.snapshots, tally.refused, videos.len()), (46_068, 0, 41));
        evaluate(&videos, &[])
    }

    /// Relative errors by method, views at 1, 6 and 24 h, likes, comments, as an independent program in another language has
    /// them from the same data, to two digits.
    const INDEPENDENT: [(Naive, [f64; 9]); 3] = [
        (Naive::LastValue, [1.95, 2.62, 3.85, 1.47, 1.38, 1.44, 1.24, 1.39, 1.39]),
        (Naive::Mean24, [1.08, 1.03, 1.04, 1.42, 1.17, 1.14, 1.18, 1.14, 1.18]),
        // Of views, whose growth one premiere makes a thousandfold, another way to bridge it shows.
        (Naive::GrowthTrend, [f64::NAN, f64::NAN, f64::NAN, 1.36, 1.22, 1.18, 1.27, 1.28, 1.26]),
    ];

    #[test]
    fn the_bundled_data_give_the_figures_of_an_independent_program() {
        let lines = lines();
        let cells: Vec<_> =
            Metric::ALL.iter().flat_map(|metric| HORIZONS_HOURS.map(|hours| (*metric, hours))).collect();
        let by_cell: BTreeMap<_, _> =
            lines.iter().map(|line| ((line.metric, line.horizon_hours, line.method.as_str()), &line.scores)).collect();
        for (at, &(metric, hours)) in cells.iter().enumerate() {
            let of = |method: &str| by_cell[&(metric, hours, method)];
            let active = [21, 21, 21, 12, 12, 12, 6, 7, 7][at];
            assert_eq!(of(NAIVE_BLEND).active_videos, active, "{metric:?} {hours}");
            for (naive, independent) in INDEPENDENT {
                let found = of(naive.name()).relative_error.unwrap();
                let is_near = independent[at].is_nan() || (found - independent[at]).abs() < 0.025;
                assert!(is_near, "{metric:?} {hours} h, {naive:?}: {found} is not {}", independent[at]);
            }
            // By itself the blend is better than each of its members chosen in hindsight, and at least as good as that program's.
            let blend = of(NAIVE_BLEND);
            let error = blend.relative_error.unwrap();
            let best =
                Naive::ALL.iter().filter_map(|naive| of(naive.name()).relative_error).fold(f64::INFINITY, f64::min);
            let independent = [0.85, 0.82, 0.93, 0.94, 0.90, 0.88, 0.91, 0.94, 0.87][at];
            assert!(error < best && error < independent + 0.02, "{metric:?} {hours} h: {error}, {best} in hindsight");
            let coverage = if metric == Metric::Views { 0.78..0.82 } else { 0.76..0.88 };
            assert!(coverage.contains(&blend.coverage.unwrap()), "{metric:?} {hours} h: {:?}", blend.coverage);
            assert!(blend.coverage_min.unwrap() > 0.7, "{metric:?} {hours} h: {:?}", blend.coverage_min);
        }
    }

    #[test]
    fn the_table_has_all_lines_and_no_text_where_there_is_no_figure() {
        let row = |line| Row { sample: Sample::OutOfSample, seed: None, line };
        let rows: Vec<Row> = evaluate(&Videos::default(), &[]).into_iter().map(row).collect();
        let shown = table(&rows, None).0.to_string();
        assert_eq!(shown.matches(NAIVE_BLEND).count(), 9);
        assert!(!shown.to_lowercase().contains("nan"), "{shown}");
        assert!(seeds_table(&rows).is_none());
        let (narrow, left_out) = table(&rows, Some(80));
        assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
        assert!(narrow.to_string().contains("over naives") && left_out.contains(&"MSE"), "{narrow}");
        assert_eq!(shown.lines().count(), narrow.lines().count(), "no line is broken");
        let json = json(&CsvTally::default(), 0, &rows, &[]);
        assert_eq!(json["scores"].as_array().unwrap().len(), rows.len());
        assert_eq!(json["scores"][0]["sample"], "out_of_sample");
        assert_eq!(json["scores"][0]["metric"], "views");
        assert!(json["scores"][0]["relative_error"].is_null());
    }
}
