//! A CSV file of registered people, read row by row.
//!
//! `person import` and the demo call it. Every good row comes out whatever the others hold; a bad one comes out as its
//! number, the column's name and what is wrong, never a value. Whether a value makes sense is the form's own check.

use std::io::{self, BufRead, BufReader, Read};

use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::base::limits::{RECORD_LIST_BYTES, RECORD_TEXT_BYTES};
use kinmesh_protocol::engine::command::ImportRow;
use thiserror::Error;

use super::columns::Columns;
use super::encoding::{Encoding, detect};
use super::records::{ROW_BYTES, ROW_CELLS, Record, Records};

/// Lines in which the header is looked for: spreadsheets put titles above it.
const HEADER_LINES: u64 = 20;
/// Separators that spreadsheets write, by country and program.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Why a file cannot be read at all.
#[derive(Debug, Error)]
pub enum FileError {
    /// The input failed.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    /// UTF-16.
    #[error("the file is UTF-16, expected UTF-8")]
    Utf16,
    /// No line that names the columns.
    #[error("no header in the first {HEADER_LINES} lines")]
    NoHeader,
}

/// What is wrong with a row. Never a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RowProblem {
    /// Longer than [`ROW_BYTES`], or more cells than [`ROW_CELLS`].
    #[error("longer than {ROW_BYTES} bytes or {ROW_CELLS} cells: is a quotation mark not closed?")]
    TooLong,
    /// More cells than the header has.
    #[error("{found} cells, but the header has {expected}: is a comma in a value without quotation marks?")]
    Cells {
        /// Cells of the header.
        expected: usize,
        /// Cells of the row.
        found: usize,
    },
    /// A cell longer than `limits::RECORD_TEXT_BYTES`, or `limits::RECORD_LIST_BYTES` for a list.
    #[error("longer than {RECORD_TEXT_BYTES} bytes ({RECORD_LIST_BYTES} for documents and family members)")]
    CellTooLong,
    /// A cell that is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
}

/// A row that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Its number in the file, from 1.
    pub row: u64,
    /// The column, where one cell is to blame.
    pub column: Option<String>,
    /// What is wrong.
    pub problem: RowProblem,
}

/// One row of the file.
#[derive(Clone, Debug)]
pub enum Row {
    /// A person.
    Person(Box<ImportRow>),
    /// A row that was left out.
    Bad(BadRow),
}

/// A file whose header has been found.
pub struct PeopleFile<R> {
    records: Records<R>,
    columns: Columns,
}

impl<R: Read> PeopleFile<BufReader<io::Chain<io::Cursor<Vec<u8>>, R>>> {
    /// Finds encoding, separator and header.
    ///
    /// # Errors
    /// [`FileError`]: not readable, UTF-16, or no header in the first lines.
    pub fn open(mut input: R) -> Result<Self, FileError> {
        let mut head = Vec::new();
        input.by_ref().take(ROW_BYTES as u64).read_to_end(&mut head)?;
        let Encoding::Utf8 { mark } = detect(&head) else { return Err(FileError::Utf16) };
        head.drain(..mark);
        let delimiter = delimiter_of(&head)?.ok_or(FileError::NoHeader)?;
        let whole = BufReader::with_capacity(ROW_BYTES, io::Cursor::new(head).chain(input));
        let mut records = Records::new(whole, delimiter);
        let columns = find_header(&mut records)?.ok_or(FileError::NoHeader)?;
        Ok(Self { records, columns })
    }
}

impl<R: BufRead> PeopleFile<R> {
    /// The file's columns.
    #[must_use]
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The next row; none at the end.
    ///
    /// # Errors
    /// Those of the input.
    pub fn read(&mut self) -> io::Result<Option<Row>> {
        loop {
            let Some(record) = self.records.read()? else { return Ok(None) };
            let (row, cells) = match record {
                Record::TooLong { line } => {
                    return Ok(Some(Row::Bad(BadRow { row: line, column: None, problem: RowProblem::TooLong })));
                }
                Record::Cells { line, cells } => (line, cells),
            };
            // Spreadsheets write lines of separators alone below a table.
            if cells.iter().any(|cell| !cell.expose().trim_ascii().is_empty()) {
                return Ok(Some(self.row(row, &cells)));
            }
        }
    }

    fn row(&self, row: u64, cells: &[Sensitive<Vec<u8>>]) -> Row {
        let bad = |column: Option<&str>, problem| Row::Bad(BadRow { row, column: column.map(str::to_owned), problem });
        let expected = self.columns.count();
        if cells.iter().skip(expected).any(|cell| !cell.expose().trim_ascii().is_empty()) {
            return bad(None, RowProblem::Cells { expected, found: cells.len() });
        }
        let mut texts: Vec<Sensitive<String>> = Vec::with_capacity(expected);
        for (index, cell) in cells.iter().take(expected).enumerate() {
            if cell.expose().len() > self.columns.cell_bytes(index) {
                return bad(self.columns.name(index), RowProblem::CellTooLong);
            }
            match str::from_utf8(cell.expose()) {
                Ok(text) => texts.push(text.into()),
                Err(_) => return bad(self.columns.name(index), RowProblem::NotUtf8),
            }
        }
        Row::Person(Box::new(ImportRow { row, form: self.columns.form(&texts) }))
    }
}

/// The separator under which the first lines hold the header that fills the most fields.
fn delimiter_of(head: &[u8]) -> io::Result<Option<u8>> {
    let mut best: Option<(usize, u8)> = None;
    for delimiter in DELIMITERS {
        let found = find_header(&mut Records::new(head, delimiter))?;
        let used = found.map_or(0, |columns| columns.used());
        if used > best.map_or(0, |(most, _)| most) {
            best = Some((used, delimiter));
        }
    }
    Ok(best.map(|(_, delimiter)| delimiter))
}

fn find_header<R: BufRead>(records: &mut Records<R>) -> io::Result<Option<Columns>> {
    while let Some(record) = records.read()? {
        let Record::Cells { line, cells } = record else { continue };
        if line > HEADER_LINES {
            break;
        }
        let texts: Option<Vec<&str>> = cells.iter().map(|cell| str::from_utf8(cell.expose()).ok()).collect();
        if let Some(columns) = texts.and_then(|texts| Columns::read(&texts)) {
            return Ok(Some(columns));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(bytes: &[u8]) -> Vec<Row> {
        let mut file = PeopleFile::open(bytes).unwrap();
        std::iter::from_fn(|| file.read().unwrap()).collect()
    }

    fn given(row: &Row) -> (u64, &str) {
        match row {
            Row::Person(person) => (person.row, person.form.given.expose()),
            Row::Bad(bad) => (bad.row, ""),
        }
    }

    #[test]
    fn good_rows_are_kept_and_bad_ones_are_named_by_row_and_column() {
        let mut bytes = b"id,given,family,note\nX-1,".to_vec();
        bytes.extend_from_slice("سعاد,منصور,\nX-2,\u{1}".as_bytes());
        bytes.extend_from_slice(b"\xff\xfe,b,\nX-3,c,d,e,f\nX-4,");
        bytes.extend_from_slice("y".repeat(RECORD_TEXT_BYTES + 1).as_bytes());
        bytes.extend_from_slice(",d,\n,,,\nX-6,경민\n".as_bytes());
        let rows = rows(&bytes);
        let places: Vec<_> = rows.iter().map(given).collect();
        assert_eq!(places, [(2, "سعاد"), (3, ""), (4, ""), (5, ""), (7, "경민")]);
        let bad: Vec<_> = rows.iter().filter_map(|row| if let Row::Bad(bad) = row { Some(bad) } else { None }).collect();
        assert_eq!(bad[0], &BadRow { row: 3, column: Some("given".to_owned()), problem: RowProblem::NotUtf8 });
        assert_eq!(bad[1].problem, RowProblem::Cells { expected: 4, found: 5 });
        assert_eq!(bad[2], &BadRow { row: 5, column: Some("given".to_owned()), problem: RowProblem::CellTooLong });
    }

    /// Half a surrogate pair, as programs write that cut UTF-16 in the middle of a character.
    #[test]
    fn half_a_character_is_named_by_row_and_column() {
        let mut bytes = b"given,mother
Salma,"
            .to_vec();
        bytes.extend_from_slice(b"\xed\xa0\xbd\nAmna,Halima\n");
        let rows = rows(&bytes);
        let [Row::Bad(bad), Row::Person(_)] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!(bad, &BadRow { row: 2, column: Some("mother".to_owned()), problem: RowProblem::NotUtf8 });
    }

    #[test]
    fn a_mark_titles_and_other_separators_are_tolerated() {
        let text = "\u{feff}Reception house list;;\n\nfull_name;dob;gender\nІрина Гнатюк;1966;F\n";
        let rows = rows(text.as_bytes());
        let [Row::Person(person)] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((person.row, person.form.given.expose().as_str(), person.form.sex.expose().as_str()), (4, "Ірина", "f"));
        assert_eq!(person.form.birth.expose(), "1966");
    }

    #[test]
    fn utf_16_and_a_missing_header_are_told_apart() {
        let utf16: Vec<u8> = "\u{feff}given,family\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(matches!(PeopleFile::open(utf16.as_slice()), Err(FileError::Utf16)));
        assert!(matches!(PeopleFile::open(&b"Salim,Darwich,1998\n"[..]), Err(FileError::NoHeader)));
        assert!(matches!(PeopleFile::open(&b""[..]), Err(FileError::NoHeader)));
    }

    #[test]
    fn the_projects_own_file_is_read_whole() {
        let rows = rows(include_bytes!("../../../tests/data/readme/north.csv"));
        assert!(rows.iter().all(|row| matches!(row, Row::Person(_))));
        assert_eq!(rows.len(), 6);
    }
}
