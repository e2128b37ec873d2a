//! What the keys of a record allocate: bounded by the record, kept by nobody.
//!
//! One test alone in its program, because the count is the process's.

use kinmesh_protocol::base::limits::RECORD_TEXT_BYTES;
use kinmesh_protocol::linkage::{BirthDate, Fields, PlaceKind, PlaceText, Prepared, match_keys, score_prepared};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Bytes beside the record for an ordinary one, for one whose every field is as long as a record may have it, and for
/// the second; more text than that counts for nothing.
const ORDINARY: usize = 64 * 1024;
const LONGEST: usize = 512 * 1024;

#[test]
fn keys_allocate_in_proportion_to_one_record() {
    let ordinary = description("Salim ", "Kamal Darwich ", 1);
    let longest = description("jirace ", "zhoxa zhoxano zhotsedhe chiraji ", RECORD_TEXT_BYTES);
    let beyond = description("jirace ", "zhoxa zhoxano zhotsedhe chiraji ", 100_000);
    let _ = match_keys(&ordinary); // the tables are parsed once
    let [few, most, same] = [&ordinary, &longest, &beyond].map(|fields| peak(|| drop(match_keys(fields))));
    println!("bytes at most: {few} ordinary, {most} with texts of {RECORD_TEXT_BYTES} bytes, {same} with texts of 100 kB");
    assert!(few <= ORDINARY, "{few} bytes");
    assert!(most <= LONGEST, "{most} bytes");
    assert!(same <= most + most / 4, "{same} bytes, {most} with the longest texts that a record may hold");

    let many = peak(|| (0..200).for_each(|_| drop(match_keys(&ordinary))));
    assert!(many <= few + few / 4, "{many} bytes after 200 records, {few} after one");

    let (one, other) = (Prepared::of(&ordinary), Prepared::of(&longest));
    let compared = peak(|| (0..200).for_each(|_| assert!(score_prepared(&one, &other).score_milli.abs() < 1_000_000)));
    println!("bytes at most: {compared} for the score of two prepared descriptions");
    assert!(compared <= 1_024, "{compared} bytes");
}

/// Every text repeated up to a length, at least once.
fn description(given: &str, names: &str, bytes: usize) -> Fields {
    let long = |text: &str| -> String { text.repeat(bytes.div_ceil(text.len())) };
    let place = |text: &str| PlaceText { text: long(text).as_str().into(), kind: PlaceKind::Town };
    Fields {
        given: long(given).as_str().into(),
        family: long(names).as_str().into(),
        father: long("Kamal cekhachi ").as_str().into(),
        mother: long("Mona Haddad ").as_str().into(),
        birth: BirthDate::parse("1994-11-07"),
        places: vec![place("Cecilia "), place("Aleppo ")],
        ..Fields::default()
    }
}

/// Bytes that a call holds at most at one time.
fn peak(call: impl Fn()) -> usize {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    call();
    ALLOCATED.peak_usage().saturating_sub(before)
}
