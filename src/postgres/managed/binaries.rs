//! The programs of an installed PostgreSQL.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::ManagedError;
use super::layout::Layout;

/// Debian keeps each major version in a folder of its own, none of which is in PATH.
const DEBIAN_ROOT: &str = "/usr/lib/postgresql";

/// A folder that holds `initdb`, `pg_ctl` and `postgres` of one version.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    dir: PathBuf,
    major: String,
}

impl Binaries {
    /// The first installation of major version `wanted`, or of any; PATH first, then Debian's, newest first. A cluster can
    /// only be opened by its own major version.
    pub(super) fn find(wanted: Option<&str>, layout: &Layout) -> Result<Self, ManagedError> {
        let mut found = Vec::new();
        for dir in candidates() {
            if let Some(binaries) = Self::in_dir(&dir) {
                if wanted.is_none_or(|wanted| wanted == binaries.major) {
                    return Ok(binaries);
                }
                found.push(binaries.major);
            }
        }
        match wanted {
            Some(wanted) if !found.is_empty() => {
                found.dedup();
                let (cluster, wanted) = (layout.cluster(), wanted.to_owned());
                Err(ManagedError::OtherVersion { cluster, wanted, found: found.join(", ") })
            }
            _ => Err(ManagedError::NoBinaries),
        }
    }

    /// The installation that `dir/postgres` belongs to: links are followed, since the programs look for one another, and
    /// for their libraries, beside the real file. A wrapper without the other two beside it is passed over.
    fn in_dir(dir: &Path) -> Option<Self> {
        let postgres = fs::canonicalize(dir.join("postgres")).ok()?;
        let dir = postgres.parent()?.to_path_buf();
        if !["initdb", "pg_ctl", "postgres"].iter().all(|name| is_executable(&dir.join(name))) {
            return None;
        }
        let output = Command::new(&postgres).arg("--version").output().ok()?;
        let major = major_of(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { dir, major })
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    pub(super) fn pg_ctl(&self) -> PathBuf {
        self.dir.join("pg_ctl")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }
}

fn candidates() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
    let installed = fs::read_dir(DEBIAN_ROOT).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = installed
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    dirs.extend(versions.into_iter().rev().map(|(_, dir)| dir));
    dirs
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// "15" of `postgres (PostgreSQL) 15.18 (Debian ..)`; "18" of a `18beta1`.
fn major_of(version: &str) -> Option<String> {
    let number = version.strip_prefix("postgres (PostgreSQL) ")?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_versions() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n").as_deref(), Some("15"));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1\n").as_deref(), Some("18"));
        assert_eq!(major_of("some wrapper\n"), None);
    }

    #[test]
    fn a_lone_postgres_is_passed_over_and_links_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("postgres"), "#!/bin/sh\necho postgres '(PostgreSQL)' 99.1\n").unwrap();
        fs::set_permissions(dir.path().join("postgres"), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Binaries::in_dir(dir.path()).is_none());

        let real = candidates().iter().find_map(|dir| Binaries::in_dir(dir)).expect("the tests need PostgreSQL");
        let links = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(real.postgres(), links.path().join("postgres")).unwrap();
        assert_eq!(Binaries::in_dir(links.path()).unwrap().dir, real.dir);
    }
}
