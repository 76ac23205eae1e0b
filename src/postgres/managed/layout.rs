//! What the data directory holds.
//!
//! | name | owner, mode | what |
//! |---|---|---|
//! | `postgres/` | server's account, 0700 | the cluster (`PGDATA`) |
//! | `run/` | server's account, 0700 | the Unix socket, unless its path would be too long |
//! | `log/server.log` | server's account | what the server says |
//! | `postgres.conf` | viewtide's, 0644 | settings that viewtide writes before each start |
//! | `password`, `pgpass` | viewtide's, 0600 | password of role `viewtide`; both it and the superuser's for psql |
//! | `start.lock`, `users.lock` | viewtide's, 0600 | one start or stop at a time; who uses the server |
//! | `init/` | server's account, 0700 | a cluster in the making; renamed to `postgres` when it is whole |
//!
//! The directory itself stays with whoever runs viewtide, so that the server's account cannot swap a file that root writes.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{DATABASE, ManagedError, ROLE};

/// The superuser of the cluster, for maintenance by people. Once the cluster is made viewtide uses it for one thing only: to give
/// the role that reads a password.
pub(super) const SUPERUSER: &str = "postgres";

/// A path of a Unix socket must fit `sockaddr_un.sun_path` with its final NUL.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// The longest name of a socket in its folder.
const SOCKET_NAME: &str = ".s.PGSQL.65535";

/// A data directory.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl fmt::Display for Layout {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.display().fmt(out)
    }
}

impl Layout {
    /// The layout of `dir`, which is made if it is not there.
    pub(super) fn create(dir: &Path) -> Result<Self, ManagedError> {
        let unusable = |reason| Err(ManagedError::UnusableDir { dir: dir.to_path_buf(), reason });
        let Some(text) = dir.to_str() else { return unusable("its name is not UTF-8") };
        // pg_ctl hands the path to a shell in double quotes, and postgres.conf quotes it once more.
        if text.chars().any(|c| c.is_control() || "\"'`$\\".contains(c)) {
            return unusable("its name holds a quote, a backslash, `$` or a control character");
        }
        // Others may pass through it, which the server's account has to, but not look around in it.
        let mode = if nix::unistd::geteuid().is_root() { 0o711 } else { 0o700 };
        if let Some(parent) = dir.parent() {
            fs::create_dir_all(parent).map_err(ManagedError::io("create", parent))?;
        }
        match DirBuilder::new().mode(mode).create(dir) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(ManagedError::io("create", dir)(error)),
        }
        let root = fs::canonicalize(dir).map_err(ManagedError::io("find", dir))?;
        if !root.is_dir() {
            return unusable("it is not a directory");
        }
        Ok(Self { root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn cluster(&self) -> PathBuf {
        self.root.join("postgres")
    }

    pub(super) fn init(&self) -> PathBuf {
        self.root.join("init")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("log").join("server.log")
    }

    pub(super) fn settings(&self) -> PathBuf {
        self.root.join("postgres.conf")
    }

    pub(super) fn password(&self) -> PathBuf {
        self.root.join("password")
    }

    pub(super) fn pgpass(&self) -> PathBuf {
        self.root.join("pgpass")
    }

    pub(super) fn start_lock(&self) -> PathBuf {
        self.root.join("start.lock")
    }

    pub(super) fn users_lock(&self) -> PathBuf {
        self.root.join("users.lock")
    }

    /// The socket's folder inside the data directory; `None` where a socket in it would have too long a path.
    pub(super) fn own_socket_dir(&self) -> Option<PathBuf> {
        let dir = self.root.join("run");
        (dir.as_os_str().len() + 1 + SOCKET_NAME.len() <= SOCKET_PATH_BYTES_MAX).then_some(dir)
    }

    pub(super) fn read_password(&self) -> Result<String, ManagedError> {
        let path = self.password();
        let text = fs::read_to_string(&path).map_err(ManagedError::io("read the password in", &path))?;
        Ok(text.trim_end().to_owned())
    }

    /// The password of [`SUPERUSER`], as [`Layout::write_passwords`] kept it.
    pub(super) fn read_superuser_password(&self) -> Result<String, ManagedError> {
        let pgpass = self.pgpass();
        let text = fs::read_to_string(&pgpass).map_err(ManagedError::io("read the passwords in", &pgpass))?;
        let prefix = format!("*:*:*:{SUPERUSER}:");
        let password = text.lines().find_map(|line| line.strip_prefix(&prefix)).map(str::to_owned);
        password.ok_or(ManagedError::NoSuperuser { pgpass })
    }

    /// Keeps the passwords of [`ROLE`] and [`SUPERUSER`], both of hexadecimal digits, for viewtide and for psql.
    pub(super) fn write_passwords(&self, role: &str, superuser: &str) -> Result<(), ManagedError> {
        write_anew(&self.password(), 0o600, &format!("{role}\n"))?;
        let pgpass = format!("*:*:{DATABASE}:{ROLE}:{role}\n*:*:*:{ROLE}:{role}\n*:*:*:{SUPERUSER}:{superuser}\n");
        write_anew(&self.pgpass(), 0o600, &pgpass)
    }
}

/// How files that only viewtide's own account may read are opened.
pub(super) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

/// Writes a new file in place of one that may be there, so that it has exactly `mode`.
pub(super) fn write_anew(path: &Path, mode: u32, text: &str) -> Result<(), ManagedError> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(ManagedError::io("replace", path)(error)),
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(ManagedError::io("create", path))?;
    file.write_all(text.as_bytes()).map_err(ManagedError::io("write", path))?;
    file.sync_all().map_err(ManagedError::io("write", path))
}

/// Makes `dir` with mode 0700 if it is not there, and gives it to `account`.
pub(super) fn create_private_dir(dir: &Path, account: &super::Account) -> Result<(), ManagedError> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => account.give(dir),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(ManagedError::io("create", dir)(error)),
    }
}
