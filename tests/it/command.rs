//! Commands through the real door: what they answer, what they refuse, and who wins a race.

use relevo_proto::Problem;
use relevo_proto::command::v1 as command;
use relevo_proto::query::v1 as query;
use relevo_proto::query::v1::pause_service_client::PauseServiceClient;
use relevo_tests::client::fresh_id;
use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, Client};
use tonic::Status;

async fn conversation(broker: &Broker) -> String {
    post_meta(&broker.http, meta_text("5491155550101", "María García", "wamid.1", "Hola")).await;
    let admin = broker.client("admin");
    admin.settled(1).await;
    admin.conversations().await.remove(0).conversation_id
}

fn code(status: &Status) -> &'static str {
    Problem::from_status(status).map_or("not ours", |problem| problem.code.as_str())
}

async fn paused_list(client: &Client, min_position: String) -> query::ListPausedResponse {
    let request = query::ListPausedRequest { min_position, ..Default::default() };
    PauseServiceClient::new(client.channel()).list_paused(client.request(request)).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_pause_says_who_why_and_since_when() {
    let broker = Broker::start().await;
    let id = conversation(&broker).await;
    let laura = broker.client("agent");
    let paused = laura.pause(&id, "está enojada").await.unwrap();
    assert!(!paused.already_so);
    let list = paused_list(&laura, paused.position.clone()).await;
    let row = format!("{:?}", list.paused);
    assert!(row.contains("está enojada") && row.contains("Laura"), "{row}");
    let again = laura.pause(&id, "otra vez").await.unwrap();
    assert!(again.already_so);
    assert_eq!(again.version, paused.version);
}

#[tokio::test]
async fn a_repeated_command_answers_its_position_and_writes_nothing() {
    let broker = Broker::start().await;
    let conversation_id = conversation(&broker).await;
    let laura = broker.client("agent");
    let text = "llamar mañana".to_owned();
    let note = command::AddNoteRequest { command_id: fresh_id(), conversation_id, text, ..Default::default() };
    let first = laura.commands().add_note(laura.request(note.clone())).await.unwrap().into_inner();
    let second = laura.commands().add_note(laura.request(note.clone())).await.unwrap().into_inner();
    assert_eq!((&first.position, first.version), (&second.position, second.version));
    let (command_id, conversation_id) = (note.command_id, note.conversation_id);
    let other = command::ReopenRequest { command_id, conversation_id, ..Default::default() };
    let refused = laura.commands().reopen(laura.request(other)).await.unwrap_err();
    assert_eq!(code(&refused), "COMMAND_ID_REUSED");
}

#[tokio::test]
async fn a_command_id_does_not_lend_its_answer_to_somebody_else() {
    let broker = Broker::start().await;
    let conversation_id = conversation(&broker).await;
    let claim = || command::ClaimRequest {
        command_id: "claim-1".to_owned(),
        conversation_id: conversation_id.clone(),
        ..Default::default()
    };
    let laura = broker.client("agent");
    laura.commands().claim(laura.request(claim())).await.unwrap();
    laura.commands().claim(laura.request(claim())).await.unwrap();
    for who in ["agent-2", "analyst", "bot", "supervisor"] {
        let other = broker.client(who);
        let refused = other.commands().claim(other.request(claim())).await.unwrap_err();
        assert_eq!(code(&refused), "COMMAND_ID_REUSED", "{who}");
    }
}

#[tokio::test]
async fn two_claims_race_100_times_and_exactly_one_wins_each() {
    let broker = Broker::start().await;
    for n in 0..100 {
        let text = meta_text(&format!("54911555600{n:02}"), &format!("Cliente {n}"), &format!("wamid.{n}"), "Hola");
        post_meta(&broker.http, text).await;
    }
    broker.client("admin").settled(100).await;
    let rows = broker.client("admin").conversations().await;
    assert_eq!(rows.len(), 100);
    let (laura, martin) = (broker.client("agent"), broker.client("agent-2"));
    for row in &rows {
        let (a, b) = tokio::join!(laura.claim(&row.conversation_id), martin.claim(&row.conversation_id));
        let lost = match (a, b) {
            (Ok(_), Err(lost)) | (Err(lost), Ok(_)) => lost,
            (a, b) => panic!("not exactly one: {a:?} {b:?}"),
        };
        let problem = Problem::from_status(&lost).unwrap();
        assert_eq!(problem.code.as_str(), "ALREADY_ASSIGNED");
        assert!(matches!(problem.subject("agent_name"), Some("Laura" | "Martín")), "{problem:?}");
    }
}

#[tokio::test]
async fn roles_decide_who_may() {
    let broker = Broker::start().await;
    let id = conversation(&broker).await;
    for who in ["bot", "analyst", "ops"] {
        let refused = broker.client(who).pause(&id, "").await.unwrap_err();
        assert_eq!(code(&refused), "FORBIDDEN", "{who}");
    }
    for who in ["agent", "supervisor", "admin"] {
        assert!(broker.client(who).pause(&id, "").await.is_ok(), "{who}");
    }
    let nobody = Client::new(&broker.grpc, "no-such-key").pause(&id, "").await.unwrap_err();
    assert_eq!(code(&nobody), "UNAUTHENTICATED");
}

#[tokio::test]
async fn assigning_to_nobody_or_to_a_stranger_is_refused() {
    let broker = Broker::start().await;
    let conversation_id = conversation(&broker).await;
    let admin = broker.client("admin");
    let assign = |agent: &str| command::AssignRequest {
        command_id: fresh_id(),
        conversation_id: conversation_id.clone(),
        agent_id: agent.to_owned(),
        team_id: String::new(),
        expected_version: None,
    };
    let nobody = admin.commands().assign(admin.request(assign(""))).await.unwrap_err();
    assert_eq!(code(&nobody), "INVALID_ARGUMENT");
    let stranger = admin.commands().assign(admin.request(assign("nadie"))).await.unwrap_err();
    assert_eq!(code(&stranger), "ASSIGNEE_NOT_FOUND");
    let laura = admin.commands().assign(admin.request(assign("laura"))).await.unwrap().into_inner();
    assert_eq!(laura.conversation.unwrap().assignee.unwrap().agent_name, "Laura");
}

#[tokio::test]
async fn the_command_line_shows_who_paused_whom_and_why() {
    let broker = Broker::start().await;
    let id = conversation(&broker).await;
    let cli = |args: &[&str]| relevo_tests::broker::cli(&broker, "agent", args);
    let (code, out, err) = cli(&["conversation", "pause", &id, "--reason", "complaint", "--note", "está enojada"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let position = out.split_whitespace().find(|word| word.starts_with("p1-")).unwrap();
    let (code, out, err) = cli(&["pause", "list", "--min-position", position]);
    assert_eq!((code, err.as_str()), (0, ""));
    for word in [id.as_str(), "María García", "queja", "Laura", "está enojada"] {
        assert!(out.contains(word), "{word} is missing:\n{out}");
    }
}
