//! What counts can find a loss, a double, a gap and a leak, when there is one.

use std::time::{Duration, Instant};

use relevo_domain::contact::{ContactEvent, NamePersonal};
use relevo_domain::{Actor, CommandId, Commit, CommitId, EntityId, EntityKind, Event, Recorded, TenantId, Timestamp};
use relevo_testkit::fakes::Accepted;
use serde_json::json;

use super::count::{Counted, Wrong, leaks};
use super::load::{BY_BOT, Silence};

fn commit(sequence: u64, first_version: u64, previous_hash: [u8; 32], command: &str) -> Recorded {
    let renamed = ContactEvent::Renamed { personal: NamePersonal { name: Some("x".to_owned()) } };
    let commit = Commit {
        id: CommitId::new([u8::try_from(sequence).unwrap(); 16]),
        command_id: CommandId::new(command).unwrap(),
        tenant: TenantId::new("t").unwrap(),
        entity: EntityId::new(EntityKind::Contact, [1; 16]),
        first_version,
        occurred_at: Timestamp::from_millis(0),
        recorded_at: Timestamp::from_millis(0),
        actor: Actor::System,
        causation: None,
        correlation: None,
        intake: None,
        previous_hash,
        events: vec![Event::Contact(renamed)],
    };
    Recorded { sequence, hash: [u8::try_from(sequence).unwrap(); 32], commit }
}

fn counted(commits: &[Recorded]) -> Counted {
    let mut counted = Counted::default();
    for commit in commits {
        counted.takes(commit);
    }
    counted
}

#[test]
fn a_command_that_is_not_there_is_lost_and_one_that_is_there_twice_is_doubled() {
    let (one, two) = (commit(1, 1, [0; 32], "a"), commit(2, 2, [1; 32], "a"));
    let entity = one.commit.entity.to_string();
    let mut wrong = Wrong::default();
    counted(std::slice::from_ref(&one)).commands(&[(entity.clone(), "a".to_owned())], &mut wrong);
    assert_eq!(wrong, Wrong::default());
    counted(&[one, two]).commands(&[(entity, "b".to_owned())], &mut wrong);
    assert_eq!((wrong.lost.len(), wrong.doubled.len(), wrong.other.len()), (1, 1, 0));
}

#[test]
fn a_message_that_is_not_there_is_lost() {
    let mut wrong = Wrong::default();
    counted(&[]).texts(&["cluster-1-1".to_owned()], &mut wrong);
    assert_eq!(wrong.lost, ["cluster-1-1"]);
}

#[test]
fn a_gap_and_another_history_break_the_chain() {
    let whole = [commit(1, 1, [0; 32], "a"), commit(2, 2, [1; 32], "b")];
    assert_eq!(counted(&whole).broken, Vec::<String>::new());
    assert_eq!(counted(&[commit(1, 1, [0; 32], "a"), commit(2, 3, [1; 32], "b")]).broken.len(), 1);
    assert_eq!(counted(&[commit(1, 1, [0; 32], "a"), commit(2, 2, [9; 32], "b")]).broken.len(), 1);
    assert_eq!(counted(&[commit(1, 1, [0; 32], "a"), commit(3, 2, [1; 32], "b")]).broken.len(), 1);
}

#[test]
fn only_what_is_taken_while_it_is_silent_and_not_listed_is_a_leak() {
    let begun = Instant::now();
    let at = |seconds| begun + Duration::from_secs(seconds);
    let taken = |message: &str, seconds, text: &str| Accepted {
        to: "1".to_owned(),
        id: "wamid.1".to_owned(),
        callback: Some(message.to_owned()),
        body: json!({ "text": { "body": text } }),
        at: at(seconds),
    };
    let silence = Silence { to: "1".to_owned(), from: at(10), until: Some(at(20)), listed: vec!["listed".to_owned()] };
    let seen = |one: Accepted| {
        let mut wrong = Wrong::default();
        leaks(&[one], std::slice::from_ref(&silence), &mut wrong);
        wrong.other.len()
    };
    assert_eq!(seen(taken("late", 15, BY_BOT)), 1);
    assert_eq!(seen(taken("listed", 15, BY_BOT)), 0);
    assert_eq!(seen(taken("before", 9, BY_BOT)), 0);
    assert_eq!(seen(taken("after", 21, BY_BOT)), 0);
    assert_eq!(seen(taken("of staff", 15, "hola")), 0);
}
