//! The rules of sending, one sentence each: given what happened, when somebody asks, then this or that rejection.

use std::time::Duration;

use super::decide_tests::{Given, NOON, agent, given, laura, opened, opened_and, paused, place, resolved, text};
use super::*;
use crate::access::Role;
use crate::actor::Actor;
use crate::id::MessageId;
use crate::identity::IdentifierKind;
use crate::time::Timestamp;

const DAY: Duration = Duration::from_hours(24);
const SECOND: Duration = Duration::from_secs(1);

pub(super) fn id(n: u8) -> MessageId {
    MessageId::new([n; 16])
}

fn martin() -> Actor {
    Actor::Staff(agent("martin"))
}

fn bot() -> Actor {
    Actor::Bot(agent("helper"))
}

fn received() -> ConversationEvent {
    ConversationEvent::MessageReceived(text(MessageKind::Text))
}

fn words() -> Body {
    Body::Text { text: "hola".to_owned(), preview_url: false }
}

fn template() -> Body {
    Body::Template(Box::new(TemplateUse {
        name: "aviso".to_owned(),
        language: "es".to_owned(),
        provider_id: None,
        values: vec![],
        header_file: None,
        preview: "Hola".to_owned(),
    }))
}

pub(super) fn outgoing(n: u8, author: Author, body: Body) -> Outgoing {
    Outgoing {
        id: id(n),
        author,
        automatic: author != Author::Staff,
        reply_to: None,
        body,
        personal: OutgoingPersonal {
            to: Recipient { kind: IdentifierKind::WaId, value: "5491155550101".to_owned() },
            author_name: None,
            reply_to_provider_id: None,
        },
    }
}

fn send(outgoing: Outgoing) -> Send {
    Send {
        outgoing,
        place: None,
        last_seen_version: None,
        force: false,
        pauses_bot: true,
        pause: None,
        turn: None,
        channel_paused: false,
        detection: None,
    }
}

pub(super) fn sends(n: u8, author: Author) -> Command {
    Command::SendMessage(Box::new(send(outgoing(n, author, words()))))
}

pub(super) fn queued(n: u8, author: Author) -> ConversationEvent {
    ConversationEvent::MessageQueued(Box::new(outgoing(n, author, words())))
}

pub(super) fn started(n: u8, attempt: u32) -> ConversationEvent {
    ConversationEvent::SendStarted { message: id(n), attempt, claim: "c".to_owned(), until: NOON + SECOND }
}

pub(super) fn claim(n: u8) -> Command {
    Command::ClaimSend { message: id(n), claim: "d".to_owned(), until: NOON + SECOND * 10 }
}

pub(super) fn accepted(n: u8, attempt: u32) -> Command {
    Command::RecordAccepted { message: id(n), attempt, alias: id(n + 100), provider_id: "wamid".to_owned() }
}

pub(super) fn failure() -> SendFailure {
    SendFailure { class: FailureClass::Transient, code: Some("131000".to_owned()), detail: None }
}

pub(super) fn failed(n: u8, attempt: u32, retry_at: Option<Timestamp>) -> Command {
    Command::RecordSendFailed { message: id(n), attempt, failure: failure(), retry_at }
}

pub(super) fn reported(n: u8, status: DeliveryStatus) -> Command {
    let personal = DeliveryReportPersonal { provider_id: "wamid".to_owned(), ..DeliveryReportPersonal::default() };
    let report = DeliveryReport { message: id(n), status, reported_at: NOON, error_code: None, personal };
    Command::RecordDeliveryReport { report, alias: id(n + 100) }
}

fn by_system(given: &Given, command: &Command) -> Result<Decision, Rejection> {
    given.when_by(None, Actor::System, command)
}

fn by_bot(given: &Given, command: &Command) -> Result<Decision, Rejection> {
    given.when_by(Some(Role::Bot), bot(), command)
}

#[track_caller]
fn names(decided: Result<Decision, Rejection>) -> Vec<&'static str> {
    match decided {
        Ok(Decision::Append(events)) => events.iter().map(ConversationEvent::name).collect(),
        other => panic!("nothing was appended: {other:?}"),
    }
}

fn refuses_by_window(decided: &Result<Decision, Rejection>) -> bool {
    matches!(decided, Err(Rejection::WindowClosed { .. }))
}

// === who may send ===

#[test]
fn staff_and_bots_send_and_nobody_else_does() {
    let given = opened_and([received()]);
    for role in Role::ALL {
        let actor = if role == Role::Bot { bot() } else { laura() };
        let decided = given.when_by(Some(role), actor, &sends(1, Author::Staff));
        let may = role.is_staff() || role == Role::Bot;
        assert_eq!(decided.is_ok(), may, "{role:?}");
        assert!(may || decided == Err(Rejection::Forbidden { role }), "{role:?}");
    }
}

#[test]
fn a_paused_bot_is_refused_and_told_why() {
    let expected = Rejection::BotPaused { reason: PauseReason::Complaint, by: laura(), since: NOON };
    assert_eq!(by_bot(&opened_and([received(), paused()]), &sends(1, Author::Bot)), Err(expected));
    let (cause, catch_up, personal) = (ResumeCause::Staff, CatchUp::Know, NotePersonal::default());
    let resumed = ConversationEvent::BotResumed { cause, catch_up, personal };
    let given = opened_and([received(), paused(), resumed]);
    assert_eq!(names(by_bot(&given, &sends(1, Author::Bot))), ["MessageQueued"]);
}

#[test]
fn staffs_message_pauses_the_bot_and_takes_back_what_it_had_queued() {
    let given = opened_and([received(), queued(1, Author::Bot), queued(2, Author::Bot), started(1, 1)]);
    let decided = given.when(sends(3, Author::Staff));
    assert_eq!(names(decided), ["BotPaused", "SendCancelled", "MessageQueued"], "the claimed one is on its way");
    let allowed = Send { pauses_bot: false, pause: None, ..send(outgoing(3, Author::Staff, words())) };
    assert_eq!(names(given.when(Command::SendMessage(Box::new(allowed)))), ["MessageQueued"], "the tenant allows it");
    let silent = opened_and([received(), paused()]);
    assert_eq!(names(silent.when(sends(3, Author::Staff))), ["MessageQueued"], "it is paused already");
}

#[test]
fn a_paused_channel_refuses() {
    let stopped = Send { channel_paused: true, ..send(outgoing(1, Author::Staff, template())) };
    let command = Command::SendMessage(Box::new(stopped.clone()));
    assert_eq!(opened_and([received()]).when(command), Err(Rejection::ChannelPaused));
    let first = Send { place: Some(place()), ..stopped };
    assert_eq!(given([]).when(Command::SendMessage(Box::new(first))), Err(Rejection::ChannelPaused));
}

// === the window ===

#[test]
fn free_text_ends_24_hours_after_the_customers_last_message() {
    let text = || sends(1, Author::Staff);
    let at = |after| opened_and([received()]).later(after).when(text());
    assert!(at(Duration::from_secs(24 * 60 * 60 - 1)).is_ok(), "23:59:59");
    assert_eq!(at(DAY), Err(Rejection::WindowClosed { expired_at: Some(NOON + DAY) }), "24:00:00");
    assert_eq!(at(DAY + SECOND), Err(Rejection::WindowClosed { expired_at: Some(NOON + DAY) }), "24:00:01");
    let never = opened_and([]).when(text());
    assert_eq!(never, Err(Rejection::WindowClosed { expired_at: None }), "the customer has never written");
}

#[test]
fn a_template_and_a_mail_need_no_window() {
    let late = || opened_and([received()]).later(DAY * 30);
    let template = send(outgoing(1, Author::Staff, template()));
    assert!(late().when(Command::SendMessage(Box::new(template))).is_ok());
    let mut events = opened();
    events[0] = ConversationEvent::Opened { channel: place().channel, medium: Medium::Email, contact: place().contact };
    let mail = send(outgoing(1, Author::Staff, Body::Mail(Box::default())));
    assert!(given(events).later(DAY * 30).when(Command::SendMessage(Box::new(mail))).is_ok());
}

#[test]
fn only_the_customers_own_words_and_reactions_open_the_window() {
    let customer = Actor::Customer;
    let reacted = || ConversationEvent::ReactionChanged { message: id(1), personal: ReactionPersonal::default() };
    let after = |event: ConversationEvent, by: &Actor| {
        let state = opened().into_iter().fold(State::default(), |state, event| state.evolve(&event, NOON, &customer));
        state.evolve(&event, NOON, by).opened.and_then(|opened| opened.window_expires_at())
    };
    assert_eq!(after(received(), &customer), Some(NOON + DAY));
    assert_eq!(after(reacted(), &customer), Some(NOON + DAY));
    assert_eq!(after(reacted(), &Actor::PhoneApp), None, "our own reaction");
    assert_eq!(after(queued(1, Author::Staff), &laura()), None);
    let report = DeliveryReport {
        message: id(1),
        status: DeliveryStatus::Read,
        reported_at: NOON,
        error_code: None,
        personal: DeliveryReportPersonal::default(),
    };
    assert_eq!(after(ConversationEvent::DeliveryReported(report), &Actor::Provider), None);
    assert_eq!(after(ConversationEvent::MessageReceived(text(MessageKind::System)), &customer), None);
    let flagged = |flags| {
        let mut message = text(MessageKind::Text);
        message.flags = flags;
        after(ConversationEvent::MessageReceived(message), &customer)
    };
    assert_eq!(flagged(MessageFlags { automatic: true, ..MessageFlags::default() }), None);
    assert_eq!(flagged(MessageFlags { imported: true, ..MessageFlags::default() }), None);
}

#[test]
fn an_older_message_does_not_shorten_the_window() {
    let state =
        opened().into_iter().fold(State::default(), |state, event| state.evolve(&event, NOON, &Actor::Customer));
    let state = state.evolve(&received(), NOON, &Actor::Customer);
    let state = state.evolve(&received(), NOON - DAY, &Actor::Customer);
    assert_eq!(state.opened.and_then(|opened| opened.window_expires_at()), Some(NOON + DAY));
}

// === who answered first ===

#[test]
fn a_double_answer_is_seen_and_can_be_forced() {
    let mut state = opened_and([received()]).0;
    let seen = state.opened.as_ref().unwrap().version;
    state = state.evolve(&queued(1, Author::Staff), NOON, &martin());
    let given = Given::from(state);
    let answer = |last_seen_version, force| {
        let send = Send { last_seen_version, force, ..send(outgoing(2, Author::Staff, words())) };
        given.when(Command::SendMessage(Box::new(send)))
    };
    let Err(Rejection::StaleView { answer: other }) = answer(Some(seen), false) else { panic!("not seen") };
    assert_eq!((other.message, other.by, other.at, other.preview.as_str()), (id(1), martin(), NOON, "hola"));
    assert!(answer(Some(seen), true).is_ok(), "forced");
    assert!(answer(Some(seen + 1), false).is_ok(), "it was seen");
    assert!(answer(None, false).is_ok(), "nobody asked");
    let own = given.when_by(Some(Role::Agent), martin(), &{
        let send = Send { last_seen_version: Some(seen), ..send(outgoing(2, Author::Staff, words())) };
        Command::SendMessage(Box::new(send))
    });
    assert!(own.is_ok(), "one's own answer is no surprise");
}

#[test]
fn the_preview_of_an_answer_has_a_limit() {
    let long = Body::Text { text: "ñ".repeat(5_000), preview_url: false };
    let given = opened_and([ConversationEvent::MessageQueued(Box::new(outgoing(1, Author::Staff, long)))]);
    let answer = given.0.opened.unwrap().last_answer.unwrap();
    assert_eq!(answer.preview.chars().count(), state::PREVIEW_CHARS);
}

// === conversations that it opens ===

#[test]
fn a_first_message_opens_the_conversation() {
    let first = |body, place| Command::SendMessage(Box::new(Send { place, ..send(outgoing(1, Author::Staff, body)) }));
    let decided = given([]).when(first(template(), Some(place())));
    assert_eq!(names(decided), ["ConversationOpened", "EpisodeStarted", "BotPaused", "MessageQueued"]);
    assert!(refuses_by_window(&given([]).when(first(words(), Some(place())))), "free text needs an answer first");
    let mail = Place { medium: Medium::Email, ..place() };
    assert!(given([]).when(first(Body::Mail(Box::default()), Some(mail))).is_ok());
    assert_eq!(given([]).when(first(template(), None)), Err(Rejection::NotFound));
}

#[test]
fn a_bot_does_not_open_a_conversation_for_somebody_who_is_paused() {
    let place = Place { contact_paused: true, ..place() };
    let first = Send { place: Some(place.clone()), ..send(outgoing(1, Author::Bot, template())) };
    let decided = by_bot(&given([]), &Command::SendMessage(Box::new(first)));
    assert!(matches!(decided, Err(Rejection::BotPaused { reason: PauseReason::Linked, .. })), "{decided:?}");
    let first = Send { place: Some(place), ..send(outgoing(1, Author::Staff, template())) };
    let decided = given([]).when(Command::SendMessage(Box::new(first)));
    assert_eq!(names(decided), ["ConversationOpened", "EpisodeStarted", "BotPaused", "MessageQueued"]);
}

#[test]
fn staff_reopen_what_they_answer_and_machines_do_not() {
    let given = opened_and([received(), resolved()]);
    assert_eq!(names(given.when(sends(1, Author::Staff))), ["Reopened", "BotPaused", "MessageQueued"]);
    assert_eq!(names(by_bot(&given, &sends(1, Author::Bot))), ["MessageQueued"], "a farewell");
}

#[test]
fn answers_go_to_who_wrote_and_first_to_whom_we_wrote() {
    let address = |given: &Given| given.0.opened.as_ref().unwrap().reply_address.clone();
    let from = |sender: &str, flags| {
        let mut message = text(MessageKind::Text);
        message.content.personal.sender_address = Some(sender.to_owned());
        message.flags = flags;
        ConversationEvent::MessageReceived(message)
    };
    let plain = MessageFlags::default();
    let ours = opened_and([queued(1, Author::Staff)]);
    assert_eq!(address(&ours).as_deref(), Some("5491155550101"));
    let answered = opened_and([queued(1, Author::Staff), from("AR.1", plain), queued(2, Author::Staff)]);
    assert_eq!(address(&answered).as_deref(), Some("AR.1"));
    let unverified = MessageFlags { unverified: true, ..plain };
    assert_eq!(address(&opened_and([from("a@x.y", plain), from("b@x.y", unverified)])).as_deref(), Some("a@x.y"));
    let imported = MessageFlags { imported: true, ..plain };
    assert_eq!(address(&opened_and([from("a@x.y", imported), from("b@x.y", imported)])).as_deref(), Some("b@x.y"));
    assert_eq!(address(&opened_and([from("a@x.y", plain), from("b@x.y", imported)])).as_deref(), Some("a@x.y"));
}

#[test]
fn so_many_may_wait_and_unknown_ones_do_not_count() {
    let waiting = (0..QUEUED_MAX as u8).map(|n| queued(n, Author::Staff));
    let full = opened_and(std::iter::once(received()).chain(waiting.clone()));
    assert_eq!(full.when(sends(200, Author::Staff)), Err(Rejection::PairRate { waiting: QUEUED_MAX }));
    let unknown = [started(0, 1), ConversationEvent::SendOutcomeUnknown { message: id(0), attempt: 1 }];
    let freed = opened_and(std::iter::once(received()).chain(waiting).chain(unknown));
    assert!(freed.when(sends(200, Author::Staff)).is_ok());
}

// === turns ===

#[test]
fn the_first_that_waits_has_its_turn() {
    let given = opened_and([received(), queued(1, Author::Staff), queued(2, Author::Staff)]);
    assert_eq!(names(by_system(&given, &claim(1))), ["SendStarted"]);
    assert_eq!(by_system(&given, &claim(2)), Err(Rejection::NotItsTurn));
    assert_eq!(by_system(&given, &claim(9)), Err(Rejection::MessageNotFound));
    let taken = opened_and([received(), queued(1, Author::Staff), queued(2, Author::Staff), started(1, 1)]);
    assert_eq!(by_system(&taken, &claim(1)), Err(Rejection::NotItsTurn), "somebody else has it");
    assert_eq!(by_system(&taken, &claim(2)), Err(Rejection::NotItsTurn), "and the next one waits for it");
}

#[test]
fn a_claim_that_nobody_could_use_is_not_stored() {
    let given = || opened_and([received(), queued(1, Author::Staff)]);
    let at = |after| by_system(&given().later(after), &claim(1));
    assert_eq!(names(at(Duration::from_millis(9_999))), ["SendStarted"]);
    assert_eq!(at(SECOND * 10), Err(Rejection::NotItsTurn), "its time is over");
}

#[test]
fn an_unknown_outcome_keeps_nobody_waiting_and_is_not_claimed_again() {
    let unknown = ConversationEvent::SendOutcomeUnknown { message: id(1), attempt: 1 };
    let given = opened_and([queued(1, Author::Staff), queued(2, Author::Staff), started(1, 1), unknown]);
    assert_eq!(by_system(&given, &claim(1)), Err(Rejection::NotItsTurn));
    assert_eq!(names(by_system(&given, &claim(2))), ["SendStarted"]);
}

#[test]
fn a_retry_waits_for_its_time_and_counts() {
    let retry = ConversationEvent::SendFailed {
        message: id(1),
        attempt: 1,
        failure: failure(),
        retry_at: Some(NOON + SECOND * 4),
    };
    let given = || opened_and([queued(1, Author::Staff), queued(2, Author::Staff), started(1, 1), retry.clone()]);
    assert_eq!(by_system(&given().later(SECOND * 3), &claim(1)), Err(Rejection::NotItsTurn));
    assert_eq!(by_system(&given().later(SECOND * 3), &claim(2)), Err(Rejection::NotItsTurn), "the order is kept");
    let Ok(Decision::Append(events)) = by_system(&given().later(SECOND * 4), &claim(1)) else { panic!("its time") };
    assert!(matches!(events[0], ConversationEvent::SendStarted { attempt: 2, .. }));
}

// === what became of it ===

#[test]
fn an_acceptance_ends_the_attempt_that_it_is_about() {
    let given = opened_and([queued(1, Author::Staff), started(1, 1)]);
    assert_eq!(names(by_system(&given, &accepted(1, 1))), ["MessageAccepted"]);
    assert_eq!(by_system(&given, &accepted(1, 2)), Ok(Decision::AlreadySo), "another attempt's");
    assert_eq!(by_system(&opened_and([queued(1, Author::Staff)]), &accepted(1, 0)), Ok(Decision::AlreadySo));
}

#[test]
fn late_news_ends_an_unknown_outcome() {
    let unknown = ConversationEvent::SendOutcomeUnknown { message: id(1), attempt: 1 };
    let given = opened_and([queued(1, Author::Staff), started(1, 1), unknown]);
    assert_eq!(names(by_system(&given, &accepted(1, 1))), ["MessageAccepted"]);
    assert_eq!(names(by_system(&given, &failed(1, 1, None))), ["SendFailed"]);
    let again = Command::RecordSendUnknown { message: id(1), attempt: 1 };
    assert_eq!(by_system(&given, &again), Ok(Decision::AlreadySo));
    assert_eq!(
        names(given.when_by(None, Actor::Provider, &reported(1, DeliveryStatus::Delivered))),
        ["MessageAccepted", "DeliveryReported"]
    );
}

#[test]
fn what_was_called_unknown_is_not_tried_again() {
    let unknown = ConversationEvent::SendOutcomeUnknown { message: id(1), attempt: 1 };
    let given = opened_and([queued(1, Author::Staff), started(1, 1), unknown, queued(2, Author::Staff)]);
    let Ok(Decision::Append(events)) = by_system(&given, &failed(1, 1, Some(NOON + SECOND))) else { panic!("news") };
    let [ConversationEvent::SendFailed { retry_at: None, .. }] = events.as_slice() else { panic!("{events:?}") };
}

#[test]
fn a_failure_that_is_reported_ends_what_waits_and_not_what_is_being_tried() {
    let retry =
        ConversationEvent::SendFailed { message: id(1), attempt: 1, failure: failure(), retry_at: Some(NOON + SECOND) };
    let report = || {
        let given = opened_and([]).when_by(None, Actor::Provider, &reported(1, DeliveryStatus::Failed));
        let Ok(Decision::Append(mut events)) = given else { panic!("a report") };
        events.remove(0)
    };
    let first = [queued(1, Author::Staff), queued(2, Author::Staff), started(1, 1)];
    let waits = opened_and(first.clone().into_iter().chain([retry.clone(), report()]));
    assert_eq!(by_system(&waits, &claim(1)), Err(Rejection::MessageNotFound), "the provider had it, and it failed");
    assert_eq!(names(by_system(&waits, &claim(2))), ["SendStarted"]);
    let tried = opened_and(first.clone().into_iter().chain([retry, started(1, 2), report()]));
    assert_eq!(by_system(&tried, &claim(2)), Err(Rejection::NotItsTurn), "the order is kept");
    assert_eq!(names(by_system(&tried, &accepted(1, 2))), ["MessageAccepted"]);
    let never = opened_and([queued(1, Author::Staff), report()]);
    assert_eq!(names(by_system(&never, &claim(1))), ["SendStarted"], "it cannot be about this one");
    let unknown = ConversationEvent::SendOutcomeUnknown { message: id(1), attempt: 1 };
    let unknown = opened_and(first.into_iter().chain([unknown, report()]));
    assert!(unknown.0.opened.unwrap().pending(id(1)).is_none());
}

#[test]
fn a_report_that_comes_first_is_the_acceptance() {
    let by_provider = |given: &Given, status| names(given.when_by(None, Actor::Provider, &reported(1, status)));
    let claimed = || opened_and([queued(1, Author::Staff), started(1, 1)]);
    assert_eq!(by_provider(&claimed(), DeliveryStatus::Sent), ["MessageAccepted", "DeliveryReported"]);
    assert_eq!(by_provider(&claimed(), DeliveryStatus::Failed), ["DeliveryReported"], "refused after all");
    assert_eq!(by_provider(&claimed(), DeliveryStatus::Warning), ["DeliveryReported"], "says nothing of it");
    let waits = opened_and([queued(1, Author::Staff)]);
    assert_eq!(by_provider(&waits, DeliveryStatus::Sent), ["DeliveryReported"], "it cannot be about this one");
    let retry =
        ConversationEvent::SendFailed { message: id(1), attempt: 1, failure: failure(), retry_at: Some(NOON + DAY) };
    let again = opened_and([queued(1, Author::Staff), started(1, 1), retry]);
    assert_eq!(
        by_provider(&again, DeliveryStatus::Sent),
        ["MessageAccepted", "DeliveryReported"],
        "the provider had it although it answered with an error: it does not go out twice"
    );
}

#[test]
fn a_failure_after_the_pause_is_the_end_of_the_bots_message() {
    let given = opened_and([queued(1, Author::Bot), started(1, 1), paused()]);
    assert_eq!(names(by_system(&given, &failed(1, 1, Some(NOON + SECOND)))), ["SendFailed", "SendCancelled"]);
    assert_eq!(names(by_system(&given, &failed(1, 1, None))), ["SendFailed"]);
    assert_eq!(names(by_system(&given, &accepted(1, 1))), ["MessageAccepted"], "it was handed over before");
    let staff = opened_and([queued(1, Author::Staff), started(1, 1), paused()]);
    assert_eq!(names(by_system(&staff, &failed(1, 1, Some(NOON + SECOND)))), ["SendFailed"]);
}

#[test]
fn a_failure_after_the_end_changes_nothing() {
    let cancelled = ConversationEvent::SendCancelled { message: id(1), cause: CancelCause::Staff };
    let given = opened_and([queued(1, Author::Staff), cancelled]);
    for late in [failed(1, 1, None), failed(1, 0, Some(NOON)), accepted(1, 1)] {
        assert_eq!(by_system(&given, &late), Ok(Decision::AlreadySo), "{late:?}");
    }
    assert_eq!(by_system(&given, &claim(1)), Err(Rejection::MessageNotFound));
}

#[test]
fn giving_up_is_for_what_nobody_hands_over() {
    let give_up = Command::GiveUpSend { message: id(1), failure: failure() };
    assert_eq!(names(by_system(&opened_and([queued(1, Author::Staff)]), &give_up)), ["SendFailed"]);
    let claimed = opened_and([queued(1, Author::Staff), started(1, 1)]);
    assert_eq!(by_system(&claimed, &give_up), Err(Rejection::AlreadyHandedOver));
    assert_eq!(by_system(&opened_and([]), &give_up), Ok(Decision::AlreadySo));
}

#[test]
fn staff_take_back_what_no_provider_has() {
    let cancel = || Command::CancelSend { message: id(1) };
    assert_eq!(names(opened_and([queued(1, Author::Staff)]).when(cancel())), ["SendCancelled"]);
    let claimed = opened_and([queued(1, Author::Staff), started(1, 1)]);
    assert_eq!(claimed.when(cancel()), Err(Rejection::AlreadyHandedOver));
    assert_eq!(opened_and([]).when(cancel()), Err(Rejection::MessageNotFound));
    let waits = opened_and([queued(1, Author::Bot)]);
    assert_eq!(by_bot(&waits, &cancel()), Err(Rejection::Forbidden { role: Role::Bot }));
}

#[test]
fn unknown_outcomes_are_remembered_within_limits() {
    let many = (0..=state::UNKNOWN_MAX as u8 + 5).flat_map(|n| {
        let unknown = ConversationEvent::SendOutcomeUnknown { message: id(n), attempt: 1 };
        [queued(n, Author::Staff), started(n, 1), unknown]
    });
    let given = opened_and(many);
    let outbox = given.0.opened.unwrap().outbox;
    assert_eq!(outbox.len(), state::UNKNOWN_MAX);
    assert_eq!(outbox[0].id, id(6), "the oldest gave way");
}
