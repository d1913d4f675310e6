//! What comes to pass by itself: pauses end, and snoozed conversations wake.

use relevo_testkit::{NatsServer, eventually};
use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, Setup, broker};
use serde_json::Value;

/// A node that lets things come to pass, or does not.
async fn node(nats: &NatsServer, timers: bool, other: Option<&Broker>) -> Broker {
    let env =
        vec![("RELEVO__NATS__URL".to_owned(), nats.url()), ("RELEVO__TIMERS__ENABLED".to_owned(), timers.to_string())];
    let keys_from = other.map(|other| other.data().join("keys"));
    Broker::start_with(Setup { env, keys_from, ..Setup::default() }).await
}

/// The answer of a supervisor's command that must succeed, as JSON.
fn json(broker: &Broker, args: &[&str]) -> Value {
    let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    let (code, out, err) = broker::cli(broker, "supervisor", &args);
    assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
    serde_json::from_str(&out).unwrap()
}

/// Which conversations are listed as open and as snoozed, and how many of each are counted.
fn seen(broker: &Broker) -> (Vec<String>, Vec<String>, [Value; 2]) {
    let ids = |status: &str| {
        let rows = json(broker, &["conversation", "list", "--status", status])["conversations"].clone();
        let id = |row: &Value| row["conversation_id"].as_str().unwrap().to_owned();
        let mut ids: Vec<String> = rows.as_array().unwrap().iter().map(id).collect();
        ids.sort();
        ids
    };
    let all = json(broker, &["conversation", "counters"])["counters"]["all"].clone();
    (ids("open"), ids("snoozed"), [all["open"].clone(), all["snoozed"].clone()])
}

#[tokio::test]
async fn what_is_due_reads_alike_before_and_after_it_wakes_and_comes_to_pass_after_downtime() {
    let nats = NatsServer::start().await;
    let idle = node(&nats, false, None).await;
    for (from, id) in [("5491155550101", "wamid.1"), ("5491155550102", "wamid.2")] {
        assert_eq!(post_meta(&idle.http, meta_text(from, "María", id, "Hola")).await, 200);
    }
    idle.client("admin").settled(2).await;
    let (open, none, _) = seen(&idle);
    assert_eq!((open.len(), none.len()), (2, 0));
    let (due, paused) = (open[0].as_str(), open[1].as_str());
    let answer = json(&idle, &["conversation", "pause", paused, "--reason", "complaint", "--for", "5s"]);
    let until = answer["conversation"]["pause"]["until"].as_str().unwrap();
    json(&idle, &["conversation", "snooze", due, "--until", until]);
    let shown = |id: &str| json(&idle, &["conversation", "show", id])["conversation"].clone();
    eventually("the snooze is due", async || (shown(due)["due"] == true).then_some(())).await;
    let before = seen(&idle);
    assert_eq!(
        before,
        (open.clone(), Vec::new(), ["2".into(), "0".into()]),
        "nobody has woken it, and it reads as open"
    );
    assert_eq!(shown(paused)["bot"], "BOT_STATE_PAUSED");

    let _awake = node(&nats, true, Some(&idle)).await;
    eventually("it is open", async || shown(due)["snoozed_until"].is_null().then_some(())).await;
    eventually("its pause is over", async || (shown(paused)["bot"] == "BOT_STATE_ACTIVE").then_some(())).await;

    let row = shown(due);
    assert_eq!((&row["status"], &row["due"]), (&Value::from("CONVERSATION_STATUS_OPEN"), &Value::from(false)));
    assert_eq!(seen(&idle), before);
    let told = |id: &str| json(&idle, &["conversation", "messages", id]).to_string();
    assert_eq!(told(due).matches("TIMELINE_CAUSE_TIMER").count(), 1);
    assert_eq!(told(paused).matches("TIMELINE_CAUSE_TIMER").count(), 1);
}
