//! The REST surface: JSON bodies and query parameters that become messages of ours.

use std::sync::LazyLock;

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use relevo_proto::FILE_DESCRIPTOR_SET;
use serde_json::Value as Json;

use crate::borrowed::{read_object, read_query};

/// Bytes that a message may have for a byte of JSON: what is written as a word or a time is shorter than that.
const GROWTH_MAX: usize = 4;
const BESIDE: usize = 64;

/// What every RPC of ours is asked with, in the order of their names.
static REQUESTS: LazyLock<Vec<MessageDescriptor>> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("descriptors of ours");
    let mut requests: Vec<_> =
        pool.services().flat_map(|service| service.methods().map(|rpc| rpc.input()).collect::<Vec<_>>()).collect();
    requests.sort_by_key(|request| request.full_name().to_owned());
    requests.dedup_by_key(|request| request.full_name().to_owned());
    requests
});

/// The first line names the request (any other name leads to one of them); then follows a query behind `?`, or a body.
pub fn run(data: &[u8]) {
    let mut halves = data.splitn(2, |byte| *byte == b'\n');
    let (name, text) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
    let sum: usize = name.iter().map(|byte| usize::from(*byte)).sum();
    let named = REQUESTS.iter().find(|request| request.name().as_bytes() == name);
    let request = named.unwrap_or(&REQUESTS[sum % REQUESTS.len()]);
    match text.strip_prefix(b"?") {
        Some(query) => parameters(request, query),
        None => body(request, text),
    }
}

fn parameters(request: &MessageDescriptor, query: &[u8]) {
    let parameters: Vec<(String, String)> = form_urlencoded::parse(query).into_owned().collect();
    let mut message = DynamicMessage::new(request.clone());
    let wrongs = read_query(&mut message, &parameters);
    assert!(wrongs.0.len() <= parameters.len(), "each parameter is wrong once");
    check(request, &message, query.len());
}

fn body(request: &MessageDescriptor, text: &[u8]) {
    let Ok(Json::Object(object)) = serde_json::from_slice(text) else { return };
    let mut message = DynamicMessage::new(request.clone());
    let wrongs = read_object(&mut message, &object);
    check(request, &message, text.len());
    if !wrongs.0.is_empty() {
        return;
    }
    // What was taken without a fault is the same after a round through the JSON that we write ourselves.
    let options = SerializeOptions::new().use_proto_field_name(true);
    let Ok(Json::Object(again)) = message.serialize_with_options(serde_json::value::Serializer, &options) else {
        return;
    };
    let mut other = DynamicMessage::new(request.clone());
    let wrongs = read_object(&mut other, &again);
    assert!(wrongs.0.is_empty(), "{:?}", wrongs.0);
    // On the wire, where an empty text and none are the same field, and what says whether it was given says so.
    assert_eq!(other.encode_to_vec(), message.encode_to_vec());
}

/// The message is no larger than what it was made of, and is one on the wire.
fn check(request: &MessageDescriptor, message: &DynamicMessage, length: usize) {
    let bytes = message.encode_to_vec();
    assert!(bytes.len() <= GROWTH_MAX * length + BESIDE, "{} of {length}", bytes.len());
    let read = DynamicMessage::decode(request.clone(), bytes.as_slice()).expect("it was written a line ago");
    assert_eq!(read.encode_to_vec(), bytes);
}
