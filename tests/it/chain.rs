//! `make up` and `make down`: the whole chain, started, ended, killed and started again.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::checks;
use crate::harness::pages::get;
use crate::harness::postgres::rows;
use crate::harness::process::{Finished, Process, viewtide};
use crate::harness::{free_ports, target_dir, wait_for};
use crate::scenario::{DEADLINE, rows_of, write_csv};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/chain.sh");

/// Ends the chain and takes its folder away at the end of the standard input, which comes with the end of the test binary.
const END: &str = r#"
read -r _
"$1" down
rm -rf -- "$VIEWTIDE_UP_DIR""#;

/// A chain with a folder and ports of its own. It ends with this value.
struct Chain {
    dir: PathBuf,
    end: Child,
}

impl Chain {
    /// One that does not run yet; its ports were free just now.
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("viewtide-chain-").tempdir().expect("a folder").keep();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o711)).expect("open the folder");
        let end = Command::new("/bin/sh")
            .args(["-c", END, "end", SCRIPT])
            .env("VIEWTIDE_UP_DIR", &dir)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start a shell");
        let names = ["kafka", "kafka-controller", "mlflow", "page", "metabase"];
        let ports: String =
            names.iter().zip(free_ports::<5>()).map(|(name, port)| format!("{name} {port}\n")).collect();
        fs::write(dir.join("ports"), ports).expect("write the ports");
        Self { dir, end }
    }

    /// Runs the script, with further settings, to its end.
    fn run(&self, what: &str, settings: &[String]) -> Finished {
        let mut args = settings.to_vec();
        args.push(format!("VIEWTIDE_UP_DIR={}", self.dir.display()));
        args.push(format!("VIEWTIDE_BIN={}", env!("CARGO_BIN_EXE_viewtide")));
        args.push(format!("CARGO_TARGET_DIR={}", target_dir().display()));
        args.extend([SCRIPT, what].map(str::to_owned));
        let args: Vec<_> = args.into_iter().map(Into::into).collect();
        Process::start("env", &args).wait(DEADLINE)
    }

    fn up(&self) -> Finished {
        self.run("up", &[]).expect_code(0)
    }

    /// Runs `down`, and panics where anything of the chain is left.
    fn down(&self) {
        let postgres = self.postgres();
        self.run("down", &[]).expect_code(0);
        assert_eq!(self.processes(), BTreeSet::new());
        assert!(!Path::new(&format!("/proc/{postgres}/cwd")).exists(), "Postgres still runs");
    }

    /// The process that a part was started as.
    fn pid(&self, part: &str) -> i32 {
        let text = fs::read_to_string(self.dir.join("run").join(part).with_extension("pid")).expect("a pid file");
        text.trim().parse().expect("a number")
    }

    fn postgres(&self) -> i32 {
        let text = fs::read_to_string(self.dir.join("database/postgres/postmaster.pid")).expect("a pid file");
        text.lines().next().and_then(|line| line.parse().ok()).expect("a number")
    }

    /// Every process that came of the chain and runs, those of Postgres too: they all have the mark of a part.
    fn processes(&self) -> BTreeSet<i32> {
        let mark = format!("VIEWTIDE_UP_PART={}/", self.dir.display());
        let is_ours = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|setting| setting.starts_with(mark.as_bytes()))
        };
        let all = fs::read_dir("/proc").expect("/proc").flatten();
        all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_ours).collect()
    }

    fn port(&self, name: &str) -> String {
        let ports = fs::read_to_string(self.dir.join("ports")).expect("the ports");
        let of_name = ports.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        of_name.unwrap_or_else(|| panic!("no port of {name}: {ports}")).to_owned()
    }

    fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port("kafka"))
    }

    /// Sends a file to the topic; a topic that `up` did not make is an error.
    fn send(&self, file: &Path) {
        viewtide(["replay", "--brokers", &self.brokers(), &file.display().to_string()]).wait(DEADLINE).expect_code(0);
    }

    /// Waits until so many snapshots stand in the table, as people see it from outside.
    fn wait_for_rows(&self, count: usize) {
        let database = self.dir.join("database");
        let password = fs::read_to_string(database.join("password")).expect("the password");
        let settings = fs::read_to_string(database.join("postgres.conf")).expect("the settings");
        let port = settings.lines().find_map(|line| line.strip_prefix("port = ")).expect("a port");
        let url = format!("postgresql://viewtide:{}@127.0.0.1:{port}/viewtide", password.trim());
        wait_for("all rows", DEADLINE, || {
            let found = rows(&url, "SELECT count(*) FROM video_stats_processed").ok()?;
            (found[0][0].as_deref() == Some(count.to_string().as_str())).then_some(())
        });
    }

    /// Panics unless the raw rows are those of the topic, all `count` of them, and every table what they give.
    fn verify(&self, count: usize) {
        let database = self.dir.join("database").display().to_string();
        let args = ["verify", "--data-dir", &database, "--brokers", &self.brokers()];
        assert_eq!(viewtide(args).wait(DEADLINE).expect_code(0).json()["records"], count);
    }

    /// Panics unless the page, MLflow and its pages answer.
    fn expect_answers(&self) {
        for (part, path, expected) in [
            ("page", "/readyz", "ready"),
            ("page", "/", "viewtide"),
            ("mlflow", "/health", "OK"),
            ("mlflow", "/", "<!doctype html>"),
        ] {
            let (head, body) = get(&format!("127.0.0.1:{}", self.port(part)), path);
            assert!(head.starts_with("http/1.1 200") && body.contains(expected), "{part}{path}: {head}\n{body}");
        }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        drop(self.end.stdin.take());
        drop(self.end.wait());
    }
}

/// Addresses, in the hexadecimal digits of the kernel, that processes listen on.
fn listening(pids: &BTreeSet<i32>) -> Vec<String> {
    let sockets_of = |pid: &i32| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files.filter_map(|file| Some(fs::read_link(file.path()).ok()?.to_str()?.to_owned())).collect::<Vec<_>>()
    };
    let sockets: BTreeSet<String> = pids.iter().flat_map(sockets_of).collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1)).map(|line| line.split_whitespace().collect());
    let of_ours = |fields: &Vec<&str>| fields[3] == "0A" && sockets.contains(&format!("socket:[{}]", fields[9]));
    lines.filter(of_ours).map(|fields| fields[1].split(':').next().expect("an address").to_owned()).collect()
}

#[test]
fn what_was_sent_is_there_after_a_stop_and_after_kills() {
    let all = rows_of("tracked_dense.csv.gz");
    let folder = tempfile::tempdir().expect("a folder");
    let parts = [0..1_000, 1_000..2_000, 2_000..3_000].map(|range| {
        let file = folder.path().join(format!("{}.csv", range.start));
        write_csv(&file, &all[range]);
        file
    });
    let chain = Chain::new();
    // A file of the clone's, which is found wherever the data lies; later calls go on with it.
    let flags = "RUN_FLAGS=--videos data/sample_videos.csv.gz".to_owned();
    let first = chain.run("up", &[flags]).expect_code(0);
    chain.expect_answers();
    let addresses = listening(&chain.processes());
    // Broker, controller, page, MLflow and Postgres; IPv4's own, ::1, and IPv4's own in IPv6.
    let own = ["0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"];
    assert!(addresses.len() >= 5 && addresses.iter().all(|address| own.contains(&address.as_str())), "{addresses:?}");
    chain.send(&parts[0]);
    chain.wait_for_rows(1_000);

    let processes = chain.processes();
    let again = chain.up();
    for part in ["kafka", "mlflow", "engine"] {
        assert!(
            again.stderr.contains(&format!("{part} runs already (process {})\n", chain.pid(part))),
            "{}",
            again.stderr
        );
    }
    assert!(!again.stderr.contains("starting"), "{}", again.stderr);
    assert!(processes.is_subset(&chain.processes()), "something was started anew");
    assert_eq!(again.stdout, first.stdout);

    chain.down();
    assert_eq!(chain.up().stdout, first.stdout, "the same addresses as before");
    chain.send(&parts[1]);
    kill(Pid::from_raw(chain.pid("engine")), Signal::SIGKILL).expect("kill the engine");
    let mended = chain.up().stderr;
    assert!(mended.contains("kafka runs already") && mended.contains("starting engine"), "{mended}");
    chain.wait_for_rows(2_000);

    // The engine waits in vain for a Postgres that was killed, and MLflow's child holds its port.
    for pid in [chain.postgres(), chain.pid("mlflow"), chain.pid("kafka")] {
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill a part");
    }
    assert_eq!(chain.up().stdout, first.stdout, "the same addresses as before");
    chain.expect_answers();
    let found = get(&format!("127.0.0.1:{}", chain.port("page")), "/api/search?q=tiny+desk").1;
    assert!(found.contains("31 Minutos: Tiny Desk Concert"), "{found}");
    chain.send(&parts[2]);
    chain.wait_for_rows(3_000);
    chain.verify(3_000);
    chain.down();
}

/// A jar of `tests/chain/StandIn.java`, made by what every JRE of Debian's has.
fn stand_in(folder: &Path) -> PathBuf {
    let jar = folder.join("metabase.jar");
    let java = |args: &[&str]| {
        let output = Command::new("java").args(args).current_dir(folder).output().expect("java");
        assert!(output.status.success(), "java {args:?}: {output:?}");
    };
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chain/StandIn.java");
    java(&["-m", "jdk.compiler/com.sun.tools.javac.Main", "-d", "classes", source]);
    let jar_name = jar.display().to_string();
    java(&["-m", "jdk.jartool/sun.tools.jar.Main", "cfe", &jar_name, "StandIn", "-C", "classes", "."]);
    jar
}

#[test]
fn metabase_comes_with_its_jar_and_a_part_that_does_not_start_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let chain = Chain::new();
    let broken = folder.path().join("broken.jar");
    fs::write(&broken, "no jar").expect("write a file");
    let setting = |jar: &Path| vec![format!("METABASE_JAR={}", jar.display())];
    let refused = chain.run("up", &setting(&broken)).expect_code(1);
    assert!(refused.stderr.contains("metabase ended while it was starting"), "{}", refused.stderr);
    assert!(refused.stderr.contains("Invalid or corrupt jarfile"), "{}", refused.stderr);
    assert_eq!(chain.processes(), BTreeSet::new(), "{}", refused.stderr);

    // The stand-in has no dashboards; that is said, and what runs is left.
    let said = chain.run("up", &setting(&stand_in(folder.path()))).expect_code(1).stderr;
    assert!(said.contains("everything runs, but Metabase has no dashboards"), "{said}");
    let metabase = format!("127.0.0.1:{}", chain.port("metabase"));
    assert!(get(&metabase, "/api/health").0.starts_with("http/1.1 200"));
    let password = chain.dir.join("metabase/admin-password");
    assert_eq!(fs::metadata(&password).expect("a password").permissions().mode() & 0o777, 0o600);

    // The jar of last time is taken again, and what it kept is there.
    kill(Pid::from_raw(chain.pid("metabase")), Signal::SIGKILL).expect("kill Metabase");
    let again = chain.run("up", &[]).expect_code(1);
    assert!(again.stdout.contains(&format!("http://{metabase}")), "{}", again.stdout);
    assert!(!(again.stdout + &again.stderr).contains(fs::read_to_string(&password).expect("a password").trim()));
    assert_eq!(fs::read_to_string(chain.dir.join("metabase/metabase.db.mv.db")).expect("state"), "first\nagain\n");
    chain.down();
}

#[test]
fn the_scripts_are_as_shellcheck_wants_them() {
    let scripts = ["scripts/chain.sh", "scripts/setup.sh", ".ci/run", "cluster/compose/secrets.sh"];
    let followed = ["--external-sources", "--check-sourced"];
    checks::expect_clean("shellcheck", &[followed.as_slice(), &scripts].concat());
}
