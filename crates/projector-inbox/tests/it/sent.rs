//! What the business sends: how each message stands, whatever order its answer and its reports come in; and what the line shows.

use std::time::Duration;

use proptest::prelude::*;
use relevo_domain::conversation::{
    AcceptedPersonal, Author, Body, CancelCause, ConversationEvent, DeliveryReport, DeliveryReportPersonal,
    DeliveryStatus, FailureClass, Medium, NotePersonal, Outgoing, PauseTerms, ReactionPersonal, SendFailure,
    TemplateUse,
};
use relevo_domain::{Actor, AgentId, EntityId, MessageId, Timestamp};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{outgoing, staff, supervisor};
use relevo_projector_inbox::{
    Author as Wrote, CancelCode, Entry, Filter, Message, REPORTED, SendState, ThreadEntry, counters,
};

use crate::support::{Folded, demo, with};

const MINUTE: Duration = Duration::from_mins(1);

fn a_talk() -> (Story, EntityId) {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    story.customer(id, "¿tienen turno?");
    story.wait(MINUTE);
    (story, id)
}

fn accepted(message: MessageId, attempt: u32, alias: MessageId) -> ConversationEvent {
    ConversationEvent::MessageAccepted { message, attempt, alias, personal: AcceptedPersonal::default() }
}

fn started(message: MessageId, attempt: u32) -> ConversationEvent {
    let until = Timestamp::from_seconds(0);
    ConversationEvent::SendStarted { message, attempt, claim: "claim".to_owned(), until }
}

fn failed(message: MessageId, attempt: u32, retry_at: Option<Timestamp>) -> ConversationEvent {
    let failure = SendFailure { class: FailureClass::Window, code: Some("131047".to_owned()), detail: None };
    ConversationEvent::SendFailed { message, attempt, failure, retry_at }
}

fn reported(message: MessageId, status: DeliveryStatus, at: Timestamp) -> ConversationEvent {
    let error_code = (status == DeliveryStatus::Failed).then(|| "131026".to_owned());
    let personal = DeliveryReportPersonal::default();
    ConversationEvent::DeliveryReported(DeliveryReport { message, status, reported_at: at, error_code, personal })
}

fn named(number: u8) -> MessageId {
    MessageId::new([number; 16])
}

/// The messages of the business, in the order of the thread.
fn sent(entries: &[ThreadEntry]) -> Vec<Message> {
    let message = |entry: &ThreadEntry| match &entry.entry {
        Entry::Message(message) if message.outgoing.is_some() => Some(message.clone()),
        Entry::Message(_) | Entry::Timeline(_) | Entry::Loose(_) => None,
    };
    entries.iter().filter_map(message).collect()
}

fn state(story: &Story, id: EntityId) -> SendState {
    let folded = Folded::of(story);
    let state = sent(&folded.thread(id)).last().unwrap().send_state();
    let row = folded.conversation(id);
    assert_eq!(row.preview_state, state, "the line shows what the thread shows");
    assert_eq!(row.problem, state.is_problem());
    state
}

#[test]
fn a_message_goes_its_way_and_keeps_every_time() {
    let (mut story, id) = a_talk();
    let queued_at = story.now();
    let message = story.queue(id, "laura", "Sí, a las 10");
    assert_eq!(state(&story, id), SendState::Queued);
    story.tell(id, Actor::System, [started(message, 1)]);
    assert_eq!(state(&story, id), SendState::Sending);
    story.wait(MINUTE).tell(id, Actor::System, [accepted(message, 1, named(9))]);
    assert_eq!(state(&story, id), SendState::Accepted);
    for (status, shown) in [
        (DeliveryStatus::Sent, SendState::Sent),
        (DeliveryStatus::Delivered, SendState::Delivered),
        (DeliveryStatus::Read, SendState::Read),
        (DeliveryStatus::Played, SendState::Played),
    ] {
        let now = story.wait(MINUTE).now();
        story.tell(id, Actor::Provider, [reported(named(9), status, now)]);
        assert_eq!(state(&story, id), shown);
    }
    let folded = Folded::of(&story);
    let [row] = &sent(&folded.thread(id))[..] else { panic!("one message, and no loose report") };
    let (way, times) = (row.outgoing.clone().unwrap(), row.times.clone().unwrap());
    let minutes = |n: u32| Some((queued_at + MINUTE * n).as_millis());
    assert_eq!((Some(way.queued_at), way.accepted_at), (minutes(0), minutes(1)));
    assert_eq!(
        (times.sent, times.delivered, times.read, times.played),
        (minutes(2), minutes(3), minutes(4), minutes(5))
    );
    assert_eq!((row.author(), row.by.as_str(), row.sender_name.as_str()), (Wrote::Staff, "staff:laura", "Laura"));
    assert_eq!((way.attempts, row.text.as_str()), (1, "Sí, a las 10"));
    assert_eq!(folded.thread(id).len(), 3, "episode, question and answer");
}

#[test]
fn a_failure_is_final_or_waits_and_an_unknown_outcome_is_told_later() {
    let (mut story, id) = a_talk();
    let message = story.queue(id, "laura", "Sí");
    let retry_at = story.now() + MINUTE;
    story.tell(id, Actor::System, [started(message, 1), failed(message, 1, Some(retry_at))]);
    assert_eq!(state(&story, id), SendState::Queued);
    let waiting = sent(&Folded::of(&story).thread(id)).remove(0);
    let way = waiting.outgoing.clone().unwrap();
    assert_eq!(way.next_attempt_at, Some(retry_at.as_millis()));
    let failure = waiting.failure().unwrap();
    assert_eq!((failure.class.as_str(), failure.code.as_str(), failure.attempt), ("window", "131047", 1));

    story.tell(id, Actor::System, [started(message, 2)]);
    story.tell(id, Actor::System, [ConversationEvent::SendOutcomeUnknown { message, attempt: 2 }]);
    assert_eq!(state(&story, id), SendState::Unknown);
    story.tell(
        id,
        Actor::Provider,
        [accepted(message, 2, named(9)), reported(message, DeliveryStatus::Sent, retry_at)],
    );
    assert_eq!(state(&story, id), SendState::Sent);

    let other = story.queue(id, "laura", "¿Le sirve?");
    story.tell(id, Actor::System, [started(other, 1), failed(other, 1, None)]);
    assert_eq!(state(&story, id), SendState::Failed);
    let taken_back = story.queue(id, "laura", "Perdón");
    let cause = CancelCause::Staff;
    story.tell(id, staff("laura"), [ConversationEvent::SendCancelled { message: taken_back, cause }]);
    assert_eq!(state(&story, id), SendState::Cancelled);
    let row = sent(&Folded::of(&story).thread(id)).pop().unwrap().outgoing.unwrap();
    assert_eq!((row.cancel_cause(), row.cancelled_at), (CancelCode::Staff, Some(story.now().as_millis())));
}

#[test]
fn what_is_reported_failed_after_it_was_taken_says_so_and_delivery_overrules_it() {
    let (mut story, id) = a_talk();
    let message = story.queue(id, "laura", "Sí");
    let alias = story.accept(id, message);
    let now = story.now();
    story.tell(id, Actor::Provider, [reported(alias, DeliveryStatus::Sent, now)]);
    story.tell(id, Actor::Provider, [reported(alias, DeliveryStatus::Failed, now)]);
    assert_eq!(state(&story, id), SendState::Failed);
    let failure = sent(&Folded::of(&story).thread(id)).remove(0).failure().unwrap();
    assert_eq!((failure.class.as_str(), failure.code.as_str()), (REPORTED, "131026"));
    story.tell(id, Actor::Provider, [reported(alias, DeliveryStatus::Delivered, now)]);
    assert_eq!(state(&story, id), SendState::Delivered);
}

/// What can be told of one message of the business beside its queueing and its acceptance.
#[test]
fn a_failure_that_is_reported_between_two_attempts_is_the_end() {
    let (mut story, id) = a_talk();
    let message = story.queue(id, "laura", "Sí");
    let retry_at = Some(story.now() + MINUTE);
    story.tell(id, Actor::System, [started(message, 1), failed(message, 1, retry_at)]);
    let at = story.now();
    story.tell(id, Actor::Provider, [reported(message, DeliveryStatus::Failed, at)]);
    assert_eq!(state(&story, id), SendState::Failed);
    let row = sent(&Folded::of(&story).thread(id)).remove(0);
    let failure = row.failure().unwrap();
    assert_eq!((failure.class.as_str(), failure.code.as_str()), ("reported", "131026"));
    assert_eq!(row.outgoing.unwrap().next_attempt_at, None);
}

#[test]
fn a_failure_of_an_earlier_attempt_does_not_outrank_what_was_taken_after_it() {
    let failed_as = |message, name: &str, at| {
        let personal = DeliveryReportPersonal { provider_id: name.to_owned(), ..DeliveryReportPersonal::default() };
        let (status, error_code) = (DeliveryStatus::Failed, None);
        ConversationEvent::DeliveryReported(DeliveryReport { message, status, reported_at: at, error_code, personal })
    };
    for (name, end) in [("wamid.1", SendState::Accepted), ("wamid.2", SendState::Failed), ("", SendState::Failed)] {
        for report_first in [true, false] {
            let (mut story, id) = a_talk();
            let (message, at) = (story.queue(id, "laura", "Sí"), story.now());
            story.tell(id, Actor::System, [started(message, 1), failed(message, 1, Some(at)), started(message, 2)]);
            let report = failed_as(message, name, at);
            if report_first {
                story.tell(id, Actor::Provider, [report.clone()]);
                assert_eq!(state(&story, id), SendState::Sending, "{name}");
            }
            let personal = AcceptedPersonal { provider_id: "wamid.2".to_owned() };
            let taken = ConversationEvent::MessageAccepted { message, attempt: 2, alias: named(9), personal };
            story.tell(id, Actor::System, [taken]);
            if !report_first {
                story.tell(id, Actor::Provider, [report]);
            }
            assert_eq!(state(&story, id), end, "{name} {report_first}");
        }
    }
}

#[derive(Clone, Debug)]
struct Told {
    status: DeliveryStatus,
    minute: u32,
    /// The report names it as the provider does.
    by_alias: bool,
    /// A customer's reaction, and not a report.
    reaction: bool,
}

fn some_told() -> impl Strategy<Value = Told> {
    let statuses = DeliveryStatus::KNOWN.to_vec();
    (prop::sample::select(statuses), 0..30u32, any::<bool>(), prop::bool::weighted(0.2))
        .prop_map(|(status, minute, by_alias, reaction)| Told { status, minute, by_alias, reaction })
}

/// The message at the end: a fixed beginning, what was told before the acceptance, the acceptance, and the rest.
fn after(told: &[Told], accepted_after: usize, unknown: bool) -> Message {
    let (mut story, id) = a_talk();
    let (message, alias, noon) = (story.queue(id, "laura", "Sí"), named(9), story.now());
    story.tell(id, Actor::System, [started(message, 1)]);
    if unknown {
        story.tell(id, Actor::System, [ConversationEvent::SendOutcomeUnknown { message, attempt: 1 }]);
    }
    let queued_at = story.now();
    for place in 0..=told.len() {
        if place == accepted_after {
            story.at(queued_at + MINUTE).tell(id, Actor::System, [accepted(message, 1, alias)]);
        }
        let Some(told) = told.get(place) else { continue };
        let name = if told.by_alias { alias } else { message };
        let at = noon + MINUTE * told.minute;
        if told.reaction {
            let personal = ReactionPersonal { emoji: Some(format!("{}", told.minute)), provider_id: String::new() };
            story.at(at).tell(id, Actor::Customer, [ConversationEvent::ReactionChanged { message: name, personal }]);
        } else {
            story.tell(id, Actor::Provider, [reported(name, told.status.clone(), at)]);
        }
    }
    let entries = Folded::of(&story).thread(id);
    assert_eq!(entries.len(), 3, "nothing is left loose");
    let mut row = sent(&entries).remove(0);
    // In the order of the log by their nature, and only the first few of a kind.
    row.reports.clear();
    row
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn in_whatever_order_it_is_told_the_end_is_the_same(
        (told, shuffled) in prop::collection::vec(some_told(), 0..8).prop_flat_map(|told| (Just(told.clone()), Just(told).prop_shuffle())),
        first in any::<prop::sample::Index>(),
        second in any::<prop::sample::Index>(),
        unknown in any::<bool>(),
    ) {
        let places = told.len() + 1;
        let one = after(&told, first.index(places), unknown);
        let other = after(&shuffled, second.index(places), unknown);
        // Of equally late reactions the later on the log stands.
        let minutes: Vec<_> = told.iter().filter(|told| told.reaction).map(|told| told.minute).collect();
        prop_assume!(minutes.iter().collect::<std::collections::BTreeSet<_>>().len() == minutes.len());
        prop_assert_eq!(one.send_state(), other.send_state());
        prop_assert_eq!(one, other);
    }
}

#[test]
fn what_quotes_and_what_reacts_by_the_providers_name_finds_the_message() {
    let (mut story, id) = a_talk();
    let message = story.queue(id, "laura", "Sí, a las 10");
    // Both come before the acceptance is known.
    let mut quoting = story.message(Author::Customer, "dale");
    quoting.reply_to = Some(named(9));
    story.tell(id, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(quoting))]);
    let personal = ReactionPersonal { emoji: Some("👍".to_owned()), provider_id: String::new() };
    story.tell(id, Actor::Customer, [ConversationEvent::ReactionChanged { message: named(9), personal }]);
    story.tell(id, Actor::System, [started(message, 1), accepted(message, 1, named(9))]);
    let entries = Folded::of(&story).thread(id);
    let all: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.entry {
            Entry::Message(message) => Some(message),
            Entry::Timeline(_) | Entry::Loose(_) => None,
        })
        .collect();
    let [_, answer, quoting] = all[..] else { panic!("question, answer, and its echo") };
    assert_eq!(quoting.reply_to, message.bytes());
    assert_eq!(answer.reactions.first().map(|reaction| reaction.emoji.as_str()), Some("👍"));
}

#[test]
fn a_reaction_of_the_business_shows_at_its_target_when_it_arrived_and_is_no_message() {
    let (mut story, id) = a_talk();
    let question = story.customer(id, "¿y mañana?");
    let waiting = Folded::of(&story).conversation(id);
    let body = Body::Reaction { target: question, target_provider_id: String::new(), emoji: Some("👀".to_owned()) };
    let reaction = Outgoing { body, ..outgoing(named(5), "") };
    story.wait(MINUTE).tell(id, staff("laura"), [ConversationEvent::MessageQueued(Box::new(reaction))]);
    let shown = |story: &Story| {
        let entries = Folded::of(story).thread(id);
        entries.iter().any(|entry| matches!(&entry.entry, Entry::Message(message) if !message.reactions.is_empty()))
    };
    assert!(!shown(&story));
    story.tell(id, Actor::System, [started(named(5), 1), accepted(named(5), 1, named(6))]);
    assert!(shown(&story));
    let row = Folded::of(&story).conversation(id);
    assert_eq!(
        (row.waiting_since, row.last_activity, row.preview),
        (waiting.waiting_since, waiting.last_activity, waiting.preview)
    );
    assert_eq!(row.unread, 0, "whoever reacts has read");
}

#[test]
fn an_answer_ends_the_wait_from_when_it_is_queued_unless_it_fails() {
    let (mut story, id) = a_talk();
    let since = |story: &Story| Folded::of(story).conversation(id).waiting_since;
    let asked = since(&story);
    assert!(asked.is_some());
    let message = story.queue(id, "laura", "Sí");
    let row = Folded::of(&story).conversation(id);
    assert_eq!((row.waiting_since, row.unread, row.preview.as_str()), (None, 0, "Sí"));
    assert_eq!(row.last_activity, story.now());
    story.tell(id, Actor::System, [started(message, 1), failed(message, 1, None)]);
    assert_eq!(since(&story), asked, "nothing was answered");
    let again = story.queue(id, "laura", "Sí, otra vez");
    story.accept(id, again);
    assert_eq!(since(&story), None);
    let row = Folded::of(&story).conversation(id);
    assert!(!row.problem, "the last one arrived");
}

#[test]
fn a_bot_answers_while_it_is_active_and_relevo_itself_never() {
    let (mut story, id) = a_talk();
    let by = |author, number| Outgoing { author, automatic: true, ..outgoing(named(number), "hola") };
    let bot = Actor::Bot(AgentId::new("asistente").unwrap());
    story.tell(id, Actor::System, [ConversationEvent::MessageQueued(Box::new(by(Author::System, 2)))]);
    let row = Folded::of(&story).conversation(id);
    assert!(row.waiting_since.is_some() && row.unread == 1, "nobody has read or answered");
    story.tell(id, bot, [ConversationEvent::MessageQueued(Box::new(by(Author::Bot, 3)))]);
    let row = Folded::of(&story).conversation(id);
    assert_eq!((row.waiting_since, row.unread), (None, 1), "answered, and read by nobody");
    let pause = ConversationEvent::BotPaused {
        reason: relevo_domain::conversation::PauseReason::Complaint,
        automatic: false,
        terms: PauseTerms::default(),
        personal: NotePersonal::default(),
    };
    let cancelled = ConversationEvent::SendCancelled { message: named(3), cause: CancelCause::BotPaused };
    story.tell(id, staff("laura"), [pause, cancelled]);
    assert!(Folded::of(&story).conversation(id).waiting_since.is_some(), "it did not answer");
}

#[test]
fn a_reaction_of_the_customer_opens_the_window_and_an_automatic_mail_does_not() {
    let (mut story, id) = a_talk();
    let answer = story.phone(id, "sí");
    story.wait(Duration::from_hours(23));
    let personal = ReactionPersonal { emoji: Some("👍".to_owned()), provider_id: String::new() };
    story.tell(id, Actor::Customer, [ConversationEvent::ReactionChanged { message: answer, personal }]);
    let reacted_at = story.now();
    let mut automatic = story.wait(Duration::from_hours(1)).message(Author::Customer, "fuera de la oficina");
    automatic.flags.automatic = true;
    story.tell(id, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(automatic))]);
    let row = Folded::of(&story).conversation(id);
    assert_eq!(row.window_expires_at, Some(reacted_at + Duration::from_hours(24)));
}

#[test]
fn problems_are_counted_and_found() {
    let (mut story, id) = a_talk();
    let fine = story.open(2, "wa-main", Medium::WhatsApp, "Bruno");
    let message = story.queue(id, "laura", "Sí");
    story.tell(id, Actor::System, [started(message, 1), failed(message, 1, None)]);
    let arrived = story.queue(fine, "laura", "Sí");
    story.accept(fine, arrived);
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    let page = folded.list(&with(&caller, Filter { problem: true, ..Filter::default() }));
    assert_eq!(page.rows.iter().map(|row| row.conversation).collect::<Vec<_>>(), [id]);
    let all = counters(&folded.snapshot, &demo(), &caller, story.now()).unwrap().all;
    assert_eq!((all.open, all.problems), (2, 1));
}

#[test]
fn a_template_shows_its_name_and_what_the_customer_reads() {
    let (mut story, id) = a_talk();
    let template = TemplateUse {
        name: "turno".to_owned(),
        language: "es_AR".to_owned(),
        provider_id: None,
        values: Vec::new(),
        header_file: None,
        preview: "Su turno es a las 10".to_owned(),
    };
    let queued = Outgoing { body: Body::Template(Box::new(template)), ..outgoing(named(4), "") };
    story.tell(id, staff("laura"), [ConversationEvent::MessageQueued(Box::new(queued))]);
    let row = sent(&Folded::of(&story).thread(id)).remove(0);
    let way = row.outgoing.unwrap();
    assert_eq!((row.kind.as_str(), row.text.as_str()), ("template", "Su turno es a las 10"));
    assert_eq!((way.template.as_str(), way.template_language.as_str()), ("turno", "es_AR"));
}

#[test]
fn imported_history_is_shown_and_moves_nothing() {
    let (mut story, id) = a_talk();
    let before = Folded::of(&story).conversation(id);
    let imported = |story: &mut Story, author| {
        let mut message = story.message(author, "de antes");
        message.flags.imported = true;
        Box::new(message)
    };
    let (asked, answered) = (imported(&mut story, Author::Customer), imported(&mut story, Author::PhoneApp));
    story.at(story.now() - Duration::from_hours(48));
    story.tell(id, Actor::Customer, [ConversationEvent::MessageReceived(asked)]);
    story.wait(Duration::from_hours(72)).tell(id, Actor::PhoneApp, [ConversationEvent::MessageEchoed(answered)]);
    let folded = Folded::of(&story);
    let after = folded.conversation(id);
    assert_eq!((after.unread, after.waiting_since), (before.unread, before.waiting_since));
    assert_eq!((after.last_activity, after.window_expires_at), (before.last_activity, before.window_expires_at));
    let entries = folded.thread(id);
    let marked = entries.iter().filter(|entry| match &entry.entry {
        Entry::Message(message) => message.flags.is_some_and(|flags| flags.imported),
        Entry::Timeline(_) | Entry::Loose(_) => false,
    });
    assert_eq!(marked.count(), 2);
}
