//! The minimal conjunctions of a record's parts, by how likely the other side has them too (matching.md 4.3 to 4.5).
//!
//! Called by `match_key`. All arithmetic is on integers; equal input gives the same list in the same order everywhere.
//! Time and memory are bounded by the parts that count of a record, not by its text: at most 6 own names, 2 of the
//! mother and 4 place readings with up to 3 codes a name.

use zeroize::Zeroizing;

use super::parts::{NamePart, Parts, PlacePart, Role, mother_bits, name_bits, place_bits, role_bits};
use super::places::CodeKind;

/// All that the conjunctions of one record are made of.
pub(super) struct Conjunctions {
    /// The texts of the labels, sorted, so that a set of labels in the order of its bits is in the order of the key.
    texts: Zeroizing<Vec<String>>,
    /// For each own name token its choices and the place of its first one among all own choices.
    own: Vec<(usize, Vec<Choice>)>,
    /// Every admissible set of mother's names and places, ascending in bits.
    rest: Vec<Picked>,
    dates: Vec<DateChoice>,
}

impl Conjunctions {
    /// Lays out what a record's keys may be made of.
    pub(super) fn of(parts: &Parts) -> Self {
        let mut this = Self { texts: label_texts(parts), own: Vec::new(), rest: Vec::new(), dates: date_choices(parts) };
        this.own = this.own_choices(parts);
        this.rest = this.rest(parts);
        this
    }

    /// The keys by ascending cost, then label, without repeats, at most `limit`.
    pub(super) fn ranked(&self, limit: usize) -> Vec<String> {
        let mut ranking = Ranking { limit, room: GATHERED, gathered: Vec::with_capacity(256) };
        self.pick_names(0, &Picked::NOTHING, &mut ranking);
        self.best(&mut ranking.gathered, limit).into_iter().map(|(_, mut text)| core::mem::take(&mut *text)).collect()
    }

    fn label(&self, kind: &str, code: &str) -> Labels {
        let label = Zeroizing::new(format!("{kind}:{code}"));
        self.texts.binary_search(&label).map_or(0, |place| 1 << place)
    }

    fn own_choices(&self, parts: &Parts) -> Vec<(usize, Vec<Choice>)> {
        let codes: Vec<&str> = parts.own.iter().flat_map(choice_labels).map(|(_, code, _)| code).collect();
        let mut first = 0;
        let mut own = Vec::with_capacity(parts.own.len());
        for part in &parts.own {
            let choices: Vec<Choice> = choice_labels(part)
                .map(|(kind, code, alternative)| self.own_choice(part.role, kind, code, alternative, &codes))
                .collect();
            let count = choices.len();
            own.push((first, choices));
            first += count;
        }
        own
    }

    fn own_choice(&self, role: Role, kind: &str, code: &str, alternative: bool, codes: &[&str]) -> Choice {
        let bits = name_bits(code);
        let in_role = kind != "n";
        let surplus = if in_role { role_bits(code) - bits } else { 0 };
        let doubt = match role {
            Role::Given => doubt::GIVEN,
            Role::Father => doubt::FATHER,
            Role::None => doubt::OTHER_NAME,
        };
        Choice {
            labels: self.label(kind, code),
            clashing: codes
                .iter()
                .enumerate()
                .filter(|(_, other)| clash(code, other))
                .fold(0, |all, (place, _)| all | 1 << place),
            bits: bits + surplus,
            loss: if in_role { surplus } else { bits },
            cost: doubt + if in_role { doubt::ROLE } else { 0 } + if alternative { doubt::ALTERNATIVE } else { 0 },
            given: role == Role::Given,
        }
    }

    /// Mother's names and places, each set of the one with each of the other.
    fn rest(&self, parts: &Parts) -> Vec<Picked> {
        let mothers: Vec<Vec<Choice>> = parts.mother.iter().map(|part| self.mother_choices(part)).collect();
        let mut names = vec![Picked::NOTHING];
        for (place, choices) in mothers.iter().enumerate() {
            for choice in choices {
                let one = Picked::NOTHING.with(choice);
                names.push(one);
                names.extend(mothers.iter().skip(place + 1).flatten().map(|other| one.with(other)));
            }
        }
        let mut places = vec![Picked::NOTHING];
        for (at, part) in parts.places.iter().enumerate() {
            let one = Picked::NOTHING.with(&self.place_choice(part));
            places.push(one);
            let others = parts.places.iter().skip(at + 1).filter(|other| go_together(part, other));
            places.extend(others.map(|other| one.with(&self.place_choice(other))));
        }
        let mut rest: Vec<Picked> = names.iter().flat_map(|name| places.iter().map(|place| name.and(place))).collect();
        rest.sort_by_key(|picked| picked.bits);
        rest
    }

    fn mother_choices(&self, part: &NamePart) -> Vec<Choice> {
        let choice = |(at, code): (usize, &String)| {
            let bits = mother_bits(code);
            let cost = doubt::MOTHER + if at > 0 { doubt::ALTERNATIVE } else { 0 };
            Choice { labels: self.label("m", code), clashing: 0, bits, loss: bits, cost, given: false }
        };
        part.codes.iter().enumerate().map(choice).collect()
    }

    fn place_choice(&self, part: &PlacePart) -> Choice {
        let bits = place_bits(&part.code);
        let cost = doubt::PLACE + if part.first { 0 } else { doubt::ALTERNATIVE };
        Choice { labels: self.label("p", &part.code), clashing: 0, bits, loss: bits, cost, given: false }
    }

    fn pick_names(&self, from: usize, picked: &Picked, ranking: &mut Ranking) {
        self.weigh(picked, ranking);
        if picked.count == NAMES_A_KEY {
            return;
        }
        for (token, (first, choices)) in self.own.iter().enumerate().skip(from) {
            for (place, choice) in choices.iter().enumerate() {
                if picked.clashing & (1 << (first + place)) == 0 {
                    self.pick_names(token + 1, &picked.with(choice), ranking);
                }
            }
        }
    }

    /// Puts every date and every rest beside these names that makes a minimal key (4.3, 4.4).
    fn weigh(&self, names: &Picked, ranking: &mut Ranking) {
        for (at, date) in (0u8..).zip(&self.dates) {
            let weaker = match (names.given, date.kind) {
                (true, _) => date.weaker,
                (false, DateKind::Full) => Some(date_bits::YEAR),
                (false, DateKind::Year) if names.count > 0 => None,
                (false, _) => continue,
            };
            let have = names.bits + date.bits;
            let missing = ENOUGH - have;
            let too_much = weaker.map_or(NO_LOSS, |weaker| ENOUGH - names.bits - weaker).min(missing + names.loss);
            let from = self.rest.partition_point(|rest| rest.bits < missing);
            for rest in self.rest.iter().skip(from).take_while(|rest| rest.bits < too_much) {
                let total = have + rest.bits;
                if total - rest.loss < ENOUGH {
                    let cost = names.cost + rest.cost + date.cost - doubt::CREDIT * (total - ENOUGH).min(doubt::CREDITED);
                    ranking.gathered.push(Candidate { cost, date: at, labels: names.labels | rest.labels });
                }
            }
        }
        if ranking.gathered.len() >= ranking.room {
            ranking.gathered = self.best(&mut ranking.gathered, ranking.limit).into_iter().map(|(one, _)| one).collect();
            ranking.room = GATHERED.max(2 * ranking.gathered.len());
        }
    }

    /// The first `limit` of the candidates. A label counts with its lowest cost, so what is left out here could not come
    /// back among the first `limit` of a longer list.
    fn best(&self, candidates: &mut [Candidate], limit: usize) -> Vec<(Candidate, Zeroizing<String>)> {
        candidates.sort_unstable_by_key(|candidate| candidate.cost);
        let mut best: Vec<(Candidate, Zeroizing<String>)> = Vec::new();
        for equal in candidates.chunk_by(|a, b| a.cost == b.cost) {
            let known = |one: &Candidate| best.iter().any(|(seen, _)| (seen.labels, seen.date) == (one.labels, one.date));
            let mut fresh: Vec<_> =
                equal.iter().filter(|one| !known(one)).map(|one| (*one, Zeroizing::new(self.text(one)))).collect();
            fresh.sort_by(|a, b| a.1.cmp(&b.1));
            fresh.dedup_by(|a, b| a.1 == b.1);
            fresh.truncate(limit - best.len());
            best.append(&mut fresh);
            if best.len() >= limit {
                break;
            }
        }
        best
    }

    fn text(&self, candidate: &Candidate) -> String {
        let mut key = String::with_capacity(64);
        let mut left = candidate.labels & !TWICE;
        while left != 0 {
            let label = self.texts.get(left.trailing_zeros() as usize).map_or("", String::as_str);
            left &= left - 1;
            let times = if candidate.labels & TWICE != 0 && label.starts_with("m:") { 2 } else { 1 };
            for _ in 0..times {
                push_label(&mut key, label);
            }
        }
        if let Some(date) = self.dates.get(usize::from(candidate.date)).filter(|date| !date.label.is_empty()) {
            push_label(&mut key, &date.label);
        }
        key
    }
}

/// Half-bits that make a conjunction a key.
const ENOUGH: i32 = 39;
/// Own names in a key.
const NAMES_A_KEY: usize = 4;
/// Stands for "nothing to lose" where a conjunction has no part of a kind.
const NO_LOSS: i32 = 999;
/// Conjunctions that are gathered before the best are picked, which bounds the memory of a hostile record.
const GATHERED: usize = 4096;

/// Milli-bits of doubt that a part agrees on the other side (matching.md 4.5).
mod doubt {
    pub(super) const GIVEN: i32 = 105;
    pub(super) const FATHER: i32 = 152;
    pub(super) const OTHER_NAME: i32 = 515;
    pub(super) const ROLE: i32 = 184;
    pub(super) const MOTHER: i32 = 889;
    pub(super) const PLACE: i32 = 474;
    pub(super) const ALTERNATIVE: i32 = 1737;
    pub(super) const FOUR_YEARS: i32 = 152;
    pub(super) const TWO_YEARS: i32 = 474;
    pub(super) const YEAR: i32 = 862;
    pub(super) const DAY: i32 = 1000;
    /// Credit for a half-bit above what is enough, and how many of them count.
    pub(super) const CREDIT: i32 = 375;
    pub(super) const CREDITED: i32 = 8;
}

/// Half-bits of the kinds of date.
mod date_bits {
    pub(super) const FULL: i32 = 26;
    pub(super) const MONTH_DAY: i32 = 16;
    pub(super) const YEAR: i32 = 10;
    pub(super) const TWO_YEARS: i32 = 8;
    pub(super) const FOUR_YEARS: i32 = 6;
}

/// A set of labels as bits in the order of their text; the last bit says that the mother's label stands twice.
type Labels = u64;
const TWICE: Labels = 1 << 63;

/// A label that may stand in a key.
#[derive(Clone, Copy)]
struct Choice {
    labels: Labels,
    /// Own names that may not stand beside this one, as bits in the order of all own choices.
    clashing: u64,
    bits: i32,
    loss: i32,
    cost: i32,
    given: bool,
}

/// Labels picked together, with what they tell, the least that dropping or weakening one of them loses, and the doubt.
#[derive(Clone, Copy)]
struct Picked {
    labels: Labels,
    clashing: u64,
    count: usize,
    bits: i32,
    loss: i32,
    cost: i32,
    given: bool,
}

impl Picked {
    const NOTHING: Self = Self { labels: 0, clashing: 0, count: 0, bits: 0, loss: NO_LOSS, cost: 0, given: false };

    fn with(&self, choice: &Choice) -> Self {
        let twice = if self.labels & choice.labels == 0 { 0 } else { TWICE };
        Self {
            labels: self.labels | choice.labels | twice,
            clashing: self.clashing | choice.clashing,
            count: self.count + 1,
            bits: self.bits + choice.bits,
            loss: self.loss.min(choice.loss),
            cost: self.cost + choice.cost,
            given: self.given || choice.given,
        }
    }

    fn and(&self, other: &Self) -> Self {
        Self {
            labels: self.labels | other.labels,
            clashing: 0,
            count: self.count + other.count,
            bits: self.bits + other.bits,
            loss: self.loss.min(other.loss),
            cost: self.cost + other.cost,
            given: self.given,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DateKind {
    None,
    Band,
    Year,
    MonthDay,
    Full,
}

/// A date part; `weaker` is what the next weaker one would tell.
struct DateChoice {
    label: Zeroizing<String>,
    kind: DateKind,
    bits: i32,
    weaker: Option<i32>,
    cost: i32,
}

/// A key before its text is written.
#[derive(Clone, Copy)]
struct Candidate {
    cost: i32,
    date: u8,
    labels: Labels,
}

/// What is gathered of the candidates so far.
struct Ranking {
    limit: usize,
    room: usize,
    gathered: Vec<Candidate>,
}

fn push_label(key: &mut String, label: &str) {
    if !key.is_empty() {
        key.push('|');
    }
    key.push_str(label);
}

fn label_texts(parts: &Parts) -> Zeroizing<Vec<String>> {
    let own = parts.own.iter().flat_map(choice_labels).map(|(kind, code, _)| format!("{kind}:{code}"));
    let mother = parts.mother.iter().flat_map(|part| &part.codes).map(|code| format!("m:{code}"));
    let places = parts.places.iter().map(|part| format!("p:{}", part.code));
    let mut texts: Zeroizing<Vec<String>> = Zeroizing::new(own.chain(mother).chain(places).collect());
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// Kind and code of each label that an own name may have, and whether the code is not its first.
fn choice_labels(part: &NamePart) -> impl Iterator<Item = (&'static str, &str, bool)> {
    let role = match part.role {
        Role::Given => Some("g"),
        Role::Father => Some("f"),
        Role::None => None,
    };
    part.codes.iter().enumerate().flat_map(move |(at, code)| {
        let in_role = role.filter(|_| role_bits(code) > name_bits(code));
        core::iter::once("n").chain(in_role).map(move |kind| (kind, code.as_str(), at > 0))
    })
}

/// Two names that one may be the other's patronymic are not two pieces of evidence.
fn clash(a: &str, b: &str) -> bool {
    a == b || (a.len().min(b.len()) >= 2 && (a.starts_with(b) || b.starts_with(a)))
}

/// Two readings of one place are one piece of evidence, and so are a town and its postcode.
fn go_together(a: &PlacePart, b: &PlacePart) -> bool {
    let kinds = [CodeKind::of(&a.code), CodeKind::of(&b.code)];
    a.place != b.place && !(kinds.contains(&CodeKind::Town) && kinds.contains(&CodeKind::Numbered))
}

fn date_choices(parts: &Parts) -> Vec<DateChoice> {
    let choice = |label: String, kind, bits, weaker, cost| DateChoice { label: Zeroizing::new(label), kind, bits, weaker, cost };
    let mut dates = vec![choice(String::new(), DateKind::None, 0, None, 0)];
    for (year, month_day) in parts.births.iter().copied() {
        if year > 0 {
            let (next, over_next) = (u32::from(year) + 1, u32::from(year) + 2);
            for label in [format!("w0:{}", year / 4), format!("w1:{}", over_next / 4)] {
                dates.push(choice(label, DateKind::Band, date_bits::FOUR_YEARS, Some(0), doubt::FOUR_YEARS));
            }
            for label in [format!("v0:{}", year / 2), format!("v1:{}", next / 2)] {
                dates.push(choice(label, DateKind::Band, date_bits::TWO_YEARS, Some(date_bits::FOUR_YEARS), doubt::TWO_YEARS));
            }
            dates.push(choice(format!("y:{year}"), DateKind::Year, date_bits::YEAR, Some(date_bits::TWO_YEARS), doubt::YEAR));
        }
        if let Some((month, day)) = month_day {
            let sorted = format!("{:02}{:02}", month.min(day), month.max(day));
            if year > 0 {
                let label = format!("d:{year}{sorted}");
                dates.push(choice(label, DateKind::Full, date_bits::FULL, Some(date_bits::MONTH_DAY), doubt::DAY));
            }
            dates.push(choice(format!("x:{sorted}"), DateKind::MonthDay, date_bits::MONTH_DAY, Some(0), doubt::DAY));
        }
    }
    // Two dates that a birth may be have bands in common. A label says its kind, and with it bits and doubt.
    let mut seen: Vec<DateChoice> = Vec::with_capacity(dates.len());
    for date in dates {
        if seen.iter().all(|other| other.label != date.label) {
            seen.push(date);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::fields::{BirthDate, Fields, PlaceKind, PlaceText};

    #[test]
    fn the_limit_keeps_the_beginning_of_the_longer_list() {
        // Syllables with uncertain sounds: every token has three codes, and more is gathered than is kept at once.
        let place = |text: &str| PlaceText { text: text.into(), kind: PlaceKind::Town };
        let crowded = Fields {
            given: "jirace".into(),
            family: "zhoxa zhoxano zhotsedhe chiraji".into(),
            father: "cekhachi".into(),
            mother: "chitse jijili".into(),
            birth: BirthDate::parse("1984-03-12"),
            places: vec![place("Cecilia"), place("tsezhotha")],
            ..Fields::default()
        };
        let conjunctions = Conjunctions::of(&Parts::of(&crowded));
        let all = conjunctions.ranked(usize::MAX);
        assert!(all.len() > GATHERED, "{}", all.len());
        assert_eq!(conjunctions.ranked(48), all.get(..48).unwrap());
    }
}
