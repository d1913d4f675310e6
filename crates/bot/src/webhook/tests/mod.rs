//! Webhooks against a web server of the test: good ones, broken ones and hostile ones.

mod failures;
mod web;

use std::sync::Arc;
use std::time::Duration;

use relevo_domain::Timestamp;
use relevo_proto::bot::v1 as pb;
use relevo_proto::bot::v1::act_request::Action;
use relevo_proto::command::v1::outgoing_message::Body;
use relevo_providers::{HookAddressError, Hooks, Secret};

use super::{WebhookBot, WebhookSettings, WebhookSettingsError};
use crate::taker::{Malformed, TakeErrorKind, Taker};
use web::{Behaviour, Web};

const SECRET: &str = "a-secret-of-the-test";
/// No test waits for it unless something is broken.
const LONG: Duration = Duration::from_secs(30);

fn clock() -> Timestamp {
    Timestamp::from_millis(1_795_278_000_500)
}

fn settings(web: &Web) -> WebhookSettings {
    let mut settings = WebhookSettings::new("helper", web.url("/turn"), vec![Secret::new(SECRET)]);
    settings.with_loopback = true;
    settings.timeout = LONG;
    settings
}

fn bot(settings: WebhookSettings) -> WebhookBot {
    WebhookBot::new(settings, Hooks::new().unwrap(), clock).unwrap()
}

fn turn() -> pb::Turn {
    let said = |text: &str| pb::Said {
        message_id: "msg_1".to_owned(),
        who: pb::Who::Customer.into(),
        kind: "text".to_owned(),
        text: text.to_owned(),
        ..pb::Said::default()
    };
    pb::Turn {
        conversation_id: "cnv_1".to_owned(),
        turn: 3,
        attempt: 2,
        expects_answer: true,
        contact_name: "Ana Paz".to_owned(),
        messages: vec![said("¿Hay turno?")],
        ..pb::Turn::default()
    }
}

async fn answered(json: &str) -> Result<Vec<pb::ActRequest>, TakeErrorKind> {
    let web = Web::start(Behaviour::json(json)).await;
    bot(settings(&web)).take(&turn()).await.map_err(|error| error.kind)
}

async fn malformed(json: &str) -> Malformed {
    match answered(json).await {
        Err(TakeErrorKind::Malformed(how)) => how,
        other => panic!("{json}: {other:?}"),
    }
}

#[tokio::test]
async fn a_turn_is_a_signed_post_of_json() {
    let web = Web::start(Behaviour::json("{}")).await;
    let mut two = settings(&web);
    two.secrets.push(Secret::new("the-secret-that-comes-next"));
    assert_eq!(bot(two).take(&turn()).await, Ok(vec![]));

    let request = web.requests().remove(0);
    assert!(request.head.starts_with("POST /turn HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("relevo-bot"), "helper");
    assert_eq!(request.header("relevo-turn"), "cnv_1/3");
    assert_eq!(request.header("relevo-attempt"), "2");
    let signature = request.header("relevo-signature");
    assert_eq!(
        signature,
        super::sign::sign(
            &[Secret::new(SECRET), Secret::new("the-secret-that-comes-next")],
            clock(),
            request.body.as_bytes(),
        )
    );
    assert!(signature.starts_with("t=1795278000,v1=") && signature.matches("v1=").count() == 2, "{signature}");
    assert!(request.body.starts_with(r#"{"bot":"helper","turn":{"position":"","conversation_id":"cnv_1","turn":"3""#));
    assert!(request.body.contains(r#""text":"¿Hay turno?""#));
    assert!(!request.head.contains("Ana") && !request.head.contains("turno?"), "{}", request.head);
}

#[tokio::test]
async fn actions_are_completed_and_the_last_one_ends_the_turn() {
    let json = r#"{"actions": [
        {"typing": {}},
        {"reply": {"message": {"text": {"text": "Hola"}}}},
        {"conversationId": "cnv_1", "turn": "3", "command_id": "mine-1", "reply": {"message": {"text": {"text": "Sí"}}, "more": true}}
    ]}"#;
    let actions = answered(json).await.unwrap();
    assert_eq!(actions.len(), 3);
    assert!(actions.iter().all(|action| action.conversation_id == "cnv_1" && action.turn == 3));
    assert!(actions[0].command_id.starts_with("turn:0:") && actions[2].command_id == "mine-1");
    let more = |action: &pb::ActRequest| match &action.action {
        Some(Action::Reply(reply)) => {
            assert!(matches!(reply.message.as_ref().unwrap().body, Some(Body::Text(_))));
            reply.more
        }
        other => panic!("{other:?}"),
    };
    assert!(more(&actions[1]) && !more(&actions[2]));
    // The same answer to the same turn has the same ids.
    assert_eq!(answered(json).await.unwrap(), actions);
}

#[tokio::test]
async fn what_ends_nothing_is_ended_and_what_hands_over_is_the_end() {
    let typing = answered(r#"{"actions":[{"typing":{}},{"markRead":{}}]}"#).await.unwrap();
    assert_eq!(typing.len(), 3);
    assert_eq!(typing[2].action, Some(Action::Done(pb::Done {})));
    let handoff = r#"{"actions":[{"reply":{"message":{"quick_reply":"chau"}}},{"handoff":{"note":"quiere hablar"}}]}"#;
    let handoff = answered(handoff).await.unwrap();
    assert!(matches!(&handoff[0].action, Some(Action::Reply(reply)) if reply.more));
    assert!(matches!(&handoff[1].action, Some(Action::Handoff(_))) && handoff.len() == 2);
}

#[tokio::test]
async fn nothing_is_an_answer_too() {
    for behaviour in [Behaviour::raw("HTTP/1.1 204 No Content\r\n\r\n"), Behaviour::json(r#"{"actions":[]}"#)] {
        let web = Web::start(behaviour).await;
        assert_eq!(bot(settings(&web)).take(&turn()).await, Ok(vec![]));
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_refused_without_quoting_it() {
    let unknown = malformed("{\"actions\": [],\n \"colour\": \"Ana Paz\"}").await;
    assert_eq!(unknown, Malformed::UnknownField { name: Some("colour".to_owned()), line: 2 });
    let nested = malformed(r#"{"actions":[{"reply":{"message":{"text":{"texto":"x"}}}}]}"#).await;
    assert_eq!(nested, Malformed::UnknownField { name: Some("texto".to_owned()), line: 1 });
    for bad in ["", "nope", "[]", r#"{"actions":{}}"#, r#"{"actions":[{"turn":"Ana Paz"}]}"#, r#"{"actions":["#, "{}{}"]
    {
        let how = malformed(bad).await;
        assert!(matches!(how, Malformed::Json { .. }), "{bad}: {how:?}");
        assert!(!how.to_string().contains("Ana"), "{how}");
    }
    let two = r#"{"actions":[{"reply":{"message":{"text":{"text":"x"}}},"done":{}}]}"#;
    assert!(matches!(malformed(two).await, Malformed::Json { .. }));
    assert_eq!(malformed(r#"{"actions":[{}]}"#).await, Malformed::NoAction(0));
    assert_eq!(
        malformed(r#"{"actions":[{"conversation_id":"cnv_2","done":{}}]}"#).await,
        Malformed::OtherConversation(0)
    );
    assert_eq!(malformed(r#"{"actions":[{"typing":{}},{"turn":4,"done":{}}]}"#).await, Malformed::OtherTurn(1));
    assert_eq!(malformed(r#"{"actions":[{"done":{}},{"typing":{}}]}"#).await, Malformed::AfterTheEnd(1));
    assert_eq!(malformed(r#"{"actions":[{"command_id":"a b","done":{}}]}"#).await, Malformed::CommandId(0));
    let many = [r#"{"typing":{}}"#; 11].join(",");
    assert_eq!(answered(&format!(r#"{{"actions":[{many}]}}"#)).await, Err(TakeErrorKind::TooMuch(10)));
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let refused = |change: fn(&mut WebhookSettings)| {
        let mut settings = WebhookSettings::new("helper", "https://bot.example/", vec![Secret::new(SECRET)]);
        change(&mut settings);
        WebhookBot::new(settings, Hooks::new().unwrap(), clock).map(|_| ()).unwrap_err()
    };
    let address = |error| WebhookSettingsError::Address(error);
    assert_eq!(refused(|s| "http://bot.example/".clone_into(&mut s.url)), address(HookAddressError::NotHttps));
    assert_eq!(refused(|s| "http://127.0.0.1/".clone_into(&mut s.url)), address(HookAddressError::Private));
    assert_eq!(refused(|s| "https://192.168.1.9/".clone_into(&mut s.url)), address(HookAddressError::Private));
    assert_eq!(refused(|s| s.secrets.clear()), WebhookSettingsError::Secrets);
    assert_eq!(refused(|s| s.secrets = vec![Secret::new(SECRET); 3]), WebhookSettingsError::Secrets);
    assert_eq!(refused(|s| s.secrets = vec![Secret::new("short")]), WebhookSettingsError::ShortSecret);
    assert_eq!(refused(|s| s.timeout = Duration::ZERO), WebhookSettingsError::Timeout);
    assert_eq!(refused(|s| s.timeout = Duration::from_secs(61)), WebhookSettingsError::Timeout);
    assert_eq!(refused(|s| s.calls = 0), WebhookSettingsError::Calls);
    assert_eq!(refused(|s| "hel\nper".clone_into(&mut s.bot)), WebhookSettingsError::Name);
}

#[test]
fn a_webhook_shows_no_secret_and_no_path() {
    let settings = WebhookSettings::new("helper", "https://bot.example/token", vec![Secret::new(SECRET)]);
    assert!(!format!("{settings:?}").contains(SECRET));
    let shown = format!("{:?}", Arc::new(bot(settings)));
    assert!(!shown.contains("token"), "{shown}");
}
