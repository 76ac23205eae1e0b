//! Finding, starting and stopping the server of a cluster.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::cluster::said;
use super::layout::{Layout, create_private_dir, write_anew};
use super::settings::settings;
use super::{Account, Binaries, Durability, ManagedError};
use crate::limits::{MANAGED_LOG_BYTES_MAX, MANAGED_START_SECONDS_MAX, MANAGED_STOP_SECONDS_MAX};

/// A running server.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) pid: i32,
    pub(super) port: u16,
    pub(super) socket_dir: PathBuf,
}

/// Between looks at a server that comes up or goes down.
pub(super) const POLL: Duration = Duration::from_millis(20);

/// Free ports are tried so often: another process may take one between our look and the server's.
const PORT_ATTEMPTS_MAX: usize = 5;

/// How much of the server's log an error quotes.
const LOG_TAIL_BYTES: u64 = 4096;

/// What `postmaster.pid` says; its lines are pid, data directory, start time, port, socket folder, address, shared memory
/// and state.
struct PidFile {
    server: Server,
    ready: bool,
}

fn read_pid_file(layout: &Layout) -> Option<PidFile> {
    let text = fs::read_to_string(layout.cluster().join("postmaster.pid")).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let pid = lines.first()?.trim().parse().ok()?;
    // A server that is just starting has not written all lines yet.
    let port = lines.get(3).and_then(|line| line.trim().parse().ok()).unwrap_or(0);
    let socket_dir = lines.get(4).map(|line| PathBuf::from(line.trim())).unwrap_or_default();
    let ready = lines.get(7).is_some_and(|line| line.trim() == "ready");
    Some(PidFile { server: Server { pid, port, socket_dir }, ready })
}

/// Whether process `pid` works in the cluster, which every process of its server does and no other one. The number in
/// a stale `postmaster.pid` may by now be that of anything.
fn works_in(pid: i32, cluster: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == cluster)
}

fn anyone_works_in(cluster: &Path) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).any(|pid| works_in(pid, cluster))
}

/// The server that runs on the cluster, once it is ready; `None` where none does.
pub(super) fn find_running(layout: &Layout) -> Result<Option<Server>, ManagedError> {
    let cluster = layout.cluster();
    let begin = Instant::now();
    loop {
        let Some(file) = read_pid_file(layout) else { return Ok(None) };
        let pid = file.server.pid;
        if !works_in(pid, &cluster) {
            return remove_stale_pid_file(layout).map(|()| None);
        }
        if file.ready {
            return Ok(Some(file.server));
        }
        let waited = begin.elapsed();
        if waited.as_secs() >= MANAGED_START_SECONDS_MAX {
            return Err(ManagedError::NotReady { cluster, pid, waited, log: layout.log() });
        }
        std::thread::sleep(POLL);
    }
}

/// The postmaster is gone. Its backends notice within moments; only then is the file of no use, as Postgres finds by it
/// whether shared memory is still in use. Left there, it would stop the new server if its number were that of another
/// process of the same account.
fn remove_stale_pid_file(layout: &Layout) -> Result<(), ManagedError> {
    let cluster = layout.cluster();
    let begin = Instant::now();
    while anyone_works_in(&cluster) {
        if begin.elapsed().as_secs() >= MANAGED_STOP_SECONDS_MAX {
            let output = "its postmaster is gone, but processes of it still run".to_owned();
            return Err(ManagedError::Stop { cluster, output });
        }
        std::thread::sleep(POLL);
    }
    let path = cluster.join("postmaster.pid");
    fs::remove_file(&path).map_err(ManagedError::io("remove the stale", &path))
}

/// Starts a server on the cluster and waits until it takes connections.
pub(super) fn start(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
    port: Option<u16>,
    durability: Durability,
) -> Result<Server, ManagedError> {
    let log = layout.log();
    if let Some(dir) = log.parent() {
        create_private_dir(dir, account)?;
    }
    rotate(&log)?;
    let socket_dir = make_socket_dir(layout, account)?;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let chosen = choose_port(layout, port, attempt)?;
        write_anew(&layout.settings(), 0o644, &settings(chosen, &socket_dir, durability))?;
        let log_start_bytes = fs::metadata(&log).map_or(0, |meta| meta.len());
        let mut pg_ctl = account.command(binaries.pg_ctl(), layout);
        pg_ctl.arg("start").arg("-D").arg(layout.cluster()).arg("-l").arg(&log);
        pg_ctl.args(["-s", "-w", "-t", &MANAGED_START_SECONDS_MAX.to_string()]);
        let output = pg_ctl.output().map_err(ManagedError::io("run", &binaries.pg_ctl()))?;
        if output.status.success()
            && let Some(server) = find_running(layout)?
        {
            return Ok(server);
        }
        let tail = tail_of(&log, log_start_bytes);
        let taken = tail.contains("Address already in use");
        match port {
            Some(port) if taken => return Err(ManagedError::PortInUse { port }),
            None if taken && attempt < PORT_ATTEMPTS_MAX => continue,
            _ => {}
        }
        let output = format!("{}\n{tail}", said(&output)).trim().to_owned();
        return Err(ManagedError::Start { log, output });
    }
}

/// The port asked for; else the one of last time, which people have put into their tools; else a free one.
fn choose_port(layout: &Layout, asked: Option<u16>, attempt: usize) -> Result<u16, ManagedError> {
    let free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    if let Some(port) = asked {
        return match free(port) {
            Ok(_) => Ok(port),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(ManagedError::PortInUse { port }),
            Err(source) => Err(ManagedError::Port { port, source }),
        };
    }
    let last = fs::read_to_string(layout.settings()).ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("port = "))?;
        line.trim().parse::<u16>().ok()
    });
    match last {
        Some(port) if attempt == 1 && free(port).is_ok() => Ok(port),
        _ => {
            let listener = free(0).and_then(|listener| listener.local_addr());
            Ok(listener.map_err(ManagedError::io("find a free port for", layout.root()))?.port())
        }
    }
}

/// The folder of the socket: in the data directory, or where its path would be too long, a new one in /tmp.
fn make_socket_dir(layout: &Layout, account: &Account) -> Result<PathBuf, ManagedError> {
    let dir = layout.own_socket_dir().unwrap_or_else(|| {
        let name: u64 = rand::random();
        PathBuf::from(format!("{FAR_SOCKET_DIR_PREFIX}{name:016x}"))
    });
    create_private_dir(&dir, account)?;
    // Nobody works in the cluster, so a socket there is stale. Its lock file names a server that is gone, but whose
    // number may live on: as another process of the account, or as a zombie where a container's first process reaps none.
    for entry in fs::read_dir(&dir).map_err(ManagedError::io("look into", &dir))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(".s.PGSQL.") {
            fs::remove_file(entry.path()).map_err(ManagedError::io("remove the stale", &entry.path()))?;
        }
    }
    Ok(dir)
}

const FAR_SOCKET_DIR_PREFIX: &str = "/tmp/viewtide-run-";

/// Keeps the log bounded: at a start, a long one becomes the one old one.
fn rotate(log: &Path) -> Result<(), ManagedError> {
    if fs::metadata(log).is_ok_and(|meta| meta.len() > MANAGED_LOG_BYTES_MAX) {
        fs::rename(log, log.with_extension("log.old")).map_err(ManagedError::io("rename", log))?;
    }
    Ok(())
}

/// The end of what was logged since `start_bytes`.
fn tail_of(log: &Path, start_bytes: u64) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(start_bytes.max(end.saturating_sub(LOG_TAIL_BYTES))))?;
        let mut bytes = Vec::new();
        file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_default()
}

/// Stops the server, closing the connections of people who are still there; nothing that was committed is lost.
pub(super) fn stop(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
    server: &Server,
) -> Result<(), ManagedError> {
    let cluster = layout.cluster();
    let mut pg_ctl = account.command(binaries.pg_ctl(), layout);
    pg_ctl.arg("stop").arg("-D").arg(&cluster);
    pg_ctl.args(["-s", "-m", "fast", "-w", "-t", &MANAGED_STOP_SECONDS_MAX.to_string()]);
    let output = pg_ctl.output().map_err(ManagedError::io("run", &binaries.pg_ctl()))?;
    if !output.status.success() && works_in(server.pid, &cluster) {
        return Err(ManagedError::Stop { cluster, output: said(&output) });
    }
    if server.socket_dir.to_str().is_some_and(|dir| dir.starts_with(FAR_SOCKET_DIR_PREFIX)) {
        fs::remove_dir_all(&server.socket_dir).map_err(ManagedError::io("remove", &server.socket_dir))?;
    }
    Ok(())
}
