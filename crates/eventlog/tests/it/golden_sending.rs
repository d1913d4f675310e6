//! The part of the event corpus that sending brought, and that whatever can be sent comes back from the log unchanged.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use relevo_domain::channel::ChannelEvent;
use relevo_domain::conversation::event::{AcceptedPersonal, ConversationEvent};
use relevo_domain::conversation::message::{Author, Message, MessageFlags};
use relevo_domain::conversation::outgoing::{
    Body, CancelCause, Choice, ContactCard, FailureClass, FetchOutcome, Frame, Location, MediaKind, Outgoing,
    OutgoingMail, OutgoingPersonal, Recipient, Section, SendFailure, StoredFile, TemplateUse, TemplateValue,
};
use relevo_domain::detection::{Act, Language, List, Phrase, Policy, PolicyChange, Rule};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::quick_reply::QuickReply;
use relevo_domain::template::{Header, Part, Template, TemplateButton, TemplateStatus};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Event, MessageId, Timestamp};
use relevo_eventlog::codec;

use crate::golden::{commit, message_id, whatsapp_message};
use crate::golden_arms::{AUTHORS, MEDIA};

fn file() -> StoredFile {
    StoredFile {
        sha256: "0f".repeat(32),
        mime_type: "application/pdf".to_owned(),
        size_bytes: 4_096,
        file_name: Some("presupuesto.pdf".to_owned()),
    }
}

fn outgoing(body: Body) -> Outgoing {
    Outgoing {
        id: message_id(20),
        author: Author::Staff,
        automatic: false,
        reply_to: Some(message_id(1)),
        body,
        personal: OutgoingPersonal {
            to: Recipient { kind: IdentifierKind::WaId, value: "5491100000000".to_owned() },
            author_name: Some("Laura".to_owned()),
            reply_to_provider_id: Some("wamid.composed".to_owned()),
        },
    }
}

fn failure() -> SendFailure {
    let (code, detail) = (Some("131000".to_owned()), Some("Something went wrong".to_owned()));
    SendFailure { class: FailureClass::Transient, code, detail }
}

/// One of every event of sending.
pub(crate) fn events() -> [ConversationEvent; 7] {
    let mail = OutgoingMail {
        subject: "Re: Turno".to_owned(),
        text: "Sí, a las 10.".to_owned(),
        html: Some("<p>Sí, a las 10.</p>".to_owned()),
        // As mails were written before it was kept; the property below has it.
        html_sha256: None,
        cc: vec!["copia@example.org".to_owned()],
        message_id: "ours@example.org".to_owned(),
        in_reply_to: Some("a@example.org".to_owned()),
        references: vec!["b@example.org".to_owned(), "a@example.org".to_owned()],
        reply_to: Some("hola+token@example.org".to_owned()),
        files: vec![file(), StoredFile { file_name: None, ..file() }],
    };
    let at = Timestamp::from_millis(1_790_000_010_000);
    let message = message_id(20);
    [
        ConversationEvent::MessageQueued(Box::new(outgoing(Body::Mail(Box::new(mail))))),
        ConversationEvent::SendStarted { message, attempt: 1, claim: "c-1".to_owned(), until: at },
        ConversationEvent::MessageAccepted {
            message,
            attempt: 2,
            alias: message_id(21),
            personal: AcceptedPersonal { provider_id: "wamid.composed-4".to_owned() },
        },
        ConversationEvent::SendFailed { message, attempt: 1, failure: failure(), retry_at: Some(at) },
        ConversationEvent::SendOutcomeUnknown { message, attempt: 2 },
        ConversationEvent::SendCancelled { message, cause: CancelCause::BotPaused },
        ConversationEvent::MediumFetched {
            message: message_id(1),
            index: 3,
            medium: Some(0x0123_4567_89ab_cdef),
            outcome: FetchOutcome::Stored(file()),
        },
    ]
}

fn template() -> Template {
    let button = TemplateButton {
        kind: "url".to_owned(),
        text: "Ver".to_owned(),
        url: Some("https://example.org/{{1}}".to_owned()),
    };
    Template {
        name: "pedido_listo".to_owned(),
        language: "es_AR".to_owned(),
        provider_id: Some("900".to_owned()),
        status: TemplateStatus::Approved,
        category: "utility".to_owned(),
        header: Some(Header::Text("Pedido {{1}}".to_owned())),
        body: "Hola {{nombre}}, su pedido está listo.".to_owned(),
        footer: Some("Ferretería".to_owned()),
        buttons: vec![button],
        reason: Some("NONE".to_owned()),
    }
}

pub(crate) fn channel_events() -> [ChannelEvent; 5] {
    let (name, language) = (template().name, template().language);
    [
        ChannelEvent::TemplateChanged(Box::new(template())),
        ChannelEvent::TemplateStatusChanged {
            name: name.clone(),
            language: language.clone(),
            status: TemplateStatus::Other("in_appeal".to_owned()),
            reason: Some("ABUSIVE_CONTENT".to_owned()),
        },
        ChannelEvent::TemplateRemoved { name, language },
        ChannelEvent::ChannelPaused,
        ChannelEvent::ChannelResumed,
    ]
}

/// A template with each header.
pub(crate) fn every_template() -> Vec<ChannelEvent> {
    let headers = [None, Some(Header::Image), Some(Header::Video), Some(Header::Document), Some(Header::Location)];
    headers.map(|header| ChannelEvent::TemplateChanged(Box::new(Template { header, ..template() }))).into()
}

/// A message of each body, and of each who may write one.
pub(crate) fn every_body() -> Vec<ConversationEvent> {
    let some = |text: &str| Some(text.to_owned());
    let frame = || Frame { header: some("h"), text: "¿Cuándo?".to_owned(), footer: some("f") };
    let choice = |id: &str| Choice { id: id.to_owned(), title: "Mañana".to_owned(), description: some("10:00") };
    let used = TemplateUse {
        name: "pedido_listo".to_owned(),
        language: "es_AR".to_owned(),
        provider_id: some("900"),
        values: [Part::Header, Part::Body, Part::Button(2)]
            .map(|part| TemplateValue { part, variable: "1".to_owned(), value: "Ana".to_owned() })
            .into(),
        header_file: Some(file()),
        preview: "Hola Ana".to_owned(),
    };
    let card = ContactCard {
        name: "Ana".to_owned(),
        phones: vec!["+5491100000000".to_owned()],
        emails: vec!["ana@example.org".to_owned()],
        organisation: some("Taller"),
    };
    let place = Location { latitude_e7: -1, longitude_e7: 1_800_000_000, name: some("Local"), address: some("Av. 1") };
    let mail = OutgoingMail {
        subject: "Re: Turno".to_owned(),
        text: "Sí".to_owned(),
        html: some("<p>Sí</p>"),
        html_sha256: Some("0f".repeat(32)),
        cc: Vec::new(),
        message_id: "ours@example.org".to_owned(),
        in_reply_to: None,
        references: Vec::new(),
        reply_to: None,
        files: Vec::new(),
    };
    let rows = vec![choice("a"), Choice { description: None, ..choice("b") }];
    let mut bodies = vec![
        Body::Text { text: "hola".to_owned(), preview_url: true },
        Body::Location(place),
        Body::Contacts(vec![card]),
        Body::Reaction { target: message_id(1), target_provider_id: "wamid.composed".to_owned(), emoji: some("👍") },
        Body::Reaction { target: message_id(1), target_provider_id: "wamid.composed".to_owned(), emoji: None },
        Body::Buttons { frame: frame(), buttons: vec![choice("a")] },
        Body::List {
            frame: frame(),
            button: "Ver".to_owned(),
            sections: vec![Section { title: "s".to_owned(), rows }],
        },
        Body::Template(Box::new(used)),
        Body::Mail(Box::new(mail)),
    ];
    bodies.extend(MEDIA.map(|kind| Body::Media { kind, file: file(), caption: some("c") }));
    let by = |author| Outgoing {
        author,
        automatic: true,
        ..outgoing(Body::Text { text: "a".to_owned(), preview_url: false })
    };
    let queued = |outgoing| ConversationEvent::MessageQueued(Box::new(outgoing));
    bodies.into_iter().map(outgoing).chain(AUTHORS.map(by)).map(queued).collect()
}

fn detection() -> PolicyChange {
    let phrase = |text: &str| Phrase {
        rule: Rule::Complaint,
        language: Language::Spanish,
        list: List::Phrases,
        text: text.to_owned(),
    };
    PolicyChange {
        acts: vec![(Rule::Complaint, Act::Suggest), (Rule::PriceQuestion, Act::Off)],
        languages: Some(vec![Language::Spanish, Language::Portuguese]),
        repeats: Some(4),
        unresolved: Some(12),
        quiet: Some(Duration::from_hours(2)),
        remove: vec![phrase("facturaron/cobraron dos/tres/2/3 meses")],
        add: vec![phrase("se cayo el flete")],
        ..PolicyChange::default()
    }
}

pub(crate) fn workspace_events() -> [WorkspaceEvent; 3] {
    let reply = QuickReply { title: "Saludo".to_owned(), text: "Hola {contact.name}".to_owned() };
    [
        WorkspaceEvent::QuickReplySet { name: "saludo".to_owned(), reply },
        WorkspaceEvent::QuickReplyRemoved { name: "saludo".to_owned() },
        WorkspaceEvent::DetectionSet(Arc::new(detection().to(&Policy::default()).unwrap())),
    ]
}

#[track_caller]
fn comes_back(event: Event) {
    let whole = commit(event);
    assert_eq!(codec::decode(&codec::encode(&whole)), Ok(whole));
}

/// A golden holds one word of each list; all of them must come back.
#[test]
fn every_word_of_sending_comes_back() {
    for class in FailureClass::ALL {
        let failure = SendFailure { class, code: None, detail: None };
        let failed = ConversationEvent::SendFailed { message: message_id(1), attempt: 9, failure, retry_at: None };
        comes_back(Event::Conversation(failed));
    }
    for cause in [CancelCause::BotPaused, CancelCause::Staff] {
        comes_back(Event::Conversation(ConversationEvent::SendCancelled { message: message_id(1), cause }));
    }
    let outcome = FetchOutcome::Unavailable { reason: "gone".to_owned() };
    comes_back(Event::Conversation(ConversationEvent::MediumFetched {
        message: message_id(1),
        index: 0,
        medium: None,
        outcome,
    }));
    for author in [Author::Staff, Author::Bot, Author::System] {
        let outgoing =
            Outgoing { author, automatic: true, ..outgoing(Body::Text { text: "a".to_owned(), preview_url: true }) };
        comes_back(Event::Conversation(ConversationEvent::MessageQueued(Box::new(outgoing))));
    }
    let flags = MessageFlags { imported: true, unverified: true, ..MessageFlags::default() };
    let message = Message { flags, ..whatsapp_message() };
    comes_back(Event::Conversation(ConversationEvent::MessageReceived(Box::new(message))));
    let headers = [None, Some(Header::Image), Some(Header::Video), Some(Header::Document), Some(Header::Location)];
    for header in headers {
        let template = Template { header, provider_id: None, reason: None, buttons: vec![], ..template() };
        comes_back(Event::Channel(ChannelEvent::TemplateChanged(Box::new(template))));
    }
    for status in ["approved", "pending", "rejected", "paused", "disabled", "in_appeal"] {
        let status = TemplateStatus::parse(status);
        let (name, language) = ("a".to_owned(), "es".to_owned());
        comes_back(Event::Channel(ChannelEvent::TemplateStatusChanged { name, language, status, reason: None }));
    }
}

fn word() -> impl Strategy<Value = String> {
    ".{0,12}"
}

fn maybe() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(".{0,12}")
}

/// A name that is there is not empty: the log keeps an empty one as none.
fn stored_file() -> impl Strategy<Value = StoredFile> {
    (word(), word(), any::<u64>(), proptest::option::of(".{1,12}"))
        .prop_map(|(sha256, mime_type, size_bytes, file_name)| StoredFile { sha256, mime_type, size_bytes, file_name })
}

fn choices() -> impl Strategy<Value = Vec<Choice>> {
    let choice = (word(), word(), maybe()).prop_map(|(id, title, description)| Choice { id, title, description });
    proptest::collection::vec(choice, 0..4)
}

fn frame() -> impl Strategy<Value = Frame> {
    (maybe(), word(), maybe()).prop_map(|(header, text, footer)| Frame { header, text, footer })
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(word(), 0..3)
}

fn template_body() -> impl Strategy<Value = Body> {
    let part = prop_oneof![Just(Part::Header), Just(Part::Body), any::<u32>().prop_map(Part::Button)];
    let value = (part, word(), word()).prop_map(|(part, variable, value)| TemplateValue { part, variable, value });
    let values = proptest::collection::vec(value, 0..4);
    (word(), word(), maybe(), values, proptest::option::of(stored_file()), word()).prop_map(
        |(name, language, provider_id, values, header_file, preview)| {
            Body::Template(Box::new(TemplateUse { name, language, provider_id, values, header_file, preview }))
        },
    )
}

fn mail_body() -> impl Strategy<Value = Body> {
    let files = proptest::collection::vec(stored_file(), 0..3);
    let html = (maybe(), maybe());
    (word(), word(), html, texts(), word(), maybe(), texts(), maybe(), files).prop_map(
        |(subject, text, (html, html_sha256), cc, message_id, in_reply_to, references, reply_to, files)| {
            Body::Mail(Box::new(OutgoingMail {
                subject,
                text,
                html,
                html_sha256,
                cc,
                message_id,
                in_reply_to,
                references,
                reply_to,
                files,
            }))
        },
    )
}

fn body() -> impl Strategy<Value = Body> {
    let place = (any::<(i32, i32)>(), maybe(), maybe()).prop_map(|((latitude_e7, longitude_e7), name, address)| {
        Body::Location(Location { latitude_e7, longitude_e7, name, address })
    });
    let card = (word(), texts(), texts(), maybe()).prop_map(|(name, phones, emails, organisation)| ContactCard {
        name,
        phones,
        emails,
        organisation,
    });
    let section = (word(), choices()).prop_map(|(title, rows)| Section { title, rows });
    prop_oneof![
        (word(), any::<bool>()).prop_map(|(text, preview_url)| Body::Text { text, preview_url }),
        (prop::sample::select(MediaKind::ALL.to_vec()), stored_file(), maybe())
            .prop_map(|(kind, file, caption)| Body::Media { kind, file, caption }),
        place,
        proptest::collection::vec(card, 0..3).prop_map(Body::Contacts),
        (any::<[u8; 16]>(), word(), maybe()).prop_map(|(target, target_provider_id, emoji)| Body::Reaction {
            target: MessageId::new(target),
            target_provider_id,
            emoji
        }),
        (frame(), choices()).prop_map(|(frame, buttons)| Body::Buttons { frame, buttons }),
        (frame(), word(), proptest::collection::vec(section, 0..3)).prop_map(|(frame, button, sections)| Body::List {
            frame,
            button,
            sections
        }),
        template_body(),
        mail_body(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn whatever_can_be_sent_comes_back(
        body in body(),
        kind in prop::sample::select(IdentifierKind::ALL.to_vec()),
        to in word(),
        reply in any::<Option<[u8; 16]>>(),
        author_name in maybe(),
    ) {
        let mut queued = outgoing(body);
        queued.reply_to = reply.map(MessageId::new);
        queued.personal = OutgoingPersonal { to: Recipient { kind, value: to }, author_name, reply_to_provider_id: None };
        let whole = commit(Event::Conversation(ConversationEvent::MessageQueued(Box::new(queued))));
        prop_assert_eq!(codec::decode(&codec::encode(&whole)), Ok(whole));
    }
}
