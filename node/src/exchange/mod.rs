//! Level 1: what people carry to a node and away from it. CSV files of registered people and forms in TOML as a caseworker
//! fills them in; enrolments, invitations and proposals as files.
//!
//! The command line, the daemon and the rehearsal call it. A bad row or field is named by its place; a value is never
//! printed. Nothing here decides whether a person is kept or a roster counts: that is for the engine.

pub mod bundle_file;
pub mod bundle_stream;
pub mod columns;
pub mod encoding;
pub mod enrolment;
pub mod form;
pub mod key_request;
pub mod kind;
pub mod moment;
pub mod people;
pub mod records;
pub mod revocation;
pub mod spoken;
pub mod template;
pub mod whole_file;

pub use bundle_file::{BundleFileError, Replace, read_bundle, write_bundle};
pub use columns::{Columns, Unused};
pub use enrolment::{Enrolment, EnrolmentError, Part};
pub use form::{FormFileError, case_form, person_form};
pub use kind::Kind;
pub use moment::utc;
pub use people::{BadRow, FileError, PeopleFile, Row, RowProblem};
pub use spoken::spoken;
pub use template::{CASE_TEMPLATE, PERSON_TEMPLATE};
pub use whole_file::{WholeFileError, read_bounded, replace, write_new};
