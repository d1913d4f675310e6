//! Reads the lists of templates, page after page, and says what each template looks like.
//!
//! A template without a body (Twilio has such content: cards, carousels) is left out: it cannot be shown or filled in.

use relevo_domain::channel::TEMPLATES_MAX;
use relevo_domain::conversation::{FailureClass, SendFailure};
use relevo_domain::template::{Header, Template, TemplateButton, TemplateStatus};
use serde_json::Value;

use crate::account::{MetaAccount, TwilioAccount};
use crate::http::Http;
use crate::refusal::{failure, misconfigured};
use crate::{meta, twilio};

/// Templates a page.
const PAGE_SIZE: usize = 100;
/// Pages that are read: what is kept of a channel, in pages half full.
const PAGES_MAX: usize = 2 * TEMPLATES_MAX / PAGE_SIZE;

/// All templates of the number's account.
pub(crate) async fn of_meta(http: &Http, account: &MetaAccount) -> Result<Vec<Template>, SendFailure> {
    let waba = account.waba_id.as_deref().ok_or_else(|| misconfigured("no WhatsApp Business account id"))?;
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        // In a block of its own: the serializer must not live across the call.
        let path = {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("fields", "id,name,language,status,category,components,rejected_reason");
            query.append_pair("limit", &PAGE_SIZE.to_string());
            if let Some(after) = &after {
                query.append_pair("after", after);
            }
            format!("{waba}/message_templates?{}", query.finish())
        };
        let page = meta::get(http, account, &path).await.map_err(|(refused, _)| refused)?;
        let data = page.get("data").and_then(Value::as_array).ok_or_else(no_list)?;
        all.extend(data.iter().filter_map(meta_template));
        // The cursor, not the address of the next page: that holds the token, and may lead anywhere.
        let next = page.pointer("/paging/next").and_then(Value::as_str);
        let cursor = page.pointer("/paging/cursors/after").and_then(Value::as_str).map(str::to_owned);
        after = next.and(cursor);
        if after.is_none() || all.len() >= TEMPLATES_MAX {
            return Ok(bounded(all));
        }
    }
    Ok(bounded(all))
}

/// All content of the account, with what WhatsApp said about it.
pub(crate) async fn of_twilio(http: &Http, account: &TwilioAccount) -> Result<Vec<Template>, SendFailure> {
    let mut all = Vec::new();
    let mut path = format!("/v1/ContentAndApprovals?PageSize={PAGE_SIZE}");
    for _ in 0..PAGES_MAX {
        let url = format!("{}{path}", account.content_url);
        let page = twilio::get(http, account, &url).await.map_err(|(refused, _)| refused)?;
        let data = page.get("contents").and_then(Value::as_array).ok_or_else(no_list)?;
        all.extend(data.iter().filter_map(twilio_template));
        let next = page.pointer("/meta/next_page_url").and_then(Value::as_str).and_then(path_of);
        let Some(next) = next.filter(|_| all.len() < TEMPLATES_MAX) else {
            return Ok(bounded(all));
        };
        path = next;
    }
    Ok(bounded(all))
}

fn bounded(mut all: Vec<Template>) -> Vec<Template> {
    all.truncate(TEMPLATES_MAX);
    all
}

fn no_list() -> SendFailure {
    failure(FailureClass::Transient, "unreadable", "the answer holds no list")
}

/// Path and query of an address: the host stays the configured one, because the credential goes with the request.
fn path_of(url: &str) -> Option<String> {
    let url: http::Uri = url.parse().ok()?;
    url.path_and_query().map(|path| path.as_str().to_owned())
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned).filter(|text| !text.is_empty())
}

// === Meta ===

fn meta_template(found: &Value) -> Option<Template> {
    let mut template = Template {
        name: text(found, "name")?,
        language: text(found, "language")?,
        provider_id: found
            .get("id")
            .and_then(|id| id.as_str().map(str::to_owned).or_else(|| Some(id.as_u64()?.to_string()))),
        status: TemplateStatus::parse(&text(found, "status")?),
        category: text(found, "category").unwrap_or_default().to_lowercase(),
        header: None,
        body: String::new(),
        footer: None,
        buttons: Vec::new(),
        reason: text(found, "rejected_reason").filter(|reason| reason != "NONE"),
    };
    for component in found.get("components").and_then(Value::as_array).into_iter().flatten() {
        match component.get("type").and_then(Value::as_str).unwrap_or_default().to_uppercase().as_str() {
            "HEADER" => template.header = meta_header(component),
            "BODY" => template.body = text(component, "text").unwrap_or_default(),
            "FOOTER" => template.footer = text(component, "text"),
            "BUTTONS" => {
                let buttons = component.get("buttons").and_then(Value::as_array).into_iter().flatten();
                template.buttons = buttons.map(meta_button).collect();
            }
            _ => {}
        }
    }
    Some(template).filter(|template| !template.body.is_empty())
}

fn meta_header(component: &Value) -> Option<Header> {
    match component.get("format").and_then(Value::as_str).unwrap_or_default().to_uppercase().as_str() {
        "TEXT" => text(component, "text").map(Header::Text),
        "IMAGE" => Some(Header::Image),
        "VIDEO" => Some(Header::Video),
        "DOCUMENT" => Some(Header::Document),
        "LOCATION" => Some(Header::Location),
        _ => None,
    }
}

fn meta_button(button: &Value) -> TemplateButton {
    TemplateButton {
        kind: text(button, "type").unwrap_or_default().to_lowercase(),
        text: text(button, "text").unwrap_or_default(),
        url: text(button, "url"),
    }
}

// === Twilio ===

fn twilio_template(found: &Value) -> Option<Template> {
    let approval = found.get("approval_requests").unwrap_or(&Value::Null);
    // One content has one type that matters; the richest comes last in none of them, so: the first with a body.
    let types = found.get("types")?.as_object()?;
    let (_, shown) = types.iter().find(|(_, shown)| text(shown, "body").is_some())?;
    let buttons = shown.get("actions").and_then(Value::as_array).into_iter().flatten();
    Some(Template {
        name: text(approval, "name").or_else(|| text(found, "friendly_name"))?,
        language: text(found, "language")?,
        provider_id: Some(text(found, "sid")?),
        status: TemplateStatus::parse(&text(approval, "status").unwrap_or_else(|| "unsubmitted".to_owned())),
        category: text(approval, "category").unwrap_or_default().to_lowercase(),
        header: text(shown, "header_text").map(Header::Text),
        body: text(shown, "body")?,
        footer: text(shown, "footer"),
        buttons: buttons.map(twilio_button).collect(),
        reason: text(approval, "rejection_reason"),
    })
}

fn twilio_button(action: &Value) -> TemplateButton {
    let kind = text(action, "type").unwrap_or_else(|| "quick_reply".to_owned()).to_lowercase();
    TemplateButton { kind, text: text(action, "title").unwrap_or_default(), url: text(action, "url") }
}
