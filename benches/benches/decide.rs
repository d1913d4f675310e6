//! What the rules cost: deciding a hot command and folding what it leads to, in conversations of different ages. No log, no view.
//!
//! `cargo bench -p relevo-benches --bench decide`. A few seconds a case: to compare before and after, not to report.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on must fail")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use relevo_domain::conversation::{
    Author, Body, Command, Content, ContentPersonal, Decision, Envelope, Medium, Message, MessageFlags, MessageKind,
    Outgoing, OutgoingPersonal, PauseReason, PauseTerms, PauseWish, Place, Recipient, Send, State, decide,
};
use relevo_domain::detection::Policy;
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{Actor, AgentId, ChannelId, EntityId, EntityKind, MessageId, Role, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
/// Messages that an old conversation has behind it.
const OLD: u32 = 500;

fn message_id(number: u32) -> MessageId {
    let mut bytes = [1; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    MessageId::new(bytes)
}

fn place() -> Place {
    let contact = EntityId::new(EntityKind::Contact, [9; 16]);
    Place { channel: ChannelId::new("wa-main").unwrap(), medium: Medium::WhatsApp, contact, contact_paused: false }
}

fn message(number: u32) -> Message {
    let personal = ContentPersonal {
        provider_id: format!("wamid.{number}"),
        text: Some("Hola, quería saber si tienen turno para mañana por la tarde.".to_owned()),
        sender_name: Some("María".to_owned()),
        sender_address: Some("5491155550101".to_owned()),
        ..ContentPersonal::default()
    };
    Message {
        id: message_id(number),
        author: Author::Customer,
        content: Content { kind: MessageKind::Text, attachments: Vec::new(), personal },
        provider_time: Some(NOW),
        reply_to: None,
        flags: MessageFlags::default(),
    }
}

fn inbound(number: u32, policy: &Arc<Policy>) -> (Envelope, Command) {
    let envelope = Envelope { actor: Actor::Customer, role: None, now: NOW, new_message: message_id(0) };
    let message = Box::new(message(number));
    (envelope, Command::ReceiveMessage { place: place(), message, detection: Some(Arc::clone(policy)) })
}

fn staff() -> Envelope {
    let actor = Actor::Staff(AgentId::new("laura").unwrap());
    Envelope { actor, role: Some(Role::Agent), now: NOW, new_message: message_id(u32::MAX) }
}

fn pause() -> (Envelope, Command) {
    let wish = PauseWish { reason: PauseReason::Complaint, note: None, terms: PauseTerms::default() };
    (staff(), Command::PauseBot(wish))
}

fn send() -> (Envelope, Command) {
    let to = Recipient { kind: IdentifierKind::WaId, value: "5491155550101".to_owned() };
    let outgoing = Outgoing {
        id: message_id(u32::MAX),
        author: Author::Staff,
        automatic: false,
        reply_to: None,
        body: Body::Text { text: "Sí, a las 10.".to_owned(), preview_url: false },
        personal: OutgoingPersonal { to, author_name: Some("Laura".to_owned()), reply_to_provider_id: None },
    };
    let send = Send {
        outgoing,
        place: None,
        last_seen_version: None,
        force: false,
        pauses_bot: true,
        pause: None,
        turn: None,
        channel_paused: false,
        detection: None,
    };
    (staff(), Command::SendMessage(Box::new(send)))
}

fn claim() -> (Envelope, Command) {
    let envelope = Envelope { actor: Actor::System, role: None, now: NOW, new_message: message_id(0) };
    let until = NOW + Duration::from_secs(10);
    (envelope, Command::ClaimSend { message: message_id(u32::MAX), claim: "node-1".to_owned(), until })
}

/// The state after a command; a refusal is a mistake in this file.
fn after(state: State, (envelope, command): &(Envelope, Command)) -> State {
    match decide(&state, envelope, command).unwrap_or_else(|refused| panic!("{refused:?}")) {
        Decision::Append(events) => {
            events.iter().fold(state, |state, event| state.evolve(event, envelope.now, &envelope.actor))
        }
        Decision::AlreadySo => panic!("nothing happened"),
    }
}

fn grown(messages: u32, policy: &Arc<Policy>) -> State {
    (1..=messages).fold(State::default(), |state, number| after(state, &inbound(number, policy)))
}

fn hot(criterion: &mut Criterion) {
    let policy = Arc::new(Policy::default());
    let mut group = criterion.benchmark_group("decide");
    for (age, messages) in [("new", 1), ("old", OLD)] {
        let state = grown(messages, &policy);
        let queued = after(state.clone(), &send());
        let cases = [
            ("inbound", &state, inbound(messages + 1, &policy)),
            ("pause", &state, pause()),
            ("send", &state, send()),
            ("claim", &queued, claim()),
        ];
        for (name, state, (envelope, command)) in &cases {
            let name = format!("{name}, {age} conversation");
            group.bench_function(name, |bencher| bencher.iter(|| black_box(decide(state, envelope, command))));
        }
        let whole = inbound(messages + 1, &policy);
        group.bench_function(format!("inbound and evolve, {age} conversation"), |bencher| {
            bencher.iter_batched(|| state.clone(), |state| black_box(after(state, &whole)), BatchSize::SmallInput);
        });
    }
    let first = inbound(1, &policy);
    group.bench_function("inbound that opens a conversation", |bencher| {
        bencher.iter(|| black_box(after(State::default(), &first)));
    });
    group.finish();
}

criterion_group! {
    name = rules;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    targets = hot
}
criterion_main!(rules);
