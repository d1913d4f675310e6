//! A stand-in for Meta's Cloud API: messages, media, templates, read marks, and status webhooks.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::Method;
use relevo_channels::signature::meta_sign;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::accepted::{Accepted, Ledger};
use super::behaviour::{Behaviour, Reports, Script};
use super::ids::{Ids, now_seconds};
use super::multipart;
use super::refusals::{Provider, Refusal, When, refusal};
use super::reports::{Reporter, Webhook};
use super::server::{Asked, Handler, Reply, Server};

const VERSION: &str = "/v25.0";
/// Characters of a text message.
const TEXT_CHARS_MAX: usize = 4_096;

/// Who the fake is. The defaults are those of the example configuration.
#[derive(Clone, Debug)]
pub struct MetaOptions {
    pub phone_number_id: String,
    pub display_phone_number: String,
    pub waba_id: String,
    /// The token that is accepted.
    pub access_token: String,
    /// What webhooks are signed with.
    pub app_secret: String,
    /// Where statuses are posted; none are without it.
    pub webhook_url: Option<String>,
    /// Templates a page at most.
    pub templates_a_page: usize,
}

impl Default for MetaOptions {
    fn default() -> Self {
        Self {
            phone_number_id: "106540352242922".to_owned(),
            display_phone_number: "15550783881".to_owned(),
            waba_id: "102290129340398".to_owned(),
            access_token: "fake-access-token".to_owned(),
            app_secret: "fake-app-secret".to_owned(),
            webhook_url: None,
            templates_a_page: 100,
        }
    }
}

/// A running stand-in. Gone when dropped.
pub struct FakeMeta {
    server: Server,
    state: Arc<State>,
}

struct State {
    options: MetaOptions,
    host: Mutex<String>,
    token: Mutex<String>,
    webhook_url: Mutex<Option<String>>,
    ids: Ids,
    script: Script,
    ledger: Ledger,
    reporter: Reporter,
    media: Mutex<BTreeMap<String, Medium>>,
    uploads: Mutex<Vec<String>>,
    templates: Mutex<Vec<Value>>,
    marks: Mutex<Vec<Value>>,
    /// What is refused beside messages.
    refused: Mutex<BTreeMap<When, String>>,
}

#[derive(Clone)]
struct Medium {
    mime_type: String,
    bytes: Bytes,
    served: Served,
}

/// How the bytes of a medium are served.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Served {
    Whole,
    /// The address is known and the bytes are not there any more.
    Vanished,
    /// They begin and never end.
    Stalled,
}

// === impl FakeMeta ===

impl FakeMeta {
    /// Starts it on a port of its own.
    pub async fn start(options: MetaOptions) -> io::Result<Self> {
        let state = Arc::new(State {
            token: Mutex::new(options.access_token.clone()),
            webhook_url: Mutex::new(options.webhook_url.clone()),
            options,
            host: Mutex::default(),
            ids: Ids::default(),
            script: Script::default(),
            ledger: Ledger::default(),
            reporter: Reporter::default(),
            media: Mutex::default(),
            uploads: Mutex::default(),
            templates: Mutex::default(),
            marks: Mutex::default(),
            refused: Mutex::default(),
        });
        let server = Server::start(Arc::clone(&state)).await?;
        *lock(&state.host) = server.host();
        Ok(Self { server, state })
    }

    /// What an account is configured with: address and version of the API.
    pub fn base_url(&self) -> String {
        format!("http://{}{VERSION}", self.server.host())
    }

    /// `127.0.0.1:1234`: the host that media are served from.
    pub fn media_host(&self) -> String {
        self.server.host()
    }

    /// What it was started with.
    pub fn options(&self) -> &MetaOptions {
        &self.state.options
    }

    /// From now on statuses are posted there.
    pub fn report_to(&self, url: impl Into<String>) {
        *lock(&self.state.webhook_url) = Some(url.into());
    }

    /// What happens to the next messages to this recipient (`to` or `recipient` of the request).
    pub fn script(&self, to: &str, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.state.script.for_recipient(to, behaviours);
    }

    /// What happens to the next messages, whoever gets them.
    pub fn next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.state.script.for_next(behaviours);
    }

    /// What happens to every message to this recipient.
    pub fn always(&self, to: &str, behaviour: Behaviour) {
        self.state.script.always(to, behaviour);
    }

    /// Lets an answer go that was held back ([`Behaviour::AnswerHeldBack`]).
    pub fn answer_one(&self) {
        self.state.script.let_go();
    }

    /// Which reports follow a message, whoever gets it.
    pub fn set_reports(&self, reports: Reports) {
        self.state.script.set_reports(reports);
    }

    /// Which reports follow a message to this recipient.
    pub fn set_reports_for(&self, to: &str, reports: Reports) {
        self.state.script.set_reports_for(to, reports);
    }

    /// Requests of this kind are refused with the table's row of that code, until `code` is `None`.
    pub fn refuse(&self, when: When, code: Option<&str>) {
        let mut refused = lock(&self.state.refused);
        match code {
            Some(code) => refused.insert(when, code.to_owned()),
            None => refused.remove(&when),
        };
    }

    /// From now on this token is accepted and no other: the one before has expired.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut lock(&self.state.token));
    }

    /// How often the recipient got a message.
    pub fn received(&self, to: &str) -> usize {
        self.state.ledger.received(to)
    }

    /// Every message that was taken, in order.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.state.ledger.all()
    }

    /// The same, without the first so many.
    pub fn accepted_from(&self, first: usize) -> Vec<Accepted> {
        self.state.ledger.from(first)
    }

    /// The sender's ids of messages that were taken more than once.
    pub fn repeated(&self) -> Vec<String> {
        self.state.ledger.repeated()
    }

    /// Messages of which not every report has been taken by the webhook.
    pub fn reports_pending(&self) -> usize {
        self.state.reporter.pending()
    }

    /// A medium that a customer sent; answers its id.
    pub fn put_medium(&self, mime_type: &str, bytes: impl Into<Bytes>) -> String {
        self.state.keep(mime_type, bytes.into())
    }

    /// The medium's address can still be had, its bytes cannot.
    pub fn vanish(&self, id: &str) {
        self.serve(id, Served::Vanished);
    }

    /// The medium's bytes begin to come and never end.
    pub fn stall(&self, id: &str) {
        self.serve(id, Served::Stalled);
    }

    fn serve(&self, id: &str, served: Served) {
        if let Some(medium) = lock(&self.state.media).get_mut(id) {
            medium.served = served;
        }
    }

    /// The medium has expired: nothing is known of it any more.
    pub fn expire(&self, id: &str) {
        lock(&self.state.media).remove(id);
    }

    /// Bytes and type of a medium: of one that was uploaded, for example.
    pub fn medium(&self, id: &str) -> Option<(String, Bytes)> {
        lock(&self.state.media).get(id).map(|medium| (medium.mime_type.clone(), medium.bytes.clone()))
    }

    /// Ids of the files that were uploaded, in order.
    pub fn uploads(&self) -> Vec<String> {
        lock(&self.state.uploads).clone()
    }

    /// The account's templates, as the API lists them.
    pub fn set_templates(&self, templates: impl IntoIterator<Item = Value>) {
        *lock(&self.state.templates) = templates.into_iter().collect();
    }

    /// Read marks behind the first `seen`, as they were posted.
    pub fn marks_from(&self, seen: usize) -> Vec<Value> {
        lock(&self.state.marks).get(seen..).unwrap_or_default().to_vec()
    }

    /// Read marks, as they were posted.
    pub fn marks(&self) -> Vec<Value> {
        lock(&self.state.marks).clone()
    }

    /// Posts a webhook of the account: `value` as the value of one change of `field`.
    pub fn post(&self, field: &str, value: &Value) {
        if let Some(webhook) = self.state.webhook(field, value) {
            self.state.reporter.post_later(vec![webhook]);
        }
    }
}

// === impl Handler for State ===

impl Handler for State {
    async fn handle(self: Arc<Self>, asked: Asked) -> Reply {
        let token = asked.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        if token != Some(lock(&self.token).as_str()) {
            return self.refused_with(When::Send, "190");
        }
        if let Some(id) = asked.path.strip_prefix("/cdn/") {
            return self.serve_medium(id);
        }
        let path = asked.path.strip_prefix(VERSION).unwrap_or_default().to_owned();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let number = self.options.phone_number_id.as_str();
        match (&asked.method, parts.as_slice()) {
            (&Method::POST, [of, "messages"]) if *of == number => self.message(&asked).await,
            (&Method::POST, [of, "media"]) if *of == number => self.upload(&asked),
            (&Method::GET, [waba, "message_templates"]) if *waba == self.options.waba_id => self.list_templates(&asked),
            (&Method::GET, [of]) if *of == number => {
                Reply::json(200, &json!({ "id": number, "verified_name": "Tienda", "quality_rating": "GREEN" }))
            }
            (&Method::GET, [id]) => self.describe_medium(id),
            _ => self.refused_with(When::Medium, "100"),
        }
    }
}

// === impl State ===

impl State {
    async fn message(self: &Arc<Self>, asked: &Asked) -> Reply {
        let Ok(body) = serde_json::from_slice::<Value>(&asked.body) else {
            return self.refused_with(When::Send, "100");
        };
        if body.get("status").is_some() {
            lock(&self.marks).push(body);
            return Reply::json(200, &json!({ "success": true }));
        }
        if let Some(code) = lock(&self.refused).get(&When::Send) {
            return self.refused_with(When::Send, code);
        }
        let Some(to) = recipient(&body) else { return self.refused_with(When::Send, "131008") };
        if is_too_long(&body) {
            return self.refused_with(When::Send, "100");
        }
        let at = Instant::now();
        let behaviour = self.script.take(&to);
        if !behaviour.takes() {
            return match &behaviour {
                Behaviour::Refuse(code) => self.refused_with(When::Send, code),
                Behaviour::GatewayPage => Reply::html(502, GATEWAY_PAGE),
                _ => Reply::HangUp,
            };
        }
        let id = self.ids.wamid();
        let callback = body.get("biz_opaque_callback_data").and_then(Value::as_str).map(str::to_owned);
        self.ledger.take(Accepted { to: to.clone(), id: id.clone(), callback: callback.clone(), body, at });
        self.report(&to, &id, callback.as_deref(), &behaviour).await;
        self.script.hold_back(&behaviour).await;
        answer(&to, &id, &behaviour)
    }

    /// Starts the reports, or posts the first of them at once.
    async fn report(&self, to: &str, id: &str, callback: Option<&str>, behaviour: &Behaviour) {
        let status = |status: &str, error: Option<&Refusal>| {
            let mut value = json!({ "id": id, "status": status, "timestamp": now_seconds(), "recipient_id": to });
            if let (Some(members), Some(callback)) = (value.as_object_mut(), callback) {
                members.insert("biz_opaque_callback_data".to_owned(), callback.into());
            }
            let error = error.and_then(|row| serde_json::from_str::<Value>(row.body).ok());
            if let (Some(members), Some(error)) = (value.as_object_mut(), error) {
                members.insert("errors".to_owned(), json!([error]));
            }
            self.webhook("messages", &json!({ "messaging_product": "whatsapp", "statuses": [value] }))
        };
        if let Behaviour::AcceptThenFail(code) = behaviour {
            let row = refusal(Provider::Meta, When::Report, code);
            self.reporter.post_later(status("failed", row).into_iter().collect());
            return;
        }
        let order: &[&str] = match self.script.reports(to) {
            Reports::InOrder | Reports::BeforeAnswer => &["sent", "delivered", "read"],
            Reports::Duplicated => &["sent", "sent", "delivered", "delivered", "read", "read"],
            Reports::Reordered => &["read", "delivered", "sent"],
            Reports::SentOnly => &["sent"],
            Reports::None => &[],
        };
        let mut webhooks: Vec<Webhook> = order.iter().filter_map(|name| status(name, None)).collect();
        if self.script.reports(to) == Reports::BeforeAnswer
            && let Some(first) = webhooks.first()
            && self.reporter.post_now(first).await
        {
            webhooks.remove(0);
        }
        if !webhooks.is_empty() {
            self.reporter.post_later(webhooks);
        }
    }

    fn webhook(&self, field: &str, value: &Value) -> Option<Webhook> {
        let url = lock(&self.webhook_url).clone()?;
        let mut value = value.clone();
        if let Some(members) = value.as_object_mut().filter(|_| field == "messages") {
            let metadata = json!({
                "display_phone_number": self.options.display_phone_number,
                "phone_number_id": self.options.phone_number_id,
            });
            members.insert("metadata".to_owned(), metadata);
        }
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": self.options.waba_id, "changes": [{ "field": field, "value": value }] }],
        });
        let body = Bytes::from(body.to_string());
        let signature = ("x-hub-signature-256", meta_sign(self.options.app_secret.as_bytes(), &body));
        Some(Webhook { url, content_type: "application/json", signature, body })
    }

    fn upload(&self, asked: &Asked) -> Reply {
        if let Some(code) = lock(&self.refused).get(&When::Upload) {
            return self.refused_with(When::Upload, code);
        }
        let parts = asked.header("content-type").and_then(|kind| multipart::parts(kind, &asked.body));
        let file = parts.as_ref().and_then(|parts| parts.iter().find(|part| part.name == "file"));
        let product = parts.as_ref().and_then(|parts| parts.iter().find(|part| part.name == "messaging_product"));
        let (Some(file), Some(_)) = (file, product) else { return self.refused_with(When::Upload, "100") };
        let id = self.keep(file.content_type.as_deref().unwrap_or("application/octet-stream"), file.bytes.clone());
        lock(&self.uploads).push(id.clone());
        Reply::json(200, &json!({ "id": id }))
    }

    fn describe_medium(&self, id: &str) -> Reply {
        if let Some(code) = lock(&self.refused).get(&When::Medium) {
            return self.refused_with(When::Medium, code);
        }
        let Some(medium) = lock(&self.media).get(id).cloned() else { return self.refused_with(When::Medium, "100") };
        let url = format!("http://{}/cdn/{id}", lock(&self.host));
        let description = json!({
            "messaging_product": "whatsapp",
            "url": url,
            "mime_type": medium.mime_type,
            "sha256": hex::encode(Sha256::digest(&medium.bytes)),
            "file_size": medium.bytes.len().to_string(),
            "id": id,
        });
        Reply::json(200, &description)
    }

    fn serve_medium(&self, id: &str) -> Reply {
        match lock(&self.media).get(id) {
            Some(Medium { served: Served::Whole, mime_type, bytes }) => Reply::file(mime_type, bytes.clone()),
            Some(Medium { served: Served::Stalled, .. }) => Reply::Stall,
            Some(Medium { served: Served::Vanished, .. }) | None => {
                Reply::html(404, "<html><body>Not Found</body></html>")
            }
        }
    }

    fn list_templates(&self, asked: &Asked) -> Reply {
        if let Some(code) = lock(&self.refused).get(&When::Templates) {
            return self.refused_with(When::Templates, code);
        }
        let templates = lock(&self.templates);
        let from: usize = asked.parameter("after").and_then(|after| after.parse().ok()).unwrap_or(0);
        let wanted = asked.parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(25);
        let to = templates.len().min(from + self.options.templates_a_page.min(wanted));
        let page = templates.get(from..to).unwrap_or_default();
        let mut paging = json!({ "cursors": { "before": from.to_string(), "after": to.to_string() } });
        if to < templates.len()
            && let Some(members) = paging.as_object_mut()
        {
            // The real one leads to the same host; this one shows that it is not followed.
            members.insert("next".to_owned(), "https://graph.example/next".into());
        }
        Reply::json(200, &json!({ "data": page, "paging": paging }))
    }

    fn keep(&self, mime_type: &str, bytes: Bytes) -> String {
        let id = self.ids.number();
        let medium = Medium { mime_type: mime_type.to_owned(), bytes, served: Served::Whole };
        lock(&self.media).insert(id.clone(), medium);
        id
    }

    #[expect(clippy::unused_self, reason = "reads as what this fake says")]
    fn refused_with(&self, when: When, code: &str) -> Reply {
        refusal(Provider::Meta, when, code).map_or_else(|| Reply::html(500, NO_ROW), Refusal::reply)
    }
}

pub(crate) const GATEWAY_PAGE: &str =
    "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>";
pub(crate) const NO_ROW: &str = "<html><body>the table of refusals has no such row</body></html>";

fn recipient(body: &Value) -> Option<String> {
    let to = body.get("to").or_else(|| body.get("recipient"))?.as_str()?;
    let kind = body.get("type")?.as_str()?;
    body.get(kind)?;
    Some(to.to_owned()).filter(|to| !to.is_empty())
}

fn is_too_long(body: &Value) -> bool {
    let text = body.pointer("/text/body").and_then(Value::as_str).unwrap_or_default();
    text.chars().count() > TEXT_CHARS_MAX
}

fn answer(to: &str, id: &str, behaviour: &Behaviour) -> Reply {
    let contact = if to.contains('.') {
        json!({ "input": to, "user_id": to })
    } else {
        json!({ "input": to, "wa_id": to.trim_start_matches('+') })
    };
    let body = json!({
        "messaging_product": "whatsapp",
        "contacts": [contact],
        "messages": [{ "id": id, "message_status": "accepted" }],
    });
    behaviour.reply(200, &body)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
