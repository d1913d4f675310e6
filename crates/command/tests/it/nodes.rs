//! Two nodes over one log, and a log on which everything goes wrong: what one has answered, the other holds to.

use std::sync::Arc;

use relevo_domain::{EntityId, Event};
use relevo_eventlog::{Faults, MemoryLog};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::contact_service_server::ContactService as _;
use relevo_proto::command::v1::conversation_service_server::ConversationService as _;
use relevo_proto::query::v1 as words;

use crate::house::{Node, by, carla, code, fresh, laura};

fn add(id: EntityId, name: &str, create: bool) -> proto::AddTagRequest {
    proto::AddTagRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        expected_version: None,
        tag: Some(proto::add_tag_request::Tag::Name(name.to_owned())),
        create,
        colour: "#008000".to_owned(),
    }
}

fn set(id: EntityId, priority: words::Priority) -> proto::SetPriorityRequest {
    proto::SetPriorityRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        priority: priority.into(),
        ..Default::default()
    }
}

async fn two_nodes() -> (Node, Node, EntityId) {
    let log = Arc::new(MemoryLog::new());
    let one = Node::over(Arc::clone(&log)).await;
    let contact = one.contact(1).await;
    let id = one.conversation(1, contact, "wa").await;
    let two = Node::over(log).await;
    (one, two, id)
}

#[tokio::test]
async fn what_one_node_wrote_decides_on_the_other() {
    let (one, two, id) = two_nodes().await;
    // The other node's caches hold the state of before.
    two.commands.conversations().set_priority(by(&laura(), set(id, words::Priority::High))).await.unwrap();
    one.commands.conversations().add_tag(by(&laura(), add(id, "Pago", true))).await.unwrap();
    let known = two.commands.conversations().add_tag(by(&carla(), add(id, "Pago", false))).await.unwrap().into_inner();
    assert!(known.already_so, "a tag that was just made elsewhere is not unknown here");
    assert_eq!(known.tag.unwrap().name, "Pago");
    let stale = proto::SetPriorityRequest { expected_version: Some(4), ..set(id, words::Priority::Low) };
    assert_eq!(code(two.commands.conversations().set_priority(by(&carla(), stale)).await), "VERSION_CONFLICT");
    let current = proto::SetPriorityRequest { expected_version: Some(5), ..set(id, words::Priority::Low) };
    assert!(one.commands.conversations().set_priority(by(&carla(), current.clone())).await.is_ok());
    let elsewhere = two.commands.conversations().set_priority(by(&carla(), current)).await.unwrap().into_inner();
    assert!(!elsewhere.already_so && elsewhere.version == 6, "a repetition is known on every node");
}

#[tokio::test]
async fn a_pause_of_another_node_is_seen_by_a_merge() {
    let (one, two, id) = two_nodes().await;
    let maria = two.contact(2).await;
    let hers = two.conversation(2, maria, "wa").await;
    let pause = proto::PauseBotRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        reason: words::PauseReason::Complaint.into(),
        ..Default::default()
    };
    one.commands.conversations().pause_bot(by(&laura(), pause)).await.unwrap();
    let merge = proto::MergeContactsRequest {
        command_id: fresh(),
        contact_id: EntityId::new(relevo_domain::EntityKind::Contact, [1; 16]).to_string(),
        other_contact_id: maria.to_string(),
        ..Default::default()
    };
    let merged = two.commands.contacts().merge_contacts(by(&carla(), merge)).await.unwrap().into_inner();
    assert_eq!(merged.paused_conversation_ids, [hers.to_string()]);
}

/// On a log that loses, delays and doubles, a client that repeats each command until it is answered gets each done exactly once.
#[tokio::test]
async fn on_a_bad_day_every_command_happens_once() {
    for seed in 0..8 {
        let log = Arc::new(MemoryLog::with_faults(seed, Faults::default()));
        let (one, two) = (Node::over(Arc::clone(&log)).await, Node::over(Arc::clone(&log)).await);
        let contact = one.contact(1).await;
        let mut conversations = Vec::new();
        for n in 0..4 {
            conversations.push(one.conversation(n, contact, "wa").await);
        }
        log.set_faults(Faults::STORM);
        let mut commands = Vec::new();
        for (n, id) in conversations.iter().cycle().take(24).enumerate() {
            let request = add(*id, &format!("tag {}", n % 6), true);
            // Turn by turn on both nodes, as a client does whose connection breaks.
            for node in [&one, &two].into_iter().cycle().take(64) {
                let answer = node.commands.conversations().add_tag(by(&laura(), request.clone())).await;
                if answer.is_ok() {
                    break;
                }
                let code = code(answer);
                assert!(matches!(code, "OUTCOME_UNKNOWN" | "LOG_UNAVAILABLE" | "CONTENTION"), "{seed}: {code}");
            }
            commands.push(request.command_id);
        }
        log.set_faults(Faults::default());
        let mut tags = std::collections::BTreeSet::new();
        let mut added = std::collections::BTreeSet::new();
        for recorded in one.commits().await {
            for event in &recorded.commit.events {
                match event {
                    Event::Workspace(relevo_domain::workspace::WorkspaceEvent::TagCreated { name, .. }) => {
                        assert!(tags.insert(name.to_string()), "seed {seed}: {name} was made twice");
                    }
                    Event::Conversation(relevo_domain::conversation::ConversationEvent::TagAdded { tag }) => {
                        assert!(added.insert((recorded.commit.entity, *tag)), "seed {seed}: a tag was added twice");
                    }
                    _ => {}
                }
            }
        }
        // 24 commands over 4 conversations and 6 tags: 12 different pairs, each twice.
        assert_eq!((tags.len(), added.len()), (6, 12), "seed {seed}");
    }
}
