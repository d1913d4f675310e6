//! A command that is stored is never answered as if it were not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use relevo_domain::{AgentId, EntityId, Recorded, TenantId};
use relevo_eventlog::{Append, Identity, Log, LogError, MemoryLog, Outcome, Wanted};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::contact_service_server::ContactService as _;
use relevo_proto::command::v1::conversation_service_server::ConversationService as _;

use relevo_proto::query::v1 as words;

use crate::house::{Node, by, carla, code, fresh, only_on, wrote};

/// A log that stops answering single reads once so many appends were stored.
struct Failing {
    log: Arc<MemoryLog>,
    appends_left: AtomicU32,
}

impl Failing {
    fn check(&self) -> Result<(), LogError> {
        let failed = self.appends_left.load(Ordering::SeqCst) == 0;
        if failed { Err(LogError::Unavailable("on purpose".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl Log for Failing {
    async fn append(&self, batch: Vec<Append>) -> Result<Outcome, LogError> {
        let outcome = self.log.append(batch).await?;
        if matches!(outcome, Outcome::Applied { .. }) {
            let less = |left: u32| Some(left.saturating_sub(1));
            let _before = self.appends_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        }
        Ok(outcome)
    }

    async fn tail(&self, tenant: &TenantId, entity: &EntityId, after: u64) -> Result<Vec<Recorded>, LogError> {
        self.check()?;
        self.log.tail(tenant, entity, after).await
    }

    async fn beginning(
        &self,
        tenant: &TenantId,
        entity: &EntityId,
        limit: usize,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Recorded>, LogError> {
        self.check()?;
        self.log.beginning(tenant, entity, limit, wanted).await
    }

    async fn last_of(&self, tenant: &TenantId, entity: &EntityId) -> Result<u64, LogError> {
        self.check()?;
        self.log.last_of(tenant, entity).await
    }

    async fn get(&self, sequence: u64) -> Result<Option<Recorded>, LogError> {
        self.check()?;
        self.log.get(sequence).await
    }

    async fn read(&self, from: u64) -> Result<BoxStream<'static, Result<Recorded, LogError>>, LogError> {
        self.log.read(from).await
    }

    async fn identity(&self) -> Result<Identity, LogError> {
        self.log.identity().await
    }
}

fn assign(id: EntityId, agent: &str) -> proto::AssignRequest {
    let agent = AgentId::new(agent).unwrap().to_string();
    proto::AssignRequest { command_id: fresh(), conversation_id: id.to_string(), agent_id: agent, ..Default::default() }
}

#[tokio::test]
async fn who_gives_a_conversation_away_is_told_so_again() {
    let node = Node::start().await;
    let contact = node.contact(1).await;
    let id = node.conversation(1, contact, "wa").await;
    let desk = node.commands.conversations();
    let martin = only_on("mail");
    desk.assign(by(&carla(), assign(id, "martin"))).await.unwrap();
    let away = assign(id, "laura");
    let given = desk.assign(by(&martin, away.clone())).await.unwrap().into_inner();
    assert_eq!(code(desk.assign(by(&martin, assign(id, "laura"))).await), "CONVERSATION_NOT_FOUND");
    let urgent = proto::SetPriorityRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        priority: words::Priority::Urgent.into(),
        ..Default::default()
    };
    desk.set_priority(by(&carla(), urgent)).await.unwrap();
    let again = desk.assign(by(&martin, away.clone())).await.unwrap().into_inner();
    assert_eq!(again, given, "told what they were told then, and nothing of what came after");
    // Whose id it is not, and what is another command, learns nothing.
    let stranger = only_on("sms");
    let other = proto::AssignRequest { agent_id: "carla".to_owned(), ..away.clone() };
    assert_eq!(code(desk.assign(by(&martin, other)).await), "CONVERSATION_NOT_FOUND");
    let stranger = relevo_domain::Caller { name: AgentId::new("eva").unwrap(), ..stranger };
    assert_eq!(code(desk.assign(by(&stranger, away)).await), "CONVERSATION_NOT_FOUND");
}

/// What was told long ago is not worth reading a whole long history for, again and again.
#[tokio::test]
async fn who_gave_a_long_conversation_away_is_told_nothing_of_it() {
    let node = Node::start().await;
    let contact = node.contact(1).await;
    let id = node.conversation(1, contact, "wa").await;
    for _commit in 0..relevo_command::PAST_MAX {
        node.happens("demo", id, vec![relevo_domain::Event::Conversation(wrote())]).await;
    }
    let desk = node.commands.conversations();
    let martin = only_on("mail");
    desk.assign(by(&carla(), assign(id, "martin"))).await.unwrap();
    let away = assign(id, "laura");
    desk.assign(by(&martin, away.clone())).await.unwrap();
    assert_eq!(code(desk.assign(by(&martin, away)).await), "CONVERSATION_NOT_FOUND");
}

#[tokio::test]
async fn a_log_that_fails_behind_an_append_does_not_make_it_undone() {
    let log = Arc::new(MemoryLog::new());
    let failing = Arc::new(Failing { log: Arc::clone(&log), appends_left: AtomicU32::new(u32::MAX) });
    let node = Node::through(log, failing.clone()).await;
    let (ana, maria) = (node.contact(1).await, node.contact(2).await);
    let cause = node.conversation(1, ana, "wa").await;
    let active = node.conversation(2, maria, "wa").await;
    let pause = proto::PauseBotRequest {
        command_id: fresh(),
        conversation_id: cause.to_string(),
        reason: words::PauseReason::Complaint.into(),
        ..Default::default()
    };
    node.commands.conversations().pause_bot(by(&carla(), pause)).await.unwrap();
    failing.appends_left.store(1, Ordering::SeqCst);
    let merge = proto::MergeContactsRequest {
        command_id: fresh(),
        contact_id: ana.to_string(),
        expected_version: None,
        other_contact_id: maria.to_string(),
    };
    let contacts = node.commands.contacts();
    let merged = contacts.merge_contacts(by(&carla(), merge.clone())).await.unwrap().into_inner();
    assert_eq!(merged.paused_conversation_ids, [active.to_string()]);
    // What the log does not show now is stored all the same.
    assert_eq!(code(contacts.merge_contacts(by(&carla(), merge.clone())).await), "OUTCOME_UNKNOWN");
    failing.appends_left.store(u32::MAX, Ordering::SeqCst);
    assert_eq!(contacts.merge_contacts(by(&carla(), merge)).await.unwrap().into_inner(), merged);
}
