//! What every roster must keep to, whoever signed it.
//!
//! `verify` calls it last, and the proposal of a roster before anybody signs it. It keeps that each key has one holder, that lists are in order and bounded, and that every text
//! can be shown to an operator. It knows nothing of the roster before.

use std::collections::BTreeSet;

use crate::base::ids::{Kid, MemberId};
use crate::base::limits::{KEYS_A_RECORD, MEMBERS};
use crate::envelope::{is_forbidden, kid_of, public_key};
use crate::roster::document::{CaseClass, Limits, Roster};
use crate::roster::member::Member;
use crate::roster::verify::RosterError;

/// Bits of a label that a set holds.
const PREFIX_BITS: u64 = 48;
const NAMES: usize = 16;
const ADDRESSES: usize = 8;
const NOTICES: usize = 16;
const AUDITORS: usize = 16;
const TEXT_BYTES: usize = 256;
const NOTICE_BYTES: usize = 1_024;
/// Most of what a budget may allow: beyond what a society can use, and no number that means "without a bound".
const BUDGET: u64 = 1_000_000;

/// Checks a roster by itself.
///
/// # Errors
/// [`RosterError`] names the first rule that is broken.
pub fn check(roster: &Roster) -> Result<(), RosterError> {
    check_numbers(roster)?;
    check_keys(roster)?;
    check_members(roster)?;
    check_texts(roster)?;
    roster.pace.check(roster.network_id.is_drill()).map_err(RosterError::Pace)
}

fn check_numbers(roster: &Roster) -> Result<(), RosterError> {
    if roster.keys_a_record != KEYS_A_RECORD as u64 || roster.prefix_bits != PREFIX_BITS {
        return Err(RosterError::Field("T, L"));
    }
    if !roster.custodians.is_sound() {
        return Err(RosterError::Custodians);
    }
    let counts = |class: &CaseClass| is_budget(class.new_a_day) && is_budget(class.open) && class.new_a_day <= class.open;
    let classes = &roster.classes;
    if classes.is_empty() || !ascending(classes.iter().map(|class| class.id)) || !classes.iter().all(counts) {
        return Err(RosterError::Field("classes"));
    }
    let Limits { eval_requests_a_day, claims_a_day, claims_open, claims_a_record } = roster.limits;
    if ![eval_requests_a_day, claims_a_day, claims_open, claims_a_record].into_iter().all(is_budget) {
        return Err(RosterError::Field("limits"));
    }
    Ok(())
}

/// None at all would stop the network by data, and a number beyond use would lift the budget.
fn is_budget(count: u64) -> bool {
    (1..=BUDGET).contains(&count)
}

/// Every key is a sound one and has one holder: custodians, coordinator, auditors and members are different parties, and
/// no two of them may have a kid in common.
fn check_keys(roster: &Roster) -> Result<(), RosterError> {
    let keys = (roster.custodians.keys.iter())
        .chain([&roster.coordinator.key])
        .chain(roster.auditors.iter().map(|auditor| &auditor.key))
        .chain(roster.members.iter().map(|member| &member.root_key));
    let mut seen: BTreeSet<Kid> = BTreeSet::new();
    for key in keys {
        let kid = kid_of(key);
        public_key(key).map_err(|_| RosterError::Key(kid))?;
        if !seen.insert(kid) {
            return Err(RosterError::SharedKey(kid));
        }
    }
    Ok(())
}

fn check_members(roster: &Roster) -> Result<(), RosterError> {
    if roster.members.len() > MEMBERS {
        return Err(RosterError::Members { found: roster.members.len() });
    }
    if let Some([_, later]) = roster.members.array_windows().find(|[earlier, later]| earlier.id >= later.id) {
        return Err(RosterError::MemberOrder(later.id));
    }
    for member in &roster.members {
        check_member(roster, member)?;
    }
    if !ascending(roster.force_roll.iter().copied()) {
        return Err(RosterError::Field("force_roll"));
    }
    match roster.force_roll.iter().find(|id| roster.member(id).is_none()) {
        Some(id) => Err(RosterError::UnknownMember(*id)),
        None => Ok(()),
    }
}

fn check_member(roster: &Roster, member: &Member) -> Result<(), RosterError> {
    let MemberFields { names, country, cap, classes, addresses, contact, times } = MemberFields::of(roster, member);
    let fields = [
        ("names", names),
        ("country", country),
        ("people_cap", cap),
        ("class", classes),
        ("addresses", addresses),
        ("incident_contact", contact),
        ("joined", times),
    ];
    match fields.into_iter().find(|(_, sound)| !sound) {
        Some((field, _)) => Err(RosterError::Member { member: member.id, field }),
        None => Ok(()),
    }
}

/// Which fields of an entry are sound.
struct MemberFields {
    names: bool,
    country: bool,
    cap: bool,
    classes: bool,
    addresses: bool,
    contact: bool,
    times: bool,
}

impl MemberFields {
    fn of(roster: &Roster, member: &Member) -> Self {
        let country = member.country.as_bytes();
        Self {
            names: (1..=NAMES).contains(&member.names.len())
                && member.names.iter().all(|(language, text)| is_text(language, 35) && is_text(text, TEXT_BYTES)),
            country: (2..=3).contains(&country.len()) && country.iter().all(u8::is_ascii_uppercase),
            cap: member.people_cap.is_power_of_two() && member.people_cap <= 1 << 32,
            classes: roster.class(member.case_class).is_some() && roster.class(member.ask_class).is_some(),
            addresses: are_addresses(&member.addresses),
            contact: member.incident_contact.is_empty() || is_text(&member.incident_contact, TEXT_BYTES),
            // A status from the future would count more than every suspension until then.
            times: member.joined <= member.status_since && member.status_since <= roster.issued,
        }
    }
}

fn check_texts(roster: &Roster) -> Result<(), RosterError> {
    if !are_addresses(&roster.coordinator.addresses) {
        return Err(RosterError::Field("coordinator"));
    }
    let auditors = &roster.auditors;
    let sound =
        auditors.len() <= AUDITORS && ascending(auditors.iter().map(|a| &a.id)) && auditors.iter().all(|a| is_auditor(&a.id));
    if !sound {
        return Err(RosterError::Field("auditors"));
    }
    if roster.notices.len() > NOTICES || !roster.notices.iter().all(|notice| is_text(notice, NOTICE_BYTES)) {
        return Err(RosterError::Field("notices"));
    }
    Ok(())
}

fn are_addresses(addresses: &[String]) -> bool {
    addresses.len() <= ADDRESSES && addresses.iter().all(|address| is_address(address))
}

/// The form of a multiaddress: a slash before each part, printable ASCII. What its parts mean is the transport's to know.
fn is_address(address: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
    address.len() <= TEXT_BYTES && address.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_part))
}

fn is_text(text: &str, limit: usize) -> bool {
    (1..=limit).contains(&text.len()) && !text.chars().any(is_forbidden)
}

/// `@` and 1 to 15 of `[a-z0-9-]`, and not the name of a role.
fn is_auditor(id: &str) -> bool {
    let Some(name) = id.strip_prefix('@') else { return false };
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=15).contains(&name.len()) && name.bytes().all(sound) && !matches!(name, "coordinator" | "custodians")
}

fn ascending<T: Ord>(items: impl Iterator<Item = T>) -> bool {
    items.is_sorted_by(|earlier, later| earlier < later)
}

/// The member named in a suspension is on the roster.
pub(super) fn check_known(roster: &Roster, id: &MemberId) -> Result<(), RosterError> {
    if roster.member(id).is_some() { Ok(()) } else { Err(RosterError::UnknownMember(*id)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::member::ClassId;
    use crate::roster::verify::tests::{NOW, key, roster};

    fn broken(change: impl FnOnce(&mut Roster)) -> RosterError {
        let mut roster = roster(1);
        change(&mut roster);
        check(&roster).unwrap_err()
    }

    #[test]
    fn a_sound_roster_passes() {
        assert_eq!(check(&roster(1)), Ok(()));
    }

    #[test]
    fn members_are_in_ascending_order_and_each_once() {
        let id = roster(1).members[0].id;
        assert_eq!(broken(|r| r.members.swap(0, 1)), RosterError::MemberOrder(id));
        let twice = broken(|r| {
            let mut again = r.members[0].clone();
            again.root_key = key("another").verifying_key().to_bytes();
            r.members.insert(0, again);
        });
        assert_eq!(twice, RosterError::MemberOrder(id));
    }

    #[test]
    fn no_key_has_two_holders() {
        let custodian = roster(1).custodians.keys[0];
        let shared = RosterError::SharedKey(kid_of(&custodian));
        assert_eq!(broken(|r| r.members[0].root_key = custodian), shared);
        assert_eq!(broken(|r| r.coordinator.key = custodian), shared);
        assert_eq!(broken(|r| r.custodians.keys[1] = custodian), shared);
        let member = roster(1).members[0].root_key;
        assert_eq!(broken(|r| r.members[1].root_key = member), RosterError::SharedKey(kid_of(&member)));
    }

    #[test]
    fn weak_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(broken(|r| r.members[0].root_key = identity), RosterError::Key(kid_of(&identity)));
    }

    type Change = fn(&mut Member);

    #[test]
    fn every_field_of_an_entry_is_checked() {
        let cases: [(&str, Change); 10] = [
            ("names", |m| m.names.clear()),
            ("names", |m| m.names[0].1 = "\u{202e}KE".into()),
            ("country", |m| m.country = "Kenya".into()),
            ("people_cap", |m| m.people_cap = 1_000),
            ("class", |m| m.ask_class = ClassId::XL),
            ("addresses", |m| m.addresses = vec!["/ip4/127.0.0.1/tcp/1".into(); 9]),
            ("incident_contact", |m| m.incident_contact = "\u{1b}[2J".into()),
            ("joined", |m| m.joined = m.status_since + 1),
            ("joined", |m| m.status_since = NOW + 1),
            ("addresses", |m| m.addresses = vec!["127.0.0.1:4001".into()]),
        ];
        for (field, change) in cases {
            let found = broken(|r| {
                r.classes.truncate(3);
                change(&mut r.members[0]);
            });
            assert_eq!(found, RosterError::Member { member: roster(1).members[0].id, field });
        }
    }

    #[test]
    fn budgets_are_neither_nothing_nor_without_a_bound() {
        for count in [0, BUDGET + 1, u64::MAX] {
            assert_eq!(broken(|r| r.limits.claims_open = count), RosterError::Field("limits"));
            assert_eq!(broken(|r| r.classes[0].open = count), RosterError::Field("classes"));
        }
        assert_eq!(broken(|r| r.classes[0].new_a_day = r.classes[0].open + 1), RosterError::Field("classes"));
    }

    #[test]
    fn addresses_have_the_form_of_a_multiaddress() {
        let cases = [("/ip4/10.0.0.1/tcp/1", true), ("/", false), ("", false), ("/a//b", false), ("a/b", false), ("/a b", false)];
        for (address, sound) in cases {
            assert_eq!(is_address(address), sound, "{address}");
        }
    }

    #[test]
    fn auditors_are_named_like_no_role() {
        for (id, sound) in [("@audit-1", true), ("audit", false), ("@", false), ("@custodians", false), ("@Audit", false)] {
            assert_eq!(is_auditor(id), sound, "{id}");
        }
    }

    #[test]
    fn drills_alone_go_below_the_floors() {
        let fast = crate::roster::pace::Pace::drill(50);
        assert!(matches!(broken(|r| r.pace = fast), RosterError::Pace(_)));
        let mut drill = roster(1);
        drill.network_id = crate::base::ids::NetworkId::new("drill-1").unwrap();
        drill.pace = fast;
        assert_eq!(check(&drill), Ok(()));
    }
}
