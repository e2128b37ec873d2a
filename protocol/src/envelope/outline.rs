//! What an item shows outside, for a person who looks into a bundle: read, not verified.
//!
//! The command line prints it, and a sender finds its own messages again by it. It keeps that the one form of protocol.md 3.9
//! holds in what is read, so that no text can carry terminal control characters; nothing of it is to be believed.

use crate::envelope::canonical::{LineBreaks, check};
use crate::envelope::cell::{self, Cell, CellHeader};
use crate::envelope::message::{Header, Message, read_payload};
use crate::envelope::refusal::Refusal;
use crate::envelope::verified::Unverified;

impl Unverified<Message> {
    /// The header that the message claims.
    ///
    /// # Errors
    /// [`Refusal::Encoding`] if the payload does not have the one form.
    pub fn claimed_header(&self) -> Result<Header, Refusal> {
        check(&self.frame.payload, LineBreaks::Allowed)?;
        read_payload(&self.frame.payload, self.frame.kid).map(|message| message.header)
    }
}

impl Unverified<Cell> {
    /// The header that the cell claims.
    ///
    /// # Errors
    /// [`Refusal::Encoding`] if the payload does not have the one form.
    pub fn claimed_header(&self) -> Result<CellHeader, Refusal> {
        check(&self.frame.payload, LineBreaks::Refused)?;
        cell::read_payload(&self.frame.payload).map(|cell| cell.header)
    }
}

#[cfg(test)]
mod tests {
    use crate::base::limits::ITEM_BYTES;
    use crate::envelope::message::sign;
    use crate::envelope::message::tests::{body, header, key, network};
    use crate::envelope::{Message, Unverified};

    #[test]
    fn a_message_shows_its_header_before_it_is_verified() {
        let bytes = sign(&network(), &header(), &body(), &key());
        let message = Unverified::<Message>::parse(&bytes, ITEM_BYTES).unwrap();
        assert_eq!(message.claimed_header(), Ok(header()));
        let mut damaged = bytes;
        let last = damaged.len() - 80;
        damaged[last] ^= 0xff;
        let outcome = Unverified::<Message>::parse(&damaged, ITEM_BYTES).map(|message| message.claimed_header());
        assert!(outcome.is_err() || outcome.unwrap().is_ok_and(|shown| shown == header()), "the body is not read");
    }
}
