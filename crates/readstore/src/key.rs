//! Keys whose byte order is their logical order.
//!
//! ```text
//! table(1) field field …
//! u8 u32 u64      big-endian, fixed width             u64_desc   the same, all bits inverted: newest first
//! i64             sign bit flipped, then as u64        i64_desc   the same, all bits inverted
//! bytes(N)        as they are; for ids of fixed width
//! text            UTF-8 with 00 → 00 FF, then 00 01   so that no text is a prefix of another and order is kept
//! ```
//! A table byte that was ever written stays reserved: each view lists its own in one place.

/// A key under construction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

/// Reads a key's fields back, in the order in which they were written.
#[derive(Clone, Debug)]
pub struct KeyReader<'a> {
    rest: &'a [u8],
}

/// A key is not what its table's layout says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("key is of another table")]
    Table,
    #[error("key ends too early")]
    Short,
    #[error("key has bytes behind its last field")]
    Long,
    #[error("text in a key is not terminated or not UTF-8")]
    Text,
}

/// Room that a key begins with: most keys are a table, a tenant's name, an id or two and a number, and are made without growing.
const USUAL_BYTES: usize = 80;

const ESCAPE: u8 = 0x00;
const ESCAPED_ZERO: u8 = 0xFF;
const END_OF_TEXT: u8 = 0x01;
const SIGN: u64 = 1 << 63;

/// The first key that is greater than every key with this prefix; `None` if there is none.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

// === impl Key ===

impl Key {
    /// A key of this table.
    pub fn new(table: u8) -> Self {
        let mut bytes = Vec::with_capacity(USUAL_BYTES);
        bytes.push(table);
        Self(bytes)
    }

    #[must_use]
    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    #[must_use]
    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    #[must_use]
    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// Greater values come first.
    #[must_use]
    pub fn u64_desc(self, value: u64) -> Self {
        self.u64(!value)
    }

    #[must_use]
    pub fn i64(self, value: i64) -> Self {
        self.u64(value.cast_unsigned() ^ SIGN)
    }

    /// Greater values come first.
    #[must_use]
    pub fn i64_desc(self, value: i64) -> Self {
        self.u64(!(value.cast_unsigned() ^ SIGN))
    }

    /// Bytes of a width that the table fixes: ids and hashes.
    #[must_use]
    pub fn bytes<const N: usize>(mut self, value: &[u8; N]) -> Self {
        self.0.extend(value);
        self
    }

    #[must_use]
    pub fn text(mut self, value: &str) -> Self {
        // Names hold no zero bytes, so that there is one piece, copied at once.
        let mut pieces = value.as_bytes().split(|byte| *byte == ESCAPE);
        self.0.extend_from_slice(pieces.next().unwrap_or_default());
        for piece in pieces {
            self.0.extend([ESCAPE, ESCAPED_ZERO]);
            self.0.extend_from_slice(piece);
        }
        self.0.extend([ESCAPE, END_OF_TEXT]);
        self
    }

    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl From<Key> for Vec<u8> {
    fn from(key: Key) -> Self {
        key.0
    }
}

// === impl KeyReader ===

impl<'a> KeyReader<'a> {
    /// Reads a key that must be of this table.
    pub fn new(table: u8, key: &'a [u8]) -> Result<Self, KeyError> {
        match key.split_first() {
            Some((first, rest)) if *first == table => Ok(Self { rest }),
            Some(_) => Err(KeyError::Table),
            None => Err(KeyError::Short),
        }
    }

    pub fn bytes<const N: usize>(&mut self) -> Result<[u8; N], KeyError> {
        let (value, rest) = self.rest.split_first_chunk::<N>().ok_or(KeyError::Short)?;
        self.rest = rest;
        Ok(*value)
    }

    pub fn u8(&mut self) -> Result<u8, KeyError> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    pub fn u32(&mut self) -> Result<u32, KeyError> {
        self.bytes().map(u32::from_be_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, KeyError> {
        self.bytes().map(u64::from_be_bytes)
    }

    pub fn u64_desc(&mut self) -> Result<u64, KeyError> {
        self.u64().map(|value| !value)
    }

    pub fn i64(&mut self) -> Result<i64, KeyError> {
        self.u64().map(|value| (value ^ SIGN).cast_signed())
    }

    pub fn i64_desc(&mut self) -> Result<i64, KeyError> {
        self.u64().map(|value| (!value ^ SIGN).cast_signed())
    }

    pub fn text(&mut self) -> Result<String, KeyError> {
        let mut text = Vec::new();
        let mut bytes = self.rest.iter().enumerate();
        while let Some((_, byte)) = bytes.next() {
            if *byte != ESCAPE {
                text.push(*byte);
                continue;
            }
            match bytes.next() {
                Some((_, &ESCAPED_ZERO)) => text.push(0),
                Some((index, &END_OF_TEXT)) => {
                    self.rest = &self.rest[index + 1..];
                    return String::from_utf8(text).map_err(|_invalid| KeyError::Text);
                }
                Some(_) | None => return Err(KeyError::Text),
            }
        }
        Err(KeyError::Text)
    }

    /// The key must end here.
    pub fn finish(self) -> Result<(), KeyError> {
        if self.rest.is_empty() { Ok(()) } else { Err(KeyError::Long) }
    }
}
