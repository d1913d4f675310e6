//! What lists show, and in which order.

use std::time::Duration;

use relevo_domain::conversation::{
    AssignmentHow, Author, ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus, EpisodeCause,
    Medium, MessageFlags, MessageKind, NotePersonal, PauseReason, PauseTerms, ReopenCause, ResumeCause,
};
use relevo_domain::{Actor, AgentId, MessageId, TeamId};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{address_of, contact_id, content, staff, supervisor};
use relevo_projector_inbox::{Bot, BotFilter, Filter, Status, Tab};

use crate::support::{Ask, Folded, any_status, everything, numbers, with};

const MINUTE: Duration = Duration::from_mins(1);

fn remark(text: &str) -> NotePersonal {
    NotePersonal { text: Some(text.to_owned()) }
}

fn assigned(agent: Option<&str>, team: Option<&str>) -> ConversationEvent {
    let agent = agent.map(|name| AgentId::new(name).unwrap());
    let team = team.map(|name| TeamId::new(name).unwrap());
    ConversationEvent::Assigned { agent, team, how: AssignmentHow::Manual }
}

fn resolved() -> ConversationEvent {
    ConversationEvent::Resolved { episode: 1, reason: None, personal: NotePersonal::default() }
}

fn paused(reason: PauseReason) -> ConversationEvent {
    ConversationEvent::BotPaused {
        reason,
        automatic: false,
        terms: PauseTerms::default(),
        personal: remark("solo por la tarde"),
    }
}

#[test]
fn maria_writes_and_laura_takes_over() {
    let mut story = Story::new();
    let maria = story.open(1, "wa-main", Medium::WhatsApp, "María García");
    story.customer(maria, "Hola, ¿tienen turno?");
    let waiting_since = story.now();
    let last = story.wait(MINUTE).now();
    story.customer(maria, "Pero solo quiero\npor la tarde");
    story.wait(MINUTE).tell(maria, staff("laura"), [paused(PauseReason::ComplexQuery)]);
    let paused_at = story.now();
    story.wait(MINUTE).tell(maria, staff("laura"), [assigned(Some("laura"), None)]);

    let folded = Folded::of(&story);
    let page = folded.list(&everything(&supervisor("demo")));
    let [row] = page.rows.as_slice() else { panic!("one conversation, not {page:?}") };
    assert_eq!(row.contact, contact_id(1));
    assert_eq!((row.contact_name.as_str(), row.address.as_str()), ("María García", address_of(1).as_str()));
    assert_eq!(
        (row.channel.as_str(), row.medium, row.status, row.episode),
        ("wa-main", Medium::WhatsApp, Status::Open, 1)
    );
    assert_eq!((row.preview.as_str(), row.preview_kind.as_str()), ("Pero solo quiero por la tarde", "text"));
    assert_eq!((row.unread, row.waiting_since), (2, Some(waiting_since)));
    assert_eq!((row.last_activity, row.window_expires_at), (last, Some(last + Duration::from_hours(24))));
    assert_eq!((row.agent.as_ref().map(AgentId::as_str), &row.team), (Some("laura"), &None));
    let Bot::Paused(pause) = &row.bot else { panic!("paused, not {:?}", row.bot) };
    assert_eq!((pause.reason, pause.automatic, &pause.by), (PauseReason::ComplexQuery, false, &staff("laura")));
    assert_eq!((pause.since, pause.note.as_deref()), (paused_at, Some("solo por la tarde")));
    // Opened, episode, two messages, pause, assignment.
    assert_eq!((row.version, row.sequence), (6, 6));
    assert_eq!(page.next, None);
}

#[test]
fn the_latest_message_is_first_and_states_notes_and_reports_move_nothing() {
    let mut story = Story::new();
    let older = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    let newer = story.open(2, "wa-main", Medium::WhatsApp, "José");
    let message = story.customer(older, "uno");
    story.wait(MINUTE);
    story.customer(newer, "dos");
    let report = DeliveryReport {
        message,
        status: DeliveryStatus::Read,
        reported_at: story.wait(MINUTE).now(),
        error_code: None,
        personal: DeliveryReportPersonal::default(),
    };
    let note = ConversationEvent::NoteAdded { message: MessageId::new([7; 16]), personal: remark("ojo") };
    story.wait(MINUTE).tell(older, Actor::Provider, [ConversationEvent::DeliveryReported(report)]);
    story.wait(MINUTE).tell(older, staff("laura"), [note, paused(PauseReason::Other), assigned(Some("laura"), None)]);
    assert_eq!(numbers(&Folded::of(&story).list(&everything(&supervisor("demo")))), [2, 1]);
    story.wait(MINUTE);
    story.phone(older, "tres");
    assert_eq!(numbers(&Folded::of(&story).list(&everything(&supervisor("demo")))), [1, 2]);
}

#[test]
fn a_message_that_comes_late_changes_neither_order_nor_preview_nor_window() {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    let early = story.now();
    let late = story.wait(MINUTE).now();
    story.customer(id, "segundo");
    story.at(early);
    story.customer(id, "primero");
    let row = Folded::of(&story).conversation(id);
    assert_eq!((row.last_activity, row.preview.as_str()), (late, "segundo"));
    assert_eq!(row.window_expires_at, Some(late + Duration::from_hours(24)));
    assert_eq!((row.unread, row.waiting_since), (2, Some(early)), "it waits all the same, and since earlier");
}

#[test]
fn an_answer_on_the_phone_and_resolving_end_the_waiting_a_claim_and_a_note_do_not() {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    story.customer(id, "hola");
    let note = ConversationEvent::NoteAdded { message: MessageId::new([7; 16]), personal: remark("la conozco") };
    story.wait(MINUTE).tell(id, staff("laura"), [assigned(Some("laura"), None), note]);
    assert_eq!(Folded::of(&story).conversation(id).unread, 1);
    story.wait(MINUTE);
    story.phone(id, "buenas");
    let row = Folded::of(&story).conversation(id);
    assert_eq!((row.unread, row.waiting_since, row.preview.as_str()), (0, None, "buenas"));
    let again = story.wait(MINUTE).now();
    story.customer(id, "¿hay turno?");
    assert_eq!(Folded::of(&story).conversation(id).waiting_since, Some(again));
    story.wait(MINUTE).tell(id, staff("laura"), [resolved()]);
    let row = Folded::of(&story).conversation(id);
    assert_eq!((row.unread, row.waiting_since, row.status), (1, None, Status::Resolved));
    assert_eq!(row.agent.as_ref().map(AgentId::as_str), Some("laura"), "the assignment survives");
    story.tell(id, staff("laura"), [ConversationEvent::MarkedRead { through: row.version }]);
    assert_eq!(Folded::of(&story).conversation(id).unread, 0, "only reading and answering make it read");
}

#[test]
fn an_automatic_mail_is_shown_but_nobody_waits() {
    let mut story = Story::new();
    let id = story.open(1, "mail", Medium::Email, "Ana");
    let mut message = story.message(Author::Customer, "Estoy de vacaciones");
    message.content.kind = MessageKind::Email;
    message.flags = MessageFlags { automatic: true, ..MessageFlags::default() };
    story.tell(id, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(message))]);
    let row = Folded::of(&story).conversation(id);
    assert_eq!((row.preview.as_str(), row.unread, row.waiting_since), ("Estoy de vacaciones", 0, None));
    assert_eq!(row.window_expires_at, None, "mail has no window");
}

#[test]
fn the_provider_speaking_in_the_thread_opens_no_window() {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    let mut message = story.message(Author::Customer, "changed number");
    message.content = content(MessageKind::System, "changed number");
    story.tell(id, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(message))]);
    let row = Folded::of(&story).conversation(id);
    assert_eq!((row.window_expires_at, row.unread, row.address.as_str()), (None, 0, ""));
}

#[test]
fn a_window_depends_on_the_clamped_time_never_on_what_a_provider_claims() {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    let mut message = story.message(Author::Customer, "hola");
    message.provider_time = Some(story.now() + Duration::from_hours(24 * 365 * 70));
    let expires = story.now() + Duration::from_hours(24);
    story.tell(id, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(message))]);
    assert_eq!(Folded::of(&story).conversation(id).window_expires_at, Some(expires));
}

#[test]
fn a_preview_follows_edits_of_the_message_it_shows_and_forgets_a_revoked_text() {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    let first = story.customer(id, "uno");
    let second = story.wait(MINUTE).customer(id, "dos");
    let edit = |message, text| {
        let content = Box::new(content(MessageKind::Text, text));
        ConversationEvent::MessageEdited { message, content }
    };
    story.wait(MINUTE).tell(id, Actor::Customer, [edit(first, "uno, corregido"), edit(second, "dos, corregido")]);
    let row = Folded::of(&story).conversation(id);
    assert_eq!((row.preview.as_str(), row.unread), ("dos, corregido", 2));
    story.wait(MINUTE).tell(id, Actor::Customer, [ConversationEvent::MessageRevoked { message: second }]);
    let row = Folded::of(&story).conversation(id);
    assert_eq!((row.preview.as_str(), row.preview_kind.as_str()), ("", "text"));
}

#[test]
fn a_pause_and_an_assignment_survive_resolving_and_a_new_episode() {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    story.tell(id, staff("laura"), [paused(PauseReason::Complaint), assigned(Some("laura"), Some("ventas"))]);
    story.wait(MINUTE).tell(id, staff("laura"), [resolved()]);
    let episode = ConversationEvent::EpisodeStarted { episode: 2, cause: EpisodeCause::CustomerMessage };
    story.wait(MINUTE * 10_000).tell(id, Actor::Customer, [episode]);
    let row = Folded::of(&story).conversation(id);
    assert_eq!((row.episode, row.status), (2, Status::Open));
    assert!(matches!(row.bot, Bot::Paused(pause) if pause.reason == PauseReason::Complaint));
    assert_eq!(row.team.as_ref().map(TeamId::as_str), Some("ventas"));
    story.tell(
        id,
        staff("laura"),
        [ConversationEvent::BotResumed {
            cause: ResumeCause::Staff,
            catch_up: relevo_domain::conversation::CatchUp::Know,
            personal: NotePersonal::default(),
        }],
    );
    assert_eq!(Folded::of(&story).conversation(id).bot, Bot::Active);
}

/// Conversations 1 to 6: 1 Laura's, 2 a team's, 3 nobody's and paused, 4 Laura's but resolved, 5 nobody's but reopened,
/// 6 Martín's.
fn six() -> Story {
    let mut story = Story::new();
    for number in 1..=6 {
        let id = story.wait(MINUTE).open(number, "wa-main", Medium::WhatsApp, "Ana");
        story.customer(id, "hola");
        let events = match number {
            1 => vec![assigned(Some("laura"), Some("ventas"))],
            2 => vec![assigned(Some("laura"), None), assigned(None, Some("ventas"))],
            3 => vec![paused(PauseReason::BotError)],
            4 => vec![assigned(Some("laura"), None), resolved()],
            5 => vec![resolved(), ConversationEvent::Reopened { episode: 1, cause: ReopenCause::Staff }],
            _ => vec![assigned(Some("martin"), None)],
        };
        story.tell(id, staff("sofia"), events);
    }
    story
}

#[test]
fn tabs_statuses_and_the_bot_select() {
    let folded = Folded::of(&six());
    let caller = supervisor("demo");
    let shown = |filter: Filter| numbers(&folded.list(&with(&caller, filter)));
    let mine = |name: &str| Tab::Mine(AgentId::new(name).unwrap());
    assert_eq!(shown(Filter::default()), [6, 5, 3, 2, 1], "open and pending are the default");
    assert_eq!(shown(Filter { statuses: vec![Status::Resolved], ..Filter::default() }), [4]);
    assert_eq!(shown(any_status()), [6, 5, 4, 3, 2, 1]);
    assert_eq!(shown(Filter { tab: mine("laura"), ..Filter::default() }), [1]);
    assert_eq!(shown(Filter { tab: mine("laura"), ..any_status() }), [4, 1]);
    assert!(shown(Filter { tab: mine("nobody-yet"), ..any_status() }).is_empty());
    assert_eq!(shown(Filter { tab: Tab::Unassigned, ..Filter::default() }), [5, 3, 2], "a team's alone is unassigned");
    assert_eq!(shown(Filter { bot: Some(BotFilter::Paused), ..Filter::default() }), [3]);
    assert_eq!(shown(Filter { bot: Some(BotFilter::Active), ..Filter::default() }), [6, 5, 2, 1]);
}

#[test]
fn pages_of_every_size_put_together_are_the_list() {
    let folded = Folded::of(&six());
    let caller = supervisor("demo");
    let whole = numbers(&folded.list(&with(&caller, any_status())));
    for limit in 1..=7 {
        let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = folded.list(&Ask { after, limit, ..with(&caller, any_status()) });
            assert_eq!(page.total, 6, "the total is of the whole list");
            assert!(page.rows.len() <= limit);
            found.extend(numbers(&page));
            pages += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, whole, "limit {limit}");
        assert_eq!(pages, whole.len().div_ceil(limit), "limit {limit}: no empty page at the end");
    }
    let zero = Ask { limit: 0, ..everything(&caller) };
    assert_eq!(folded.list(&zero).rows.len(), 1, "a page has one conversation at least");
}

#[test]
fn conversations_of_the_same_moment_are_all_listed_once() {
    let mut story = Story::new();
    for number in 1..=150 {
        let id = story.open(number, "wa-main", Medium::WhatsApp, "Ana");
        story.customer(id, "hola");
    }
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = folded.list(&Ask { after, limit: 7, ..everything(&caller) });
        found.extend(numbers(&page));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, (1..=150).collect::<Vec<u8>>());
    let page = folded.list(&Ask { limit: usize::MAX, ..everything(&caller) });
    assert_eq!(page.rows.len(), 150);
}
