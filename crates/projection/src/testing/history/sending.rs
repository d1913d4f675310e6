//! Made-up histories: what the business sends, what becomes of it, and what it sends with. As the deciders would have it; only
//! what a provider reports comes in any order.

use std::time::Duration;

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use relevo_domain::channel::ChannelEvent;
use relevo_domain::conversation::event::{AcceptedPersonal, ConversationEvent, DeliveryReport, DeliveryStatus};
use relevo_domain::conversation::message::Author;
use relevo_domain::conversation::outgoing::{
    Body, CancelCause, FailureClass, FetchOutcome, MediaKind, Outgoing, OutgoingMail, OutgoingPersonal, Pending,
    Recipient, SendFailure, Stage, StoredFile, TemplateUse,
};
use relevo_domain::conversation::{Bot, Medium, Opened};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::quick_reply::QuickReply;
use relevo_domain::template::{Header, Template, TemplateButton, TemplateStatus};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Actor, MessageId, Timestamp};

use super::Writer;

/// Messages of one conversation that wait in a history.
const WAITING_MAX: usize = 5;
const CODES: [&str; 4] = ["131047", "131026", "63016", "no such code"];

/// Numbers of the ends in [`Writer::outcome`] that a tour goes through.
const ENDS: [u32; 5] = [FAILED, UNKNOWN, REPORTED_FAILED, REPORTED_SENT, ACCEPTED];
const FAILED: u32 = 0;
const UNKNOWN: u32 = 2;
const REPORTED_FAILED: u32 = 3;
const REPORTED_SENT: u32 = 4;
const ACCEPTED: u32 = 5;
/// Ends in all; the others are as [`ACCEPTED`].
const ALL_ENDS: u32 = 20;

impl Writer {
    /// Everything that can become of what is sent, and what it is sent with.
    pub(super) fn tour_of_sending(&mut self, talk: usize) {
        for end in ENDS {
            while !matches!(self.head(talk), Some(Stage::Claimed { .. })) {
                if self.head(talk).is_some() { self.send(talk) } else { self.queue(talk) }
            }
            let Some(Pending { id, attempts, author, .. }) = self.talks[talk].opened().head().cloned() else {
                continue;
            };
            self.outcome(talk, id, attempts, author, end);
        }
        while !matches!(self.head(talk), Some(Stage::Queued { .. })) {
            self.queue(talk);
        }
        self.cancel(talk);
        self.fetch(talk);
        (0..3).rev().for_each(|change| self.template(talk, Some(change)));
        for first in [true, false] {
            self.channel_pause(talk, Some(first));
            self.quick_reply(talk, Some(first));
        }
    }

    fn head(&self, talk: usize) -> Option<Stage> {
        self.talks[talk].opened().head().map(|pending| pending.stage.clone())
    }

    /// Somebody of the business writes; a paused bot does not.
    pub(super) fn queue(&mut self, talk: usize) {
        let opened = self.talks[talk].opened();
        if opened.outbox.len() >= WAITING_MAX {
            return self.send(talk);
        }
        let silent = opened.bot != Bot::Active;
        let (author, actor) = match self.random.random_range(0..10) {
            0..=2 if !silent => (Author::Bot, Actor::Bot(self.agent())),
            3 => (Author::System, Actor::System),
            _ => (Author::Staff, self.staff()),
        };
        let id = MessageId::new(self.random.random());
        let (body, quoted) = (self.body(talk), self.some_message(talk));
        let to = Recipient { kind: IdentifierKind::WaId, value: "5491155551234".to_owned() };
        let outgoing = Outgoing {
            id,
            author,
            automatic: author != Author::Staff,
            reply_to: self.random.random_bool(0.2).then_some(quoted),
            body,
            personal: OutgoingPersonal { to, author_name: None, reply_to_provider_id: None },
        };
        self.talks[talk].messages.push(id);
        self.tell(talk, actor, vec![ConversationEvent::MessageQueued(Box::new(outgoing))]);
    }

    fn body(&mut self, talk: usize) -> Body {
        let text = self.remark().text.unwrap_or_default();
        let file = || StoredFile {
            sha256: "5e".repeat(32),
            mime_type: "image/png".to_owned(),
            size_bytes: 68,
            file_name: Some("turno.png".to_owned()),
        };
        if self.talks[talk].medium == Medium::Email {
            let message_id = format!("{:032x}@example.com", self.random.random::<u128>());
            let mail = OutgoingMail { subject: "Re: turno".to_owned(), text, message_id, ..OutgoingMail::default() };
            return Body::Mail(Box::new(OutgoingMail { files: vec![file()], ..mail }));
        }
        match self.random.random_range(0..10) {
            0 => Body::Media { kind: MediaKind::Image, file: file(), caption: Some(text) },
            1 => Body::Reaction {
                target: self.some_message(talk),
                target_provider_id: self.provider_id(),
                emoji: self.random.random_bool(0.8).then(|| "👍".to_owned()),
            },
            2 => Body::Template(Box::new(TemplateUse {
                name: "turno".to_owned(),
                language: "es_AR".to_owned(),
                provider_id: None,
                values: Vec::new(),
                header_file: None,
                preview: text,
            })),
            _ => Body::Text { text, preview_url: false },
        }
    }

    /// The next thing that happens to what waits: a claim, or what came of one.
    pub(super) fn send(&mut self, talk: usize) {
        let opened = self.talks[talk].opened();
        let next = opened.head().or_else(|| opened.outbox.first()).cloned();
        let Some(Pending { id, attempts, stage, author, .. }) = next else { return self.queue(talk) };
        match stage {
            Stage::Queued { .. } => {
                let until = Timestamp::from_millis(self.now) + Duration::from_secs(10);
                let claim = format!("{:08x}", self.random.random::<u32>());
                let attempt = attempts + 1;
                let started = ConversationEvent::SendStarted { message: id, attempt, claim, until };
                self.tell(talk, Actor::System, vec![started]);
            }
            Stage::Claimed { .. } => {
                let end = self.random.random_range(0..ALL_ENDS);
                self.outcome(talk, id, attempts, author, end);
            }
            // Nobody tells for a long time, mostly.
            Stage::Unknown { .. } if self.random.random_bool(0.3) => self.accept(talk, id, attempts, true),
            Stage::Unknown { .. } => self.queue(talk),
        }
    }

    fn outcome(&mut self, talk: usize, message: MessageId, attempt: u32, author: Author, end: u32) {
        match end {
            FAILED | 1 => {
                let now = Timestamp::from_millis(self.now);
                let retry_at = self.random.random_bool(0.6).then(|| now + Duration::from_secs(4));
                let class = FailureClass::ALL[self.random.random_range(0..FailureClass::ALL.len())];
                let code = CODES.choose(&mut self.random).map(|code| (*code).to_owned());
                let failure = SendFailure { class, code, detail: None };
                let mut events = vec![ConversationEvent::SendFailed { message, attempt, failure, retry_at }];
                let silenced = author == Author::Bot && self.talks[talk].opened().bot != Bot::Active;
                if retry_at.is_some() && silenced {
                    events.push(ConversationEvent::SendCancelled { message, cause: CancelCause::BotPaused });
                }
                self.tell(talk, Actor::System, events);
            }
            UNKNOWN => self.tell(talk, Actor::System, vec![ConversationEvent::SendOutcomeUnknown { message, attempt }]),
            REPORTED_FAILED => {
                let report = DeliveryReport { status: DeliveryStatus::Failed, ..self.report(message) };
                self.tell(talk, Actor::Provider, vec![ConversationEvent::DeliveryReported(report)]);
            }
            REPORTED_SENT => self.accept(talk, message, attempt, true),
            _ => self.accept(talk, message, attempt, false),
        }
    }

    /// The provider has it: as it answered, or as a report says that came first.
    fn accept(&mut self, talk: usize, message: MessageId, attempt: u32, by_report: bool) {
        let alias = MessageId::new(self.random.random());
        // Some reports come before Relevo knows what the provider calls the message.
        while self.random.random_bool(0.25) {
            let early = self.report(alias);
            self.tell(talk, Actor::Provider, vec![ConversationEvent::DeliveryReported(early)]);
        }
        let personal = AcceptedPersonal { provider_id: self.provider_id() };
        let accepted = ConversationEvent::MessageAccepted { message, attempt, alias, personal };
        if by_report {
            let report = DeliveryReport { status: DeliveryStatus::Sent, ..self.report(message) };
            self.tell(talk, Actor::Provider, vec![accepted, ConversationEvent::DeliveryReported(report)]);
        } else {
            self.tell(talk, Actor::System, vec![accepted]);
        }
        self.talks[talk].messages.push(alias);
    }

    /// Staff takes back what waits.
    pub(super) fn cancel(&mut self, talk: usize) {
        let waiting = self.talks[talk].opened().outbox.iter().rfind(|pending| !pending.handed_over());
        match waiting.map(|pending| pending.id) {
            Some(message) => {
                let cause = CancelCause::Staff;
                self.act(talk, ConversationEvent::SendCancelled { message, cause });
            }
            None => self.queue(talk),
        }
    }

    /// A medium of a message was fetched, or cannot be; also of messages that have none.
    pub(super) fn fetch(&mut self, talk: usize) {
        let message = self.some_message(talk);
        let outcome = if self.random.random_bool(0.8) {
            let (sha256, mime_type) = ("a1".repeat(32), "image/webp".to_owned());
            FetchOutcome::Stored(StoredFile { sha256, mime_type, size_bytes: 12_345, file_name: None })
        } else {
            FetchOutcome::Unavailable { reason: "gone".to_owned() }
        };
        let fetched = ConversationEvent::MediumFetched { message, index: 0, medium: None, outcome };
        self.tell(talk, Actor::System, vec![fetched]);
    }

    /// A template comes, changes its status or goes.
    pub(super) fn template(&mut self, talk: usize, change: Option<u32>) {
        let name = format!("turno_{}", self.random.random_range(0..4));
        let language = ["es", "es_AR", "en_US"][self.random.random_range(0..3)].to_owned();
        let event = match change.unwrap_or_else(|| self.random.random_range(0..6)) {
            0 => ChannelEvent::TemplateRemoved { name, language },
            1 => {
                let (status, reason) = (TemplateStatus::Paused, Some("LOW_QUALITY".to_owned()));
                ChannelEvent::TemplateStatusChanged { name, language, status, reason }
            }
            _ => ChannelEvent::TemplateChanged(Box::new(Template {
                name,
                language,
                provider_id: None,
                status: TemplateStatus::Approved,
                category: "utility".to_owned(),
                header: self.random.random_bool(0.5).then(|| Header::Text("Hola {{1}}".to_owned())),
                body: "Su turno es el {{1}}".to_owned(),
                footer: None,
                buttons: vec![TemplateButton { kind: "quick_reply".to_owned(), text: "Sí".to_owned(), url: None }],
                reason: None,
            })),
        };
        self.channel(talk, event);
    }

    /// The channel stops sending, or sends again.
    pub(super) fn channel_pause(&mut self, talk: usize, paused: Option<bool>) {
        let paused = paused.unwrap_or_else(|| self.random.random_bool(0.5));
        self.channel(talk, if paused { ChannelEvent::ChannelPaused } else { ChannelEvent::ChannelResumed });
    }

    /// A quick reply comes, changes or goes.
    pub(super) fn quick_reply(&mut self, talk: usize, set: Option<bool>) {
        let tenant = self.talks[talk].tenant.clone();
        let name = format!("saludo-{}", self.random.random_range(0..4));
        let event = if set.unwrap_or_else(|| self.random.random_bool(0.8)) {
            let (title, text) = ("Saludo".to_owned(), "Hola {contact.name}".to_owned());
            WorkspaceEvent::QuickReplySet { name, reply: QuickReply { title, text } }
        } else {
            WorkspaceEvent::QuickReplyRemoved { name }
        };
        self.workspace(&tenant, event);
    }
}

/// What a pause takes back: what the bot queued and nobody has claimed.
pub(super) fn cancelled_by_pause(opened: &Opened) -> Vec<ConversationEvent> {
    let of_the_bot = |pending: &&Pending| pending.author == Author::Bot && !pending.handed_over();
    let cancelled = opened.outbox.iter().filter(of_the_bot);
    let cause = CancelCause::BotPaused;
    cancelled.map(|pending| ConversationEvent::SendCancelled { message: pending.id, cause }).collect()
}
