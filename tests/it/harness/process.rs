//! The built binary, run as a process.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempPath;

use super::{children, wait_for};

/// What a process has written to one of its streams so far.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("the reader does not panic")).into_owned()
    }

    fn read_from(&self, mut stream: impl Read + Send + 'static) -> JoinHandle<()> {
        let captured = self.0.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                captured.lock().expect("nobody panics while holding it").extend_from_slice(&buffer[..count]);
            }
        })
    }
}

/// A running process; killed with this value.
pub struct Process {
    name: String,
    child: Child,
    stdout: Captured,
    stderr: Captured,
    readers: Vec<JoinHandle<()>>,
    /// What it reads, and what goes with it.
    _file: Option<Arc<TempPath>>,
}

/// Starts `viewtide` with `args`, and no setting from the tests' own environment.
pub fn viewtide<I>(args: I) -> Process
where
    I: IntoIterator<Item: Into<OsString>>,
{
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    Process::start(env!("CARGO_BIN_EXE_viewtide"), &args)
}

impl Process {
    /// Starts `program` with `args`.
    pub fn start(program: &str, args: &[OsString]) -> Self {
        let mut child = children::spawn(program, args, |command| {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            for (name, _) in std::env::vars_os() {
                if name.to_string_lossy().starts_with("VIEWTIDE_") {
                    command.env_remove(name);
                }
            }
        });
        let (stdout, stderr) = (Captured::default(), Captured::default());
        let readers = vec![
            stdout.read_from(child.stdout.take().expect("piped")),
            stderr.read_from(child.stderr.take().expect("piped")),
        ];
        let shown: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
        Self { name: format!("{program} {}", shown.join(" ")), child, stdout, stderr, readers, _file: None }
    }

    /// Keeps `file`, which it reads, for as long as it runs.
    pub fn keeping(mut self, file: Option<Arc<TempPath>>) -> Self {
        self._file = file;
        self
    }

    /// The process id.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("process ids are small")
    }

    /// Sends `signal`.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap_or_else(|error| panic!("{signal} to {}: {error}", self.name));
    }

    /// What it has written to stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until it has written `text` to stdout or stderr; panics where it ends before or the deadline passes.
    pub fn wait_for_output(&mut self, text: &str, deadline: Duration) {
        wait_for(&format!("{text:?} from {}", self.name), deadline, || {
            let ended = self.child.try_wait().expect("wait for a child").is_some();
            let written = self.stdout() + &self.stderr();
            assert!(!ended || written.contains(text), "{} ended without {text:?}:\n{written}", self.name);
            written.contains(text).then_some(())
        });
    }

    /// Panics where it has ended, with what it wrote.
    pub fn expect_running(&mut self) {
        if let Some(status) = self.child.try_wait().expect("wait for a child") {
            panic!("{} has ended with {status}:\n{}", self.name, self.stderr());
        }
    }

    /// Waits for its end that long, however it comes.
    pub fn end_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let begin = std::time::Instant::now();
        loop {
            let ended = self.child.try_wait().expect("wait for a child");
            if ended.is_some() || begin.elapsed() >= patience {
                return ended;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end, however it comes; panics at the deadline.
    pub fn wait_for_end(&mut self, deadline: Duration) {
        assert!(self.end_within(deadline).is_some(), "waited {deadline:?} in vain for the end of {}", self.name);
    }

    /// Waits for its end; kills it and panics at the deadline.
    pub fn wait(mut self, deadline: Duration) -> Finished {
        let Some(status) = self.end_within(deadline) else {
            drop(self.child.kill());
            panic!("{} was still there after {deadline:?}; stderr:\n{}", self.name, self.stderr());
        };
        // A grandchild may hold a stream open; what was written before the end is there within moments all the same.
        let readers = std::mem::take(&mut self.readers);
        let patience = std::time::Instant::now();
        while !readers.iter().all(JoinHandle::is_finished) && patience.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Finished { name: self.name.clone(), status, stdout: self.stdout(), stderr: self.stderr() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// A process that has ended.
pub struct Finished {
    name: String,
    status: ExitStatus,
    /// All of its stdout.
    pub stdout: String,
    /// All of its stderr.
    pub stderr: String,
}

impl Finished {
    /// The exit code; `None` where a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it, as a number.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Panics with all that it wrote unless it ended with `code`.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "{}\nstdout:\n{}\nstderr:\n{}", self.name, self.stdout, self.stderr);
        self
    }

    /// The JSON object in the last line of stdout.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{}: last line {line:?} is no JSON: {error}\n{}", self.name, self.stderr))
    }
}
