//! The processes of one engine: who they are, and the sockets between them.
//!
//! Process `i` connects to every process before it and accepts every process after it. Each connection opens with a
//! greeting, so that a stray connection, another program or an engine of another size is turned away and not taken for
//! a peer, and all of it has a deadline.

use std::any::Any;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use timely::communication::allocator::ProcessBuilder;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::{AllocatorBuilder, Hooks};

use crate::limits::{CLUSTER_GREETING_MS_MAX, CLUSTER_SETUP_SECONDS_MAX, WORKERS_MAX};

/// Opens every connection between processes.
const MAGIC: [u8; 8] = *b"viewtide";

/// Bytes of a greeting: the magic, then processes, workers of a process, and the caller's index, each a `u64`.
const GREETING_BYTES: usize = 32;

/// How long to wait before a peer that is not there yet is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// This process among those of one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Workers of each process.
    pub workers: usize,
    /// This process, from 0.
    pub process: usize,
    /// `host:port` of every process, in order.
    pub addresses: Vec<String>,
}

/// Why the processes of an engine do not come together.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The description makes no sense.
    #[error("{0}")]
    Config(String),
    /// Another program, or another process of this engine, has the address.
    #[error("process {process} cannot listen on {address}: {source}; give it another address in the hostfile")]
    Listen {
        /// This process.
        process: usize,
        /// Its address.
        address: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Not all came in time.
    #[error(
        "process {process}: no connection with process(es) {missing:?} within {CLUSTER_SETUP_SECONDS_MAX} s; are they \
         started with the same -n, -w and hostfile, and can they be reached?"
    )]
    Missing {
        /// This process.
        process: usize,
        /// Those that did not come.
        missing: Vec<usize>,
    },
    /// The operating system refused.
    #[error("process {process}: {source}")]
    Io {
        /// This process.
        process: usize,
        /// Why.
        source: std::io::Error,
    },
}

impl Cluster {
    /// A single process.
    pub fn single(workers: usize) -> Self {
        Self { workers, process: 0, addresses: vec![String::new()] }
    }

    /// Processes of the whole engine.
    pub fn processes(&self) -> usize {
        self.addresses.len()
    }

    /// Workers of the whole engine.
    pub fn peers(&self) -> usize {
        self.workers * self.processes()
    }

    /// Whether the description makes sense.
    pub fn check(&self) -> Result<(), ClusterError> {
        let (workers, process, processes) = (self.workers, self.process, self.processes());
        if workers == 0 || workers > WORKERS_MAX {
            return Err(ClusterError::Config(format!("-w {workers}: a process has 1 to {WORKERS_MAX} workers")));
        }
        if process >= processes {
            return Err(ClusterError::Config(format!("-p {process}: processes are numbered 0 to {}", processes - 1)));
        }
        Ok(())
    }

    /// Connects all processes, and makes what timely builds its workers from.
    pub fn connect(&self) -> Result<(Vec<AllocatorBuilder>, Box<dyn Any + Send>), ClusterError> {
        self.check()?;
        let hooks = Hooks::default();
        let local = ProcessBuilder::new_typed_vector(self.workers, hooks.refill.clone(), None);
        if self.processes() == 1 {
            return Ok((local.into_iter().map(AllocatorBuilder::Process).collect(), Box::new(())));
        }
        let sockets = self.sockets()?;
        let (builders, guard) = initialize_networking_from_sockets(local, sockets, self.process, self.workers, hooks)
            .map_err(|source| ClusterError::Io { process: self.process, source })?;
        Ok((builders.into_iter().map(AllocatorBuilder::Tcp).collect(), Box::new(guard)))
    }

    /// One socket to each other process, `None` at the place of this one.
    fn sockets(&self) -> Result<Vec<Option<TcpStream>>, ClusterError> {
        let io = |source| ClusterError::Io { process: self.process, source };
        let deadline = Instant::now() + Duration::from_secs(CLUSTER_SETUP_SECONDS_MAX);
        let address = &self.addresses[self.process];
        let listener = TcpListener::bind(address).map_err(|source| ClusterError::Listen {
            process: self.process,
            address: address.clone(),
            source,
        })?;
        listener.set_nonblocking(true).map_err(io)?;

        let mut sockets: Vec<Option<TcpStream>> = self.addresses.iter().map(|_| None).collect();
        loop {
            for earlier in (0..self.process).filter(|&process| sockets[process].is_none()).collect::<Vec<_>>() {
                sockets[earlier] = self.call(&self.addresses[earlier]);
            }
            while let Ok((stream, from)) = listener.accept() {
                match self.greeted_by(&stream) {
                    Ok(process) if sockets[process].is_none() => sockets[process] = Some(stream),
                    Ok(process) => tracing::warn!(%from, process, "turned away a second connection of one process"),
                    Err(why) => tracing::warn!(%from, "turned away a connection that is no peer: {why}"),
                }
            }
            let missing: Vec<usize> =
                (0..self.processes()).filter(|&peer| peer != self.process && sockets[peer].is_none()).collect();
            if missing.is_empty() {
                return Ok(sockets);
            }
            if Instant::now() >= deadline {
                return Err(ClusterError::Missing { process: self.process, missing });
            }
            std::thread::sleep(RETRY);
        }
    }

    fn call(&self, address: &str) -> Option<TcpStream> {
        let mut stream = TcpStream::connect(address).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.write_all(&self.greeting(self.process)).ok()?;
        Some(stream)
    }

    fn greeting(&self, process: usize) -> [u8; GREETING_BYTES] {
        let mut greeting = [0; GREETING_BYTES];
        greeting[..8].copy_from_slice(&MAGIC);
        for (place, number) in [self.processes(), self.workers, process].into_iter().enumerate() {
            greeting[8 + 8 * place..][..8].copy_from_slice(&(number as u64).to_le_bytes());
        }
        greeting
    }

    /// Which later process it is that called.
    fn greeted_by(&self, mut stream: &TcpStream) -> Result<usize, String> {
        let text = |error: std::io::Error| error.to_string();
        stream.set_nonblocking(false).map_err(text)?;
        stream.set_nodelay(true).map_err(text)?;
        stream.set_read_timeout(Some(Duration::from_millis(CLUSTER_GREETING_MS_MAX))).map_err(text)?;
        let mut greeting = [0; GREETING_BYTES];
        stream.read_exact(&mut greeting).map_err(text)?;
        stream.set_read_timeout(None).map_err(text)?;
        (self.process + 1..self.processes())
            .find(|&process| self.greeting(process) == greeting)
            .ok_or_else(|| "it greets as no later process of this engine would".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free_addresses(count: usize) -> Vec<String> {
        let listeners: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        listeners.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect()
    }

    #[test]
    fn processes_find_each_other_past_stray_connections() {
        let addresses = free_addresses(3);
        let cluster = |process| Cluster { workers: 2, process, addresses: addresses.clone() };
        let first = cluster(0);
        let listening = std::thread::spawn(move || first.sockets().unwrap());
        let stray = loop {
            if let Ok(mut stream) = TcpStream::connect(&addresses[0]) {
                stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
                break stream;
            }
        };
        let others: Vec<_> = [2, 1]
            .into_iter()
            .map(|process| {
                let cluster = cluster(process);
                std::thread::spawn(move || cluster.sockets().unwrap())
            })
            .collect();
        let present = |sockets: Vec<Option<TcpStream>>| sockets.iter().map(Option::is_some).collect::<Vec<_>>();
        assert_eq!(present(listening.join().unwrap()), [false, true, true]);
        let others: Vec<_> = others.into_iter().map(|thread| present(thread.join().unwrap())).collect();
        assert_eq!(others, [[true, true, false], [true, false, true]]);
        drop(stray);
    }

    #[test]
    fn an_address_that_is_taken_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let cluster = Cluster { workers: 1, process: 0, addresses: vec![address.clone(), "127.0.0.1:1".into()] };
        let error = cluster.sockets().unwrap_err().to_string();
        assert!(error.contains(&address) && error.contains("hostfile"), "{error}");
    }
}
