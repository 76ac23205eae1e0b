//! Temporary folders that go with the test, and with the test binary when that is killed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Waits for the end of its standard input, which comes with the end of the test binary. A Postgres in the folder outlives us
/// by design, so it is stopped here; one process may by now have another's number, but not its working directory.
const SCRIPT: &str = r#"
read -r _
sleep 1
find "$1" -name postmaster.pid -exec sh -c '
    pid=$(head -n 1 "$1")
    [ "$(readlink "/proc/$pid/cwd")" != "$(dirname "$1")" ] || kill -QUIT "$pid"' stop {} \;
sleep 1
rm -rf -- "$1"
"#;

/// A folder that every account can reach and only ours can list. Removed with this value.
pub struct Folder {
    dir: tempfile::TempDir,
    remover: Child,
}

impl Folder {
    /// A new one.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("viewtide-test-").tempdir().expect("a temporary folder");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).expect("open the folder");
        let remover = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "remove"])
            .arg(dir.path())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for the tests; this one has to outlive them.
            .process_group(0)
            .spawn()
            .expect("start the folder's remover");
        Self { dir, remover }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The folder itself goes with the field.
        drop(self.remover.kill());
        drop(self.remover.wait());
    }
}
