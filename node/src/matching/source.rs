//! Files as they are handed over: plain or gzip, a path or standard input, read line by line in bounded memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use kinmesh_protocol::base::Sensitive;

use super::error::{Input, MatchError};
use crate::exchange::encoding::{Encoding, detect};
use crate::exchange::records::ROW_BYTES;

/// First bytes of a gzip file (RFC 1952 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// An opened file without compression and byte order mark, with its first bytes at hand.
pub(super) struct Source {
    /// Which file it is.
    pub(super) input: Input,
    /// What stands first, at most [`ROW_BYTES`]; still to be read.
    pub(super) head: Vec<u8>,
    reader: Box<dyn BufRead>,
    line: u64,
}

impl Source {
    /// Opens a path, or standard input for `-`.
    pub(super) fn open(input: Input, path: &Path) -> Result<Self, MatchError> {
        let failed = |source| MatchError::Io { input, source };
        let raw: Box<dyn Read> =
            if path.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path).map_err(failed)?) };
        Self::of(input, raw)
    }

    /// Reads from `raw`.
    pub(super) fn of(input: Input, mut raw: Box<dyn Read>) -> Result<Self, MatchError> {
        let failed = |source| MatchError::Io { input, source };
        let start = beginning(&mut raw, GZIP.len()).map_err(failed)?;
        let is_gzip = start == GZIP;
        let whole = Cursor::new(start).chain(raw);
        let mut plain: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        let mut head = beginning(&mut plain, ROW_BYTES).map_err(failed)?;
        match detect(&head) {
            Encoding::Utf8 { mark } => head.drain(..mark),
            Encoding::Utf16 => return Err(MatchError::NotUtf8 { input, line: 1 }),
        };
        let reader = Box::new(BufReader::with_capacity(ROW_BYTES, Cursor::new(head.clone()).chain(plain)));
        Ok(Self { input, head, reader, line: 0 })
    }

    /// The stream, for a reader of its own.
    pub(super) fn into_reader(self) -> Box<dyn BufRead> {
        self.reader
    }

    /// The next line that is not blank, with its number; none at the end.
    pub(super) fn line(&mut self) -> Result<Option<(u64, Sensitive<String>)>, MatchError> {
        let input = self.input;
        loop {
            let mut bytes = Sensitive::new(Vec::new());
            let read = self.reader.by_ref().take(ROW_BYTES as u64 + 1).read_until(b'\n', bytes.expose_mut());
            if read.map_err(|source| MatchError::Io { input, source })? == 0 {
                return Ok(None);
            }
            self.line += 1;
            let line = self.line;
            if bytes.expose().len() > ROW_BYTES {
                return Err(MatchError::TooLong { input, line });
            }
            let text = str::from_utf8(bytes.expose()).map_err(|_| MatchError::NotUtf8 { input, line })?;
            let text = text.trim_end_matches(['\r', '\n']);
            if !text.trim().is_empty() {
                return Ok(Some((line, text.into())));
            }
        }
    }
}

/// At most `limit` first bytes.
fn beginning(from: &mut dyn Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn lines(bytes: &[u8]) -> Result<Vec<(u64, String)>, MatchError> {
        let mut source = Source::of(Input::Pairs, Box::new(Cursor::new(bytes.to_vec())))?;
        let mut lines = Vec::new();
        while let Some((line, text)) = source.line()? {
            lines.push((line, text.into_exposed()));
        }
        Ok(lines)
    }

    #[test]
    fn plain_and_compressed_files_give_the_same_lines() {
        let text = "\u{feff}Yusuf\tيوسف\r\n\n  \nlast";
        let expected = [(1, "Yusuf\tيوسف".to_owned()), (4, "last".to_owned())];
        assert_eq!(lines(text.as_bytes()).unwrap(), expected);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        assert_eq!(lines(&encoder.finish().unwrap()).unwrap(), expected);
    }

    #[test]
    fn what_is_no_text_is_named_by_its_line() {
        assert!(matches!(lines(b"ok\n\xff\xfe\xfd\n"), Err(MatchError::NotUtf8 { line: 2, .. })));
        assert!(matches!(lines(&b"y".repeat(ROW_BYTES + 1)), Err(MatchError::TooLong { line: 1, .. })));
        assert!(matches!(lines(b"\x1f\x8bnot gzip"), Err(MatchError::Io { .. })));
        assert!(lines(b"").unwrap().is_empty());
    }
}
