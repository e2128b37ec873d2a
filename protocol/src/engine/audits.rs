//! Openable evaluations at a node: the owner's list for an auditor, the querier's openings of what was drawn (protocol.md 2.11).
//!
//! Papers come and go as files in an operator's hand. What is being read or listed is held in memory, since it can be made
//! again; durable is only which timestamp drew an audit's sample, so that nobody has it drawn until it pleases him. An opening
//! is personal data: it goes to the auditor's program on the premises, and the message that leaves holds counts.

use minicbor::{Decode, Encode};

use crate::audit::Act;
use crate::base::cbor::{self, fixed};
use crate::base::record::{Record, RowKey, row_key};
use crate::base::{AuditId, MemberId, MsgId, Party, Sensitive, SubjectId, UserId, limits};
use crate::casework::audit_file::{AuditFile, Challenge, PaperError};
use crate::casework::case::SubjectRecord;
use crate::casework::opening::{Opening, Shown, ShownDecoy, ShownPerson, Yields};
use crate::engine::answer::{Answer, AuditProblem, Failure};
use crate::engine::asking;
use crate::engine::core::Engine;
use crate::engine::decoys::MadeUpRow;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::{Header, Message, Unverified, sign};
use crate::person::PersonRecord;
use crate::private_match::Family;
use crate::private_match::audit::{AUDIT_CHALLENGE, AUDIT_REPORT, AuditCounts, AuditRef, AuditReport};
use crate::private_match::owner::RefRow;
use crate::private_match::querier::{Asked, AskedRow, RequestRow};

/// Audits whose draw is remembered; each runs out with its challenge.
const DRAWS: usize = 64;

/// Which timestamp drew the sample of an audit.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct DrawnRow {
    /// SHA-256 of the challenge's payload.
    #[cbor(n(1), with = "fixed")]
    challenge: [u8; 32],
    /// SHA-256 of the timestamp's payload.
    #[cbor(n(2), with = "fixed")]
    timestamp: [u8; 32],
    /// Unix seconds; kept until then.
    #[n(3)]
    expires: u64,
}
crate::record!(DrawnRow, AuditId, Audit, 3, Service);

/// An owner's list in the making.
pub(super) struct Listing {
    challenge: [u8; 32],
    refs: Vec<AuditRef>,
    /// Where the next page starts; none when everything was read.
    next: Option<RowKey>,
}

impl Engine {
    /// Owner: a part of the list of what a querier asked in an epoch. A page of rows a command; the answer says when the list
    /// is whole, and from then on gives the part that is asked for.
    pub(super) fn audit_report<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        paper: &[u8],
        part: u32,
    ) -> Result<Answer, Failure> {
        let challenge = self.read_challenge(step, paper)?;
        if challenge.body.owner != self.me()? {
            return Err(Failure::Audit(AuditProblem::NotForUs));
        }
        let from = || row_key(RefRow::KIND, &challenge.body.querier);
        let listing = self.running.listing.take().filter(|listing| listing.challenge == challenge.hash);
        let mut listing = listing.unwrap_or_else(|| Listing { challenge: challenge.hash, refs: Vec::new(), next: Some(from()) });
        if let Some(next) = listing.next.take() {
            read_refs(step, &challenge, &mut listing, &next)?;
            let refs = u32::try_from(listing.refs.len()).unwrap_or(u32::MAX);
            self.running.listing = Some(listing);
            return Ok(Answer::AuditListing { refs });
        }
        let parts = listing.refs.len().div_ceil(limits::AUDIT_REFS).max(1);
        let place = usize::try_from(part).ok().and_then(|part| part.checked_sub(1)).filter(|place| *place < parts);
        let place = place.ok_or(Failure::Audit(AuditProblem::Parts))?;
        let parts = u32::try_from(parts).unwrap_or(u32::MAX);
        let refs = listing.refs.chunks(limits::AUDIT_REFS).nth(place).unwrap_or_default().to_vec();
        let report = AuditReport { audit_id: challenge.body.audit_id, part, parts, refs, counts: None };
        let message = self.sign_report(step, &challenge, &report)?;
        if part == parts {
            let about = challenge.body.audit_id.0;
            trail::record(step, Some(user), Act::AuditListed, &about, Some(challenge.body.querier))?;
        } else {
            self.running.listing = Some(listing);
        }
        Ok(Answer::AuditPart { parts, message })
    }

    /// Querier: takes papers of an audit; a challenge of another audit begins anew.
    pub(super) fn audit_take<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        papers: &[Vec<u8>],
    ) -> Result<Answer, Failure> {
        let mut file = self.running.audit.take().unwrap_or_default();
        for paper in papers {
            if let Some(challenge) = self.other_challenge(step, &file, paper)? {
                file = challenge;
                continue;
            }
            let held = self.held.as_ref().ok_or(Failure::NotJoined)?;
            file.take(paper, &self.ring(held, step.wall())).map_err(problem)?;
        }
        let challenge = *file.challenge().ok_or(Failure::Audit(AuditProblem::Incomplete))?;
        if challenge.body.querier != self.me()? {
            return Err(Failure::Audit(AuditProblem::NotForUs));
        }
        let sample = file.sample().map_err(problem)?;
        if let (Some(_), Some(timestamp)) = (&sample, file.timestamp()) {
            self.remember_draw(step, user, &challenge, *timestamp)?;
        }
        let (here, parts) = file.parts();
        self.running.audit = Some(file);
        let sample = sample.map(|sample| u32::try_from(sample.len()).unwrap_or(u32::MAX));
        Ok(Answer::AuditTaken { audit: challenge.body.audit_id, owner: challenge.body.owner, here, parts, sample })
    }

    /// Querier: openings of the sample, some a command.
    pub(super) fn audit_open<V: View>(&mut self, step: &mut Step<'_, V>, audit: AuditId, from: u32) -> Result<Answer, Failure> {
        if !self.records_open {
            return Err(Failure::Locked);
        }
        let (challenge, sample) = self.drawn(audit)?;
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(sample.len());
        let until = from.saturating_add(limits::OPENINGS).min(sample.len());
        let mut openings = Vec::new();
        for listed in sample.get(from..until).unwrap_or_default() {
            if let Some(shown) = shown(step, &challenge.body.owner, listed)? {
                let bytes = Sensitive::new(cbor::encode(&Opening { case_ref: listed.case_ref, shown }));
                openings.push(trail::hex(bytes.expose()));
            }
        }
        let next = (until < sample.len()).then(|| u32::try_from(until).unwrap_or(u32::MAX));
        let listed = sample.iter().map(|one| (trail::hex(&one.case_ref.0), trail::hex(&one.element_hash))).collect();
        Ok(Answer::AuditOpened { openings: Sensitive::new(openings), next, sample: listed })
    }

    /// Querier: signs what its openings showed.
    pub(super) fn audit_sign<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        audit: AuditId,
        counts: AuditCounts,
    ) -> Result<Answer, Failure> {
        let (challenge, sample) = self.drawn(audit)?;
        let sum = [counts.matched, counts.mismatched, counts.erased, counts.not_one_person]
            .into_iter()
            .try_fold(0u32, u32::checked_add);
        if sum != Some(counts.sampled) || usize::try_from(counts.sampled).ok() != Some(sample.len()) {
            return Err(Failure::Audit(AuditProblem::Incomplete));
        }
        let report = AuditReport { audit_id: audit, part: 1, parts: 1, refs: Vec::new(), counts: Some(counts) };
        let message = self.sign_report(step, &challenge, &report)?;
        trail::record(step, Some(user), Act::AuditOpened, &audit.0, Some(challenge.body.owner))?;
        Ok(Answer::AuditPart { parts: 1, message })
    }

    /// Keeps how each case of a request can be opened, as long as an audit of its epoch may come.
    pub(super) fn keep_asked<V: View>(&self, step: &mut Step<'_, V>, request: &RequestRow) -> Result<(), ReadError> {
        let epoch = self.held.as_ref().map_or(0, |held| held.roster.pace.epoch.0);
        // This epoch of the owner and the one behind it.
        let expires = (step.wall() + crate::base::Millis(epoch.saturating_mul(2))).deadline_seconds();
        for (case_ref, asked) in self.asked_in(step, request)? {
            step.put(&(request.owner, case_ref), &AskedRow { asked, expires });
        }
        Ok(())
    }

    fn read_challenge<V: View>(&self, step: &Step<'_, V>, paper: &[u8]) -> Result<Challenge, Failure> {
        let held = self.held.as_ref().ok_or(Failure::NotJoined)?;
        let mut file = AuditFile::default();
        file.take(paper, &self.ring(held, step.wall())).map_err(problem)?;
        file.challenge().copied().ok_or(Failure::Audit(AuditProblem::Incomplete))
    }

    /// A file that begins with this paper, if it is a challenge and not the one that is read already.
    fn other_challenge<V: View>(&self, step: &Step<'_, V>, file: &AuditFile, paper: &[u8]) -> Result<Option<AuditFile>, Failure> {
        let message = Unverified::<Message>::parse(paper, limits::ITEM_BYTES);
        if message.is_ok_and(|message| message.claimed_kind() != AUDIT_CHALLENGE) {
            return Ok(None);
        }
        let held = self.held.as_ref().ok_or(Failure::NotJoined)?;
        let mut other = AuditFile::default();
        other.take(paper, &self.ring(held, step.wall())).map_err(problem)?;
        let known = file.challenge().map(|challenge| challenge.hash);
        Ok((other.challenge().map(|challenge| challenge.hash) != known).then_some(other))
    }

    /// The audit that is being opened, if everything came and nothing of it ran out.
    fn drawn(&self, audit: AuditId) -> Result<(Challenge, Vec<AuditRef>), Failure> {
        let file = self.running.audit.as_ref().ok_or(Failure::Audit(AuditProblem::Incomplete))?;
        let challenge = file.challenge().filter(|challenge| challenge.body.audit_id == audit);
        let challenge = challenge.ok_or(Failure::Audit(AuditProblem::Other))?;
        let sample = file.sample().map_err(problem)?.ok_or(Failure::Audit(AuditProblem::Incomplete))?;
        if self.standings.wall > crate::base::Timestamp::from_seconds(challenge.expires) {
            return Err(Failure::Audit(AuditProblem::Refused));
        }
        Ok((*challenge, sample))
    }

    fn remember_draw<V: View>(
        &self,
        step: &mut Step<'_, V>,
        user: UserId,
        challenge: &Challenge,
        timestamp: [u8; 32],
    ) -> Result<(), Failure> {
        let audit = challenge.body.audit_id;
        if let Some(row) = step.get::<DrawnRow>(&audit)? {
            let same = row.challenge == challenge.hash && row.timestamp == timestamp;
            return if same { Ok(()) } else { Err(Failure::Audit(AuditProblem::Drawn)) };
        }
        let rows = step.under::<DrawnRow>(&row_key(DrawnRow::KIND, &()), DRAWS)?;
        let now = step.wall().seconds();
        for (id, _) in rows.iter().filter(|(_, row)| row.expires < now) {
            step.remove::<DrawnRow>(id);
        }
        if rows.iter().filter(|(_, row)| row.expires >= now).count() >= DRAWS {
            return Err(Failure::TooMany { limit: u32::try_from(DRAWS).unwrap_or(u32::MAX) });
        }
        step.put(&audit, &DrawnRow { challenge: challenge.hash, timestamp, expires: challenge.expires });
        trail::record(step, Some(user), Act::AuditTaken, &audit.0, Some(challenge.body.owner))?;
        Ok(())
    }

    fn sign_report<V: View>(
        &self,
        step: &mut Step<'_, V>,
        challenge: &Challenge,
        report: &AuditReport,
    ) -> Result<Vec<u8>, Failure> {
        let header = Header {
            kind: AUDIT_REPORT,
            from: Party::Member(self.me()?),
            to: Some(challenge.auditor),
            msg_id: MsgId::draw(&mut step.draw),
            n: 0,
            created: step.wall().seconds(),
            expires: challenge.expires,
            roster_version: self.held.as_ref().map_or(0, |held| held.roster.version),
            re: Some(challenge.message),
        };
        Ok(sign(&self.own.network, &header, &cbor::encode(report), &self.keys.operational))
    }
}

/// One page of the owner's references.
fn read_refs<V: View>(step: &Step<'_, V>, challenge: &Challenge, listing: &mut Listing, next: &RowKey) -> Result<(), Failure> {
    let until = row_key(RefRow::KIND, &challenge.body.querier).after_prefix();
    let page = step.page::<RefRow>(next, until.as_ref(), limits::PAGE_ROWS)?;
    let epoch = challenge.body.epoch;
    listing.next = page.last().filter(|_| page.len() == limits::PAGE_ROWS).map(|(id, _)| RefRow::key(id).behind());
    let in_epoch = |row: &RefRow| row.first <= epoch && epoch <= row.epoch;
    listing.refs.extend(
        page.into_iter()
            .filter(|(_, row)| in_epoch(row))
            .map(|(id, row)| AuditRef { case_ref: id.2, element_hash: row.elements }),
    );
    if listing.refs.len() > limits::AUDIT_REFS * limits::AUDIT_PARTS {
        let limit = u32::try_from(limits::AUDIT_REFS * limits::AUDIT_PARTS).unwrap_or(u32::MAX);
        return Err(Failure::TooMany { limit });
    }
    if listing.next.is_none() {
        // The rows are in the order of their families; the list is in that of its references. A querier may have used one in
        // both: each that was evaluated with other elements is listed.
        listing.refs.sort_unstable();
        listing.refs.dedup();
    }
    Ok(())
}

/// What stands behind a reference; none where this node knows nothing of it.
fn shown<V: View>(step: &Step<'_, V>, owner: &MemberId, listed: &AuditRef) -> Result<Option<Shown>, Failure> {
    let Some(row) = step.get::<AskedRow>(&(*owner, listed.case_ref))? else { return Ok(None) };
    let (asked, record, yields) = match row.asked {
        Asked::Dummy(secret) => return Ok(Some(Shown::Dummy(secret))),
        Asked::Subject(subject) if step.get::<MadeUpRow>(&subject)?.is_some() => return shown_decoy(step, &subject),
        Asked::Subject(subject) => {
            let record = step.get::<SubjectRecord>(&subject)?.map(|record| record.person);
            (asking::asked(step, Family::Registered, &subject)?, record, Yields::Sought)
        }
        Asked::Record(person) => (
            asking::asked(step, Family::Sought, &asking::entry_of(person))?,
            step.get::<PersonRecord>(&person)?,
            Yields::Recorded,
        ),
    };
    // What was closed an epoch ago has been forgotten.
    let (Some(asked), Some(record)) = (asked.filter(|asked| !asked.keys.is_empty()), record) else {
        return Ok(Some(Shown::Erased));
    };
    let record = ShownPerson::reduced(&record, yields);
    let person = ShownPerson { secret: asked.secret, keys: asked.keys, record, yields };
    Ok(Some(Shown::Person(Box::new(person))))
}

/// A decoy, as the one made-up person that it is.
fn shown_decoy<V: View>(step: &Step<'_, V>, subject: &SubjectId) -> Result<Option<Shown>, Failure> {
    let (Some(asked), Some(made_up)) = (asking::asked(step, Family::Registered, subject)?, step.get::<MadeUpRow>(subject)?)
    else {
        return Ok(Some(Shown::Erased));
    };
    let decoy = ShownDecoy { secret: asked.secret, keys: asked.keys, fields: made_up.fields };
    Ok(Some(Shown::Decoy(Box::new(decoy))))
}

fn problem(error: PaperError) -> Failure {
    Failure::Audit(match error {
        PaperError::Refused(_) => AuditProblem::Refused,
        PaperError::NoChallenge => AuditProblem::Incomplete,
        PaperError::Other => AuditProblem::Other,
        PaperError::Parts => AuditProblem::Parts,
        PaperError::Draw => AuditProblem::Draw,
        PaperError::Drawn => AuditProblem::Drawn,
    })
}
