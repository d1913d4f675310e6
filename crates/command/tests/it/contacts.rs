//! Contacts: which customer somebody is, and which contacts are one person.

use relevo_domain::conversation::{ConversationEvent, NotePersonal, PauseReason, PauseTerms};
use relevo_domain::{EntityId, EntityKind, Event, Role};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::contact_service_server::ContactService as _;
use relevo_proto::command::v1::conversation_service_server::ConversationService as _;
use relevo_proto::query::v1 as words;

use crate::house::{Node, by, caller, carla, code, fresh, laura, only_on, refused};

fn link(contact: EntityId, id: &str) -> proto::LinkCustomerRequest {
    let customer = Some(proto::LinkedCustomer { id: id.to_owned(), name: "Ana".to_owned() });
    proto::LinkCustomerRequest {
        command_id: fresh(),
        contact_id: contact.to_string(),
        expected_version: None,
        customer,
    }
}

fn merge(contact: EntityId, other: EntityId) -> proto::MergeContactsRequest {
    proto::MergeContactsRequest {
        command_id: fresh(),
        contact_id: contact.to_string(),
        expected_version: None,
        other_contact_id: other.to_string(),
    }
}

fn unmerge(contact: EntityId, other: EntityId) -> proto::UnmergeContactsRequest {
    proto::UnmergeContactsRequest {
        command_id: fresh(),
        contact_id: contact.to_string(),
        expected_version: None,
        other_contact_id: other.to_string(),
    }
}

async fn pause(node: &Node, conversation: EntityId) {
    let request = proto::PauseBotRequest {
        command_id: fresh(),
        conversation_id: conversation.to_string(),
        reason: words::PauseReason::Complaint.into(),
        ..Default::default()
    };
    node.commands.conversations().pause_bot(by(&laura(), request)).await.unwrap();
}

async fn is_paused(node: &Node, conversation: EntityId) -> bool {
    let request = proto::ResumeBotRequest {
        command_id: fresh(),
        conversation_id: conversation.to_string(),
        ..Default::default()
    };
    !node.commands.conversations().resume_bot(by(&laura(), request)).await.unwrap().into_inner().already_so
}

#[tokio::test]
async fn a_contact_is_linked_once_and_unlinked_once() {
    let node = Node::start().await;
    let contact = node.contact(1).await;
    let contacts = node.commands.contacts();
    let request = proto::LinkCustomerRequest { expected_version: Some(1), ..link(contact, "C-1") };
    let linked = contacts.link_customer(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!((linked.already_so, linked.version), (false, 2));
    assert_eq!(linked.contact.unwrap().customer.unwrap().id, "C-1");
    let again = contacts.link_customer(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!(again.position, linked.position);
    assert_eq!(code(contacts.link_customer(by(&carla(), request.clone())).await), "COMMAND_ID_REUSED");
    let other = proto::LinkCustomerRequest { command_id: request.command_id.clone(), ..link(contact, "C-2") };
    assert_eq!(code(contacts.link_customer(by(&laura(), other)).await), "COMMAND_ID_REUSED");
    assert!(contacts.link_customer(by(&laura(), link(contact, " C-1 "))).await.unwrap().into_inner().already_so);
    let stale = proto::LinkCustomerRequest { expected_version: Some(1), ..link(contact, "C-2") };
    assert_eq!(code(contacts.link_customer(by(&laura(), stale)).await), "VERSION_CONFLICT");
    let unlink = || proto::UnlinkCustomerRequest {
        command_id: fresh(),
        contact_id: contact.to_string(),
        expected_version: None,
    };
    assert!(!contacts.unlink_customer(by(&laura(), unlink())).await.unwrap().into_inner().already_so);
    assert!(contacts.unlink_customer(by(&laura(), unlink())).await.unwrap().into_inner().already_so);
    for bad in [None, Some(proto::LinkedCustomer::default())] {
        let request = proto::LinkCustomerRequest { customer: bad, ..link(contact, "") };
        let problem = refused(contacts.link_customer(by(&laura(), request)).await);
        assert_eq!(problem.violations[0].field, "customer.id");
    }
}

#[tokio::test]
async fn a_contact_is_for_those_who_see_one_of_its_conversations() {
    let node = Node::start().await;
    let contact = node.contact(1).await;
    let contacts = node.commands.contacts();
    let martin = only_on("wa");
    assert_eq!(code(contacts.link_customer(by(&martin, link(contact, "C-1"))).await), "CONTACT_NOT_FOUND");
    node.conversation(1, contact, "mail").await;
    assert_eq!(code(contacts.link_customer(by(&martin, link(contact, "C-1"))).await), "CONTACT_NOT_FOUND");
    node.conversation(2, contact, "wa").await;
    assert!(contacts.link_customer(by(&martin, link(contact, "C-1"))).await.is_ok());
    let nobody = EntityId::new(EntityKind::Contact, [99; 16]);
    assert_eq!(code(contacts.link_customer(by(&carla(), link(nobody, "C-1"))).await), "CONTACT_NOT_FOUND");
    let stranger = caller("demo-b", Role::Admin, "bea");
    assert_eq!(code(contacts.link_customer(by(&stranger, link(contact, "C-1"))).await), "CONTACT_NOT_FOUND");
    assert_eq!(code(contacts.merge_contacts(by(&stranger, merge(contact, nobody))).await), "CONTACT_NOT_FOUND");
    for role in [Role::Bot, Role::Analyst, Role::Ops] {
        let other = caller("demo", role, "otro");
        assert_eq!(code(contacts.link_customer(by(&other, link(contact, "C-1"))).await), "FORBIDDEN", "{role:?}");
    }
}

#[tokio::test]
async fn a_merge_pauses_what_the_other_half_of_the_person_had_paused() {
    let node = Node::start().await;
    let (ana, maria) = (node.contact(1).await, node.contact(2).await);
    let paused_wa = node.conversation(1, ana, "wa").await;
    let active_mail = node.conversation(2, ana, "mail").await;
    let active_wa = node.conversation(3, maria, "wa").await;
    let other_wa = node.conversation(4, maria, "wa").await;
    let sms = node.conversation(5, maria, "sms").await;
    pause(&node, paused_wa).await;
    let contacts = node.commands.contacts();
    assert_eq!(code(contacts.merge_contacts(by(&laura(), merge(ana, maria))).await), "FORBIDDEN");
    let request = merge(ana, maria);
    let merged = contacts.merge_contacts(by(&carla(), request.clone())).await.unwrap().into_inner();
    let mut expected = vec![active_wa.to_string(), other_wa.to_string()];
    expected.sort();
    let mut paused = merged.paused_conversation_ids.clone();
    paused.sort();
    assert_eq!(paused, expected);
    let position: relevo_domain::Position = merged.position.parse().unwrap();
    assert_eq!(position.sequence(), node.commits().await.len() as u64, "the last of the batch");
    let linked = ConversationEvent::BotPaused {
        reason: PauseReason::Linked,
        automatic: true,
        terms: PauseTerms::default(),
        personal: NotePersonal::default(),
    };
    assert_eq!(
        node.commits().await.iter().filter(|r| r.commit.events == [Event::Conversation(linked.clone())]).count(),
        2
    );

    let commits = node.commits().await.len();
    let repeated = contacts.merge_contacts(by(&carla(), request)).await.unwrap().into_inner();
    let mut again = repeated.paused_conversation_ids;
    again.sort();
    assert_eq!((repeated.position, again), (merged.position, expected));
    for reverse in [merge(ana, maria), merge(maria, ana)] {
        let so = contacts.merge_contacts(by(&carla(), reverse)).await.unwrap().into_inner();
        assert!(so.already_so && so.paused_conversation_ids.is_empty());
    }
    assert_eq!(node.commits().await.len(), commits);
    assert!(is_paused(&node, active_wa).await && !is_paused(&node, active_mail).await && !is_paused(&node, sms).await);
}

#[tokio::test]
async fn a_merge_pauses_in_both_directions_and_through_earlier_merges() {
    let node = Node::start().await;
    let (a, b, c) = (node.contact(1).await, node.contact(2).await, node.contact(3).await);
    let a_wa = node.conversation(1, a, "wa").await;
    let a_mail = node.conversation(2, a, "mail").await;
    let b_mail = node.conversation(3, b, "mail").await;
    let c_wa = node.conversation(4, c, "wa").await;
    let contacts = node.commands.contacts();
    contacts.merge_contacts(by(&carla(), merge(b, c))).await.unwrap();
    pause(&node, c_wa).await;
    pause(&node, a_mail).await;
    let merged = contacts.merge_contacts(by(&carla(), merge(a, b))).await.unwrap().into_inner();
    let mut paused = merged.paused_conversation_ids;
    paused.sort();
    let mut expected = vec![a_wa.to_string(), b_mail.to_string()];
    expected.sort();
    assert_eq!(paused, expected);
}

#[tokio::test]
async fn a_merge_leads_from_either_contact_to_the_other() {
    for swapped in [false, true] {
        let node = Node::start().await;
        let (paused, first, second) = (node.contact(1).await, node.contact(2).await, node.contact(3).await);
        let cause = node.conversation(1, paused, "wa").await;
        let active = node.conversation(2, second, "wa").await;
        pause(&node, cause).await;
        let contacts = node.commands.contacts();
        let pair = if swapped { merge(first, paused) } else { merge(paused, first) };
        contacts.merge_contacts(by(&carla(), pair)).await.unwrap();
        for (contact, other) in [(paused, first), (first, paused)] {
            let state = node.ledger.load(&carla().tenant, &contact).unwrap().state;
            let relevo_command::decision::EntityState::Contact(state) = state else { panic!("{state:?}") };
            assert!(state.merged.contains(&other), "swapped: {swapped}");
        }
        let pair = if swapped { merge(second, first) } else { merge(first, second) };
        let merged = contacts.merge_contacts(by(&carla(), pair)).await.unwrap().into_inner();
        assert_eq!(merged.paused_conversation_ids, [active.to_string()], "swapped: {swapped}");
    }
}

#[tokio::test]
async fn no_contact_is_merged_with_everybody_whichever_is_named_first() {
    let node = Node::start().await;
    let full = node.contact(200).await;
    let one_more = node.contact(201).await;
    let contacts = node.commands.contacts();
    for n in 1..=32 {
        let other = node.contact(n).await;
        contacts.merge_contacts(by(&carla(), merge(other, full))).await.unwrap();
    }
    let before = node.commits().await.len();
    for pair in [merge(full, one_more), merge(one_more, full)] {
        let problem = refused(contacts.merge_contacts(by(&carla(), pair)).await);
        assert_eq!((problem.code.as_str(), problem.subject("what")), ("LIMIT_REACHED", Some("merged_contacts")));
    }
    assert_eq!(node.commits().await.len(), before);
}

/// The ids of conversations sort by `n`: look-ups meet them in this order.
async fn many(node: &Node, contact: EntityId, count: u16, on: &str) -> EntityId {
    let mut last = contact;
    for n in 1..=count {
        let mut bytes = [0xEE; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        last = EntityId::new(EntityKind::Conversation, bytes);
        node.opens("demo", last, contact, on).await;
    }
    last
}

#[tokio::test]
async fn a_pause_and_a_grant_are_found_behind_hundreds_of_other_conversations() {
    let node = Node::start().await;
    let (ana, maria) = (node.contact(1).await, node.contact(2).await);
    many(&node, ana, 300, "mail").await;
    let theirs = node.conversation(0xFE, ana, "wa").await;
    let hers = node.conversation(0xFF, maria, "wa").await;
    node.ledger.settle().await.unwrap();
    let contacts = node.commands.contacts();
    assert!(contacts.link_customer(by(&only_on("wa"), link(ana, "C-1"))).await.is_ok());
    assert_eq!(code(contacts.link_customer(by(&only_on("sms"), link(ana, "C-1"))).await), "CONTACT_NOT_FOUND");
    pause(&node, hers).await;
    let merged = contacts.merge_contacts(by(&carla(), merge(maria, ana))).await.unwrap().into_inner();
    assert_eq!(merged.paused_conversation_ids, [theirs.to_string()]);
}

#[tokio::test]
async fn what_a_merge_paused_is_told_again_and_nothing_else_is() {
    let node = Node::start().await;
    let (ana, maria) = (node.contact(1).await, node.contact(2).await);
    let (eva, rosa) = (node.contact(3).await, node.contact(4).await);
    let contacts = node.commands.contacts();
    let mut requests = Vec::new();
    for (one, other, n) in [(ana, maria, 10), (eva, rosa, 20)] {
        let cause = node.conversation(n, one, "wa").await;
        node.conversation(n + 1, other, "wa").await;
        pause(&node, cause).await;
        requests.push(proto::MergeContactsRequest { command_id: "same".to_owned(), ..merge(one, other) });
    }
    for request in &requests {
        let merged = contacts.merge_contacts(by(&carla(), request.clone())).await.unwrap().into_inner();
        assert_eq!(merged.paused_conversation_ids.len(), 1);
        node.ledger.settle().await.unwrap();
        let again = contacts.merge_contacts(by(&carla(), request.clone())).await.unwrap().into_inner();
        assert_eq!(again.paused_conversation_ids, merged.paused_conversation_ids);
    }
}

#[tokio::test]
async fn a_merge_that_would_pause_too_much_is_refused_whole() {
    let node = Node::start().await;
    let (ana, maria) = (node.contact(1).await, node.contact(2).await);
    let paused = node.conversation(1, ana, "mail").await;
    pause(&node, paused).await;
    for n in 2..=130 {
        node.conversation(n, maria, "mail").await;
    }
    let before = node.commits().await.len();
    let problem = refused(node.commands.contacts().merge_contacts(by(&carla(), merge(ana, maria))).await);
    assert_eq!(problem.code.as_str(), "LIMIT_REACHED");
    assert_eq!(problem.subject("what"), Some("linked_conversations"));
    assert_eq!(node.commits().await.len(), before);
}

#[tokio::test]
async fn a_merge_is_undone_from_either_side_and_pauses_stay() {
    let node = Node::start().await;
    let (ana, maria) = (node.contact(1).await, node.contact(2).await);
    let paused = node.conversation(1, ana, "wa").await;
    let active = node.conversation(2, maria, "wa").await;
    pause(&node, paused).await;
    let contacts = node.commands.contacts();
    contacts.merge_contacts(by(&carla(), merge(ana, maria))).await.unwrap();
    let request = unmerge(maria, ana);
    assert_eq!(code(contacts.unmerge_contacts(by(&laura(), request.clone())).await), "FORBIDDEN");
    let undone = contacts.unmerge_contacts(by(&carla(), request.clone())).await.unwrap().into_inner();
    assert!(!undone.already_so);
    for both in [ana, maria] {
        assert_eq!(node.events_of(both).await, ["ContactCreated", "ContactsMerged", "ContactsUnmerged"]);
    }
    let again = contacts.unmerge_contacts(by(&carla(), request)).await.unwrap().into_inner();
    assert_eq!(again.position, undone.position);
    assert!(contacts.unmerge_contacts(by(&carla(), unmerge(ana, maria))).await.unwrap().into_inner().already_so);
    assert!(is_paused(&node, active).await);
}

#[tokio::test]
async fn nobody_is_merged_with_themselves() {
    let node = Node::start().await;
    let ana = node.contact(1).await;
    let problem = refused(node.commands.contacts().merge_contacts(by(&carla(), merge(ana, ana))).await);
    assert_eq!(problem.violations[0].field, "other_contact_id");
    let crafted = proto::MergeContactsRequest { other_contact_id: "cnv_1".to_owned(), ..merge(ana, ana) };
    let problem = refused(node.commands.contacts().merge_contacts(by(&carla(), crafted)).await);
    assert_eq!(problem.violations[0].field, "other_contact_id");
}
