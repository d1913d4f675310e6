//! What is stored of an entity reads back as it was, and what is damaged is not taken for something else.

use relevo_domain::conversation::{
    Alerts, Author, Due, GivenTurn, LastAnswer, Pending, Stage, Suggestion, Turn, Turns, Watch,
};
use relevo_domain::detection::{Memory, Rule};
use relevo_domain::quick_reply::QuickReply;
use relevo_domain::template::{Header, Template, TemplateButton, TemplateStatus};
use relevo_domain::{EntityId, MessageId};

use super::*;

fn wa() -> ChannelId {
    ChannelId::new("wa").unwrap()
}

/// One message in every stage, of every author who sends.
fn outbox() -> Vec<Pending> {
    let stages = [
        Stage::Queued { not_before: None },
        Stage::Queued { not_before: Some(Timestamp::from_millis(0)) },
        Stage::Claimed { claim: "c-1".to_owned(), until: Timestamp::from_millis(99) },
        Stage::Unknown { since: Timestamp::from_millis(-1) },
    ];
    let authors = [Author::Staff, Author::Bot, Author::System, Author::Staff];
    let pending = |(stage, author)| Pending {
        id: MessageId::new([7; 16]),
        author,
        queued_at: Timestamp::from_millis(3),
        attempts: 2,
        stage,
    };
    stages.into_iter().zip(authors).map(pending).collect()
}

fn channel_state() -> channel::State {
    let headers = [
        None,
        Some(Header::Text("Pedido {{1}}".to_owned())),
        Some(Header::Image),
        Some(Header::Video),
        Some(Header::Document),
        Some(Header::Location),
    ];
    let template = |(n, header): (usize, Option<Header>)| {
        let name = format!("aviso_{n}");
        let template = Template {
            name: name.clone(),
            language: "es_AR".to_owned(),
            provider_id: Some("HX1".to_owned()),
            status: if n == 0 { TemplateStatus::Approved } else { TemplateStatus::Other("in_appeal".to_owned()) },
            category: "utility".to_owned(),
            header,
            body: "Hola {{nombre}}".to_owned(),
            footer: Some("Gracias".to_owned()),
            buttons: vec![TemplateButton {
                kind: "url".to_owned(),
                text: "Ver".to_owned(),
                url: Some("https://x/{{1}}".to_owned()),
            }],
            reason: Some("QUALITY".to_owned()),
        };
        ((name, "es_AR".to_owned()), template)
    };
    channel::State { templates: headers.into_iter().enumerate().map(template).collect(), paused: true }
}

fn opened_conversation(contact: EntityId) -> Opened {
    Opened {
        channel: wa(),
        contact,
        medium: Medium::Email,
        status: Status::Resolved { at: Timestamp::from_millis(5) },
        episode: 2,
        bot: Bot::Paused {
            reason: PauseReason::Echo,
            by: Actor::Staff(AgentId::new("laura").unwrap()),
            since: Timestamp::from_millis(-4),
            terms: PauseTerms { until: Some(Timestamp::from_millis(9)), locked: true },
        },
        agent: Some(AgentId::new("laura").unwrap()),
        team: Some(TeamId::new("ventas").unwrap()),
        tags: [TagId::new([2; 16])].into(),
        priority: Priority::High,
        version: 9,
        customer_wrote: 8,
        read_through: 7,
        customer_spoke_at: Some(Timestamp::from_millis(6)),
        reply_address: Some("whatsapp:+5491155550101".to_owned()),
        last_received: Some(MessageId::new([5; 16])),
        last_answer: Some(LastAnswer {
            message: MessageId::new([6; 16]),
            version: 8,
            by: Actor::Bot(AgentId::new("helper").unwrap()),
            at: Timestamp::from_millis(8),
            preview: "hola".to_owned(),
        }),
        outbox: outbox(),
        turns: Turns {
            new_from: Some(4),
            due: Some(Due::Answer),
            context_through: 3,
            failed: 2,
            running: Some(Turn {
                number: 6,
                given: GivenTurn {
                    bot: AgentId::new("helper").unwrap(),
                    from: 4,
                    through: 5,
                    context_through: 3,
                    answer: true,
                    attempt: 2,
                    claim: "c-2".to_owned(),
                    until: Timestamp::from_millis(77),
                },
            }),
        },
        waiting_since: Some(Timestamp::from_millis(2)),
        answered_by: Some((MessageId::new([7; 16]), Timestamp::from_millis(1))),
        locked_by: Some((Actor::Staff(AgentId::new("carla").unwrap()), Timestamp::from_millis(-3))),
        watch: watch(),
        alerts: Alerts { unanswered: Some(Timestamp::from_millis(4)), too_long: Some(Timestamp::from_millis(5)) },
        signal: Some(Timestamp::from_millis(6)),
    }
}

/// With something in each list.
fn watch() -> Watch {
    let mut memory = Memory::default();
    memory.customer_said(MessageId::new([1; 16]), "¿a qué hora abren el 24?");
    memory.bot_said(MessageId::new([2; 16]), "Abrimos a las 9");
    memory.customer_said(MessageId::new([3; 16]), "NO FUNCIONA ESTO NUNCA");
    let reason = PauseReason::BotError;
    let at = Timestamp::from_millis(8);
    let suggestion = Suggestion { number: 7, rule: Rule::RepeatedAnswer, reason, at };
    Watch { memory, suggestions: vec![suggestion], said: [Rule::RepeatedAnswer, Rule::Unresolved].into() }
}

#[test]
fn every_state_reads_back_as_written() {
    let contact_id = EntityId::new(EntityKind::Contact, [3; 16]);
    let opened = opened_conversation(contact_id);
    let with =
        |status| EntityState::Conversation(conversation::State { opened: Some(Opened { status, ..opened.clone() }) });
    let states = [
        with(Status::Open),
        with(Status::Pending),
        with(Status::Snoozed { until: None }),
        with(Status::Snoozed { until: Some(Timestamp::from_millis(77)) }),
        EntityState::Conversation(conversation::State { opened: Some(opened.clone()) }),
        EntityState::Conversation(conversation::State::default()),
        EntityState::Contact(contact::State {
            exists: true,
            name: Some("Ana".to_owned()),
            identifiers: [(wa(), IdentifierKind::Bsuid, "AR.1".to_owned())].into(),
            merged: [contact_id].into(),
            parted: [EntityId::new(EntityKind::Contact, [4; 16])].into(),
            customer: Some(contact::CustomerPersonal { id: "C-1".to_owned(), name: Some("Ana".to_owned()) }),
        }),
        EntityState::Identity(Some(IdentityEvent::Bound {
            kind: IdentifierKind::Phone,
            channel: wa(),
            contact: contact_id,
            conversation: None,
        })),
        EntityState::Channel(channel::State::default()),
        EntityState::Channel(channel_state()),
        EntityState::Workspace(workspace::State {
            id_key: Some("ff".to_owned()),
            tags: [(
                TagId::new([4; 16]),
                workspace::Tag { name: TagName::new("Urgente").unwrap(), colour: relevo_domain::Colour([255, 165, 0]) },
            )]
            .into(),
            quick_replies: [(
                "saludo".to_owned(),
                QuickReply { title: "Saludo".to_owned(), text: "Hola {contact.name}".to_owned() },
            )]
            .into(),
            detection: detection(),
        }),
    ];
    for state in states {
        let kind = match &state {
            EntityState::Conversation(_) => EntityKind::Conversation,
            EntityState::Contact(_) => EntityKind::Contact,
            EntityState::Identity(_) => EntityKind::Identity,
            EntityState::Channel(_) => EntityKind::Channel,
            EntityState::Workspace(_) => EntityKind::Workspace,
            EntityState::Bulk(_) => EntityKind::Bulk,
        };
        let entity = Entity { state, sequence: 9, version: 4, hash: [8; 32] };
        assert_eq!(decode(kind, &encode(&entity)).unwrap(), entity);
    }
}

fn detection() -> std::sync::Arc<relevo_domain::detection::Policy> {
    use relevo_domain::detection::{Act, Language, List, Phrase, Policy, PolicyChange, Rule};
    let entry = |text: &str| Phrase {
        rule: Rule::Complaint,
        language: Language::Spanish,
        list: List::Phrases,
        text: text.to_owned(),
    };
    let change = PolicyChange {
        acts: vec![(Rule::PriceQuestion, Act::Off)],
        languages: Some(vec![]),
        repeats: Some(4),
        unresolved: Some(12),
        quiet: Some(std::time::Duration::from_hours(2)),
        remove: vec![entry("mal trabajo")],
        add: vec![entry("se cayo el flete")],
        ..PolicyChange::default()
    };
    std::sync::Arc::new(change.to(&Policy::default()).unwrap())
}

#[test]
fn a_damaged_row_is_an_error_not_an_empty_state() {
    assert!(decode(EntityKind::Conversation, &[0xff, 0xff]).is_err());
    assert!(decode(EntityKind::Conversation, &[]).is_err(), "a row without a hash was never written");
}
