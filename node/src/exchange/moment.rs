//! A time as people read it in files and reports: RFC 3339 in UTC.

use jiff::Timestamp;

/// Unix seconds as `2027-01-15T08:00:00Z`; the number itself where no calendar has it.
#[must_use]
pub fn utc(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| seconds.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_utc() {
        assert_eq!(utc(1_800_000_000), "2027-01-15T08:00:00Z");
        assert_eq!(utc(u64::MAX), u64::MAX.to_string());
    }
}
