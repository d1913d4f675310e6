//! Every payload of the corpus, each against a fresh tenant: exactly the counts that it should give, once and twice.

use std::path::Path;

use relevo_tests::fixtures::{Expected, expected, folder};
use relevo_tests::webhook::{post_mail, post_meta, post_twilio};
use relevo_tests::{Broker, Counters, IntakeStatus};

async fn post(broker: &Broker, corpus: &Path, file: &str) -> u16 {
    let body = std::fs::read(corpus.join(file)).unwrap();
    match file.split('/').next() {
        Some("meta") => post_meta(&broker.http, body).await,
        Some("twilio") => post_twilio(&broker.http, body).await,
        _ => post_mail(&broker.http, body).await,
    }
}

/// What one file must be counted as. What a file has and the table does not count is one parked update.
fn counters(row: &Expected) -> Counters {
    let parked = u64::from(row.file == "twilio/in_missing_message_sid.txt");
    Counters {
        updates: row.messages + row.statuses + row.other_updates + parked,
        messages: row.messages,
        statuses: row.statuses,
        other_updates: row.other_updates,
        duplicates: 0,
        parked,
    }
}

/// Every file in a broker of its own would take minutes; a reset of the counts between files proves the same as long as no
/// two files share a provider's id. Those that do are posted to a broker of their own.
async fn whole_folder(name: &str) {
    let Some(corpus) = folder() else { return };
    let mut broker = Broker::start().await;
    let mut before = broker.client("admin").settled(0).await;
    let mut wrong = Vec::new();
    for row in expected(&corpus, &[name]) {
        let outcome = twice(&broker, &corpus, &row, &before).await;
        let (after, problem) = match outcome {
            (after, Some(_)) => {
                // Perhaps its ids came before: a fresh broker decides.
                drop(after);
                broker = Broker::start().await;
                before = broker.client("admin").settled(0).await;
                twice(&broker, &corpus, &row, &before).await
            }
            right => right,
        };
        wrong.extend(problem);
        before = after;
    }
    assert!(wrong.is_empty(), "{} files:\n{}", wrong.len(), wrong.join("\n"));
}

/// Posts a file, checks its counts, posts it again, and checks that only posts, updates and duplicates changed.
async fn twice(
    broker: &Broker,
    corpus: &Path,
    row: &Expected,
    before: &IntakeStatus,
) -> (IntakeStatus, Option<String>) {
    let admin = broker.client("admin");
    let want = counters(row);
    let mut status = before.clone();
    let mut problem = None;
    for (round, expected) in [want, again(want)].into_iter().enumerate() {
        let answer = post(broker, corpus, &row.file).await;
        if !matches!(answer, 200 | 202) {
            return (status, Some(format!("{} answered {answer}", row.file)));
        }
        let after = admin.settled(status.posts() + 1).await;
        after.assert_balanced();
        let change = difference(after.total(), status.total());
        if change != expected && problem.is_none() {
            problem = Some(format!("{} (delivery {}): {change:?}, expected {expected:?}", row.file, round + 1));
        }
        status = after;
    }
    (status, problem)
}

/// A second delivery: everything is a duplicate, what is parked too.
fn again(first: Counters) -> Counters {
    Counters { updates: first.updates, duplicates: first.updates, ..Counters::default() }
}

fn difference(after: Counters, before: Counters) -> Counters {
    Counters {
        updates: after.updates - before.updates,
        messages: after.messages - before.messages,
        statuses: after.statuses - before.statuses,
        other_updates: after.other_updates - before.other_updates,
        duplicates: after.duplicates - before.duplicates,
        parked: after.parked - before.parked,
    }
}

#[tokio::test]
async fn every_meta_payload_counts_as_it_should() {
    whole_folder("meta").await;
}

#[tokio::test]
async fn every_twilio_payload_counts_as_it_should() {
    whole_folder("twilio").await;
}

#[tokio::test]
async fn every_mail_counts_as_it_should() {
    whole_folder("email").await;
}
