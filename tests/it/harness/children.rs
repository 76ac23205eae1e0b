//! Children that die with the test binary.
//!
//! The kernel kills them by the parent-death signal. That one follows the *thread* that started the child, and the test
//! runner's threads come and go, so all children are started by one thread that lives as long as the process.

use std::ffi::OsString;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};

type Order = (Command, Sender<std::io::Result<Child>>);

fn spawner() -> Sender<Order> {
    static SPAWNER: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = channel::<Order>();
        std::thread::Builder::new()
            .name("spawner".to_owned())
            .spawn(move || {
                for (mut command, answer) in inbox {
                    // The one who ordered it may have panicked meanwhile; the child then ends with the process.
                    drop(answer.send(command.spawn()));
                }
            })
            .expect("start the thread that starts children");
        Mutex::new(orders)
    });
    spawner.lock().expect("nobody panics while holding it").clone()
}

/// Starts `program` so that it is killed when this process ends; its process id is that of the child. `set_up` sets
/// environment, folder, and standard streams, of which stdin is null unless set.
pub fn spawn(program: &str, args: &[OsString], set_up: impl FnOnce(&mut Command)) -> Child {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", program]).args(args).stdin(Stdio::null());
    set_up(&mut command);
    let (answer, child) = channel();
    spawner().send((command, answer)).expect("the spawner lives as long as the process");
    child.recv().expect("the spawner answers").unwrap_or_else(|error| panic!("setpriv {program}: {error}"))
}
