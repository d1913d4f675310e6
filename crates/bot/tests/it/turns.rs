//! Turns over real streams: who is given what, what ends it, and what a bot that comes late is told.

use std::collections::BTreeMap;
use std::time::Duration;

use relevo_bot::Options;
use relevo_domain::conversation::CatchUp;
use relevo_proto::bot::v1 as pb;
use relevo_proto::bot::v1::act_request::Action;
use relevo_proto::bot::v1::converse_response::Message as Told;
use relevo_testkit::{NatsServer, eventually};

use crate::stream::{Bot, act, code, hello, reply};
use crate::world::{Node, pause, resume, talk};

/// Long enough for a turn that should not come.
const A_WHILE: Duration = Duration::from_millis(600);

fn texts(said: &[pb::Said]) -> Vec<&str> {
    said.iter().map(|said| said.text.as_str()).collect()
}

#[tokio::test]
async fn a_bot_is_given_what_a_customer_writes_and_its_answer_ends_the_turn() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let mut bot = Bot::connect(node.client().await, hello()).await;
    assert_eq!(bot.welcome.bot, "helper");
    let ana = node.customer(1, "Hola").await;
    let turn = bot.turn().await;
    assert_eq!((turn.conversation_id.as_str(), turn.attempt, turn.expects_answer), (ana.to_string().as_str(), 1, true));
    assert_eq!((turn.channel_id.as_str(), turn.medium.as_str()), ("wa", "whatsapp"));
    assert_eq!((texts(&turn.messages), turn.messages[0].who()), (vec!["Hola"], pb::Who::Customer));
    assert!(turn.history.is_empty() && !turn.more && !turn.messages[0].context);
    let first = bot.does(act(&turn, reply("Buenas", true))).await;
    assert!(first.turn_goes_on && first.refusal.is_none() && first.message_id.starts_with("msg_"), "{first:?}");
    let second = bot.does(act(&turn, reply("¿Qué busca?", false))).await;
    assert!(!second.turn_goes_on && second.refusal.is_none(), "{second:?}");
    assert_eq!(node.said(ana).await, ["Buenas", "¿Qué busca?"]);
    node.customer(1, "Un martillo").await;
    let turn = bot.turn().await;
    assert_eq!(texts(&turn.messages), ["Un martillo"]);
    assert_eq!(texts(&turn.history), ["Hola", "Buenas", "¿Qué busca?"]);
    assert_eq!(
        turn.history.iter().map(pb::Said::who).collect::<Vec<_>>(),
        [pb::Who::Customer, pb::Who::Bot, pb::Who::Bot]
    );
}

#[tokio::test]
async fn a_pause_ends_the_turn_and_nothing_that_the_bot_says_after_it_is_written() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let mut bot = Bot::connect(node.client().await, hello()).await;
    let ana = node.customer(1, "Quiero quejarme").await;
    let turn = bot.turn().await;
    node.staff(ana, pause()).await;
    let over = bot.over().await;
    assert_eq!((over.cause(), over.turn), (pb::TurnOverCause::Paused, turn.turn));
    let paused = over.paused.unwrap();
    assert_eq!((paused.reason.as_str(), paused.by.as_str()), ("complaint", "staff:laura"));
    for action in
        [reply("Calma", false), reply("Calma", true), Action::Done(pb::Done {}), Action::Failed(pb::Failed {})]
    {
        let refusal = bot.refused(act(&turn, action)).await;
        assert_eq!((refusal.code.as_str(), refusal.retryable), ("BOT_PAUSED", false));
        let by = refusal.paused.unwrap();
        assert_eq!((by.reason.as_str(), by.by.as_str(), by.since), ("complaint", "staff:laura", paused.since));
        assert!(!refusal.message.is_empty());
    }
    node.customer(1, "¿Hola?").await;
    bot.nothing(A_WHILE).await;
    assert_eq!(node.said(ana).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_written_during_a_pause_comes_as_context_when_the_bot_may_speak_again() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let mut bot = Bot::connect(node.client().await, hello()).await;
    for (number, catch_up) in [(1, CatchUp::Know), (2, CatchUp::Answer)] {
        let ana = node.customer(number, "Hola").await;
        let turn = bot.turn().await;
        bot.does(act(&turn, reply("Buenas", false))).await;
        node.staff(ana, pause()).await;
        node.customer(number, "Quiero una persona").await;
        node.customer(number, "¿Hay alguien?").await;
        bot.nothing(A_WHILE).await;
        node.staff(ana, resume(catch_up)).await;
        let turn = bot.turn().await;
        assert_eq!(texts(&turn.messages), ["Quiero una persona", "¿Hay alguien?"]);
        assert!(turn.messages.iter().all(|said| said.context), "{catch_up:?}");
        assert_eq!(turn.expects_answer, catch_up == CatchUp::Answer);
        bot.does(act(&turn, Action::Done(pb::Done {}))).await;
        node.customer(number, "¿Y el precio?").await;
        let turn = bot.turn().await;
        assert_eq!((texts(&turn.messages), turn.messages[0].context), (vec!["¿Y el precio?"], false));
        bot.does(act(&turn, Action::Done(pb::Done {}))).await;
    }
}

#[tokio::test]
async fn a_person_who_answers_ends_the_turn() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let mut bot = Bot::connect(node.client().await, hello()).await;
    let ana = node.customer(1, "Hola").await;
    let turn = bot.turn().await;
    let resolve = relevo_domain::conversation::Command::Resolve { reason: None, note: None };
    node.staff(ana, resolve).await;
    assert_eq!(bot.over().await.cause(), pb::TurnOverCause::Staff);
    assert_eq!(bot.refused(act(&turn, reply("¿Sigue ahí?", false))).await.code, "TURN_ENDED");
    assert_eq!(node.said(ana).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_bot_that_hands_over_is_paused_after_its_last_words() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let mut bot = Bot::connect(node.client().await, hello()).await;
    let ana = node.customer(1, "Una persona, por favor").await;
    let turn = bot.turn().await;
    let last = bot.does(act(&turn, reply("Le paso con una persona.", true))).await;
    let note = "pide una persona".to_owned();
    bot.say(act(&turn, Action::Handoff(pb::Handoff { note }))).await;
    // Nobody has claimed its last words yet: its own pause would take them back.
    bot.nothing(A_WHILE).await;
    assert_eq!(node.count(ana, "BotPaused").await, 0);
    node.claim(ana, last.message_id.parse().unwrap()).await;
    let Told::Result(result) = bot.next().await else { panic!("no result") };
    assert!(result.refusal.is_none() && !result.turn_goes_on, "{result:?}");
    assert_eq!(node.count(ana, "SendCancelled").await, 0);
    assert_eq!((node.count(ana, "BotPaused").await, node.count(ana, "BotTurnStarted").await), (1, 1));
    assert_eq!(bot.refused(act(&turn, reply("Adiós", false))).await.code, "BOT_PAUSED");
}

#[tokio::test]
async fn the_same_action_twice_is_done_once_and_another_one_after_the_end_is_refused() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let mut bot = Bot::connect(node.client().await, hello()).await;
    let ana = node.customer(1, "Hola").await;
    let turn = bot.turn().await;
    let answer = act(&turn, reply("Buenas", false));
    let first = bot.does(answer.clone()).await;
    let again = bot.does(answer.clone()).await;
    assert_eq!((again.refusal, again.position, again.message_id), (None, first.position, first.message_id));
    let refusal = bot.refused(act(&turn, reply("Buenas", false))).await;
    assert_eq!((refusal.code.as_str(), refusal.retryable), ("TURN_ENDED", false));
    let other = pb::ActRequest { command_id: answer.command_id, ..act(&turn, reply("Otra cosa", false)) };
    assert_eq!(bot.refused(other).await.code, "COMMAND_ID_REUSED");
    assert_eq!(node.said(ana).await, ["Buenas"]);
}

#[tokio::test]
async fn what_a_bot_cannot_do_is_given_again_after_a_while() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let mut bot = Bot::connect(node.client().await, hello()).await;
    node.customer(1, "Hola").await;
    let turn = bot.turn().await;
    bot.does(act(&turn, Action::Failed(pb::Failed {}))).await;
    bot.nothing(A_WHILE).await;
    let again = bot.turn().await;
    assert_eq!((again.attempt, texts(&again.messages)), (2, vec!["Hola"]));
    assert!(again.turn > turn.turn);
}

#[tokio::test]
async fn the_turns_of_a_stream_that_ends_are_given_again_and_answered_once() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let mut first = Bot::connect(node.client().await, hello()).await;
    let ana = node.customer(1, "Hola").await;
    let lost = first.turn().await;
    drop(first);
    let mut second = Bot::connect(node.client().await, hello()).await;
    let turn = second.turn().await;
    assert_eq!((turn.attempt, turn.conversation_id.clone()), (2, ana.to_string()));
    assert_eq!(second.refused(act(&lost, reply("Tarde", false))).await.code, "TURN_ENDED");
    second.does(act(&turn, reply("Buenas", false))).await;
    assert_eq!(node.said(ana).await, ["Buenas"]);
}

#[tokio::test]
async fn a_turn_whose_time_is_over_is_given_again() {
    let server = NatsServer::start().await;
    let options = Options { turn: Duration::from_secs(1), ..Options::default() };
    let node = Node::with(&server, options).await;
    let mut bot = Bot::connect(node.client().await, hello()).await;
    let ana = node.customer(1, "Hola").await;
    let slow = bot.turn().await;
    let over = bot.over().await;
    assert_eq!((over.cause(), over.turn), (pb::TurnOverCause::Time, slow.turn));
    let turn = bot.turn().await;
    assert_eq!(turn.attempt, 2);
    assert_eq!(bot.refused(act(&slow, reply("Tarde", false))).await.code, "TURN_ENDED");
    bot.does(act(&turn, reply("Buenas", false))).await;
    assert_eq!(node.said(ana).await, ["Buenas"]);
}

#[tokio::test]
async fn a_bot_works_on_no_more_turns_than_it_asks_for() {
    let server = NatsServer::start().await;
    let node = Node::new(&server).await;
    let mut bot = Bot::connect(node.client().await, pb::Hello { max_turns: 2, ..hello() }).await;
    for number in 1..=3 {
        node.customer(number, "Hola").await;
    }
    let first = bot.turn().await;
    let _second = bot.turn().await;
    bot.nothing(A_WHILE).await;
    bot.does(act(&first, Action::Done(pb::Done {}))).await;
    assert_eq!(bot.turn().await.attempt, 1);
}

#[tokio::test]
async fn two_nodes_share_two_hundred_conversations_and_each_is_answered_once() {
    const TALKS: u32 = 200;
    let server = NatsServer::start().await;
    let (here, there) = (Node::new(&server).await, Node::new(&server).await);
    for number in 0..TALKS {
        here.customer(number, "Hola").await;
    }
    let mut workers = Vec::new();
    for node in [&here, &there] {
        let mut bot = Bot::connect(node.client().await, hello()).await;
        workers.push(tokio::spawn(async move {
            let mut given: Vec<String> = Vec::new();
            loop {
                match tokio::time::timeout(Duration::from_secs(3), bot.next()).await {
                    Ok(Told::Turn(turn)) => {
                        bot.say(act(&turn, reply("Buenas", false))).await;
                        given.push(turn.conversation_id);
                    }
                    Ok(Told::Result(result)) => assert_eq!(result.refusal, None),
                    Ok(other) => panic!("{other:?}"),
                    Err(_quiet) => return given,
                }
            }
        }));
    }
    let mut given: BTreeMap<String, usize> = BTreeMap::new();
    let mut shares = Vec::new();
    for worker in workers {
        let of = worker.await.unwrap();
        shares.push(of.len());
        for conversation in of {
            *given.entry(conversation).or_default() += 1;
        }
    }
    assert_eq!(given.len(), TALKS as usize);
    assert!(given.values().all(|times| *times == 1), "{given:?}");
    assert!(shares.iter().all(|share| *share >= 20), "both work: {shares:?}");
    for number in 0..TALKS {
        assert_eq!(here.said(talk(number)).await.len(), 1, "{number}");
    }
}

#[tokio::test]
async fn a_bot_that_never_reads_is_ended_and_loses_no_turn() {
    let server = NatsServer::start().await;
    let options = Options { read_within: Duration::from_secs(2), ..Options::default() };
    let node = Node::with(&server, options).await;
    // More than the connection and what waits before it take.
    let long = "ñ".repeat(8_000);
    let deaf = Bot::connect(node.narrow(65_535).await, pb::Hello { max_turns: 64, ..hello() }).await;
    for number in 0..48 {
        node.customer(number, &long).await;
    }
    eventually("turns are given back", async || {
        let mut back = 0;
        for number in 0..48 {
            back += node.count(talk(number), "BotTurnEnded").await;
        }
        (back > 0).then_some(())
    })
    .await;
    let mut bot = Bot::connect(node.client().await, pb::Hello { max_turns: 64, ..hello() }).await;
    let mut told = std::collections::BTreeSet::new();
    while told.len() < 48 {
        if let Told::Turn(turn) = bot.next().await {
            told.insert(turn.conversation_id.clone());
            bot.say(act(&turn, Action::Done(pb::Done {}))).await;
        }
    }
    drop(deaf);
}

#[tokio::test]
async fn a_node_that_stops_says_so_and_gives_its_turns_back() {
    let server = NatsServer::start().await;
    let (here, there) = (Node::new(&server).await, Node::new(&server).await);
    let mut bot = Bot::connect(here.client().await, hello()).await;
    let ana = here.customer(1, "Hola").await;
    bot.turn().await;
    here.ending.cancel();
    assert_eq!(bot.end().await.map(|status| code(&status)), Some("LOG_UNAVAILABLE".to_owned()));
    here.bots.finished().await;
    assert_eq!(here.count(ana, "BotTurnEnded").await, 1);
    let mut other = Bot::connect(there.client().await, hello()).await;
    assert_eq!(other.turn().await.attempt, 2);
}
