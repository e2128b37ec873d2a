//! What a proposed roster changes, in plain words: what a custodian reads before signing.
//!
//! `roster propose` and `roster sign` print it. It keeps that no difference goes unnamed: every field is taken apart by name,
//! so a field that is added to the roster does not compile here until it has its words. It judges nothing.

use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::roster::{Auditor, ClassId, Coordinator, Custodians, Member, MemberStatus, Pace, Roster};
use serde::Serialize;

use crate::exchange::enrolment::key_name;
use crate::exchange::utc;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it weighs.
    pub weight: Weight,
    /// The member that it concerns.
    pub member: Option<MemberId>,
    /// The difference in words.
    pub text: String,
}

/// What a change weighs for a custodian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// The yearly work: dates, addresses, texts.
    Routine,
    /// Somebody comes, goes, or stands otherwise.
    Member,
    /// Who may sign, which rhythm protects, whose key counts.
    Grave,
}

impl Change {
    /// The mark in front of the line.
    #[must_use]
    pub const fn mark(&self) -> &'static str {
        match self.weight {
            Weight::Routine => "·",
            Weight::Member => "~",
            Weight::Grave => "!",
        }
    }
}

/// The differences from one roster to the next, or what a first one says.
#[must_use]
pub fn changes(before: Option<&Roster>, after: &Roster) -> Vec<Change> {
    let mut found = Found(Vec::new());
    match before {
        None => found.first(after),
        Some(before) => found.next(before, after),
    }
    found.0
}

/// A pace in words.
#[must_use]
pub fn pace_text(pace: &Pace) -> String {
    let known = [("standard pace", Pace::standard()), ("low pace: small bags once a day", Pace::low())];
    if let Some((text, _)) = known.iter().find(|(_, known)| known == pace) {
        return (*text).to_owned();
    }
    let hour_ms = pace.bag.0 / 6;
    if *pace == Pace::drill(hour_ms) {
        return format!("drill pace: an hour takes {hour_ms} ms");
    }
    if hour_ms < 3_600_000 && *pace == Pace::long_drill(hour_ms, pace.epoch) {
        return format!("drill pace: an hour takes {hour_ms} ms, an epoch {} s", pace.epoch.0 / 1_000);
    }
    format!(
        "own pace: a bag every {} min, epochs of {} h, answers after {} to {} min",
        pace.bag.0 / 60_000,
        pace.epoch.0 / 3_600_000,
        pace.answer_min.0 / 60_000,
        pace.answer_max.0 / 60_000
    )
}

struct Found(Vec<Change>);

impl Found {
    fn add(&mut self, weight: Weight, text: String) {
        self.0.push(Change { weight, member: None, text });
    }

    fn of(&mut self, weight: Weight, member: MemberId, text: String) {
        self.0.push(Change { weight, member: Some(member), text });
    }

    fn first(&mut self, roster: &Roster) {
        self.add(Weight::Grave, format!("first roster of {}", roster.network_id));
        self.add(Weight::Grave, custodians_text(&roster.custodians));
        self.add(Weight::Grave, coordinator_text(&roster.coordinator));
        self.add(Weight::Grave, pace_text(&roster.pace));
        self.add(Weight::Routine, format!("matching profile {}", roster.profile.id));
        for Auditor { id, key } in &roster.auditors {
            self.add(Weight::Grave, format!("auditor {id}, key {}", key_name(key)));
        }
        for member in &roster.members {
            self.joined(member);
        }
        self.texts(&[], &roster.notices);
    }

    fn next(&mut self, before: &Roster, after: &Roster) {
        // Taken apart so that a field without words does not compile.
        let Roster {
            network_id,
            version: _,
            prev_hash: _,
            issued: _,
            expires,
            protocol_min,
            protocol_max,
            profile,
            keys_a_record,
            prefix_bits,
            classes,
            limits,
            pace,
            custodians,
            coordinator,
            auditors,
            members: _,
            force_roll,
            notices,
        } = after;
        self.differs(Weight::Grave, "network", &before.network_id, network_id);
        if before.custodians != *custodians {
            self.add(Weight::Grave, format!("other custodians: {}", custodians_text(custodians)));
            self.add(Weight::Grave, format!("before: {}", custodians_text(&before.custodians)));
            self.places(&before.custodians, custodians);
        }
        if before.coordinator != *coordinator {
            let weight = if before.coordinator.key == coordinator.key { Weight::Routine } else { Weight::Grave };
            self.add(weight, coordinator_text(coordinator));
        }
        if before.pace != *pace {
            self.add(Weight::Grave, format!("{} (before: {})", pace_text(pace), pace_text(&before.pace)));
        }
        if before.auditors != *auditors {
            let names: Vec<&str> = auditors.iter().map(|auditor| auditor.id.as_str()).collect();
            self.add(Weight::Grave, format!("other auditors or keys of theirs: {}", names.join(", ")));
        }
        if before.profile != *profile {
            self.add(Weight::Grave, format!("other matching rules: {} (before: {})", profile.id, before.profile.id));
        }
        self.differs(Weight::Grave, "oldest protocol", &before.protocol_min, protocol_min);
        self.differs(Weight::Grave, "newest protocol", &before.protocol_max, protocol_max);
        self.differs(Weight::Grave, "keys a record", &before.keys_a_record, keys_a_record);
        self.differs(Weight::Grave, "bits of a prefix", &before.prefix_bits, prefix_bits);
        if before.classes != *classes || before.limits != *limits {
            self.add(Weight::Grave, "other budgets of searches or claims".to_owned());
        }
        self.members(before, after);
        if before.force_roll != *force_roll {
            let names: Vec<&str> = force_roll.iter().map(MemberId::as_str).collect();
            self.add(Weight::Member, format!("must roll their keys at once: {}", names.join(", ")));
        }
        self.texts(&before.notices, notices);
        if before.expires != *expires {
            self.add(Weight::Routine, format!("the end is moved to {} (before: {})", utc(*expires), utc(before.expires)));
        }
    }

    /// Which custodian has another key, where their number stays.
    fn places(&mut self, before: &Custodians, after: &Custodians) {
        if before.keys.len() != after.keys.len() {
            return;
        }
        for (place, (old, new)) in (1..).zip(before.keys.iter().zip(&after.keys)).filter(|(_, (old, new))| old != new) {
            self.add(Weight::Grave, format!("custodian {place} is replaced: key {} (before: {})", key_name(new), key_name(old)));
        }
    }

    fn members(&mut self, before: &Roster, after: &Roster) {
        for member in &after.members {
            match before.member(&member.id) {
                None => self.joined(member),
                Some(old) => self.member(old, member),
            }
        }
        for gone in before.members.iter().filter(|old| after.member(&old.id).is_none()) {
            self.of(Weight::Grave, gone.id, format!("{} is taken off: nothing of it is accepted any more", gone.id));
        }
    }

    fn joined(&mut self, member: &Member) {
        let text = format!(
            "{} joins: {} ({}), {}, up to {} people, class {:?}, root key {}",
            member.id,
            name_of(member),
            member.country,
            status_text(member.status),
            member.people_cap,
            member.case_class,
            key_name(&member.root_key)
        );
        self.of(Weight::Member, member.id, text);
    }

    fn member(&mut self, old: &Member, new: &Member) {
        let Member {
            id,
            names,
            country,
            status,
            root_key,
            people_cap,
            case_class,
            addresses,
            incident_contact,
            joined,
            status_since,
            single_reviewer,
            ask_class,
        } = new;
        let id = *id;
        self.standing(id, (old.status, old.status_since), (*status, *status_since));
        if old.root_key != *root_key {
            self.of(
                Weight::Grave,
                id,
                format!("{id} has another root key: {} (before: {})", key_name(root_key), key_name(&old.root_key)),
            );
        }
        if (old.case_class, old.ask_class) != (*case_class, *ask_class) {
            self.of(
                Weight::Member,
                id,
                format!(
                    "{id} class {case_class:?}, sought {ask_class:?} (before: {})",
                    classes_text(old.case_class, old.ask_class)
                ),
            );
        }
        if old.people_cap != *people_cap {
            self.of(Weight::Member, id, format!("{id} up to {people_cap} people (before: {})", old.people_cap));
        }
        if old.single_reviewer != *single_reviewer {
            let text = if *single_reviewer { "one person may review alone" } else { "two persons review" };
            self.of(Weight::Member, id, format!("{id}: {text}"));
        }
        if old.names != *names || old.country != *country {
            self.of(Weight::Routine, id, format!("{id} is called {} ({country})", name_of(new)));
        }
        if old.addresses != *addresses {
            self.of(Weight::Routine, id, format!("{id} is at {}", addresses.join(", ")));
        }
        if old.incident_contact != *incident_contact {
            self.of(Weight::Routine, id, format!("{id} has another incident contact"));
        }
        if old.joined != *joined {
            self.of(Weight::Member, id, format!("{id} has another date of joining"));
        }
    }

    fn standing(&mut self, id: MemberId, before: (MemberStatus, u64), after: (MemberStatus, u64)) {
        let ((old, old_since), (new, since)) = (before, after);
        if old != new {
            let effect = match new {
                MemberStatus::Suspended | MemberStatus::Left => ": every member drops it at once and rolls its own key",
                MemberStatus::Active | MemberStatus::Probation => "",
            };
            self.of(Weight::Member, id, format!("{id} {} → {}{effect}", status_text(old), status_text(new)));
        } else if old_since != since {
            let text =
                format!("{id} stays {}, said anew: an emergency suspension of before ends with this version", status_text(new));
            self.of(Weight::Member, id, text);
        }
    }

    fn texts(&mut self, before: &[String], after: &[String]) {
        for notice in after.iter().filter(|notice| !before.contains(notice)) {
            self.add(Weight::Routine, format!("notice: {notice}"));
        }
        if before.iter().any(|notice| !after.contains(notice)) {
            self.add(Weight::Routine, "an earlier notice is taken off".to_owned());
        }
    }

    fn differs<T: PartialEq + core::fmt::Display>(&mut self, weight: Weight, what: &str, before: &T, after: &T) {
        if before != after {
            self.add(weight, format!("{what} {after} (before: {before})"));
        }
    }
}

/// A member's name in the first language given.
fn name_of(member: &Member) -> &str {
    member.names.first().map_or("", |(_, name)| name.as_str())
}

const fn status_text(status: MemberStatus) -> &'static str {
    match status {
        MemberStatus::Active => "active",
        MemberStatus::Probation => "on probation",
        MemberStatus::Suspended => "suspended",
        MemberStatus::Left => "left",
    }
}

fn classes_text(case_class: ClassId, ask_class: ClassId) -> String {
    format!("{case_class:?}, sought {ask_class:?}")
}

fn custodians_text(custodians: &Custodians) -> String {
    let keys: Vec<String> = custodians.keys.iter().map(key_name).collect();
    format!(
        "{} of {} custodians sign a roster, {} a change of custodians, {} an emergency suspension: {}",
        custodians.threshold,
        custodians.keys.len(),
        custodians.root_threshold,
        custodians.emergency_threshold,
        keys.join(" ")
    )
}

fn coordinator_text(coordinator: &Coordinator) -> String {
    format!("coordination node {} at {}", key_name(&coordinator.key), coordinator.addresses.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinmesh_protocol::base::Millis;

    use crate::coordinator::proposal::tests::{member, roster};

    fn words(before: Option<&Roster>, after: &Roster) -> Vec<String> {
        changes(before, after).into_iter().map(|change| format!("{} {}", change.mark(), change.text)).collect()
    }

    #[test]
    fn a_first_roster_says_who_decides_and_who_takes_part() {
        let words = words(None, &roster());
        assert!(words.iter().any(|line| line.starts_with("! 2 of 3 custodians sign a roster, 3 a change")), "{words:?}");
        assert!(words.iter().any(|line| line == "! drill pace: an hour takes 33 ms"));
        assert!(words.iter().any(|line| line.starts_with("~ CIR joins: Cira Red Crescent (CI), active, up to 4096 people")));
    }

    #[test]
    fn every_change_has_its_line() {
        let before = roster();
        assert_eq!(words(Some(&before), &before), Vec::<String>::new());
        let mut after = roster();
        after.members[0].status = MemberStatus::Suspended;
        after.members.push(member("DOR", 8));
        after.custodians.threshold = 1;
        after.members[0].root_key = [9; 32];
        after.expires += 1;
        let words = words(Some(&before), &after);
        let expected = [
            "! other custodians: 1 of 3",
            "! before: 2 of 3",
            "~ CIR active → suspended",
            "! CIR has another root key",
            "~ DOR joins",
            "· the end is moved",
        ];
        assert_eq!(words.len(), expected.len(), "{words:?}");
        for (line, start) in words.iter().zip(expected) {
            assert!(line.starts_with(start), "{line} / {start}");
        }
        let gone = Roster { members: Vec::new(), ..before.clone() };
        assert_eq!(changes(Some(&before), &gone)[0].weight, Weight::Grave);
    }

    #[test]
    fn paces_have_words() {
        assert_eq!(pace_text(&Pace::standard()), "standard pace");
        let long = Pace::long_drill(500, Millis::seconds(7_200));
        assert_eq!(pace_text(&long), "drill pace: an hour takes 500 ms, an epoch 7200 s");
        let own = Pace { bag: kinmesh_protocol::base::Millis::hours(3), ..Pace::standard() };
        assert!(pace_text(&own).starts_with("own pace: a bag every 180 min"));
    }
}
