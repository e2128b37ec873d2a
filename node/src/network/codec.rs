//! How an item and its receipt stand on a stream: a big-endian u32 length, then the bytes.
//!
//! The request-response behaviour calls it, one stream an item. Memory follows the bytes that came, never the length that
//! was declared, and all items being read share one budget; a stream on which nothing moves is given up, a slow one is not.
//! It does not look into an item.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use kinmesh_protocol::base::cbor;
use kinmesh_protocol::base::limits::{ITEM_BYTES, RECEIPT_BYTES};
use libp2p::StreamProtocol;
use libp2p::request_response::Codec;
use minicbor::{Decode, Decoder, Encode, Encoder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::api::Receipt;

/// The protocol's name in multistream-select.
pub(super) const PROTOCOL: StreamProtocol = StreamProtocol::new("/kinmesh/item/1");

/// Bytes by which the buffer of an item grows.
const STEP: usize = 64 * 1024;
/// Steps of all items being read at once: 64 MiB.
const STEPS: usize = 1024;
/// A read that brings nothing for so long ends the stream.
const SILENCE: Duration = Duration::from_secs(30);
/// A write that takes nothing for so long ends the stream. Longer than a read's, since up to 256 KiB of each of four
/// streams may stand before it in buffers: 131 s at 64 kbit/s.
const STALL: Duration = Duration::from_secs(180);
/// How long a sender waits for the receipt: what is still in buffers, and the 60 s that the receiver has.
const ANSWER: Duration = Duration::from_secs(240);

/// An item on its way; what came in holds its share of the budget until the daemon has it.
#[derive(Debug)]
pub(super) struct Item {
    bytes: Vec<u8>,
    _share: Option<OwnedSemaphorePermit>,
}

impl Item {
    /// An item to send.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, _share: None }
    }

    /// The bytes; gives the share of the budget back.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads and writes items and receipts.
#[derive(Clone)]
pub(super) struct ItemCodec {
    budget: Arc<Semaphore>,
}

impl ItemCodec {
    /// One codec for all connections, with one budget.
    pub(super) fn new() -> Self {
        Self { budget: Arc::new(Semaphore::new(STEPS)) }
    }
}

impl Codec for ItemCodec {
    type Protocol = StreamProtocol;
    type Request = Item;
    type Response = Receipt;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Item>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_item(io, &self.budget).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Receipt>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_receipt(io).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, item: Item) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_framed(io, &item.bytes).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, receipt: Receipt) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_framed(io, &cbor::encode(&receipt)).await
    }
}

async fn read_item<T: AsyncRead + Unpin>(io: &mut T, budget: &Arc<Semaphore>) -> io::Result<Item> {
    let length = read_length(io, SILENCE, ITEM_BYTES).await?;
    let mut bytes = Vec::new();
    let mut share: Option<OwnedSemaphorePermit> = None;
    while bytes.len() < length {
        let more = Arc::clone(budget).try_acquire_owned().map_err(|_| io::Error::from(ErrorKind::OutOfMemory))?;
        match &mut share {
            Some(held) => held.merge(more),
            None => share = Some(more),
        }
        let step = STEP.min(length - bytes.len());
        read_step(io, &mut bytes, step, SILENCE).await?;
    }
    Ok(Item { bytes, _share: share })
}

/// Appends exactly `step` bytes. The deadline is a read's, so that a slow stream goes on as long as bytes come.
async fn read_step<T: AsyncRead + Unpin>(io: &mut T, bytes: &mut Vec<u8>, step: usize, silence: Duration) -> io::Result<()> {
    let mut filled = bytes.len();
    // `resize` alone would double the buffer.
    bytes.reserve_exact(step);
    bytes.resize(filled + step, 0);
    while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
        match within(silence, io.read(room)).await? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    }
    Ok(())
}

async fn read_receipt<T: AsyncRead + Unpin>(io: &mut T) -> io::Result<Receipt> {
    let length = read_length(io, ANSWER, RECEIPT_BYTES).await?;
    let mut bytes = Vec::new();
    read_step(io, &mut bytes, length, SILENCE).await?;
    cbor::decode(&bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

async fn read_length<T: AsyncRead + Unpin>(io: &mut T, patience: Duration, limit: usize) -> io::Result<usize> {
    let mut prefix = [0; 4];
    within(patience, io.read_exact(&mut prefix)).await?;
    let declared = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
    if declared > limit { Err(ErrorKind::InvalidData.into()) } else { Ok(declared) }
}

async fn write_framed<T: AsyncWrite + Unpin>(io: &mut T, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
    within(STALL, io.write_all(&length.to_be_bytes())).await?;
    for piece in bytes.chunks(STEP) {
        within(STALL, io.write_all(piece)).await?;
    }
    within(STALL, io.flush()).await
}

async fn within<O>(patience: Duration, step: impl Future<Output = io::Result<O>>) -> io::Result<O> {
    timeout(patience, step).await.map_err(|_| io::Error::from(ErrorKind::TimedOut))?
}

/// `[0]` committed, `[1, retry_ms]` busy, `[2, code]` refused.
impl<C> Encode<C> for Receipt {
    fn encode<W: minicbor::encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Receipt::Committed => e.array(1)?.u8(0)?.ok(),
            Receipt::Busy { retry_ms } => e.array(2)?.u8(1)?.u32(*retry_ms)?.ok(),
            Receipt::Refused { code } => e.array(2)?.u8(2)?.u8(*code)?.ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for Receipt {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        match (d.array()?, d.u8()?) {
            (Some(1), 0) => Ok(Receipt::Committed),
            (Some(2), 1) => Ok(Receipt::Busy { retry_ms: d.u32()? }),
            (Some(2), 2) => Ok(Receipt::Refused { code: d.u8()? }),
            _ => Err(minicbor::decode::Error::message("receipt")),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use futures::io::Cursor;

    use super::*;

    #[tokio::test]
    async fn an_item_of_the_largest_size_survives_the_stream() {
        for size in [0, 1, STEP, STEP + 1, ITEM_BYTES] {
            let mut wire = Vec::new();
            write_framed(&mut wire, &vec![0xa5; size]).await.unwrap();
            assert_eq!(wire.len(), 4 + size);
            let item = read_item(&mut Cursor::new(wire), &budget(STEPS)).await.unwrap();
            assert_eq!(item.into_bytes(), vec![0xa5; size]);
        }
    }

    #[tokio::test]
    async fn a_declared_length_above_the_limit_is_refused_unread() {
        for declared in [ITEM_BYTES as u32 + 1, u32::MAX] {
            let mut wire = Cursor::new([&declared.to_be_bytes()[..], &[0; 100]].concat());
            let refusal = read_item(&mut wire, &budget(STEPS)).await.unwrap_err();
            assert_eq!(refusal.kind(), ErrorKind::InvalidData);
            assert_eq!(wire.position(), 4);
        }
    }

    #[tokio::test]
    async fn memory_follows_the_bytes_that_came_not_the_length_declared() {
        let wire = [&(ITEM_BYTES as u32).to_be_bytes()[..], &[0; 10]].concat();
        // One step of budget is enough to see the stream end.
        let end = read_item(&mut Cursor::new(wire), &budget(1)).await.unwrap_err();
        assert_eq!(end.kind(), ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn items_beyond_the_budget_are_refused_and_the_budget_comes_back() {
        let mut wire = Vec::new();
        write_framed(&mut wire, &vec![1; 3 * STEP]).await.unwrap();
        let budget = budget(5);
        let first = read_item(&mut Cursor::new(wire.clone()), &budget).await.unwrap();
        let second = read_item(&mut Cursor::new(wire.clone()), &budget).await.unwrap_err();
        assert_eq!(second.kind(), ErrorKind::OutOfMemory);
        drop(first);
        read_item(&mut Cursor::new(wire), &budget).await.unwrap();
        assert_eq!(budget.available_permits(), 5);
    }

    #[tokio::test]
    async fn a_stream_on_which_nothing_moves_is_given_up() {
        let mut silent =
            Cursor::new([0, 0, 0, 9, 1, 2]).chain(futures::stream::pending::<io::Result<[u8; 1]>>().into_async_read());
        let mut bytes = Vec::new();
        assert_eq!(read_length(&mut silent, SILENCE, ITEM_BYTES).await.unwrap(), 9);
        let end = read_step(&mut silent, &mut bytes, 9, Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(end.kind(), ErrorKind::TimedOut);
        assert_eq!(bytes[..2], [1, 2]);
    }

    #[tokio::test]
    async fn every_receipt_has_one_small_form() {
        let all = [
            (Receipt::Committed, vec![0x81, 0]),
            (Receipt::Busy { retry_ms: 0x0102_0304 }, vec![0x82, 1, 0x1a, 1, 2, 3, 4]),
            (Receipt::Refused { code: 7 }, vec![0x82, 2, 7]),
        ];
        for (receipt, form) in all {
            assert_eq!(cbor::encode(&receipt), form);
            let mut wire = Vec::new();
            write_framed(&mut wire, &form).await.unwrap();
            assert!(wire.len() <= RECEIPT_BYTES);
            assert_eq!(read_receipt(&mut Cursor::new(wire)).await.unwrap(), receipt);
        }
        for other in [&[0x81, 1][..], &[0x82, 0, 0], &[0x82, 2, 0x18, 7], &[0x81, 0, 0], &[0x82, 3, 0], &[]] {
            let mut wire = Vec::new();
            write_framed(&mut wire, other).await.unwrap();
            assert_eq!(read_receipt(&mut Cursor::new(wire)).await.unwrap_err().kind(), ErrorKind::InvalidData, "{other:?}");
        }
        let long = [&65u32.to_be_bytes()[..], &[0; 65]].concat();
        assert_eq!(read_receipt(&mut Cursor::new(long)).await.unwrap_err().kind(), ErrorKind::InvalidData);
    }

    fn budget(steps: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(steps))
    }
}
