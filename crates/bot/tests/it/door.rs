//! Who may come in, how, and what is refused at the door.

use std::time::Duration;

use relevo_proto::bot::v1 as pb;
use relevo_proto::bot::v1::act_request::Action;
use relevo_proto::bot::v1::converse_request::Message as Says;
use relevo_testkit::NatsServer;
use tonic::{Code, Request, Status};

use crate::stream::{Bot, act, code, hello, open, reply, text};
use crate::world::{Node, fresh, talk};

/// How a stream with this first message ends.
async fn refused(node: &Node, first: Says, caller: &str) -> String {
    let status = match open(node.client().await, first, caller).await {
        Ok((_says, mut told)) => loop {
            match told.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ended well"),
                Err(status) => break status,
            }
        },
        Err(status) => status,
    };
    code(&status)
}

async fn unary(node: &Node, request: pb::ActRequest, caller: &str) -> Result<pb::ActResponse, Status> {
    let mut request = Request::new(request);
    request.metadata_mut().insert("caller", caller.parse().unwrap());
    node.client().await.act(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn only_bots_converse_and_they_begin_with_hello() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    for role in ["agent", "supervisor", "admin", "analyst", "ops", "service"] {
        assert_eq!(refused(&node, Says::Hello(hello()), &format!("{role}@demo")).await, "FORBIDDEN", "{role}");
        let call = unary(&node, pb::ActRequest::default(), &format!("{role}@demo")).await;
        assert_eq!(code(&call.unwrap_err()), "FORBIDDEN", "{role}");
    }
    let act = pb::ActRequest { command_id: fresh(), conversation_id: talk(1).to_string(), turn: 4, action: None };
    assert_eq!(refused(&node, Says::Act(act), "bot@demo").await, "INVALID_ARGUMENT");
    for bad in [pb::Hello { max_turns: 257, ..hello() }, pb::Hello { history: Some(51), ..hello() }] {
        assert_eq!(refused(&node, Says::Hello(bad), "bot@demo").await, "INVALID_ARGUMENT");
    }
    let bad = pb::Hello { resume_position: "nowhere".to_owned(), ..hello() };
    assert_eq!(refused(&node, Says::Hello(bad), "bot@demo").await, "POSITION_INVALID");
    assert_eq!(refused(&node, Says::Hello(hello()), "bot@demo+1").await, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_bot_acts_outside_of_its_stream_too() {
    let server = NatsServer::start().await;
    let (here, there) = (Node::new(&server).await, Node::new(&server).await);
    let mut bot = Bot::connect(here.client().await, hello()).await;
    let ana = here.customer(1, "Hola").await;
    let turn = bot.turn().await;
    let done = unary(&there, act(&turn, reply("Buenas", false)), "bot@demo").await.unwrap();
    assert!(!done.turn_goes_on && done.message_id.starts_with("msg_"));
    assert_eq!(here.said(ana).await, ["Buenas"]);
    let late = unary(&there, act(&turn, reply("Otra", false)), "bot@demo").await.unwrap_err();
    assert_eq!((code(&late), late.code()), ("TURN_ENDED".to_owned(), Code::FailedPrecondition));
    // Its credit is free again.
    here.customer(1, "¿Y?").await;
    assert_eq!(bot.turn().await.attempt, 1);
}

#[tokio::test]
async fn what_is_not_the_bots_does_not_exist_for_it() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let mut bot = Bot::connect(node.client().await, hello()).await;
    let (_says, mut foreign) = open(node.client().await, Says::Hello(hello()), "bot@other").await.unwrap();
    let ana = node.customer(1, "Hola").await;
    let turn = bot.turn().await;
    assert!(matches!(
        foreign.message().await.unwrap().unwrap().message,
        Some(pb::converse_response::Message::Welcome(_))
    ));
    let waited = tokio::time::timeout(Duration::from_millis(600), foreign.message()).await;
    assert!(waited.is_err(), "another tenant's bot is told nothing: {waited:?}");
    let call = unary(&node, act(&turn, reply("Soy otro", false)), "bot@other").await.unwrap_err();
    assert_eq!(code(&call), "CONVERSATION_NOT_FOUND");
    let unknown = pb::ActRequest { conversation_id: talk(77).to_string(), ..act(&turn, reply("¿Hola?", false)) };
    assert_eq!(bot.refused(unknown).await.code, "CONVERSATION_NOT_FOUND");
    for (crooked, why) in [
        (pb::ActRequest { conversation_id: "cnv_x".to_owned(), ..act(&turn, reply("x", false)) }, "id"),
        (pb::ActRequest { command_id: String::new(), ..act(&turn, reply("x", false)) }, "command id"),
        (pb::ActRequest { turn: 0, ..act(&turn, reply("x", false)) }, "turn"),
        (pb::ActRequest { action: None, ..act(&turn, reply("x", false)) }, "action"),
        (act(&turn, Action::Reply(pb::Reply::default())), "message"),
    ] {
        assert_eq!(bot.refused(crooked).await.code, "INVALID_ARGUMENT", "{why}");
    }
    assert_eq!(node.said(ana).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_node_waits_until_it_knows_what_the_bot_has_handled() {
    let server = NatsServer::start().await;
    let (here, there) = (Node::new(&server).await, Node::new(&server).await);
    let mut bot = Bot::connect(here.client().await, hello()).await;
    here.customer(1, "Hola").await;
    let turn = bot.turn().await;
    let done = bot.does(act(&turn, reply("Buenas", false))).await;
    drop(bot);
    let resumed = pb::Hello { resume_position: done.position.clone(), ..hello() };
    let mut again = Bot::connect(there.client().await, resumed).await;
    let sequence = |position: &str| position.parse::<relevo_domain::Position>().unwrap().sequence();
    assert!(sequence(&again.welcome.position) >= sequence(&done.position));
    again.nothing(Duration::from_millis(600)).await;
}

#[tokio::test]
async fn a_bot_that_floods_is_held_up_and_what_is_too_large_is_refused() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let mut bot = Bot::connect(node.client().await, hello()).await;
    let ana = node.customer(1, "Hola").await;
    let turn = bot.turn().await;
    for _ in 0..60 {
        bot.say(act(&turn, reply("spam", true))).await;
    }
    let mut codes = Vec::new();
    for _ in 0..60 {
        let pb::converse_response::Message::Result(result) = bot.next().await else { panic!("no result") };
        codes.extend(result.refusal.map(|refusal| (refusal.code, refusal.retryable)));
    }
    assert!(codes.contains(&("LIMIT_REACHED".to_owned(), true)), "{codes:?}");
    assert!(node.said(ana).await.len() < 60);
    let huge = act(&turn, Action::Reply(pb::Reply { message: Some(text(&"x".repeat(10 << 20))), more: false }));
    let refused = unary(&node, huge.clone(), "bot@demo").await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused:?}");
    bot.say(huge).await;
    assert_eq!(bot.end().await.map(|status| status.code()), Some(Code::OutOfRange));
    let mut other = Bot::connect(node.client().await, hello()).await;
    assert_eq!(other.turn().await.attempt, 2, "the turn is not lost");
}

#[tokio::test]
async fn a_bot_has_so_many_streams_on_a_node() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let mut bots = Vec::new();
    for _ in 0..32 {
        bots.push(Bot::connect(node.client().await, hello()).await);
    }
    assert_eq!(refused(&node, Says::Hello(hello()), "bot@demo").await, "LIMIT_REACHED");
    bots.pop();
    relevo_testkit::eventually("a seat is free", async || {
        let opened = open(node.client().await, Says::Hello(hello()), "bot@demo").await;
        opened.is_ok().then_some(())
    })
    .await;
}
