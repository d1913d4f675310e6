//! The desk on the command line: every command of a shared inbox, as a person types it, and what they see of it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, broker};
use serde_json::Value;

/// A broker with two customers, and their conversations.
async fn two_customers() -> (Broker, String, String) {
    let broker = Broker::start().await;
    for (from, name, id) in [("5491155550101", "María García", "wamid.1"), ("5491155550102", "José Núñez", "wamid.2")]
    {
        assert_eq!(post_meta(&broker.http, meta_text(from, name, id, "Hola")).await, 200);
    }
    broker.client("admin").settled(2).await;
    let rows = json(&broker, "supervisor", &["conversation", "list"]);
    let of = |name: &str| {
        let row = rows["conversations"].as_array().unwrap().iter().find(|row| row["contact_name"] == name);
        row.unwrap()["conversation_id"].as_str().unwrap().to_owned()
    };
    let (maria, jose) = (of("María García"), of("José Núñez"));
    (broker, maria, jose)
}

/// The answer of a command that must succeed, as JSON.
fn json(broker: &Broker, who: &str, args: &[&str]) -> Value {
    let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    let (code, out, err) = broker::cli(broker, who, &args);
    assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error}: {out}"))
}

/// What a command that must succeed prints for a person.
fn told(broker: &Broker, who: &str, args: &[&str]) -> String {
    let (code, out, err) = broker::cli(broker, who, args);
    assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
    out
}

/// Ids of a list, read after everything up to `position`.
fn listed(broker: &Broker, position: &str, filter: &[&str]) -> Vec<String> {
    let args: Vec<&str> = ["conversation", "list", "--min-position", position].iter().chain(filter).copied().collect();
    let answer = json(broker, "supervisor", &args);
    let rows = answer["conversations"].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| row["conversation_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_command_of_the_desk_can_be_typed_and_seen() {
    let (broker, maria, jose) = two_customers().await;
    let conversation = |args: &[&str]| {
        let args: Vec<&str> = ["conversation"].iter().chain(args).copied().collect();
        json(&broker, "supervisor", &args)
    };
    let position = |answer: &Value| answer["position"].as_str().unwrap().to_owned();

    conversation(&["assign", &maria, "--agent", "laura"]);
    conversation(&["unassign", &maria]);
    conversation(&["priority", &maria, "urgent"]);
    conversation(&["tag", "add", &maria, "vip", "--create", "--colour", "#ff8000"]);
    conversation(&["note", &maria, "llamar mañana"]);
    conversation(&["pause", &maria, "--reason", "complaint"]);
    conversation(&["read", &maria]);
    conversation(&["pending", &jose, "--note", "espera factura"]);
    let snoozed = conversation(&["snooze", &jose, "--for", "monday"]);
    assert_eq!(snoozed["conversation"]["status"], "CONVERSATION_STATUS_SNOOZED");
    let p = position(&snoozed);
    assert_eq!(listed(&broker, &p, &["--status", "snoozed"]), [jose.as_str()]);
    for filter in [
        vec!["--tag", "VIP"],
        vec!["--priority", "urgent,high"],
        vec!["--bot", "paused"],
        vec!["--search", "garcia"],
        vec!["--search", "11 5555-0101"],
        vec!["--tab", "unassigned", "--medium", "whatsapp", "--status", "open"],
    ] {
        assert_eq!(listed(&broker, &p, &filter), [maria.as_str()], "{filter:?}");
    }
    assert!(listed(&broker, &p, &["--unread"]).is_empty());
    let opened = conversation(&["unsnooze", &jose]);
    let both = listed(&broker, &position(&opened), &["--sort", "priority", "--status", "all"]);
    assert_eq!(both, [maria.clone(), jose.clone()]);

    conversation(&["tag", "remove", &maria, "vip"]);
    conversation(&["resume", &maria]);
    conversation(&["resolve", &maria, "--reason", "vendido"]);
    let again = conversation(&["resolve", &maria]);
    assert_eq!(again["already_so"], true);
    let reopened = conversation(&["reopen", &maria]);
    let thread =
        told(&broker, "supervisor", &["conversation", "thread", &maria, "--min-position", &position(&reopened)]);
    for word in ["llamar mañana", "urgente", "vip", "queja", "vendido"] {
        assert!(thread.contains(word), "{word} is missing:\n{thread}");
    }
    let before = told(&broker, "supervisor", &["conversation", "thread", &maria, "--as-of", &p]);
    assert!(before.contains("queja") && !before.contains("vendido"), "{before}");
    let counters = told(&broker, "supervisor", &["conversation", "counters"]);
    assert!(counters.contains("BANDEJA") && counters.contains("sin asignar"), "{counters}");
    let (code, _, err) =
        broker::cli(&broker, "supervisor", &["conversation", "claim", &maria, "--expected-version", "1"]);
    assert!(code != 0 && !err.is_empty());
}

#[tokio::test]
async fn tags_contacts_assignments_and_pauses_have_their_commands() {
    let (broker, maria, jose) = two_customers().await;
    let run = |args: &[&str]| json(&broker, "supervisor", args);
    let tag = run(&["tag", "create", "reclamo", "--colour", "#aa0000"])["tag"]["tag_id"].as_str().unwrap().to_owned();
    let changed = run(&["tag", "change", &tag, "--name", "queja"]);
    let position = changed["position"].as_str().unwrap();
    assert!(told(&broker, "agent", &["tag", "list", "--min-position", position]).contains("#queja"));
    run(&["tag", "delete", &tag]);
    assert_eq!(run(&["tag", "delete", &tag])["already_so"], true);

    let contact = |conversation: &str| {
        let shown = run(&["conversation", "show", conversation]);
        shown["conversation"]["contact_id"].as_str().unwrap().to_owned()
    };
    let (one, other) = (contact(&maria), contact(&jose));
    run(&["contact", "link", &one, "4711", "--name", "García S.A."]);
    let merged = run(&["contact", "merge", &one, &other]);
    let position = merged["position"].as_str().unwrap();
    let shown = told(&broker, "supervisor", &["contact", "show", &one, "--min-position", position]);
    assert!(shown.contains("García S.A. (4711)") && shown.contains(&other), "{shown}");
    let found = told(&broker, "supervisor", &["contact", "search", "nunez", "--min-position", position]);
    assert!(found.contains("José Núñez"), "{found}");
    run(&["contact", "unmerge", &one, &other]);
    run(&["contact", "unlink", &one]);

    let claimed = json(&broker, "agent", &["conversation", "claim", &maria]);
    let position = claimed["position"].as_str().unwrap();
    let queue = told(&broker, "supervisor", &["assignment", "queue", "--min-position", position]);
    assert!(queue.contains(&jose) && !queue.contains(&maria), "{queue}");
    assert!(told(&broker, "supervisor", &["assignment", "list", "--agent", "laura"]).contains(&maria));
    assert!(told(&broker, "supervisor", &["assignment", "loads"]).contains("Laura"));
    assert!(told(&broker, "supervisor", &["assignment", "history", &maria]).contains("Laura"));

    let paused = json(&broker, "agent", &["conversation", "pause", &maria, "--reason", "bot_error"]);
    let position = paused["position"].as_str().unwrap();
    let list = told(&broker, "supervisor", &["pause", "list", "--by", "person", "--min-position", position]);
    assert!(list.contains(&maria), "{list}");
    assert!(told(&broker, "supervisor", &["pause", "history", &maria]).contains("Laura"));
    let counts = run(&["pause", "counts"]);
    assert_eq!(counts["counts"][0]["manual"], "1");
    let definitions = told(&broker, "supervisor", &["metrics", "definitions", "pauses"]);
    assert!(definitions.contains("pauses"), "{definitions}");
    let series = told(&broker, "supervisor", &["metrics", "series", "pauses", "--split", "labels"]);
    assert!(series.contains("reason=bot_error"), "{series}");
}

/// A command that goes on, and its lines.
struct Watch {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Watch {
    fn start(broker: &Broker, args: &[&str]) -> Self {
        let mut child = Command::new(broker::binary())
            .args(["--server", &broker.grpc, "--api-key", "relevo-demo-supervisor", "--json"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The first line that `wanted` holds for; nextest's time limit ends a watch that never says it.
    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut lines = self.lines.by_ref().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        lines.find(|line| wanted(line)).unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_prints_a_line_for_every_change() {
    let (broker, maria, _) = two_customers().await;
    let mut list = Watch::start(&broker, &["conversation", "list", "--watch"]);
    let mut thread = Watch::start(&broker, &["conversation", "thread", &maria, "--watch"]);
    let mut metrics = Watch::start(&broker, &["metrics", "series", "pauses", "--watch"]);
    let first = list.until(|line| line["snapshot"].is_object());
    assert_eq!(first["snapshot"]["conversations"].as_array().unwrap().len(), 2);
    thread.until(|line| line["snapshot"].is_object());
    metrics.until(|line| line["snapshot"].is_object());
    json(&broker, "supervisor", &["conversation", "pause", &maria, "--reason", "complaint"]);
    list.until(|line| line.to_string().contains("PAUSE_REASON_COMPLAINT"));
    thread.until(|line| line.to_string().contains("TIMELINE_KIND_BOT_PAUSED"));
    metrics.until(|line| line["snapshot"]["series"][0]["points"][0]["value"] == "1");
}

#[tokio::test]
async fn a_shell_completes_every_command_and_colours_stay_on_the_terminal() {
    let completion = |shell: &str| {
        let output = Command::new(broker::binary()).args(["completion", shell]).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish"] {
        let script = completion(shell);
        for word in ["conversation", "unsnooze", "republish", "counters", "until-reply"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let (broker, maria, _) = two_customers().await;
    told(&broker, "supervisor", &["conversation", "tag", "add", &maria, "vip", "--create", "--colour", "#ff8000"]);
    assert!(!told(&broker, "supervisor", &["conversation", "list"]).contains('\u{1b}'));
}
