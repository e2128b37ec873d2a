//! What crosses between the daemon and the network: configuration, commands, events, receipts and errors.
//!
//! Values only. Addresses are multiaddr texts, peers are raw ed25519 keys, items are bytes: no caller meets a libp2p type.

use std::fmt;
use std::io;

use kinmesh_protocol::base::limits::ITEM_BYTES;
use kinmesh_protocol::base::{DeliveryId, PeerId, ReceiptId, Sensitive};
use thiserror::Error;

/// How the network is started.
#[derive(Clone)]
pub struct NetworkConfig {
    /// The 32-byte seed (RFC 8032) of the operational ed25519 key, which is the transport identity too.
    pub identity: Sensitive<[u8; 32]>,
    /// Where to listen, as multiaddr texts such as `/ip4/127.0.0.1/tcp/0`; none for a node that only dials.
    pub listen: Vec<String>,
    /// Whether this node is the relay of those whom it admits.
    pub relay: bool,
    /// A rehearsal: dialling and idling are given up sooner, nothing else changes.
    pub drill: bool,
}

/// What the daemon asks for.
#[derive(Clone, PartialEq, Eq)]
pub enum NetworkCommand {
    /// Sends one item of at most [`ITEM_BYTES`] to a connected peer. It never dials: without a link the outcome is `Lost`.
    Send {
        /// Names the delivery in its one `Sent` event.
        delivery: DeliveryId,
        /// The receiver.
        peer: PeerId,
        /// The bytes.
        item: Vec<u8>,
    },
    /// Answers an item. An answer to an item whose sender is gone, or that waited too long, has no effect.
    Receipt {
        /// The item's name in its `Item` event.
        of: ReceiptId,
        /// The answer.
        answer: Receipt,
    },
    /// Takes another identity: the handle's owner stops the network and starts it again. A running network ignores it.
    Identify {
        /// The seed of the operational key that is the identity.
        seed: Sensitive<[u8; 32]>,
    },
    /// Lets connections with a peer through, in both directions.
    Admit {
        /// The peer.
        peer: PeerId,
    },
    /// Takes the admission back and closes what is open with the peer.
    Deny {
        /// The peer.
        peer: PeerId,
    },
    /// Connects to an admitted peer. Ends in `Up` or `DialFailed`; has no effect while the peer is connected or being dialled.
    Dial {
        /// The peer.
        peer: PeerId,
        /// Multiaddr texts. The first eight that can be read are tried, side by side; if none leads to the peer, or none is
        /// given, the relay is tried.
        addresses: Vec<String>,
    },
    /// Names the relay: a place is kept there while it is connected. Replaces the one named before.
    Relay {
        /// The relay, to be admitted and dialled like any peer.
        peer: PeerId,
        /// Multiaddr texts; without one that can be read there is no relay.
        addresses: Vec<String>,
    },
}

/// What happened.
#[derive(Clone, PartialEq, Eq)]
pub enum NetworkEvent {
    /// The node can be reached at this address, the port filled in.
    Listening {
        /// A multiaddr text.
        address: String,
    },
    /// The first connection with a peer is open.
    Up {
        /// The peer.
        peer: PeerId,
        /// The address that was dialled; none when the peer connected.
        address: Option<String>,
    },
    /// How a peer is reached, where that is not directly or has changed since `Up`.
    Path {
        /// The peer.
        peer: PeerId,
        /// Whether only the relay leads to it.
        relayed: bool,
    },
    /// A place at the relay: at the relay a peer's, elsewhere this node's with the peer.
    Place {
        /// The peer.
        peer: PeerId,
        /// Whether it is held.
        held: bool,
    },
    /// The last connection with a peer is closed. Deliveries under way to it were reported as `Lost` before.
    Down {
        /// The peer.
        peer: PeerId,
    },
    /// An item arrived. It is dropped, and lost for the sender, unless it is answered within 60 s.
    Item {
        /// Names the item in the `Receipt` command.
        receipt: ReceiptId,
        /// The sender, proven by TLS.
        peer: PeerId,
        /// At most [`ITEM_BYTES`].
        bytes: Vec<u8>,
    },
    /// A delivery ended; exactly one for each `Send`.
    Sent {
        /// The name that `Send` gave.
        delivery: DeliveryId,
        /// How it ended.
        outcome: SendOutcome,
    },
    /// No address of the peer led to it, or it is not admitted.
    DialFailed {
        /// The peer.
        peer: PeerId,
    },
    /// Peers that were not admitted were turned away; at most one event a second, however many came.
    StrangerRefused,
}

/// What the receiver of an item answers; at most 64 bytes on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// The receiver has committed the item durably.
    Committed,
    /// The receiver cannot take it at the moment.
    Busy {
        /// Milliseconds after which to try again.
        retry_ms: u32,
    },
    /// The receiver will never take it.
    Refused {
        /// The reason.
        code: u8,
    },
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The receiver has committed the item.
    Committed,
    /// The receiver, or this node's own limits, had no room.
    Busy {
        /// Milliseconds after which to try again.
        retry_ms: u32,
    },
    /// The receiver will never take it.
    Refused {
        /// The receiver's reason, or [`REFUSED_TOO_LARGE`].
        code: u8,
    },
    /// Nobody knows whether the receiver has it: the link broke, was never there, or no receipt came in time.
    Lost,
}

/// The code with which this node refuses to send an item above [`ITEM_BYTES`].
pub const REFUSED_TOO_LARGE: u8 = 255;

/// Why the network does not start.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// TLS would write the keys of all sessions to the file that the variable names (libp2p-tls 0.7 honours it).
    #[error("SSLKEYLOGFILE is set, so TLS would write all session keys to a file: unset it for this process and start again")]
    KeyLog,
    /// The seed makes no key or no certificate.
    #[error("no TLS certificate could be made from the operational key: restore the key file from its backup")]
    Identity,
    /// A text of the configuration is no multiaddr.
    #[error("listen address {place} is not a multiaddr: write it like /ip4/0.0.0.0/tcp/4001")]
    Address {
        /// Its place in the list, from 1.
        place: usize,
    },
    /// An address that cannot be listened on.
    #[error(
        "cannot listen on address {place} ({kind}): only /ip4/../tcp/.. and /ip6/../tcp/.. of this machine with a free port are possible"
    )]
    Listen {
        /// Its place in the list, from 1.
        place: usize,
        /// What the system said.
        kind: io::ErrorKind,
    },
}

/// The network's task has ended; nothing more will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the network has stopped: restart the node")]
pub struct NetworkGone;

/// Why a command was not taken at once.
#[derive(Debug, Error)]
pub enum TryCommandError {
    /// The queue is full; the command comes back.
    #[error("the network's queue is full: offer the command again after the next event")]
    Full(NetworkCommand),
    /// The network's task has ended.
    #[error(transparent)]
    Gone(#[from] NetworkGone),
}

impl From<Receipt> for SendOutcome {
    fn from(receipt: Receipt) -> Self {
        match receipt {
            Receipt::Committed => SendOutcome::Committed,
            Receipt::Busy { retry_ms } => SendOutcome::Busy { retry_ms },
            Receipt::Refused { code } => SendOutcome::Refused { code },
        }
    }
}

impl fmt::Debug for NetworkCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identify { .. } => f.write_str("Identify"),
            NetworkCommand::Send { delivery, peer, item } => {
                write!(f, "Send({delivery:?} to {peer:?}, {} bytes)", item.len())
            }
            NetworkCommand::Receipt { of, answer } => write!(f, "Receipt({of:?}, {answer:?})"),
            NetworkCommand::Admit { peer } => write!(f, "Admit({peer:?})"),
            NetworkCommand::Deny { peer } => write!(f, "Deny({peer:?})"),
            NetworkCommand::Dial { peer, addresses } => write!(f, "Dial({peer:?}, {} addresses)", addresses.len()),
            NetworkCommand::Relay { peer, addresses } => write!(f, "Relay({peer:?}, {} addresses)", addresses.len()),
        }
    }
}

impl fmt::Debug for NetworkEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetworkEvent::Listening { address } => write!(f, "Listening({address})"),
            NetworkEvent::Up { peer, address } => write!(f, "Up({peer:?}, {address:?})"),
            NetworkEvent::Path { peer, relayed } => write!(f, "Path({peer:?}, relayed {relayed})"),
            NetworkEvent::Place { peer, held } => write!(f, "Place({peer:?}, held {held})"),
            NetworkEvent::Down { peer } => write!(f, "Down({peer:?})"),
            NetworkEvent::Item { receipt, peer, bytes } => {
                write!(f, "Item({receipt:?} from {peer:?}, {} bytes)", bytes.len())
            }
            NetworkEvent::Sent { delivery, outcome } => write!(f, "Sent({delivery:?}, {outcome:?})"),
            NetworkEvent::DialFailed { peer } => write!(f, "DialFailed({peer:?})"),
            NetworkEvent::StrangerRefused => f.write_str("StrangerRefused"),
        }
    }
}

const _: () = assert!(ITEM_BYTES <= u32::MAX as usize, "an item's length fits its prefix");
