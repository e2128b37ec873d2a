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
