//! The fakes against a webhook and a client of their own: reports are signed and come as scripted, every row is reachable.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use relevo_channels::fact::{Fact, StatusFact, What};
use relevo_channels::signature::{meta_signature_valid, twilio_signature_valid};
use relevo_channels::{meta, twilio};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::meta::lock;
use super::server::{Asked, Handler, Reply, Server};
use super::{
    Behaviour, FakeMeta, FakeOAuth, FakeTwilio, MetaOptions, OAuthOptions, Provider, Refusal, Reports, TwilioOptions,
    When, refusals,
};

const TO: &str = "5491155550101";
const OURS: &str = "msg_00000000000000000000000001";
const DEADLINE: Duration = Duration::from_secs(10);

/// A webhook that keeps what was posted.
struct Hook {
    server: Server,
    posted: Arc<Posted>,
}

#[derive(Default)]
struct Posted {
    all: Mutex<Vec<Asked>>,
    more: Notify,
    /// So many are answered 503 first.
    refuses: Mutex<usize>,
}

impl Handler for Posted {
    async fn handle(self: Arc<Self>, asked: Asked) -> Reply {
        let refuses = {
            let mut left = lock(&self.refuses);
            let refuses = *left > 0;
            *left = left.saturating_sub(1);
            refuses
        };
        if refuses {
            return Reply::html(503, "away");
        }
        lock(&self.all).push(asked);
        self.more.notify_waiters();
        Reply::json(200, &json!({}))
    }
}

impl Hook {
    async fn start() -> Self {
        let posted = Arc::new(Posted::default());
        Self { server: Server::start(Arc::clone(&posted)).await.unwrap(), posted }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.host())
    }

    /// What `read` makes of the first `count` requests.
    async fn first<T>(&self, count: usize, read: impl Fn(&Asked) -> T) -> Vec<T> {
        let waiting = async {
            loop {
                let more = self.posted.more.notified();
                if lock(&self.posted.all).len() >= count {
                    return;
                }
                more.await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.expect("webhooks in time");
        lock(&self.posted.all).iter().map(read).collect()
    }
}

async fn call(request: Request<Full<Bytes>>) -> io::Result<(StatusCode, Bytes, Option<String>)> {
    let http: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let answer = http.request(request).await.map_err(io::Error::other)?;
    let (head, body) = answer.into_parts();
    let retry_after = head.headers.get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    Ok((head.status, body.collect().await.map_err(io::Error::other)?.to_bytes(), retry_after))
}

fn to_meta(fake: &FakeMeta, method: &str, path: &str, body: &Value) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(format!("{}/{path}", fake.base_url()))
        .header("authorization", format!("Bearer {}", fake.options().access_token))
        .body(Full::from(body.to_string()))
        .unwrap()
}

fn a_text() -> Value {
    json!({ "messaging_product": "whatsapp", "to": TO, "type": "text", "text": { "body": "Hola" },
        "biz_opaque_callback_data": OURS })
}

fn message_to_meta(fake: &FakeMeta) -> Request<Full<Bytes>> {
    to_meta(fake, "POST", &format!("{}/messages", fake.options().phone_number_id), &a_text())
}

fn to_twilio(fake: &FakeTwilio, method: &str, path: &str, body: String) -> Request<Full<Bytes>> {
    use base64::Engine as _;
    let login = format!("{}:{}", fake.options().account_sid, fake.options().auth_token);
    let login = base64::engine::general_purpose::STANDARD.encode(login);
    Request::builder()
        .method(method)
        .uri(format!("{}{path}", fake.base_url()))
        .header("authorization", format!("Basic {login}"))
        .body(Full::from(body))
        .unwrap()
}

fn message_to_twilio(fake: &FakeTwilio, callback: &str) -> Request<Full<Bytes>> {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("From", "whatsapp:+15550783881"), ("To", TO), ("Body", "Hola"), ("StatusCallback", callback)])
        .finish();
    to_twilio(fake, "POST", &format!("/2010-04-01/Accounts/{}/Messages.json", fake.options().account_sid), form)
}

/// The statuses of a signed webhook of Meta's, as the adapter reads them.
fn of_meta(asked: &Asked) -> StatusFact {
    let secret = MetaOptions::default().app_secret;
    assert!(meta_signature_valid(&[secret], asked.header("x-hub-signature-256"), &asked.body));
    let [update] = meta::updates(&asked.body).try_into().unwrap();
    status(update.content.unwrap())
}

fn status(fact: Fact) -> StatusFact {
    match fact.what {
        What::Status(status) => status,
        other => panic!("not a status: {other:?}"),
    }
}

#[tokio::test]
async fn metas_reports_are_signed_carry_our_id_and_come_as_scripted() {
    for (reports, expected) in [
        (Reports::InOrder, vec!["sent", "delivered", "read"]),
        (Reports::Duplicated, vec!["sent", "sent", "delivered", "delivered", "read", "read"]),
        (Reports::Reordered, vec!["read", "delivered", "sent"]),
        (Reports::SentOnly, vec!["sent"]),
    ] {
        let (hook, fake) = (Hook::start().await, FakeMeta::start(MetaOptions::default()).await.unwrap());
        fake.report_to(hook.url("/webhooks/meta/app"));
        fake.set_reports(reports);
        call(message_to_meta(&fake)).await.unwrap();
        let found = hook.first(expected.len(), of_meta).await;
        assert_eq!(found.iter().map(|status| status.status.as_str()).collect::<Vec<_>>(), expected, "{reports:?}");
        assert!(found.iter().all(|status| status.provider_id == fake.accepted()[0].id));
        assert!(found.iter().all(|status| status.ours.map(|ours| ours.to_string()).as_deref() == Some(OURS)));
        assert!(found.iter().all(|status| status.recipient.as_deref() == Some(TO)));
    }
}

#[tokio::test]
async fn a_report_can_come_before_the_answer_and_is_posted_until_it_is_taken() {
    let (hook, fake) = (Hook::start().await, FakeMeta::start(MetaOptions::default()).await.unwrap());
    fake.report_to(hook.url("/"));
    fake.set_reports_for(TO, Reports::BeforeAnswer);
    call(message_to_meta(&fake)).await.unwrap();
    assert!(!lock(&hook.posted.all).is_empty(), "the answer is here and no report");
    hook.first(3, of_meta).await;

    *lock(&hook.posted.refuses) = 2;
    fake.set_reports_for(TO, Reports::SentOnly);
    call(message_to_meta(&fake)).await.unwrap();
    let found = hook.first(4, of_meta).await;
    assert_eq!(found[3].status.as_str(), "sent");
    assert_eq!((fake.received(TO), fake.repeated()), (2, vec![OURS.to_owned()]));
}

#[tokio::test]
async fn twilios_callbacks_are_signed_for_the_address_that_they_name() {
    let (hook, fake) = (Hook::start().await, FakeTwilio::start(TwilioOptions::default()).await.unwrap());
    fake.call_back_at(hook.url(""));
    let named = format!("https://relevo.example/webhooks/twilio/ventas?message={OURS}");
    call(message_to_twilio(&fake, &format!("{named}#rc=5"))).await.unwrap();
    let token = fake.options().auth_token.clone();
    let found = hook
        .first(4, |asked| {
            assert_eq!(format!("https://relevo.example{}?{}", asked.path, asked.query), named);
            let signature = asked.header("x-twilio-signature");
            assert!(twilio_signature_valid(&[&token], &named, &asked.body, signature));
            let [update] = twilio::updates(&asked.body, &asked.query).try_into().unwrap();
            status(update.content.unwrap())
        })
        .await;
    assert_eq!(found.last().map(|status| status.status.as_str()), Some("read"));
    assert!(found.iter().all(|status| status.ours.map(|ours| ours.to_string()).as_deref() == Some(OURS)));
    assert_eq!(fake.accepted()[0].callback.as_deref(), Some(OURS));
}

#[tokio::test]
async fn twilio_fetches_files_and_fails_the_message_when_there_is_none() {
    let options = TwilioOptions { fetches_media: true, ..TwilioOptions::default() };
    let (hook, fake) = (Hook::start().await, FakeTwilio::start(options).await.unwrap());
    let send = async |url: String| {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("To", TO), ("MediaUrl", &url), ("StatusCallback", &hook.url("/callback"))])
            .finish();
        let path = format!("/2010-04-01/Accounts/{}/Messages.json", fake.options().account_sid);
        call(to_twilio(&fake, "POST", &path, form)).await.unwrap()
    };
    send(hook.url("/file")).await;
    assert_eq!(fake.fetched(), [Bytes::from_static(b"{}")]);
    fake.set_reports(Reports::None);
    send("http://127.0.0.1:1/gone".to_owned()).await;
    // The first message's file, its four callbacks, and the failure.
    let found = hook.first(6, |asked| asked.body.clone()).await;
    assert!(found.iter().any(|body| body.windows(15).any(|window| window == b"ErrorCode=63019")), "{found:?}");
}

#[tokio::test]
async fn what_is_taken_without_an_answer_is_counted_and_what_is_not_is_not() {
    let fake = FakeMeta::start(MetaOptions::default()).await.unwrap();
    for (behaviour, takes) in [
        (Behaviour::CloseAfterAccepting, true),
        (Behaviour::CloseWithoutAccepting, false),
        (Behaviour::GatewayPageAfterAccepting, true),
        (Behaviour::GatewayPage, false),
        (Behaviour::NotJson, true),
        (Behaviour::WithoutId, true),
    ] {
        let before = fake.received(TO);
        fake.next([behaviour.clone()]);
        let answered = call(message_to_meta(&fake)).await;
        assert_eq!(fake.received(TO) - before, usize::from(takes), "{behaviour:?}");
        let closes = matches!(behaviour, Behaviour::CloseAfterAccepting | Behaviour::CloseWithoutAccepting);
        assert_eq!(answered.is_err(), closes, "{behaviour:?}: {answered:?}");
    }
}

#[tokio::test]
async fn every_row_of_the_table_can_be_reached() {
    let hook = Hook::start().await;
    let meta = FakeMeta::start(MetaOptions::default()).await.unwrap();
    let twilio = FakeTwilio::start(TwilioOptions::default()).await.unwrap();
    let oauth = FakeOAuth::start(OAuthOptions::default()).await.unwrap();
    meta.report_to(hook.url("/"));
    twilio.call_back_at(hook.url(""));
    let medium = meta.put_medium("image/png", vec![1]);
    let address = twilio.put_medium("image/png", vec![1]);
    let address = address.strip_prefix(&twilio.base_url()).unwrap();
    let mut reports = 0;
    for row in refusals() {
        meta.refuse(row.when, Some(row.code).filter(|_| row.when != When::Report));
        twilio.refuse(row.when, Some(row.code).filter(|_| row.when != When::Report));
        oauth.refuse(Some(row.code));
        let request = match (row.provider, row.when) {
            (Provider::Meta, When::Send) => message_to_meta(&meta),
            (Provider::Meta, When::Report) => {
                meta.next([Behaviour::AcceptThenFail(row.code.to_owned())]);
                message_to_meta(&meta)
            }
            (Provider::Meta, When::Upload) => {
                to_meta(&meta, "POST", &format!("{}/media", meta.options().phone_number_id), &json!({}))
            }
            (Provider::Meta, When::Medium) => to_meta(&meta, "GET", &medium, &json!({})),
            (Provider::Meta, When::Templates) => {
                to_meta(&meta, "GET", &format!("{}/message_templates", meta.options().waba_id), &json!({}))
            }
            (Provider::Twilio, When::Send) => message_to_twilio(&twilio, "https://relevo.example/"),
            (Provider::Twilio, When::Report) => {
                twilio.next([Behaviour::AcceptThenFail(row.code.to_owned())]);
                message_to_twilio(&twilio, "https://relevo.example/")
            }
            (Provider::Twilio, When::Medium) => to_twilio(&twilio, "GET", address, String::new()),
            (Provider::Twilio, When::Templates) => to_twilio(&twilio, "GET", "/v1/ContentAndApprovals", String::new()),
            (Provider::OAuth, When::Token) => {
                Request::post(oauth.token_url()).body(Full::from("grant_type=refresh_token")).unwrap()
            }
            (provider, when) => panic!("no request for {provider:?} {when:?}"),
        };
        let (status, body, retry_after) = call(request).await.unwrap();
        if row.when == When::Report {
            reports += 1;
            assert!(status.is_success(), "{row:?}");
            let posted = hook.first(reports, |asked| asked.body.clone()).await;
            assert!(is_reported(row, &posted[reports - 1]), "{row:?}: {posted:?}");
        } else {
            assert_eq!((status.as_u16(), body.as_ref()), (row.status, row.body.as_bytes()), "{row:?}");
            assert_eq!(retry_after, row.retry_after.map(|seconds| seconds.to_string()), "{row:?}");
        }
        meta.refuse(row.when, None);
        twilio.refuse(row.when, None);
    }
    assert!(reports > 20);
}

fn is_reported(row: &Refusal, body: &Bytes) -> bool {
    let fact = match row.provider {
        Provider::Meta => meta::updates(body),
        Provider::Twilio => twilio::updates(body, ""),
        Provider::OAuth => return false,
    };
    let [update] = fact.try_into().unwrap();
    let status = status(update.content.unwrap());
    status.status.as_str() == "failed" && status.error_code.as_deref() == Some(row.code)
}
