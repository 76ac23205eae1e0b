//! What `run` costs while nothing comes in.

use std::time::{Duration, Instant};

use crate::harness::kafka;
use crate::harness::postgres::rows;
use crate::harness::process::viewtide;
use crate::table::row;
use crate::{Server, peak, polls, stop};

const RECORDS: u64 = 20_000;
const SECONDS: u64 = 10;

/// Measures and prints.
pub fn measure(server: &Server) {
    let topic = polls::EVEN.topic(4, RECORDS);
    for tick_ms in ["100", "10"] {
        let database = server.fresh_database();
        let brokers = kafka::shared().brokers();
        let args = ["run", "--brokers", &brokers, "--topic", &topic, "--database-url", &database, "--tick", tick_ms];
        let run = viewtide(args);
        let read_all =
            format!("SELECT 1 FROM (SELECT count(*) FROM video_stats_processed) AS n WHERE count = {RECORDS}");
        crate::harness::wait_for("all records to be committed", Duration::from_secs(60), || {
            rows(&database, &read_all).is_ok_and(|found| !found.is_empty()).then_some(())
        });
        // What is done once after the last record is none of the idling.
        std::thread::sleep(Duration::from_secs(2));
        let committed = || rows(&database, "SELECT tick, committed_at, xmin FROM viewtide_progress").expect("progress");
        let (before, cpu_before, began) = (committed(), peak::cpu_seconds(&run), Instant::now());
        std::thread::sleep(Duration::from_secs(SECONDS));
        let percent = 100.0 * (peak::cpu_seconds(&run) - cpu_before) / began.elapsed().as_secs_f64();
        assert_eq!(before, committed(), "a tick of nothing is not committed");
        stop(run);
        server.drop_database(&database);
        row(&format!("idle, tick {tick_ms} ms: % of a core"), &format!("{percent:.1}"), "");
    }
}
