//! Who has what, as agents and supervisors would tell it.

use std::time::Duration;

use relevo_domain::conversation::{AssignmentHow, ConversationEvent, EpisodeCause, ReopenCause};
use relevo_domain::{Actor, AgentId, TeamId};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{staff, supervisor};
use relevo_projector_assignment::{Filter, Query, assignment, history};

use crate::support::{Folded, assigned, demo, numbers, open, resolved};

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
    let row = assignment(&folded.snapshot, &demo(), id, &caller).unwrap().unwrap();
    assert_eq!((row.since, row.how, row.by, row.resolved), (story.now(), AssignmentHow::Claim, staff("laura"), false));
    let history = history(&folded.snapshot, &demo(), id, &caller, 200).unwrap().unwrap();
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
    let row = assignment(&folded.snapshot, &demo(), id, &caller).unwrap().unwrap();
    assert_eq!((row.agent.as_ref().map(AgentId::as_str), row.resolved), (Some("laura"), true));

    let reopened = ConversationEvent::Reopened { episode: 1, cause: ReopenCause::CustomerMessage };
    let mut again = story.clone();
    again.wait(MINUTE).tell(id, Actor::Customer, [reopened]);
    let folded = Folded::of(&again);
    assert_eq!((folded.numbers(laura(), &caller), folded.loads(&caller)), (vec![1], vec!["laura=1".to_owned()]));
    assert_eq!(assignment(&folded.snapshot, &demo(), id, &caller).unwrap().unwrap().since, since);

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
            let page = folded.page(&Query { filter: laura(), visible: &caller, after, limit });
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
fn a_long_history_shows_its_end() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    for number in 0..5 {
        let name = format!("agent-{number}");
        story.wait(MINUTE).tell(id, staff("sofia"), [assigned(Some(&name), None, AssignmentHow::Manual)]);
    }
    let folded = Folded::of(&story);
    let shown = history(&folded.snapshot, &demo(), id, &supervisor("demo"), 2).unwrap().unwrap();
    let names: Vec<_> = shown.iter().map(|entry| entry.agent.as_ref().unwrap().as_str()).collect();
    assert_eq!(names, ["agent-3", "agent-4"]);
}
