//! Memory does not grow once it is full: four times as many records of the same videos, in time order.

use crate::harness::process::viewtide;
use crate::table::row;
use crate::{DEADLINE, Server, peak, polls};

/// A million records are then 200 h of every video, just more than the 198 h that memory keeps (ARCHITECTURE.md).
const POLL_S: i64 = 7_200;

/// Measures and prints.
pub fn measure(server: &Server) {
    let folder = tempfile::tempdir().expect("a folder");
    let peaks_mb = [1_000_000, 4_000_000].map(|records| {
        let path = folder.path().join("polls.csv");
        polls::csv(&path, records, POLL_S).expect("a CSV file");
        let database = server.fresh_database();
        let path = path.display().to_string();
        let run = viewtide(["run", "--csv", &path, "--database-url", &database, "--exit-at-end"]);
        let peak = peak::watch(&run);
        let summary = run.wait(DEADLINE).expect_code(0).json();
        assert_eq!(summary["records"], records);
        server.drop_database(&database);
        peak.join().expect("the watcher does not panic")
    });
    row("peak memory over 1 M records, 200 h of each video, MB", &format!("{:.0}", peaks_mb[0]), "");
    row("peak memory over 4 M records, 800 h of each video, MB", &format!("{:.0}", peaks_mb[1]), "the same");
}
