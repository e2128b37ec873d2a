//! `roster.toml`: what the coordinator decides about a network, small and commented.
//!
//! `roster propose` reads it. What it leaves out stays as the held roster has it, or is the usual value in a first one. It
//! keeps to what a roster can say; whether a pace goes below its floors is checked where the roster is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kinmesh_protocol::base::{MemberId, Millis, NetworkId, ProfileId};
use kinmesh_protocol::roster::{ClassId, MemberStatus, Pace};
use serde::Deserialize;
use thiserror::Error;

/// Bytes of a plan.
pub const PLAN_BYTES: u64 = 256 * 1024;
/// An example with every field.
pub const PLAN_TEMPLATE: &str = include_str!("roster.toml");

/// Why a text is no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("line {line} is no plan of a roster: a field is missing, unknown or of another kind")]
pub struct PlanError {
    /// Line of the file, from 1; 0 if none can be named.
    pub line: usize,
}

/// What the coordinator decides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The network.
    #[serde(deserialize_with = "network")]
    pub network: NetworkId,
    /// The custodians file, beside the plan unless absolute.
    pub custodians: Option<PathBuf>,
    /// The coordination node's enrolment, beside the plan unless absolute.
    pub coordinator: Option<PathBuf>,
    /// The auditors' public keys, beside the plan unless absolute; they replace those of the held roster.
    pub auditors: Option<Vec<PathBuf>>,
    /// Days from now until the roster ends, at most 400.
    pub expires_days: Option<u64>,
    /// The intervals.
    pub pace: Option<PlannedPace>,
    /// The matching rules; only those of this release.
    pub profile: Option<ProfileId>,
    /// What a member is that was not on the roster before: `active` or `probation`.
    pub new_members: Option<PlannedStatus>,
    /// Texts for all operators.
    pub notices: Option<Vec<String>>,
    /// Settings of members, by id.
    #[serde(default)]
    pub members: BTreeMap<MemberId, MemberPlan>,
}

/// The intervals, by name or as a drill's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedPace {
    /// Those of a real network.
    Standard,
    /// The same with smaller bags once a day, for little bandwidth.
    Low,
    /// Those of a drill in which an hour takes so many milliseconds.
    DrillHourMs(u64),
    /// Those of a drill whose epoch is longer than its hours say.
    Drill(PlannedDrill),
}

/// A drill's intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedDrill {
    /// Milliseconds of an hour.
    pub hour_ms: u64,
    /// Seconds of an epoch, at least.
    pub epoch_s: u64,
}

/// Settings of one member; what is left out stays, or is the usual value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberPlan {
    /// Its name.
    pub name: Option<String>,
    /// Where it stands.
    pub status: Option<PlannedStatus>,
    /// A power of two above the number of people that it attests to hold.
    pub people_cap: Option<u64>,
    /// Its budget of searches for registered people.
    pub case_class: Option<PlannedClass>,
    /// Its budget of searches for sought people.
    pub ask_class: Option<PlannedClass>,
    /// How its incident desk is reached.
    pub incident_contact: Option<String>,
    /// Whether one person may review alone.
    pub single_reviewer: Option<bool>,
}

/// Where a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedStatus {
    /// Takes part.
    Active,
    /// Takes part in class S, for its first 14 days.
    Probation,
    /// Refused by everybody.
    Suspended,
    /// Left the network.
    Left,
}

/// A budget of searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum PlannedClass {
    /// Small societies.
    S,
    /// The usual class.
    M,
    /// Large societies.
    L,
    /// The ICRC.
    #[serde(rename = "XL")]
    Xl,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            PlanError { line: before.map_or(0, |before| before.matches('\n').count() + 1) }
        })
    }
}

impl From<PlannedPace> for Pace {
    fn from(pace: PlannedPace) -> Self {
        match pace {
            PlannedPace::Standard => Pace::standard(),
            PlannedPace::Low => Pace::low(),
            PlannedPace::DrillHourMs(hour_ms) => Pace::drill(hour_ms),
            PlannedPace::Drill(drill) => Pace::long_drill(drill.hour_ms, Millis::seconds(drill.epoch_s)),
        }
    }
}

impl From<PlannedStatus> for MemberStatus {
    fn from(status: PlannedStatus) -> Self {
        match status {
            PlannedStatus::Active => MemberStatus::Active,
            PlannedStatus::Probation => MemberStatus::Probation,
            PlannedStatus::Suspended => MemberStatus::Suspended,
            PlannedStatus::Left => MemberStatus::Left,
        }
    }
}

impl From<PlannedClass> for ClassId {
    fn from(class: PlannedClass) -> Self {
        match class {
            PlannedClass::S => ClassId::S,
            PlannedClass::M => ClassId::M,
            PlannedClass::L => ClassId::L,
            PlannedClass::Xl => ClassId::XL,
        }
    }
}

pub(super) fn network<'de, D: serde::Deserializer<'de>>(from: D) -> Result<NetworkId, D::Error> {
    let text = String::deserialize(from)?;
    NetworkId::new(&text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_plan_and_so_is_its_first_line_alone() {
        let plan = Plan::parse(PLAN_TEMPLATE).unwrap();
        assert_eq!(plan.network, NetworkId::new("drill-hills").unwrap());
        assert_eq!(plan.pace, Some(PlannedPace::DrillHourMs(33)));
        assert_eq!(plan.members.len(), 1);
        let least = Plan::parse("network = \"kin-rcrc\"\npace = \"standard\"\n").unwrap();
        assert_eq!((least.pace, least.expires_days), (Some(PlannedPace::Standard), None));
        let long = Plan::parse("network = \"drill-a\"\npace = { drill = { hour_ms = 500, epoch_s = 7200 } }\n").unwrap();
        assert_eq!(long.pace.map(Pace::from), Some(Pace { epoch: Millis::seconds(7_200), ..Pace::drill(500) }));
    }

    #[test]
    fn a_mistake_is_named_by_its_line() {
        let cases = [
            ("network = \"kin\"\nexpire_days = 3\n", 2),
            ("network = \"KIN\"\n", 1),
            ("network = \"kin\"\npace = \"quick\"\n", 2),
            ("network = \"drill-a\"\npace = { drill = { hour_ms = 500 } }\n", 2),
        ];
        for (text, line) in cases {
            assert_eq!(Plan::parse(text).unwrap_err(), PlanError { line }, "{text}");
        }
    }
}
