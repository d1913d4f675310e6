//! Bots inside of the broker: rules that really answer, and takers that fail, refuse or leave a turn open.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use relevo_bot::rules::{Rules, RulesBot};
use relevo_bot::{TakeError, TakeErrorKind, Taker};
use relevo_proto::bot::v1 as pb;
use relevo_testkit::{NatsServer, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::stream::{act, reply};
use crate::world::{Node, bot, pause};

const RULES: &str = r#"
fallback: { goto: unknown }
rules:
  - name: hours
    keywords: [horario, horarios]
    text: "Abrimos de 9 a 18."
steps:
  unknown:
    text: "No le entendí."
"#;

fn works(node: &Node, taker: Arc<dyn Taker>) -> (JoinHandle<()>, CancellationToken) {
    let (bots, token) = (node.bots.clone(), CancellationToken::new());
    let ends = token.clone();
    (tokio::spawn(async move { bots.take(bot(), "es", taker, ends).await }), token)
}

#[tokio::test]
async fn the_rules_bot_answers_and_is_silent_while_it_is_paused() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let rules = Rules::parse(RULES).map_err(|error| error.to_string()).unwrap();
    let (task, token) = works(&node, Arc::new(RulesBot::new(rules)));
    let ana = node.customer(1, "¿Qué horario tienen?").await;
    eventually("it answers", async || (node.said(ana).await == ["Abrimos de 9 a 18."]).then_some(())).await;
    node.customer(1, "bla").await;
    eventually("it falls back", async || (node.said(ana).await.len() == 2).then_some(())).await;
    assert_eq!(node.said(ana).await[1], "No le entendí.");
    node.staff(ana, pause()).await;
    node.customer(1, "¿Qué horario tienen?").await;
    let bea = node.customer(2, "horarios").await;
    eventually("it answers others", async || (node.said(bea).await.len() == 1).then_some(())).await;
    assert_eq!(node.said(ana).await.len(), 2, "and is silent here");
    token.cancel();
    task.await.unwrap();
}

/// Fails the first so many times.
struct Flaky(AtomicUsize, usize);

#[async_trait]
impl Taker for Flaky {
    async fn take(&self, turn: &pb::Turn) -> Result<Vec<pb::ActRequest>, TakeError> {
        if self.0.fetch_add(1, Ordering::SeqCst) < self.1 {
            return Err(TakeError::new(TakeErrorKind::TimedOut));
        }
        Ok(vec![act(turn, reply("Uno", true)), act(turn, reply("Dos", true))])
    }
}

#[tokio::test]
async fn a_taker_that_fails_is_asked_again_and_a_turn_that_nothing_ends_ends_with_the_last_action() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let (task, token) = works(&node, Arc::new(Flaky(AtomicUsize::new(0), 1)));
    let ana = node.customer(1, "Hola").await;
    eventually("it answers", async || (node.said(ana).await == ["Uno", "Dos"]).then_some(())).await;
    eventually("the turn ends", async || (node.count(ana, "BotTurnEnded").await == 2).then_some(())).await;
    assert_eq!(node.count(ana, "BotTurnStarted").await, 2);
    token.cancel();
    task.await.unwrap();
}

/// Answers later, by other means.
struct Later;

#[async_trait]
impl Taker for Later {
    async fn take(&self, _turn: &pb::Turn) -> Result<Vec<pb::ActRequest>, TakeError> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn a_turn_without_an_action_stays_open_for_a_later_one() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let (task, token) = works(&node, Arc::new(Later));
    let ana = node.customer(1, "Hola").await;
    eventually("it is given", async || (node.count(ana, "BotTurnStarted").await == 1).then_some(())).await;
    let events = node.events(ana).await;
    let number = events.iter().position(|event| event.name() == "BotTurnStarted").unwrap() as u64 + 1;
    let turn = pb::Turn { conversation_id: ana.to_string(), turn: number, ..pb::Turn::default() };
    let done = node.bots.act(&bot(), "es", act(&turn, reply("Buenas", false))).await.unwrap();
    assert!(!done.turn_goes_on);
    assert_eq!(node.said(ana).await, ["Buenas"]);
    token.cancel();
    task.await.unwrap();
}

/// Says that it writes, and then these words.
struct Says(String);

#[async_trait]
impl Taker for Says {
    async fn take(&self, turn: &pb::Turn) -> Result<Vec<pb::ActRequest>, TakeError> {
        let typing = pb::act_request::Action::Typing(pb::Typing {});
        Ok(vec![act(turn, typing), act(turn, reply(&self.0, false))])
    }
}

#[tokio::test]
async fn a_channel_that_shows_no_typing_does_not_keep_the_answer_back() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let (task, token) = works(&node, Arc::new(Says("Buenas".to_owned())));
    let ana = node.customer(1, "Hola").await;
    eventually("it answers", async || (node.said(ana).await == ["Buenas"]).then_some(())).await;
    assert_eq!(node.count(ana, "BotSignalled").await, 0, "this node has nobody to tell that somebody writes");
    token.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn what_is_refused_for_good_is_given_to_people_at_once() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let (task, token) = works(&node, Arc::new(Says(String::new())));
    let ana = node.customer(1, "Hola").await;
    eventually("people are asked", async || (node.count(ana, "BotPaused").await == 1).then_some(())).await;
    assert_eq!(node.count(ana, "BotTurnStarted").await, 1, "an empty text is as empty the second time");
    token.cancel();
    task.await.unwrap();
}
