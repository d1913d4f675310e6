//! Rows of what a channel and a workspace list: templates and quick replies.

use relevo_domain::channel;
use relevo_domain::quick_reply::QuickReply;
use relevo_domain::template::{Header, Template, TemplateButton, TemplateStatus};

use super::{BadRow, bad};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ChannelRow {
    #[prost(message, repeated, tag = "1")]
    templates: Vec<TemplateRow>,
    #[prost(bool, tag = "2")]
    paused: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct TemplateRow {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    language: String,
    #[prost(string, optional, tag = "3")]
    provider_id: Option<String>,
    #[prost(string, tag = "4")]
    status: String,
    #[prost(string, tag = "5")]
    category: String,
    #[prost(message, optional, tag = "6")]
    header: Option<HeaderRow>,
    #[prost(string, tag = "7")]
    body: String,
    #[prost(string, optional, tag = "8")]
    footer: Option<String>,
    #[prost(message, repeated, tag = "9")]
    buttons: Vec<ButtonRow>,
    #[prost(string, optional, tag = "10")]
    reason: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct HeaderRow {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    text: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ButtonRow {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    text: String,
    #[prost(string, optional, tag = "3")]
    url: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct QuickReplyRow {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    title: String,
    #[prost(string, tag = "3")]
    text: String,
}

pub(super) fn channel_row(state: &channel::State) -> ChannelRow {
    ChannelRow { templates: state.templates.values().map(template_row).collect(), paused: state.paused }
}

pub(super) fn channel(row: ChannelRow) -> Result<channel::State, BadRow> {
    let templates = row.templates.into_iter().map(|row| {
        let template = template(row)?;
        Ok(((template.name.clone(), template.language.clone()), template))
    });
    Ok(channel::State { templates: templates.collect::<Result<_, BadRow>>()?, paused: row.paused })
}

fn template_row(template: &Template) -> TemplateRow {
    TemplateRow {
        name: template.name.clone(),
        language: template.language.clone(),
        provider_id: template.provider_id.clone(),
        status: template.status.as_str().to_owned(),
        category: template.category.clone(),
        header: template.header.as_ref().map(header_row),
        body: template.body.clone(),
        footer: template.footer.clone(),
        buttons: template
            .buttons
            .iter()
            .map(|button| ButtonRow { kind: button.kind.clone(), text: button.text.clone(), url: button.url.clone() })
            .collect(),
        reason: template.reason.clone(),
    }
}

fn template(row: TemplateRow) -> Result<Template, BadRow> {
    Ok(Template {
        name: row.name,
        language: row.language,
        provider_id: row.provider_id,
        status: TemplateStatus::parse(&row.status),
        category: row.category,
        header: row.header.map(header).transpose()?,
        body: row.body,
        footer: row.footer,
        buttons: row
            .buttons
            .into_iter()
            .map(|row| TemplateButton { kind: row.kind, text: row.text, url: row.url })
            .collect(),
        reason: row.reason,
    })
}

fn header_row(header: &Header) -> HeaderRow {
    let (kind, text) = match header {
        Header::Text(text) => ("text", text.as_str()),
        Header::Image => ("image", ""),
        Header::Video => ("video", ""),
        Header::Document => ("document", ""),
        Header::Location => ("location", ""),
    };
    HeaderRow { kind: kind.to_owned(), text: text.to_owned() }
}

fn header(row: HeaderRow) -> Result<Header, BadRow> {
    Ok(match row.kind.as_str() {
        "text" => Header::Text(row.text),
        "image" => Header::Image,
        "video" => Header::Video,
        "document" => Header::Document,
        "location" => Header::Location,
        _ => return Err(bad("template header")),
    })
}

pub(super) fn quick_reply_row((name, reply): (&String, &QuickReply)) -> QuickReplyRow {
    QuickReplyRow { name: name.clone(), title: reply.title.clone(), text: reply.text.clone() }
}

pub(super) fn quick_reply(row: QuickReplyRow) -> (String, QuickReply) {
    (row.name, QuickReply { title: row.title, text: row.text })
}
