//! Every way in which a log can be wrong is found, and named where it is.

use relevo_domain::conversation::event::{ConversationEvent, NotePersonal};
use relevo_domain::{
    Actor, CommandId, Commit, CommitHash, CommitId, EntityId, EntityKind, Event, MessageId, Recorded, TenantId,
    Timestamp,
};
use relevo_eventlog::LogError;
use relevo_eventlog::subject::PARTITIONS;
use relevo_proto::admin::v1::LogProblemKind;

use super::verify::Pass;

const PLENTY: usize = 1_000;

fn hash(sequence: u64) -> CommitHash {
    let mut hash = [9; 32];
    hash[..8].copy_from_slice(&sequence.to_be_bytes());
    hash
}

/// A commit with one event; `before` is the sequence of the entity's commit before, 0 for none.
#[expect(clippy::unnecessary_wraps, reason = "what a log gives")]
fn commit(sequence: u64, tenant: &str, entity: u8, version: u64, before: u64) -> Result<Recorded, LogError> {
    let note = ConversationEvent::NoteAdded { message: MessageId::new([1; 16]), personal: NotePersonal { text: None } };
    let commit = Commit {
        id: CommitId::new([2; 16]),
        tenant: TenantId::new(tenant).unwrap(),
        entity: EntityId::new(EntityKind::Conversation, [entity; 16]),
        first_version: version,
        command_id: CommandId::new("c").unwrap(),
        occurred_at: Timestamp::from_millis(1),
        recorded_at: Timestamp::from_millis(2),
        actor: Actor::System,
        causation: None,
        correlation: None,
        previous_hash: if before == 0 { [0; 32] } else { hash(before) },
        intake: None,
        events: vec![Event::Conversation(note)],
    };
    Ok(Recorded { sequence, hash: hash(sequence), commit })
}

fn unreadable(sequence: u64) -> Result<Recorded, LogError> {
    Err(LogError::Undecodable { sequence, reason: "planted".to_owned() })
}

fn found(items: &[Result<Recorded, LogError>]) -> Vec<(LogProblemKind, u64)> {
    let mut pass = Pass::new(0..PARTITIONS, PLENTY);
    items.iter().flat_map(|item| pass.check(item)).map(|finding| (finding.kind, finding.sequence)).collect()
}

#[test]
fn a_good_log_has_no_problem_whosever_commits_stand_between() {
    let log = [
        commit(1, "demo", 1, 1, 0),
        commit(2, "demo-b", 1, 1, 0),
        commit(3, "demo", 1, 2, 1),
        commit(4, "demo", 2, 1, 0),
        commit(5, "demo-b", 1, 2, 2),
        commit(6, "demo", 1, 3, 3),
    ];
    assert_eq!(found(&log), []);
}

#[test]
fn each_break_is_named_once_and_where_it_is() {
    let hole = [commit(1, "demo", 1, 1, 0), commit(2, "demo", 1, 3, 1), commit(3, "demo", 1, 4, 2)];
    assert_eq!(found(&hole), [(LogProblemKind::VersionGap, 2)]);
    let twice = [commit(1, "demo", 1, 1, 0), commit(2, "demo", 1, 1, 1)];
    assert_eq!(found(&twice), [(LogProblemKind::VersionGap, 2)]);
    let forged = [commit(1, "demo", 1, 1, 0), commit(2, "demo", 1, 2, 7), commit(3, "demo", 1, 3, 2)];
    assert_eq!(found(&forged), [(LogProblemKind::HashBroken, 2)]);
    let missing = [commit(1, "demo", 1, 1, 0), commit(4, "demo", 2, 1, 0)];
    assert_eq!(found(&missing), [(LogProblemKind::Missing, 2)]);
    let no_beginning = [commit(3, "demo", 1, 1, 0)];
    assert_eq!(found(&no_beginning), [(LogProblemKind::Missing, 1)]);
    // Of the commit that cannot be read nobody knows whose it was; the next one of its entity tells.
    let garbage = [commit(1, "demo", 1, 1, 0), unreadable(2), commit(3, "demo", 1, 3, 2)];
    let expected = [(LogProblemKind::Undecodable, 2), (LogProblemKind::VersionGap, 3), (LogProblemKind::HashBroken, 3)];
    assert_eq!(found(&garbage), expected);
}

#[test]
fn what_does_not_fit_into_memory_is_left_to_further_passes_that_find_the_same() {
    let mut log: Vec<_> = (1..=60).map(|n| commit(n, "demo", u8::try_from(n).unwrap(), 1, 0)).collect();
    log.extend((61..=120).map(|n| commit(n, "demo", u8::try_from(n - 60).unwrap(), 2, n - 60)));
    log.push(commit(121, "demo", 7, 9, 67));
    log.push(commit(122, "demo", 33, 3, 1));
    let (mut begin, mut passes, mut all) = (0, 0, Vec::new());
    while begin < PARTITIONS {
        let mut pass = Pass::new(begin..PARTITIONS, 10);
        let findings: Vec<_> = log.iter().flat_map(|item| pass.check(item)).collect();
        all.extend(findings.into_iter().map(|finding| (finding.sequence, finding.kind)));
        begin = pass.end();
        passes += 1;
    }
    all.sort_unstable_by_key(|(sequence, _)| *sequence);
    all.dedup();
    assert_eq!(all, [(121, LogProblemKind::VersionGap), (122, LogProblemKind::HashBroken)]);
    assert!(passes > 3, "{passes}");
}
