//! The settings of a managed server.

use std::fs;
use std::path::Path;

use super::Durability;
use crate::limits::{
    MANAGED_BUFFERS_BYTES_MAX, MANAGED_BUFFERS_BYTES_MIN, MANAGED_BUFFERS_SHARE, MANAGED_WAL_MEGABYTES_MAX,
};

/// The file that is read beside `postgresql.conf`.
pub(super) fn settings(port: u16, socket_dir: &Path, durability: Durability) -> String {
    let buffers_megabytes = buffers_bytes(memory_bytes()) / 1024 / 1024;
    let mut text = format!(
        "# Written by viewtide before each start; put settings of your own into postgres/postgresql.auto.conf\n\
         # by ALTER SYSTEM.\n\
         listen_addresses = '127.0.0.1'\n\
         port = {port}\n\
         unix_socket_directories = '\"{}\"'\n\
         unix_socket_permissions = 0700\n\
         password_encryption = 'scram-sha-256'\n\
         # A line for every checkpoint is all that a healthy server would log.\n\
         log_checkpoints = off\n\
         # Commits touch the keys of all videos; a page that is not in memory is written out by the commit that needs the room.\n\
         shared_buffers = {buffers_megabytes}MB\n\
         # After each checkpoint every page is written to the log as a whole once more.\n\
         max_wal_size = {MANAGED_WAL_MEGABYTES_MAX}MB\n\
         checkpoint_timeout = 15min\n",
        socket_dir.display()
    );
    if durability == Durability::None {
        text.push_str("# The data goes when the server does.\nfsync = off\nfull_page_writes = off\n");
    }
    text
}

/// How much of `memory_bytes` the server's buffers take once they are all used.
fn buffers_bytes(memory_bytes: u64) -> u64 {
    (memory_bytes / MANAGED_BUFFERS_SHARE).clamp(MANAGED_BUFFERS_BYTES_MIN, MANAGED_BUFFERS_BYTES_MAX)
}

/// What this machine has, or this container may take.
fn memory_bytes() -> u64 {
    let info = rustix::system::sysinfo();
    let machine = info.totalram * u64::from(info.mem_unit);
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    container.unwrap_or(machine).min(machine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_a_share_of_the_memory_within_bounds() {
        const MIB: u64 = 1024 * 1024;
        assert_eq!([512, 4_096, 65_536].map(|memory| buffers_bytes(memory * MIB) / MIB), [128, 512, 2_048]);
        let memory = memory_bytes();
        assert!((256 * MIB..1 << 50).contains(&memory), "{memory} bytes of memory");
    }
}
