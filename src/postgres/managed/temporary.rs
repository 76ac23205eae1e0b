//! A server that goes with the process that wanted it.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::ManagedError;
use super::layout::Layout;

/// Waits for the end of its standard input, which comes when viewtide lets go of the pipe or dies in any way; then stops the
/// server at once and removes the directory. The loop is bounded; a process that ended but was not waited for has no `cwd`.
/// `initdb` may still have been at work, hence the second look.
const SCRIPT: &str = r#"
read -r _
pid=$(head -n 1 "$1/postgres/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
tries=0
while [ -n "$pid" ] && [ -e "/proc/$pid/cwd" ] && [ $tries -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
far=$(sed -n "s/^unix_socket_directories = '\"\(\/tmp\/viewtide-run-[0-9a-f]*\)\"'$/\1/p" "$1/postgres.conf" 2>/dev/null)
[ -z "$far" ] || rm -rf -- "$far"
rm -rf -- "$1" 2>/dev/null || { sleep 1; rm -rf -- "$1"; }
"#;

/// The process that cleans up.
#[derive(Debug)]
pub(super) struct Watcher {
    child: Child,
}

impl Watcher {
    /// Watches over `layout` from now on.
    pub(super) fn spawn(layout: &Layout) -> Result<Self, ManagedError> {
        let child = Command::new("/bin/sh")
            .arg("-c")
            .arg(SCRIPT)
            .arg("viewtide-temporary")
            .arg(layout.root())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A terminal's Ctrl-C is for viewtide alone.
            .process_group(0)
            .spawn()
            .map_err(ManagedError::io("watch over", layout.root()))?;
        Ok(Self { child })
    }

    /// Stops the server, removes the directory, and returns when both are done.
    pub(super) fn finish(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.child.stdin.take());
        if let Err(error) = self.child.wait() {
            tracing::warn!(%error, "the temporary Postgres may not have been removed");
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.end();
    }
}

/// The name of a directory that nobody has.
pub(super) fn fresh_dir() -> PathBuf {
    let name: u64 = rand::random();
    std::env::temp_dir().join(format!("viewtide-{name:016x}"))
}
