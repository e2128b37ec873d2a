//! What decides who may learn of a record: match mode, audience, legal basis, protection.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::base::MemberId;

/// How a record takes part in matching (data-model.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum MatchMode {
    /// In the sets that peers test: for people who asked to be found.
    #[n(1)]
    Answer,
    /// In no set; its holder asks.
    #[n(2)]
    AskOnly,
    /// Neither.
    #[n(3)]
    Off,
}

/// Which members may learn that a record exists.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Every member.
    #[n(1)]
    All,
    /// These members only.
    #[n(2)]
    Only(#[n(0)] Vec<MemberId>),
    /// Every member but these.
    #[n(3)]
    Except(#[n(0)] Vec<MemberId>),
}

impl Audience {
    /// Whether a member may learn of the record.
    #[must_use]
    pub fn admits(&self, member: &MemberId) -> bool {
        match self {
            Audience::All => true,
            Audience::Only(members) => members.contains(member),
            Audience::Except(members) => !members.contains(member),
        }
    }

    /// How many members it names.
    #[must_use]
    pub const fn named(&self) -> usize {
        match self {
            Audience::All => 0,
            Audience::Only(members) | Audience::Except(members) => members.len(),
        }
    }

    /// The same members but these.
    #[must_use]
    pub fn without(&self, never: &[MemberId]) -> Self {
        match self {
            Audience::All if never.is_empty() => Audience::All,
            Audience::All => Audience::Except(never.to_vec()),
            Audience::Only(members) => Audience::Only(members.iter().filter(|member| !never.contains(member)).copied().collect()),
            Audience::Except(members) => {
                let mut all: Vec<MemberId> = members.iter().chain(never).copied().collect();
                all.sort();
                all.dedup();
                Audience::Except(all)
            }
        }
    }

    /// The members of this one or the other, in its one form: members ascending, each once, and nobody left out is `All`.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let all = match (self, other) {
            (Audience::All, _) | (_, Audience::All) => return Audience::All,
            (Audience::Only(some), Audience::Only(others)) => {
                return Audience::Only(ascending(some.iter().chain(others).copied()));
            }
            (Audience::Except(without), Audience::Except(_)) => without,
            (Audience::Except(without), Audience::Only(_)) | (Audience::Only(_), Audience::Except(without)) => without,
        };
        let left = ascending(all.iter().filter(|member| !self.admits(member) && !other.admits(member)).copied());
        if left.is_empty() { Audience::All } else { Audience::Except(left) }
    }

    /// Reads `all`, `only:A|B` or `except:A|B`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let members = |list: &str| -> Option<Vec<MemberId>> {
            let mut found: Vec<MemberId> =
                list.split('|').map(|name| MemberId::new(name.trim())).collect::<Result<_, _>>().ok()?;
            found.sort();
            found.dedup();
            (found.len() <= crate::base::limits::MEMBERS).then_some(found)
        };
        match text.trim() {
            "" | "all" => Some(Audience::All),
            other => match other.split_once(':') {
                Some(("only", list)) => members(list).map(Audience::Only),
                Some(("except", list)) => members(list).map(Audience::Except),
                _ => None,
            },
        }
    }

    /// The text that [`Audience::parse`] reads.
    #[must_use]
    pub fn as_text(&self) -> String {
        let list = |members: &[MemberId]| members.iter().map(MemberId::as_str).collect::<Vec<_>>().join("|");
        match self {
            Audience::All => "all".to_owned(),
            Audience::Only(members) => format!("only:{}", list(members)),
            Audience::Except(members) => format!("except:{}", list(members)),
        }
    }
}

fn ascending(members: impl Iterator<Item = MemberId>) -> Vec<MemberId> {
    let mut all: Vec<MemberId> = members.collect();
    all.sort();
    all.dedup();
    all
}

/// Why the society may hold the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum LegalBasis {
    /// The person agreed.
    #[n(1)]
    Consent,
    /// To protect somebody's life.
    #[n(2)]
    VitalInterest,
    /// The society's humanitarian mandate.
    #[n(3)]
    PublicInterest,
    /// A legitimate interest.
    #[n(4)]
    LegitimateInterest,
    /// The law demands it.
    #[n(5)]
    LegalObligation,
}

impl LegalBasis {
    /// Reads the name used in forms: `consent`, `vital_interest`, ...
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "consent" => Some(Self::Consent),
            "vital_interest" => Some(Self::VitalInterest),
            "public_interest" => Some(Self::PublicInterest),
            "legitimate_interest" => Some(Self::LegitimateInterest),
            "legal_obligation" => Some(Self::LegalObligation),
            _ => None,
        }
    }
}

/// A reason for protection; each makes a record `ask_only` by default where presence alone can harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum ProtectionFlag {
    /// Under age.
    #[n(1)]
    Minor,
    /// A child with no adult relative.
    #[n(2)]
    Unaccompanied,
    /// A child without its parents.
    #[n(3)]
    Separated,
    /// In detention.
    #[n(4)]
    Detained,
    /// A refugee who fears the country of origin.
    #[n(5)]
    RefugeeFearOfOrigin,
    /// Fears a named person.
    #[n(6)]
    FearOfPerson,
    /// Trafficked.
    #[n(7)]
    Trafficking,
    /// Survived gender-based violence.
    #[n(8)]
    Gbv,
    /// A witness.
    #[n(9)]
    Witness,
}

impl ProtectionFlag {
    /// Reads the name used in forms.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "minor" => Some(Self::Minor),
            "unaccompanied" => Some(Self::Unaccompanied),
            "separated" => Some(Self::Separated),
            "detained" => Some(Self::Detained),
            "refugee_fear_of_origin" => Some(Self::RefugeeFearOfOrigin),
            "fear_of_person" => Some(Self::FearOfPerson),
            "trafficking" => Some(Self::Trafficking),
            "gbv" => Some(Self::Gbv),
            "witness" => Some(Self::Witness),
            _ => None,
        }
    }
}

/// How a record is treated in whatever mode it is (protocol.md 2.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum ProtectionLevel {
    /// No flag.
    #[n(1)]
    Standard,
    /// At least one flag: `ask_only` unless a supervisor loosens it.
    #[n(2)]
    Protected,
}

impl ProtectionLevel {
    /// The level that flags give.
    #[must_use]
    pub fn of(flags: &[ProtectionFlag]) -> Self {
        if flags.is_empty() { Self::Standard } else { Self::Protected }
    }

    /// The match mode that a record gets where its form names none.
    #[must_use]
    pub fn default_mode(self) -> MatchMode {
        match self {
            Self::Standard => MatchMode::Answer,
            Self::Protected => MatchMode::AskOnly,
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_union_admits_whom_one_of_the_two_admits_and_has_one_form() {
        let members: Vec<MemberId> = ["BE", "KE", "SY"].map(|id| MemberId::new(id).unwrap()).to_vec();
        let lists = [vec![], vec![0], vec![1], vec![1, 0], vec![2, 0, 2]];
        let pick = |list: &Vec<usize>| list.iter().map(|place| members[*place]).collect::<Vec<_>>();
        let audiences: Vec<Audience> = lists
            .iter()
            .flat_map(|list| [Audience::Only(pick(list)), Audience::Except(pick(list))])
            .chain([Audience::All])
            .collect();
        let mut forms = std::collections::BTreeMap::new();
        for one in &audiences {
            for other in &audiences {
                let both = one.or(other);
                for member in &members {
                    assert_eq!(both.admits(member), one.admits(member) || other.admits(member), "{one:?} {other:?}");
                }
                assert_eq!(both, other.or(one));
                let admitted: Vec<bool> = members.iter().map(|member| both.admits(member)).collect();
                let everybody_else = !matches!(both, Audience::Only(_));
                let form = forms.entry((admitted, everybody_else)).or_insert_with(|| both.clone());
                assert_eq!(*form, both);
            }
        }
    }

    use super::*;

    #[test]
    fn an_audience_admits_whom_it_names() {
        let (ke, be) = (MemberId::new("KE").unwrap(), MemberId::new("BE").unwrap());
        assert!(Audience::parse("only:KE").unwrap().admits(&ke));
        assert!(!Audience::parse("only:KE").unwrap().admits(&be));
        assert!(!Audience::parse("except:KE|BE").unwrap().admits(&be));
        assert!(Audience::parse("").unwrap().admits(&be));
        assert_eq!(Audience::parse("some:KE"), None);
        assert_eq!(Audience::parse("only:ke"), None);
    }

    #[test]
    fn a_flag_takes_a_record_out_of_the_sets() {
        assert_eq!(ProtectionLevel::of(&[ProtectionFlag::Detained]).default_mode(), MatchMode::AskOnly);
        assert_eq!(ProtectionLevel::of(&[]).default_mode(), MatchMode::Answer);
    }
}
