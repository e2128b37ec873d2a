//! A recorder between two nodes: forwards every byte and keeps a copy, as somebody who owns the cable would.
//!
//! Each node of a rehearsal is reached through its recorder, so that what is said about the wire is measured on it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// Bytes that are forwarded at once.
const BUFFER: usize = 16 * 1024;

/// A running recorder; stops when dropped.
pub struct Tap {
    task: JoinHandle<()>,
    bytes: Arc<AtomicU64>,
    file: Option<PathBuf>,
}

impl Tap {
    /// Forwards from a listening socket to a port on this machine, and records into a file.
    ///
    /// # Errors
    /// The file cannot be made.
    pub async fn start(listener: TcpListener, port: u16, file: PathBuf) -> std::io::Result<Self> {
        // Made at once, not by a thread that may outlive a rehearsal which is interrupted at this moment.
        let record = std::fs::OpenOptions::new().create(true).append(true).open(&file)?;
        Ok(Self::forwarding(listener, port, Some((file, record))))
    }

    /// Forwards and counts, and keeps no copy.
    #[must_use]
    pub fn counting(listener: TcpListener, port: u16) -> Self {
        Self::forwarding(listener, port, None)
    }

    fn forwarding(listener: TcpListener, port: u16, record: Option<(PathBuf, std::fs::File)>) -> Self {
        let (file, record) = record.unzip();
        let record = record.map(|record| Arc::new(Mutex::new(tokio::fs::File::from_std(record))));
        let bytes = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&bytes);
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (record, counter) = (record.clone(), Arc::clone(&counter));
                tokio::spawn(async move {
                    if let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await {
                        let (near_in, near_out) = near.into_split();
                        let (far_in, far_out) = far.into_split();
                        let there = forward(near_in, far_out, record.clone(), Arc::clone(&counter));
                        let back = forward(far_in, near_out, record, counter);
                        tokio::join!(there, back);
                    }
                });
            }
        });
        Self { task, bytes, file }
    }

    /// Bytes that went through so far, both ways.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Where they are recorded; none where they are only counted.
    #[must_use]
    pub fn file(&self) -> Option<&std::path::Path> {
        self.file.as_deref()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    record: Option<Arc<Mutex<tokio::fs::File>>>,
    counter: Arc<AtomicU64>,
) {
    let mut buffer = vec![0u8; BUFFER];
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(read) if read > 0 => read,
            _ => break,
        };
        let Some(part) = buffer.get(..read) else { break };
        counter.fetch_add(read as u64, Ordering::Relaxed);
        // What cannot be recorded is not forwarded: the count of names on the wire would not be true otherwise.
        if let Some(record) = &record
            && record.lock().await.write_all(part).await.is_err()
        {
            break;
        }
        if to.write_all(part).await.is_err() {
            break;
        }
    }
    // The other side sees the end of this direction; a failure means that it is gone already.
    let _gone = to.shutdown().await;
}
