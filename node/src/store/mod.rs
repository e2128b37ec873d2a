//! The store: one atomic, durable batch a step, every value sealed. The only folder that names sled.
//!
//! The daemon opens a [`NodeStore`] with the service keys and is the only one to do so: a second open is refused. What
//! the folder keeps: after `commit` returns Ok everything of the batch survives a power loss, after an error nothing of it
//! is visible; a value is on disk only sealed; and a store that was rolled back, emptied or exchanged does not open. sled
//! 0.34.7 gives none of these by itself, so `database` says how it is used. It deliberately knows no record: what a value
//! means is for the protocol crate.

mod blob_file;
mod blobs;
mod bulk;
mod commit;
mod database;
mod layout;
mod manifest;
mod node_store;
mod open;
mod recover;
mod seal;
mod space;
#[cfg(test)]
mod tests;
mod view;

pub use commit::CommitError;
pub use node_store::{NodeStore, RecordsError};
pub use open::{OpenError, Part, StoreConfig, StoreKind};
pub use view::StoreView;
