//! Tags: of the workspace, and on conversations.

use std::sync::Arc;

use relevo_domain::{EntityId, Role};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::conversation_service_server::ConversationService as _;
use relevo_proto::command::v1::workspace_service_server::WorkspaceService as _;

use crate::house::{Node, by, caller, carla, code, fresh, laura, refused};

const COLOUR: &str = "#ffa500";

fn add(id: EntityId, name: &str, create: bool) -> proto::AddTagRequest {
    proto::AddTagRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        expected_version: None,
        tag: Some(proto::add_tag_request::Tag::Name(name.to_owned())),
        create,
        colour: if create { COLOUR.to_owned() } else { String::new() },
    }
}

fn remove(id: EntityId, tag: proto::remove_tag_request::Tag) -> proto::RemoveTagRequest {
    let (command_id, conversation_id) = (fresh(), id.to_string());
    proto::RemoveTagRequest { command_id, conversation_id, expected_version: None, tag: Some(tag) }
}

fn create(name: &str) -> proto::CreateTagRequest {
    let (name, colour) = (name.to_owned(), COLOUR.to_owned());
    proto::CreateTagRequest { command_id: fresh(), expected_version: None, name, colour }
}

async fn node() -> (Node, EntityId) {
    let node = Node::start().await;
    let contact = node.contact(1).await;
    let conversation = node.conversation(1, contact, "wa").await;
    (node, conversation)
}

#[tokio::test]
async fn an_unknown_tag_is_refused_unless_it_is_made_with_it() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    assert_eq!(code(desk.add_tag(by(&laura(), add(id, "Pago", false))).await), "TAG_UNKNOWN");
    let request = add(id, "Pago", true);
    let made = desk.add_tag(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert!(made.created && !made.already_so);
    assert_eq!(node.events_of(EntityId::WORKSPACE).await, ["TagCreated"]);
    assert_eq!(node.events_of(id).await.last(), Some(&"TagAdded"));
    let tag = made.tag.unwrap();
    assert_eq!((tag.name.as_str(), tag.colour.as_str()), ("Pago", COLOUR));
    assert_eq!(made.conversation.unwrap().tags, std::slice::from_ref(&tag));

    // The same id on another conversation is another command: the tag was there.
    let contact = node.contact(2).await;
    let second = node.conversation(2, contact, "wa").await;
    let elsewhere = proto::AddTagRequest { conversation_id: second.to_string(), ..request.clone() };
    for _ in 0..2 {
        let added = desk.add_tag(by(&laura(), elsewhere.clone())).await.unwrap().into_inner();
        assert!(!added.created && !added.already_so);
    }

    let commits = node.commits().await.len();
    let repeated = desk.add_tag(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!((repeated.position, repeated.created), (made.position, true));
    assert_eq!(code(desk.add_tag(by(&carla(), request.clone())).await), "COMMAND_ID_REUSED");
    let other = proto::AddTagRequest { command_id: request.command_id, ..add(id, "Turno", true) };
    assert_eq!(code(desk.add_tag(by(&laura(), other)).await), "COMMAND_ID_REUSED");
    let again = desk.add_tag(by(&laura(), add(id, "PAGO", true))).await.unwrap().into_inner();
    assert!(again.already_so && !again.created && again.tag == Some(tag));
    assert_eq!(node.commits().await.len(), commits);
}

#[tokio::test]
async fn fifty_who_make_one_tag_at_once_make_one() {
    let node = Arc::new(Node::start().await);
    let contact = node.contact(1).await;
    let mut conversations = Vec::new();
    for n in 0..50 {
        conversations.push(node.conversation(n, contact, "wa").await);
    }
    let raced = conversations.iter().enumerate().map(|(n, id)| {
        let (node, id) = (Arc::clone(&node), *id);
        // Half of them go for the same few conversations.
        let id = if n % 2 == 0 { id } else { EntityId::new(id.kind(), [(n % 5) as u8; 16]) };
        tokio::spawn(async move { node.commands.conversations().add_tag(by(&laura(), add(id, "Pago", true))).await })
    });
    let mut tags = std::collections::BTreeSet::new();
    let mut created = 0;
    for answer in futures::future::join_all(raced).await {
        let answer = answer.unwrap().unwrap().into_inner();
        tags.insert(answer.tag.unwrap().tag_id);
        created += usize::from(answer.created);
    }
    assert_eq!((tags.len(), created), (1, 1));
    assert_eq!(node.events_of(EntityId::WORKSPACE).await, ["TagCreated"]);
}

#[tokio::test]
async fn a_repeated_command_is_known_by_the_name_that_the_tag_had_then() {
    let (node, id) = node().await;
    let (desk, workspace) = (node.commands.conversations(), node.commands.workspaces());
    let request = add(id, "Pago", true);
    let made = desk.add_tag(by(&laura(), request.clone())).await.unwrap().into_inner();
    let tag_id = made.tag.unwrap().tag_id;
    let rename = proto::ChangeTagRequest {
        command_id: fresh(),
        tag_id: tag_id.clone(),
        name: Some("Cobro".to_owned()),
        ..Default::default()
    };
    workspace.change_tag(by(&carla(), rename)).await.unwrap();
    // Somebody else's tag has the name now; the command still means what it meant.
    workspace.create_tag(by(&carla(), create("Pago"))).await.unwrap();
    let repeated = desk.add_tag(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!(repeated.position, made.position);
    let other = proto::AddTagRequest { command_id: request.command_id, ..add(id, "Cobranza", true) };
    assert_eq!(code(desk.add_tag(by(&laura(), other)).await), "COMMAND_ID_REUSED");
    assert_eq!(repeated.conversation.unwrap().tags[0].name, "Cobro");
}

#[tokio::test]
async fn a_deleted_tag_is_gone_from_conversations_and_unknown_to_commands() {
    let (node, id) = node().await;
    let (desk, workspace) = (node.commands.conversations(), node.commands.workspaces());
    let tag = desk.add_tag(by(&laura(), add(id, "Pago", true))).await.unwrap().into_inner().tag.unwrap();
    let delete = proto::DeleteTagRequest { command_id: fresh(), tag_id: tag.tag_id.clone(), ..Default::default() };
    workspace.delete_tag(by(&carla(), delete)).await.unwrap();
    let by_id = remove(id, proto::remove_tag_request::Tag::TagId(tag.tag_id.clone()));
    assert_eq!(code(desk.remove_tag(by(&laura(), by_id)).await), "TAG_UNKNOWN");
    let by_id = proto::AddTagRequest {
        tag: Some(proto::add_tag_request::Tag::TagId(tag.tag_id.clone())),
        ..add(id, "", false)
    };
    assert_eq!(code(desk.add_tag(by(&laura(), by_id)).await), "TAG_UNKNOWN");
    let again = desk.add_tag(by(&laura(), add(id, "Pago", true))).await.unwrap().into_inner();
    let fresh_tag = again.tag.unwrap();
    assert_ne!(fresh_tag.tag_id, tag.tag_id);
    assert_eq!(again.conversation.unwrap().tags, [fresh_tag]);
}

#[tokio::test]
async fn a_tag_is_taken_off_by_name_or_id() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    let tag = desk.add_tag(by(&laura(), add(id, "Pago", true))).await.unwrap().into_inner().tag.unwrap();
    let request = remove(id, proto::remove_tag_request::Tag::Name("pago".to_owned()));
    let off = desk.remove_tag(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert!(!off.already_so && off.conversation.unwrap().tags.is_empty());
    assert_eq!(desk.remove_tag(by(&laura(), request)).await.unwrap().into_inner().position, off.position);
    let again = remove(id, proto::remove_tag_request::Tag::TagId(tag.tag_id));
    assert!(desk.remove_tag(by(&laura(), again)).await.unwrap().into_inner().already_so);
    let unknown = remove(id, proto::remove_tag_request::Tag::Name("otra".to_owned()));
    assert_eq!(code(desk.remove_tag(by(&laura(), unknown)).await), "TAG_UNKNOWN");
}

#[tokio::test]
async fn tags_tell_nothing_to_those_who_may_not_tag() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    for role in [Role::Bot, Role::Analyst, Role::Ops] {
        let other = caller("demo", role, "otro");
        assert_eq!(code(desk.add_tag(by(&other, add(id, "Pago", true))).await), "FORBIDDEN", "{role:?}");
    }
    let stranger = caller("demo-b", Role::Admin, "bea");
    assert_eq!(code(desk.add_tag(by(&stranger, add(id, "Pago", true))).await), "CONVERSATION_NOT_FOUND");
    assert!(node.events_of(EntityId::WORKSPACE).await.is_empty());
    let stale = proto::AddTagRequest { expected_version: Some(2), ..add(id, "Pago", true) };
    assert_eq!(code(desk.add_tag(by(&laura(), stale)).await), "VERSION_CONFLICT");
}

#[tokio::test]
async fn one_command_id_does_not_make_two_tags() {
    let (node, id) = node().await;
    let contact = EntityId::new(relevo_domain::EntityKind::Contact, [1; 16]);
    let second = node.conversation(2, contact, "wa").await;
    let desk = node.commands.conversations();
    let first = add(id, "Pago", true);
    desk.add_tag(by(&laura(), first.clone())).await.unwrap();
    let other = proto::AddTagRequest { command_id: first.command_id.clone(), ..add(second, "Turno", true) };
    assert_eq!(code(desk.add_tag(by(&laura(), other)).await), "COMMAND_ID_REUSED");
    // The tag exists: nothing has to be made, and the id is free on the other conversation.
    let same = proto::AddTagRequest { command_id: first.command_id, ..add(second, "Pago", true) };
    assert!(desk.add_tag(by(&laura(), same)).await.is_ok());
    assert_eq!(node.events_of(EntityId::WORKSPACE).await, ["TagCreated"]);
}

#[tokio::test]
async fn a_conversation_has_no_more_than_thirty_two_tags() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    for n in 0..32 {
        desk.add_tag(by(&laura(), add(id, &format!("tag {n}"), true))).await.unwrap();
    }
    let problem = refused(desk.add_tag(by(&laura(), add(id, "one more", true))).await);
    assert_eq!(problem.code.as_str(), "LIMIT_REACHED");
    assert_eq!((problem.subject("what"), problem.subject("limit")), (Some("tags"), Some("32")));
    assert_eq!(node.events_of(EntityId::WORKSPACE).await.len(), 32, "a tag that nobody has is not left behind");
}

#[tokio::test]
async fn the_workspace_answers_repeats_and_refuses_like_a_conversation() {
    let node = Node::start().await;
    let workspace = node.commands.workspaces();
    let request = create("Pago");
    let made = workspace.create_tag(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!((made.already_so, made.version), (false, 1));
    let tag_id = made.tag.unwrap().tag_id;
    let repeated = workspace.create_tag(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!((repeated.position, repeated.tag.unwrap().tag_id), (made.position, tag_id.clone()));
    assert_eq!(code(workspace.create_tag(by(&carla(), request)).await), "COMMAND_ID_REUSED");
    assert!(workspace.create_tag(by(&carla(), create("pago"))).await.unwrap().into_inner().already_so);

    let change = |name: &str| proto::ChangeTagRequest {
        command_id: fresh(),
        expected_version: Some(1),
        tag_id: tag_id.clone(),
        name: Some(name.to_owned()),
        colour: None,
    };
    assert_eq!(code(workspace.change_tag(by(&laura(), change("Cobro"))).await), "FORBIDDEN");
    let renamed = workspace.change_tag(by(&carla(), change("Cobro"))).await.unwrap().into_inner();
    assert_eq!(renamed.tag.unwrap().name, "Cobro");
    assert_eq!(code(workspace.change_tag(by(&carla(), change("Otro"))).await), "VERSION_CONFLICT");
    workspace.create_tag(by(&laura(), create("Turno"))).await.unwrap();
    let taken = proto::ChangeTagRequest { expected_version: None, ..change("TURNO") };
    let problem = refused(workspace.change_tag(by(&carla(), taken)).await);
    assert_eq!((problem.code.as_str(), problem.violations[0].field.as_str()), ("INVALID_ARGUMENT", "name"));

    let stranger = caller("demo-b", Role::Admin, "bea");
    let theirs = proto::ChangeTagRequest { expected_version: None, ..change("Mío") };
    assert_eq!(code(workspace.change_tag(by(&stranger, theirs)).await), "TAG_UNKNOWN");
    let delete = || proto::DeleteTagRequest { command_id: fresh(), tag_id: tag_id.clone(), ..Default::default() };
    assert!(workspace.delete_tag(by(&stranger, delete())).await.unwrap().into_inner().already_so);
    assert_eq!(code(workspace.delete_tag(by(&laura(), delete())).await), "FORBIDDEN");
    assert!(!workspace.delete_tag(by(&carla(), delete())).await.unwrap().into_inner().already_so);
    assert!(workspace.delete_tag(by(&carla(), delete())).await.unwrap().into_inner().already_so);
    let bad =
        workspace.create_tag(by(&laura(), proto::CreateTagRequest { colour: "red".to_owned(), ..create("") })).await;
    let fields: Vec<String> = refused(bad).violations.into_iter().map(|violation| violation.field).collect();
    assert_eq!(fields, ["name", "colour"]);
}
