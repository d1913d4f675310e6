//! A node that has forgotten what it wrote, and whose store has not seen it yet: its answers are not from before their own commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use relevo_domain::{EntityId, Recorded, TenantId};
use relevo_eventlog::{Append, Identity, Log, LogError, MemoryLog, Outcome, Wanted};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::conversation_service_server::ConversationService as _;
use relevo_proto::query::v1 as words;

use crate::house::{Node, by, carla, code, fresh};

/// A log that shows its readers nothing behind a sequence, and that may store without saying so.
struct Behind {
    log: Arc<MemoryLog>,
    shown: Arc<AtomicU64>,
    silent: AtomicBool,
}

#[async_trait]
impl Log for Behind {
    async fn append(&self, batch: Vec<Append>) -> Result<Outcome, LogError> {
        let outcome = self.log.append(batch).await?;
        Ok(if self.silent.load(Ordering::SeqCst) { Outcome::Unknown } else { outcome })
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
        let shown = Arc::clone(&self.shown);
        let stream = self.log.read(from).await?.then(move |read| {
            let shown = Arc::clone(&shown);
            async move {
                let hidden = read.as_ref().is_ok_and(|read| read.sequence > shown.load(Ordering::SeqCst));
                if hidden { std::future::pending().await } else { read }
            }
        });
        Ok(stream.boxed())
    }

    async fn identity(&self) -> Result<Identity, LogError> {
        self.log.identity().await
    }
}

#[tokio::test]
async fn a_repeated_pause_is_answered_with_the_pause_in_it() {
    let log = Arc::new(MemoryLog::new());
    let shown = Arc::new(AtomicU64::new(u64::MAX));
    let behind = Arc::new(Behind { log: Arc::clone(&log), shown: Arc::clone(&shown), silent: AtomicBool::new(false) });
    let node = Node::through(log, behind.clone()).await;
    let contact = node.contact(1).await;
    let id = node.conversation(1, contact, "wa").await;
    node.ledger.catch_up().await.unwrap();
    shown.store(node.log.identity().await.unwrap().last_sequence, Ordering::SeqCst);

    let desk = node.commands.conversations();
    let pause = proto::PauseBotRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        reason: words::PauseReason::Complaint.into(),
        ..Default::default()
    };
    let paused = desk.pause_bot(by(&carla(), pause.clone())).await.unwrap().into_inner();
    behind.silent.store(true, Ordering::SeqCst);
    let note = proto::AddNoteRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        text: "llama mañana".to_owned(),
        ..Default::default()
    };
    assert_eq!(code(desk.add_note(by(&carla(), note)).await), "OUTCOME_UNKNOWN");
    behind.silent.store(false, Ordering::SeqCst);

    let again = desk.pause_bot(by(&carla(), pause)).await.unwrap().into_inner();
    assert_eq!((&again.position, again.version), (&paused.position, paused.version));
    let state = again.conversation.unwrap();
    assert!(state.version >= again.version, "{} is from before {}", state.version, again.version);
    assert_eq!(state.bot, paused.conversation.unwrap().bot);
}
