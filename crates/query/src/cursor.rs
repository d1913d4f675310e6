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

impl PageCursor for inbox::Cursor {
    fn to_bytes(&self) -> Vec<u8> {
        place(CONVERSATIONS, self.last_activity.as_millis(), self.conversation.bytes())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (millis, id) = read_place(CONVERSATIONS, bytes)?;
        Some(Self {
            last_activity: Timestamp::from_millis(millis),
            conversation: EntityId::new(EntityKind::Conversation, id),
        })
    }
}

impl PageCursor for assignment::Cursor {
    fn to_bytes(&self) -> Vec<u8> {
        place(ASSIGNMENTS, self.since.as_millis(), self.conversation.bytes())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (millis, id) = read_place(ASSIGNMENTS, bytes)?;
        Some(Self { since: Timestamp::from_millis(millis), conversation: EntityId::new(EntityKind::Conversation, id) })
    }
}

impl PageCursor for pause::Cursor {
    fn to_bytes(&self) -> Vec<u8> {
        place(PAUSES, self.since.as_millis(), self.conversation.bytes())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (millis, id) = read_place(PAUSES, bytes)?;
        Some(Self { since: Timestamp::from_millis(millis), conversation: EntityId::new(EntityKind::Conversation, id) })
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

/// `tag(1) milliseconds(8) id(16)`
fn place(tag: u8, millis: i64, id: &[u8; 16]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend_from_slice(&millis.to_be_bytes());
    bytes.extend_from_slice(id);
    bytes
}

fn read_place(tag: u8, bytes: &[u8]) -> Option<(i64, [u8; 16])> {
    let (found, rest) = bytes.split_first()?;
    let (millis, id) = rest.split_first_chunk::<8>()?;
    let id = id.try_into().ok()?;
    (*found == tag).then(|| (i64::from_be_bytes(*millis), id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_back_and_are_not_mistaken_for_one_another() {
        let list = inbox::Cursor {
            last_activity: Timestamp::from_millis(-5),
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
