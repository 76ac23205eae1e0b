//! The whole pipeline from a real Kafka into a real Postgres, as one table: throughput beside COPY of the same final rows,
//! the time from produce to commit, and what it takes of memory and CPU. README.md beside this says how to read it.
//!
//! Postgres flushes every commit to disk, for `run` and for COPY alike.

#[allow(dead_code, reason = "the tests use the rest of it")]
#[path = "../../tests/it/harness/mod.rs"]
mod harness;

mod extent;
mod idle;
mod latency;
mod memory;
mod origins;
mod peak;
mod polls;
mod readers;
mod table;
mod throughput;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use viewtide::postgres::managed::{ManagedConfig, ManagedPostgres};

use crate::extent::Extent;
use crate::harness::folder::Folder;
use crate::harness::postgres::rows;
use crate::harness::process::Process;

/// Longer than any of the runs takes on a slow machine.
pub const DEADLINE: Duration = Duration::from_secs(600);

/// A server whose commits reach the disk, with the settings of viewtide's own.
pub struct Server {
    postgres: ManagedPostgres,
    _folder: Folder,
}

impl Server {
    fn start() -> Self {
        let folder = Folder::new();
        let data_dir = Some(folder.path().join("data"));
        let postgres = ManagedPostgres::start(ManagedConfig { data_dir, port: None }).expect("a Postgres");
        Self { postgres, _folder: folder }
    }

    /// The URL of a new, empty database. What others left in memory is on disk before, so that nobody pays for it.
    pub fn fresh_database(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bench_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        // This way of creating one begins and ends with a checkpoint.
        let sql = format!("CREATE DATABASE {name} STRATEGY FILE_COPY");
        rows(&self.postgres.url(), &sql).expect("a database");
        self.postgres.url_of(&name)
    }

    /// Drops the database at `url`.
    pub fn drop_database(&self, url: &str) {
        let name = url.rsplit('/').next().expect("the end of a URL");
        // Without FORCE: that may not end a vacuum, which is of another role; without it the server itself ends one.
        rows(&self.postgres.url(), &format!("DROP DATABASE {name}")).expect("a database to drop");
    }
}

/// Asks a run for a clean stop, and waits for it.
pub fn stop(run: Process) {
    run.signal(Signal::SIGTERM);
    run.wait(Duration::from_secs(30)).expect_code(0);
}

/// A part of the table: its name, and what measures it.
type Part = (&'static str, fn(&Server));

/// Measures all parts, or those that are named: `cargo bench --bench end_to_end -- latency idle`.
fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let server = Server::start();
    table::head();
    let parts: [Part; 8] = [
        ("throughput", |server| throughput::measure(server, Extent::Hours)),
        ("throughput-all", |server| throughput::measure(server, Extent::All)),
        ("latency", |server| latency::measure(server, Extent::Hours)),
        ("latency-all", |server| latency::measure(server, Extent::All)),
        ("latency-forecasts", origins::measure),
        ("latency-readers", readers::measure),
        ("idle", idle::measure),
        ("memory", memory::measure),
    ];
    for (name, measure) in parts {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            measure(&server);
        }
    }
}
