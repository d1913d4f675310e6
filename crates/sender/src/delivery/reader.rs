//! Reads the delivery view, in one snapshot.

use std::ops::ControlFlow;

use relevo_domain::conversation::{Medium, Pending, medium_mark};
use relevo_domain::{ChannelId, EntityId, IntakePointer, MessageId, TenantId, Timestamp};
use relevo_projection::RowSource;
use relevo_projection::row::{ReadError, decode, read};
use relevo_readstore::{Direction, KeyError, KeyRange};

use super::keys::{self, Act};
use super::row::{ChannelRow, Known, LaneRow, MediumRow, OutboxRow};

/// Turns that one look examines, however many of them are skipped: a look is short, and the next one goes on behind these.
pub const TURNS_EXAMINED_MAX: usize = 4_096;
/// Channels that are listed: more than an installation has.
const LANES_MAX: usize = 65_536;

/// A conversation about whose first message something has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    pub conversation: EntityId,
    pub at: Timestamp,
}

/// What one look at turns found, and where it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    pub found: Vec<Turn>,
    /// The last one that was looked at, if there may be others behind it.
    pub last: Option<Turn>,
    /// It ended because too many were looked at, not because enough were found.
    pub tired: bool,
}

/// What a conversation has on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbox(Known);

/// A message on its way, and where it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub pending: Pending,
    /// Position of the commit that queued it.
    pub sequence: u64,
    /// It may only be sent while the customer's window is open.
    pub needs_window: bool,
    /// From then on it is too late to hand it over.
    pub expires_at: Timestamp,
}

/// What there is to do for a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    pub tenant: TenantId,
    pub channel: ChannelId,
    /// Position of the last change of anything on its way.
    pub changed: u64,
    /// Messages that wait or are claimed.
    pub waiting: u64,
    /// Messages of unknown outcome.
    pub unknown: u64,
    /// Position of the last change of the media to fetch.
    pub media_changed: u64,
    /// Media to fetch.
    pub media: u64,
}

/// What a channel's own events say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelState {
    pub paused: bool,
    /// Position of the last pause or resumption; 0 if there is none.
    pub switched: u64,
    /// Position at which the provider last said something about templates; 0 if it never did.
    pub templates: u64,
}

/// A medium of a message that is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediumToFetch {
    pub conversation: EntityId,
    pub message: MessageId,
    /// Which attachment of the message, from 0.
    pub index: u32,
    /// The provider's id of the medium, or the index of the part of a mail.
    pub provider_id: Option<String>,
    /// Where the provider serves it.
    pub url: Option<String>,
    /// As declared, lower case.
    pub mime_type: String,
    /// Where it is known.
    pub size_bytes: Option<u64>,
    /// Personal.
    pub file_name: Option<String>,
    /// When the message, or the edit, was recorded.
    pub at: Timestamp,
    /// An edit brought it, or brought it again.
    pub edited: bool,
    /// Position of the commit with the message, or with the edit that brought this medium.
    pub sequence: u64,
    /// The raw item that the message was made from.
    pub intake: Option<IntakePointer>,
    /// It is a part of a mail, which is cut out of the raw item.
    pub of_mail: bool,
}

/// What a conversation has on its way; `None` for one that does not exist.
pub fn outbox(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    conversation: EntityId,
) -> Result<Option<Outbox>, ReadError> {
    let row: Option<OutboxRow> = read(source, "outbox", &keys::outbox(tenant, conversation))?;
    Ok(row.map(|row| row.read()).transpose()?.map(Outbox))
}

/// The conversations of a channel whose time for `act` has come, or comes before `until`; the earliest first, at most `limit`.
/// Those that `skip` names are left out, and of all at most [`TURNS_EXAMINED_MAX`] are looked at.
pub fn turns(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    channel: &ChannelId,
    act: Act,
    until: Timestamp,
    limit: usize,
    skip: &dyn Fn(EntityId) -> bool,
) -> Result<Vec<Turn>, ReadError> {
    Ok(turns_behind(source, (tenant, channel, act), None, until, limit, skip)?.found)
}

/// The same behind a turn of an earlier look, if one is named; says where it ended.
pub fn turns_behind(
    source: &(impl RowSource + ?Sized),
    (tenant, channel, act): (&TenantId, &ChannelId, Act),
    behind: Option<Turn>,
    until: Timestamp,
    limit: usize,
    skip: &dyn Fn(EntityId) -> bool,
) -> Result<Turns, ReadError> {
    let (mut turns, mut examined, mut wrong) = (Turns::default(), 0, None);
    let mut range = KeyRange::prefix(keys::turns(tenant, channel.as_str(), act).finish());
    if let Some(Turn { conversation, at }) = behind {
        range = range.after(&keys::turn(tenant, channel.as_str(), act, at.as_millis(), conversation));
    }
    let (mut last, mut ended) = (None, false);
    source.visit(&range, Direction::Forward, &mut |key, _value| {
        match keys::read_turn(key) {
            Ok((at, _)) if at > until => return ControlFlow::Break(()),
            Ok(_) if turns.found.len() >= limit || examined >= TURNS_EXAMINED_MAX => {
                (ended, turns.tired) = (true, turns.found.len() < limit);
                return ControlFlow::Break(());
            }
            Ok((at, conversation)) => {
                examined += 1;
                last = Some(Turn { conversation, at });
                if !skip(conversation) {
                    turns.found.push(Turn { conversation, at });
                }
            }
            Err(error) => {
                wrong = Some(error);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    turns.last = last.filter(|_| ended);
    wrong.map_or(Ok(turns), |error: KeyError| Err(error.into()))
}

/// What there is to do for every channel that ever had something to do.
pub fn lanes(source: &(impl RowSource + ?Sized)) -> Result<Vec<Lane>, ReadError> {
    let rows = source.scan(&KeyRange::prefix(keys::lanes().finish()), Direction::Forward, LANES_MAX)?;
    rows.iter()
        .map(|(key, value)| {
            let (tenant, channel) = keys::read_lane_names(key)?;
            Ok(lane_of(tenant, channel, decode("lane", value)?))
        })
        .collect()
}

/// What there is to do for one channel.
pub fn lane(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    channel: &ChannelId,
) -> Result<Option<Lane>, ReadError> {
    let row: Option<LaneRow> = read(source, "lane", &keys::lane(tenant, channel.as_str()))?;
    Ok(row.map(|row| lane_of(tenant.clone(), channel.clone(), row)))
}

/// What the channel's own events say. `entity` is the channel's id on the log.
pub fn channel_state(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    entity: EntityId,
) -> Result<ChannelState, ReadError> {
    let row: ChannelRow = read(source, "channel", &keys::channel(tenant, entity))?.unwrap_or_default();
    Ok(ChannelState { paused: row.paused, switched: row.switched, templates: row.templates })
}

/// Media of a channel that are to be fetched, behind `after`, at most `limit`; fewer only if there are no more.
pub fn media_to_fetch(
    source: &(impl RowSource + ?Sized),
    tenant: &TenantId,
    channel: &ChannelId,
    after: Option<&MediumToFetch>,
    limit: usize,
) -> Result<Vec<MediumToFetch>, ReadError> {
    let mut range = KeyRange::prefix(keys::media(tenant, channel.as_str()).finish());
    if let Some(last) = after {
        let key = keys::medium(tenant, channel.as_str(), last.conversation, last.message, last.index);
        range = range.after(&key);
    }
    let rows = source.scan(&range, Direction::Forward, limit)?;
    rows.iter().map(|(key, value)| medium(key, decode("medium", value)?)).collect()
}

// === impl Outbox ===

impl Outbox {
    pub const fn channel(&self) -> &ChannelId {
        &self.0.opened.channel
    }

    /// The message whose turn it is.
    pub fn head(&self) -> Option<Waiting> {
        self.0.opened.head().map(|pending| self.waiting(pending))
    }

    /// Everything on its way, in the order of queueing.
    pub fn all(&self) -> Vec<Waiting> {
        self.0.opened.outbox.iter().map(|pending| self.waiting(pending)).collect()
    }

    /// Until when the business may write freely; absent if it may not.
    pub fn window_expires_at(&self) -> Option<Timestamp> {
        self.0.opened.window_expires_at()
    }

    /// Whether the business speaks first with this message: it needs no window, and there is none.
    pub fn by_initiative(&self, message: &Waiting, now: Timestamp) -> bool {
        let windows = self.0.opened.medium != Medium::Email;
        windows && !message.needs_window && self.window_expires_at().is_none_or(|expires| expires <= now)
    }

    fn waiting(&self, pending: &Pending) -> Waiting {
        let queued = self.0.place(pending.id);
        let spoke_at = self.0.opened.customer_spoke_at;
        Waiting {
            pending: pending.clone(),
            sequence: queued.sequence,
            needs_window: queued.needs_window,
            expires_at: super::expires_at(pending.queued_at, queued.needs_window, spoke_at),
        }
    }
}

// === impl MediumToFetch ===

impl MediumToFetch {
    /// Tells it from what stands in its place after another edit.
    pub fn mark(&self) -> Option<u64> {
        medium_mark(self.provider_id.as_deref(), self.url.as_deref())
    }
}

fn lane_of(tenant: TenantId, channel: ChannelId, row: LaneRow) -> Lane {
    let LaneRow { changed, waiting, unknown, media_changed, media } = row;
    Lane { tenant, channel, changed, waiting, unknown, media_changed, media }
}

fn medium(key: &[u8], row: MediumRow) -> Result<MediumToFetch, ReadError> {
    let (conversation, message, index) = keys::read_medium(key)?;
    let pointer = IntakePointer { sequence: row.intake_sequence, part: row.intake_part, ordinal: row.intake_ordinal };
    Ok(MediumToFetch {
        conversation,
        message,
        index,
        provider_id: row.provider_id,
        url: row.url,
        mime_type: row.mime_type,
        size_bytes: row.size_bytes,
        file_name: row.file_name,
        at: Timestamp::from_millis(row.at),
        edited: row.edited_at.is_some(),
        sequence: row.sequence,
        intake: (row.intake_sequence > 0).then_some(pointer),
        of_mail: row.of_mail,
    })
}
