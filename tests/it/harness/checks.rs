//! Linters and schemas from PyPI, in a virtual environment of Python.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::target_dir;

/// Names the releases, for `make setup-test` too.
const REQUIREMENTS: &str = include_str!("../../checks/requirements.txt");

/// Runs one of its programs in the project's folder, to its end.
pub fn run(program: &str, args: &[&str]) -> Output {
    let version = REQUIREMENTS.lines().find_map(|line| line.strip_prefix("check-jsonschema==")).expect("a version");
    let program: PathBuf = target_dir().join(format!("tools/checks-{version}/bin/{program}"));
    assert!(program.exists(), "no {}: run `make setup-test` first", program.display());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    Command::new(program).args(args).current_dir(root).output().expect("run a check")
}

/// Panics with what the program says unless it ends with code 0.
#[track_caller]
pub fn expect_clean(program: &str, args: &[&str]) {
    let output = run(program, args);
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}:\n{said}");
}
