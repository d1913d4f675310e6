//! The parts of a delivery: the broker with a tenant of its own, stand-ins for providers, mail servers.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use relevo_proto::query::v1::SendState;
use relevo_testkit::fakes::{FakeMeta, FakeTwilio, MetaOptions, TwilioOptions};
use relevo_testkit::{Dovecot, SmtpServer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::cases::{Verdict, Wrong};
use super::desk::{Desk, Ledger, Sent, until};
use super::mail::header;
use super::proxy::Proxy;
use crate::webhook::{post, twilio_signature};
use crate::{Broker, Setup};

pub const META: &str = "wa-meta";
pub const TWILIO: &str = "wa-twilio";
pub const MAIL: &str = "correo";
/// A Meta number that is hurt in some cases, so that the others go on.
pub const SIDE: &str = "wa-lateral";
/// A mailbox behind a line that can break.
pub const FRAIL: &str = "correo-fragil";

pub const MAILBOX: &str = "soporte@example.test";
pub const FRAIL_MAILBOX: &str = "fragil@example.test";
pub const PASSWORD: &str = "correct horse";
pub const TWILIO_FROM: &str = "whatsapp:+5491155550200";

/// A message that has no end by then, after its case is over, will not have one.
const LOST_AFTER: Duration = Duration::from_secs(90);

const AGENTS: [(&str, &str, &str); 3] =
    [("laura", "Laura", "agent"), ("admin", "Administración", "admin"), ("asistente", "Asistente", "bot")];

/// Which parts are started beside the broker and the stand-ins.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// IMAP and SMTP servers.
    pub mail: bool,
    /// A nats-server that several nodes share.
    pub nats: Option<String>,
    /// Further entries of the tenant in the configuration: its bots.
    pub bots: String,
    /// Further environment of the brokers.
    pub env: Vec<(String, String)>,
}

/// Everything that runs. Ended when dropped.
pub struct Rig {
    pub broker: Broker,
    pub meta: FakeMeta,
    pub side: FakeMeta,
    pub twilio: FakeTwilio,
    pub mail: Option<MailParts>,
    pub ledger: Ledger,
    next: AtomicU64,
    /// What Meta calls the last message of each customer.
    wrote: Mutex<HashMap<String, String>>,
    /// Everybody who could get a mail.
    addresses: Mutex<Vec<String>>,
    dir: TempDir,
}

/// The mail servers, and the line that can break.
pub struct MailParts {
    pub dovecot: Dovecot,
    pub smtp: SmtpServer,
    pub line: Proxy,
}

// === impl Rig ===

impl Rig {
    /// Starts everything, and waits until the templates are known.
    pub async fn start(wanted: Wanted) -> Self {
        let meta = FakeMeta::start(number(1)).await.unwrap();
        let side = FakeMeta::start(number(2)).await.unwrap();
        let twilio =
            FakeTwilio::start(TwilioOptions { fetches_media: true, ..TwilioOptions::default() }).await.unwrap();
        meta.set_templates(templates());
        side.set_templates(templates());
        twilio.set_contents(contents());
        let mail = if wanted.mail { Some(MailParts::start().await) } else { None };
        let dir = tempfile::Builder::new().prefix("relevo-delivery-").tempdir().unwrap();
        let mut config = whatsapp_config(&meta, &side, &twilio);
        if let Some(mail) = &mail {
            let ca = dir.path().join("ca.pem");
            std::fs::write(&ca, &mail.dovecot.ca_pem).unwrap();
            config.push_str(&mail.config(&ca.to_string_lossy()));
        }
        config.push_str(&wanted.bots);
        config.push_str(&people_config());
        let path = dir.path().join("tienda.toml");
        std::fs::write(&path, config).unwrap();
        let mut env = vec![("RELEVO__CHANNELS__ANY_SERVER".to_owned(), "true".to_owned())];
        env.extend(wanted.nats.map(|url| ("RELEVO__NATS__URL".to_owned(), url)));
        env.extend(wanted.env);
        let args = vec!["--config".to_owned(), path.to_string_lossy().into_owned()];
        let broker = Broker::start_with(Setup { args, env, keys_from: None }).await;
        let webhook = format!("{}/webhooks/meta/tienda", broker.http);
        meta.report_to(&webhook);
        side.report_to(&webhook);
        twilio.call_back_at(&broker.http);
        let rig = Self {
            broker,
            meta,
            side,
            twilio,
            mail,
            ledger: Ledger::default(),
            next: AtomicU64::new(1),
            wrote: Mutex::default(),
            addresses: Mutex::default(),
            dir,
        };
        rig.desk().templates_known().await.unwrap();
        if rig.mail.is_some() {
            // What lies in a mailbox before it is first read is history, and does not come in.
            for channel in [MAIL, FRAIL] {
                rig.admin().health_of(channel, "receiving", "CHANNEL_HEALTH_STATE_GOOD").await.unwrap();
            }
        }
        rig
    }

    /// How another node of the same installation is started.
    pub fn other_node(&self, nats: &str) -> Setup {
        let args = vec!["--config".to_owned(), self.dir.path().join("tienda.toml").to_string_lossy().into_owned()];
        let env = vec![("RELEVO__NATS__URL".to_owned(), nats.to_owned())];
        Setup { args, env, keys_from: Some(self.broker.data().join("keys")) }
    }

    /// A member of staff at work.
    pub fn desk(&self) -> Desk {
        Desk::at(&self.broker, "laura", &self.ledger)
    }

    pub fn admin(&self) -> Desk {
        Desk::at(&self.broker, "admin", &self.ledger)
    }

    pub fn mail(&self) -> &MailParts {
        self.mail.as_ref().unwrap()
    }

    /// The definition of a mailbox that is added while the broker runs.
    pub fn mailbox_channel(&self, id: &str, address: &str, password: &str) -> String {
        let (mail, ca) = (self.mail(), self.dir.path().join("ca.pem"));
        mailbox(id, address, password, mail.dovecot.tls_port, mail.smtp.tls_port, &ca.to_string_lossy())
    }

    /// Messages that a provider took more than once, and mails that somebody got more than once.
    pub fn doubles(&self) -> Vec<String> {
        let mut doubles = [self.meta.repeated(), self.side.repeated(), self.twilio.repeated()].concat();
        let Some(mail) = &self.mail else { return doubles };
        for address in self.addresses.lock().unwrap().iter() {
            let got = mail.smtp.received(address);
            let mut ids: Vec<String> =
                got.iter().map(|mail| header(&String::from_utf8_lossy(mail), "Message-ID")).collect();
            ids.sort_unstable();
            doubles.extend(ids.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()));
        }
        doubles
    }

    /// Messages that were queued and have no end: they wait, or are said to be on their way. A thread is read as a whole: a long run
    /// has thousands of messages in one.
    pub async fn lost(&self) -> Vec<Sent> {
        let mut threads: HashMap<String, Vec<Sent>> = HashMap::new();
        for sent in self.ledger.all() {
            threads.entry(sent.conversation.clone()).or_default().push(sent);
        }
        let (desk, mut lost) = (self.desk(), Vec::new());
        for (conversation, mut open) in threads {
            let over = async || {
                let seen = desk.try_messages(&conversation).await?.into_iter();
                let states: HashMap<String, SendState> = seen
                    .filter_map(|message| {
                        Some((message.message_id, message.outgoing.map(|outgoing| outgoing.state())?))
                    })
                    .collect();
                open.retain(|sent| states.get(&sent.message).is_none_or(|state| !is_end(*state)));
                if open.is_empty() { Ok(()) } else { Err(format!("{} have no end", open.len())) }
            };
            if until(LOST_AFTER, || "an end of each".to_owned(), over).await.is_err() {
                lost.extend(open);
            }
        }
        lost
    }

    /// A number that nobody has had yet, as Meta writes it.
    pub fn new_number(&self) -> String {
        format!("549115{:07}", 5_000_000 + self.next.fetch_add(1, Ordering::SeqCst))
    }

    /// An address that nobody has had yet.
    pub fn new_address(&self) -> String {
        let address = format!("cliente{}@cliente.test", 1_000 + self.next.fetch_add(1, Ordering::SeqCst));
        self.addresses.lock().unwrap().push(address.clone());
        address
    }

    /// A customer who has just written on a channel; answers with their number or address, and the conversation.
    pub async fn customer(&self, channel: &str) -> Verdict<(String, String)> {
        let who = if matches!(channel, MAIL | FRAIL) { self.new_address() } else { self.new_number() };
        self.writes(channel, &who, "Hola", now()).await;
        let conversation = self.desk().conversation_of(channel, &who).await?;
        Ok((who, conversation))
    }

    /// What Meta calls the last message that a customer wrote there.
    pub fn last_message_of(&self, who: &str) -> Option<String> {
        self.wrote.lock().unwrap().get(who).cloned()
    }

    /// A customer writes. `at`: seconds since 1970, by the provider's clock.
    pub async fn writes(&self, channel: &str, who: &str, text: &str, at: u64) {
        match channel {
            META => self.writes_meta(&self.meta, who, text, at),
            SIDE => self.writes_meta(&self.side, who, text, at),
            TWILIO => {
                let n = self.next.fetch_add(1, Ordering::SeqCst);
                let form = format!(
                    "MessageSid=SM{n:032}&From=whatsapp%3A%2B{who}&To=whatsapp%3A%2B5491155550200&Body={text}&NumMedia=0\
                     &ProfileName=Cliente&WaId={who}"
                );
                assert_eq!(self.post_twilio("", form).await, 200);
            }
            _ => {
                let n = self.next.fetch_add(1, Ordering::SeqCst);
                let (to, folder) = if channel == MAIL { (MAILBOX, MAILBOX) } else { (FRAIL_MAILBOX, FRAIL_MAILBOX) };
                let mail = format!(
                    "From: Cliente <{who}>\r\nTo: {to}\r\nSubject: Turno\r\nMessage-ID: <hola.{n}.{who}>\r\n\
                     Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
                );
                self.mail().dovecot.drop_mail(folder, "INBOX", &format!("hola{n}"), mail.as_bytes());
            }
        }
    }

    /// A callback or a message of Twilio's. `query`: with its question mark.
    pub async fn post_twilio(&self, query: &str, form: String) -> u16 {
        let url = format!("{}/webhooks/twilio/{TWILIO}{query}", self.broker.http);
        let signature = twilio_signature(&self.twilio.options().auth_token, &url, form.as_bytes());
        let headers =
            [("x-twilio-signature", signature.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        post(&url, &headers, form.into_bytes()).await
    }

    fn writes_meta(&self, fake: &FakeMeta, who: &str, text: &str, at: u64) {
        let n = self.next.fetch_add(1, Ordering::SeqCst);
        let id = format!("wamid.IN{n:010}");
        self.wrote.lock().unwrap().insert(who.to_owned(), id.clone());
        let message = json!({
            "from": who, "id": id, "timestamp": at.to_string(), "type": "text",
            "text": { "body": text },
        });
        let value = json!({
            "messaging_product": "whatsapp",
            "contacts": [{ "profile": { "name": format!("Cliente {who}") }, "wa_id": who }],
            "messages": [message],
        });
        fake.post("messages", &value);
    }
}

// === impl MailParts ===

impl MailParts {
    async fn start() -> Self {
        let dovecot = Dovecot::start().await;
        dovecot.add_user(MAILBOX, PASSWORD);
        dovecot.add_user(FRAIL_MAILBOX, PASSWORD);
        let smtp = dovecot.smtp().await;
        let line = Proxy::start(smtp.tls_port).await;
        Self { dovecot, smtp, line }
    }

    fn config(&self, ca: &str) -> String {
        let imap = self.dovecot.tls_port;
        let mut config = String::new();
        for (id, address, smtp) in [(MAIL, MAILBOX, self.smtp.tls_port), (FRAIL, FRAIL_MAILBOX, self.line.port)] {
            config.push_str("\n[[tenants.channels]]\n");
            config.push_str(&mailbox(id, address, PASSWORD, imap, smtp, ca));
        }
        config
    }
}

/// The keys of a mailbox.
fn mailbox(id: &str, address: &str, password: &str, imap: u16, smtp: u16, ca: &str) -> String {
    format!(
        "id = \"{id}\"\nkind = \"email\"\nlabel = \"Correo\"\naddress = \"{address}\"\ndisplay_name = \"Tienda\"\n\
         user = \"{address}\"\npassword = \"{password}\"\nextra_ca_file = \"{ca}\"\n\
         imap = {{ host = \"localhost\", port = {imap}, security = \"tls\" }}\n\
         smtp = {{ host = \"localhost\", port = {smtp}, security = \"tls\", messages_per_minute = 6000 }}\n"
    )
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// `count` messages were expected at a provider.
pub fn received(what: &str, expected: usize, seen: usize) -> Verdict {
    Wrong::unless(expected == seen, || format!("{what}: {expected} at the provider"), || format!("{seen}"))
}

fn number(n: u64) -> MetaOptions {
    MetaOptions {
        phone_number_id: format!("30000000000000{n}"),
        display_phone_number: format!("549115555030{n}"),
        waba_id: format!("40000000000000{n}"),
        ..MetaOptions::default()
    }
}

fn whatsapp_config(meta: &FakeMeta, side: &FakeMeta, twilio: &FakeTwilio) -> String {
    let mut config = String::from(
        "[[meta_apps]]\nname = \"tienda\"\napp_secrets = [\"fake-app-secret\"]\nverify_token = \"fake-verify-token\"\n\n\
         [[tenants]]\nname = \"tienda\"\ntime_zone = \"America/Argentina/Buenos_Aires\"\nlanguage = \"es\"\n\
         business_name = \"Tienda\"\n",
    );
    for (id, fake) in [(META, meta), (SIDE, side)] {
        config.push_str("\n[[tenants.channels]]\n");
        config.push_str(&meta_channel(id, fake));
        config.push_str("app = \"tienda\"\n");
    }
    let (base, host) = (twilio.base_url(), twilio.media_host());
    let TwilioOptions { account_sid, auth_token, .. } = twilio.options();
    write!(
        config,
        "\n[[tenants.channels]]\nid = \"{TWILIO}\"\nkind = \"twilio\"\nlabel = \"WhatsApp (Twilio)\"\n\
         auth_tokens = [\"{auth_token}\"]\naccount_sid = \"{account_sid}\"\nfrom = \"{TWILIO_FROM}\"\n\
         api_url = \"{base}\"\ncontent_url = \"{base}\"\nmedia_hosts = [\"{host}\"]\n"
    )
    .unwrap();
    config
}

/// The keys of a channel, but for its app.
pub fn meta_channel(id: &str, fake: &FakeMeta) -> String {
    let MetaOptions { phone_number_id, display_phone_number, waba_id, access_token, .. } = fake.options();
    let (base, host) = (fake.base_url(), fake.media_host());
    format!(
        "id = \"{id}\"\nkind = \"meta\"\nlabel = \"WhatsApp\"\nphone_number_id = \"{phone_number_id}\"\n\
         display_phone_number = \"{display_phone_number}\"\nwaba_id = \"{waba_id}\"\naccess_token = \"{access_token}\"\n\
         graph_url = \"{base}\"\nmedia_hosts = [\"{host}\"]\n"
    )
}

fn people_config() -> String {
    let mut config = String::new();
    for (id, name, role) in AGENTS {
        write!(config, "\n[[tenants.agents]]\nid = \"{id}\"\nname = \"{name}\"\nrole = \"{role}\"\n").unwrap();
    }
    for (id, _, role) in AGENTS {
        let hash = hex::encode(Sha256::digest(key(id)));
        write!(
            config,
            "\n[[api_keys]]\ntenant = \"tienda\"\nname = \"{id}\"\nrole = \"{role}\"\nkey_hash = \"sha256:{hash}\"\n"
        )
        .unwrap();
    }
    config
}

/// The API key of a member of staff.
pub fn key(who: &str) -> String {
    format!("delivery-test-key-of-{who}")
}

fn templates() -> Vec<Value> {
    vec![
        json!({ "id": "1", "name": "turno", "language": "es_AR", "status": "APPROVED", "category": "UTILITY",
            "components": [{ "type": "BODY", "text": "Hola {{1}}, te esperamos el {{2}}" }] }),
        json!({ "id": "2", "name": "aviso", "language": "es_AR", "status": "APPROVED", "category": "UTILITY",
            "parameter_format": "NAMED",
            "components": [{ "type": "BODY", "text": "Hola {{nombre}}, tu pedido salió" }] }),
        json!({ "id": "3", "name": "pausado", "language": "es_AR", "status": "PAUSED", "category": "UTILITY",
            "components": [{ "type": "BODY", "text": "Hola" }] }),
    ]
}

fn contents() -> Vec<Value> {
    vec![json!({ "sid": "HX00000000000000000000000000000001", "friendly_name": "turno", "language": "es_AR",
        "variables": { "1": "Ana", "2": "lunes" },
        "types": { "twilio/text": { "body": "Hola {{1}}, te esperamos el {{2}}" } },
        "approval_requests": { "name": "turno", "category": "UTILITY", "status": "approved", "rejection_reason": "" } })]
}

/// Whether nothing more is tried of a message.
const fn is_end(state: SendState) -> bool {
    match state {
        SendState::Unspecified | SendState::Queued | SendState::Sending => false,
        SendState::Accepted
        | SendState::Sent
        | SendState::Delivered
        | SendState::Read
        | SendState::Played
        | SendState::Failed
        | SendState::Unknown
        | SendState::Cancelled => true,
    }
}
