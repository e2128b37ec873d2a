//! What an observer of the network may compute of a pair of members: lengths, times and gaps of what goes between them.
//!
//! The observer is given more than a wire shows: which members searched, and when. Requests that one member sends to all at one
//! moment, and their answers, are told apart from the cells that come in rhythm.

use std::collections::BTreeMap;

use kinmesh_tests::simulation::Observed;

/// Bytes of a cell, at least; what is shorter is a public message.
const CELL: usize = 16 * 1024;
/// Bytes of a cell of a set, at least.
const SET: usize = 64 * 1024;
/// Cells of one node to or from half of the others within so many milliseconds either way are no bags.
const BURST_MS: u64 = 30;
/// Days of a week.
const DAYS: usize = 7;
/// Cells after the search whose times are looked at, each way.
const AFTER: usize = 8;

/// A week of a network as it looks from outside, ordered by pair.
pub struct Traffic {
    between: BTreeMap<(usize, usize), Vec<Observed>>,
    /// When each node sent cells that may be bags, and when it got them.
    small: [BTreeMap<usize, Vec<u64>>; 2],
    /// Cells of the whole network for one of its ordered pairs, by day.
    usual: Vec<f64>,
    day: u64,
    members: usize,
}

/// Named figures.
#[derive(Default)]
pub struct Figures {
    /// What each figure is.
    pub names: Vec<String>,
    /// The figures.
    pub values: Vec<f64>,
}

impl Figures {
    fn push(&mut self, name: String, value: f64) {
        self.names.push(name);
        self.values.push(value);
    }
}

impl Traffic {
    /// Of everything that was seen between so many members in a week from 0 on.
    pub fn of(seen: &[Observed], members: usize, day: u64) -> Self {
        let mut between: BTreeMap<(usize, usize), Vec<Observed>> = BTreeMap::new();
        for item in seen {
            between.entry((item.from, item.to)).or_default().push(*item);
        }
        let mut traffic = Self { between, small: Default::default(), usual: vec![0.0; DAYS], day, members };
        traffic.recount();
        traffic
    }

    fn recount(&mut self) {
        let cells = self.between.values().flatten().filter(|item| item.bytes >= CELL);
        let mut usual = vec![0.0; DAYS];
        for item in cells {
            if let Some(day) = usual.get_mut(usize::try_from(item.at_ms / self.day).unwrap_or(DAYS)) {
                *day += 1.0 / (self.members * (self.members - 1)) as f64;
            }
        }
        self.usual = usual;
        self.small = Default::default();
        for item in self.between.values().flatten().filter(|item| is_small(item)) {
            for (side, node) in [item.from, item.to].into_iter().enumerate() {
                self.small[side].entry(node).or_default().push(item.at_ms);
            }
        }
        self.small.iter_mut().flat_map(BTreeMap::values_mut).for_each(|times| times.sort_unstable());
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.between.values().map(Vec::len).sum()
    }

    /// Everything that was seen, in the order of time.
    pub fn items_in_time(&self) -> Vec<Observed> {
        let mut items: Vec<Observed> = self.between.values().flatten().copied().collect();
        items.sort_unstable();
        items
    }

    /// The same with some pairs' items changed.
    pub fn altered(&self, pairs: &[(usize, usize)], change: impl Fn(Vec<Observed>) -> Vec<Observed>) -> Self {
        let (between, small) = (self.between.clone(), Default::default());
        let mut altered = Self { between, small, usual: Vec::new(), day: self.day, members: self.members };
        for pair in pairs {
            let items = altered.between.entry(*pair).or_default();
            *items = change(std::mem::take(items));
            items.sort_unstable();
        }
        altered.recount();
        altered
    }

    fn items(&self, from: usize, to: usize) -> &[Observed] {
        self.between.get(&(from, to)).map_or(&[], Vec::as_slice)
    }

    fn cells(&self, from: usize, to: usize) -> Vec<Observed> {
        self.items(from, to).iter().filter(|item| item.bytes >= CELL).copied().collect()
    }

    /// The cells that may be bags, and are not part of a round of requests or answers.
    fn rhythm(&self, from: usize, to: usize) -> Vec<Observed> {
        let mut cells = self.cells(from, to);
        let in_burst = |side: usize, node: usize, at: u64| {
            let times = self.small[side].get(&node).map_or(&[][..], Vec::as_slice);
            let before = times.partition_point(|time| *time + BURST_MS < at);
            times.partition_point(|time| *time <= at + BURST_MS) - before > self.members / 2
        };
        cells.retain(|item| is_small(item) && !in_burst(0, from, item.at_ms) && !in_burst(1, to, item.at_ms));
        cells
    }

    /// The figures of a member that searched at some time and another one.
    pub fn figures(&self, seeker: usize, other: usize, searched: u64) -> Figures {
        let mut figures = Figures::default();
        for (way, from, to) in [("out", seeker, other), ("in", other, seeker)] {
            self.sizes(&mut figures, way, from, to);
            gaps(&mut figures, &format!("{way}: cells"), &self.cells(from, to));
            let cells = self.rhythm(from, to);
            gaps(&mut figures, &format!("{way}: rhythm"), &cells);
            self.days(&mut figures, way, from, to);
            let after: Vec<f64> =
                cells.iter().filter(|item| item.at_ms >= searched).map(|item| (item.at_ms - searched) as f64).collect();
            for number in 0..AFTER {
                let at = after.get(number).copied().unwrap_or(1e4);
                figures.push(format!("{way}: time of cell {number} after the search"), at);
            }
            // How soon a cell is answered by one the other way.
            let back = self.rhythm(to, from);
            let waits: Vec<f64> = cells
                .iter()
                .filter_map(|item| {
                    let next = back.get(back.partition_point(|answer| answer.at_ms <= item.at_ms))?;
                    Some((next.at_ms - item.at_ms) as f64)
                })
                .collect();
            let count = waits.len().max(1) as f64;
            figures.push(format!("{way}: mean wait for the other way"), waits.iter().sum::<f64>() / count);
            figures.push(format!("{way}: least wait for the other way"), waits.iter().copied().fold(1e4, f64::min));
        }
        figures
    }

    fn sizes(&self, figures: &mut Figures, way: &str, from: usize, to: usize) {
        let items = self.items(from, to);
        let mut sizes: BTreeMap<usize, f64> = BTreeMap::new();
        for item in items {
            *sizes.entry(item.bytes / 4_096).or_default() += 1.0;
        }
        for class in [0usize, 4, 8, 16, 32, 64] {
            let count: f64 = sizes.range(class..class.max(1) * 2).map(|(_, count)| count).sum();
            figures.push(format!("{way}: items from {} KiB", class * 4), count);
        }
        figures.push(format!("{way}: bytes"), items.iter().map(|item| item.bytes as f64).sum());
        let small: Vec<usize> = items.iter().filter(|item| is_small(item)).map(|item| item.bytes).collect();
        let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
        for bytes in &small {
            *lengths.entry(*bytes).or_default() += 1;
        }
        let usual = lengths.values().max().copied().unwrap_or(0);
        figures.push(format!("{way}: bags of another length than most"), (small.len() - usual) as f64);
        figures.push(format!("{way}: longest bag"), small.iter().max().copied().unwrap_or(0) as f64);
    }

    fn days(&self, figures: &mut Figures, way: &str, from: usize, to: usize) {
        let mut by_day = [0.0; DAYS];
        for item in self.cells(from, to) {
            if let Some(day) = by_day.get_mut(usize::try_from(item.at_ms / self.day).unwrap_or(DAYS)) {
                *day += 1.0;
            }
        }
        for (day, (count, usual)) in by_day.iter().zip(&self.usual).enumerate() {
            figures.push(format!("{way}: cells of day {day}"), *count);
            figures.push(format!("{way}: cells of day {day} beside the network"), count - usual);
        }
    }
}

/// No cell of a set, and no public message.
fn is_small(item: &Observed) -> bool {
    (CELL..SET).contains(&item.bytes)
}

fn gaps(figures: &mut Figures, name: &str, cells: &[Observed]) {
    let gaps: Vec<f64> = cells.windows(2).map(|pair| (pair[1].at_ms - pair[0].at_ms) as f64).collect();
    let count = gaps.len().max(1) as f64;
    let mean = gaps.iter().sum::<f64>() / count;
    figures.push(format!("{name}: mean gap"), mean);
    figures.push(format!("{name}: variance of gaps"), gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count);
    figures.push(format!("{name}: least gap"), gaps.iter().copied().fold(1e4, f64::min));
    figures.push(format!("{name}: longest gap"), gaps.iter().copied().fold(0.0, f64::max));
}
