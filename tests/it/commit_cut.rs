//! The connection cut at COMMIT, both ways it can have ended: before the server saw it, and after it was carried out and
//! before the answer came back.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::disorder::disordered;
use crate::harness::postgres::{self, Database};
use crate::harness::process::viewtide;
use crate::harness::wait_for;
use crate::metadata::Topics;
use crate::scenario::{DEADLINE, Size, assert_verified, rows_of, run_args, run_to_end, send, tables};

/// `COMMIT` as a simple query of PostgreSQL's protocol, version 3: its kind, its length, and its text.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// Every third COMMIT is cut.
const CUT_EVERY: u64 = 3;

#[derive(Clone, Copy, Debug)]
enum Cut {
    BeforeTheServerSawIt,
    AfterItWasCarriedOut,
}

/// A proxy before the shared server that cuts connections.
struct Proxy {
    port: u16,
    cuts: Arc<AtomicU64>,
}

impl Proxy {
    fn start(cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let (cuts, commits) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&cuts);
        // The thread ends with the process; it holds nothing but sockets.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (cuts, commits) = (Arc::clone(&counted), Arc::clone(&commits));
                std::thread::spawn(move || drop(forward(client, cut, &commits, &cuts)));
            }
        });
        Self { port, cuts }
    }

    /// The URL of `database` by way of this proxy.
    fn url(&self, database: &Database) -> String {
        let url = database.url();
        let (credentials, place) = url.split_once('@').expect("a URL with a password");
        let (_, name) = place.rsplit_once('/').expect("a URL with a database");
        format!("{credentials}@127.0.0.1:{}/{name}", self.port)
    }
}

/// Carries one connection until a side ends it or a COMMIT is cut.
fn forward(mut client: TcpStream, cut: Cut, commits: &AtomicU64, cuts: &AtomicU64) -> std::io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", postgres::shared().port()))?;
    let (mut answers, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let deaf = Arc::new(AtomicU64::new(0));
    let is_deaf = Arc::clone(&deaf);
    let back = std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = answers.read(&mut buffer) {
            if is_deaf.load(Ordering::SeqCst) > 0 {
                // The answer to COMMIT: it was carried out, and nobody will hear of it.
                break;
            }
            if to_client.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let is_commit = buffer[..count].ends_with(COMMIT);
        if is_commit && commits.fetch_add(1, Ordering::SeqCst) % CUT_EVERY == CUT_EVERY - 1 {
            cuts.fetch_add(1, Ordering::SeqCst);
            match cut {
                Cut::BeforeTheServerSawIt => break,
                Cut::AfterItWasCarriedOut => {
                    deaf.store(1, Ordering::SeqCst);
                    server.write_all(&buffer[..count])?;
                    let _ = back.join();
                    break;
                }
            }
        }
        server.write_all(&buffer[..count])?;
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
    Ok(())
}

#[test]
fn a_connection_cut_at_commit_changes_nothing() {
    let rows = disordered(&rows_of("tracked_dense.csv.gz")[..4_000], 41);
    for cut in [Cut::BeforeTheServerSawIt, Cut::AfterItWasCarriedOut] {
        let topics = Topics::fresh();
        let (topic, input) = (topics.snapshots.clone(), topics.input());
        let database = Database::fresh();
        viewtide(["migrate", "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
        let proxy = Proxy::start(cut);
        let mut args = run_args(&input, &database, &["--tick", "10", "--forecasts", "all"]);
        let url = args.iter().position(|arg| *arg == database.url()).expect("a database URL");
        args[url] = proxy.url(&database);
        let run = viewtide(args);
        // One part after the other, so that there are many commits.
        let mut words = 0;
        for (number, part) in rows.chunks(200).enumerate() {
            // Videos move in commits that are cut too: who counts where follows what was carried out.
            let channel = format!("UC-{}", number % 3);
            let moving: BTreeSet<&str> = part.iter().map(|row| row.video.as_str()).take(5).collect();
            let said: Vec<_> = moving.into_iter().map(|video| (video, channel.as_str(), "10")).collect();
            topics.say(&said);
            words += said.len();
            send(&topic, part);
            std::thread::sleep(Duration::from_millis(20));
        }
        let durable = "SELECT coalesce(sum((span ->> 'next')::bigint), 0) \
                       FROM viewtide_progress, jsonb_each(positions) AS p(partition, span)";
        wait_for("every record to be durable", DEADLINE, || {
            (database.value(durable) == (rows.len() + words).to_string()).then_some(())
        });
        run.signal(Signal::SIGTERM);
        let ended = run.wait(Duration::from_secs(10)).expect_code(0);
        let cuts = proxy.cuts.load(Ordering::SeqCst);
        assert!(cuts >= 3, "{cut:?}: only {cuts} cuts of {} commits", ended.json()["commits"]);
        assert_eq!(ended.json()["records"], rows.len(), "{cut:?}: every record is counted once");
        assert_verified(&database, &input);
        let undisturbed = Database::fresh();
        run_to_end(&input, &undisturbed, Size { workers: 1, processes: 1 }, &["--forecasts", "all"]);
        assert_eq!(tables(&database), tables(&undisturbed), "{cut:?}");
    }
}
