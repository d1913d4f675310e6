//! What an operator asks the log, through the real binary: is it intact, what happened, who did what.

use relevo_testkit::NatsServer;
use relevo_tests::broker::cli;
use relevo_tests::nats::Wire;
use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, Setup};
use serde_json::{Value, json};

/// A broker on a server that the test can reach too.
async fn broker(nats: &NatsServer) -> Broker {
    Broker::start_with(Setup { env: vec![("RELEVO__NATS__URL".to_owned(), nats.url())], ..Setup::default() }).await
}

/// Three customers write twice; the supervisor pauses the first conversation, Laura claims the second. Their ids.
async fn traffic(broker: &Broker) -> Vec<String> {
    for n in 0..6 {
        let from = format!("54911555501{:02}", n % 3);
        let posted = post_meta(&broker.http, meta_text(&from, "María", &format!("wamid.{n}"), "secreto"));
        assert_eq!(posted.await, 200);
    }
    broker.client("admin").settled(6).await;
    let supervisor = broker.client("supervisor");
    let ids: Vec<_> = supervisor.conversations().await.into_iter().map(|row| row.conversation_id).collect();
    supervisor.pause(&ids[0], "nota secreta").await.unwrap();
    broker.client("agent").claim(&ids[1]).await.unwrap();
    ids
}

/// Runs a command in English, as ops.
#[track_caller]
fn ops(broker: &Broker, args: &[&str]) -> (i32, String) {
    let (status, out, err) = cli(broker, "ops", &[&["--lang", "en"], args].concat());
    (status, if status == 0 { out } else { format!("{out}{err}") })
}

/// One JSON value a line.
fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_intact_log_is_said_to_be_intact_in_one_last_line() {
    let broker = Broker::start().await;
    let (status, empty) = ops(&broker, &["log", "verify"]);
    assert_eq!(status, 0, "{empty}");
    traffic(&broker).await;
    let (status, said) = ops(&broker, &["log", "verify"]);
    assert_eq!(status, 0, "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("log intact: ") && last.ends_with("0 problems"), "{said}");

    let (_, said) = ops(&broker, &["--json", "log", "verify"]);
    let verdict = json_lines(&said).pop().unwrap()["verdict"].clone();
    assert_eq!((&verdict["intact"], &verdict["problems"]), (&json!(true), &json!("0")));
    let settings = verdict["settings"].as_array().unwrap();
    let of = |stream: &str, setting: &str| {
        let found = settings.iter().find(|row| row["stream"] == stream && row["setting"] == setting);
        found.map(|row| (row["found"].as_str().unwrap(), row["state"].as_str().unwrap()))
    };
    assert_eq!(of("RELEVO_EVENTS", "deny_purge"), Some(("true", "SETTING_STATE_OK")));
    assert_eq!(of("RELEVO_EVENTS", "max_age"), Some(("0", "SETTING_STATE_OK")));
    assert_eq!(of("", "sync_interval"), Some(("always", "SETTING_STATE_OK")));
    assert_eq!(cli(&broker, "supervisor", &["log", "verify"]).0, 5, "for admins and ops alone");
}

#[tokio::test]
async fn planted_breaks_and_changed_settings_are_named() {
    let nats = NatsServer::start().await;
    let broker = broker(&nats).await;
    let ids = traffic(&broker).await;
    let mut wire = Wire::connect(&nats.url()).await;

    // The last commit of a conversation once more; bytes that are no commit; a parking that forgets.
    let last = wire.last_message("RELEVO_EVENTS", &format!("relevo.events.*.demo.{}", ids[0])).await;
    wire.publish(&last.subject, &last.data).await;
    wire.publish("relevo.events.00.demo.wks", b"not a commit").await;
    let mut config = wire.ask("$JS.API.STREAM.INFO.RELEVO_PARKED", "").await["config"].take();
    config["max_age"] = json!(3_600_000_000_000_u64);
    let updated = wire.ask("$JS.API.STREAM.UPDATE.RELEVO_PARKED", &config.to_string()).await;
    assert!(updated["error"].is_null(), "{updated}");

    let (status, said) = ops(&broker, &["log", "verify"]);
    assert_eq!(status, 1, "{said}");
    let place = wire.last_message("RELEVO_EVENTS", &last.subject).await.sequence;
    assert!(said.contains(&format!("{place}: {} has version", ids[0])), "{said}");
    assert!(said.contains(&format!("{place}: {} does not follow the commit before", ids[0])), "{said}");
    assert!(said.contains(&format!("{}: this commit cannot be read", place + 1)), "{said}");
    assert!(said.contains("RELEVO_PARKED: max_age is 3600 instead of 0"), "{said}");
    assert!(said.contains("sync_interval: not known"), "nobody can see it from here: {said}");
    assert!(said.contains("log NOT intact: ") && said.contains("3 problems, 1 settings changed"), "{said}");

    // Another tenant learns that something is wrong, and where, and nothing else.
    let (status, out, _) = cli(&broker, "b-admin", &["--json", "log", "verify"]);
    assert!(status == 1 && out.contains("LOG_PROBLEM_KIND_HASH_BROKEN") && !out.contains(&ids[0]), "{out}");
}

#[tokio::test]
async fn a_span_is_replayed_in_order_and_filtered() {
    let broker = Broker::start().await;
    let ids = traffic(&broker).await;
    let (status, all) = ops(&broker, &["replay"]);
    assert_eq!(status, 0, "{all}");
    let all = json_lines(&all);
    let places: Vec<(u64, u64)> = all
        .iter()
        .map(|line| {
            let position = line["position"].as_str().unwrap().trim_start_matches("p1-").parse().unwrap();
            (position, line["ordinal"].as_u64().unwrap())
        })
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    assert_eq!(names(&all).iter().filter(|name| **name == "MessageReceived").count(), 6);

    let filtered = |args: &[&str]| json_lines(&ops(&broker, &[&["replay"], args].concat()).1);
    let paused = filtered(&["--filter", "type=BotPaused", "--filter", &format!("conversation={}", ids[0])]);
    assert_eq!(names(&paused), ["BotPaused"]);
    assert_eq!(paused[0]["content"]["personal"]["text"], "nota secreta");
    let bare = filtered(&["--filter", "type=BotPaused", "--without-personal"]);
    assert_eq!(
        (&bare[0]["content"]["reason"], bare[0]["content"].get("personal")),
        (&json!("PAUSE_REASON_COMPLAINT"), None)
    );
    assert_eq!(names(&filtered(&["--filter", "actor=laura"])), ["Assigned"]);

    // By position, ends included; by time, the end not.
    let (first, last) = (all[0]["position"].as_str().unwrap(), paused[0]["position"].as_str().unwrap());
    let until = filtered(&["--from", first, "--to", last]);
    assert_eq!(until.last(), paused.last());
    assert!(until.len() < all.len());
    let at = paused[0]["recorded_at"].as_str().unwrap();
    let before = filtered(&["--to", at]);
    assert!(!names(&before).contains(&"BotPaused") && names(&before).contains(&"MessageReceived"));
    assert_eq!(filtered(&["--from", at]).first(), paused.first());

    // At a pace that shortens years to nothing the same comes.
    assert_eq!(filtered(&["--speed", "1000000"]), all);
    for bad in [
        ["--from", "p1-999999"],
        ["--from", "yesterday"],
        ["--speed", "-1"],
        ["--filter", "entity=cnv_short"],
        ["--subject", "relevo.events.19.demo.wks"],
    ] {
        let (status, said) = ops(&broker, &[&["replay"], &bad[..]].concat());
        assert_ne!(status, 0, "{bad:?}: {said}");
    }
}

#[tokio::test]
async fn a_replay_onto_a_subject_reaches_who_listens() {
    let nats = NatsServer::start().await;
    let broker = broker(&nats).await;
    traffic(&broker).await;
    let mut wire = Wire::connect(&nats.url()).await;
    wire.subscribe("relevo.replay.demo.>").await;
    let subject = "relevo.replay.demo.check-1";
    let (status, said) = ops(&broker, &["replay", "--filter", "type=MessageReceived", "--subject", subject]);
    assert_eq!(status, 0, "{said}");
    assert!(said.starts_with("6 events published"), "{said}");
    let (_, printed) = ops(&broker, &["replay", "--filter", "type=MessageReceived"]);
    for line in json_lines(&printed) {
        let message = wire.message().await;
        assert_eq!(message.subject, subject);
        assert_eq!(serde_json::from_slice::<Value>(&message.data).unwrap(), line);
        let position = line["position"].as_str().unwrap();
        assert!(message.headers.contains(&format!("Relevo-Position: {position}\r\n")), "{}", message.headers);
        assert!(!message.headers.contains("secreto"));
    }
    let (status, said) = ops(&broker, &["replay", "--subject", "relevo.replay.demo-b.check"]);
    assert_ne!(status, 0, "another tenant's subject: {said}");
}

#[tokio::test]
async fn the_audit_trail_says_who_did_what_when() {
    let broker = Broker::start().await;
    let ids = traffic(&broker).await;
    let audit = |args: &[&str]| {
        let (status, said) = ops(&broker, &[&["--json", "audit"], args].concat());
        assert_eq!(status, 0, "{said}");
        let answer: Value = serde_json::from_str(&said).unwrap();
        answer["entries"].as_array().unwrap().clone()
    };
    let trail = audit(&["--conversation", &ids[0]]);
    let actions: Vec<_> = trail.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    let expected = ["ConversationOpened", "EpisodeStarted", "MessageReceived", "MessageReceived", "BotPaused"];
    assert_eq!(actions, expected);
    let last = trail.last().unwrap();
    assert_eq!(last["actor"]["kind"], "ACTOR_KIND_STAFF");
    assert!(last["at"].as_str().is_some_and(|at| at.ends_with('Z')));
    let text = serde_json::to_string(&trail).unwrap();
    assert!(!text.contains("secret") && text.contains("PAUSE_REASON_COMPLAINT"), "{text}");
    let personal = audit(&["--conversation", &ids[0], "--personal"]);
    assert!(serde_json::to_string(&personal).unwrap().contains("nota secreta"));

    let laura = audit(&["--actor", "laura"]);
    assert_eq!((laura.len(), &laura[0]["action"], &laura[0]["entity_id"]), (1, &json!("Assigned"), &json!(ids[1])));
    assert!(audit(&["--actor", "laura", "--to", "p1-1"]).is_empty());

    // Page by page it is the same.
    let (_, first) = ops(&broker, &["--json", "audit", "--actor", "customer", "--limit", "2"]);
    let mut page: Value = serde_json::from_str(&first).unwrap();
    let mut paged = page["entries"].as_array().unwrap().clone();
    while page["next_after_sequence"] != "0" {
        let after = page["next_after_sequence"].as_str().unwrap().to_owned();
        let (_, next) = ops(&broker, &["--json", "audit", "--actor", "customer", "--limit", "2", "--after", &after]);
        page = serde_json::from_str(&next).unwrap();
        paged.extend(page["entries"].as_array().unwrap().iter().cloned());
    }
    assert_eq!(paged, audit(&["--actor", "customer"]));

    let (status, table) = ops(&broker, &["audit", "--conversation", &ids[0]]);
    assert!(status == 0 && table.contains("BotPaused") && !table.contains("secret"), "{table}");
    let unknown = ids[0].chars().rev().collect::<String>();
    assert_ne!(ops(&broker, &["audit", "--conversation", &unknown]).0, 0);
    assert_ne!(ops(&broker, &["audit", "--actor", "Nobody!"]).0, 0);
    assert_eq!(cli(&broker, "agent", &["audit", "--actor", "laura"]).0, 5);
}
