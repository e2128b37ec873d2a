//! What an observer of the network may compute of a pair of members: lengths, times and gaps of what goes between them.
//!
//! The observer is given more than a wire shows: which members searched, and when. Each figure stands beside the same one
//! minus its mean over all pairs of the searching member, so that what differs from member to member hides nothing.

use std::collections::BTreeMap;

use kinmesh_tests::simulation::Observed;

/// Bytes of a cell, at least; what is shorter is a public message.
const CELL: usize = 16 * 1024;
/// Days of a week.
const DAYS: usize = 7;
/// Cells after the search whose times are looked at, each way.
const AFTER: usize = 8;

/// A week of a network as it looks from outside, ordered by pair.
pub struct Traffic {
    between: BTreeMap<(usize, usize), Vec<Observed>>,
    /// Cells of the whole network for one of its ordered pairs, by day.
    usual: Vec<f64>,
    day: u64,
    members: usize,
}

/// Named figures.
#[derive(Clone, Default)]
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
        let mut traffic = Self { between, usual: vec![0.0; DAYS], day, members };
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
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.between.values().map(Vec::len).sum()
    }

    /// The same with one pair's items changed.
    pub fn altered(&self, pairs: &[(usize, usize)], change: impl Fn(&mut Vec<Observed>)) -> Self {
        let mut altered = Self { between: self.between.clone(), usual: Vec::new(), day: self.day, members: self.members };
        for pair in pairs {
            let items = altered.between.entry(*pair).or_default();
            change(items);
            items.sort_unstable();
        }
        altered.recount();
        altered
    }

    /// The figures of every pair of a member that searched at some time, by the other member.
    pub fn of_seeker(&self, seeker: usize, searched: u64) -> BTreeMap<usize, Figures> {
        let others = (0..self.members).filter(|other| *other != seeker);
        let mut all: BTreeMap<usize, Figures> = others.map(|other| (other, self.figures(seeker, other, searched))).collect();
        let width = all.values().next().map_or(0, |figures| figures.values.len());
        let mean = |place: usize| all.values().map(|figures| figures.values[place]).sum::<f64>() / all.len() as f64;
        let means: Vec<f64> = (0..width).map(mean).collect();
        for figures in all.values_mut() {
            for (place, mean) in means.iter().enumerate() {
                let (name, value) = (format!("{} beside others", figures.names[place]), figures.values[place] - mean);
                figures.push(name, value);
            }
        }
        all
    }

    fn items(&self, from: usize, to: usize) -> &[Observed] {
        self.between.get(&(from, to)).map_or(&[], Vec::as_slice)
    }

    fn cells(&self, from: usize, to: usize) -> Vec<Observed> {
        self.items(from, to).iter().filter(|item| item.bytes >= CELL).copied().collect()
    }

    fn figures(&self, seeker: usize, other: usize, searched: u64) -> Figures {
        let mut figures = Figures::default();
        for (way, from, to) in [("out", seeker, other), ("in", other, seeker)] {
            self.sizes(&mut figures, way, from, to);
            self.gaps(&mut figures, way, from, to);
            self.days(&mut figures, way, from, to);
            let cells = self.cells(from, to);
            let after: Vec<f64> =
                cells.iter().filter(|item| item.at_ms >= searched).map(|item| (item.at_ms - searched) as f64).collect();
            for number in 0..AFTER {
                let at = after.get(number).copied().unwrap_or(1e5);
                figures.push(format!("{way}: time of cell {number} after the search"), at);
            }
            // How soon a cell is answered by one the other way.
            let back = self.cells(to, from);
            let waits: Vec<f64> = cells
                .iter()
                .filter_map(|item| {
                    let next = back.get(back.partition_point(|answer| answer.at_ms <= item.at_ms))?;
                    Some((next.at_ms - item.at_ms) as f64)
                })
                .collect();
            let count = waits.len().max(1) as f64;
            figures.push(format!("{way}: mean wait for the other way"), waits.iter().sum::<f64>() / count);
            figures.push(format!("{way}: least wait for the other way"), waits.iter().copied().fold(1e5, f64::min));
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
        let sum = |of: fn(&Observed) -> usize| items.iter().map(|item| of(item) as f64).sum::<f64>();
        figures.push(format!("{way}: bytes"), sum(|item| item.bytes));
        figures.push(
            format!("{way}: bytes of cells beyond 4 KiB blocks"),
            sum(|item| if item.bytes < CELL { 0 } else { item.bytes % 4_096 }),
        );
    }

    fn gaps(&self, figures: &mut Figures, way: &str, from: usize, to: usize) {
        let cells = self.cells(from, to);
        let gaps: Vec<f64> = cells.windows(2).map(|pair| (pair[1].at_ms - pair[0].at_ms) as f64).collect();
        let count = gaps.len().max(1) as f64;
        let mean = gaps.iter().sum::<f64>() / count;
        figures.push(format!("{way}: mean gap"), mean);
        figures.push(format!("{way}: variance of gaps"), gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count);
        figures.push(format!("{way}: least gap"), gaps.iter().copied().fold(1e5, f64::min));
        figures.push(format!("{way}: longest gap"), gaps.iter().copied().fold(0.0, f64::max));
    }

    fn days(&self, figures: &mut Figures, way: &str, from: usize, to: usize) {
        let mut by_day = vec![0.0; DAYS];
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
