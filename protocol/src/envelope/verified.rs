//! The only way in: what arrives is [`Unverified`], and [`Verified`] only by the steps of protocol.md 3.4.
//!
//! The engine parses what a carrier brings (steps 1 and 2) and verifies it against the roster's keys (steps 3 to 7); cells
//! are opened in `cell` (step 8). It keeps that nothing of a payload but type, sender and addressee is read before the
//! signature holds. Steps 10 to 14 (replay, state, budget, effect, answer) are the engine's.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;

use minicbor::Decoder;

use sha2::{Digest, Sha256};

use crate::base::ids::{Kid, NetworkId, Party};
use crate::base::limits::{ITEM_BYTES, ROSTER_BYTES};
use crate::base::time::{Millis, Timestamp};
use crate::envelope::canonical::{LineBreaks, check};
use crate::envelope::cell::Cell;
use crate::envelope::frame::{Frame, Routing, encoding};
use crate::envelope::message::{KeyRing, MESSAGE_FIELDS, Message, context_of, is_public, message_limit, read_payload};
use crate::envelope::refusal::Refusal;

/// The type of the one message whose text may have line breaks.
const DISCLOSURE: u64 = 44;

/// Something that arrived and has the outer shape of a `T`; what it claims is not to be believed.
pub struct Unverified<T> {
    pub(super) frame: Frame,
    pub(super) routing: Routing,
    of: PhantomData<fn() -> T>,
}

/// A `T` that passed its verification. Only this module tree makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// This party: what is addressed to it, and public messages to all.
    Party(Party),
    /// Anybody: public messages to all only.
    Public,
}

/// What a carrier or a bundle brings.
#[derive(Debug)]
pub enum Item {
    /// A sealed cell.
    Cell(Unverified<Cell>),
    /// A public message.
    Message(Unverified<Message>),
    /// A roster or a suspension: a COSE_Sign by the custodians, which `roster` reads.
    Roster(Vec<u8>),
}

impl<T> Unverified<T> {
    pub(super) fn new(frame: Frame, routing: Routing) -> Self {
        Self { frame, routing, of: PhantomData }
    }

    /// The type that it claims to be.
    #[must_use]
    pub fn claimed_kind(&self) -> u64 {
        self.routing.kind
    }

    /// The sender that it claims.
    #[must_use]
    pub fn claimed_from(&self) -> Party {
        self.routing.from
    }

    /// Whom it claims to be for.
    #[must_use]
    pub fn claimed_to(&self) -> Option<Party> {
        self.routing.to
    }

    /// The key that it claims to be signed by.
    #[must_use]
    pub fn claimed_kid(&self) -> Kid {
        self.frame.kid
    }

    /// SHA-256 of its payload: two messages with one hash say the same, whoever signed them.
    #[must_use]
    pub fn payload_hash(&self) -> [u8; 32] {
        Sha256::digest(&self.frame.payload).into()
    }
}

impl Unverified<Message> {
    /// Steps 1 and 2, and of the payload what steps 3 to 5 need. `limit` is the caller's, in bytes of the whole message;
    /// the limit of the type ([`message_limit`]) holds besides.
    ///
    /// # Errors
    /// [`Refusal::Size`], [`Refusal::Alg`] or [`Refusal::Encoding`]; also for the types of the custodians, which have
    /// another form.
    pub fn parse(bytes: &[u8], limit: usize) -> Result<Self, Refusal> {
        if bytes.len() > limit {
            return Err(Refusal::Size);
        }
        let frame = Frame::parse(bytes)?;
        let routing = Routing::read(&frame.payload, MESSAGE_FIELDS)?;
        if routing.kind <= 10 || routing.kind == 14 {
            return Err(Refusal::Encoding);
        }
        if bytes.len() > message_limit(routing.kind) {
            return Err(Refusal::Size);
        }
        Ok(Self::new(frame, routing))
    }

    /// Steps 3 to 7, in that order. `skew` bounds how far ahead of `now` it may be created, `life` how long it may be
    /// good; both are the roster's pace. Public messages have no limit of life.
    ///
    /// # Errors
    /// The [`Refusal`] of the first step that fails.
    pub fn verify(
        &self,
        network: &NetworkId,
        me: Addressee,
        ring: &dyn KeyRing,
        now: Timestamp,
        skew: Millis,
        life: Millis,
    ) -> Result<Verified<Message>, Refusal> {
        let kind = self.routing.kind;
        let key = ring.verifying_key(self.routing.from, self.frame.kid, kind)?;
        self.frame.check(context_of(kind), network, &self.routing, &key)?;
        check_addressee(&self.routing, me)?;
        check(&self.frame.payload, if kind == DISCLOSURE { LineBreaks::Allowed } else { LineBreaks::Refused })?;
        let message = read_payload(&self.frame.payload, self.frame.kid)?;
        let life = (!is_public(kind)).then_some(life);
        check_times(message.header.created, message.header.expires, now, skew, life)?;
        Ok(Verified::new(message))
    }
}

impl<T> fmt::Debug for Unverified<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unverified({} from {} by {:?})", self.routing.kind, self.routing.from, self.frame.kid)
    }
}

impl<T> Verified<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(value)
    }

    /// Takes the value out.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl Item {
    /// Tells what the bytes are and takes steps 1 and 2.
    ///
    /// # Errors
    /// [`Refusal::Size`], [`Refusal::Alg`], [`Refusal::Encoding`], or [`Refusal::Context`] for a message that must not
    /// travel unsealed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        // VE-1.
        if bytes.len() > ITEM_BYTES {
            return Err(Refusal::Size);
        }
        match Decoder::new(bytes).tag().map_err(encoding)?.as_u64() {
            98 if bytes.len() > ROSTER_BYTES => Err(Refusal::Size),
            98 => Ok(Item::Roster(bytes.to_vec())),
            _ if payload_kind(bytes)? < 10 => Unverified::<Cell>::parse(bytes, ITEM_BYTES).map(Item::Cell),
            _ => {
                let message = Unverified::<Message>::parse(bytes, ITEM_BYTES)?;
                if is_public(message.claimed_kind()) { Ok(Item::Message(message)) } else { Err(Refusal::Context) }
            }
        }
    }
}

/// Payload key 1 of a COSE_Sign1, without copying the payload.
fn payload_kind(bytes: &[u8]) -> Result<u64, Refusal> {
    let mut outer = Decoder::new(bytes);
    outer.tag().map_err(encoding)?;
    outer.array().map_err(encoding)?;
    outer.bytes().map_err(encoding)?;
    if outer.map().map_err(encoding)? != Some(0) {
        return Err(Refusal::Encoding);
    }
    let mut payload = Decoder::new(outer.bytes().map_err(encoding)?);
    payload.map().map_err(encoding)?;
    payload.u64().map_err(encoding)?;
    payload.u64().map_err(encoding)
}

/// Step 5: `to` is the reader, or all where the type is public.
// VE-5.
pub(super) fn check_addressee(routing: &Routing, me: Addressee) -> Result<(), Refusal> {
    let mine = match (routing.to, me) {
        (Some(to), Addressee::Party(me)) => to == me,
        (None, _) => is_public(routing.kind),
        (Some(_), Addressee::Public) => false,
    };
    if mine { Ok(()) } else { Err(Refusal::Context) }
}

/// Step 7. Times are whole seconds, rounded down when created and up as a deadline, so a life may be one second longer
/// than its length rounded up.
// VE-7.
pub(super) fn check_times(created: u64, expires: u64, now: Timestamp, skew: Millis, life: Option<Millis>) -> Result<(), Refusal> {
    if Timestamp::from_seconds(created) > now + skew {
        return Err(Refusal::Clock);
    }
    if now > Timestamp::from_seconds(expires) {
        return Err(Refusal::Expired);
    }
    let longest = life.map_or(u64::MAX, |life| life.0.div_ceil(1_000).saturating_add(1));
    match expires.checked_sub(created) {
        Some(length) if length <= longest => Ok(()),
        _ => Err(Refusal::Clock),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::envelope::message::tests::{body, header, key, network, ring};
    use crate::envelope::message::{Header, sign};

    #[test]
    fn only_public_messages_travel_unsealed() {
        let claim = sign(&network(), &header(), &body(), &key());
        assert_eq!(Item::parse(&claim).map(|_| ()), Err(Refusal::Context));
        let announcement = sign(&network(), &Header { kind: 12, to: None, ..header() }, &body(), &key());
        assert!(matches!(Item::parse(&announcement), Ok(Item::Message(_))));
        assert!(matches!(Item::parse(&[0xd8, 98, 0x80]), Ok(Item::Roster(_))));
        assert_eq!(Item::parse(&vec![0; ITEM_BYTES + 1]).map(|_| ()), Err(Refusal::Size));
    }

    #[test]
    fn deep_nesting_does_not_reach_the_stack() {
        for level in [0x81, 0xa1, 0xd2, 0x9f, 0x5f] {
            assert!(Item::parse(&vec![level; 1_000_000]).is_err());
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _refused = Item::parse(&bytes);
            let _refused = Unverified::<Message>::parse(&bytes, 4_096);
            let _refused = Unverified::<Cell>::parse(&bytes, 4_096);
        }

        #[test]
        fn a_changed_byte_never_passes_and_never_panics(place in 0usize..255, value in 1u8..) {
            let mut bytes = sign(&network(), &header(), &body(), &key());
            let place = place % bytes.len();
            bytes[place] ^= value;
            let me = Addressee::Party(header().to.unwrap());
            let now = Timestamp::from_seconds(header().created);
            let passed = Unverified::<Message>::parse(&bytes, 4_096)
                .and_then(|message| message.verify(&network(), me, &ring(), now, Millis::hours(24), Millis::days(35)));
            prop_assert!(passed.is_err());
        }
    }
}
