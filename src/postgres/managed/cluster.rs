//! Making a cluster: whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::{Output, Stdio};

use super::layout::{Layout, SUPERUSER, create_private_dir, write_anew};
use super::{Account, Binaries, DATABASE, Durability, ManagedError, ROLE};
use crate::postgres::reader_role::READER_ROLE;
use crate::secret::Secret;

/// Read before each start, and written by viewtide; a relative path, so that the data directory may move.
const INCLUDE: &str = "\n# What viewtide sets.\ninclude '../postgres.conf'\n";

/// The major version of the cluster; `None` where there is none yet.
pub(super) fn major_version(layout: &Layout) -> Result<Option<String>, ManagedError> {
    let path = layout.cluster().join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ManagedError::io("read", &path)(error)),
    }
}

/// Makes the cluster if there is none. It is made in a folder of its own and then renamed, so that a start that was killed
/// half way leaves nothing that the next one would take for a cluster.
pub(super) fn ensure(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
    durability: Durability,
) -> Result<(), ManagedError> {
    if major_version(layout)?.is_some() {
        return Ok(());
    }
    let (cluster, init) = (layout.cluster(), layout.init());
    if fs::read_dir(&cluster).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(ManagedError::NotACluster { cluster });
    }
    if init.exists() {
        fs::remove_dir_all(&init).map_err(ManagedError::io("remove", &init))?;
    }
    create_private_dir(&init, account)?;
    let made = init.join("postgres");
    // In hexadecimal, which needs no quoting anywhere.
    let [role_password, superuser_password] = [(); 2].map(|()| Secret::random().reveal().to_owned());

    let password_file = init.join("password");
    write_anew(&password_file, 0o600, &superuser_password)?;
    account.give(&password_file)?;
    let mut initdb = account.command(binaries.initdb(), layout);
    initdb.arg("--pgdata").arg(&made).arg("--pwfile").arg(&password_file);
    initdb.args(["--username", SUPERUSER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"]);
    if durability == Durability::None {
        initdb.arg("--no-sync");
    }
    let output = initdb.output().map_err(ManagedError::io("run", &binaries.initdb()))?;
    if !output.status.success() {
        return Err(ManagedError::Init { program: "initdb", output: said(&output) });
    }
    create_role(layout, account, binaries, &made, &role_password)?;
    append_include(&made)?;
    layout.write_passwords(&role_password, &superuser_password)?;
    fs::rename(&made, &cluster).map_err(ManagedError::io("rename", &made))?;
    fs::remove_dir_all(&init).map_err(ManagedError::io("remove", &init))
}

/// Creates the role and its database by the single-user server: nobody else can connect meanwhile, and the password goes
/// through a pipe, seen by no list of processes.
fn create_role(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
    cluster: &std::path::Path,
    password: &str,
) -> Result<(), ManagedError> {
    let run = || -> std::io::Result<Output> {
        let mut postgres = account.command(binaries.postgres(), layout);
        postgres.arg("--single").arg("-D").arg(cluster).args(["-c", "log_statement=none", "postgres"]);
        postgres.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = postgres.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // One statement a line.
            writeln!(stdin, "CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}';")?;
            writeln!(stdin, "CREATE DATABASE {DATABASE} OWNER {ROLE};")?;
            // Made here, since who may make roles may do too much.
            writeln!(stdin, "CREATE ROLE {READER_ROLE} NOLOGIN;")?;
        }
        child.wait_with_output()
    };
    let output = run().map_err(ManagedError::io("run", &binaries.postgres()))?;
    let text = said(&output);
    // It goes on after an error and ends with 0.
    if !output.status.success() || ["ERROR:", "FATAL:", "PANIC:"].iter().any(|word| text.contains(word)) {
        return Err(ManagedError::Init { program: "postgres --single", output: text.replace(password, "***") });
    }
    Ok(())
}

fn append_include(cluster: &std::path::Path) -> Result<(), ManagedError> {
    let path = cluster.join("postgresql.conf");
    let append = || OpenOptions::new().append(true).open(&path)?.write_all(INCLUDE.as_bytes());
    append().map_err(ManagedError::io("write", &path))
}

/// All that a program wrote, trimmed.
pub(super) fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).trim().to_owned()
}
