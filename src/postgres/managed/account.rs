//! Under which account the server runs, and where its data lies by default.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User, geteuid};

use super::ManagedError;
use super::layout::Layout;

/// As root, the accounts that a new cluster may belong to, the best one first. `nobody` is on every machine, and other
/// services may share it: the folders of mode 0700 do not keep those out, the password does.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// The account of the server's programs.
#[derive(Clone, Debug)]
pub(super) enum Account {
    /// Viewtide's own, which is not root.
    Own,
    /// Another one, since viewtide runs as root.
    Other { name: String, uid: u32, gid: u32 },
}

impl Account {
    /// The owner of the cluster, if there is one; viewtide's own account, or as root the first there is of [`ACCOUNTS`].
    pub(super) fn choose(layout: &Layout) -> Result<Self, ManagedError> {
        if !geteuid().is_root() {
            return Ok(Self::Own);
        }
        if let Ok(owner) = std::fs::metadata(layout.cluster())
            && owner.uid() != 0
        {
            let known = User::from_uid(Uid::from_raw(owner.uid())).ok().flatten();
            let name = known.map_or_else(|| format!("uid {}", owner.uid()), |user| user.name);
            return Ok(Self::Other { name, uid: owner.uid(), gid: owner.gid() });
        }
        ACCOUNTS
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self::Other { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() })
            .ok_or(ManagedError::NoAccount)
    }

    /// A command that runs as this account, with no standard input, in the data directory.
    pub(super) fn command(&self, program: impl AsRef<OsStr>, layout: &Layout) -> Command {
        let mut command = Command::new(program);
        // English messages, since some are looked at. PG* variables of the user's are for another server.
        command.current_dir(layout.root()).stdin(Stdio::null()).env("LC_ALL", "C");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("PG")) {
                command.env_remove(name);
            }
        }
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Makes `path` belong to this account.
    pub(super) fn give(&self, path: &Path) -> Result<(), ManagedError> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid, .. } => std::os::unix::fs::lchown(path, Some(*uid), Some(*gid))
                .map_err(ManagedError::io("change the owner of", path)),
        }
    }

    /// Refuses a data directory that lies where the account cannot go, under /root for one. Only a process of that
    /// account can tell, since access lists and mounts have their say too.
    pub(super) fn check_reaches(&self, layout: &Layout) -> Result<(), ManagedError> {
        let Self::Other { name, .. } = self else { return Ok(()) };
        let not_reachable = || ManagedError::NotReachable { dir: layout.root().to_path_buf(), account: name.clone() };
        match self.command("true", layout).status() {
            Ok(status) if status.success() => Ok(()),
            _ => Err(not_reachable()),
        }
    }
}

/// Where the data lies unless told otherwise.
pub(super) fn default_data_dir() -> Result<PathBuf, ManagedError> {
    if geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/viewtide"));
    }
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match (absolute("XDG_DATA_HOME"), absolute("HOME")) {
        (Some(data), _) => Ok(data.join("viewtide")),
        (None, Some(home)) => Ok(home.join(".local/share/viewtide")),
        (None, None) => Err(ManagedError::NoHome),
    }
}
