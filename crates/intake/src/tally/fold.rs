//! What each update of a raw item became, from the decision store alone. Pure but for the look-up by key.

use relevo_channels::{Class, Update};
use relevo_command::decision::Applied;
use relevo_domain::{CommandId, EndpointId, IntakePointer};
use relevo_eventlog::StoredInput;
use sha2::{Digest as _, Sha256};

use super::counters::Became;
use crate::handle::{HandleError, Handler};
use crate::routes::ChannelRef;
use crate::stored::StoredUpdate;

/// SHA-256 of an endpoint's name and the bytes that it was sent.
pub(crate) type Content = [u8; 32];

pub(crate) fn content(endpoint: &EndpointId, body: &[u8]) -> Content {
    let mut hash = Sha256::new();
    hash.update(endpoint.as_str().as_bytes());
    hash.update([0]);
    hash.update(body);
    hash.finalize().into()
}

/// Whose counters an update is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    Channel(ChannelRef),
    Unrouted(EndpointId),
}

/// One update of a raw item, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub ordinal: u32,
    pub bucket: Bucket,
    pub became: Became,
    /// How it would be found again, if it is parked now and stored later.
    pub command: Option<(CommandId, Class)>,
}

impl Entry {
    /// Of an update of which this node knows that it is stored, or was before: what the look-up would say.
    pub(crate) fn stored(update: StoredUpdate) -> Self {
        let StoredUpdate { ordinal, channel, class } = update;
        let became = class.map_or(Became::Duplicate, Became::Stored);
        Self { ordinal, bucket: Bucket::Channel(channel), became, command: None }
    }
}

/// What an update became that has been applied here; `None` if it has not.
pub(crate) fn became(applied: &[Applied], pointer: IntakePointer, class: Class) -> Option<Became> {
    if applied.is_empty() {
        None
    } else if applied.iter().any(|applied| applied.intake == Some(pointer)) {
        Some(Became::Stored(class))
    } else {
        Some(Became::Duplicate)
    }
}

pub(crate) fn entries(handler: &Handler, item: &StoredInput, updates: &[Update]) -> Result<Vec<Entry>, HandleError> {
    updates
        .iter()
        .enumerate()
        .map(|(ordinal, update)| {
            let ordinal = u32::try_from(ordinal).unwrap_or(u32::MAX);
            let pointer = item.id.update(ordinal);
            entry(handler, &item.input.endpoint, pointer, update)
        })
        .collect()
}

fn entry(
    handler: &Handler,
    endpoint: &EndpointId,
    pointer: IntakePointer,
    update: &Update,
) -> Result<Entry, HandleError> {
    let (channel, command) = handler.identify(endpoint, update)?;
    let class = update.content.as_ref().ok().map(relevo_channels::Fact::class);
    let ordinal = pointer.ordinal;
    let Some(channel) = channel else {
        let bucket = Bucket::Unrouted(endpoint.clone());
        return Ok(Entry { ordinal, bucket, became: Became::Parked, command: None });
    };
    let command = command.zip(class);
    let became = match &command {
        Some((command, class)) => became(&applied(handler, &channel, command)?, pointer, *class),
        None => None,
    };
    Ok(Entry { ordinal, bucket: Bucket::Channel(channel), became: became.unwrap_or(Became::Parked), command })
}

/// What a command did. What the store can never say is as good as nothing: intake parks the update for the same cause.
pub(crate) fn applied(
    handler: &Handler,
    channel: &ChannelRef,
    command: &CommandId,
) -> Result<Vec<Applied>, HandleError> {
    match handler.ledger.commands(&channel.tenant, command).map_err(HandleError::from) {
        Err(error) if error.permanent().is_some() => Ok(Vec::new()),
        applied => applied,
    }
}

/// The one entry of a raw item that cannot be read.
pub(crate) fn unreadable(endpoint: &EndpointId) -> Entry {
    Entry { ordinal: 0, bucket: Bucket::Unrouted(endpoint.clone()), became: Became::Parked, command: None }
}
