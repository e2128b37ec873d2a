//! Every bound of the system with its unit and its reason. A number is stated here once; elsewhere it is derived.

/// Levels of nesting in a CBOR item (protocol.md 3.2).
pub const CBOR_DEPTH: usize = 8;
/// Match keys a record yields, and elements a subject costs (protocol.md 3.6, T).
pub const KEYS_A_RECORD: usize = 48;
/// Bytes of a ristretto255 element.
pub const ELEMENT_BYTES: usize = 32;
/// Bytes of one subject's element list.
pub const ELEMENTS_BYTES: usize = KEYS_A_RECORD * ELEMENT_BYTES;
/// Members of one network.
pub const MEMBERS: usize = 256;
/// Bytes of a message (types 30 and 31: [`EVAL_MESSAGE_BYTES`]).
pub const MESSAGE_BYTES: usize = 64 * 1024;
/// Bytes of an evaluation request or response.
pub const EVAL_MESSAGE_BYTES: usize = 128 * 1024;
/// Bytes of a set segment's message.
pub const SEGMENT_MESSAGE_BYTES: usize = 256 * 1024;
/// Bytes of a roster.
pub const ROSTER_BYTES: usize = 1024 * 1024;
/// Bytes of the largest item a carrier may bring: a cell of the largest class and its frame.
pub const ITEM_BYTES: usize = 1024 * 1024 + 4 * 1024;
/// Bytes of a receipt.
pub const RECEIPT_BYTES: usize = 64;
/// Bytes of rows in one batch: sled is safe with at most 64 KiB between two fdatasyncs (decisions/0004-sled-with-fdatasync.md).
pub const BATCH_BYTES: usize = 48 * 1024;
/// Bytes of rows after which a step takes up no further piece of work: the largest piece, a subject asked for at every
/// member, fits into the rest of a batch.
pub const STEP_BYTES: usize = 16 * 1024;
/// Bytes of one stored value; what is bigger is a blob.
pub const VALUE_BYTES: usize = 60 * 1024;
/// Rows in one page of a view.
pub const PAGE_ROWS: usize = 256;
/// Rows a step takes of what is due.
pub const DUE_ROWS_A_STEP: usize = 8;
/// Bytes of a field's value that leaves the node.
pub const FIELD_BYTES: usize = 256;
/// Fields of one commitment; one of the 32 leaves is always unused (protocol.md 2.8).
pub const FIELDS: usize = 31;
/// Leaves of one commitment.
pub const LEAVES: usize = 32;
/// Roots in a claim's answer.
pub const CANDIDATES: usize = 3;
/// Tags in a claim.
pub const TAGS_A_CLAIM: usize = 2;
/// Cases in one evaluation request.
pub const CASES_A_REQUEST: usize = 64;
/// Entries of the key log in one message: they are written in one batch.
pub const LOG_PART_ENTRIES: usize = 128;
/// Entries of the key log: 256 members announce some 7,000 a year.
pub const LOG_ENTRIES: u64 = 1 << 20;
/// Rosters that changed the custodians, kept for who was away.
pub const ROOT_ROSTERS: usize = 32;
/// Jump of a roster's version that is accepted at once (fast-forward protection).
pub const ROSTER_JUMP: u64 = 1_000;
/// Hits of one subject at one owner that allow a claim without a person (protocol.md 2.8).
pub const AUTO_CLAIM_HITS: usize = 2;
/// Prefixes a base is padded to a multiple of (protocol.md 3.9).
pub const BASE_CLASS: u64 = 4_096;
/// Bytes of text in a disclosure.
pub const DISCLOSURE_TEXT_BYTES: usize = 4 * 1024;
/// Open control commands.
pub const TICKETS: usize = 64;
/// Rows of one import command.
pub const IMPORT_ROWS: usize = 16;
/// Subjects of one case.
pub const SUBJECTS_A_CASE: usize = 24;
/// Length of one text of a record, in bytes.
pub const RECORD_TEXT_BYTES: usize = 512;
/// Names, places, family members and other lists of one record.
pub const RECORD_LIST: usize = 16;
/// Bytes of all texts of one list of a record (family members, documents), and of a cell that holds such a list.
pub const RECORD_LIST_BYTES: usize = 2_048;
/// Match keys of a record that its exact identifiers (telephones, documents) may take.
pub const IDENTIFIER_KEYS: usize = 4;
/// Match keys of a record that the family members whom it names may always take (decisions/0019-mentions.md).
pub const MENTION_KEYS: usize = 12;
/// Records of one household; a larger one is not joined further.
pub const HOUSEHOLD: usize = 64;
/// Records under one tag that are looked at as duplicates of one that carries it: a key that more carry tells little.
pub const SUSPECTS_A_TAG: usize = 8;
/// Records that one record is compared with as its duplicate, those with the most keys in common first.
pub const SUSPECTS_A_PERSON: usize = 32;
/// Pairs that wait to be compared: what a locked node keeps, some 5 MB.
pub const SUSPECTS: u64 = 65_536;
/// Cells under way to one peer, by kind.
pub const IN_FLIGHT_A_KIND: usize = 1;
/// Decapsulations a peer may cause in an hour, set cells that were asked for not counted (protocol.md 3.4 step 8).
pub const DECAPSULATIONS_AN_HOUR: u32 = 64;
/// References in one part of an owner's list for an audit: some 54 bytes each, in a message of 64 KiB.
pub const AUDIT_REFS: usize = 1_000;
/// Parts of such a list: three times the open references of the largest class.
pub const AUDIT_PARTS: usize = 64;
/// References that are opened in one command.
pub const OPENINGS: usize = 16;
