//! Level 5: what crosses between parties besides a connection: the offline bundle.

pub mod bundle;

pub use bundle::{BundleError, BundleReader, BundleWriter};
