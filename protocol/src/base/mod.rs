//! Level 0: what every other module stands on. Ids, time as a value, every bound of the system, secrets that do not
//! print, and the one deterministic encoding.
//!
//! Nothing here knows a person, a message or a store.

pub mod bounded;
pub mod cbor;
pub mod draw;
pub mod ids;
pub mod limits;
pub mod record;
pub mod sensitive;
pub mod text;
pub mod time;

pub use bounded::{BoundedVec, TooMany};
pub use draw::{Draw, Seed};
pub use ids::*;
pub use sensitive::Sensitive;
pub use text::{ShortText, TextError};
pub use time::{Epoch, Millis, Timestamp};
