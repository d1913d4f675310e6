//! The event corpus: every event as it was first written to a log. A file here never changes; an event whose form changes
//! gets a file of the next version, and the old one must still decode.
//!
//! `UPDATE_GOLDEN=1` writes the files that are missing, and only those.

use std::collections::BTreeSet;
use std::path::PathBuf;

use relevo_domain::channel::{ChannelEvent, ProviderUpdatePersonal};
use relevo_domain::contact::event::{ContactEvent, CustomerPersonal, IdentifierPersonal, MergeCause, NamePersonal};
use relevo_domain::conversation::event::{
    AssignmentHow, ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus, EpisodeCause, Medium,
    NotePersonal, OpenCause, PauseReason, PauseTerms, Priority, ReactionPersonal, ReopenCause, ResumeCause,
    SnoozePreset,
};
use relevo_domain::conversation::message::{
    Attachment, AttachmentPersonal, Author, Content, ContentPersonal, MailPersonal, Message, MessageFlags, MessageKind,
};
use relevo_domain::identity::{IdentifierKind, IdentityEvent};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{
    Actor, AgentId, ChannelId, Colour, CommandId, Commit, CommitId, EntityId, EntityKind, Event, IntakePointer,
    MessageId, TagId, TagName, TeamId, TenantId, Timestamp,
};
use relevo_eventlog::codec;

use crate::golden_bulk as bulk;
use crate::golden_pause as pause;
use crate::golden_sending as sending;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/events")
}

fn channel() -> ChannelId {
    ChannelId::new("wa-main").unwrap()
}

fn contact(n: u8) -> EntityId {
    EntityId::new(EntityKind::Contact, [n; 16])
}

pub(crate) fn message_id(n: u8) -> MessageId {
    MessageId::new([n; 16])
}

pub(crate) fn note() -> NotePersonal {
    NotePersonal { text: Some("Prefiere la tarde".to_owned()) }
}

pub(crate) fn whatsapp_message() -> Message {
    Message {
        id: message_id(1),
        author: Author::Customer,
        content: Content {
            kind: MessageKind::Image,
            attachments: vec![Attachment {
                mime_type: "image/jpeg".to_owned(),
                size_bytes: Some(1024),
                sha256: Some("ab".to_owned()),
                voice: false,
                inline: false,
                provider_id: Some("media-1".to_owned()),
                personal: AttachmentPersonal {
                    file_name: Some("foto.jpg".to_owned()),
                    url: Some("https://example.org/1".to_owned()),
                    content_id: None,
                },
            }],
            personal: ContentPersonal {
                provider_id: "wamid.composed".to_owned(),
                text: Some("Hola, ¿tienen turno?".to_owned()),
                sender_name: Some("María García".to_owned()),
                sender_address: Some("5491100000000".to_owned()),
                details_json: Some("{}".to_owned()),
                mail: None,
            },
        },
        provider_time: Some(Timestamp::from_millis(1_790_000_000_000)),
        reply_to: Some(message_id(2)),
        flags: MessageFlags { forwarded: true, ..MessageFlags::default() },
    }
}

fn mail() -> Content {
    Content {
        kind: MessageKind::Email,
        attachments: vec![Attachment::default(), Attachment { voice: true, inline: true, ..Attachment::default() }],
        personal: ContentPersonal {
            mail: Some(MailPersonal {
                subject: "Turno".to_owned(),
                message_id: Some("a@example.org".to_owned()),
                in_reply_to: vec!["b@example.org".to_owned()],
                references: vec!["c@example.org".to_owned(), "b@example.org".to_owned()],
                to: vec!["salon@example.org".to_owned()],
                cc: vec!["copia@example.org".to_owned()],
                quoted: Some("> antes".to_owned()),
                html: Some("<p>Hola</p>".to_owned()),
            }),
            ..ContentPersonal::default()
        },
    }
}

fn report() -> DeliveryReport {
    DeliveryReport {
        message: message_id(3),
        status: DeliveryStatus::Failed,
        reported_at: Timestamp::from_millis(1_790_000_000_500),
        error_code: Some("131047".to_owned()),
        personal: DeliveryReportPersonal {
            provider_id: "wamid.composed-2".to_owned(),
            recipient: Some("5491100000000".to_owned()),
            details_json: Some("{}".to_owned()),
        },
    }
}

pub(crate) fn agent() -> AgentId {
    AgentId::new("laura").unwrap()
}

fn conversation_events() -> [ConversationEvent; 14] {
    let every_flag = MessageFlags {
        automatic: true,
        bounce: true,
        delay: true,
        list: true,
        complaint: true,
        own_loop: true,
        message_id_reused: true,
        forwarded: true,
        frequently_forwarded: true,
        ..MessageFlags::default()
    };
    let echoed = Message {
        author: Author::PhoneApp,
        content: mail(),
        flags: every_flag,
        provider_time: None,
        reply_to: None,
        ..whatsapp_message()
    };
    [
        ConversationEvent::Opened { channel: channel(), medium: Medium::WhatsApp, contact: contact(9) },
        ConversationEvent::EpisodeStarted { episode: 1, cause: EpisodeCause::CustomerMessage },
        ConversationEvent::MessageReceived(Box::new(whatsapp_message())),
        ConversationEvent::MessageEchoed(Box::new(echoed)),
        ConversationEvent::MessageEdited { message: message_id(1), content: Box::new(mail()) },
        ConversationEvent::MessageRevoked { message: message_id(1) },
        ConversationEvent::ReactionChanged {
            message: message_id(1),
            personal: ReactionPersonal { emoji: Some("👍".to_owned()), provider_id: "wamid.composed-3".to_owned() },
        },
        ConversationEvent::DeliveryReported(report()),
        ConversationEvent::BotPaused {
            reason: PauseReason::Complaint,
            automatic: true,
            terms: PauseTerms::default(),
            personal: note(),
        },
        ConversationEvent::BotResumed {
            cause: ResumeCause::Staff,
            catch_up: relevo_domain::conversation::CatchUp::Know,
            personal: NotePersonal::default(),
        },
        ConversationEvent::Assigned {
            agent: Some(agent()),
            team: Some(TeamId::new("ventas").unwrap()),
            how: AssignmentHow::Claim,
        },
        ConversationEvent::Resolved { episode: 1, reason: Some("sold".to_owned()), personal: note() },
        ConversationEvent::Reopened { episode: 1, cause: ReopenCause::Staff },
        ConversationEvent::NoteAdded { message: message_id(4), personal: note() },
    ]
}

fn tag() -> TagId {
    TagId::new([7; 16])
}

/// What the desk's commands lead to.
fn desk_events() -> [ConversationEvent; 7] {
    [
        ConversationEvent::MarkedPending { personal: note() },
        ConversationEvent::Snoozed {
            until: Some(Timestamp::from_millis(1_790_003_600_000)),
            preset: Some(SnoozePreset::TomorrowMorning),
            personal: note(),
        },
        ConversationEvent::ReturnedToOpen { cause: OpenCause::CustomerMessage },
        ConversationEvent::TagAdded { tag: tag() },
        ConversationEvent::TagRemoved { tag: tag() },
        ConversationEvent::PrioritySet { priority: Priority::Urgent },
        ConversationEvent::MarkedRead { through: 12 },
    ]
}

/// One of every event.
fn corpus() -> Vec<Event> {
    let contact_events = [
        ContactEvent::Created {
            channel: channel(), personal: NamePersonal { name: Some("María García".to_owned()) }
        },
        ContactEvent::IdentifierLearned {
            kind: IdentifierKind::Phone,
            channel: channel(),
            personal: IdentifierPersonal { value: "5491100000000".to_owned() },
        },
        ContactEvent::Renamed { personal: NamePersonal { name: None } },
        ContactEvent::Merged { other: contact(8), cause: MergeCause::NumberChanged },
        ContactEvent::Unmerged { other: contact(8) },
        ContactEvent::CustomerLinked {
            personal: CustomerPersonal { id: "C-00042".to_owned(), name: Some("María García".to_owned()) },
        },
        ContactEvent::CustomerUnlinked,
    ];
    let bound = IdentityEvent::Bound {
        kind: IdentifierKind::Bsuid,
        channel: channel(),
        contact: contact(9),
        conversation: Some(EntityId::new(EntityKind::Conversation, [5; 16])),
    };
    let channel_events = [
        ChannelEvent::DeliveryReported(report()),
        ChannelEvent::ProviderUpdated {
            field: "message_template_status_update".to_owned(),
            personal: ProviderUpdatePersonal { json: "{}".to_owned() },
        },
    ];
    let (name, colour) = (|name| TagName::new(name).unwrap(), Colour([255, 165, 0]));
    let workspace_events = [
        WorkspaceEvent::IdKeyFingerprinted { fingerprint: "ab12".to_owned() },
        WorkspaceEvent::TagCreated { tag: tag(), name: name("Presupuesto enviado"), colour },
        WorkspaceEvent::TagChanged { tag: tag(), name: name("Presupuesto"), colour },
        WorkspaceEvent::TagDeleted { tag: tag() },
    ];
    let conversation_events =
        conversation_events().into_iter().chain(pause::events()).chain(desk_events()).chain(sending::events());
    let mut events: Vec<Event> = conversation_events.map(Event::Conversation).collect();
    events.extend(contact_events.map(Event::Contact));
    events.push(Event::Identity(bound));
    events.extend(channel_events.into_iter().chain(sending::channel_events()).map(Event::Channel));
    events.extend(workspace_events.into_iter().chain(sending::workspace_events()).map(Event::Workspace));
    events.extend(bulk::events().map(Event::Bulk));
    events
}

const fn channel_variants(event: &ChannelEvent) -> usize {
    match event {
        ChannelEvent::DeliveryReported(_)
        | ChannelEvent::ProviderUpdated { .. }
        | ChannelEvent::TemplateChanged(_)
        | ChannelEvent::TemplateStatusChanged { .. }
        | ChannelEvent::TemplateRemoved { .. }
        | ChannelEvent::ChannelPaused
        | ChannelEvent::ChannelResumed => 7,
    }
}

const fn contact_variants(event: &ContactEvent) -> usize {
    match event {
        ContactEvent::Created { .. }
        | ContactEvent::IdentifierLearned { .. }
        | ContactEvent::Renamed { .. }
        | ContactEvent::Merged { .. }
        | ContactEvent::Unmerged { .. }
        | ContactEvent::CustomerLinked { .. }
        | ContactEvent::CustomerUnlinked => 7,
    }
}

/// An event's file, and how many variants its kind has; both exhaustive.
fn name(event: &Event) -> (&'static str, String, usize) {
    let (kind, variants) = match event {
        Event::Conversation(event) => (
            "conversation",
            match event {
                ConversationEvent::Opened { .. }
                | ConversationEvent::EpisodeStarted { .. }
                | ConversationEvent::MessageReceived(_)
                | ConversationEvent::MessageEchoed(_)
                | ConversationEvent::MessageEdited { .. }
                | ConversationEvent::MessageRevoked { .. }
                | ConversationEvent::ReactionChanged { .. }
                | ConversationEvent::DeliveryReported(_)
                | ConversationEvent::BotPaused { .. }
                | ConversationEvent::PauseChanged { .. }
                | ConversationEvent::BotResumed { .. }
                | ConversationEvent::Escalated { .. }
                | ConversationEvent::SituationDetected(_)
                | ConversationEvent::SuggestionClosed { .. }
                | ConversationEvent::BotTurnStarted(_)
                | ConversationEvent::BotTurnEnded { .. }
                | ConversationEvent::AlertRaised { .. }
                | ConversationEvent::BotSignalled { .. }
                | ConversationEvent::Assigned { .. }
                | ConversationEvent::Resolved { .. }
                | ConversationEvent::Reopened { .. }
                | ConversationEvent::NoteAdded { .. }
                | ConversationEvent::MarkedPending { .. }
                | ConversationEvent::Snoozed { .. }
                | ConversationEvent::ReturnedToOpen { .. }
                | ConversationEvent::TagAdded { .. }
                | ConversationEvent::TagRemoved { .. }
                | ConversationEvent::PrioritySet { .. }
                | ConversationEvent::MarkedRead { .. }
                | ConversationEvent::MessageQueued(_)
                | ConversationEvent::SendStarted { .. }
                | ConversationEvent::MessageAccepted { .. }
                | ConversationEvent::SendFailed { .. }
                | ConversationEvent::SendOutcomeUnknown { .. }
                | ConversationEvent::SendCancelled { .. }
                | ConversationEvent::MediumFetched { .. } => 36,
            },
        ),
        Event::Contact(event) => ("contact", contact_variants(event)),
        Event::Identity(IdentityEvent::Bound { .. }) => ("identity", 1),
        Event::Channel(event) => ("channel", channel_variants(event)),
        Event::Bulk(event) => ("bulk", bulk::variants(event)),
        Event::Workspace(event) => (
            "workspace",
            match event {
                WorkspaceEvent::IdKeyFingerprinted { .. }
                | WorkspaceEvent::TagCreated { .. }
                | WorkspaceEvent::TagChanged { .. }
                | WorkspaceEvent::TagDeleted { .. }
                | WorkspaceEvent::QuickReplySet { .. }
                | WorkspaceEvent::QuickReplyRemoved { .. }
                | WorkspaceEvent::DetectionSet(_) => 7,
            },
        ),
    };
    (kind, format!("{kind}.{}.v1", event.name()), variants)
}

pub(crate) fn commit(event: Event) -> Commit {
    Commit {
        id: CommitId::new([6; 16]),
        tenant: TenantId::new("demo").unwrap(),
        entity: EntityId::new(EntityKind::Conversation, [5; 16]),
        first_version: 3,
        command_id: CommandId::derived(&[7; 16]),
        occurred_at: Timestamp::from_millis(1_790_000_000_000),
        recorded_at: Timestamp::from_millis(1_790_000_000_777),
        actor: Actor::Staff(agent()),
        causation: Some(CommitId::new([8; 16])),
        correlation: Some("intake:12.3".to_owned()),
        previous_hash: [9; 32],
        intake: Some(IntakePointer { sequence: 12, part: 0, ordinal: 3 }),
        events: vec![event],
    }
}

#[test]
fn every_event_decodes_as_it_was_first_written() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut names = BTreeSet::new();
    let mut counts = std::collections::BTreeMap::new();
    for event in corpus() {
        let (kind, name, variants) = name(&event);
        let commit = commit(event);
        let (bin, txt) = (folder().join(format!("{name}.bin")), folder().join(format!("{name}.txt")));
        if update && !bin.exists() {
            std::fs::write(&bin, codec::encode(&commit)).unwrap();
            std::fs::write(&txt, format!("{commit:#?}\n")).unwrap();
        }
        let stored = std::fs::read(&bin).unwrap_or_else(|error| panic!("{name} has no golden: {error}"));
        let decoded = codec::decode(&stored).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(decoded, commit, "{name}");
        assert_eq!(std::fs::read_to_string(&txt).unwrap(), format!("{decoded:#?}\n"), "{name}");
        assert_eq!(codec::encode(&commit), stored, "{name} is written differently now");
        assert!(names.insert(name));
        *counts.entry(kind).or_insert(0) += 1;
        assert!(counts[kind] <= variants);
    }
    let wanted = [("bulk", 4), ("channel", 7), ("contact", 7), ("conversation", 36), ("identity", 1), ("workspace", 7)];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), wanted, "an event has no golden");
}

/// A golden holds one word of each list; all of them must come back.
#[test]
fn every_word_of_the_desk_comes_back() {
    let mut events = Vec::new();
    events.extend(Priority::ALL.map(|priority| ConversationEvent::PrioritySet { priority }));
    events.extend(
        [OpenCause::CustomerMessage, OpenCause::Staff, OpenCause::Timer]
            .map(|cause| ConversationEvent::ReturnedToOpen { cause }),
    );
    let until = Some(Timestamp::from_millis(-1));
    let presets = SnoozePreset::ALL.map(Some).into_iter().chain([None]);
    events.extend(presets.flat_map(|preset| {
        [until, None].map(|until| ConversationEvent::Snoozed { until, preset, personal: NotePersonal::default() })
    }));
    events.push(ConversationEvent::Assigned { agent: None, team: None, how: AssignmentHow::Manual });
    events.push(ConversationEvent::MarkedRead { through: u64::MAX });
    let mut events: Vec<Event> = events.into_iter().map(Event::Conversation).collect();
    let causes = [MergeCause::SameUpdate, MergeCause::NumberChanged, MergeCause::Manual];
    events.extend(causes.map(|cause| Event::Contact(ContactEvent::Merged { other: contact(8), cause })));
    let nameless = CustomerPersonal { id: "C-1".to_owned(), name: None };
    events.push(Event::Contact(ContactEvent::CustomerLinked { personal: nameless }));
    for event in events {
        let whole = commit(event);
        assert_eq!(codec::decode(&codec::encode(&whole)), Ok(whole));
    }
}

#[test]
fn no_golden_was_forgotten() {
    let known: BTreeSet<String> = corpus().iter().map(|event| name(event).1).collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|extension| extension == "bin") {
            let decoded = codec::decode(&std::fs::read(&path).unwrap());
            assert!(decoded.is_ok(), "{stem}: {decoded:?}");
            assert!(known.contains(&stem) || !stem.contains(".v1"), "{stem} belongs to no event");
        }
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let good = codec::encode(&commit(corpus().remove(0)));
    assert!(codec::decode(&good).is_ok());
    assert!(codec::decode(&[]).is_err());
    assert!(codec::decode(b"\xff\xff\xff").is_err());
    for cut in 1..good.len() {
        // Cut anywhere it is refused, or it is a shorter commit that is still whole; it never panics.
        drop(codec::decode(&good[..cut]));
    }
    // An event of a type that this version does not know: `events` (tag 13) holding tag 4000, length 0.
    let mut unknown = good.clone();
    unknown.extend_from_slice(&[0x6a, 0x03, 0x82, 0xfa, 0x01]);
    unknown.push(0x00);
    let length = unknown.len();
    unknown[length - 5] = 0x04;
    assert_eq!(codec::decode(&unknown), Err(codec::DecodeError::UnknownEvent { index: 1 }));
}

mod random {
    //! Whatever the domain can say comes back from the log unchanged.

    use super::*;
    use proptest::prelude::*;

    fn maybe() -> impl Strategy<Value = Option<String>> {
        proptest::option::of(".{0,20}")
    }

    fn attachment() -> impl Strategy<Value = Attachment> {
        (".{0,8}", any::<Option<u64>>(), maybe(), any::<(bool, bool)>(), maybe(), maybe(), maybe()).prop_map(
            |(mime_type, size_bytes, sha256, (voice, inline), provider_id, file_name, url)| Attachment {
                mime_type,
                size_bytes,
                sha256,
                voice,
                inline,
                provider_id,
                personal: AttachmentPersonal { content_id: file_name.clone(), file_name, url },
            },
        )
    }

    fn content() -> impl Strategy<Value = Content> {
        let kind = ".{0,12}".prop_map(|kind| MessageKind::parse(&kind));
        let personal = (".{0,9}", maybe(), maybe(), maybe(), maybe());
        (kind, proptest::collection::vec(attachment(), 0..4), personal).prop_map(
            |(kind, attachments, (provider_id, text, sender_name, sender_address, details_json))| Content {
                kind,
                attachments,
                personal: ContentPersonal { provider_id, text, sender_name, sender_address, details_json, mail: None },
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn messages_come_back(
            content in content(),
            id in any::<[u8; 16]>(),
            time in any::<Option<i64>>(),
            reply in any::<Option<[u8; 16]>>(),
            clocks in any::<(i64, i64)>(),
        ) {
            let message = Message {
                id: MessageId::new(id),
                author: Author::Customer,
                content,
                provider_time: time.map(Timestamp::from_millis),
                reply_to: reply.map(MessageId::new),
                flags: MessageFlags::default(),
            };
            let mut whole = commit(Event::Conversation(ConversationEvent::MessageReceived(Box::new(message))));
            (whole.occurred_at, whole.recorded_at) = (Timestamp::from_millis(clocks.0), Timestamp::from_millis(clocks.1));
            prop_assert_eq!(codec::decode(&codec::encode(&whole)), Ok(whole));
        }
    }
}
