//! A frame: several raw items of one endpoint as one message of the raw stream, which the server writes to disk once.
//!
//! A header says that a message is one, and how many parts it has; its payload is the parts, each behind its length. A part says of
//! itself what an item that travels alone says in its headers. One that travels alone is written as it was before there were
//! frames, byte for byte.

use async_nats::HeaderMap;
use bytes::{Bytes, BytesMut};
use prost::Message as _;
use relevo_domain::{EndpointId, RAW_PARTS_MAX, RawId, Timestamp};

use super::notes::keepable;
use super::{
    HEADER_CONTENT_TYPE, HEADER_KIND, HEADER_RECEIVED_AT, InputKind, Notes, RawInput, RawItem, StoredInput, Unreadable,
    content_type,
};

/// Says that the message is a frame, and how many parts it has.
pub(super) const HEADER_FRAME: &str = "Relevo-Frame";
/// What a part has on the wire beside what it says: tags and lengths, in bytes.
const PART_OVERHEAD_BYTES: usize = 48;

/// One item as it stands in a frame. Fields are only ever added.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Part {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(sint64, tag = "2")]
    received_at_ms: i64,
    #[prost(string, tag = "3")]
    content_type: String,
    #[prost(string, tag = "4")]
    query: String,
    #[prost(bool, tag = "5")]
    imported: bool,
    #[prost(uint64, optional, tag = "6")]
    truncated_from: Option<u64>,
    #[prost(bytes = "bytes", tag = "15")]
    pub(super) body: Bytes,
}

impl Part {
    pub(super) fn of(input: &RawInput) -> Self {
        let query = if keepable(&input.notes.query) { input.notes.query.clone() } else { String::new() };
        Self {
            kind: input.kind.as_str().to_owned(),
            received_at_ms: input.received_at.as_millis(),
            content_type: content_type::reduced(&input.content_type),
            query,
            imported: input.notes.imported,
            truncated_from: input.notes.truncated_from,
            body: input.body.clone(),
        }
    }

    /// What it says beside its body, as an item that travels alone says it.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER_KIND, self.kind.as_str());
        headers.insert(HEADER_RECEIVED_AT, self.received_at_ms.to_string().as_str());
        headers.insert(HEADER_CONTENT_TYPE, self.content_type.as_str());
        self.notes().write(&mut headers);
        headers
    }

    /// Roughly what it is on the wire.
    pub(super) fn bytes(&self) -> usize {
        self.body.len() + self.content_type.len() + self.query.len() + PART_OVERHEAD_BYTES
    }

    fn notes(&self) -> Notes {
        let query = if keepable(&self.query) { self.query.clone() } else { String::new() };
        Notes { query, imported: self.imported, truncated_from: self.truncated_from }
    }

    fn item(self, id: RawId, endpoint: EndpointId) -> RawItem {
        let received_at = Timestamp::from_millis(self.received_at_ms);
        let content_type = content_type::reduced(&self.content_type);
        match InputKind::parse(&self.kind) {
            Some(kind) => {
                let notes = self.notes();
                let input = RawInput { endpoint, kind, received_at, content_type, notes, body: self.body };
                RawItem::Input(StoredInput { id, input })
            }
            None => RawItem::Unreadable(Unreadable {
                id,
                endpoint: Some(endpoint),
                kind: None,
                received_at: Some(received_at),
                content_type,
                payload: self.body,
                reason: "no known kind",
            }),
        }
    }
}

/// The headers and the payload of a frame.
pub(super) fn encode(parts: &[Part]) -> (HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    headers.insert(HEADER_FRAME, parts.len().to_string().as_str());
    let mut payload = BytesMut::with_capacity(parts.iter().map(Part::bytes).sum());
    for part in parts {
        // Cannot fail: the buffer grows.
        part.encode_length_delimited(&mut payload).ok();
    }
    (headers, payload.freeze())
}

/// The items of a frame that says it has `count`; the frame as one that cannot be read, if it is damaged.
pub(super) fn items(sequence: u64, endpoint: Option<EndpointId>, count: &str, payload: &Bytes) -> Vec<RawItem> {
    let damaged = |endpoint, reason| {
        vec![RawItem::Unreadable(Unreadable {
            id: RawId::alone(sequence),
            endpoint,
            kind: None,
            received_at: None,
            content_type: String::new(),
            payload: payload.clone(),
            reason,
        })]
    };
    let Some(endpoint) = endpoint else { return damaged(None, "subject names no endpoint") };
    match parts(count, payload.clone()) {
        Some(parts) => (0..)
            .zip(parts)
            .map(|(part, said): (u32, Part)| said.item(RawId { sequence, part }, endpoint.clone()))
            .collect(),
        None => damaged(Some(endpoint), "its frame is damaged"),
    }
}

/// The parts: as many as are said to be there, and nothing after them.
fn parts(count: &str, mut payload: Bytes) -> Option<Vec<Part>> {
    let count = count.parse().ok().filter(|count| (1..=RAW_PARTS_MAX).contains(count))?;
    let mut parts = Vec::new();
    for _ in 0..count {
        parts.push(Part::decode_length_delimited(&mut payload).ok()?);
    }
    payload.is_empty().then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn input(body: &'static [u8]) -> RawInput {
        RawInput {
            endpoint: endpoint(),
            kind: InputKind::Twilio,
            received_at: Timestamp::from_millis(1_790_000_000_123),
            content_type: "text/plain; charset=utf-8".to_owned(),
            notes: Notes { query: "message=msg_1".to_owned(), imported: true, truncated_from: Some(7) },
            body: Bytes::from_static(body),
        }
    }

    fn endpoint() -> EndpointId {
        EndpointId::new("app").unwrap()
    }

    /// As it was first written to a stream, with every field. The bytes here never change: the raw stream is read for as long as it
    /// is kept.
    const FIRST: &str = "400a067477696c696f10f6b183c598681a19746578742f706c61696e3b20636861727365743d7574662d38220d6d6573736167653d6d73675f31280130077a0161";

    #[test]
    fn a_part_reads_as_it_was_first_written() {
        let (headers, payload) = encode(&[Part::of(&input(b"a"))]);
        assert_eq!(headers.get(HEADER_FRAME).unwrap().as_str(), "1");
        assert_eq!(hex::encode(&payload), FIRST, "it is written differently now");
    }

    #[test]
    fn every_part_comes_back_as_itself() {
        let inputs = [input(b"a"), RawInput { notes: Notes::default(), ..input(b"") }, input(b"\xff\0")];
        let parts: Vec<Part> = inputs.iter().map(Part::of).collect();
        let (headers, payload) = encode(&parts);
        let items = items(9, Some(endpoint()), headers.get(HEADER_FRAME).unwrap().as_str(), &payload);
        let expected = (0..)
            .zip(inputs)
            .map(|(part, input)| RawItem::Input(StoredInput { id: RawId { sequence: 9, part }, input }));
        assert_eq!(items, expected.collect::<Vec<_>>());
        let bodies: usize = parts.iter().map(Part::bytes).sum();
        assert!(payload.len() <= bodies, "{} of {bodies}", payload.len());
    }

    #[test]
    fn a_part_of_an_unknown_kind_is_the_only_one_that_cannot_be_read() {
        let mut parts = vec![Part::of(&input(b"a")), Part::of(&input(b"b"))];
        parts[0].kind = "fax".to_owned();
        let (_, payload) = encode(&parts);
        let items = items(9, Some(endpoint()), "2", &payload);
        let RawItem::Unreadable(first) = &items[0] else { panic!("{items:?}") };
        assert_eq!((first.id, first.payload.as_ref()), (RawId::alone(9), &b"a"[..]));
        assert!(matches!(&items[1], RawItem::Input(stored) if stored.id.part == 1));
    }

    #[test]
    fn a_damaged_frame_is_one_item_that_cannot_be_read() {
        let (_, payload) = encode(&[Part::of(&input(b"a")), Part::of(&input(b"b"))]);
        let cut = payload.slice(..payload.len() - 1);
        let longer = Bytes::from([payload.as_ref(), b"x"].concat());
        for (count, payload) in [
            ("2", cut),
            ("2", longer),
            ("1", payload.clone()),
            ("3", payload.clone()),
            ("0", Bytes::new()),
            ("x", payload.clone()),
            ("1025", payload.clone()),
        ] {
            let items = items(9, Some(endpoint()), count, &payload);
            let [RawItem::Unreadable(whole)] = items.as_slice() else { panic!("{count}: {items:?}") };
            assert_eq!((whole.id, &whole.payload), (RawId::alone(9), &payload), "{count}");
        }
        assert!(
            matches!(items(9, None, "2", &payload).as_slice(), [RawItem::Unreadable(whole)] if whole.endpoint.is_none())
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_items_and_never_a_panic(count in 0_u32..2000, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let items = items(1, Some(endpoint()), &count.to_string(), &Bytes::from(bytes));
            prop_assert!(!items.is_empty());
        }
    }
}
