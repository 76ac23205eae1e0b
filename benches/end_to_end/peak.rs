//! What a process takes of memory and time, as the kernel counts it.

use std::thread::JoinHandle;
use std::time::Duration;

use nix::unistd::{SysconfVar, sysconf};

use crate::harness::process::Process;

/// Watches the largest resident memory of a process, in MB, until it ends.
pub fn watch(process: &Process) -> JoinHandle<f64> {
    let status = format!("/proc/{}/status", process.pid());
    std::thread::spawn(move || {
        let mut peak_mb = 0.0;
        while let Ok(text) = std::fs::read_to_string(&status) {
            // A process that has ended but was not waited for has none.
            let Some(line) = text.lines().find(|line| line.starts_with("VmHWM:")) else { break };
            let kb: f64 = line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or(0.0);
            peak_mb = kb / 1_024.0;
            std::thread::sleep(Duration::from_millis(20));
        }
        peak_mb
    })
}

/// Seconds of CPU that all threads of a process have taken so far.
pub fn cpu_seconds(process: &Process) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.pid())).expect("a running process");
    // The name, in parentheses, may hold spaces; utime and stime are the 12th and 13th fields after it.
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
    let clocks: f64 = fields[11..13].iter().map(|clocks| clocks.parse::<f64>().expect("a number")).sum();
    let per_second = sysconf(SysconfVar::CLK_TCK).expect("a setting of the system").expect("a number");
    clocks / per_second as f64
}
