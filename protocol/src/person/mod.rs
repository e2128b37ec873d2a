//! Level 1: the record of a person, and which of its fields may leave the node under which condition.
//!
//! A form (texts as typed or imported) becomes a record here and nowhere else, so that every record that exists is
//! bounded and well formed. Matching reads records through `linkage`; nothing here knows keys or messages.

pub mod calendar;
pub mod dates;
pub mod document;
pub mod family;
pub mod family_form;
pub mod form;
pub mod names;
pub mod policy;
pub mod record;
pub mod share;

pub use calendar::Calendar;
pub use dates::{ApproxDate, GregorianDate};
pub use document::{Document, DocumentForm, DocumentKind};
pub use family::{FamilyMember, Relation, Vital};
pub use family_form::FamilyForm;
pub use form::{FormError, FormProblem, PersonForm};
pub use names::{NamePart, PersonName, PlaceName, Sex};
pub use policy::{Audience, LegalBasis, MatchMode, ProtectionFlag, ProtectionLevel};
pub use record::PersonRecord;
pub use share::{Field, ShareClass};
