//! Bulks: each conversation has one result, whoever works, dies or does the same by hand in between.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use relevo_command::grpc::BulkCommands;
use relevo_command::{BulkPorts, BulkWorker, BulkWorkerParts, IdKey, Matched, Matching};
use relevo_domain::bulk::{BulkEvent, Counts, OneResult, Outcome};
use relevo_domain::{Actor, Caller, EntityId, EntityKind, Event, Position, Recorded, Role, TenantId};
use relevo_eventlog::{Append, Blobs, Faults, Identity, Log, LogError, MemoryLog, Outcome as Stored, Wanted};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::bulk_command_service_server::BulkCommandService as _;
use relevo_proto::command::v1::conversation_service_server::ConversationService as _;
use relevo_proto::command::v1::start_bulk_request::{Action, Selection};
use relevo_proto::query::v1 as words;
use relevo_testkit::eventually;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};

use crate::house::{Node, by, caller, carla, code, fresh, laura, now, only_on, pass, refused};

/// Longer than a node keeps a bulk without a word.
const LEASE_OVER_MS: i64 = 11_000;

/// A filter that finds these, whatever it says.
struct Finds(Vec<EntityId>);

#[async_trait]
impl Matching for Finds {
    async fn matching(
        &self,
        _caller: &Caller,
        _filter: Option<words::ConversationFilter>,
        _min_position: &str,
    ) -> Result<Matched, Status> {
        Ok(Matched { conversations: self.0.clone(), position: Position::new(7) })
    }
}

fn keys() -> Arc<HashMap<TenantId, IdKey>> {
    let tenant = |name: &str| TenantId::new(name).unwrap();
    Arc::new([(tenant("demo"), IdKey::new([7; 32])), (tenant("other"), IdKey::new([8; 32]))].into())
}

/// The log of a node that dies after so many appends: they are stored, and it never learns of it.
struct Dying {
    log: Arc<MemoryLog>,
    left: AtomicI64,
}

#[async_trait]
impl Log for Dying {
    async fn append(&self, batch: Vec<Append>) -> Result<Stored, LogError> {
        let stored = self.log.append(batch).await?;
        if self.left.fetch_sub(1, Ordering::SeqCst) > 0 { Ok(stored) } else { std::future::pending().await }
    }

    async fn tail(&self, tenant: &TenantId, entity: &EntityId, after: u64) -> Result<Vec<Recorded>, LogError> {
        self.log.tail(tenant, entity, after).await
    }

    async fn beginning(
        &self,
        tenant: &TenantId,
        entity: &EntityId,
        limit: usize,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Recorded>, LogError> {
        self.log.beginning(tenant, entity, limit, wanted).await
    }

    async fn last_of(&self, tenant: &TenantId, entity: &EntityId) -> Result<u64, LogError> {
        self.log.last_of(tenant, entity).await
    }

    async fn get(&self, sequence: u64) -> Result<Option<Recorded>, LogError> {
        self.log.get(sequence).await
    }

    async fn read(&self, from: u64) -> Result<BoxStream<'static, Result<Recorded, LogError>>, LogError> {
        self.log.read(from).await
    }

    async fn identity(&self) -> Result<Identity, LogError> {
        self.log.identity().await
    }
}

/// The service and its files.
struct Desk {
    blobs: Blobs,
    _folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self { blobs: Blobs::folder(Path::new(folder.path())), _folder: folder }
    }

    fn worker(&self, node: &Node) -> (CancellationToken, JoinHandle<()>) {
        let token = CancellationToken::new();
        let parts =
            BulkWorkerParts { ledger: Arc::clone(&node.ledger), keys: keys(), blobs: self.blobs.clone(), clock: now };
        (token.clone(), tokio::spawn(BulkWorker::new(parts, token).run()))
    }

    async fn start(
        &self,
        node: &Node,
        who: &Caller,
        request: proto::StartBulkRequest,
    ) -> Result<Response<proto::StartBulkResponse>, Status> {
        self.commands(node).start_bulk(by(who, request)).await
    }

    async fn undo(&self, node: &Node, who: &Caller, bulk: &str) -> Result<Response<proto::UndoBulkResponse>, Status> {
        let request = proto::UndoBulkRequest { command_id: fresh(), bulk_id: bulk.to_owned(), ..Default::default() };
        self.commands(node).undo_bulk(by(who, request)).await
    }

    fn commands(&self, node: &Node) -> BulkCommands {
        let ports = BulkPorts { keys: keys(), blobs: self.blobs.clone(), matching: Arc::new(Finds(Vec::new())) };
        node.commands.bulks(ports)
    }
}

fn pausing(ids: &[EntityId]) -> proto::StartBulkRequest {
    let wish = proto::BulkPauseAction { reason: words::PauseReason::Other.into(), ..Default::default() };
    proto::StartBulkRequest {
        command_id: fresh(),
        action: Some(Action::Pause(wish)),
        selection: Some(of(ids)),
        note: "cierre".to_owned(),
        ..Default::default()
    }
}

fn of(ids: &[EntityId]) -> Selection {
    let conversation_ids = ids.iter().map(EntityId::to_string).collect();
    Selection::Conversations(proto::BulkConversations { conversation_ids })
}

/// Conversations of `demo`, on the channel `wa`.
async fn conversations(node: &Node, many: u8) -> Vec<EntityId> {
    let contact = node.contact(200).await;
    let mut ids = Vec::new();
    for n in 1..=many {
        ids.push(node.conversation(n, contact, "wa").await);
    }
    ids
}

/// All results of a bulk so far, and its counts once it is finished.
async fn results(node: &Node, bulk: &str) -> (Vec<OneResult>, Option<Counts>) {
    let id: EntityId = bulk.parse().unwrap();
    let (mut all, mut finished) = (Vec::new(), None);
    for recorded in node.commits().await.into_iter().filter(|recorded| recorded.commit.entity == id) {
        for event in recorded.commit.events {
            match event {
                Event::Bulk(BulkEvent::Progressed { from, results, .. }) => {
                    assert_eq!(from as usize, all.len(), "results follow each other");
                    all.extend(results);
                }
                Event::Bulk(BulkEvent::Finished { counts }) => assert!(finished.replace(counts).is_none()),
                Event::Bulk(BulkEvent::Started { .. } | BulkEvent::Taken { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    (all, finished)
}

async fn finished(node: &Node, bulk: &str) -> (HashMap<EntityId, OneResult>, Counts) {
    let (all, counts) =
        eventually("the bulk is finished", async || Some(results(node, bulk).await).filter(|(_, done)| done.is_some()))
            .await;
    let many = all.len();
    let by_id: HashMap<_, _> = all.into_iter().map(|one| (one.conversation, one)).collect();
    assert_eq!(by_id.len(), many, "one result each");
    (by_id, counts.unwrap())
}

async fn pauses_of(node: &Node, id: EntityId) -> usize {
    node.events_of(id).await.into_iter().filter(|name| *name == "BotPaused").count()
}

#[tokio::test]
async fn each_conversation_has_its_own_result() {
    let (node, desk) = (Node::start().await, Desk::new());
    let ids = conversations(&node, 4).await;
    let contact = EntityId::new(EntityKind::Contact, [200; 16]);
    let foreign = node.conversation_of("other", 9, contact, "wa").await;
    let hidden = node.conversation(10, contact, "sms").await;
    let unknown = EntityId::new(EntityKind::Conversation, [99; 16]);
    let by_hand = proto::PauseBotRequest {
        command_id: fresh(),
        conversation_id: ids[1].to_string(),
        reason: words::PauseReason::Complaint.into(),
        ..Default::default()
    };
    node.commands.conversations().pause_bot(by(&laura(), by_hand)).await.unwrap();

    let asked = [&ids[..], &[foreign, hidden, unknown, ids[0], ids[0]]].concat();
    let request = pausing(&asked);
    let begun = desk.start(&node, &only_on("wa"), request.clone()).await.unwrap().into_inner();
    assert_eq!((begun.total, begun.already_so), (7, false), "a repeated id counts once");
    let (token, worker) = desk.worker(&node);
    let (by_id, counts) = finished(&node, &begun.bulk_id).await;
    assert_eq!(counts, Counts { paused: 3, already: 1, forbidden: 3, ..Counts::default() });
    for forbidden in [foreign, hidden, unknown] {
        assert_eq!(by_id[&forbidden].outcome, Outcome::Forbidden);
        assert_eq!(pauses_of(&node, forbidden).await, 0);
    }
    assert_eq!((by_id[&ids[1]].outcome, pauses_of(&node, ids[1]).await), (Outcome::Already, 1));
    let commits = node.commits().await;
    let paused = commits.iter().rfind(|recorded| recorded.commit.entity == ids[0]).unwrap();
    assert_eq!(by_id[&ids[0]].version, paused.commit.last_version());
    assert_eq!(paused.commit.actor, only_on("wa").actor(), "in the name of who asked");
    assert_eq!(paused.commit.correlation.as_deref(), Some(begun.bulk_id.as_str()));

    let again = desk.start(&node, &only_on("wa"), request.clone()).await.unwrap().into_inner();
    assert_eq!((again.bulk_id, again.total, again.already_so), (begun.bulk_id, 7, true));
    let other = proto::StartBulkRequest { note: "otra cosa".to_owned(), ..request };
    assert_eq!(code(desk.start(&node, &only_on("wa"), other).await), "COMMAND_ID_REUSED");
    token.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn whoever_goes_on_finds_done_what_was_done() {
    let desk = Desk::new();
    let log = Arc::new(MemoryLog::new());
    let before = Node::over(Arc::clone(&log)).await;
    let ids = conversations(&before, 60).await;
    let begun = desk.start(&before, &laura(), pausing(&ids)).await.unwrap().into_inner();
    // The one that takes it, and forty pauses; then more are stored, and this node never hears of it.
    let dying = Dying { log: Arc::clone(&log), left: AtomicI64::new(41) };
    let one = Node::through(Arc::clone(&log), Arc::new(dying)).await;
    let (_token, worker) = desk.worker(&one);
    let paused = async || {
        let commits = before.commits().await;
        commits.iter().flat_map(|recorded| &recorded.commit.events).filter(|event| event.name() == "BotPaused").count()
    };
    eventually("it is stuck", async || (paused().await >= 41).then_some(())).await;
    worker.abort();
    assert!(worker.await.unwrap_err().is_cancelled());
    assert_eq!(results(&before, &begun.bulk_id).await.1, None, "half-way");

    // Nobody waits for the dead for longer than its lease, and not less.
    let two = Node::over(log).await;
    let (token, worker) = desk.worker(&two);
    pass(LEASE_OVER_MS);
    let (by_id, counts) = finished(&two, &begun.bulk_id).await;
    assert_eq!((by_id.len(), counts), (60, Counts { paused: 60, ..Counts::default() }));
    for id in &ids {
        assert_eq!(pauses_of(&two, *id).await, 1);
    }
    token.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn on_a_log_on_which_everything_goes_wrong_each_is_paused_once() {
    for seed in 0..4 {
        let desk = Desk::new();
        let log = Arc::new(MemoryLog::with_faults(seed, Faults::default()));
        let before = Node::over(Arc::clone(&log)).await;
        let ids = conversations(&before, 30).await;
        let begun = desk.start(&before, &laura(), pausing(&ids)).await.unwrap().into_inner();
        let node = Node::over(Arc::clone(&log)).await;
        log.set_faults(Faults::STORM);
        let (token, worker) = desk.worker(&node);
        let (_, counts) = finished(&before, &begun.bulk_id).await;
        assert_eq!(counts, Counts { paused: 30, ..Counts::default() }, "seed {seed}");
        for id in &ids {
            assert_eq!(pauses_of(&before, *id).await, 1, "seed {seed}");
        }
        token.cancel();
        worker.await.unwrap();
    }
}

#[tokio::test]
async fn undo_takes_back_what_is_still_the_same_pause() {
    let (node, desk) = (Node::start().await, Desk::new());
    let ids = conversations(&node, 5).await;
    let begun = desk.start(&node, &carla(), pausing(&ids)).await.unwrap().into_inner();
    assert_eq!(code(desk.undo(&node, &carla(), &begun.bulk_id).await), "BULK_RUNNING");
    let (token, worker) = desk.worker(&node);
    finished(&node, &begun.bulk_id).await;

    pass(1_000);
    let conversations = node.commands.conversations();
    let resume = |id: EntityId| proto::ResumeBotRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        ..Default::default()
    };
    let pause = |id: EntityId| proto::PauseBotRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        reason: words::PauseReason::Other.into(),
        note: "cierre".to_owned(),
        ..Default::default()
    };
    // Resumed; resumed and paused again alike; on other terms.
    conversations.resume_bot(by(&laura(), resume(ids[0]))).await.unwrap();
    conversations.resume_bot(by(&laura(), resume(ids[1]))).await.unwrap();
    conversations.pause_bot(by(&carla(), pause(ids[1]))).await.unwrap();
    let locked = proto::ChangePauseRequest {
        command_id: fresh(),
        conversation_id: ids[2].to_string(),
        locked: true,
        ..Default::default()
    };
    conversations.change_pause(by(&carla(), locked)).await.unwrap();
    node.customer_writes(ids[3]).await;
    let changed_at = now();
    pass(1_000);

    let undo = desk.undo(&node, &carla(), &begun.bulk_id).await.unwrap().into_inner();
    assert_eq!((undo.total, undo.already_so), (5, false));
    let (by_id, counts) = finished(&node, &undo.bulk_id).await;
    assert_eq!(counts, Counts { resumed: 2, changed_since: 3, ..Counts::default() });
    for (id, who) in [(ids[0], "laura"), (ids[1], "laura"), (ids[2], "carla")] {
        let one = &by_id[&id];
        let changed = one.changed.as_ref().unwrap();
        assert_eq!(one.outcome, Outcome::ChangedSince);
        assert!(matches!(&changed.by, Actor::Staff(name) if name.as_str() == who), "{changed:?}");
        assert_eq!(changed.at, changed_at);
    }
    for id in [ids[3], ids[4]] {
        assert_eq!(by_id[&id].outcome, Outcome::Resumed, "a message changes no pause");
        assert_eq!(node.events_of(id).await.last(), Some(&"BotResumed"));
    }
    let twice = desk.undo(&node, &carla(), &begun.bulk_id).await.unwrap().into_inner();
    assert_eq!((twice.bulk_id, twice.already_so), (undo.bulk_id.clone(), true));
    assert!(!refused(desk.undo(&node, &carla(), &undo.bulk_id).await).violations.is_empty(), "it paused nothing");
    assert_eq!(code(desk.undo(&node, &laura(), &begun.bulk_id).await), "BULK_NOT_FOUND", "another's");
    token.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn what_makes_no_sense_writes_nothing() {
    let (node, desk) = (Node::start().await, Desk::new());
    let ids = conversations(&node, 1).await;
    let before = node.commits().await.len();
    let wishes = [
        ("FORBIDDEN", caller("demo", Role::Bot, "helper"), pausing(&ids)),
        ("FORBIDDEN", caller("demo", Role::Analyst, "ana"), pausing(&ids)),
        ("INVALID_ARGUMENT", laura(), proto::StartBulkRequest { selection: None, ..pausing(&ids) }),
        ("INVALID_ARGUMENT", laura(), proto::StartBulkRequest { action: None, ..pausing(&ids) }),
        ("INVALID_ARGUMENT", laura(), proto::StartBulkRequest { note: "a".repeat(4_001), ..pausing(&ids) }),
        ("INVALID_ARGUMENT", laura(), {
            let filter = words::ConversationFilter::default();
            proto::StartBulkRequest { selection: Some(Selection::Filter(filter)), ..pausing(&ids) }
        }),
    ];
    for (wanted, who, request) in wishes {
        assert_eq!(code(desk.start(&node, &who, request).await), wanted);
    }
    let counted = proto::StartBulkRequest { dry_run: true, ..pausing(&[ids[0], ids[0]]) };
    let counted = desk.start(&node, &laura(), counted).await.unwrap().into_inner();
    assert_eq!((counted.total, counted.bulk_id.as_str()), (1, ""));
    assert_eq!(code(desk.undo(&node, &carla(), "blk_00000000000000000000000000").await), "BULK_NOT_FOUND");
    assert_eq!(node.commits().await.len(), before);
}

#[tokio::test]
async fn nobody_is_an_answer() {
    let (node, desk) = (Node::start().await, Desk::new());
    let begun = desk.start(&node, &laura(), pausing(&[])).await.unwrap().into_inner();
    assert_eq!(begun.total, 0);
    let (_, counts) = finished(&node, &begun.bulk_id).await;
    assert_eq!(counts, Counts::default());
}

#[tokio::test]
async fn two_workers_do_everything_once() {
    let desk = Desk::new();
    let log = Arc::new(MemoryLog::new());
    let (one, two) = (Node::over(Arc::clone(&log)).await, Node::over(log).await);
    let ids = conversations(&one, 40).await;
    let (_first, _second) = (desk.worker(&one), desk.worker(&two));
    let begun = desk.start(&one, &laura(), pausing(&ids)).await.unwrap().into_inner();
    let (_, counts) = tokio::time::timeout(Duration::from_secs(30), finished(&one, &begun.bulk_id)).await.unwrap();
    assert_eq!(counts.paused, 40);
    for id in &ids {
        assert_eq!(pauses_of(&one, *id).await, 1);
    }
}
