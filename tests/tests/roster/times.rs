//! Times and the protocol's version: issued ahead, expired, too long a life, spoken by nobody here.

use crate::case::Expected::{Accepted, Refused};
use crate::case::{Case, Change, Expected, changes};
use crate::fixture::{DAY, HOUR, OLD, after, held, now, signed};

// RO-7, RO-8.
pub fn cases() -> Vec<Case> {
    [changes(&CHANGES), of_the_held_one()].concat()
}

const CHANGES: [(&str, Expected, Change); 23] = [
    ("issued 23 hours ahead", Accepted, |r| r.issued = now() + 23 * HOUR),
    ("issued 25 hours ahead", Refused("Issued"), |r| r.issued = now() + 25 * HOUR),
    ("issued in a year", Refused("Issued"), |r| (r.issued, r.expires) = (now() + 365 * DAY, now() + 400 * DAY)),
    ("issued in the last second there is", Refused("Issued"), |r| {
        (r.issued, r.expires) = (i64::MAX.unsigned_abs(), i64::MAX.unsigned_abs());
    }),
    ("issued in the same second as the held one", Accepted, |r| r.issued = held().issued),
    ("issued a second before the held one", Refused("Issued"), |r| r.issued = held().issued - 1),
    ("issued in 1970", Refused("Issued"), |r| r.issued = 0),
    ("expires in an hour", Accepted, |r| r.expires = now() + HOUR),
    ("expired an hour ago", Refused("Expired"), |r| r.expires = now() - HOUR),
    ("expired when it was issued", Refused("Expired"), |r| (r.issued, r.expires) = (now() - DAY, now() - DAY)),
    ("expires before it is issued", Refused("Life"), |r| (r.issued, r.expires) = (now() + 20 * HOUR, now() + 10 * HOUR)),
    ("good for 400 days", Accepted, |r| r.expires = r.issued + 400 * DAY),
    ("good for a second more", Refused("Life"), |r| r.expires = r.issued + 400 * DAY + 1),
    ("good for ever", Refused("Life"), |r| r.expires = i64::MAX.unsigned_abs()),
    ("a time of 2^63", Refused("Shape E_ENCODING"), |r| r.expires = 1 << 63),
    ("protocol 1 and 2", Accepted, |r| r.protocol_max = 2),
    ("protocol 1 to 2^62", Accepted, |r| r.protocol_max = 1 << 62),
    ("protocol 2 to 3", Refused("Protocol"), |r| (r.protocol_min, r.protocol_max) = (2, 3)),
    ("protocol 2 alone", Refused("Protocol"), |r| (r.protocol_min, r.protocol_max) = (2, 2)),
    ("protocol 0 alone", Refused("Protocol"), |r| (r.protocol_min, r.protocol_max) = (0, 0)),
    ("protocol 2 to 1", Refused("Protocol"), |r| (r.protocol_min, r.protocol_max) = (2, 1)),
    ("protocol 1 to 0", Refused("Protocol"), |r| (r.protocol_min, r.protocol_max) = (1, 0)),
    ("protocol from 0", Accepted, |r| r.protocol_min = 0),
];

/// What is held may be older than it should be: the next one counts all the same, or nobody could leave a freeze.
fn of_the_held_one() -> Vec<Case> {
    let mut ended = held();
    (ended.issued, ended.expires) = (now() - 390 * DAY, now() - 10 * DAY);
    for member in &mut ended.members {
        (member.joined, member.status_since) = (now() - 400 * DAY, now() - 400 * DAY);
    }
    let mut next = after(&ended);
    next.expires = now() + 300 * DAY;
    let mut ahead = held();
    ahead.issued = now() + 20 * HOUR;
    vec![
        Case::new("the held one has expired, the next has not", Accepted, signed(&next, &OLD)).held(ended.clone(), &OLD),
        Case::new("the held one has expired and comes again", Refused("Expired"), signed(&ended, &OLD)).held(ended, &OLD),
        Case::new("the held one was issued ahead of the clock, the next is not", Refused("Issued"), signed(&after(&ahead), &OLD))
            .held(ahead, &OLD),
    ]
}
