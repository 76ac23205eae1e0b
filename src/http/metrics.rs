//! `/metrics`, in Prometheus' text format
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{TEXT_FORMAT, TextEncoder};

use crate::engine::observed::Observed;
use crate::http::Shown;
use crate::http::readers::{ReadError, Readers};
use crate::sink::totals::CommitTimes;

/// Names and values of labels, and a figure.
type Sample = (Vec<(&'static str, String)>, f64);

const MODELS: &str = "SELECT model_name, version FROM models WHERE status = 'active'";

/// All figures. Those of the tables are left out while Postgres is away, which is a figure too.
pub(super) async fn metrics(State(shown): State<Arc<Shown>>) -> Response {
    let mut families = of_engine(&shown.observed);
    if let Some(readers) = &shown.readers {
        let models = models(readers).await;
        let is_up = f64::from(u8::from(models.is_ok()));
        families.push(gauge("viewtide_database_up", "Whether the tables can be read.", one(is_up)));
        families.extend(models.ok());
    }
    families.extend(ProcessCollector::for_self().collect());
    families.retain(|family| !family.get_metric().is_empty());
    match TextEncoder::new().encode_to_string(&families) {
        Ok(text) => ([(CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn models(readers: &Readers) -> Result<MetricFamily, ReadError> {
    let rows = readers.query(MODELS, &[]).await?;
    let sample = |row: &tokio_postgres::Row| (vec![("model", row.get(0))], f64::from(row.get::<_, i32>(1)));
    let help = "The version of each model that forecasts are made by.";
    Ok(gauge("viewtide_model_version", help, rows.iter().map(sample).collect()))
}

fn of_engine(observed: &Observed) -> Vec<MetricFamily> {
    let totals = observed.totals();
    let workers = totals.records_per_worker.iter();
    let workers = workers.map(|(worker, records)| (vec![("worker", worker.to_string())], *records as f64)).collect();
    let tables = totals.rows.iter().map(|(table, rows)| (vec![("table", (*table).to_owned())], *rows as f64)).collect();
    let lags = observed.lags().unwrap_or_default().into_iter();
    let lags = lags.map(|(partition, lag)| {
        let labels = vec![("input", partition.input.name().to_owned()), ("partition", partition.number.to_string())];
        (labels, lag as f64)
    });
    let age = observed.durable_age_ms().map(|age_ms| (Vec::new(), age_ms as f64 / 1_000.0));
    let version = vec![(vec![("version", env!("CARGO_PKG_VERSION").to_owned())], 1.0)];
    let count = |count: u64| one(count as f64);
    vec![
        gauge("viewtide_info", "The program's version.", version),
        gauge("viewtide_lag_records", "Records that wait to be read, by partition.", lags.collect()),
        gauge(
            "viewtide_durable_age_seconds",
            "How long ago the last durable tick was; it grows while nothing comes in.",
            age.into_iter().collect(),
        ),
        gauge("viewtide_state_loaded", "Whether all that is stored has been loaded.", {
            one(f64::from(u8::from(observed.is_loaded())))
        }),
        counter("viewtide_records_total", "Snapshots that were read and are durable, by worker.", workers),
        counter("viewtide_rows_written_total", "Rows written, by table.", tables),
        commit_times(totals.commits, &totals.commit_times),
        counter("viewtide_commit_retries_total", "Commits that were tried again.", count(totals.retries)),
        counter("viewtide_dead_letters_total", "Records that were no snapshot.", count(totals.dead_letters)),
        counter("viewtide_late_rows_total", "Snapshots that came too late to be folded in.", count(totals.late)),
        counter(
            "viewtide_crossed_records_total",
            "Snapshots of a video that was last seen in another partition.",
            count(totals.crossed),
        ),
        counter("viewtide_gaps_total", "Gaps in the input, as in lost_offsets.", count(totals.gaps)),
        counter("viewtide_forecasts_issued_total", "Forecasts that were issued.", count(totals.forecasts_issued)),
        counter(
            "viewtide_readers_gated_total",
            "How often a reader reached the limit of what may be read and not yet durable, and had to wait.",
            count(observed.times_gated()),
        ),
    ]
}

fn one(value: f64) -> Vec<Sample> {
    vec![(Vec::new(), value)]
}

fn commit_times(commits: u64, times: &CommitTimes) -> MetricFamily {
    let mut below = 0;
    let buckets = CommitTimes::BOUNDS_MS.into_iter().zip(times.counts).map(|(bound_ms, count)| {
        below += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(bound_ms as f64 / 1_000.0);
        bucket.set_cumulative_count(below);
        bucket
    });
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(commits);
    histogram.set_sample_sum(times.total.as_secs_f64());
    let mut metric = Metric::default();
    metric.set_histogram(histogram);
    family("viewtide_commit_seconds", "How long commits took.", MetricType::HISTOGRAM, vec![metric])
}

fn gauge(name: &str, help: &str, samples: Vec<Sample>) -> MetricFamily {
    let set = |metric: &mut Metric, value| {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    };
    family(name, help, MetricType::GAUGE, metrics_of(samples, set))
}

fn counter(name: &str, help: &str, samples: Vec<Sample>) -> MetricFamily {
    let set = |metric: &mut Metric, value| {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    };
    family(name, help, MetricType::COUNTER, metrics_of(samples, set))
}

fn metrics_of(samples: Vec<Sample>, set: impl Fn(&mut Metric, f64)) -> Vec<Metric> {
    let metric = |(labels, value): Sample| {
        let mut metric = labelled(labels);
        set(&mut metric, value);
        metric
    };
    samples.into_iter().map(metric).collect()
}

fn labelled(labels: Vec<(&'static str, String)>) -> Metric {
    let label = |(name, value): (&str, String)| {
        let mut label = LabelPair::default();
        label.set_name(name.to_owned());
        label.set_value(value);
        label
    };
    Metric::from_label(labels.into_iter().map(label).collect())
}

fn family(name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}
