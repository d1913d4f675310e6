//! The tally's keys. An item that travelled alone has the keys that it had before there were parts; the others have their part behind.

use relevo_domain::{EndpointId, IntakePointer, RawId};

use super::fold::Content;
use super::store::TallyError;
use crate::routes::ChannelRef;

const POSTS: u8 = 1;
const CHANNEL: u8 = 2;
const UNROUTED: u8 = 3;
pub(super) const PARKED: u8 = 4;
const ITEM: u8 = 5;
const FIRST: u8 = 6;

pub(super) fn posts(endpoint: &EndpointId) -> Vec<u8> {
    [&[POSTS], endpoint.as_str().as_bytes()].concat()
}

pub(super) fn channel(channel: &ChannelRef) -> Vec<u8> {
    [&[CHANNEL], channel.tenant.as_str().as_bytes(), &[0], channel.channel.as_str().as_bytes()].concat()
}

pub(super) fn unrouted(endpoint: &EndpointId) -> Vec<u8> {
    [&[UNROUTED], endpoint.as_str().as_bytes()].concat()
}

pub(super) fn item(id: RawId) -> Vec<u8> {
    [[ITEM].as_slice(), &raw(id)].concat()
}

pub(super) fn first(content: &Content, ordinal: u32) -> Vec<u8> {
    [&[FIRST], content.as_slice(), ordinal.to_be_bytes().as_slice()].concat()
}

/// Of everything parked of a message: [`pointer`] tells of which part.
pub(super) fn parked_of_message(sequence: u64) -> Vec<u8> {
    [&[PARKED], sequence.to_be_bytes().as_slice()].concat()
}

pub(super) fn parked(pointer: IntakePointer) -> Vec<u8> {
    let mut key = [parked_of_message(pointer.sequence).as_slice(), pointer.ordinal.to_be_bytes().as_slice()].concat();
    if pointer.part > 0 {
        key.extend(pointer.part.to_be_bytes());
    }
    key
}

/// What a key of [`parked`] is about.
pub(super) fn pointer(key: &[u8]) -> Result<IntakePointer, TallyError> {
    let bad = || TallyError::BadRow("parked key".to_owned());
    let (sequence, rest) = key.get(1..).and_then(|key| key.split_first_chunk()).ok_or_else(bad)?;
    let (ordinal, part) = rest.split_first_chunk().ok_or_else(bad)?;
    let part = match part {
        [] => 0,
        part => u32::from_be_bytes(part.try_into().map_err(|_length| bad())?),
    };
    Ok(IntakePointer { sequence: u64::from_be_bytes(*sequence), part, ordinal: u32::from_be_bytes(*ordinal) })
}

/// A raw item's name as a row has it.
pub(super) fn raw(id: RawId) -> Vec<u8> {
    let mut bytes = id.sequence.to_be_bytes().to_vec();
    if id.part > 0 {
        bytes.extend(id.part.to_be_bytes());
    }
    bytes
}

/// The name that bytes of [`raw`] are.
pub(super) fn read_raw(bytes: &[u8]) -> Result<RawId, TallyError> {
    let bad = || TallyError::BadRow("name of a raw item".to_owned());
    let (sequence, part) = bytes.split_first_chunk().ok_or_else(bad)?;
    let part = match part {
        [] => 0,
        part => u32::from_be_bytes(part.try_into().map_err(|_length| bad())?),
    };
    Ok(RawId { sequence: u64::from_be_bytes(*sequence), part })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_travelled_alone_has_the_keys_that_it_always_had() {
        let id = RawId::alone(0x0102);
        assert_eq!(item(id), [5, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(raw(id), [0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(parked(id.update(3)), [4, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3]);
    }

    #[test]
    fn keys_of_parts_read_back() {
        for id in [RawId::alone(7), RawId { sequence: 7, part: 1 }, RawId { sequence: 7, part: 255 }] {
            assert_eq!((pointer(&parked(id.update(9))).unwrap(), read_raw(&raw(id)).unwrap()), (id.update(9), id));
        }
        assert!(pointer(&[4, 1]).is_err() && read_raw(&[1; 9]).is_err());
    }
}
