//! What `log tail` gives a tenant on a log that is mostly others'.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use relevo_domain::conversation::event::{ConversationEvent, NotePersonal};
use relevo_domain::{
    Actor, AgentId, Caller, CommandId, Commit, CommitId, EntityId, EntityKind, Event, MessageId, Recorded, Role, Scope,
    TenantId, Timestamp,
};
use relevo_eventlog::{Append, Identity, Log, LogError, Outcome, Wanted};
use relevo_proto::admin::v1::AuditLogRequest;
use relevo_proto::admin::v1::audit_log_request::Of;
use relevo_query::Directory;
use tokio::sync::mpsc;

use super::log::audit::Audit;
use super::log::{LOOK_BACK_MAX, Plan, Tailer};
use super::refusal::Operator;

/// A log of which only some commits are the quiet tenant's; all others are the busy one's, or nobody can read them.
#[derive(Clone)]
struct Mixed {
    last: u64,
    own: Vec<u64>,
    unreadable: Vec<u64>,
}

impl Mixed {
    fn at(&self, sequence: u64) -> Result<Recorded, LogError> {
        if self.unreadable.contains(&sequence) {
            return Err(LogError::Undecodable { sequence, reason: "because of busy".to_owned() });
        }
        let tenant = if self.own.contains(&sequence) { "quiet" } else { "busy" };
        let note = ConversationEvent::NoteAdded {
            message: MessageId::new([1; 16]),
            personal: NotePersonal { text: Some(format!("note of {tenant}")) },
        };
        let commit = Commit {
            id: CommitId::new([2; 16]),
            tenant: TenantId::new(tenant).unwrap(),
            entity: EntityId::new(EntityKind::Conversation, [3; 16]),
            first_version: 1,
            command_id: CommandId::new("c").unwrap(),
            occurred_at: Timestamp::from_millis(1),
            recorded_at: Timestamp::from_millis(2),
            actor: Actor::System,
            causation: None,
            correlation: None,
            previous_hash: [0; 32],
            intake: None,
            events: vec![Event::Conversation(note)],
        };
        Ok(Recorded { sequence, hash: [0; 32], commit })
    }
}

#[async_trait]
impl Log for Mixed {
    async fn append(&self, _batch: Vec<Append>) -> Result<Outcome, LogError> {
        Ok(Outcome::Unknown)
    }

    async fn tail(&self, _: &TenantId, _: &EntityId, _: u64) -> Result<Vec<Recorded>, LogError> {
        Ok(Vec::new())
    }

    async fn beginning(&self, _: &TenantId, _: &EntityId, _: usize, _: Wanted<'_>) -> Result<Vec<Recorded>, LogError> {
        Ok(Vec::new())
    }

    async fn last_of(&self, _: &TenantId, _: &EntityId) -> Result<u64, LogError> {
        Ok(0)
    }

    async fn get(&self, sequence: u64) -> Result<Option<Recorded>, LogError> {
        self.at(sequence).map(Some)
    }

    async fn read(&self, from: u64) -> Result<BoxStream<'static, Result<Recorded, LogError>>, LogError> {
        let log = self.clone();
        let there = stream::iter(from..=log.last).map(move |sequence| log.at(sequence));
        // A log never ends.
        Ok(there.chain(stream::pending()).boxed())
    }

    async fn identity(&self) -> Result<Identity, LogError> {
        let created_at = Timestamp::from_millis(0);
        Ok(Identity { created_at, last_sequence: self.last, bytes: 0, max_bytes: 1 })
    }
}

/// What the quiet tenant is given: the sequences, everything that was said, and where looking back ended.
async fn tailed(log: Mixed, wanted: usize) -> (Vec<u64>, String, Option<u64>) {
    let mut request = tonic::Request::new(());
    request.extensions_mut().insert(Caller {
        tenant: TenantId::new("quiet").unwrap(),
        role: Role::Admin,
        name: AgentId::new("ana").unwrap(),
        scope: Scope::Tenant,
    });
    let operator = Operator::of(&request).unwrap();
    let plan = Plan { last: log.last, from: 0, wanted, follow: false, limit: Some(wanted) };
    let (answers, mut given) = mpsc::channel(64);
    let tailer = Tailer { operator, log: Arc::new(log), directory: Arc::new(Directory::default()), plan, answers };
    let collecting = async move {
        let (mut sequences, mut said, mut bounded) = (Vec::new(), String::new(), None);
        while let Some(answer) = given.recv().await {
            let answer = answer.unwrap();
            write!(said, "{answer:?}").unwrap();
            match answer.commit {
                Some(commit) => sequences.push(commit.sequence),
                None => bounded = Some(answer.looked_back_to),
            }
        }
        (sequences, said, bounded)
    };
    let running = async move {
        tailer.run().await.unwrap();
    };
    let ((), collected) = tokio::join!(running, collecting);
    collected
}

#[tokio::test]
async fn a_quiet_tenant_sees_its_last_commits_however_much_others_wrote_since() {
    let log = Mixed { last: 60_000, own: vec![1, 2, 300, 58_999], unreadable: Vec::new() };
    let (sequences, said, bounded) = tailed(log.clone(), 3).await;
    assert_eq!((sequences, bounded), (vec![2, 300, 58_999], None));
    assert!(!said.contains("busy"), "{said}");
    // All there are, and the beginning of the log was reached.
    assert_eq!(tailed(log, 20).await.0, [1, 2, 300, 58_999]);
}

#[tokio::test]
async fn looking_back_is_bounded_and_says_so() {
    let last = LOOK_BACK_MAX + 500;
    let log = Mixed { last, own: vec![500, 501, last], unreadable: Vec::new() };
    let (sequences, _, bounded) = tailed(log, 3).await;
    assert_eq!((sequences, bounded), (vec![501, last], Some(501)));
}

#[tokio::test]
async fn of_a_commit_that_cannot_be_read_only_its_sequence_is_shown() {
    let log = Mixed { last: 10, own: vec![3], unreadable: vec![7] };
    let (sequences, said, _) = tailed(log, 5).await;
    assert_eq!(sequences, [3, 7]);
    assert!(!said.contains("busy"), "{said}");
}

#[tokio::test]
async fn an_empty_log_and_one_without_own_commits_end_at_once() {
    for last in [0, 5] {
        let (sequences, _, bounded) = tailed(Mixed { last, own: Vec::new(), unreadable: Vec::new() }, 5).await;
        assert_eq!((sequences, bounded), (Vec::new(), None));
    }
}

// === one entity ===

/// A log with a single conversation, some of whose commits nobody can read. Counts the commits that it gave.
struct Talk {
    mixed: Mixed,
    given: AtomicUsize,
}

#[async_trait]
impl Log for Talk {
    async fn append(&self, _batch: Vec<Append>) -> Result<Outcome, LogError> {
        Ok(Outcome::Unknown)
    }

    async fn tail(&self, _: &TenantId, _: &EntityId, _: u64) -> Result<Vec<Recorded>, LogError> {
        Err(LogError::Refused("all of it is too much".to_owned()))
    }

    async fn beginning(&self, _: &TenantId, _: &EntityId, _: usize, _: Wanted<'_>) -> Result<Vec<Recorded>, LogError> {
        Ok(Vec::new())
    }

    async fn page(
        &self,
        _: &TenantId,
        _: &EntityId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Result<Recorded, LogError>>, LogError> {
        let found: Vec<_> = (after + 1..=self.mixed.last).take(limit).map(|sequence| self.mixed.at(sequence)).collect();
        self.given.fetch_add(found.len(), Ordering::Relaxed);
        Ok(found)
    }

    async fn last_of(&self, _: &TenantId, _: &EntityId) -> Result<u64, LogError> {
        Ok(self.mixed.last)
    }

    async fn get(&self, sequence: u64) -> Result<Option<Recorded>, LogError> {
        self.mixed.get(sequence).await
    }

    async fn read(&self, from: u64) -> Result<BoxStream<'static, Result<Recorded, LogError>>, LogError> {
        self.mixed.read(from).await
    }

    async fn identity(&self) -> Result<Identity, LogError> {
        self.mixed.identity().await
    }
}

#[tokio::test]
async fn an_audit_of_a_conversation_reads_a_page_and_goes_on_after_what_cannot_be_read() {
    let mixed = Mixed { last: 1_000, own: (1..=1_000).collect(), unreadable: vec![7, 450] };
    let talk = Arc::new(Talk { mixed, given: AtomicUsize::new(0) });
    let mut request = tonic::Request::new(());
    request.extensions_mut().insert(Caller {
        tenant: TenantId::new("quiet").unwrap(),
        role: Role::Admin,
        name: AgentId::new("ana").unwrap(),
        scope: Scope::Tenant,
    });
    let operator = Operator::of(&request).unwrap();
    let log = Arc::clone(&talk) as Arc<dyn Log>;
    let audit = Audit { operator: &operator, log: &log, directory: &Directory::default() };
    let (mut after, mut pages, mut entries, mut unreadable) = (0, 0, 0, 0);
    loop {
        let id = EntityId::new(EntityKind::Conversation, [3; 16]).to_string();
        let request = AuditLogRequest { of: Some(Of::ConversationId(id)), after_sequence: after, ..Default::default() };
        let before = talk.given.load(Ordering::Relaxed);
        let page = audit.page(request).await.unwrap();
        assert!(talk.given.load(Ordering::Relaxed) - before <= 200, "all of it was read for one page");
        pages += 1;
        entries += page.entries.len();
        unreadable += page.unreadable;
        after = page.next_after_sequence;
        if after == 0 || pages > 20 {
            break;
        }
    }
    assert_eq!((entries, unreadable), (998, 2));
    assert!(pages >= 10, "{pages}");
}
