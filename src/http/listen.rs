//! Where to listen.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};

use crate::limits::HTTP_PORTS_TRIED_MAX;

/// Parses `8088` or `:8088`, which are this machine's own, `host:port` or `[::1]:8088`.
///
/// # Errors
/// In words.
pub fn parse(text: &str) -> Result<SocketAddr, String> {
    let form = "write a port, which only this machine reaches, or an address and a port, as 127.0.0.1:8088";
    if let Ok(port) = text.trim_start_matches(':').parse::<u16>() {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    let found = text.to_socket_addrs().map_err(|error| format!("{error}; {form}"))?.next();
    found.ok_or_else(|| format!("no address has that name; {form}"))
}

/// Begins to listen, and says where. Port 0 is any that is free.
///
/// # Errors
/// The system's word: somebody else listens there, or it is no address of this machine.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    tracing::info!("listening on http://{address}");
    if !address.ip().is_loopback() {
        tracing::warn!("everybody who reaches {address} sees what is there: it asks nobody for a password");
    }
    Ok(listener)
}

/// Begins to listen on the first free one of this machine's own ports from `first` on.
///
/// # Errors
/// The system's word on the first.
pub fn listen_from(first: u16) -> io::Result<TcpListener> {
    let listen_on = |port| listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let is_free = |tried: &io::Result<_>| !matches!(tried, Err(error) if error.kind() == io::ErrorKind::AddrInUse);
    let mut tried = (first..=first.saturating_add(HTTP_PORTS_TRIED_MAX)).map(listen_on);
    tried.find(is_free).unwrap_or_else(|| listen_on(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_this_machines_own() {
        for (text, address) in [
            ("8088", "127.0.0.1:8088"),
            (":8088", "127.0.0.1:8088"),
            ("0.0.0.0:1", "0.0.0.0:1"),
            ("[::1]:8088", "[::1]:8088"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), address);
        }
        for wrong in ["", "localhost", "127.0.0.1", "1:2:3", "65536", "http://127.0.0.1:80"] {
            assert!(parse(wrong).unwrap_err().contains("write a port"), "{wrong}");
        }
    }

    #[test]
    fn the_next_port_is_taken_where_the_first_is_in_use() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = listener.local_addr().unwrap();
        let next = listen_from(taken.port()).unwrap().local_addr().unwrap();
        assert!(next.ip().is_loopback() && next.port() > taken.port());
    }
}
