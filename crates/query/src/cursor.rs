//! Places in lists as bytes, to go inside a signed page token. Each begins with a tag, so that no list takes another's.

use relevo_domain::{EntityId, EntityKind, Timestamp};
use relevo_projector_assignment as assignment;
use relevo_projector_inbox as inbox;
use relevo_projector_pause as pause;

/// A place in a list that a page token can carry.
pub(crate) trait PageCursor: Sized {
    fn to_bytes(&self) -> Vec<u8>;
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

const CONVERSATIONS: u8 = 1;
const THREAD: u8 = 2;
const ASSIGNMENTS: u8 = 3;
const PAUSES: u8 = 4;

/// `tag(1) rank(8) recency(8) id(16)`
impl PageCursor for inbox::Cursor {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![CONVERSATIONS];
        bytes.extend_from_slice(&self.rank.to_be_bytes());
        bytes.extend_from_slice(&self.recency.to_be_bytes());
        bytes.extend_from_slice(self.conversation.bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&CONVERSATIONS, rest) = bytes.split_first()? else { return None };
        let (rank, rest) = rest.split_first_chunk::<8>()?;
        let (recency, id) = rest.split_first_chunk::<8>()?;
        Some(Self {
            rank: i64::from_be_bytes(*rank),
            recency: i64::from_be_bytes(*recency),
            conversation: EntityId::new(EntityKind::Conversation, id.try_into().ok()?),
        })
    }
}

impl PageCursor for assignment::Cursor {
    fn to_bytes(&self) -> Vec<u8> {
        timed(ASSIGNMENTS, self.now, &self.place)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (now, place) = read_timed(ASSIGNMENTS, bytes)?;
        Some(Self { now, place })
    }
}

impl PageCursor for pause::Cursor {
    fn to_bytes(&self) -> Vec<u8> {
        timed(PAUSES, self.now, &self.place)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (now, place) = read_timed(PAUSES, bytes)?;
        Some(Self { now, place })
    }
}

impl PageCursor for inbox::ThreadCursor {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![THREAD];
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.ordinal.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&THREAD, rest) = bytes.split_first()? else { return None };
        let (sequence, ordinal) = rest.split_first_chunk::<8>()?;
        let ordinal = ordinal.try_into().ok()?;
        Some(Self { sequence: u64::from_be_bytes(*sequence), ordinal: u32::from_be_bytes(ordinal) })
    }
}

/// `tag(1) milliseconds(8) place`: for lists that are read for a time, with the view's own place in them.
fn timed(tag: u8, now: Timestamp, place: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend_from_slice(&now.as_millis().to_be_bytes());
    bytes.extend_from_slice(place);
    bytes
}

fn read_timed(tag: u8, bytes: &[u8]) -> Option<(Timestamp, Vec<u8>)> {
    let (found, rest) = bytes.split_first()?;
    let (millis, place) = rest.split_first_chunk::<8>()?;
    (*found == tag).then(|| (Timestamp::from_millis(i64::from_be_bytes(*millis)), place.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_back_and_are_not_mistaken_for_one_another() {
        let list = inbox::Cursor {
            rank: i64::MIN,
            recency: -5,
            conversation: EntityId::new(EntityKind::Conversation, [9; 16]),
        };
        let thread = inbox::ThreadCursor { sequence: u64::MAX, ordinal: 7 };
        assert_eq!(inbox::Cursor::from_bytes(&list.to_bytes()), Some(list));
        assert_eq!(inbox::ThreadCursor::from_bytes(&thread.to_bytes()), Some(thread));
        assert_eq!(inbox::ThreadCursor::from_bytes(&list.to_bytes()), None);
        assert_eq!(inbox::Cursor::from_bytes(&thread.to_bytes()), None);
        assert_eq!(assignment::Cursor::from_bytes(&list.to_bytes()), None);
        assert_eq!(pause::Cursor::from_bytes(&list.to_bytes()), None);
        assert_eq!(inbox::Cursor::from_bytes(&[]), None);
    }
}
