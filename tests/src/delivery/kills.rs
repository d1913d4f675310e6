//! A broker that is killed while messages are on their way, and brokers that send beside each other: each message goes once, and
//! none is shown as sent that was not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_proto::query::v1::SendState;
use relevo_testkit::NatsServer;
use relevo_testkit::fakes::Behaviour;

use super::cases::{Cases, Verdict, Wrong, same};
use super::desk::{Desk, Sent, told, until};
use super::failures::in_their_order;
use super::rig::{META, Rig, TWILIO, Wanted, received};
use super::types::{count, script, silent};
use crate::Broker;

/// What the rigs of these cases have to account for.
pub static DOUBLES: AtomicUsize = AtomicUsize::new(0);
pub static LOST: AtomicUsize = AtomicUsize::new(0);

const SEEDS: u64 = 3;
/// Messages on their way when the broker is killed.
const HELD: usize = 8;
/// Conversations and messages of a burst.
const CONVERSATIONS: usize = 20;
const EACH: usize = 5;
/// Until a claim of a dead sender is called unknown: its time (10 s), the longest call (30 s), a margin (30 s), and a restart.
const DOUBT: Duration = Duration::from_mins(3);
const POLL_EVERY: Duration = Duration::from_millis(2);

/// One message that is on its way.
struct Held {
    channel: &'static str,
    to: String,
    sent: Sent,
}

pub fn cases() -> Cases {
    let mut cases = Cases::default();
    for seed in 1..=SEEDS {
        cases.add(format!("killed after the provider took it, before it was recorded (seed {seed})"), async move {
            killed_while_held(seed, true).await
        });
        cases.add(format!("killed in the middle of a burst of {} (seed {seed})", CONVERSATIONS * EACH), async move {
            killed_in_a_burst(seed).await
        });
    }
    cases.add("two nodes send 100 messages: each once, in order", async move { two_nodes(false).await });
    cases.add("two nodes send 100 messages, one is killed: each once at most, none lost", async move {
        two_nodes(true).await
    });
    cases
}

/// The provider has taken messages and does not answer; the broker is killed; it comes back. `late`: some are reported only after
/// they were called unknown.
pub async fn killed_while_held(seed: u64, late: bool) -> Verdict {
    let mut rig = Rig::start(Wanted::default()).await;
    let verdict = held_and_killed(&mut rig, seed, late).await;
    closed(&rig, verdict).await
}

async fn held_and_killed(rig: &mut Rig, seed: u64, late: bool) -> Verdict {
    let mut random = StdRng::seed_from_u64(seed);
    let mut held = Vec::new();
    for n in 0..HELD {
        let channel = if n % 2 == 0 { META } else { TWILIO };
        let (to, conversation) = rig.customer(channel).await?;
        silent(rig, channel, &to);
        script(rig, channel, &to, Behaviour::SilentAfterAccepting);
        let sent = rig.desk().say(&conversation, "hola").await?;
        held.push(Held { channel, to, sent });
    }
    until(
        super::desk::SOON,
        || "every message at its provider".to_owned(),
        async || {
            let there = held.iter().filter(|held| count(rig, held.channel, &held.to) == 1).count();
            if there == HELD { Ok(()) } else { Err(there.to_string()) }
        },
    )
    .await?;
    rig.broker.kill9();
    rig.broker.restart().await;
    let desk = rig.desk();
    for held in &held {
        let outgoing = desk.reaches(&held.sent, SendState::Sending).await?;
        Wrong::unless(outgoing.accepted_at.is_none(), || "not accepted yet".to_owned(), || told(&outgoing))?;
    }
    // Some are reported before anybody calls them unknown, the others afterwards.
    let (early, late): (Vec<&Held>, Vec<&Held>) = held.iter().partition(|_| !late || random.random_bool(0.5));
    for (group, waits) in [(early, false), (late, true)] {
        for held in group {
            if waits {
                desk.reaches_within(&held.sent, SendState::Unknown, DOUBT).await?;
            }
            let status =
                if random.random_bool(0.5) { ("sent", SendState::Sent) } else { ("delivered", SendState::Delivered) };
            super::statuses::report(rig, held.channel, &held.sent, status.0).await?;
            let outgoing = desk.reaches(&held.sent, status.1).await?;
            same("attempts", &1, &outgoing.attempts)?;
        }
    }
    for held in &held {
        received("a message", 1, count(rig, held.channel, &held.to))?;
    }
    Ok(())
}

/// The broker is killed at some point of a burst. The provider reports what it took, also after the restart.
pub async fn killed_in_a_burst(seed: u64) -> Verdict {
    let mut rig = Rig::start(Wanted::default()).await;
    let verdict = burst_and_killed(&mut rig, seed).await;
    closed(&rig, verdict).await
}

async fn burst_and_killed(rig: &mut Rig, seed: u64) -> Verdict {
    let mut random = StdRng::seed_from_u64(seed);
    let sent = burst(rig, &rig.desk(), &rig.desk()).await?;
    let point = random.random_range(1..CONVERSATIONS * EACH);
    while rig.meta.accepted().len() < point {
        tokio::time::sleep(POLL_EVERY).await;
    }
    rig.broker.kill9();
    rig.broker.restart().await;
    ended(rig, &rig.desk(), &sent).await
}

/// Two nodes on one log.
pub async fn two_nodes(kills: bool) -> Verdict {
    let nats = NatsServer::start().await;
    let mut rig = Rig::start(Wanted { nats: Some(nats.url()), ..Wanted::default() }).await;
    let other = Broker::start_with(rig.other_node(&nats.url())).await;
    let verdict = beside(&mut rig, &other, kills).await;
    closed(&rig, verdict).await
}

async fn beside(rig: &mut Rig, other: &Broker, kills: bool) -> Verdict {
    let there = Desk::at(other, "laura", &rig.ledger);
    let sent = burst(rig, &rig.desk(), &there).await?;
    if kills {
        while rig.meta.accepted().len() < CONVERSATIONS * EACH / 4 {
            tokio::time::sleep(POLL_EVERY).await;
        }
        rig.broker.kill9();
        // Reports go to the node that is left, too, once it is told where.
        rig.broker.restart().await;
    }
    ended(rig, &there, &sent).await?;
    if !kills {
        same("messages at the provider", &(CONVERSATIONS * EACH), &rig.meta.accepted().len())?;
        for (to, messages) in &sent {
            let messages: Vec<&str> = messages.iter().map(|sent| sent.message.as_str()).collect();
            in_their_order(rig, META, to, &messages)?;
        }
    }
    Ok(())
}

/// Queues the burst, through two desks in turn.
pub async fn burst(rig: &Rig, one: &Desk, two: &Desk) -> Verdict<Vec<(String, Vec<Sent>)>> {
    let mut all = Vec::new();
    for _ in 0..CONVERSATIONS {
        let (to, conversation) = rig.customer(META).await?;
        all.push((to, conversation, Vec::new()));
    }
    for n in 0..EACH {
        let desk = if n % 2 == 0 { one } else { two };
        for (_, conversation, sent) in &mut all {
            sent.push(desk.say(conversation, &format!("mensaje {n}")).await?);
        }
    }
    Ok(all.into_iter().map(|(to, _, sent)| (to, sent)).collect())
}

/// Every message ends: read if the provider got it, unknown if it did not and nobody can know.
pub async fn ended(rig: &Rig, desk: &Desk, sent: &[(String, Vec<Sent>)]) -> Verdict {
    for (_, messages) in sent {
        for sent in messages {
            let taken =
                || rig.meta.accepted().iter().filter(|one| one.callback.as_deref() == Some(&sent.message)).count();
            until(
                DOUBT,
                || format!("{} read, or unknown and not at the provider", sent.message),
                async || {
                    let outgoing = desk.seen(sent).await?.outgoing.unwrap_or_default();
                    match (outgoing.state(), taken()) {
                        (SendState::Read, 1) | (SendState::Unknown, 0) => Ok(()),
                        (_, taken) => Err(format!("{}, {taken} at the provider", told(&outgoing))),
                    }
                },
            )
            .await?;
        }
    }
    Ok(())
}

/// The account of a rig of its own: also where its case went wrong, for that may be why.
async fn closed(rig: &Rig, verdict: Verdict) -> Verdict {
    let doubles = rig.doubles();
    DOUBLES.fetch_add(doubles.len(), Ordering::SeqCst);
    verdict?;
    let lost = rig.lost().await;
    LOST.fetch_add(lost.len(), Ordering::SeqCst);
    same("messages sent twice", &Vec::<String>::new(), &doubles)?;
    same("messages without an end", &Vec::<Sent>::new(), &lost)
}
