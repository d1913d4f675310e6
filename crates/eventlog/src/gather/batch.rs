//! Sending one atomic batch: nothing is stored before the server has taken its last message.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::header::{NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE};
use futures::future::join;
use tokio::time::Instant;

use super::Outgoing;
use crate::connection::Connection;
use crate::jetstream::answer;
use crate::request::{Reply, ask};
use crate::resolve::Answer;

/// How long one attempt waits for its answer; an append's deadline covers several.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// The last attempt gets at least this long, so that it can be answered at all.
const ATTEMPT_TIMEOUT_MIN: Duration = Duration::from_millis(50);

/// Sends one message, or several as an atomic batch, and waits for the answer until `deadline` at the latest.
pub(crate) async fn send(connection: &Connection, messages: &[&Outgoing], deadline: Instant) -> Answer {
    match messages {
        [single] => {
            let reply = request(connection, single, single.headers.clone(), deadline).await;
            answer::read(reply, single.payload.len())
        }
        several => exchange(connection, several, deadline).await.0,
    }
}

/// Sends an atomic batch of at least two. Beside the answer: with a conflict, the sequence that the server names with it.
pub(super) async fn exchange(
    connection: &Connection,
    messages: &[&Outgoing],
    deadline: Instant,
) -> (Answer, Option<u64>) {
    let [first, middle @ .., last] = messages else { return (Answer::Busy, None) };
    let id = format!("{:016x}", rand::random::<u64>());
    let headers = |message: &Outgoing, number: usize| {
        let mut headers = message.headers.clone();
        headers.insert(NATS_BATCH_ID, id.as_str());
        headers.insert(NATS_BATCH_SEQUENCE, number.to_string().as_str());
        headers
    };
    // The first is asked, because a batch that the server does not open says so there; nobody waits for its reply before the
    // others follow. Both wait in one line for the connection, the first before the others.
    let opened = request(connection, first, headers(first, 1), deadline);
    let committed = async {
        for (message, number) in middle.iter().zip(2..) {
            let headers = headers(message, number);
            let client = &connection.shared.client;
            if client.publish_with_headers(message.subject.clone(), headers, message.payload.clone()).await.is_err() {
                // Without its last message a batch is never stored.
                return (Answer::Away, None);
            }
        }
        let mut headers = headers(last, messages.len());
        headers.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
        let reply = request(connection, last, headers, deadline).await;
        let stands_at = answer::stands_at(&reply);
        (answer::read(reply, last.payload.len()), stands_at)
    };
    let (opened, (committed, stands_at)) = join(opened, committed).await;
    let answer = match (committed, opened) {
        (Answer::Stored(last), _) => Answer::Stored(last),
        // An empty reply is a yes.
        (committed, Some(Ok(reply))) if reply.payload.is_empty() && reply.status.is_none() => committed,
        (committed, opened) => match answer::read(opened, first.payload.len()) {
            Answer::Lost => committed,
            refused => refused,
        },
    };
    (answer, stands_at)
}

async fn request(connection: &Connection, message: &Outgoing, headers: HeaderMap, deadline: Instant) -> Reply {
    let left = deadline.saturating_duration_since(Instant::now());
    let patience = left.clamp(ATTEMPT_TIMEOUT_MIN, ATTEMPT_TIMEOUT);
    ask(connection, &message.subject, headers, message.payload.clone(), patience).await
}
