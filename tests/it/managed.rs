//! The managed Postgres, on real servers: as root under an unprivileged account, and as an ordinary user.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use viewtide::postgres::managed::{ManagedConfig, ManagedError, ManagedPostgres, Stopped};

use crate::harness::folder::Folder;
use crate::harness::postgres::rows;
use crate::harness::process::Process;
use crate::harness::wait_for;

const DEADLINE: Duration = Duration::from_secs(60);

fn config(dir: &Path) -> ManagedConfig {
    ManagedConfig { data_dir: Some(dir.to_path_buf()), port: None }
}

fn start(dir: &Path) -> ManagedPostgres {
    ManagedPostgres::start(config(dir)).expect("a managed Postgres")
}

fn value(url: &str, sql: &str) -> String {
    rows(url, sql).expect(sql)[0][0].clone().expect("a value")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("metadata").permissions().mode() & 0o777
}

fn alive(pid: i32) -> bool {
    // A process that ended but was not yet waited for has no working directory.
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok()
}

fn gone(pid: i32) {
    wait_for("the server to end", DEADLINE, || (!alive(pid)).then_some(()));
}

#[test]
fn made_used_stopped_and_found_again_with_its_data_port_and_password() {
    let dir = Folder::new();
    let root = dir.path().join("data");
    let postgres = start(&root);
    let (url, port, pid) = (postgres.url(), postgres.port(), postgres.pid());
    rows(&url, "CREATE TABLE kept (x int); INSERT INTO kept VALUES (42)").expect("own tables");
    assert_eq!(value(&url, "SELECT current_user || ' ' || current_database()"), "viewtide viewtide");
    assert_eq!(value(&url, "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user"), "false");
    assert_eq!(value(&url, "SHOW fsync"), "on");
    assert_eq!(value(&url, "SHOW max_wal_size"), "4GB");
    assert_eq!(value(&url, "SHOW server_encoding"), "UTF8");
    let owner = fs::metadata(root.join("postgres")).expect("the cluster").uid();
    assert_ne!(owner, 0, "root must not own the cluster");
    assert_eq!(postgres.stop().expect("stop"), Stopped::Server);
    gone(pid);

    let postgres = start(&root);
    assert_eq!((postgres.url(), postgres.port()), (url.clone(), port));
    assert_eq!(value(&url, "SELECT x::text FROM kept"), "42");
}

#[test]
fn people_connect_with_the_password_and_nobody_without() {
    let dir = Folder::new();
    let postgres = start(&dir.path().join("data"));
    assert_eq!(mode(&postgres.password_file()), 0o600);
    assert_eq!(mode(&dir.path().join("data/pgpass")), 0o600);
    assert_eq!(mode(&dir.path().join("data/run")), 0o700);
    assert_eq!(mode(&dir.path().join("data/postgres")), 0o700);

    let output = Command::new("sh")
        .args(["-c", &format!("{} -Atc 'SELECT current_user'", postgres.psql_command())])
        .output()
        .expect("psql");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "viewtide", "{output:?}");

    let password = fs::read_to_string(postgres.password_file()).expect("the password");
    let password = password.trim();
    assert_eq!(password.len(), 48);
    assert!(!postgres.psql_command().contains(password) && !postgres.tcp_url_for_people().contains(password));
    let with_password = postgres.tcp_url_for_people().replace("viewtide@", &format!("viewtide:{password}@"));
    assert_eq!(value(&with_password, "SELECT 1"), "1");
    for url in [postgres.tcp_url_for_people(), postgres.url().replace(&format!(":{password}"), "")] {
        let error = rows(&url, "SELECT 1").expect_err("no password");
        let error = format!("{error:?}");
        assert!(error.contains("password missing"), "{error}");
    }
    for wrong in [with_password, postgres.url()].map(|url| url.replace(password, "wrong")) {
        let error = rows(&wrong, "SELECT 1").expect_err("a wrong password");
        assert_eq!(error.code().map(|code| code.code()), Some("28P01"), "{error}");
    }
    let trust = fs::read_to_string(dir.path().join("data/postgres/pg_hba.conf")).expect("pg_hba.conf");
    let methods = trust.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().last());
    assert!(methods.clone().count() >= 3 && methods.into_iter().all(|method| method == "scram-sha-256"), "{trust}");
}

#[test]
fn the_last_one_out_stops_the_server_whoever_started_it() {
    let dir = Folder::new();
    let starter = start(dir.path());
    let other = start(dir.path());
    assert_eq!(starter.pid(), other.pid());
    assert_eq!(starter.stop().expect("stop"), Stopped::LeftToOthers);
    assert_eq!(value(&other.url(), "SELECT 1"), "1");
    let pid = other.pid();
    assert_eq!(other.stop().expect("stop"), Stopped::Server);
    gone(pid);
}

#[test]
fn first_starts_at_the_same_time_share_one_cluster() {
    let dir = Folder::new();
    let handles: Vec<_> = (0..3)
        .map(|_| {
            let path = dir.path().join("data");
            std::thread::spawn(move || start(&path))
        })
        .collect();
    let all: Vec<_> = handles.into_iter().map(|handle| handle.join().expect("start")).collect();
    assert!(all.iter().all(|postgres| postgres.pid() == all[0].pid() && postgres.url() == all[0].url()));
    let stopped: Vec<_> = all.into_iter().map(|postgres| postgres.stop().expect("stop")).collect();
    assert_eq!(stopped, [Stopped::LeftToOthers, Stopped::LeftToOthers, Stopped::Server]);
}

#[test]
fn a_server_that_was_killed_is_replaced() {
    let dir = Folder::new();
    let postgres = start(dir.path());
    rows(&postgres.url(), "CREATE TABLE kept (x int); INSERT INTO kept VALUES (42)").expect("own tables");
    let pid = postgres.pid();
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill the postmaster");
    gone(pid);
    assert!(dir.path().join("postgres/postmaster.pid").exists(), "the file must be stale for this test");
    let again = start(dir.path());
    assert_ne!(again.pid(), pid);
    assert_eq!(value(&again.url(), "SELECT x::text FROM kept"), "42");
    again.stop().expect("stop");
    postgres.stop().expect("stop");

    // The number in a stale file may be another process's by now, even one of the same account.
    let owner = fs::metadata(dir.path().join("postgres")).expect("the cluster");
    let bystander = Process::start("sleep", &["60".into()]);
    let stale = dir.path().join("postgres/postmaster.pid");
    let lines =
        format!("{}\n{}\n0\n1\n/tmp\n127.0.0.1\n\nready\n", bystander.pid(), dir.path().join("postgres").display());
    fs::write(&stale, lines).expect("write a stale file");
    std::os::unix::fs::chown(&stale, Some(owner.uid()), Some(owner.gid())).expect("give it to the server");
    let again = start(dir.path());
    assert_eq!(value(&again.url(), "SELECT x::text FROM kept"), "42");
    again.stop().expect("stop");
    assert!(alive(bystander.pid()), "somebody else's process was harmed");
}

#[test]
fn half_a_cluster_is_made_anew() {
    let dir = Folder::new();
    fs::create_dir_all(dir.path().join("init/postgres")).expect("a folder");
    fs::write(dir.path().join("init/postgres/PG_VERSION"), "15\n").expect("a file");
    let postgres = start(dir.path());
    assert_eq!(value(&postgres.url(), "SELECT 1"), "1");
    assert!(!dir.path().join("init").exists());
}

#[test]
fn a_data_directory_too_deep_for_a_socket_gets_one_elsewhere() {
    let dir = Folder::new();
    let root = dir.path().join("a".repeat(60)).join("b c".repeat(20));
    let postgres = start(&root);
    assert_eq!(value(&postgres.url(), "SELECT 1"), "1");
    let pid_file = fs::read_to_string(root.join("postgres/postmaster.pid")).expect("a running server");
    let socket_dir = PathBuf::from(pid_file.lines().nth(4).expect("the socket's folder"));
    assert_eq!((mode(&socket_dir), socket_dir.parent()), (0o700, Some(Path::new("/tmp"))));
    postgres.stop().expect("stop");
    assert!(!socket_dir.exists(), "its socket folder goes with the server");
}

#[test]
fn what_cannot_be_is_refused_with_a_reason() {
    let dir = Folder::new();
    let refused = |config: ManagedConfig| match ManagedPostgres::start(config) {
        Ok(postgres) => panic!("it started: {}", postgres.tcp_url_for_people()),
        Err(error) => (error.to_string(), error),
    };

    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = taken.local_addr().expect("its address").port();
    let (text, error) = refused(ManagedConfig { port: Some(port), ..config(&dir.path().join("port")) });
    assert!(matches!(error, ManagedError::PortInUse { .. }) && text.contains(&port.to_string()), "{text}");

    let foreign = dir.path().join("foreign");
    fs::create_dir_all(foreign.join("postgres")).expect("a folder");
    fs::write(foreign.join("postgres/letters.txt"), "dear").expect("a file");
    let (text, error) = refused(config(&foreign));
    assert!(matches!(error, ManagedError::NotACluster { .. }), "{text}");
    assert!(foreign.join("postgres/letters.txt").exists(), "nothing may be changed");

    let old = dir.path().join("old");
    fs::create_dir_all(old.join("postgres")).expect("a folder");
    fs::write(old.join("postgres/PG_VERSION"), "8\n").expect("a file");
    let (text, error) = refused(config(&old));
    assert!(matches!(error, ManagedError::OtherVersion { .. }) && text.contains("postgresql-8"), "{text}");

    let file = dir.path().join("file");
    fs::write(&file, "").expect("a file");
    let (text, error) = refused(config(&file));
    assert!(matches!(error, ManagedError::UnusableDir { .. }), "{text}");
    let (text, error) = refused(config(&dir.path().join("a$b")));
    assert!(matches!(error, ManagedError::UnusableDir { .. }), "{text}");

    if geteuid().is_root() {
        let hidden = dir.path().join("hidden");
        fs::create_dir(&hidden).expect("a folder");
        fs::set_permissions(&hidden, fs::Permissions::from_mode(0o700)).expect("hide it");
        let (text, error) = refused(config(&hidden.join("data")));
        assert!(matches!(error, ManagedError::NotReachable { .. }) && text.contains("/var/lib/viewtide"), "{text}");
    }
}

/// Set for [`in_a_process_of_its_own`] when it runs as the other process: `start` or `temporary`.
const CHILD_MODE: &str = "TEST_MANAGED_CHILD";

/// Not a test by itself: what [`child`] runs in another process.
#[test]
fn in_a_process_of_its_own() {
    let Ok(mode) = std::env::var(CHILD_MODE) else { return };
    let postgres = match mode.as_str() {
        "temporary" => ManagedPostgres::temporary(),
        _ => ManagedPostgres::start(ManagedConfig::default()),
    };
    let postgres = postgres.expect("a managed Postgres");
    assert_eq!(value(&postgres.url(), "SELECT 1"), "1");
    let data = postgres.password_file();
    println!("STARTED {} {}", postgres.pid(), data.parent().expect("a folder").display());
    std::thread::sleep(DEADLINE);
}

/// Another process that starts a server and then only sleeps: its process id, the server's, and the data directory. `home`
/// is its home, and `user`, where given, its account.
fn child(mode: &str, home: &Path, user: Option<&str>) -> (Process, i32, PathBuf) {
    // The other account may not reach the folder of the test's own binary.
    let exe = home.join("tests");
    fs::copy(std::env::current_exe().expect("this test"), &exe).expect("copy this test");
    let mut args: Vec<String> = Vec::new();
    if let Some(user) = user {
        // Unlike runuser, setpriv puts no process of its own between, which a kill -9 would hit instead.
        let account = nix::unistd::User::from_name(user).expect("accounts").expect("the account");
        args.extend(["setpriv", "--clear-groups", "--pdeathsig", "KILL"].map(str::to_owned));
        args.extend([format!("--reuid={}", account.uid), format!("--regid={}", account.gid), "--".to_owned()]);
    }
    let home_setting = format!("HOME={}", home.display());
    let mode_setting = format!("{CHILD_MODE}={mode}");
    args.extend(["env", "-u", "XDG_DATA_HOME", &home_setting, &mode_setting].map(str::to_owned));
    args.push(exe.display().to_string());
    args.extend(["--exact", "managed::in_a_process_of_its_own", "--nocapture"].map(str::to_owned));
    let args: Vec<_> = args.into_iter().map(Into::into).collect();
    let mut process = Process::start("env", &args);
    process.wait_for_output("STARTED ", DEADLINE);
    let line = wait_for("the whole line", DEADLINE, || {
        let stdout = process.stdout();
        let (_, rest) = stdout.split_once("STARTED ")?;
        rest.split_once('\n').map(|(line, _)| line.to_owned())
    });
    let (pid, dir) = line.split_once(' ').expect("pid and folder");
    (process, pid.parse().expect("a pid"), PathBuf::from(dir))
}

#[test]
fn a_plain_user_has_it_at_home_and_a_killed_viewtide_leaves_it_to_the_next() {
    let home = Folder::new();
    // As root, `nobody` plays the plain user; otherwise we are one.
    let user = geteuid().is_root().then_some("nobody");
    if let Some(user) = user {
        let account = nix::unistd::User::from_name(user).expect("accounts").expect("nobody");
        std::os::unix::fs::chown(home.path(), Some(account.uid.as_raw()), None).expect("give the home away");
    }
    let (process, pid, dir) = child("start", home.path(), user);
    assert_eq!(dir, home.path().join(".local/share/viewtide"));
    assert_eq!(mode(&dir), 0o700);
    // Ctrl-C in a terminal goes to the whole group of the process.
    assert_ne!(
        nix::unistd::getpgid(Some(Pid::from_raw(pid))),
        nix::unistd::getpgid(Some(Pid::from_raw(process.pid())))
    );
    process.signal(Signal::SIGKILL);
    process.wait(DEADLINE);
    std::thread::sleep(Duration::from_millis(300));
    assert!(alive(pid), "the server outlives a killed viewtide");

    // Found again, as root too, and then stopped by the last that uses it.
    let postgres = start(&dir);
    assert_eq!(postgres.pid(), pid);
    assert_eq!(value(&postgres.url(), "SELECT 1"), "1");
    assert_eq!(postgres.stop().expect("stop"), Stopped::Server);
    gone(pid);
}

#[test]
fn a_temporary_server_goes_when_dropped_and_when_its_process_is_killed() {
    let postgres = ManagedPostgres::temporary().expect("a temporary Postgres");
    let dir = postgres.password_file().parent().expect("a folder").to_path_buf();
    let pid = postgres.pid();
    assert_eq!(value(&postgres.url(), "SELECT 1"), "1");
    drop(postgres);
    assert!(!alive(pid) && !dir.exists());

    let home = Folder::new();
    let (process, pid, dir) = child("temporary", home.path(), None);
    assert!(alive(pid) && dir.exists());
    process.signal(Signal::SIGKILL);
    process.wait(DEADLINE);
    gone(pid);
    wait_for("the directory to go", DEADLINE, || (!dir.exists()).then_some(()));
}

#[test]
fn the_server_does_not_hold_our_streams_open() {
    let dir = Folder::new();
    let home = dir.path();
    let exe = std::env::current_exe().expect("this test");
    // A pipeline around viewtide ends when viewtide does, although the server runs on.
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--"])
        .arg(exe)
        .args(["--exact", "managed::in_a_process_of_its_own", "--nocapture"])
        .env(CHILD_MODE, "temporary")
        .env("HOME", home)
        .stdout(Stdio::piped())
        .spawn()
        .expect("start this test");
    let stdout = child.stdout.take().expect("piped");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stdout));
    assert!(lines.any(|line| line.expect("text").contains("STARTED ")));
    child.kill().expect("kill it");
    child.wait().expect("wait for it");
    assert_eq!(lines.count(), 0, "the stream ends");
}
