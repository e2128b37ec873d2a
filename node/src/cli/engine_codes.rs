//! The table of the engine's reasons: code, exit code, what, why, what to do.
//!
//! Exhaustive over `Failure`, `Block`, `PublicProblem` and `FormProblem`, so that a reason without a row does not compile.

use kinmesh_protocol::engine::answer::{AuditProblem, Block, ErasureProblem, Failure, PairProblem, PublicProblem};
use kinmesh_protocol::person::{FormError, FormProblem};

use super::codes::{Entry, row};
use super::exit::Exit;

/// The row of a failure.
pub(super) fn failure(failure: &Failure) -> Entry {
    let because = failure.to_string();
    match failure {
        Failure::Locked => row(3001, Exit::Locked, "the records are locked", "nobody has unlocked them", "kinmesh daemon unlock"),
        Failure::NotJoined => row(3002, Exit::Roster, "no roster yet", because, "kinmesh join BUNDLE"),
        Failure::Role => row(3003, Exit::Role, "this node does not do that", because, "use a society's node"),
        Failure::Unknown => {
            row(3004, Exit::Failed, "not found", because, "the lists show the ids: person list, case list, candidate list")
        }
        Failure::Ambiguous => row(3005, Exit::Usage, "which one?", because, "type more of the id"),
        Failure::NotAnId => row(3006, Exit::Usage, "this is no id", because, "copy it from a list, for instance K-7h3k9q"),
        Failure::Form(error) => form(error),
        Failure::Blocked(block) => self::block(*block),
        Failure::Stale => {
            row(3007, Exit::Stale, "the plan is out of date; nothing was sent", because, "kinmesh search plan CASE")
        }
        Failure::State { .. } => row(3008, Exit::Failed, "not possible at this point", because, "show it to see how far it is"),
        Failure::Pair(problem) => pair(*problem),
        Failure::Public(problem) => public(*problem),
        Failure::Audit(problem) => audit(*problem),
        Failure::Erasure(problem) => erasure(*problem),
        Failure::Suspended => row(
            3009,
            Exit::Suspended,
            "this node is suspended",
            because,
            "speak with the coordination office; the records are kept",
        ),
        Failure::RosterOld => row(
            3014,
            Exit::Roster,
            "nothing goes to other members",
            because,
            "restore the link to the coordination node, or carry a timestamp: kinmesh roster timestamp --out FILE there",
        ),
        Failure::CoordinatorOnly => {
            row(3015, Exit::Role, "this node does not do that", because, "run it at the coordination node")
        }
        Failure::OwnMember => row(3016, Exit::Usage, "this is your own society", because, "name another member"),
        Failure::Carry(_) => row(
            3017,
            Exit::Failed,
            "no bundle is made for this member",
            because,
            "kinmesh member show ID; take a later roster if its custodians let it in again",
        ),
        Failure::SecondPerson => {
            row(3018, Exit::Blocked, "it takes another person", because, "another user unlocks and gives the same command")
        }
        Failure::TooMany { .. } => row(3010, Exit::Usage, "too many at once", because, "send them in parts"),
        Failure::Store => {
            row(3011, Exit::Failed, "the change was not stored", because, "check the disk's free space, then try again")
        }
        Failure::Damaged => {
            row(3012, Exit::Failed, "a stored value cannot be read", because, "keep the files and restore a backup beside them")
        }
        Failure::Busy => row(3013, Exit::Failed, "the node is busy", because, "try again in a moment"),
    }
}

/// The row of a form's field. The field's name is the form's own.
pub(super) fn form(error: &FormError) -> Entry {
    let (code, next) = match error.problem {
        FormProblem::Missing => (3101, "fill in this field"),
        FormProblem::TooLong => (3102, "shorten it"),
        FormProblem::TooMany => (3103, "keep the most important ones"),
        FormProblem::Control => (3104, "type it again: it was pasted with invisible characters"),
        FormProblem::Date => (
            3105,
            "write 1984, 1984-03 or 1984-03-12, ~1984 for an estimate, 1369-05-12 solar_hijri (or hijri, ethiopian) in another calendar",
        ),
        FormProblem::Taken { .. } => {
            (3109, "kinmesh person show, with that id; correct the row or leave it out, or give another person another number")
        }
        FormProblem::Word => (3106, "--template prints the words that each field knows"),
        FormProblem::ListTooLong => (3111, "keep the most important ones"),
        FormProblem::Erased => (3114, "leave the row out; who wants to be registered again gets another file number"),
        FormProblem::Record => (3112, "copy the whole id from person show"),
        FormProblem::Consent => (3113, "ask the enquirer; without consent leave enquirer_findable and holders_may_ask = false"),
    };
    row(code, Exit::Usage, "the form is not complete; nothing was kept", error.to_string(), next)
}

fn erasure(problem: ErasureProblem) -> Entry {
    let because = problem.to_string();
    match problem {
        ErasureProblem::NotAsked => row(
            3601,
            Exit::Blocked,
            "nothing was erased",
            because,
            "kinmesh erase request RECORD --basis WORD, then another user",
        ),
        ErasureProblem::Asked => {
            row(3602, Exit::Failed, "it waits already", because, "as another user: kinmesh erase run RECORD")
        }
        ErasureProblem::Erased => {
            row(3603, Exit::Failed, "it is gone already", because, "kinmesh person list shows what is left")
        }
    }
}

fn pair(problem: PairProblem) -> Entry {
    let because = problem.to_string();
    match problem {
        PairProblem::Same => row(3301, Exit::Usage, "this is one record", because, "name two: kinmesh person duplicates"),
        PairProblem::NotLinked => row(
            3302,
            Exit::Failed,
            "there is nothing to undo",
            because,
            "kinmesh person duplicates lists the pairs that are linked",
        ),
        PairProblem::Merged { .. } => row(
            3303,
            Exit::Failed,
            "already merged",
            because,
            "merge with the record that is shown, or kinmesh person unmerge first",
        ),
        PairProblem::Household => row(
            3304,
            Exit::Failed,
            "the two were not merged",
            because,
            "kinmesh person duplicates: unmerge what does not belong together",
        ),
    }
}

fn audit(problem: AuditProblem) -> Entry {
    let because = problem.to_string();
    let what = "the audit's paper was not taken";
    match problem {
        AuditProblem::NotForUs => row(3501, Exit::Usage, what, because, "give it to the member that it names"),
        AuditProblem::Refused => row(
            3502,
            Exit::Verification,
            what,
            because,
            "ask the auditor for a challenge that is signed by a listed key and still good",
        ),
        AuditProblem::Other => row(3503, Exit::Usage, what, because, "give the papers of one audit, its challenge first"),
        AuditProblem::Parts => {
            row(3504, Exit::Verification, what, because, "let the owner make its list again: kinmesh audit report")
        }
        AuditProblem::Draw => row(
            3505,
            Exit::Verification,
            what,
            because,
            "take the first timestamp after the challenge: kinmesh roster timestamp --out FILE at the coordination node",
        ),
        AuditProblem::Drawn => row(
            3506,
            Exit::Verification,
            what,
            because,
            "go on with the first timestamp, or begin another audit with another challenge",
        ),
        AuditProblem::Incomplete => {
            row(3507, Exit::Usage, what, because, "kinmesh audit open CHALLENGE LIST TIMESTAMP --out OPENINGS --report FILE")
        }
    }
}

fn block(block: Block) -> Entry {
    let because = block.to_string();
    match block {
        Block::Safety => row(
            3201,
            Exit::Blocked,
            "the search may not begin",
            because,
            "assess with the enquirer, then open the case with safety = \"safe\"",
        ),
        Block::NoSubject => {
            row(3202, Exit::Blocked, "there is nobody to search for", because, "open the case with a sought person")
        }
        Block::NoConsent => row(
            3203,
            Exit::Blocked,
            "nothing may be disclosed",
            because,
            "ask the person, then: kinmesh contact consent CANDIDATE",
        ),
        Block::Audience => {
            row(3207, Exit::Blocked, "no claim may go there", because, "the record's visible_to says so; leave the hit")
        }
        Block::EnquirerNotAgreed => row(
            3205,
            Exit::Blocked,
            "the enquirer may not be named",
            because,
            "kinmesh candidate answer CANDIDATE --withhold; the form's enquirer_named says what was agreed",
        ),
        Block::Policy => row(
            3204,
            Exit::Blocked,
            "no claim may go there",
            because,
            "kinmesh case show CASE names the members that must not learn of it",
        ),
    }
}

fn public(problem: PublicProblem) -> Entry {
    let because = problem.to_string();
    let next = "ask for the current bundle of the network";
    match problem {
        PublicProblem::FingerprintNeeded => row(
            4001,
            Exit::Usage,
            "the root fingerprint is needed",
            because,
            "kinmesh join BUNDLE --fingerprint TEXT, from the printed letter",
        ),
        PublicProblem::FingerprintForm => {
            row(4002, Exit::Usage, "this is no fingerprint", because, "type it as it is printed in the letter")
        }
        PublicProblem::FingerprintWrong => row(
            4003,
            Exit::Verification,
            "this is not the network of the letter; nothing was changed",
            because,
            "type it again; if it stays so, keep the bundle and call the coordination office",
        ),
        PublicProblem::Signatures => row(4004, Exit::Verification, "the roster is not valid; nothing was changed", because, next),
        PublicProblem::Rollback => row(4005, Exit::Roster, "the roster is out of date; nothing was changed", because, next),
        PublicProblem::SplitView => row(
            4006,
            Exit::Verification,
            "two rosters contradict each other; nothing was changed",
            because,
            "keep both files and call the custodians",
        ),
        PublicProblem::Expired => row(4007, Exit::Roster, "the roster has expired; nothing was changed", because, next),
        PublicProblem::Network => {
            row(4008, Exit::Roster, "the roster is not this network's; nothing was changed", because, "check which file it is")
        }
        PublicProblem::NotListed => row(
            4009,
            Exit::Roster,
            "this node is not on the roster",
            because,
            "send this node's enrolment to the coordination office",
        ),
        PublicProblem::Profile => {
            row(4010, Exit::Roster, "this release is not the network's", because, "install the release that the roster asks for")
        }
        PublicProblem::Behind => row(4014, Exit::Roster, "the timestamp does not confirm the roster that is held", because, next),
        PublicProblem::SuspendedBefore | PublicProblem::SuspensionVersion => suspension(problem),
        PublicProblem::Form => {
            row(4011, Exit::Roster, "the bundle cannot be read; nothing was changed", because, "copy it again")
        }
    }
}

/// The rows of a suspension that does not count.
fn suspension(problem: PublicProblem) -> Entry {
    let because = problem.to_string();
    if problem == PublicProblem::SuspendedBefore {
        return row(
            4012,
            Exit::Verification,
            "the suspension does not count",
            because,
            "the custodians confirm it in a roster: kinmesh roster propose --held ROSTER --suspend ID",
        );
    }
    row(
        4013,
        Exit::Roster,
        "the suspension does not fit the roster; nothing was changed",
        because,
        "take the current roster first; then suspend again on it",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io;

    use kinmesh_protocol::base::PersonId;

    use super::super::codes::entry;
    use super::super::errors::{BundleProblem, FileProblem, Kind, NodeProblem, UsageProblem};
    use super::*;
    use crate::control::{ClientError, Refused, UnlockProblem};
    use crate::exchange::{FileError, FormFileError};

    fn failures() -> Vec<Failure> {
        let form = |problem| Failure::Form(FormError { field: "birth".to_owned(), problem });
        let mut all = vec![
            Failure::Locked,
            Failure::NotJoined,
            Failure::Role,
            Failure::Unknown,
            Failure::Ambiguous,
            Failure::NotAnId,
            Failure::Stale,
            Failure::State { state: "closed".to_owned() },
            Failure::Suspended,
            Failure::TooMany { limit: 16 },
            Failure::Store,
            Failure::Damaged,
            Failure::Busy,
            Failure::RosterOld,
            Failure::CoordinatorOnly,
            Failure::OwnMember,
            Failure::Carry(kinmesh_protocol::engine::CarryProblem::NotTakingPart),
            Failure::SecondPerson,
        ];
        all.extend(
            [Block::Safety, Block::NoSubject, Block::NoConsent, Block::EnquirerNotAgreed, Block::Policy, Block::Audience]
                .map(Failure::Blocked),
        );
        all.extend(
            [
                FormProblem::Missing,
                FormProblem::TooLong,
                FormProblem::TooMany,
                FormProblem::Control,
                FormProblem::Date,
                FormProblem::Word,
                FormProblem::Taken { person: PersonId([7; 16]) },
                FormProblem::Erased,
            ]
            .map(form),
        );
        all.extend(
            [
                PairProblem::Same,
                PairProblem::NotLinked,
                PairProblem::Merged { person: PersonId([7; 16]), shown: PersonId([8; 16]) },
                PairProblem::Household,
            ]
            .map(Failure::Pair),
        );
        all.extend([ErasureProblem::NotAsked, ErasureProblem::Asked, ErasureProblem::Erased].map(Failure::Erasure));
        all.extend(
            [
                PublicProblem::FingerprintNeeded,
                PublicProblem::FingerprintForm,
                PublicProblem::FingerprintWrong,
                PublicProblem::Signatures,
                PublicProblem::Rollback,
                PublicProblem::SplitView,
                PublicProblem::Expired,
                PublicProblem::Network,
                PublicProblem::NotListed,
                PublicProblem::Profile,
                PublicProblem::Behind,
                PublicProblem::SuspendedBefore,
                PublicProblem::SuspensionVersion,
                PublicProblem::Form,
            ]
            .map(Failure::Public),
        );
        all
    }

    fn clients() -> Vec<ClientError> {
        let mut all = vec![
            ClientError::NotRunning,
            ClientError::NotOwner,
            ClientError::PathLength { found: 200 },
            ClientError::Connect(io::Error::other("x")),
            ClientError::Answer,
            ClientError::TooLong,
            ClientError::NoAnswer,
        ];
        let refused = [
            Refused::Session,
            Refused::Body { line: 1, column: 2 },
            Refused::TooLong,
            Refused::BrokenOff,
            Refused::Busy,
            Refused::Closing,
            Refused::NoAnswer,
            Refused::Path,
        ];
        all.extend(refused.map(ClientError::Refused));
        let unlock = [
            UnlockProblem::Wrong,
            UnlockProblem::ShortCredential,
            UnlockProblem::KeyFile,
            UnlockProblem::Role,
            UnlockProblem::Busy,
        ];
        all.extend(unlock.map(ClientError::Unlock));
        all.extend(failures().into_iter().map(ClientError::Failed));
        all
    }

    fn kinds() -> Vec<Kind> {
        let usage = [
            UsageProblem::Arguments,
            UsageProblem::NoForm,
            UsageProblem::NoVerdict,
            UsageProblem::NoDecision,
            UsageProblem::NoText,
            UsageProblem::NoPlan,
            UsageProblem::NoSecret,
            UsageProblem::NoFingerprint,
            UsageProblem::NoUser,
            UsageProblem::NoDir,
            UsageProblem::NoMember,
            UsageProblem::WholeId,
        ];
        let file = [
            FileProblem::NotThere,
            FileProblem::NotAllowed,
            FileProblem::Io,
            FileProblem::TooLong { limit: 1 },
            FileProblem::NotUtf8,
            FileProblem::Empty,
        ];
        let node = [
            NodeProblem::NotMade,
            NodeProblem::AlreadyMade,
            NodeProblem::InUse,
            NodeProblem::WrongSecret,
            NodeProblem::Keys,
            NodeProblem::Store,
            NodeProblem::DiskFull,
            NodeProblem::Network,
            NodeProblem::Clock,
            NodeProblem::RosterFile,
            NodeProblem::Verification,
            NodeProblem::Ceremony,
            NodeProblem::Demo,
            NodeProblem::Drill,
        ];
        let form = vec![
            FormFileError::Io(io::Error::other("x")),
            FormFileError::TooLong,
            FormFileError::NotUtf8,
            FormFileError::Syntax { line: 1, column: 1 },
            FormFileError::UnknownKey { path: Default::default(), line: 1 },
            FormFileError::Kind { path: Default::default() },
            FormFileError::Subjects { found: 30 },
        ];
        let mut all: Vec<Kind> = vec![
            Kind::Partly { rejected: 1 },
            BundleProblem::NotABundle.into(),
            BundleProblem::CutOff.into(),
            BundleProblem::Damaged.into(),
            BundleProblem::TooLong.into(),
            BundleProblem::ForAnother.into(),
            BundleProblem::Exists.into(),
            BundleProblem::Refused { items: 1 }.into(),
            BundleProblem::Stuck.into(),
            Kind::NothingKept,
            Kind::StillOpen { open: 1 },
            Kind::SecondNeeded,
            Kind::Interrupted,
            Kind::OtherAnswer,
            Kind::Output,
            FileError::Io(io::Error::other("x")).into(),
            FileError::Utf16.into(),
            FileError::NoHeader.into(),
        ];
        all.extend(usage.map(Kind::from));
        all.extend(file.map(Kind::from));
        all.extend(node.map(Kind::from));
        all.extend(form.into_iter().map(Kind::from));
        all.extend(clients().into_iter().map(Kind::from));
        all
    }

    #[test]
    fn every_failure_has_its_own_code_and_says_what_to_do() {
        let mut codes = BTreeMap::new();
        for kind in kinds() {
            let entry = entry(&kind);
            assert!((1000..10_000).contains(&entry.code) && entry.exit != Exit::Done, "{kind:?}");
            assert!(!entry.what.is_empty(), "{kind:?}");
            assert!(!entry.next.is_empty() || matches!(kind, Kind::Interrupted | Kind::Output), "{kind:?}");
            let other = codes.insert(entry.code, format!("{kind:?}"));
            assert_eq!(other, None, "{} is also {kind:?}", entry.name());
        }
        assert!(codes.len() > 85, "{}", codes.len());
    }

    #[test]
    fn exit_codes_are_those_of_the_page() {
        let page = include_str!("../../../docs/src/cli.md");
        for kind in kinds() {
            let code = entry(&kind).exit as u8;
            assert!(page.contains(&format!("| {code} |")), "{code} of {kind:?}");
        }
    }
}
