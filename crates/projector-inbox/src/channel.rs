//! What each event changes in a channel's templates, and whether it sends now.
//!
//! A channel is named by its entity here, as on the log; what people call it is the configuration's. A report that no
//! conversation has, and what else a provider says about an account, show nowhere.

use relevo_domain::channel::{ChannelEvent, TEMPLATES_MAX};
use relevo_domain::template::{Header, Template};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::apply::Moment;
use crate::keys;
use crate::row::{ButtonRow, ChannelRow, HeaderRow, TemplateRow};

pub(crate) fn apply(rows: &mut dyn Rows, moment: Moment<'_>, event: &ChannelEvent) -> Result<(), ApplyError> {
    let key = |name: &str, language: &str| keys::template(moment.tenant, moment.entity, name, language);
    match event {
        ChannelEvent::TemplateChanged(template) => {
            let key = key(&template.name, &template.language);
            let known = rows.get(&key)?.is_some();
            // The same bound as the rules have.
            if known || change(rows, moment, added)? {
                store(rows, key, &row_of(template));
            }
        }
        ChannelEvent::TemplateStatusChanged { name, language, status, reason } => {
            let key = key(name, language);
            if let Some(mut row) = load::<TemplateRow>(&*rows, "template", &key)? {
                status.as_str().clone_into(&mut row.status);
                row.reason = reason.clone().unwrap_or_default();
                store(rows, key, &row);
            }
        }
        ChannelEvent::TemplateRemoved { name, language } => {
            let key = key(name, language);
            if rows.get(&key)?.is_some() {
                rows.delete(key);
                change(rows, moment, |channel| channel.templates = channel.templates.saturating_sub(1))?;
            }
        }
        ChannelEvent::ChannelPaused => {
            change(rows, moment, |channel| {
                channel.paused_since.get_or_insert(moment.at);
            })?;
        }
        ChannelEvent::ChannelResumed => change(rows, moment, |channel| channel.paused_since = None)?,
        ChannelEvent::DeliveryReported(_) | ChannelEvent::ProviderUpdated { .. } => {}
    }
    Ok(())
}

/// Whether there is room for one more.
fn added(channel: &mut ChannelRow) -> bool {
    let room = (channel.templates as usize) < TEMPLATES_MAX;
    channel.templates += u32::from(room);
    room
}

fn change<T>(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    change: impl FnOnce(&mut ChannelRow) -> T,
) -> Result<T, ApplyError> {
    let key = keys::channel(moment.tenant, moment.entity);
    let mut row: ChannelRow = load(&*rows, "channel", &key)?.unwrap_or_default();
    let answer = change(&mut row);
    if row == ChannelRow::default() {
        rows.delete(key);
    } else {
        store(rows, key, &row);
    }
    Ok(answer)
}

fn row_of(template: &Template) -> TemplateRow {
    let header = template.header.as_ref().map(|header| {
        let (kind, text) = match header {
            Header::Text(text) => ("text", text.as_str()),
            Header::Image => ("image", ""),
            Header::Video => ("video", ""),
            Header::Document => ("document", ""),
            Header::Location => ("location", ""),
        };
        HeaderRow { kind: kind.to_owned(), text: text.to_owned() }
    });
    let button = |button: &relevo_domain::template::TemplateButton| ButtonRow {
        kind: button.kind.clone(),
        text: button.text.clone(),
        url: button.url.clone(),
    };
    TemplateRow {
        provider_id: template.provider_id.clone().unwrap_or_default(),
        status: template.status.as_str().to_owned(),
        category: template.category.clone(),
        header,
        body: template.body.clone(),
        footer: template.footer.clone(),
        buttons: template.buttons.iter().map(button).collect(),
        reason: template.reason.clone().unwrap_or_default(),
        name: template.name.clone(),
        language: template.language.clone(),
    }
}
