//! Single fields: ids and names as the log writes them.

use relevo_domain::{ChannelId, EntityId, MessageId, TagId};

use super::DecodeError;

pub(super) fn bytes16(field: &'static str, bytes: &[u8]) -> Result<[u8; 16], DecodeError> {
    bytes.try_into().map_err(|_length| DecodeError::Invalid(field))
}

pub(super) fn message(field: &'static str, bytes: &[u8]) -> Result<MessageId, DecodeError> {
    bytes16(field, bytes).map(MessageId::new)
}

pub(super) fn tag(field: &'static str, bytes: &[u8]) -> Result<TagId, DecodeError> {
    bytes16(field, bytes).map(TagId::new)
}

pub(super) fn entity(field: &'static str, text: &str) -> Result<EntityId, DecodeError> {
    text.parse().map_err(|_name| DecodeError::Invalid(field))
}

pub(super) fn channel(text: String) -> Result<ChannelId, DecodeError> {
    ChannelId::new(text).map_err(|_name| DecodeError::Invalid("channel"))
}

/// Writes a pair of functions that map a domain enum to its number on the log and back; both are exhaustive.
macro_rules! number {
    ($encode:ident, $decode:ident, $field:literal, $domain:ident ~ $wire:ident { $($variant:ident = $number:ident),+ $(,)? }) => {
        pub(super) fn $encode(value: $domain) -> i32 {
            match value {
                $($domain::$variant => relevo_proto::event::v1::$wire::$number,)+
            }
            .into()
        }

        pub(super) fn $decode(number: i32) -> Result<$domain, super::DecodeError> {
            match relevo_proto::event::v1::$wire::try_from(number) {
                $(Ok(relevo_proto::event::v1::$wire::$number) => Ok($domain::$variant),)+
                Ok(relevo_proto::event::v1::$wire::Unspecified) | Err(_) => Err(super::DecodeError::Invalid($field)),
            }
        }
    };
}
pub(super) use number;
