//! A data folder that an earlier release has left opens with this one, and says what it said then.
//!
//! tests/fixtures/upgrade holds one folder a release: what it left (`data.tar.gz`) and what it answered (`expected.json`), both
//! made by scripts/upgrade-fixture.py with that release's own binary. They are kept for ever and never made anew.

use std::fs;
use std::path::{Path, PathBuf};

use relevo_proto::admin::v1 as admin;
use relevo_tests::broker::cli;
use relevo_tests::client::SETTLED_WITHIN;
use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, Setup, eventually_within};
use serde_json::Value;

/// What a release has left.
struct Release {
    archive: PathBuf,
    expected: Value,
}

fn releases() -> Vec<Release> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/upgrade");
    let mut folders: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(!folders.is_empty(), "there is a release to upgrade from");
    let read = |folder: PathBuf| {
        let expected = fs::read(folder.join("expected.json")).unwrap();
        Release { archive: folder.join("data.tar.gz"), expected: serde_json::from_slice(&expected).unwrap() }
    };
    folders.into_iter().map(read).collect()
}

/// Nothing happens by itself: no pause ends, no message goes out, no mailbox is read.
async fn open(release: &Release) -> Broker {
    let off = |part: &str| (format!("RELEVO__{part}__ENABLED"), "false".to_owned());
    let env = vec![
        off("TIMERS"),
        off("SENDING"),
        off("MAILBOX"),
        ("RELEVO__NATS__STORE_BYTES".to_owned(), (2u64 << 30).to_string()),
    ];
    Broker::start_on(&release.archive, Setup { env, ..Setup::default() }).await
}

/// The first place at which a recorded answer is not part of what is answered now. A later release may say more, not less.
fn missing(recorded: &Value, now: &Value, at: &str) -> Option<String> {
    match (recorded, now) {
        (Value::Object(recorded), Value::Object(now)) => recorded.iter().find_map(|(key, value)| match now.get(key) {
            Some(now) => missing(value, now, &format!("{at}.{key}")),
            None => Some(format!("{at}.{key} is gone")),
        }),
        (Value::Array(recorded), Value::Array(now)) if recorded.len() == now.len() => {
            let mut pairs = recorded.iter().zip(now).enumerate();
            pairs.find_map(|(place, (one, now))| missing(one, now, &format!("{at}[{place}]")))
        }
        _ => (recorded != now).then(|| format!("{at}: was {recorded}, is {now}")),
    }
}

/// Asks everything that was asked then.
fn says_the_same(broker: &Broker, release: &Release) {
    let asked = release.expected["asked"].as_array().unwrap();
    assert!(asked.len() >= 20, "conversations, counters, pauses, figures and every thread: {}", asked.len());
    for question in asked {
        let mut words: Vec<&str> =
            question["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        words.extend(["--json", "--lang", "en"]);
        let (code, out, err) = cli(broker, question["who"].as_str().unwrap(), &words);
        assert_eq!((code, err.as_str()), (0, ""), "{words:?}");
        let now: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(missing(&question["answer"], &now, "answer"), None, "{words:?}");
    }
    let (code, out, err) = cli(broker, "ops", &["log", "verify", "--json"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let verdict = out.lines().find_map(|line| serde_json::from_str::<Value>(line).unwrap().get("verdict").cloned());
    let verdict = verdict.unwrap();
    for count in ["commits", "events", "entities"] {
        assert_eq!(verdict[count], release.expected[count], "{count}");
    }
    assert_eq!((&verdict["intact"], verdict["problems"].as_str()), (&Value::Bool(true), Some("0")));
}

/// Every view as (name, version), once all are live at the end of the log.
async fn views(broker: &Broker) -> Vec<(String, u32)> {
    let client = broker.client("ops");
    eventually_within("every view is live at the end of the log", SETTLED_WITHIN, async || {
        let request = client.request(admin::GetViewStatusRequest::default());
        let status = client.views().get_status(request).await.ok()?.into_inner();
        let done = |view: &admin::ViewStatus| {
            view.state() == admin::ViewState::Live && view.position == status.log_position && view.degraded.is_empty()
        };
        let named = |view: &admin::ViewStatus| (view.name.clone(), view.version);
        status.views.iter().all(done).then(|| status.views.iter().map(named).collect())
    })
    .await
}

/// Makes the folder one of an older release whose rows were others: every view has another version.
fn with_older_views(data: &Path, views: &[(String, u32)]) {
    let folder = data.join("views");
    for (name, version) in views {
        let older = format!("{name}-v{}", version - 1);
        fs::rename(folder.join(format!("{name}-v{version}")), folder.join(&older)).unwrap();
        fs::write(folder.join(format!("{name}.live")), format!("{older}\n")).unwrap();
    }
}

#[tokio::test]
async fn a_data_folder_of_an_earlier_release_opens_and_says_what_it_said() {
    for release in releases() {
        let broker = open(&release).await;
        views(&broker).await;
        says_the_same(&broker, &release);
        // And it goes on: somebody who is known writes again, and is paused.
        let supervisor = broker.client("supervisor");
        let before = supervisor.conversations().await.len();
        let text = meta_text("5491155550107", "Rosa Medina", "wamid.after-the-upgrade", "¿Sigue en pie el turno?");
        assert_eq!(post_meta(&broker.http, text).await, 200);
        eventually_within("the new message is in her conversation", SETTLED_WITHIN, async || {
            let rows = supervisor.conversations().await;
            assert_eq!(rows.len(), before, "a customer who is known opens no second conversation");
            rows.into_iter().find(|row| row.preview == "¿Sigue en pie el turno?" && row.contact_name == "Rosa Medina")
        })
        .await;
    }
}

#[tokio::test]
async fn views_of_older_versions_are_built_anew_and_say_the_same() {
    for release in releases() {
        let mut broker = open(&release).await;
        let current = views(&broker).await;
        broker.stop();
        with_older_views(&broker.data(), &current);
        broker.restart().await;
        assert_eq!(views(&broker).await, current);
        says_the_same(&broker, &release);
        for (name, version) in current {
            let live = fs::read_to_string(broker.data().join(format!("views/{name}.live"))).unwrap();
            assert_eq!(live.trim(), format!("{name}-v{version}"));
        }
    }
}

#[test]
fn a_difference_is_found() {
    let recorded = serde_json::json!({"a": [{"b": 1}, {"b": 2}]});
    let same = serde_json::json!({"a": [{"b": 1, "new": true}, {"b": 2}], "more": 3});
    assert_eq!(missing(&recorded, &same, "x"), None);
    for (now, what) in [
        (serde_json::json!({"a": [{"b": 1}, {"b": 3}]}), "x.a[1].b: was 2, is 3"),
        (serde_json::json!({"a": [{"b": 1}]}), "x.a: was [{\"b\":1},{\"b\":2}], is [{\"b\":1}]"),
        (serde_json::json!({"a": [{"b": 1}, {}]}), "x.a[1].b is gone"),
    ] {
        assert_eq!(missing(&recorded, &now, "x").as_deref(), Some(what));
    }
}
