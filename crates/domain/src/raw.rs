//! What a raw item is called: by the message of the raw stream that holds it, and its place in there.
//!
//! What arrives together travels as one message; an item that travels alone is its message's part 0, as every item was before
//! there were messages of several.

use std::fmt;
use std::str::FromStr;

use crate::commit::IntakePointer;

/// The most parts that one message may ever have, so that [`RawId::number`] stays below 2⁵³.
pub const RAW_PARTS_MAX: u32 = 1 << (NUMBER_BITS - SEQUENCE_BITS);
/// Bits of an id's number: what a double holds exactly, with three to spare.
const NUMBER_BITS: u32 = 50;
/// Bits of an id's number that are the sequence: a trillion messages.
const SEQUENCE_BITS: u32 = 40;
const SEQUENCE_MASK: u64 = (1 << SEQUENCE_BITS) - 1;

/// Names a raw item. Ordered as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawId {
    /// Of the message on the raw stream, from 1.
    pub sequence: u64,
    /// Place of the item in its message, from 0.
    pub part: u32,
}

/// A text that names no raw item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the id of a raw item")]
pub struct RawIdError;

impl RawId {
    /// The item of a message that holds one.
    pub const fn alone(sequence: u64) -> Self {
        Self { sequence, part: 0 }
    }

    /// One of the item's updates.
    pub const fn update(self, ordinal: u32) -> IntakePointer {
        IntakePointer { sequence: self.sequence, part: self.part, ordinal }
    }

    /// The id as one number, for those outside: `part << 40 | sequence`, so that an item that travels alone has its sequence. Not
    /// in the order of the ids.
    pub const fn number(self) -> u64 {
        ((self.part as u64) << SEQUENCE_BITS) | self.sequence
    }

    /// The id that such a number stands for; for any other number, one that no item has.
    pub const fn of_number(number: u64) -> Self {
        // 24 bits are left.
        Self { sequence: number & SEQUENCE_MASK, part: (number >> SEQUENCE_BITS) as u32 }
    }
}

/// `12`, or `12-3` for a part of several: what it is called in subjects too. A dot comes before the ordinal of an update.
impl fmt::Display for RawId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            0 => write!(f, "{}", self.sequence),
            part => write!(f, "{}-{part}", self.sequence),
        }
    }
}

impl FromStr for RawId {
    type Err = RawIdError;

    fn from_str(text: &str) -> Result<Self, RawIdError> {
        let (sequence, part) = text.split_once('-').map_or((text, None), |(sequence, part)| (sequence, Some(part)));
        let id = Self {
            sequence: sequence.parse().map_err(|_not| RawIdError)?,
            part: part.map_or(Ok(0), str::parse).map_err(|_not| RawIdError)?,
        };
        // One name each: no sign, no zeros before it, no part 0.
        if id.to_string() == text { Ok(id) } else { Err(RawIdError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_travels_alone_is_called_as_its_message() {
        let id = RawId::alone(12);
        assert_eq!((id.to_string().as_str(), id.number(), "12".parse()), ("12", 12, Ok(id)));
    }

    #[test]
    fn a_part_has_a_name_and_a_number_of_its_own_that_read_back() {
        let id = RawId { sequence: 12, part: 3 };
        assert_eq!((id.to_string().as_str(), id.number()), ("12-3", 3_298_534_883_340));
        let last = RawId { sequence: SEQUENCE_MASK, part: RAW_PARTS_MAX - 1 };
        assert!(last.number() < 1 << 53);
        for id in [id, last, RawId::alone(1)] {
            assert_eq!((id.to_string().parse(), RawId::of_number(id.number())), (Ok(id), id));
        }
        assert_eq!(id.update(7), IntakePointer { sequence: 12, part: 3, ordinal: 7 });
        for bad in ["", "-", "12-", "-3", "12-0", "012", "+12", "12-03", "12.3", "a"] {
            assert_eq!(bad.parse::<RawId>(), Err(RawIdError), "{bad}");
        }
    }

    #[test]
    fn ordered_by_message_then_place() {
        let id = |sequence, part| RawId { sequence, part };
        let mut ids = vec![id(2, 0), id(1, 1), id(1, 0), id(1, 2)];
        ids.sort_unstable();
        assert_eq!(ids, [id(1, 0), id(1, 1), id(1, 2), id(2, 0)]);
    }
}
