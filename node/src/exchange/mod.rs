//! Level 1: people and cases from outside. CSV files of registered people, and forms in TOML as a caseworker fills them in.
//!
//! The command line and the rehearsal call it. A bad row or field is named by its place; a value is never printed.
//! Nothing here decides whether a person is kept: a form goes to the engine, which checks it.

pub mod columns;
pub mod encoding;
pub mod form;
pub mod people;
pub mod records;
pub mod template;

pub use columns::{Columns, Unused};
pub use form::{FormFileError, case_form, person_form};
pub use people::{BadRow, FileError, PeopleFile, Row, RowProblem};
pub use template::{CASE_TEMPLATE, PERSON_TEMPLATE};
//! Level N1: files that people carry between machines and desks.

pub mod bundle_file;
pub mod enrolment;
pub mod kind;
pub mod whole_file;

pub use bundle_file::{BundleFileError, Replace, read_bundle, write_bundle};
pub use enrolment::{Enrolment, EnrolmentError, Part};
pub use kind::Kind;
pub use whole_file::{FileError, read_bounded, replace, write_new};
