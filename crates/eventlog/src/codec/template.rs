//! Templates and quick replies, as the log keeps them.

use relevo_domain::channel::ChannelEvent;
use relevo_domain::quick_reply::QuickReply;
use relevo_domain::template::{Header, Template, TemplateButton, TemplateStatus};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_proto::event::v1 as wire;

use super::DecodeError;

pub(super) fn encode(template: &Template) -> wire::TemplateChanged {
    let Template { name, language, provider_id, status, category, header, body, footer, buttons, reason } = template;
    wire::TemplateChanged {
        name: name.clone(),
        language: language.clone(),
        provider_id: provider_id.clone(),
        status: status.as_str().to_owned(),
        category: category.clone(),
        header: header.as_ref().map(encode_header),
        body: body.clone(),
        footer: footer.clone(),
        buttons: buttons
            .iter()
            .map(|TemplateButton { kind, text, url }| wire::TemplateButton {
                kind: kind.clone(),
                text: text.clone(),
                url: url.clone(),
            })
            .collect(),
        reason: reason.clone(),
    }
}

pub(super) fn decode(event: wire::TemplateChanged) -> Result<ChannelEvent, DecodeError> {
    Ok(ChannelEvent::TemplateChanged(Box::new(Template {
        name: event.name,
        language: event.language,
        provider_id: event.provider_id,
        status: TemplateStatus::parse(&event.status),
        category: event.category,
        header: event.header.map(decode_header).transpose()?,
        body: event.body,
        footer: event.footer,
        buttons: event
            .buttons
            .into_iter()
            .map(|wire::TemplateButton { kind, text, url }| TemplateButton { kind, text, url })
            .collect(),
        reason: event.reason,
    })))
}

fn encode_header(header: &Header) -> wire::TemplateHeader {
    let (kind, text) = match header {
        Header::Text(text) => ("text", text.as_str()),
        Header::Image => ("image", ""),
        Header::Video => ("video", ""),
        Header::Document => ("document", ""),
        Header::Location => ("location", ""),
    };
    wire::TemplateHeader { kind: kind.to_owned(), text: text.to_owned() }
}

fn decode_header(header: wire::TemplateHeader) -> Result<Header, DecodeError> {
    Ok(match header.kind.as_str() {
        "text" => Header::Text(header.text),
        "image" => Header::Image,
        "video" => Header::Video,
        "document" => Header::Document,
        "location" => Header::Location,
        _ => return Err(DecodeError::Invalid("header.kind")),
    })
}

pub(super) fn encode_quick_reply(name: &str, reply: &QuickReply) -> wire::QuickReplySet {
    let QuickReply { title, text } = reply.clone();
    wire::QuickReplySet { name: name.to_owned(), title, text }
}

pub(super) fn decode_quick_reply(event: wire::QuickReplySet) -> WorkspaceEvent {
    WorkspaceEvent::QuickReplySet { name: event.name, reply: QuickReply { title: event.title, text: event.text } }
}
