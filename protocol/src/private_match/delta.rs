//! One delta of one peer's set: which prefixes come and which go, padded to its class (protocol.md 3.9).
//!
//! A set shows prefixes, each once. Behind a prefix stand labels of the peer's visible records and dummies, nearly always
//! one; [`Backing`] keeps the dummies as a range of counters and the few prefixes behind which more than one stands. So a
//! label that goes takes its prefix along only with the last that stands behind it, and a dummy on which a label falls
//! becomes real without a message. Invariant: an added prefix was not in the set, a removed one was, none is in both lists,
//! and both have exactly their class. The reader checks the first two with [`Presence`], as the owner does before it
//! ships. It reads no files and knows no tags.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use thiserror::Error;

use super::manifest::SegmentKind;

/// Prefixes behind which more than one thing stands, at most: among 24 million one is expected.
pub const DOUBLES: usize = 256;

/// What stands behind the prefixes of a peer's set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Backing {
    /// Counter of the oldest dummy that is in the set.
    #[n(1)]
    pub oldest: u64,
    /// Counter of the next dummy: those from the oldest up to here are in the set, each.
    #[n(2)]
    pub next: u64,
    /// Prefixes behind which more than one label or dummy stands, ascending, with how many.
    #[n(3)]
    pub doubles: Vec<(u64, u32)>,
    /// Prefixes of the set.
    #[n(4)]
    pub count: u64,
}

/// Prefixes of labels that a peer may see from now on, and of those that it may not see any more; a prefix of two labels
/// stands twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// They begin to be shown.
    pub come: Vec<u64>,
    /// They end to be shown.
    pub go: Vec<u64>,
}

/// How many prefixes a delta adds and removes, the same for every peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Counts {
    /// Added.
    #[n(1)]
    pub adds: u64,
    /// Removed.
    #[n(2)]
    pub removes: u64,
}

/// The prefixes of a delta, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists {
    /// Not in the set before.
    pub adds: Vec<u64>,
    /// In the set before.
    pub removes: Vec<u64>,
}

/// A delta that cannot be made: a base takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// More labels come or go than the class holds.
    #[error("more labels than the delta holds")]
    Class,
    /// No dummy is left to be removed.
    #[error("too few dummies are left")]
    Dummies,
    /// A prefix that goes is not in the set: what is kept of the set is not what was shipped.
    #[error("a prefix that goes is not in the set")]
    Absent,
    /// Nobody looked whether a prefix is in the set.
    #[error("a prefix was not looked up")]
    Unknown,
    /// More than [`DOUBLES`] prefixes have several labels behind them.
    #[error("too many prefixes have several labels")]
    Doubles,
}

/// Which of some prefixes are in a set, found by streaming its segments in the order of their sets.
#[derive(Clone, Debug)]
pub struct Presence {
    prefixes: Vec<u64>,
    present: Vec<bool>,
}

impl Presence {
    /// Looks for these.
    #[must_use]
    pub fn of(mut prefixes: Vec<u64>) -> Self {
        prefixes.sort_unstable();
        prefixes.dedup();
        let present = vec![false; prefixes.len()];
        Self { prefixes, present }
    }

    /// Takes one segment (ascending); read to its end, so that a corrupt one is found out.
    ///
    /// # Errors
    /// The stream's.
    pub fn take<E>(&mut self, kind: SegmentKind, stream: impl IntoIterator<Item = Result<u64, E>>) -> Result<(), E> {
        let mut wanted = self.prefixes.iter().zip(&mut self.present).peekable();
        for prefix in stream {
            let prefix = prefix?;
            while let Some((next, present)) = wanted.next_if(|(next, _)| **next <= prefix) {
                if *next == prefix {
                    *present = kind == SegmentKind::Add;
                }
            }
        }
        Ok(())
    }

    /// Whether a prefix is in the set; none if nobody looked for it.
    #[must_use]
    pub fn holds(&self, prefix: u64) -> Option<bool> {
        self.prefixes.binary_search(&prefix).ok().and_then(|place| self.present.get(place)).copied()
    }

    /// Whether the lists of a delta fit the set: nothing added is there, everything removed is.
    #[must_use]
    pub fn fits(&self, adds: &[u64], removes: &[u64]) -> bool {
        adds.iter().all(|prefix| self.holds(*prefix) == Some(false))
            && removes.iter().all(|prefix| self.holds(*prefix) == Some(true))
    }
}

impl Backing {
    /// The prefixes that [`Backing::delta`] may ask for, so that they are looked up in one pass.
    #[must_use]
    pub fn candidates(&self, labels: &Labels, counts: Counts, dummy: impl Fn(u64) -> u64) -> Vec<u64> {
        // A dummy is passed over with a chance of 1 in 10 million; the spare ones are for that.
        let spare = self.doubles.len() as u64 + 16;
        let old = self.oldest..self.oldest.saturating_add(counts.removes + spare).min(self.next);
        let fresh = self.next..self.next.saturating_add(counts.adds + spare);
        labels.come.iter().chain(&labels.go).copied().chain(old.chain(fresh).map(dummy)).collect()
    }

    /// Makes a delta: the labels, then dummies until both lists have their class, the oldest dummies going first.
    ///
    /// # Errors
    /// [`Unfit`]; nothing is changed then.
    pub fn delta(
        &mut self,
        labels: &Labels,
        counts: Counts,
        dummy: impl Fn(u64) -> u64,
        presence: &Presence,
    ) -> Result<Lists, Unfit> {
        let old: BTreeMap<u64, u32> = self.doubles.iter().copied().collect();
        let mut tally = Tally { old: &old, presence, touched: BTreeMap::new(), adds: 0, removes: 0 };
        labels.come.iter().try_for_each(|prefix| tally.come(*prefix))?;
        labels.go.iter().try_for_each(|prefix| tally.go(*prefix))?;
        if tally.adds > counts.adds || tally.removes > counts.removes {
            return Err(Unfit::Class);
        }
        let (mut oldest, mut next) = (self.oldest, self.next);
        while tally.adds < counts.adds || tally.removes < counts.removes {
            if tally.removes < counts.removes {
                if oldest == self.next {
                    return Err(Unfit::Dummies);
                }
                tally.go(dummy(oldest))?;
                oldest += 1;
            } else {
                tally.come(dummy(next))?;
                next += 1;
            }
        }
        let touched = tally.touched;
        let mut doubles = old.clone();
        for (prefix, (_, now)) in &touched {
            if *now > 1 {
                doubles.insert(*prefix, *now)
            } else {
                doubles.remove(prefix)
            };
        }
        if doubles.len() > DOUBLES {
            return Err(Unfit::Doubles);
        }
        let adds = touched.iter().filter(|(_, (before, now))| *before == 0 && *now > 0).map(|(prefix, _)| *prefix).collect();
        let removes = touched.iter().filter(|(_, (before, now))| *before > 0 && *now == 0).map(|(prefix, _)| *prefix).collect();
        *self = Self {
            oldest,
            next,
            doubles: doubles.into_iter().collect(),
            count: (self.count + counts.adds).saturating_sub(counts.removes),
        };
        Ok(Lists { adds, removes })
    }
}

/// How many labels and dummies stand behind each prefix that is touched: before the delta, and so far.
struct Tally<'a> {
    old: &'a BTreeMap<u64, u32>,
    presence: &'a Presence,
    touched: BTreeMap<u64, (u32, u32)>,
    adds: u64,
    removes: u64,
}

impl Tally<'_> {
    fn come(&mut self, prefix: u64) -> Result<(), Unfit> {
        self.change(prefix, |now| now.checked_add(1))
    }

    fn go(&mut self, prefix: u64) -> Result<(), Unfit> {
        self.change(prefix, |now| now.checked_sub(1))
    }

    fn change(&mut self, prefix: u64, change: impl Fn(u32) -> Option<u32>) -> Result<(), Unfit> {
        let (before, now) = match self.touched.get(&prefix) {
            Some(times) => *times,
            None => {
                let is_there = self.presence.holds(prefix).ok_or(Unfit::Unknown)?;
                let before = if is_there { self.old.get(&prefix).copied().unwrap_or(1) } else { 0 };
                (before, before)
            }
        };
        let then = change(now).ok_or(Unfit::Absent)?;
        self.adds = self.adds + u64::from(before == 0 && then > 0) - u64::from(before == 0 && now > 0);
        self.removes = self.removes + u64::from(before > 0 && then == 0) - u64::from(before > 0 && now == 0);
        self.touched.insert(prefix, (before, then));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::Draw;

    /// A peer's set and, kept apart, what really stands behind each prefix.
    struct Model {
        backing: Backing,
        shown: BTreeSet<u64>,
        labels: Vec<u64>,
        space: u64,
    }

    impl Model {
        /// In a space so small that labels and dummies meet all the time.
        fn new(space: u64, labels: usize, dummies: u64, draw: &mut Draw) -> Self {
            let labels: Vec<u64> = (0..labels).map(|_| draw.below(space)).collect();
            let mut model =
                Self { backing: Backing { next: dummies, ..Backing::default() }, shown: BTreeSet::new(), labels, space };
            model.backing.doubles = model.behind().into_iter().filter(|(_, times)| *times > 1).collect();
            model.shown = model.behind().into_keys().collect();
            model.backing.count = model.shown.len() as u64;
            model
        }

        fn dummy(space: u64) -> impl Fn(u64) -> u64 {
            move |counter| counter.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) % space
        }

        fn behind(&self) -> BTreeMap<u64, u32> {
            let mut behind: BTreeMap<u64, u32> = BTreeMap::new();
            let dummies = (self.backing.oldest..self.backing.next).map(Self::dummy(self.space));
            for prefix in self.labels.iter().copied().chain(dummies) {
                *behind.entry(prefix).or_default() += 1;
            }
            behind
        }

        fn presence(&self, prefixes: Vec<u64>) -> Presence {
            let mut presence = Presence::of(prefixes);
            presence.take(SegmentKind::Add, self.shown.iter().map(|prefix| Ok::<u64, ()>(*prefix))).unwrap();
            presence
        }

        fn step(&mut self, draw: &mut Draw, counts: Counts) -> Result<(), Unfit> {
            let come: Vec<u64> = (0..draw.below(counts.adds + 1)).map(|_| draw.below(self.space)).collect();
            let mut labels = self.labels.clone();
            let go: Vec<u64> = (0..draw.below(counts.removes.min(labels.len() as u64) + 1))
                .map(|_| labels.swap_remove(usize::try_from(draw.below(labels.len() as u64)).unwrap()))
                .collect();
            let wanted = Labels { come, go };
            // The whole space: in it more dummies are passed over than spare ones are looked up.
            let presence = self.presence((0..self.space).collect());
            let before = self.backing.clone();
            let lists = match self.backing.delta(&wanted, counts, Self::dummy(self.space), &presence) {
                Ok(lists) => lists,
                Err(unfit) => {
                    assert_eq!(self.backing, before, "what cannot be made changes nothing");
                    return Err(unfit);
                }
            };
            labels.extend(&wanted.come);
            self.labels = labels;
            assert_eq!((lists.adds.len() as u64, lists.removes.len() as u64), (counts.adds, counts.removes));
            assert!(lists.adds.is_sorted_by(|a, b| a < b) && lists.removes.is_sorted_by(|a, b| a < b));
            assert!(presence.fits(&lists.adds, &lists.removes), "a reader takes it");
            lists.removes.iter().for_each(|prefix| assert!(self.shown.remove(prefix)));
            lists.adds.iter().for_each(|prefix| assert!(self.shown.insert(*prefix)));
            let behind = self.behind();
            assert!(behind.keys().eq(self.shown.iter()), "what is shown is what stands behind");
            let doubles: Vec<(u64, u32)> = behind.into_iter().filter(|(_, times)| *times > 1).collect();
            assert_eq!(self.backing.doubles, doubles);
            assert_eq!(self.backing.count, self.shown.len() as u64);
            Ok(())
        }
    }

    #[test]
    fn random_histories_show_at_every_point_what_stands_behind() {
        for seed in 0..40u8 {
            println!("seed {seed}");
            let mut draw = Draw::new([seed; 32]);
            let mut model = Model::new(3_000, 300, 500, &mut draw);
            for _ in 0..60 {
                let counts = Counts { adds: 1 + draw.below(20), removes: 1 + draw.below(20) };
                match model.step(&mut draw, counts) {
                    Ok(()) | Err(Unfit::Dummies | Unfit::Class | Unfit::Doubles) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }

    #[test]
    fn in_the_real_space_the_candidates_are_enough() {
        let mut draw = Draw::new([7; 32]);
        let space = super::super::set::PREFIX_END;
        let mut model = Model::new(space, 2_000, 2_096, &mut draw);
        for _ in 0..5 {
            let labels = Labels { come: vec![draw.below(space)], go: vec![model.labels.remove(0)] };
            let counts = Counts { adds: 512, removes: 512 };
            let presence = model.presence(model.backing.candidates(&labels, counts, Model::dummy(space)));
            let lists = model.backing.delta(&labels, counts, Model::dummy(space), &presence).unwrap();
            assert!(lists.adds.contains(&labels.come[0]) && lists.removes.contains(&labels.go[0]));
            lists.removes.iter().for_each(|prefix| assert!(model.shown.remove(prefix)));
            lists.adds.iter().for_each(|prefix| assert!(model.shown.insert(*prefix)));
            model.labels.extend(labels.come);
        }
        assert_eq!((model.backing.oldest, model.backing.next), (5 * 511, 2_096 + 5 * 511));
    }

    #[test]
    fn a_prefix_of_two_labels_goes_with_the_last_and_a_dummy_becomes_real() {
        let dummy = |counter: u64| 100 + counter;
        let mut backing = Backing { oldest: 0, next: 10, doubles: vec![(7, 2)], count: 11 };
        let shown: Vec<u64> = [7].into_iter().chain(100..110).collect();
        let see = |shown: &[u64]| {
            let mut presence = Presence::of((0..200).collect());
            presence.take(SegmentKind::Add, shown.iter().map(|prefix| Ok::<u64, ()>(*prefix))).unwrap();
            presence
        };
        let counts = Counts { adds: 2, removes: 2 };
        // One of two labels on 7 goes, and a label comes on the dummy 109: neither is a message.
        let labels = Labels { come: vec![109], go: vec![7] };
        let lists = backing.delta(&labels, counts, dummy, &see(&shown)).unwrap();
        assert_eq!(lists, Lists { adds: vec![110, 111], removes: vec![100, 101] });
        assert_eq!(backing.doubles, [(109, 2)]);
        // The other label on 7 goes.
        let shown: Vec<u64> = [7].into_iter().chain(102..112).collect();
        let lists = backing.delta(&Labels { come: vec![], go: vec![7] }, counts, dummy, &see(&shown)).unwrap();
        assert_eq!(lists, Lists { adds: vec![112, 113], removes: vec![7, 102] });
    }

    #[test]
    fn what_cannot_be_made_says_why() {
        let dummy = |counter: u64| 100 + counter;
        let mut presence = Presence::of((0..300).collect());
        presence.take(SegmentKind::Add, (100..104).map(Ok::<u64, ()>)).unwrap();
        let counts = Counts { adds: 1, removes: 1 };
        let backing = Backing { oldest: 0, next: 4, doubles: vec![], count: 4 };
        let make = |labels: Labels, counts| backing.clone().delta(&labels, counts, dummy, &presence).map(|_| ());
        assert_eq!(make(Labels::default(), counts), Ok(()));
        assert_eq!(make(Labels { come: vec![1, 2], go: vec![] }, counts), Err(Unfit::Class));
        assert_eq!(make(Labels { come: vec![], go: vec![5] }, counts), Err(Unfit::Absent));
        assert_eq!(make(Labels { come: vec![999], go: vec![] }, counts), Err(Unfit::Unknown));
        assert_eq!(make(Labels::default(), Counts { adds: 1, removes: 5 }), Err(Unfit::Dummies));
    }

    #[test]
    fn presence_follows_the_order_of_the_sets() {
        let mut presence = Presence::of(vec![5, 3, 9, 5]);
        let stream = |list: &[u64]| list.iter().map(|prefix| Ok::<u64, ()>(*prefix)).collect::<Vec<_>>();
        presence.take(SegmentKind::Add, stream(&[1, 3, 5])).unwrap();
        presence.take(SegmentKind::Remove, stream(&[3, 4])).unwrap();
        assert_eq!([3, 5, 9, 1].map(|prefix| presence.holds(prefix)), [Some(false), Some(true), Some(false), None]);
        presence.take(SegmentKind::Add, stream(&[3])).unwrap();
        assert_eq!(presence.holds(3), Some(true));
        assert!(
            presence.fits(&[9], &[3, 5]) && !presence.fits(&[3], &[]) && !presence.fits(&[], &[9]) && !presence.fits(&[1], &[])
        );
        assert_eq!(presence.take(SegmentKind::Add, [Ok(1), Err(())]), Err(()));
    }
}
