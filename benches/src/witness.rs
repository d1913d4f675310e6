//! Who looks while messages are posted: one who hears what the events stream is given, one who keeps asking for the inbox, and two
//! agents who claim the same conversations.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use relevo_domain::Position;
use relevo_proto::query::v1 as query;
use relevo_tests::Client;
use serde_json::json;
use tokio::time::sleep;

use crate::rig::Rig;
use crate::seen::Seen;
use crate::trace::marked;
use crate::wire::Wire;

/// Between two questions for the inbox: what it adds to a time is at most this, and it is not taken off again.
const ASK_EVERY: Duration = Duration::from_millis(2);
/// How long the broker lets a question wait for the next commit, in milliseconds.
const WAIT_MS: u32 = 1_000;
/// Conversations a page, as a desk shows.
const PAGE: i32 = 25;
/// Between two conversations that are claimed.
const CLAIM_EVERY: Duration = Duration::from_millis(100);
/// Payloads that are kept to publish the same bytes raw, and conversations that wait to be claimed.
const SAMPLES_MAX: usize = 2_000;
const CLAIMABLE_MAX: usize = 1_000;

/// What the witnesses know beside [`Seen`]. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Notes(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    samples: Vec<Bytes>,
    claimable: VecDeque<String>,
    known: HashSet<String>,
    asked: u64,
    refused: u64,
    raced: u64,
    both_won: u64,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    /// Pages that were asked for, and questions that were answered with an error.
    pub asked: u64,
    pub refused: u64,
    /// Conversations that two agents claimed, and those that both were told they have.
    pub raced: u64,
    pub both_won: u64,
}

impl Notes {
    fn with<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Commits as the stream holds them.
    pub fn samples(&self) -> Vec<Bytes> {
        self.with(|inner| inner.samples.clone())
    }

    pub fn counted(&self) -> Counted {
        self.with(|inner| Counted {
            asked: inner.asked,
            refused: inner.refused,
            raced: inner.raced,
            both_won: inner.both_won,
        })
    }
}

/// Hears everything that is stored from now on. It listens when this returns; run what it returns.
pub async fn listen(
    rig: &Rig,
    part: u64,
    seen: Seen,
    notes: Notes,
) -> io::Result<impl Future<Output = io::Result<()>> + use<>> {
    let mut wire = Wire::connect(&rig.nats.url()).await?;
    let subject = format!("bench.heard.{part}");
    wire.subscribe(&subject).await?;
    let config =
        json!({ "deliver_subject": subject, "deliver_policy": "new", "ack_policy": "none", "mem_storage": true });
    let request = json!({ "stream_name": "RELEVO_EVENTS", "config": config });
    wire.ask("$JS.API.CONSUMER.CREATE.RELEVO_EVENTS", &request).await?;
    Ok(async move {
        loop {
            let heard = wire.next().await?;
            let Some(sequence) = heard.sequence() else { continue };
            seen.committed(sequence, marked(&heard.payload, part));
            notes.with(|inner| {
                if inner.samples.len() < SAMPLES_MAX {
                    inner.samples.push(Bytes::copy_from_slice(&heard.payload));
                }
            });
        }
    })
}

/// Keeps asking for the first page, each time for one that is further than the last, and writes down how far it was.
pub async fn ask(client: Client, seen: Seen, notes: Notes) {
    let mut inbox = client.inbox();
    loop {
        let begun = Instant::now();
        let min_position = Position::new(seen.position() + 1).to_string();
        let request = query::ListConversationsRequest {
            page_size: PAGE,
            min_position,
            deadline_ms: WAIT_MS,
            ..query::ListConversationsRequest::default()
        };
        let answer = inbox.list_conversations(client.request(request)).await;
        let at = Instant::now();
        match answer.map(tonic::Response::into_inner) {
            Ok(page) => {
                if let Ok(position) = page.position.parse::<Position>() {
                    seen.answered(position.sequence(), at);
                }
                notes.with(|inner| inner.took(page));
            }
            // Nothing new in all that time.
            Err(stale)
                if stale.message().contains("STALE_READ") || begun.elapsed().as_millis() >= u128::from(WAIT_MS) => {}
            Err(_status) => notes.with(|inner| inner.refused += 1),
        }
        sleep(ASK_EVERY.saturating_sub(begun.elapsed())).await;
    }
}

/// Two agents claim what nobody has, each time both the same.
pub async fn claim(one: Client, other: Client, notes: Notes) {
    loop {
        sleep(CLAIM_EVERY).await;
        let Some(id) = notes.with(|inner| inner.claimable.pop_front()) else { continue };
        // Counted before: the loop may end while the claims are on their way, and the log has them all the same.
        notes.with(|inner| inner.raced += 1);
        let (first, second) = tokio::join!(one.claim(&id), other.claim(&id));
        notes.with(|inner| inner.both_won += u64::from(first.is_ok() && second.is_ok()));
    }
}

impl Inner {
    fn took(&mut self, page: query::ListConversationsResponse) {
        self.asked += 1;
        for row in page.conversations {
            let nobodys = row.assignee.is_none_or(|assignee| assignee.agent_id.is_empty());
            if nobodys && self.claimable.len() < CLAIMABLE_MAX && self.known.insert(row.conversation_id.clone()) {
                self.claimable.push_back(row.conversation_id);
            }
        }
    }
}
