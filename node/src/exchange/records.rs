//! CSV records (RFC 4180, as spreadsheets write them) from a stream, in bounded memory.
//!
//! `people` reads through it. However long a line is, at most [`ROW_BYTES`] of it are held; the rest is read over and the
//! record counts as too long. A record's number is that of the line on which it starts, as an editor shows it.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use kinmesh_protocol::base::Sensitive;

/// Bytes of one record.
pub const ROW_BYTES: usize = 64 * 1024;
/// Cells of one record.
pub const ROW_CELLS: usize = 256;

/// One record as it was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Record {
    /// Its cells.
    Cells {
        /// Line on which it starts, from 1.
        line: u64,
        /// Cells as they stand, without quotation marks; not necessarily UTF-8.
        cells: Vec<Sensitive<Vec<u8>>>,
    },
    /// More than [`ROW_BYTES`] or [`ROW_CELLS`]: often a quotation mark that is not closed.
    TooLong {
        /// Line on which it starts.
        line: u64,
    },
}

/// Reads records one by one.
pub struct Records<R> {
    input: R,
    parser: Reader,
    line: u64,
    after_return: bool,
    ended: bool,
    bytes: Sensitive<Vec<u8>>,
    ends: Vec<usize>,
}

impl<R: BufRead> Records<R> {
    /// Starts at line 1 of `input`.
    pub fn new(input: R, delimiter: u8) -> Self {
        Self {
            input,
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            line: 1,
            after_return: false,
            ended: false,
            bytes: Sensitive::new(vec![0; ROW_BYTES]),
            ends: vec![0; ROW_CELLS],
        }
    }

    /// The next record; none at the end. Empty lines are read over.
    ///
    /// # Errors
    /// Those of the input.
    pub fn read(&mut self) -> io::Result<Option<Record>> {
        self.skip_line_ends()?;
        let line = self.line;
        let (mut written, mut ended, mut is_long) = (0, 0, false);
        while !self.ended {
            let input = self.input.fill_buf()?;
            self.ended = input.is_empty();
            let output = self.bytes.expose_mut().get_mut(written..).unwrap_or(&mut []);
            let ends = self.ends.get_mut(ended..).unwrap_or(&mut []);
            let (result, read, wrote, closed) = self.parser.read_record(input, output, ends);
            for byte in input.get(..read).unwrap_or(input) {
                count(&mut self.line, &mut self.after_return, *byte);
            }
            self.input.consume(read);
            (written, ended) = (written + wrote, ended + closed);
            match result {
                ReadRecordResult::InputEmpty => {}
                // What was read so far is overwritten by what follows: only the end of the record is looked for.
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    (written, ended, is_long) = (0, 0, true);
                    self.ended = false;
                }
                ReadRecordResult::Record if is_long => return Ok(Some(Record::TooLong { line })),
                ReadRecordResult::Record => return Ok(Some(Record::Cells { line, cells: self.cells(ended) })),
                ReadRecordResult::End => break,
            }
        }
        Ok(is_long.then_some(Record::TooLong { line }))
    }

    fn cells(&self, count: usize) -> Vec<Sensitive<Vec<u8>>> {
        let mut start = 0;
        let ends = self.ends.iter().take(count);
        ends.map(|end| {
            let cell = self.bytes.expose().get(start..*end).unwrap_or(&[]);
            start = *end;
            Sensitive::new(cell.to_vec())
        })
        .collect()
    }

    /// The parser drops empty lines without a word; they are dropped here so that they count.
    fn skip_line_ends(&mut self) -> io::Result<()> {
        loop {
            let input = self.input.fill_buf()?;
            let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            for byte in input.get(..blank).unwrap_or(&[]) {
                count(&mut self.line, &mut self.after_return, *byte);
            }
            self.input.consume(blank);
            if blank == 0 {
                return Ok(());
            }
        }
    }
}

/// Counts a line at `\n`, at `\r\n` and at a lone `\r`.
fn count(line: &mut u64, after_return: &mut bool, byte: u8) {
    if byte == b'\r' || (byte == b'\n' && !*after_return) {
        *line += 1;
    }
    *after_return = byte == b'\r';
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    fn all(text: &str) -> Vec<(u64, Option<Vec<String>>)> {
        // A buffer of five bytes, so that every record crosses its edge.
        let mut records = Records::new(BufReader::with_capacity(5, text.as_bytes()), b',');
        std::iter::from_fn(|| records.read().unwrap())
            .map(|record| match record {
                Record::Cells { line, cells } => {
                    (line, Some(cells.into_iter().map(|cell| String::from_utf8(cell.into_exposed()).unwrap()).collect()))
                }
                Record::TooLong { line } => (line, None),
            })
            .collect()
    }

    fn cells(line: u64, cells: &[&str]) -> (u64, Option<Vec<String>>) {
        (line, Some(cells.iter().map(|cell| (*cell).to_owned()).collect()))
    }

    #[test]
    fn a_record_has_the_number_of_its_first_line() {
        let text = "a,b\r\n\r\n\"two\nlines\",ሽሬ\n\nlast,\"a \"\"b\"\"\"";
        assert_eq!(all(text), [cells(1, &["a", "b"]), cells(3, &["two\nlines", "ሽሬ"]), cells(6, &["last", "a \"b\""])]);
    }

    #[test]
    fn a_long_record_is_read_over_and_the_next_one_is_kept() {
        let long = format!("a,b\n{},x\nc,d\n", "y".repeat(3 * ROW_BYTES));
        assert_eq!(all(&long), [cells(1, &["a", "b"]), (2, None), cells(3, &["c", "d"])]);
        let wide = format!("{}\nc,d", ",".repeat(ROW_CELLS + 1));
        assert_eq!(all(&wide), [(1, None), cells(2, &["c", "d"])]);
        let open = format!("a\n\"{}", "y\n".repeat(ROW_BYTES));
        assert_eq!(all(&open), [cells(1, &["a"]), (2, None)]);
    }

    #[test]
    fn a_line_of_a_gibibyte_needs_no_gibibyte() {
        let endless = std::io::repeat(b'y').take(1 << 24).chain(&b"\nc,d\n"[..]);
        let mut records = Records::new(BufReader::new(endless), b',');
        assert_eq!(records.read().unwrap(), Some(Record::TooLong { line: 1 }));
        assert!(matches!(records.read().unwrap(), Some(Record::Cells { line: 2, .. })));
        assert_eq!(records.bytes.expose().capacity(), ROW_BYTES);
    }
}
