//! Two plain classifiers for the observer of the network, each tested on a world that it never saw.
//!
//! A logistic regression finds what shifts a mean, boosted stumps what shifts a part of a distribution. The area under the
//! curve is taken within strata and averaged over the matches: a match is ranked among pairs that differ from it in nothing
//! but the match.

use std::collections::{BTreeMap, BTreeSet};

/// One pair in one world, and whether it had a match.
#[derive(Clone)]
pub struct Sample {
    /// Samples of one world are left out together.
    pub world: u64,
    /// Within the world, samples of one stratum are compared.
    pub stratum: (usize, usize),
    /// The same kinds for every sample, in the same order.
    pub features: Vec<f64>,
    /// What is to be told.
    pub matched: bool,
    /// Whether the other member of the pair holds somebody that any member seeks.
    pub holds: bool,
}

/// Learns from some samples; gives the score of any.
pub type Classifier = fn(&[&Sample]) -> Scorer;
/// A trained classifier.
pub type Scorer = Box<dyn Fn(&Sample) -> f64>;

/// An area under the curve and its standard error.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    /// 0.5 tells nothing.
    pub mean: f64,
    /// One standard deviation of the mean.
    pub error: f64,
}

/// Every feature with mean 0 and variance 1.
pub fn standardise(samples: &mut [Sample]) {
    let width = samples.first().map_or(0, |sample| sample.features.len());
    let count = samples.len().max(1) as f64;
    for place in 0..width {
        let mean = samples.iter().map(|sample| sample.features[place]).sum::<f64>() / count;
        let variance = samples.iter().map(|sample| (sample.features[place] - mean).powi(2)).sum::<f64>() / count;
        let scale = if variance > 1e-12 { variance.sqrt() } else { 1.0 };
        for sample in samples.iter_mut() {
            sample.features[place] = (sample.features[place] - mean) / scale;
        }
    }
}

/// The weight of a sample: both classes weigh one half, however many there are of each.
fn weights(train: &[&Sample]) -> Vec<f64> {
    let positives = train.iter().filter(|sample| sample.matched).count().max(1) as f64;
    let negatives = (train.len() as f64 - positives).max(1.0);
    train.iter().map(|sample| if sample.matched { 0.5 / positives } else { 0.5 / negatives }).collect()
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// The slope of a logistic regression by gradient descent, with a penalty.
pub fn slope(train: &[&Sample]) -> Vec<f64> {
    let width = train.first().map_or(0, |sample| sample.features.len());
    let weights = weights(train);
    let (mut slope, mut offset) = (vec![0.0; width], 0.0);
    for _ in 0..200 {
        let (mut gradient, mut level) = (vec![0.0; width], 0.0);
        for (sample, weight) in train.iter().zip(&weights) {
            let chance = 1.0 / (1.0 + (-dot(&slope, &sample.features) - offset).exp());
            let error = weight * (chance - f64::from(u8::from(sample.matched)));
            level += error;
            for (slot, feature) in gradient.iter_mut().zip(&sample.features) {
                *slot += error * feature;
            }
        }
        offset -= 0.3 * level;
        for (slope, gradient) in slope.iter_mut().zip(&gradient) {
            *slope -= 0.3 * (gradient + 0.01 * *slope);
        }
    }
    slope
}

/// Logistic regression.
pub fn regression(train: &[&Sample]) -> Scorer {
    let slope = slope(train);
    Box::new(move |sample| dot(&slope, &sample.features))
}

/// A feature, a threshold, and the vote of what lies above it.
type Stump = (usize, f64, f64);

/// Boosted stumps: thirty rounds, thresholds at the eighths of each feature.
pub fn stumps(train: &[&Sample]) -> Scorer {
    let width = train.first().map_or(0, |sample| sample.features.len());
    let mut weights = weights(train);
    let cuts: Vec<Vec<f64>> = (0..width).map(|place| eighths(train, place)).collect();
    let mut chosen: Vec<Stump> = Vec::new();
    for _ in 0..30 {
        let (share, place, cut, sign) = best(train, &weights, &cuts);
        let vote = 0.5 * (share.min(1.0 - 1e-9) / (1.0 - share).max(1e-9)).ln();
        for (weight, sample) in weights.iter_mut().zip(train) {
            let says = if (sample.features[place] > cut) == (sign > 0.0) { 1.0 } else { -1.0 };
            *weight *= (-vote * says * if sample.matched { 1.0 } else { -1.0 }).exp();
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        chosen.push((place, cut, sign * vote));
    }
    let vote = move |sample: &Sample, (place, cut, vote): &Stump| if sample.features[*place] > *cut { *vote } else { -*vote };
    Box::new(move |sample| chosen.iter().map(|stump| vote(sample, stump)).sum())
}

fn eighths(train: &[&Sample], place: usize) -> Vec<f64> {
    let mut values: Vec<f64> = train.iter().map(|sample| sample.features[place]).collect();
    values.sort_by(f64::total_cmp);
    let mut cuts: Vec<f64> = (1..8).map(|part| values[part * (values.len() - 1) / 8]).collect();
    // What only a few have lies above every eighth.
    cuts.extend([values[values.len() / 100], values[values.len() - 1 - values.len() / 100]]);
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    cuts
}

/// The stump that is right about the largest share of the weight.
fn best(train: &[&Sample], weights: &[f64], cuts: &[Vec<f64>]) -> (f64, usize, f64, f64) {
    let mut best = (0.5, 0, 0.0, 1.0);
    for (place, cuts) in cuts.iter().enumerate() {
        // Weight of the true minus that of the false above each cut, in one pass.
        let mut between = vec![0.0; cuts.len() + 1];
        for (sample, weight) in train.iter().zip(weights) {
            let above = cuts.iter().filter(|cut| sample.features[place] > **cut).count();
            between[above] += if sample.matched { *weight } else { -*weight };
        }
        let negatives: f64 = train.iter().zip(weights).filter(|(sample, _)| !sample.matched).map(|(_, weight)| weight).sum();
        let mut above = 0.0;
        for (number, cut) in cuts.iter().enumerate().rev() {
            above += between[number + 1];
            let right = above + negatives;
            for (share, sign) in [(right, 1.0), (1.0 - right, -1.0)] {
                if share > best.0 {
                    best = (share, place, *cut, sign);
                }
            }
        }
    }
    best
}

/// For each match the share of the others of its stratum that it ranks above, ties counted half: their mean is the area under
/// the curve. A match without others gives none.
fn shares(scored: &[(f64, &Sample)]) -> Vec<f64> {
    let mut strata: BTreeMap<_, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for (score, sample) in scored {
        let (hits, misses) = strata.entry((sample.world, sample.stratum)).or_default();
        if sample.matched { hits.push(*score) } else { misses.push(*score) }
    }
    let mut shares = Vec::new();
    for (hits, mut misses) in strata.into_values().filter(|(_, misses)| !misses.is_empty()) {
        misses.sort_by(f64::total_cmp);
        for hit in hits {
            let (below, not_above) = (misses.partition_point(|miss| *miss < hit), misses.partition_point(|miss| *miss <= hit));
            shares.push((below + not_above) as f64 / 2.0 / misses.len() as f64);
        }
    }
    shares
}

/// The area over all worlds, each scored by a classifier that never saw it. Its error is that of a mean of the shares: near
/// one in the root of twelve times the matches.
pub fn left_out(samples: &[Sample], classify: Classifier) -> Area {
    let worlds: BTreeSet<u64> = samples.iter().map(|sample| sample.world).collect();
    let mut all = Vec::new();
    for world in &worlds {
        let (test, train): (Vec<&Sample>, Vec<&Sample>) = samples.iter().partition(|sample| sample.world == *world);
        let scorer = classify(&train);
        all.extend(shares(&test.iter().map(|sample| (scorer(sample), *sample)).collect::<Vec<_>>()));
    }
    let count = all.len().max(1) as f64;
    let mean = all.iter().sum::<f64>() / count;
    let variance = all.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / count;
    Area { mean, error: (variance / count).sqrt() }
}

#[test]
fn a_match_is_ranked_within_its_stratum() {
    let sample = |matched, stratum| Sample { world: 1, stratum: (stratum, 0), features: Vec::new(), matched, holds: false };
    let [hit, miss, far, alone] = [sample(true, 1), sample(false, 1), sample(false, 2), sample(true, 3)];
    let scored = [(3.0, &hit), (1.0, &hit), (1.0, &miss), (0.0, &miss), (9.0, &far), (5.0, &alone)];
    assert_eq!(shares(&scored), [1.0, 0.75]);
}

#[test]
fn classifiers_tell_what_differs_and_nothing_where_nothing_does() {
    let mut draw = kinmesh_protocol::base::Draw::new([3; 32]);
    let mut sample = |number: u64, shift: f64| {
        let matched = number.is_multiple_of(10);
        let mut features: Vec<f64> = (0..12).map(|_| draw.below(1_000) as f64).collect();
        features[7] += if matched { shift } else { 0.0 };
        Sample { world: number / 500, stratum: (0, 0), features, matched, holds: false }
    };
    for classify in [regression as Classifier, stumps] {
        let mut shifted: Vec<Sample> = (0..4_000).map(|number| sample(number, 400.0)).collect();
        standardise(&mut shifted);
        let found = left_out(&shifted, classify);
        assert!(found.mean > 0.8, "{found:?}");
        let mut alike: Vec<Sample> = (0..4_000).map(|number| sample(number, 0.0)).collect();
        standardise(&mut alike);
        let found = left_out(&alike, classify);
        assert!((found.mean - 0.5).abs() < 4.0 * found.error && found.error < 0.02, "{found:?}");
    }
}
