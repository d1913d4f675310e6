//! Subjects: where things stand on the log. Built here and nowhere else.
//!
//! Names reach this module as types that were validated when they were made, so that a subject cannot be forged by a `.`,
//! a `*` or a `>` in a name. The subject of an entity is always literal: compare-and-set on wildcards loses updates.

use relevo_domain::{ChannelId, EndpointId, EntityId, RawId, TenantId};
use sha2::{Digest as _, Sha256};

use crate::log::LogError;

/// How many partitions the entities are spread over. Part of every subject, so it never changes.
pub const PARTITIONS: u32 = 64;
/// The longest name of a metric, in characters: it is a subject token.
pub const METRIC_CHARS_MAX: usize = 64;

pub const EVENTS_PREFIX: &str = "relevo.events.";
pub const INTAKE_PREFIX: &str = "relevo.intake.";
pub const PARKED_PREFIX: &str = "relevo.parked.";
pub const METRICS_PREFIX: &str = "relevo.metrics.";
pub const REPUBLISH_PREFIX: &str = "relevo.republish.";
pub const MAILBOX_PREFIX: &str = "relevo.mailbox.";
pub const CHANNELS_PREFIX: &str = "relevo.channels.";
pub const REPLAY_PREFIX: &str = "relevo.replay.";

/// Enough that no two folders of a mailbox meet, in bytes.
const FOLDER_HASH_BYTES: usize = 16;

const FNV_OFFSET: u32 = 0x811c_9dc5;
const FNV_PRIME: u32 = 0x0100_0193;

/// The partition of an entity: 32-bit FNV-1a of `<tenant>.<entity>`, modulo [`PARTITIONS`].
pub fn partition(tenant: &TenantId, entity: &EntityId) -> u32 {
    partition_of(&format!("{tenant}.{entity}"))
}

fn partition_of(name: &str) -> u32 {
    let hash = name.bytes().fold(FNV_OFFSET, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(FNV_PRIME));
    hash % PARTITIONS
}

/// `relevo.events.<pp>.<tenant>.<entity>`.
pub fn entity(tenant: &TenantId, entity: &EntityId) -> String {
    // Every commit that is read is compared with its subject: an id is put into words once.
    let name = format!("{tenant}.{entity}");
    format!("{EVENTS_PREFIX}{:02}.{name}", partition_of(&name))
}

/// `relevo.intake.<endpoint>`.
pub fn intake(endpoint: &EndpointId) -> String {
    format!("{INTAKE_PREFIX}{endpoint}")
}

/// The endpoint that an intake subject names.
pub fn intake_endpoint(subject: &str) -> Option<EndpointId> {
    EndpointId::new(subject.strip_prefix(INTAKE_PREFIX)?).ok()
}

/// `relevo.parked.<endpoint>.<raw item>`: a subject an item makes parking idempotent for ever, not for two minutes. The raw item is
/// named by its intake sequence, `<sequence>-<part>` where it is a part of several.
pub fn parked(endpoint: &EndpointId, id: RawId) -> String {
    format!("{PARKED_PREFIX}{endpoint}.{id}")
}

/// `relevo.mailbox.<endpoint>.<hash of the folder's name>`: a folder's name is the customer's business and may hold anything.
pub fn mailbox(endpoint: &EndpointId, folder: &str) -> String {
    let hash = Sha256::digest(folder.as_bytes());
    format!("{MAILBOX_PREFIX}{endpoint}.{}", hex::encode(&hash[..FOLDER_HASH_BYTES]))
}

/// `relevo.channels.<tenant>.<channel>`.
pub fn channel(tenant: &TenantId, channel: &ChannelId) -> String {
    format!("{CHANNELS_PREFIX}{tenant}.{channel}")
}

/// The tenant and the channel that such a subject names.
pub fn named_channel(subject: &str) -> Option<(TenantId, ChannelId)> {
    let (tenant, channel) = subject.strip_prefix(CHANNELS_PREFIX)?.split_once('.')?;
    Some((TenantId::new(tenant).ok()?, ChannelId::new(channel).ok()?))
}

/// The endpoint and the raw item that a parked subject names.
pub fn parked_item(subject: &str) -> Option<(EndpointId, RawId)> {
    let (endpoint, id) = subject.strip_prefix(PARKED_PREFIX)?.split_once('.')?;
    Some((EndpointId::new(endpoint).ok()?, id.parse().ok()?))
}

/// `relevo.metrics.<tenant>.<metric>`; a metric's name matches `[a-z][a-z0-9_]*`.
pub fn metric(tenant: &TenantId, metric: &str) -> Result<String, LogError> {
    let starts = metric.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    let allowed = metric.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !starts || !allowed || metric.len() > METRIC_CHARS_MAX {
        return Err(LogError::Refused("a metric's name must match [a-z][a-z0-9_]{0,63}".to_owned()));
    }
    Ok(format!("{METRICS_PREFIX}{tenant}.{metric}"))
}

/// `relevo.republish.<tenant>.<name>`; the name is chosen by who asks and matches `[a-z][a-z0-9_-]*`.
pub fn republish(tenant: &TenantId, name: &str) -> Result<String, LogError> {
    let starts = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    let allowed = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
    if !starts || !allowed || name.len() > METRIC_CHARS_MAX {
        return Err(LogError::Refused("the name of a re-publication must match [a-z][a-z0-9_-]{0,63}".to_owned()));
    }
    Ok(format!("{REPUBLISH_PREFIX}{tenant}.{name}"))
}

/// `relevo.replay.<tenant>.<name>`; the name is chosen by who asks, as one for [`republish`] is.
pub fn replay(tenant: &TenantId, name: &str) -> Result<String, LogError> {
    republish(tenant, name)?;
    Ok(format!("{REPLAY_PREFIX}{tenant}.{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_domain::EntityKind;

    fn tenant() -> TenantId {
        TenantId::new("demo").unwrap()
    }

    #[test]
    fn subjects_never_change() {
        // Pinned: an entity whose subject changed would lose its history.
        let conversation = EntityId::new(EntityKind::Conversation, [7; 16]);
        assert_eq!(entity(&tenant(), &conversation), "relevo.events.57.demo.cnv_070w3ge1r70w3ge1r70w3ge1r7");
        assert_eq!(entity(&tenant(), &EntityId::WORKSPACE), "relevo.events.19.demo.wks");
    }

    #[test]
    fn partitions_are_spread() {
        let mut seen = [0u32; PARTITIONS as usize];
        for n in 0..6400u32 {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            seen[partition(&tenant(), &EntityId::new(EntityKind::Contact, bytes)) as usize] += 1;
        }
        assert!(seen.iter().all(|count| (40..200).contains(count)), "{seen:?}");
    }

    #[test]
    fn endpoints_read_back_and_hostile_subjects_do_not() {
        let endpoint = EndpointId::new("meta-1").unwrap();
        assert_eq!(intake_endpoint(&intake(&endpoint)), Some(endpoint.clone()));
        for (id, token) in [(RawId::alone(7), "7"), (RawId { sequence: 7, part: 3 }, "7-3")] {
            let subject = parked(&endpoint, id);
            assert_eq!(subject, format!("relevo.parked.meta-1.{token}"));
            assert_eq!(parked_item(&subject), Some((endpoint.clone(), id)));
        }
        for bad in ["relevo.intake.", "relevo.intake.a.b", "relevo.intake.*", "other.a"] {
            assert_eq!(intake_endpoint(bad), None, "{bad}");
        }
        for bad in ["relevo.parked.a", "relevo.parked.a.b", "relevo.parked.a.1.2", "relevo.parked.a.1-0"] {
            assert_eq!(parked_item(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_metric_is_one_token() {
        assert_eq!(metric(&tenant(), "first_response").unwrap(), "relevo.metrics.demo.first_response");
        for bad in ["", "a.b", "a>", "A", "1a", &"a".repeat(65)] {
            assert!(metric(&tenant(), bad).is_err(), "{bad}");
            assert!(republish(&tenant(), bad).is_err(), "{bad}");
        }
        assert_eq!(republish(&tenant(), "audit-2026").unwrap(), "relevo.republish.demo.audit-2026");
    }
}
