//! Level N1: files that people carry between machines and desks.

pub mod bundle_file;
pub mod enrolment;
pub mod kind;
pub mod whole_file;

pub use bundle_file::{BundleFileError, Replace, read_bundle, write_bundle};
pub use enrolment::{Enrolment, EnrolmentError, Part};
pub use kind::Kind;
pub use whole_file::{FileError, read_bounded, replace, write_new};
