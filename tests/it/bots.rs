//! Bots through the real binary: rules of the configuration, and a stream with an API key; what reaches the provider, and what a pause
//! keeps from it.

use std::time::Duration;

use relevo_proto::bot::v1 as bot;
use relevo_proto::bot::v1::bot_service_client::BotServiceClient;
use relevo_testkit::{eventually, eventually_within};
use relevo_tests::client::{Client, fresh_id};
use relevo_tests::delivery::desk::text;
use relevo_tests::delivery::rig::{META, key, now};
use relevo_tests::delivery::{Rig, Wanted};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Streaming};

use bot::act_request::Action;
use bot::converse_request::Message as Says;
use bot::converse_response::Message as Told;

const RULES: &str = r#"
fallback: { goto: unknown }
rules:
  - name: hours
    keywords: [horario, horarios]
    text: "Abrimos de 9 a 18."
  - name: person
    keywords: [persona]
    goto: person
steps:
  unknown: { text: "No le entendí." }
  person: { text: "Le paso con una persona.", handoff: "Pide una persona." }
"#;

#[tokio::test]
async fn a_bot_of_rules_answers_hands_over_with_its_last_words_and_is_silent_while_it_is_paused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bot.yaml");
    std::fs::write(&file, RULES).unwrap();
    let bots = format!("\n[[tenants.bots]]\nid = \"reglas\"\nrules = {:?}\n", file.display().to_string());
    let rig = Rig::start(Wanted { bots, ..Wanted::default() }).await;
    let who = rig.new_number();
    rig.writes(META, &who, "¿Qué horarios tienen?", now()).await;
    eventually("the bot answers", async || (rig.meta.received(&who) == 1).then_some(())).await;
    rig.writes(META, &who, "Una persona, por favor", now()).await;
    eventually_within("its last words arrive", Duration::from_secs(30), async || {
        (rig.meta.received(&who) == 2).then_some(())
    })
    .await;
    let conversation = rig.desk().conversation_of(META, &who).await.unwrap();
    let laura = Client::new(&rig.broker.grpc, &key("laura"));
    eventually("it has handed over", async || {
        let rows = laura.conversations().await;
        let row = rows.into_iter().find(|row| row.conversation_id == conversation)?;
        row.pause.filter(|pause| pause.reason() == relevo_proto::query::v1::PauseReason::BotHandoff).map(|_| ())
    })
    .await;
    rig.writes(META, &who, "¿Qué horarios tienen?", now()).await;
    // Somebody who writes after that is answered before.
    let other = rig.new_number();
    rig.writes(META, &other, "¿Horario?", now()).await;
    eventually("others are answered", async || (rig.meta.received(&other) == 1).then_some(())).await;
    assert_eq!(rig.meta.received(&who), 2);
    assert_eq!(rig.doubles(), Vec::<String>::new());
}

/// A bot's stream, as a program with an API key has it.
struct Bot {
    says: mpsc::Sender<bot::ConverseRequest>,
    told: Streaming<bot::ConverseResponse>,
}

impl Bot {
    async fn connect(client: &Client) -> Self {
        let (says, receiver) = mpsc::channel(8);
        let hello = Says::Hello(bot::Hello::default());
        says.send(bot::ConverseRequest { message: Some(hello) }).await.unwrap();
        let authorised = client.request(());
        let mut request = Request::new(ReceiverStream::new(receiver));
        *request.metadata_mut() = authorised.metadata().clone();
        let told = BotServiceClient::new(client.channel()).converse(request).await.unwrap().into_inner();
        let mut bot = Self { says, told };
        assert!(matches!(bot.next().await, Told::Welcome(welcome) if welcome.bot == "asistente"));
        bot
    }

    async fn next(&mut self) -> Told {
        let next = timeout(Duration::from_secs(20), self.told.message());
        next.await.unwrap().unwrap().unwrap().message.unwrap()
    }

    async fn turn(&mut self) -> bot::Turn {
        match self.next().await {
            Told::Turn(turn) => turn,
            other => panic!("no turn: {other:?}"),
        }
    }

    async fn does(&mut self, turn: &bot::Turn, action: Action) -> bot::ActResponse {
        let act = bot::ActRequest {
            command_id: fresh_id(),
            conversation_id: turn.conversation_id.clone(),
            turn: turn.turn,
            action: Some(action),
        };
        self.says.send(bot::ConverseRequest { message: Some(Says::Act(act)) }).await.unwrap();
        match self.next().await {
            Told::Result(result) => result,
            other => panic!("no result: {other:?}"),
        }
    }
}

fn reply(words: &str) -> Action {
    Action::Reply(bot::Reply { message: Some(text(words)), more: false })
}

#[tokio::test]
async fn a_bot_on_a_stream_answers_and_what_it_says_after_a_pause_never_reaches_the_provider() {
    let rig = Rig::start(Wanted::default()).await;
    let client = Client::new(&rig.broker.grpc, &key("asistente"));
    let mut bot = Bot::connect(&client).await;
    let who = rig.new_number();
    rig.writes(META, &who, "Hola", now()).await;
    let turn = bot.turn().await;
    assert_eq!((turn.channel_id.as_str(), turn.messages[0].text.as_str()), (META, "Hola"));
    assert!(turn.contact_name.starts_with("Cliente"), "the name is told");
    assert_eq!(bot.does(&turn, reply("Buenas")).await.refusal, None);
    eventually("the answer arrives", async || (rig.meta.received(&who) == 1).then_some(())).await;

    rig.writes(META, &who, "Quiero cambiar el turno", now()).await;
    let turn = bot.turn().await;
    let laura = Client::new(&rig.broker.grpc, &key("laura"));
    laura.pause(&turn.conversation_id, "la atiendo yo").await.unwrap();
    let Told::Over(over) = bot.next().await else { panic!("not over") };
    assert_eq!((over.cause(), over.paused.unwrap().by), (bot::TurnOverCause::Paused, "staff:laura".to_owned()));
    let refusal = bot.does(&turn, reply("Calma")).await.refusal.unwrap();
    assert_eq!((refusal.code.as_str(), refusal.paused.unwrap().by.as_str()), ("BOT_PAUSED", "staff:laura"));
    // Somebody who writes after that is answered, and nothing came before.
    let other = rig.new_number();
    rig.writes(META, &other, "Hola", now()).await;
    let turn = bot.turn().await;
    assert_eq!(bot.does(&turn, reply("Buenas")).await.refusal, None);
    eventually("others are answered", async || (rig.meta.received(&other) == 1).then_some(())).await;
    assert_eq!(rig.meta.received(&who), 1);

    let call = BotServiceClient::new(laura.channel()).act(laura.request(bot::ActRequest::default())).await;
    assert_eq!(call.unwrap_err().code(), tonic::Code::PermissionDenied, "staff is no bot");
}
