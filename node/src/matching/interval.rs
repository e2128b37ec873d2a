//! How far a measured share or rate may be off by chance: 95 % intervals.
//!
//! Only chance in the draw of the queries is covered; whether the data are like a society's own is not. Strangers of
//! one query may depend on each other (a common name), which makes their true interval wider.

/// Two-sided 95 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's interval of a share: `hits` of `of`, lower and upper bound (E. B. Wilson, 1927).
pub(super) fn share(hits: u64, of: u64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let (hits, of) = (hits as f64, of as f64);
    let share = hits / of;
    let middle = share + Z * Z / (2.0 * of);
    let half = Z * (share * (1.0 - share) / of + Z * Z / (4.0 * of * of)).sqrt();
    let scale = 1.0 + Z * Z / of;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

/// The score interval of a rate: `events` in `of` queries, of which one may have several. Wilson's interval for counts
/// of a Poisson variable.
pub(super) fn rate(events: u64, of: u64) -> (f64, f64) {
    if of == 0 {
        return (0.0, f64::INFINITY);
    }
    let (events, of) = (events as f64, of as f64);
    let half = Z * (events + Z * Z / 4.0).sqrt();
    let middle = events + Z * Z / 2.0;
    (((middle - half) / of).max(0.0), (middle + half) / of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(found: (f64, f64), expected: (f64, f64)) {
        assert!((found.0 - expected.0).abs() < 5e-5 && (found.1 - expected.1).abs() < 5e-5, "{found:?} {expected:?}");
    }

    #[test]
    fn a_share_has_the_interval_of_the_tables() {
        // R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        assert_near(share(81, 263), (0.2553, 0.3662));
        assert_near(share(15, 148), (0.0624, 0.1605));
        assert_near(share(0, 20), (0.0, 0.1611));
        assert_near(share(1, 29), (0.0061, 0.1718));
        assert_near(share(20, 20), (1.0 - 0.1611, 1.0));
        assert_eq!(share(0, 0), (0.0, 1.0));
    }

    #[test]
    fn a_rate_of_nothing_has_an_upper_bound() {
        assert_near(rate(0, 1500), (0.0, Z * Z / 1500.0));
        let (low, high) = rate(100, 100);
        assert!(low > 0.8 && low < 1.0 && high > 1.0 && high < 1.25, "{low} {high}");
        // The bounds are the rates from which the count is just 1.96 standard deviations off.
        assert!(((100.0 - low * 100.0) / (low * 100.0).sqrt() - Z).abs() < 1e-9);
    }
}
