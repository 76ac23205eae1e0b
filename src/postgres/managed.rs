//! A Postgres of viewtide's own, for those who give no `--database-url`.
//!
//! It is an ordinary server from native binaries (`PATH`, `/usr/lib/postgresql/*/bin`) on an ordinary cluster in a data
//! directory, so that psql and Metabase connect beside viewtide. What the directory holds is in [`layout`].
//!
//! - **Access**: scram-sha-256 everywhere, never trust. The password is generated at the first start and lies in the file
//!   `password` of mode 0600. Viewtide itself connects over a Unix socket in a folder of mode 0700, people over TCP on
//!   127.0.0.1.
//! - **Account**: a server refuses to run as root, so as root it runs under the account that owns the cluster, for a new one
//!   `postgres` or else `nobody`.
//! - **Life**: the server is a daemon of its own process group, so a terminal's Ctrl-C does not reach it. Any number of
//!   viewtides may use one directory. Each holds a shared lock on the file `users.lock` while it does, and **the last one to
//!   leave stops the server**, whoever started it. "Who started it stops it" would be wrong twice: it would pull the
//!   server from under the others when the starter leaves first, and nobody would stop a server whose starter was killed.
//!   The kernel drops the lock of a process that was killed, so no count can go stale.
//! - **After kill -9** of viewtide the server runs on; the next start finds it by `postmaster.pid` and uses it.
//! - [`ManagedPostgres::temporary`] is a server on a fresh directory; both go when the value is dropped or the process
//!   dies, however it dies.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod account;
mod binaries;
mod cluster;
pub mod layout;
mod server;
mod settings;
mod temporary;

use account::Account;
use binaries::Binaries;
use layout::{Layout, SUPERUSER};
use server::Server;
use temporary::Watcher;

use crate::limits::MANAGED_LEAVE_PATIENCE;

/// The role viewtide and people connect as. It owns its database and may create others; it is no superuser.
pub const ROLE: &str = "viewtide";

/// The database of [`ROLE`].
pub const DATABASE: &str = "viewtide";

/// Where the server keeps its data and where it listens.
#[derive(Clone, Debug, Default)]
pub struct ManagedConfig {
    /// The data directory; by default `/var/lib/viewtide` as root, else `$XDG_DATA_HOME/viewtide` or
    /// `~/.local/share/viewtide`.
    pub data_dir: Option<PathBuf>,
    /// The TCP port on 127.0.0.1; by default the one used last time, or a free one.
    pub port: Option<u16>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what each field is")]
pub enum ManagedError {
    #[error(
        "no PostgreSQL server found: no folder of PATH and none of /usr/lib/postgresql/*/bin holds initdb, pg_ctl and \
         postgres. Install one (apt-get install postgresql) or give --database-url"
    )]
    NoBinaries,
    #[error(
        "the cluster in {} is of PostgreSQL {wanted}, and only {found} is installed. Install postgresql-{wanted}, or \
         choose another data directory", cluster.display()
    )]
    OtherVersion { cluster: PathBuf, wanted: String, found: String },
    #[error(
        "as root the server needs an unprivileged account, and there is neither `postgres` nor `nobody`. Create one \
             (useradd --system postgres), or run viewtide as an ordinary user"
    )]
    NoAccount,
    #[error("no place for the data: neither XDG_DATA_HOME nor HOME is set. Give a data directory")]
    NoHome,
    #[error("the server's account `{account}` cannot reach {}: every folder above it must let that account through \
             (chmod o+x). Give a data directory elsewhere, /var/lib/viewtide for one", dir.display())]
    NotReachable { dir: PathBuf, account: String },
    #[error("{} cannot be a data directory: {reason}. Give another one", dir.display())]
    UnusableDir { dir: PathBuf, reason: &'static str },
    #[error("{} is neither empty nor a PostgreSQL cluster; nothing was changed. Move it away or give another data \
             directory", cluster.display())]
    NotACluster { cluster: PathBuf },
    #[error("{program} failed; it said:\n{output}")]
    Init { program: &'static str, output: String },
    #[error("port {port} of 127.0.0.1 is in use by something else. Give another port, or none for a free one")]
    PortInUse { port: u16 },
    #[error("port {port} of 127.0.0.1 cannot be listened on: {source}. Give another port, or none for a free one")]
    Port { port: u16, source: std::io::Error },
    #[error("the server did not start; {} ends with:\n{output}", log.display())]
    Start { log: PathBuf, output: String },
    #[error("the server in {} did not stop: {output}", cluster.display())]
    Stop { cluster: PathBuf, output: String },
    #[error("the server in {} is there (process {pid}) but was not ready within {} s; its log is {}",
            cluster.display(), waited.as_secs(), log.display())]
    NotReady { cluster: PathBuf, pid: i32, waited: Duration, log: PathBuf },
    #[error("{} holds no password of the superuser {SUPERUSER}, who alone may alter roles", pgpass.display())]
    NoSuperuser { pgpass: PathBuf },
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
}

impl ManagedError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}

/// What [`ManagedPostgres::stop`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The server has ended.
    Server,
    /// Other viewtides still use the server; the last of them stops it.
    LeftToOthers,
}

/// Whether the data outlives the machine's crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    /// Yes: every commit reaches the disk.
    Full,
    /// No: for data that is thrown away. It still outlives a crash of the server.
    None,
}

/// A running server that this process uses. Dropping it leaves the server as [`ManagedPostgres::stop`] does.
#[derive(Debug)]
pub struct ManagedPostgres {
    layout: Layout,
    account: Account,
    binaries: Binaries,
    server: Server,
    password: String,
    /// Locked shared for as long as this process uses the server; `None` once it has left.
    users: Option<File>,
    /// Ends a temporary server when this process does.
    watcher: Option<Watcher>,
}

impl ManagedPostgres {
    /// Uses the server of the data directory: the one that runs there, else one started now, on a cluster made now where
    /// there is none. Blocks until it takes connections.
    pub fn start(config: ManagedConfig) -> Result<Self, ManagedError> {
        let root = match config.data_dir {
            Some(dir) => dir,
            None => account::default_data_dir()?,
        };
        Self::start_in(Layout::create(&root)?, config.port, Durability::Full, None)
    }

    /// A server on a fresh directory under the system's temporary one. Both are gone after [`ManagedPostgres::stop`], drop, or
    /// the end of this process, even by kill -9.
    pub fn temporary() -> Result<Self, ManagedError> {
        let layout = Layout::create(&temporary::fresh_dir())?;
        let watcher = Watcher::spawn(&layout)?;
        Self::start_in(layout, None, Durability::None, Some(watcher))
    }

    fn start_in(
        layout: Layout,
        port: Option<u16>,
        durability: Durability,
        watcher: Option<Watcher>,
    ) -> Result<Self, ManagedError> {
        let account = Account::choose(&layout)?;
        account.check_reaches(&layout)?;
        // One at a time from here: of two first starts, one makes the cluster and the other finds it.
        let start_lock = lock_file(&layout.start_lock())?;
        start_lock.lock().map_err(ManagedError::io("lock", &layout.start_lock()))?;
        let users = lock_file(&layout.users_lock())?;
        users.lock_shared().map_err(ManagedError::io("lock", &layout.users_lock()))?;

        let binaries = Binaries::find(cluster::major_version(&layout)?.as_deref(), &layout)?;
        let server = match server::find_running(&layout)? {
            Some(server) => {
                if port.is_some_and(|port| port != server.port) {
                    tracing::warn!(
                        port = server.port,
                        "the Postgres of {layout} runs already, on another port than asked"
                    );
                }
                server
            }
            None => {
                cluster::ensure(&layout, &account, &binaries, durability)?;
                server::start(&layout, &account, &binaries, port, durability)?
            }
        };
        let password = layout.read_password()?;
        Ok(Self { layout, account, binaries, server, password, users: Some(users), watcher })
    }

    /// How viewtide itself connects: over the Unix socket, with the password. Not to be logged.
    pub fn url(&self) -> String {
        self.url_of(DATABASE)
    }

    /// Like [`ManagedPostgres::url`], for another database of the server, given by a name of letters, digits and `_`.
    pub fn url_of(&self, database: &str) -> String {
        let socket_dir = percent_encode(&self.server.socket_dir.to_string_lossy());
        format!("postgresql://{ROLE}:{}@{socket_dir}:{}/{database}", self.password, self.server.port)
    }

    /// How the cluster's superuser connects, who alone may alter roles. Not to be logged.
    ///
    /// # Errors
    /// Where the superuser's password does not lie where it was put.
    pub fn superuser_url(&self) -> Result<String, ManagedError> {
        let socket_dir = percent_encode(&self.server.socket_dir.to_string_lossy());
        let password = self.layout.read_superuser_password()?;
        Ok(format!("postgresql://{SUPERUSER}:{password}@{socket_dir}:{}/{DATABASE}", self.server.port))
    }

    /// A command that people can paste to look at the tables; holds no secret.
    pub fn psql_command(&self) -> String {
        let pgpass = self.layout.pgpass();
        format!("PGPASSFILE='{}' psql -h 127.0.0.1 -p {} -U {ROLE} {DATABASE}", pgpass.display(), self.server.port)
    }

    /// For Metabase and other tools, without the password, which lies in [`ManagedPostgres::password_file`].
    pub fn tcp_url_for_people(&self) -> String {
        format!("postgresql://{ROLE}@127.0.0.1:{}/{DATABASE}", self.server.port)
    }

    /// The file, of mode 0600, that holds the password of [`ROLE`].
    pub fn password_file(&self) -> PathBuf {
        self.layout.password()
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// The process id of the server.
    pub fn pid(&self) -> i32 {
        self.server.pid
    }

    /// Leaves the server, and stops it if nobody else uses it; a temporary one goes with its directory.
    pub fn stop(mut self) -> Result<Stopped, ManagedError> {
        self.leave()
    }

    fn leave(&mut self) -> Result<Stopped, ManagedError> {
        let Some(users) = self.users.take() else { return Ok(Stopped::Server) };
        if let Some(watcher) = self.watcher.take() {
            watcher.finish();
            return Ok(Stopped::Server);
        }
        // Under the start lock nobody can join between the look and the stop.
        let start_lock = lock_file(&self.layout.start_lock())?;
        start_lock.lock().map_err(ManagedError::io("lock", &self.layout.start_lock()))?;
        drop(users);
        let users = lock_file(&self.layout.users_lock())?;
        let begin = Instant::now();
        loop {
            match users.try_lock() {
                Ok(()) => break,
                // A process that another thread is just starting holds copies of our files, and their locks, until it runs.
                Err(TryLockError::WouldBlock) if begin.elapsed() < MANAGED_LEAVE_PATIENCE => {
                    std::thread::sleep(server::POLL)
                }
                Err(TryLockError::WouldBlock) => return Ok(Stopped::LeftToOthers),
                Err(TryLockError::Error(error)) => {
                    return Err(ManagedError::io("lock", &self.layout.users_lock())(error));
                }
            }
        }
        server::stop(&self.layout, &self.account, &self.binaries, &self.server)?;
        Ok(Stopped::Server)
    }
}

impl Drop for ManagedPostgres {
    fn drop(&mut self) {
        if let Err(error) = self.leave() {
            tracing::warn!(%error, "the managed Postgres was left running; the next start finds it");
        }
    }
}

fn lock_file(path: &Path) -> Result<File, ManagedError> {
    layout::private_file().open(path).map_err(ManagedError::io("open", path))
}

/// Encodes what a URL's host part cannot hold, `/` first of all.
fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
