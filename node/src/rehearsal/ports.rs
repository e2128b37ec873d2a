//! Free ports for nodes that are told where to listen before they start.
//!
//! They are below the range from which systems take the ports of outgoing connections (32,768 and up on Linux, 49,152 and up
//! elsewhere): of 61 nodes that dial each other, one found its port taken by another's connection. No two calls of a process
//! give the same port, however long the first one's node takes to start.

use std::io::{Error, ErrorKind};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::rehearsal::errors::RehearsalError;

const FIRST: u32 = 20_000;
const PORTS: u32 = 12_000;
const APART: u32 = 211;
/// Ports that this process has tried.
static TRIED: AtomicU32 = AtomicU32::new(0);

/// A port of this machine that is free at this moment and was not given before.
///
/// # Errors
/// [`RehearsalError::Start`]: none is free.
pub fn free_port() -> Result<u16, RehearsalError> {
    // Processes side by side begin far from each other: a prime apart for each number of a process.
    let begin = std::process::id() % PORTS * APART;
    let mut last = Error::from(ErrorKind::AddrInUse);
    loop {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed);
        if tried >= PORTS {
            return Err(RehearsalError::Start(last.kind()));
        }
        let port = u16::try_from(FIRST + (begin + tried) % PORTS).map_err(|_| RehearsalError::Start(ErrorKind::Other))?;
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_free) => return Ok(port),
            Err(error) => last = error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ports_are_free_each_its_own_and_none_that_a_connection_gets() {
        let ports: BTreeSet<u16> = (0..100).map(|_| free_port().unwrap()).collect();
        assert_eq!(ports.len(), 100);
        assert!(ports.iter().all(|port| (20_000..32_000).contains(port)));
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, *ports.first().unwrap())).unwrap();
        let dialled = std::net::TcpStream::connect(held.local_addr().unwrap()).unwrap();
        assert!(!(20_000..32_000).contains(&dialled.local_addr().unwrap().port()));
    }
}
