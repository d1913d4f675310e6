//! What staff writes with: a channel's templates, whether it sends now, and the quick replies of the workspace.

use relevo_domain::channel::TEMPLATES_MAX;
use relevo_domain::quick_reply::{QUICK_REPLIES_MAX, QuickReply};
use relevo_domain::template::{Header, Template, TemplateButton, TemplateStatus};
use relevo_domain::{EntityId, TenantId, Timestamp};
use relevo_projection::{RowSource, row};
use relevo_readstore::{Direction, KeyRange};

use super::{ReadError, bad, load};
use crate::keys;
use crate::row::{ChannelRow, HeaderRow, QuickReplyRow, TemplateRow};

/// The templates of a channel, by name and language. At most as many as a channel may have.
pub fn templates(source: &dyn RowSource, tenant: &TenantId, channel: EntityId) -> Result<Vec<Template>, ReadError> {
    let range = KeyRange::prefix(keys::template_prefix(tenant, channel));
    let rows = source.scan(&range, Direction::Forward, TEMPLATES_MAX)?;
    rows.iter().map(|(_, value)| read_template(row::decode("template", value)?)).collect()
}

/// Since when nothing is sent from a channel; `None` if it sends.
pub fn channel_paused_since(
    source: &dyn RowSource,
    tenant: &TenantId,
    channel: EntityId,
) -> Result<Option<Timestamp>, ReadError> {
    let row: Option<ChannelRow> = load(source, "channel", &keys::channel(tenant, channel))?;
    Ok(row.and_then(|row| row.paused_since).map(Timestamp::from_millis))
}

/// The quick replies of the workspace with their names, by name. At most as many as a workspace may have.
pub fn quick_replies(source: &dyn RowSource, tenant: &TenantId) -> Result<Vec<(String, QuickReply)>, ReadError> {
    let range = KeyRange::prefix(keys::quick_reply_prefix(tenant));
    let rows = source.scan(&range, Direction::Forward, QUICK_REPLIES_MAX)?;
    let read = |(key, value): &(Vec<u8>, Vec<u8>)| {
        let QuickReplyRow { title, text } = row::decode("quick reply", value)?;
        Ok((keys::read_quick_reply(key)?, QuickReply { title, text }))
    };
    rows.iter().map(read).collect()
}

fn read_template(row: TemplateRow) -> Result<Template, ReadError> {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(Template {
        name: row.name,
        language: row.language,
        provider_id: some(row.provider_id),
        status: TemplateStatus::parse(&row.status),
        category: row.category,
        header: row.header.map(read_header).transpose()?,
        body: row.body,
        footer: row.footer,
        buttons: row
            .buttons
            .into_iter()
            .map(|button| TemplateButton { kind: button.kind, text: button.text, url: button.url })
            .collect(),
        reason: some(row.reason),
    })
}

fn read_header(row: HeaderRow) -> Result<Header, ReadError> {
    Ok(match row.kind.as_str() {
        "text" => Header::Text(row.text),
        "image" => Header::Image,
        "video" => Header::Video,
        "document" => Header::Document,
        "location" => Header::Location,
        _ => return Err(bad("template header")),
    })
}
