//! A stand-in for Twilio's API: messages, media behind a redirection, content templates, and status callbacks.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::Method;
use relevo_channels::signature::twilio_sign;
use serde_json::{Map, Value, json};

use super::accepted::{Accepted, Ledger};
use super::behaviour::{Behaviour, Reports, Script};
use super::ids::Ids;
use super::meta::{GATEWAY_PAGE, NO_ROW, lock};
use super::refusals::{Provider, Refusal, When, refusal};
use super::reports::{Reporter, Webhook};
use super::server::{Asked, Handler, Reply, Server, parameter};

/// Characters of a message.
const BODY_CHARS_MAX: usize = 1_600;

/// Who the fake is.
#[derive(Clone, Debug)]
pub struct TwilioOptions {
    pub account_sid: String,
    /// Logs in, and signs callbacks.
    pub auth_token: String,
    /// Where callbacks really go, if not to the host that they name: `http://127.0.0.1:1234`. They are signed for the host
    /// that they name.
    pub callback_origin: Option<String>,
    /// Contents a page at most.
    pub contents_a_page: usize,
    /// Whether the files of messages are fetched, as the real one does; a file that cannot be had fails the message (63019).
    pub fetches_media: bool,
}

impl Default for TwilioOptions {
    fn default() -> Self {
        Self {
            account_sid: "AC0123456789abcdef0123456789abcdef".to_owned(),
            auth_token: "fake-auth-token".to_owned(),
            callback_origin: None,
            contents_a_page: 100,
            fetches_media: false,
        }
    }
}

/// A running stand-in. Gone when dropped.
pub struct FakeTwilio {
    server: Server,
    state: Arc<State>,
}

struct State {
    options: TwilioOptions,
    host: Mutex<String>,
    token: Mutex<String>,
    callback_origin: Mutex<Option<String>>,
    ids: Ids,
    script: Script,
    ledger: Ledger,
    reporter: Reporter,
    media: Mutex<BTreeMap<String, (String, Bytes)>>,
    fetched: Mutex<Vec<Bytes>>,
    contents: Mutex<Vec<Value>>,
    redirect_to: Mutex<Option<String>>,
    /// What is refused beside single messages.
    refused: Mutex<BTreeMap<When, String>>,
}

// === impl FakeTwilio ===

impl FakeTwilio {
    /// Starts it on a port of its own.
    pub async fn start(options: TwilioOptions) -> io::Result<Self> {
        let state = Arc::new(State {
            token: Mutex::new(options.auth_token.clone()),
            callback_origin: Mutex::new(options.callback_origin.clone()),
            options,
            host: Mutex::default(),
            ids: Ids::default(),
            script: Script::default(),
            ledger: Ledger::default(),
            reporter: Reporter::default(),
            media: Mutex::default(),
            fetched: Mutex::default(),
            contents: Mutex::default(),
            redirect_to: Mutex::default(),
            refused: Mutex::default(),
        });
        let server = Server::start(Arc::clone(&state)).await?;
        *lock(&state.host) = server.host();
        Ok(Self { server, state })
    }

    /// Address of the API, and of the contents.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.host())
    }

    /// `127.0.0.1:1234`: the host that media are served from.
    pub fn media_host(&self) -> String {
        self.server.host()
    }

    /// What it was started with.
    pub fn options(&self) -> &TwilioOptions {
        &self.state.options
    }

    /// From now on callbacks really go to this origin: `http://127.0.0.1:1234`.
    pub fn call_back_at(&self, origin: impl Into<String>) {
        *lock(&self.state.callback_origin) = Some(origin.into());
    }

    /// What happens to the next messages to this recipient (`To` of the request).
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

    /// From now on this token is accepted and no other.
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

    /// The sender's ids of messages that were taken more than once.
    pub fn repeated(&self) -> Vec<String> {
        self.state.ledger.repeated()
    }

    /// Messages of which not every callback has been taken.
    pub fn reports_pending(&self) -> usize {
        self.state.reporter.pending()
    }

    /// A medium that a customer sent; answers its address.
    pub fn put_medium(&self, mime_type: &str, bytes: impl Into<Bytes>) -> String {
        let id = self.state.ids.sid("ME");
        lock(&self.state.media).insert(id.clone(), (mime_type.to_owned(), bytes.into()));
        let account = &self.state.options.account_sid;
        format!("http://{}/2010-04-01/Accounts/{account}/Messages/MM0/Media/{id}", self.server.host())
    }

    /// Nothing is known of the medium any more.
    pub fn expire(&self, url: &str) {
        let id = url.rsplit('/').next().unwrap_or_default();
        lock(&self.state.media).remove(id);
    }

    /// Media redirect there instead of to this host.
    pub fn redirect_media_to(&self, url: &str) {
        *lock(&self.state.redirect_to) = Some(url.to_owned());
    }

    /// The files that were fetched, in order.
    pub fn fetched(&self) -> Vec<Bytes> {
        lock(&self.state.fetched).clone()
    }

    /// The account's contents, as the API lists them.
    pub fn set_contents(&self, contents: impl IntoIterator<Item = Value>) {
        *lock(&self.state.contents) = contents.into_iter().collect();
    }
}

// === impl Handler for State ===

impl Handler for State {
    async fn handle(self: Arc<Self>, asked: Asked) -> Reply {
        // The CDN asks for nothing and must not be told the password.
        if let Some(id) = asked.path.strip_prefix("/cdn/") {
            return match lock(&self.media).get(id) {
                Some((mime_type, bytes)) => Reply::file(mime_type, bytes.clone()),
                None => Reply::html(404, "<html><body>Not Found</body></html>"),
            };
        }
        if !self.knows(&asked) {
            return refused_with(When::Send, "20003");
        }
        let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        let account = self.options.account_sid.as_str();
        match (&asked.method, parts.as_slice()) {
            (&Method::POST, ["2010-04-01", "Accounts", of, "Messages.json"]) if *of == account => {
                self.message(&asked).await
            }
            (&Method::GET, ["2010-04-01", "Accounts", of]) if of.strip_suffix(".json") == Some(account) => {
                Reply::json(200, &json!({ "sid": account, "status": "active", "friendly_name": "Tienda" }))
            }
            (&Method::GET, ["2010-04-01", "Accounts", _, "Messages", _, "Media", id]) => self.lead_to_medium(id),
            (&Method::GET, ["v1", "ContentAndApprovals"]) => self.list_contents(&asked),
            _ => refused_with(When::Send, "20404"),
        }
    }
}

// === impl State ===

impl State {
    fn knows(&self, asked: &Asked) -> bool {
        let given = asked.header("authorization").and_then(|header| header.strip_prefix("Basic "));
        let wanted = BASE64.encode(format!("{}:{}", self.options.account_sid, lock(&self.token)));
        given == Some(wanted.as_str())
    }

    async fn message(self: &Arc<Self>, asked: &Asked) -> Reply {
        let field = |name: &str| parameter(&asked.body, name);
        if let Some(code) = lock(&self.refused).get(&When::Send) {
            return refused_with(When::Send, code);
        }
        let Some(to) = field("To").filter(|to| !to.is_empty()) else { return refused_with(When::Send, "21211") };
        let text = field("Body").unwrap_or_default();
        if text.chars().count() > BODY_CHARS_MAX {
            return refused_with(When::Send, "21617");
        }
        let at = Instant::now();
        let behaviour = self.script.take(&to);
        if !behaviour.takes() {
            return match &behaviour {
                Behaviour::Refuse(code) => refused_with(When::Send, code),
                Behaviour::GatewayPage => Reply::html(502, GATEWAY_PAGE),
                _ => Reply::HangUp,
            };
        }
        let sid = self.ids.sid("SM");
        let callback_url = field("StatusCallback");
        let callback = callback_url.as_deref().and_then(message_of);
        let form: Map<String, Value> =
            form_urlencoded::parse(&asked.body).map(|(name, value)| (name.into_owned(), value.into())).collect();
        let from = field("From").or_else(|| field("MessagingServiceSid")).unwrap_or_default();
        self.ledger.take(Accepted { to: to.clone(), id: sid.clone(), callback, body: Value::Object(form), at });
        let fetched = self.fetch(field("MediaUrl")).await;
        let behaviour = if fetched { behaviour } else { Behaviour::AcceptThenFail("63019".to_owned()) };
        self.report(&Sent { to: &to, from: &from, sid: &sid, url: callback_url.as_deref() }, &behaviour).await;
        self.script.hold_back(&behaviour).await;
        let body = json!({
            "sid": sid,
            "account_sid": self.options.account_sid,
            "status": "queued",
            "to": to,
            "from": from,
            "body": text,
            "direction": "outbound-api",
            "error_code": null,
            "error_message": null,
        });
        behaviour.reply(201, &body)
    }

    /// Whether the file of a message can be had, if it has one and files are fetched at all.
    async fn fetch(&self, url: Option<String>) -> bool {
        let Some(url) = url.filter(|_| self.options.fetches_media) else { return true };
        let Some(bytes) = self.reporter.fetch(&url).await else { return false };
        lock(&self.fetched).push(bytes);
        true
    }

    /// Starts the callbacks, or posts the first of them at once.
    async fn report(&self, sent: &Sent<'_>, behaviour: &Behaviour) {
        if let Behaviour::AcceptThenFail(code) = behaviour {
            let error = refusal(Provider::Twilio, When::Report, code);
            self.reporter.post_later(self.callback(sent, "failed", error).into_iter().collect());
            return;
        }
        let order: &[&str] = match self.script.reports(sent.to) {
            Reports::InOrder | Reports::BeforeAnswer => &["queued", "sent", "delivered", "read"],
            Reports::Duplicated => &["sent", "sent", "delivered", "delivered", "read", "read"],
            Reports::Reordered => &["read", "delivered", "sent"],
            Reports::SentOnly => &["sent"],
            Reports::None => &[],
        };
        let mut webhooks: Vec<Webhook> = order.iter().filter_map(|status| self.callback(sent, status, None)).collect();
        if self.script.reports(sent.to) == Reports::BeforeAnswer
            && let Some(first) = webhooks.first()
            && self.reporter.post_now(first).await
        {
            webhooks.remove(0);
        }
        if !webhooks.is_empty() {
            self.reporter.post_later(webhooks);
        }
    }

    fn callback(&self, sent: &Sent<'_>, status: &str, error: Option<&Refusal>) -> Option<Webhook> {
        let named = sent.url?;
        let named = named.split('#').next().unwrap_or(named);
        let error: Value = error.and_then(|row| serde_json::from_str(row.body).ok()).unwrap_or_default();
        let status = error.get("MessageStatus").and_then(Value::as_str).unwrap_or(status);
        let mut form = form_urlencoded::Serializer::new(String::new());
        let fields = [("MessageSid", sent.sid), ("SmsSid", sent.sid), ("MessageStatus", status), ("SmsStatus", status)];
        form.extend_pairs(fields);
        form.append_pair("AccountSid", &self.options.account_sid);
        form.extend_pairs([
            ("From", sent.from),
            ("To", sent.to),
            ("ApiVersion", "2010-04-01"),
            ("ChannelPrefix", "whatsapp"),
        ]);
        for name in ["ErrorCode", "ChannelStatusMessage"] {
            if let Some(value) = error.get(name).and_then(Value::as_str) {
                form.append_pair(name, value);
            }
        }
        let body = form.finish();
        let signature = twilio_sign(lock(&self.token).as_bytes(), named, body.as_bytes());
        Some(Webhook {
            url: self.real_address(named),
            content_type: "application/x-www-form-urlencoded",
            signature: ("x-twilio-signature", signature),
            body: Bytes::from(body),
        })
    }

    fn real_address(&self, named: &str) -> String {
        let Some(origin) = lock(&self.callback_origin).clone() else { return named.to_owned() };
        let path = named.splitn(4, '/').nth(3).unwrap_or_default();
        format!("{origin}/{path}")
    }

    fn lead_to_medium(&self, id: &str) -> Reply {
        if let Some(code) = lock(&self.refused).get(&When::Medium) {
            return refused_with(When::Medium, code);
        }
        if !lock(&self.media).contains_key(id) {
            return refused_with(When::Medium, "20404");
        }
        let elsewhere = lock(&self.redirect_to).clone();
        Reply::redirect(elsewhere.unwrap_or_else(|| format!("http://{}/cdn/{id}", lock(&self.host))))
    }

    fn list_contents(&self, asked: &Asked) -> Reply {
        if let Some(code) = lock(&self.refused).get(&When::Templates) {
            return refused_with(When::Templates, code);
        }
        let contents = lock(&self.contents);
        let from: usize = asked.parameter("PageToken").and_then(|token| token.parse().ok()).unwrap_or(0);
        let wanted = asked.parameter("PageSize").and_then(|size| size.parse().ok()).unwrap_or(50);
        let to = contents.len().min(from + self.options.contents_a_page.min(wanted));
        // As the real one: a whole address, whose host is not the one that was asked.
        let next = (to < contents.len())
            .then(|| format!("https://content.twilio.example/v1/ContentAndApprovals?PageSize={wanted}&PageToken={to}"));
        let page = contents.get(from..to).unwrap_or_default();
        Reply::json(200, &json!({ "contents": page, "meta": { "key": "contents", "next_page_url": next } }))
    }
}

/// A message that was taken.
struct Sent<'s> {
    to: &'s str,
    from: &'s str,
    sid: &'s str,
    url: Option<&'s str>,
}

fn refused_with(when: When, code: &str) -> Reply {
    refusal(Provider::Twilio, when, code).map_or_else(|| Reply::html(500, NO_ROW), Refusal::reply)
}

/// The sender's own id in the address of the callback.
fn message_of(url: &str) -> Option<String> {
    let (_, query) = url.split('#').next()?.split_once('?')?;
    parameter(query.as_bytes(), "message")
}
