//! The papers of one audit: challenge, the owner's list in parts, the timestamp that draws, the querier's counts.
//!
//! Read in that order by the querier's node, by the owner's (the challenge alone) and by the auditor's program. Everything is
//! verified as messages are (protocol.md 3.4); what belongs to another audit, or comes twice with other words, is refused.

use thiserror::Error;

use crate::base::{Millis, Party, Timestamp, cbor, limits};
use crate::envelope::{Addressee, Message, Refusal, Unverified, Verified};
use crate::private_match::audit::{AUDIT_CHALLENGE, AUDIT_REPORT, AuditChallenge, AuditCounts, AuditRef, AuditReport, sample};
use crate::roster::{Pace, PublicKeys, TIMESTAMP};

/// How long after the challenge the timestamp may be signed: the coordination node signs one a day.
const DRAW_WITHIN: Millis = Millis::days(7);

/// Why a paper is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PaperError {
    /// It does not pass the verification of messages.
    #[error("not signed by who may sign it, or out of its time")]
    Refused(Refusal),
    /// The challenge must come first.
    #[error("the challenge must come first")]
    NoChallenge,
    /// It is of another audit, of another party, or not one of an audit's papers.
    #[error("it belongs to another audit")]
    Other,
    /// The parts do not fit together.
    #[error("the parts of the owner's list do not fit together")]
    Parts,
    /// The timestamp is not one that was signed after the challenge and within seven days.
    #[error("the timestamp was not signed within seven days after the challenge")]
    Draw,
    /// Another timestamp has drawn already.
    #[error("another timestamp has drawn the sample already")]
    Drawn,
}

/// What was read so far.
#[derive(Clone, Debug, Default)]
pub struct AuditFile {
    challenge: Option<Challenge>,
    parts: Vec<Option<Vec<AuditRef>>>,
    timestamp: Option<[u8; 32]>,
    counts: Option<AuditCounts>,
}

/// A verified challenge.
#[derive(Clone, Copy, Debug)]
pub struct Challenge {
    /// What it asks.
    pub body: AuditChallenge,
    /// Who asks.
    pub auditor: Party,
    /// SHA-256 of its payload.
    pub hash: [u8; 32],
    /// Unix seconds.
    pub created: u64,
    /// Unix seconds; afterwards nothing is done for it.
    pub expires: u64,
    /// Its message.
    pub message: crate::base::MsgId,
}

impl AuditFile {
    /// Takes one paper.
    ///
    /// # Errors
    /// [`PaperError`]; nothing of it counts then.
    pub fn take(&mut self, item: &[u8], ring: &PublicKeys<'_>) -> Result<(), PaperError> {
        let message = Unverified::<Message>::parse(item, limits::ITEM_BYTES).map_err(PaperError::Refused)?;
        match (message.claimed_kind(), self.challenge) {
            (AUDIT_CHALLENGE, _) => self.take_challenge(&message, ring),
            (AUDIT_REPORT | TIMESTAMP, None) => Err(PaperError::NoChallenge),
            (AUDIT_REPORT, Some(challenge)) => self.take_report(&challenge, &message, ring),
            (TIMESTAMP, Some(challenge)) => self.take_timestamp(&challenge, &message, ring),
            _ => Err(PaperError::Other),
        }
    }

    fn take_challenge(&mut self, message: &Unverified<Message>, ring: &PublicKeys<'_>) -> Result<(), PaperError> {
        let pace = ring.roster.pace;
        let verified = verify(message, Addressee::Public, ring, ring.now, pace.clock_skew, &pace)?;
        let header = verified.header;
        // Public messages have no limit of life, this one has: what a member must keep for it is bounded.
        let longest = pace.message_life.0.div_ceil(1_000).saturating_add(1);
        if header.to.is_some() || header.expires.saturating_sub(header.created) > longest {
            return Err(PaperError::Refused(Refusal::Clock));
        }
        let body: AuditChallenge = decode(&verified)?;
        if body.querier == body.owner {
            return Err(PaperError::Other);
        }
        let challenge = Challenge {
            body,
            auditor: header.from,
            hash: verified.hash,
            created: header.created,
            expires: header.expires,
            message: header.msg_id,
        };
        match self.challenge {
            Some(known) if known.hash != challenge.hash => Err(PaperError::Other),
            _ => {
                self.challenge = Some(challenge);
                Ok(())
            }
        }
    }

    fn take_report(
        &mut self,
        challenge: &Challenge,
        message: &Unverified<Message>,
        ring: &PublicKeys<'_>,
    ) -> Result<(), PaperError> {
        let pace = ring.roster.pace;
        let verified = verify(message, Addressee::Party(challenge.auditor), ring, ring.now, pace.clock_skew, &pace)?;
        let report: AuditReport = decode(&verified)?;
        let is_addressed = verified.header.to == Some(challenge.auditor);
        if !is_addressed || report.audit_id != challenge.body.audit_id || verified.header.re != Some(challenge.message) {
            return Err(PaperError::Other);
        }
        match (verified.header.from, report.counts) {
            (Party::Member(from), Some(counts)) if from == challenge.body.querier && report.refs.is_empty() => {
                self.counts = Some(counts);
                Ok(())
            }
            (Party::Member(from), None) if from == challenge.body.owner => self.take_part(report),
            _ => Err(PaperError::Other),
        }
    }

    fn take_part(&mut self, report: AuditReport) -> Result<(), PaperError> {
        let (part, parts) = (report.part as usize, report.parts as usize);
        let is_last = part == parts;
        let is_sound = (1..=limits::AUDIT_PARTS).contains(&parts)
            && (1..=parts).contains(&part)
            && report.refs.len() <= limits::AUDIT_REFS
            && (is_last || report.refs.len() == limits::AUDIT_REFS)
            && report.refs.windows(2).all(|pair| matches!(pair, [a, b] if a < b))
            && (self.parts.is_empty() || self.parts.len() == parts);
        if !is_sound {
            return Err(PaperError::Parts);
        }
        self.parts.resize(parts, None);
        let Some(slot) = part.checked_sub(1).and_then(|place| self.parts.get_mut(place)) else {
            return Err(PaperError::Parts);
        };
        if slot.as_ref().is_some_and(|known| *known != report.refs) {
            return Err(PaperError::Parts);
        }
        *slot = Some(report.refs);
        Ok(())
    }

    fn take_timestamp(
        &mut self,
        challenge: &Challenge,
        message: &Unverified<Message>,
        ring: &PublicKeys<'_>,
    ) -> Result<(), PaperError> {
        // Judged as of the challenge: when it is read it may have run out long ago, as randomness it is as good.
        let then = Timestamp::from_seconds(challenge.created);
        let verified = verify(message, Addressee::Public, ring, then, DRAW_WITHIN, &ring.roster.pace)
            .map_err(|error| if error == PaperError::Refused(Refusal::Clock) { PaperError::Draw } else { error })?;
        if verified.header.created <= challenge.created || verified.hash == challenge.body.timestamp_hash {
            return Err(PaperError::Draw);
        }
        if self.timestamp.is_some_and(|known| known != verified.hash) {
            return Err(PaperError::Drawn);
        }
        self.timestamp = Some(verified.hash);
        Ok(())
    }

    /// The challenge, once read.
    #[must_use]
    pub const fn challenge(&self) -> Option<&Challenge> {
        self.challenge.as_ref()
    }

    /// SHA-256 of the payload of the timestamp that draws, once read.
    #[must_use]
    pub const fn timestamp(&self) -> Option<&[u8; 32]> {
        self.timestamp.as_ref()
    }

    /// What the querier counted, once read.
    #[must_use]
    pub const fn counts(&self) -> Option<&AuditCounts> {
        self.counts.as_ref()
    }

    /// Parts that came, and parts in all; 0 before the first.
    #[must_use]
    pub fn parts(&self) -> (u32, u32) {
        let here = self.parts.iter().filter(|part| part.is_some()).count();
        (u32::try_from(here).unwrap_or(u32::MAX), u32::try_from(self.parts.len()).unwrap_or(u32::MAX))
    }

    /// The whole list, once every part came.
    ///
    /// # Errors
    /// [`PaperError::Parts`] if the parts overlap.
    pub fn refs(&self) -> Result<Option<Vec<AuditRef>>, PaperError> {
        if self.parts.is_empty() {
            return Ok(None);
        }
        let mut all: Vec<AuditRef> = Vec::new();
        for part in &self.parts {
            let Some(part) = part else { return Ok(None) };
            let follows = match (all.last(), part.first()) {
                (Some(last), Some(first)) => last < first,
                _ => true,
            };
            if !follows {
                return Err(PaperError::Parts);
            }
            all.extend(part);
        }
        Ok(Some(all))
    }

    /// The references that are to be opened, once everything came.
    ///
    /// # Errors
    /// [`PaperError::Parts`] if the parts overlap.
    pub fn sample(&self) -> Result<Option<Vec<AuditRef>>, PaperError> {
        let Some(timestamp) = &self.timestamp else { return Ok(None) };
        Ok(self.refs()?.map(|refs| sample(timestamp, &refs)))
    }
}

fn verify(
    message: &Unverified<Message>,
    me: Addressee,
    ring: &PublicKeys<'_>,
    now: Timestamp,
    skew: Millis,
    pace: &Pace,
) -> Result<Verified<Message>, PaperError> {
    message.verify(&ring.roster.network_id, me, ring, now, skew, pace.message_life).map_err(PaperError::Refused)
}

fn decode<T: minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()>>(message: &Verified<Message>) -> Result<T, PaperError> {
    cbor::decode(&message.body).map_err(|_| PaperError::Refused(Refusal::Encoding))
}
