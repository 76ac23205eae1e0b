//! A process that is stopped in the middle of COPY: a second one takes over within seconds, and the first, woken, ends
//! itself without having written anything.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::postgres::Database;
use crate::harness::process::viewtide;
use crate::scenario::{Input, Size, assert_verified, rows_of, run_args, run_to_end, tables, topic_of};

#[test]
fn a_process_stopped_in_copy_is_replaced_and_ends_itself() {
    let rows: Vec<_> = rows_of("trending_intraday.csv.gz").into_iter().take(60_000).collect();
    let input = Input::Topic(topic_of("zombie", 4, &rows));
    let undisturbed = Database::fresh();
    run_to_end(&input, &undisturbed, Size { workers: 1, processes: 1 }, &["--forecasts", "all"]);

    // Stopping it in COPY takes luck, so it is tried until the server says that it waits for the client in a COPY.
    for _ in 0..40 {
        let database = Database::fresh();
        let first = viewtide(run_args(&input, &database, &["--tick", "10", "--forecasts", "all"]));
        if !stop_in_copy(&database, || first.signal(Signal::SIGSTOP)) {
            first.signal(Signal::SIGCONT);
            continue;
        }
        let began = Instant::now();
        run_to_end(&input, &database, Size { workers: 2, processes: 1 }, &["--forecasts", "all"]);
        let took_over = began.elapsed();
        let expected = tables(&undisturbed);
        assert_eq!(tables(&database), expected, "after the second one has taken over");
        assert!(took_over < Duration::from_secs(120), "taking over took {took_over:?}");

        first.signal(Signal::SIGCONT);
        let first = first.wait(Duration::from_secs(30)).expect_code(1);
        assert!(first.stderr.contains("incarnation"), "it says why it ends: {}", first.stderr);
        assert_eq!(tables(&database), expected, "after the first one has woken up");
        assert_verified(&database, &input);
        return;
    }
    panic!("never stopped in the middle of a COPY");
}

/// Whether `stop` was called, and took effect, while the sink's transaction was inside COPY.
fn stop_in_copy(database: &Database, stop: impl Fn()) -> bool {
    let copying = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND pid <> pg_backend_pid() AND state = 'active' AND query ILIKE 'COPY %'";
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(10) {
        if database.value(copying) != "0" {
            stop();
            // What was on its way is read by the server; then it is still in COPY, or it was not stopped there.
            std::thread::sleep(Duration::from_millis(300));
            let waiting = format!("{copying} AND wait_event = 'ClientRead'");
            return database.value(&waiting) != "0";
        }
    }
    false
}
