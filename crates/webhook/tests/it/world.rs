//! A listener with one endpoint of each kind, on a log of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::registry::Registry;
use relevo_domain::{EndpointId, RawId};
use relevo_eventlog::{Connection, Options, StoredInput};
use relevo_testkit::NatsServer;
use relevo_webhook::{EmailEndpoint, Endpoints, MetaApp, Metrics, Readiness, Report, TwilioEndpoint};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const APP_SECRET: &str = "app-secret";
pub(crate) const OLD_APP_SECRET: &str = "old-app-secret";
pub(crate) const VERIFY_TOKEN: &str = "vibecoding";
pub(crate) const TWILIO_TOKEN: &str = "twilio-token";
pub(crate) const PUBLIC_URL: &str = "https://relevo.example/hooks";
pub(crate) const MAIL_TOKEN: &str = "mail-token";

pub(crate) struct World {
    pub(crate) nats: NatsServer,
    pub(crate) log: Connection,
    pub(crate) address: SocketAddr,
    pub(crate) http: reqwest::Client,
}

struct Figures(Registry);

#[async_trait]
impl Readiness for Figures {
    async fn report(&self) -> Report {
        Report { ready: false, details: serde_json::json!({ "why": "a test" }) }
    }

    async fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.0).unwrap();
        text
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(relevo_webhook::Options::default()).await
    }

    pub(crate) async fn with(options: relevo_webhook::Options) -> Self {
        let nats = NatsServer::start().await;
        let log = Connection::connect(Options::new(nats.url())).await.unwrap();
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let inlet = Arc::new(log.intake());
        let router = relevo_webhook::router(endpoints(), inlet, Arc::new(Figures(registry)), metrics, options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { nats, log, address, http: reqwest::Client::new() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    /// Posts a body as Meta does, signed with a secret.
    pub(crate) async fn post_meta(&self, secret: &str, body: impl Into<Vec<u8>>) -> reqwest::Response {
        let body = body.into();
        let signature = relevo_channels::signature::meta_sign(secret.as_bytes(), &body);
        let request = self.http.post(self.url("/webhooks/meta/app")).header("x-hub-signature-256", signature);
        request.header("content-type", "application/json").body(body).send().await.unwrap()
    }

    pub(crate) async fn post_mail(&self, token: &str, body: impl Into<Vec<u8>>) -> reqwest::Response {
        let request = self.http.post(self.url("/webhooks/email/mail")).bearer_auth(token);
        request.header("content-type", "message/rfc822").body(body.into()).send().await.unwrap()
    }

    pub(crate) async fn stored(&self, sequence: u64) -> StoredInput {
        self.log.intake().get(RawId::alone(sequence)).await.unwrap().unwrap()
    }

    pub(crate) async fn count(&self) -> u64 {
        self.log.intake().last_sequence().await.unwrap()
    }

    /// Writes a request by hand and reads the answer: for bodies that no proper client would send.
    pub(crate) async fn raw(&self, head: &str, pieces: &[Vec<u8>]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        for piece in pieces {
            stream.write_all(piece).await.unwrap();
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

fn endpoints() -> Endpoints {
    let id = |name: &str| EndpointId::new(name).unwrap();
    Endpoints::new(
        [MetaApp {
            id: id("app"),
            app_secrets: vec![APP_SECRET.to_owned(), OLD_APP_SECRET.to_owned()],
            verify_token: VERIFY_TOKEN.to_owned(),
        }],
        [TwilioEndpoint {
            id: id("twilio"),
            auth_tokens: vec![TWILIO_TOKEN.to_owned()],
            public_base_url: PUBLIC_URL.to_owned(),
        }],
        [EmailEndpoint { id: id("mail"), bearer_tokens: vec![MAIL_TOKEN.to_owned()] }],
    )
}

/// The error body, with its code checked.
pub(crate) async fn problem(response: reqwest::Response, status: u16, code: &str) -> serde_json::Value {
    assert_eq!(response.status().as_u16(), status);
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["code"], code, "{body}");
    body
}

/// One piece of a body in HTTP's chunked form.
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

pub(crate) const SHORT: Duration = Duration::from_millis(200);
