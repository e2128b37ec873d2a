//! Which text encoding a file is in, from its first bytes.
//!
//! UTF-8 is read, with or without its mark; UTF-16, as spreadsheets write "Unicode text", is told from it so that the
//! error can say what to do.

/// What the first bytes of a file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, or any 8-bit encoding: rows that are not UTF-8 are named one by one.
    Utf8 {
        /// Bytes of the mark at its beginning, 0 or 3.
        mark: usize,
    },
    /// UTF-16 of either byte order.
    Utf16,
}

/// Tells the encoding from the first bytes of a file (four are enough).
#[must_use]
pub fn detect(head: &[u8]) -> Encoding {
    match head {
        [0xef, 0xbb, 0xbf, ..] => Encoding::Utf8 { mark: 3 },
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Encoding::Utf16,
        // Without a mark: a header begins with a letter of ASCII, which has a zero byte beside it in UTF-16.
        [0, low, ..] if *low != 0 => Encoding::Utf16,
        [high, 0, ..] if *high != 0 => Encoding::Utf16,
        _ => Encoding::Utf8 { mark: 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_zero_bytes_tell_the_encoding() {
        assert_eq!(detect(b"\xef\xbb\xbfid"), Encoding::Utf8 { mark: 3 });
        assert_eq!(detect(b"id,given"), Encoding::Utf8 { mark: 0 });
        assert_eq!(detect(b""), Encoding::Utf8 { mark: 0 });
        for head in [&b"\xff\xfei\0"[..], b"\xfe\xff\0i", b"i\0d\0", b"\0i\0d"] {
            assert_eq!(detect(head), Encoding::Utf16, "{head:?}");
        }
    }
}
