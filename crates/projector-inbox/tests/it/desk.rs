//! What the desk does to a conversation: pending, snoozed, tags, priority, reading, customer records.

use std::time::Duration;

use relevo_domain::contact::ContactEvent;
use relevo_domain::contact::event::CustomerPersonal;
use relevo_domain::conversation::{
    AssignmentHow, ConversationEvent, EpisodeCause, Medium, NotePersonal, OpenCause, PauseReason, PauseTerms, Priority,
    SnoozePreset,
};
use relevo_domain::tag::{Colour, TagName};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Actor, AgentId, EntityId, EntityKind, Event, TagId, Timestamp};
use relevo_projection::fold_commits;
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{contact_id, staff, supervisor};
use relevo_projector_inbox::{
    Customer, Entry, Filter, InboxProjector, Sort, Status, TimelineKind, contact, conversation, counters, tags, thread,
};

use crate::support::{Ask, Folded, NOON, any_status, demo, numbers, with};

const HOUR: Duration = Duration::from_hours(1);

fn snoozed(until: Option<Timestamp>) -> ConversationEvent {
    let personal = NotePersonal { text: Some("llamar mañana".to_owned()) };
    ConversationEvent::Snoozed { until, preset: Some(SnoozePreset::OneHour), personal }
}

fn urgent_tag(id: u8, name: &str) -> WorkspaceEvent {
    WorkspaceEvent::TagCreated {
        tag: TagId::new([id; 16]),
        name: TagName::new(name).unwrap(),
        colour: Colour([1, 2, 3]),
    }
}

fn workspace(story: &mut Story, event: WorkspaceEvent) {
    story.commit(EntityId::new(EntityKind::Workspace, [9; 16]), staff("sofia"), vec![Event::Workspace(event)]);
}

#[test]
fn a_snooze_reads_as_open_and_due_from_its_very_time_on() {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    story.customer(id, "mañana hablamos");
    let until = story.now() + HOUR;
    let paused = ConversationEvent::BotPaused {
        reason: PauseReason::Other,
        automatic: false,
        terms: PauseTerms::default(),
        personal: NotePersonal::default(),
    };
    story.tell(id, staff("laura"), [paused, snoozed(Some(until))]);
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    let before = Timestamp::from_millis(until.as_millis() - 1);
    for (now, status, due) in [(before, Status::Snoozed, false), (until, Status::Open, true)] {
        let row = folded.conversation_at(id, now);
        assert_eq!((row.status, row.due, row.snoozed_until), (status, due, Some(until)));
        let listed = |filter| folded.list(&Ask { now, ..with(&caller, filter) }).total;
        assert_eq!(listed(Filter::default()), u64::from(due), "open and pending");
        assert_eq!(listed(Filter { statuses: vec![Status::Snoozed], ..Filter::default() }), u64::from(!due));
        let all = counters(&folded.snapshot, &demo(), &caller, now).unwrap().all;
        assert_eq!((all.open, all.snoozed), (u64::from(due), u64::from(!due)));
        assert_eq!((all.unread, all.paused), (u64::from(due), u64::from(due)), "out of sight, out of the counts");
    }
    story.wait(HOUR).tell(id, staff("laura"), [ConversationEvent::ReturnedToOpen { cause: OpenCause::Staff }]);
    let row = Folded::of(&story).conversation_at(id, until);
    assert_eq!((row.status, row.due, row.snoozed_until), (Status::Open, false, None));
}

#[test]
fn a_snooze_without_a_time_and_pending_wait_for_the_customer() {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    story.tell(id, staff("laura"), [snoozed(None)]);
    let row = Folded::of(&story).conversation_at(id, Timestamp::from_millis(i64::MAX));
    assert_eq!((row.status, row.due), (Status::Snoozed, false));
    story.tell(id, staff("laura"), [ConversationEvent::MarkedPending { personal: NotePersonal::default() }]);
    assert_eq!(Folded::of(&story).conversation(id).status, Status::Pending);
    story.tell(id, Actor::Customer, [ConversationEvent::ReturnedToOpen { cause: OpenCause::CustomerMessage }]);
    assert_eq!(Folded::of(&story).conversation(id).status, Status::Open);
}

#[test]
fn tags_have_names_and_a_deleted_one_vanishes_from_rows_and_filters() {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    workspace(&mut story, urgent_tag(2, "Urgente"));
    workspace(&mut story, urgent_tag(1, "Presupuesto enviado"));
    let tag = |id: u8| TagId::new([id; 16]);
    for id_of_tag in [2, 1, 2] {
        story.tell(id, staff("laura"), [ConversationEvent::TagAdded { tag: tag(id_of_tag) }]);
    }
    let caller = supervisor("demo");
    let names =
        |folded: &Folded| -> Vec<String> { folded.conversation(id).tags.into_iter().map(|tag| tag.name).collect() };
    let tagged =
        |folded: &Folded, tags: Vec<TagId>| folded.list(&with(&caller, Filter { tags, ..Filter::default() })).total;
    let folded = Folded::of(&story);
    assert_eq!(names(&folded), ["Presupuesto enviado", "Urgente"]);
    assert_eq!(
        (tagged(&folded, vec![tag(2)]), tagged(&folded, vec![tag(7)]), tagged(&folded, vec![tag(7), tag(1)])),
        (1, 0, 1)
    );
    let renamed =
        WorkspaceEvent::TagChanged { tag: tag(1), name: TagName::new("Enviado").unwrap(), colour: Colour([0; 3]) };
    workspace(&mut story, renamed);
    workspace(&mut story, WorkspaceEvent::TagDeleted { tag: tag(2) });
    let folded = Folded::of(&story);
    assert_eq!(names(&folded), ["Enviado"]);
    assert_eq!((tagged(&folded, vec![tag(2)]), tagged(&folded, vec![tag(1), tag(2)])), (0, 1));
    assert_eq!(tags(&folded.snapshot, &demo()).unwrap().len(), 1);
    story.tell(id, staff("laura"), [ConversationEvent::TagRemoved { tag: tag(1) }]);
    assert!(Folded::of(&story).conversation(id).tags.is_empty());
}

#[test]
fn reading_and_answering_are_two_things() {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    let since = story.now();
    story.customer(id, "uno");
    let first = Folded::of(&story).conversation(id).version;
    story.customer(id, "dos");
    assert_eq!(Folded::of(&story).conversation(id).unread, 2);
    story.tell(id, staff("laura"), [ConversationEvent::MarkedRead { through: first }]);
    let row = Folded::of(&story).conversation(id);
    assert_eq!((row.unread, row.waiting_since), (1, Some(since)), "who was read still waits");
    story.wait(HOUR);
    story.phone(id, "hola");
    let row = Folded::of(&story).conversation(id);
    assert_eq!((row.unread, row.waiting_since), (0, None), "who was answered was read");
}

#[test]
fn sorts_put_the_longest_waiting_and_the_most_urgent_first() {
    let mut story = Story::new();
    for number in 1..=4u8 {
        let id = story.wait(HOUR).open(number, "wa-main", Medium::WhatsApp, "Ana");
        // 2 waits since the third hour, 3 since the fourth; 1 and 4 do not.
        match number {
            2 | 3 => drop(story.customer(id, "hola")),
            _ => drop(story.phone(id, "hola")),
        }
        let priority = [Priority::High, Priority::None, Priority::Urgent, Priority::Low][usize::from(number) - 1];
        story.tell(id, staff("laura"), [ConversationEvent::PrioritySet { priority }]);
    }
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    let sorted = |sort| numbers(&folded.list(&Ask { sort, ..with(&caller, any_status()) }));
    assert_eq!(sorted(Sort::LastActivity), [4, 3, 2, 1]);
    assert_eq!(sorted(Sort::Waiting), [2, 3, 4, 1], "who does not wait comes last, the latest first");
    assert_eq!(sorted(Sort::Priority), [3, 1, 4, 2]);
    let long = Filter { waiting_since_before: Some(NOON + HOUR * 2), ..Filter::default() };
    assert_eq!(numbers(&folded.list(&with(&caller, long))), [2]);
}

#[test]
fn every_change_has_an_entry_with_its_actor() {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    let until = story.now() + HOUR;
    let tag = TagId::new([2; 16]);
    story.tell(
        id,
        staff("laura"),
        [
            ConversationEvent::MarkedPending { personal: NotePersonal { text: Some("falta el pago".to_owned()) } },
            snoozed(Some(until)),
            ConversationEvent::ReturnedToOpen { cause: OpenCause::Timer },
            ConversationEvent::TagAdded { tag },
            ConversationEvent::TagRemoved { tag },
            ConversationEvent::PrioritySet { priority: Priority::High },
            ConversationEvent::MarkedRead { through: 3 },
            ConversationEvent::Assigned { agent: None, team: None, how: AssignmentHow::Manual },
            ConversationEvent::EpisodeStarted { episode: 2, cause: EpisodeCause::BusinessMessage },
        ],
    );
    let entries: Vec<_> = Folded::of(&story)
        .thread(id)
        .into_iter()
        .filter_map(|entry| match entry.entry {
            Entry::Timeline(timeline) => Some(timeline),
            Entry::Message(_) | Entry::Loose(_) => None,
        })
        .skip(1)
        .collect();
    let kinds: Vec<_> = entries.iter().map(relevo_projector_inbox::Timeline::kind).collect();
    assert_eq!(
        kinds,
        [
            TimelineKind::MarkedPending,
            TimelineKind::Snoozed,
            TimelineKind::ReturnedToOpen,
            TimelineKind::TagAdded,
            TimelineKind::TagRemoved,
            TimelineKind::PrioritySet,
            TimelineKind::MarkedRead,
            TimelineKind::Assigned,
            TimelineKind::EpisodeStarted,
        ]
    );
    assert!(entries.iter().all(|entry| entry.by == "staff:laura"));
    let [pending, snooze, back, added, removed, priority, read, _, episode] = entries.as_slice() else { panic!() };
    assert_eq!(pending.note, "falta el pago");
    assert_eq!((snooze.until, snooze.preset.as_str()), (Some(until.as_millis()), "one_hour"));
    assert_eq!((back.cause.as_str(), episode.cause.as_str()), ("timer", "business_message"));
    assert!(added.tag == tag.bytes() && removed.tag == tag.bytes());
    assert_eq!((priority.priority.as_str(), read.through), ("high", 3));
}

#[test]
fn a_customer_record_shows_in_rows_and_with_the_contact_until_it_is_unlinked() {
    let mut story = Story::new();
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    let personal = CustomerPersonal { id: "C-17".to_owned(), name: Some("Peluquería Sol".to_owned()) };
    let linked = ContactEvent::CustomerLinked { personal };
    story.commit(contact_id(1), staff("laura"), vec![Event::Contact(linked)]);
    let customer = Some(Customer { id: "C-17".to_owned(), name: "Peluquería Sol".to_owned() });
    let folded = Folded::of(&story);
    assert_eq!(folded.conversation(id).customer, customer);
    let shown = contact(&folded.snapshot, &demo(), contact_id(1), &supervisor("demo")).unwrap().unwrap();
    assert_eq!(shown.customer, customer);
    story.commit(contact_id(1), staff("laura"), vec![Event::Contact(ContactEvent::CustomerUnlinked)]);
    assert_eq!(Folded::of(&story).conversation(id).customer, None);
}

#[test]
fn folded_commits_answer_as_the_view_did_at_that_moment() {
    let mut story = Story::new();
    workspace(&mut story, urgent_tag(2, "Urgente"));
    let id = story.open(1, "wa-main", Medium::WhatsApp, "Ana");
    story.customer(id, "hola");
    let laura = AgentId::new("laura").unwrap();
    story.tell(id, staff("laura"), [ConversationEvent::TagAdded { tag: TagId::new([2; 16]) }]);
    story.tell(
        id,
        staff("laura"),
        [ConversationEvent::Assigned { agent: Some(laura), team: None, how: AssignmentHow::Claim }],
    );
    let caller = supervisor("demo");
    for cut in 0..=story.commits().len() {
        let past = &story.commits()[..cut];
        let source = fold_commits(&InboxProjector, past).unwrap();
        let (_folder, view) = relevo_projection::testing::fold(InboxProjector, past);
        let view = view.snapshot().unwrap();
        let row = conversation(&source, &demo(), id, &caller, NOON).unwrap();
        assert_eq!(row, conversation(&view, &demo(), id, &caller, NOON).unwrap());
        assert_eq!(row.is_some(), cut >= 3, "the tag, the contact, then the conversation");
        let entries = thread(&source, &demo(), id, &caller, None, 50).unwrap();
        assert_eq!(entries, thread(&view, &demo(), id, &caller, None, 50).unwrap());
    }
}
