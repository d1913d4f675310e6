//! Who has what, as agents and supervisors would tell it.

use std::time::Duration;

use relevo_domain::conversation::{
    AssignmentHow, ConversationEvent, EpisodeCause, NotePersonal, OpenCause, Priority, ReopenCause,
};
use relevo_domain::{Actor, AgentId, TeamId, TenantId};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{staff, supervisor};
use relevo_projector_assignment::{Filter, Order, Query, Queue, QueueQuery, Status, assignment, history};

use crate::support::{Folded, assigned, demo, numbers, open, queue_numbers, resolved};

const MINUTE: Duration = Duration::from_mins(1);

fn laura() -> Filter {
    Filter::Agent(AgentId::new("laura").unwrap())
}

fn ventas() -> Filter {
    Filter::Team(TeamId::new("ventas").unwrap())
}

#[test]
fn laura_takes_what_came_to_her_team() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.wait(MINUTE).tell(id, staff("sofia"), [assigned(None, Some("ventas"), AssignmentHow::Manual)]);
    let caller = supervisor("demo");
    let folded = Folded::of(&story);
    assert_eq!((folded.numbers(ventas(), &caller), folded.numbers(laura(), &caller)), (vec![1], vec![]));

    story.wait(MINUTE).tell(id, staff("laura"), [assigned(Some("laura"), Some("ventas"), AssignmentHow::Claim)]);
    let folded = Folded::of(&story);
    assert_eq!((folded.numbers(ventas(), &caller), folded.numbers(laura(), &caller)), (vec![1], vec![1]));
    assert_eq!(folded.loads(&caller), ["laura=1", "ventas=1"], "it counts for both");
    let row = assignment(&folded.snapshot, &demo(), id, &caller, folded.now).unwrap().unwrap();
    assert_eq!(
        (row.since, row.how, row.by, row.status),
        (story.now(), AssignmentHow::Claim, staff("laura"), Status::Open)
    );
    let history = history(&folded.snapshot, &demo(), id, &caller, None, 200).unwrap().unwrap().entries;
    let told: Vec<_> = history.iter().map(|entry| (entry.by.clone(), entry.how, entry.agent.is_some())).collect();
    assert_eq!(told, [(staff("sofia"), AssignmentHow::Manual, false), (staff("laura"), AssignmentHow::Claim, true)]);
}

#[test]
fn a_conversation_that_changes_hands_leaves_the_first_ones() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.tell(id, staff("sofia"), [assigned(Some("laura"), Some("ventas"), AssignmentHow::Manual)]);
    story.wait(MINUTE).tell(id, staff("sofia"), [assigned(Some("martin"), None, AssignmentHow::Manual)]);
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    assert!(folded.numbers(laura(), &caller).is_empty());
    assert!(folded.numbers(ventas(), &caller).is_empty());
    assert_eq!(folded.numbers(Filter::Everybody, &caller), [1]);
    assert_eq!(folded.loads(&caller), ["martin=1"], "who has nothing is not listed");
}

#[test]
fn resolving_ends_the_load_but_not_the_assignment_and_reopening_brings_it_back() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.tell(id, staff("laura"), [assigned(Some("laura"), None, AssignmentHow::Claim)]);
    let since = story.now();
    let caller = supervisor("demo");
    story.wait(MINUTE).tell(id, staff("laura"), [resolved()]);
    let folded = Folded::of(&story);
    assert_eq!((folded.numbers(Filter::Everybody, &caller), folded.loads(&caller)), (vec![], vec![]));
    let row = assignment(&folded.snapshot, &demo(), id, &caller, folded.now).unwrap().unwrap();
    assert_eq!((row.agent.as_ref().map(AgentId::as_str), row.status), (Some("laura"), Status::Resolved));

    let reopened = ConversationEvent::Reopened { episode: 1, cause: ReopenCause::CustomerMessage };
    let mut again = story.clone();
    again.wait(MINUTE).tell(id, Actor::Customer, [reopened]);
    let folded = Folded::of(&again);
    assert_eq!((folded.numbers(laura(), &caller), folded.loads(&caller)), (vec![1], vec!["laura=1".to_owned()]));
    assert_eq!(assignment(&folded.snapshot, &demo(), id, &caller, folded.now).unwrap().unwrap().since, since);

    let episode = ConversationEvent::EpisodeStarted { episode: 2, cause: EpisodeCause::CustomerMessage };
    story.wait(MINUTE).tell(id, Actor::Customer, [episode]);
    assert_eq!(Folded::of(&story).numbers(laura(), &caller), [1]);
}

#[test]
fn an_assignment_of_a_resolved_conversation_counts_only_when_it_is_open_again() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.tell(id, staff("laura"), [assigned(Some("laura"), None, AssignmentHow::Claim), resolved()]);
    story.wait(MINUTE).tell(id, staff("sofia"), [assigned(Some("martin"), None, AssignmentHow::Manual)]);
    let caller = supervisor("demo");
    assert_eq!(Folded::of(&story).loads(&caller), Vec::<String>::new());
    story.tell(id, staff("sofia"), [ConversationEvent::Reopened { episode: 1, cause: ReopenCause::Staff }]);
    assert_eq!(Folded::of(&story).loads(&caller), ["martin=1"]);
}

#[test]
fn the_longest_held_is_first_and_pages_put_together_are_the_list() {
    let mut story = Story::new();
    for number in 1..=9 {
        let id = open(&mut story, number);
        // Three at a time at the same moment.
        let time = if number % 3 == 1 { MINUTE } else { Duration::ZERO };
        story.wait(time).tell(id, staff("laura"), [assigned(Some("laura"), None, AssignmentHow::Claim)]);
    }
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    for limit in 1..=10 {
        let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = folded.page(&Query { after: after.as_ref(), limit, ..folded.query(laura(), &caller) });
            found.extend(numbers(&page));
            pages += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((found, pages), ((1..=9).collect::<Vec<u8>>(), 9usize.div_ceil(limit)), "limit {limit}");
    }
}

#[test]
fn a_history_says_from_whom_to_whom_and_is_read_in_pages() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.wait(MINUTE).tell(id, staff("sofia"), [assigned(None, Some("ventas"), AssignmentHow::Manual)]);
    story.wait(MINUTE).tell(id, staff("laura"), [assigned(Some("laura"), Some("ventas"), AssignmentHow::Claim)]);
    story.wait(MINUTE).tell(id, staff("sofia"), [assigned(None, None, AssignmentHow::Manual)]);
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    let (mut told, mut after) = (Vec::new(), None);
    for _ in 0..3 {
        let page = history(&folded.snapshot, &demo(), id, &caller, after.as_ref(), 1).unwrap().unwrap();
        after = page.next;
        told.extend(page.entries.into_iter().map(|entry| {
            let names = [entry.from_agent, entry.agent].map(|name| name.map(|name| name.to_string()));
            let teams = [entry.from_team, entry.team].map(|name| name.is_some());
            (names, teams, entry.how, entry.by)
        }));
    }
    assert_eq!(after, None);
    let laura = || Some("laura".to_owned());
    let expected = [
        ([None, None], [false, true], AssignmentHow::Manual, staff("sofia")),
        ([None, laura()], [true, true], AssignmentHow::Claim, staff("laura")),
        ([laura(), None], [true, false], AssignmentHow::Manual, staff("sofia")),
    ];
    assert_eq!(told, expected);
    assert_eq!((folded.numbers(Filter::Everybody, &caller), folded.loads(&caller)), (vec![], vec![]));
    assert_eq!(folded.queued(Queue::NoTeam, &caller), [1]);
}

#[test]
fn a_queue_is_ordered_by_urgency_then_by_how_long_the_customer_waits() {
    let mut story = Story::new();
    let ids: Vec<_> = (1..=5).map(|number| open(&mut story, number)).collect();
    // 3 waits longest, then 2; 5 is urgent and has waited for a moment only; 1 and 4 do not wait.
    for index in [2, 1, 4] {
        story.wait(MINUTE).customer(ids[index], "hola");
    }
    story.tell(ids[4], staff("sofia"), [ConversationEvent::PrioritySet { priority: Priority::Urgent }]);
    let mut caller = supervisor("demo");
    let folded = Folded::of(&story);
    assert_eq!(folded.queued(Queue::All, &caller), [5, 3, 2, 1, 4]);
    let rows = folded.queue(&folded.queue_query(Queue::NoTeam, &caller)).rows;
    let waits: Vec<_> = rows.iter().map(|row| row.waiting_since.map(|since| story.now().since(since))).collect();
    assert_eq!(waits, [Some(Duration::ZERO), Some(2 * MINUTE), Some(MINUTE), None, None]);
    assert_eq!(rows[0].priority, Priority::Urgent);

    // A person answers 3 from the phone; 2 is taken; 1 goes to a team.
    story.wait(MINUTE).phone(ids[2], "ahora le digo");
    story.tell(ids[1], staff("laura"), [assigned(Some("laura"), None, AssignmentHow::Claim)]);
    story.tell(ids[0], staff("sofia"), [assigned(None, Some("ventas"), AssignmentHow::Manual)]);
    let folded = Folded::of(&story);
    assert_eq!(folded.queued(Queue::All, &caller), [5, 1, 3, 4]);
    assert_eq!(folded.queued(Queue::Team(TeamId::new("ventas").unwrap()), &caller), [1]);
    assert_eq!(folded.queued(Queue::NoTeam, &caller), [5, 3, 4]);
    assert_eq!(folded.lengths(&caller), ["=3", "ventas=1"]);
    caller.tenant = TenantId::new("demo-b").unwrap();
    assert!(folded.queued(Queue::All, &caller).is_empty());
}

#[test]
fn who_is_unassigned_for_longer_than_asked_is_found_in_both_orders() {
    let mut story = Story::new();
    let ids: Vec<_> = (1..=4).map(|number| open(story.wait(10 * MINUTE), number)).collect();
    // Laura gives 1 back: it is without an agent only since then. 2 is reopened: since then.
    story.tell(ids[0], staff("laura"), [assigned(Some("laura"), None, AssignmentHow::Claim)]);
    story.tell(ids[0], staff("laura"), [assigned(None, None, AssignmentHow::Manual)]);
    story.tell(ids[1], staff("laura"), [resolved()]);
    story.wait(MINUTE);
    story.tell(
        ids[1],
        Actor::Customer,
        [ConversationEvent::Reopened { episode: 1, cause: ReopenCause::CustomerMessage }],
    );
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    let longer = |order, minutes| {
        let longer_than = Some(minutes * MINUTE);
        queue_numbers(&folded.queue(&QueueQuery { order, longer_than, ..folded.queue_query(Queue::All, &caller) }))
    };
    assert_eq!(longer(Order::Longest, 0), [3, 1, 4], "2 is there since this very moment");
    assert_eq!(longer(Order::Longest, 5), [3]);
    assert_eq!(longer(Order::Priority, 5), [3]);
    assert_eq!(longer(Order::Priority, 60), Vec::<u8>::new());
}

#[test]
fn nobody_is_without_an_agent_for_the_time_before_the_last_change() {
    let mut story = Story::new();
    let ids: Vec<_> = (1..=2).map(|number| open(&mut story, number)).collect();
    let start = story.now();
    let reopened = ConversationEvent::Reopened { episode: 1, cause: ReopenCause::CustomerMessage };
    story.at(start + 60 * MINUTE).tell(ids[0], staff("laura"), [resolved()]);
    // Told late: it was written before the resolution.
    story.at(start + 5 * MINUTE).tell(ids[0], Actor::Customer, [reopened]);
    story.at(start + 60 * MINUTE);
    story.tell(ids[1], staff("laura"), [assigned(Some("laura"), None, AssignmentHow::Claim)]);
    story.at(start + 50 * MINUTE).tell(ids[1], staff("laura"), [assigned(None, None, AssignmentHow::Manual)]);
    story.at(start + 70 * MINUTE);
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    let page = folded.queue(&folded.queue_query(Queue::All, &caller));
    let since: Vec<_> = page.rows.iter().map(|row| row.since).collect();
    assert_eq!(since, [start + 60 * MINUTE, start + 60 * MINUTE]);
    let longer_than = Some(11 * MINUTE);
    let long = folded.queue(&QueueQuery { longer_than, ..folded.queue_query(Queue::All, &caller) });
    assert_eq!(queue_numbers(&long), Vec::<u8>::new(), "ten minutes, not an hour");
}

#[test]
fn pending_and_snoozed_are_no_load_until_the_snooze_ends() {
    let mut story = Story::new();
    let ids: Vec<_> = (1..=4).map(|number| open(&mut story, number)).collect();
    for id in &ids[..3] {
        story.tell(*id, staff("laura"), [assigned(Some("laura"), None, AssignmentHow::Claim)]);
    }
    let until = story.now() + 30 * MINUTE;
    let personal = NotePersonal::default;
    let snoozed = |until| ConversationEvent::Snoozed { until, preset: None, personal: personal() };
    story.tell(ids[0], staff("laura"), [ConversationEvent::MarkedPending { personal: personal() }]);
    story.tell(ids[1], staff("laura"), [snoozed(Some(until))]);
    story.tell(ids[2], staff("laura"), [snoozed(None)]);
    story.tell(ids[3], staff("laura"), [snoozed(Some(until))]);
    let caller = supervisor("demo");
    let folded = Folded::of(&story);
    assert_eq!((folded.loads(&caller), folded.lengths(&caller)), (vec!["laura=0+1p+2s".to_owned()], vec![]));
    assert_eq!(folded.numbers(laura(), &caller), [1], "open and pending, unless somebody asks for more");
    let statuses = [Status::Snoozed];
    assert_eq!(numbers(&folded.page(&Query { statuses: &statuses, ..folded.query(laura(), &caller) })), [2, 3]);

    story.wait(30 * MINUTE);
    let folded = Folded::of(&story);
    assert_eq!(
        (folded.loads(&caller), folded.lengths(&caller)),
        (vec!["laura=1+1p+1s".to_owned()], vec!["=1".to_owned()])
    );
    assert_eq!(folded.numbers(laura(), &caller), [1, 2]);
    assert_eq!(numbers(&folded.page(&Query { statuses: &statuses, ..folded.query(laura(), &caller) })), [3]);
    assert_eq!(folded.queued(Queue::All, &caller), [4]);
    let row = assignment(&folded.snapshot, &demo(), ids[1], &caller, folded.now).unwrap().unwrap();
    assert_eq!((row.status, row.due, row.snoozed_until), (Status::Open, true, Some(until)));

    // Hours later the count comes from whole hours; the customer's message makes it open for good.
    story.wait(300 * MINUTE).tell(
        ids[1],
        Actor::Customer,
        [ConversationEvent::ReturnedToOpen { cause: OpenCause::CustomerMessage }],
    );
    let folded = Folded::of(&story);
    assert_eq!(
        (folded.loads(&caller), folded.lengths(&caller)),
        (vec!["laura=1+1p+1s".to_owned()], vec!["=1".to_owned()])
    );
}
