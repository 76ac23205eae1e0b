//! The whole pipeline from a real Kafka into a real Postgres, as one table: throughput beside COPY of the same final rows,
//! and the time from produce to commit.
//!
//! Postgres flushes every commit to disk, for `run` and for COPY alike.

#[allow(dead_code, reason = "the tests use the rest of it")]
#[path = "../../tests/it/harness/mod.rs"]
mod harness;

mod latency;
mod polls;
mod throughput;

use std::sync::atomic::{AtomicU32, Ordering};

use viewtide::postgres::managed::{ManagedConfig, ManagedPostgres};

/// A server whose commits reach the disk.
pub struct Server {
    postgres: ManagedPostgres,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("viewtide-bench-").tempdir().expect("a folder");
        let data_dir = Some(folder.path().join("data"));
        // As root the server runs under another account, which must get at its data.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).expect("a folder that others may enter");
        let postgres = ManagedPostgres::start(ManagedConfig { data_dir, port: None }).expect("a Postgres");
        Self { postgres, _folder: folder }
    }

    /// The URL of a new, empty database.
    pub fn fresh_database(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bench_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        harness::postgres::rows(&self.postgres.url(), &format!("CREATE DATABASE {name}")).expect("a database");
        self.postgres.url_of(&name)
    }
}

/// One line of the table.
pub fn line(figure: &str, measured: &str, wanted: &str) {
    println!("{figure:<72} {measured:>22} {wanted:>12}");
}

/// Smallest, middle and largest.
pub fn spread(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (min, median, max) = (sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
    format!("{min:.2} / {median:.2} / {max:.2}")
}

fn main() {
    let server = Server::start();
    line("figure (min / median / max of runs in turn)", "measured", "wanted");
    throughput::measure(&server);
    latency::measure(&server);
}
