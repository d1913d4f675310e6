//! Posts a part of the trace through the real webhook and waits for what comes of it, as a closed or an open loop.
//!
//! Closed: each client hands in one line, waits until it is visible (a duplicate or a status: until it is answered), and takes its
//! next one. Open: lines are due at a fixed rate whatever becomes of them, and a time begins when the line was due, not when a
//! connection was free for it.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

use crate::measure::Times;
use crate::post::Door;
use crate::request::{BEGAN_BEFORE_S, Prepared, prepare};
use crate::rig::{Cpu, Rig, now_s};
use crate::seen::Seen;
use crate::trace::{self, Plan};
use crate::witness::{self, Counted, Notes};

/// A message that is not visible by then is lost, or the machine has stopped.
const PATIENCE: Duration = Duration::from_mins(1);
/// A refused POST is tried again, as providers do; they wait longer.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
const TRIES_MAX: usize = 100;
/// Connections of an open loop: more than it ever needs while the broker keeps up.
const OPEN_CONNECTIONS: usize = 256;
/// The first part of a measurement is not counted: connections, caches and first conversations.
const WARM_SHARE: u32 = 5;

/// How lines are handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// So many clients, each with one line on its way.
    Closed(usize),
    /// So many lines a second.
    Open(u32),
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub pace: Pace,
    pub lasts: Duration,
    pub seed: u64,
    /// Sets it apart from the others on the same broker: 1 to 99.
    pub number: u64,
    /// Lines that are prepared: a closed loop that uses them up ends early.
    pub lines: u64,
}

/// A line that was handed in.
#[derive(Clone, Copy, Debug)]
pub struct Posted {
    pub number: Option<u32>,
    pub sender: u64,
    /// When it was due, sent and answered.
    pub due: Instant,
    pub sent: Instant,
    pub answered: Instant,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Measured {
    pub part: Part,
    /// Messages that were visible a second, in the time that counts.
    pub visible_per_s: f64,
    /// Lines that were answered a second in it, duplicates and statuses with them.
    pub posts_per_s: f64,
    /// From POST to visible, of messages that were due in it.
    pub times: Times,
    /// From POST to its answer.
    pub answers: Times,
    /// Messages that were visible in it: what CPU is divided by.
    pub messages: u64,
    pub cpu: Cpu,
    /// Answers other than success; the line was handed in again.
    pub refused: u64,
    /// Lines that were due and found no free connection within the time.
    pub late: u64,
    pub counted: Counted,
    pub posted: Vec<Posted>,
    pub payload_bytes: u64,
    /// Bodies and commits, to publish the same bytes raw.
    pub samples: Vec<bytes::Bytes>,
    /// When it began, for [`Posted`]'s times.
    pub seen: Seen,
}

#[derive(Clone, Default)]
struct Tally {
    posted: Arc<Mutex<Vec<Posted>>>,
    refused: Arc<AtomicU64>,
    lost: Arc<AtomicU64>,
}

/// Runs a part. Fails if a witness does.
pub async fn run(rig: &Rig, part: Part) -> io::Result<Measured> {
    let lines = trace::lines(Plan { seed: part.seed, part: part.number, lines: part.lines });
    let requests = Arc::new(prepare(&lines, &rig.broker.http, now_s() - BEGAN_BEFORE_S));
    drop(lines);
    let messages = requests.iter().filter(|request| request.number.is_some()).count();
    let (seen, notes, tally) = (Seen::new(messages), Notes::default(), Tally::default());
    let mut witnesses = JoinSet::new();
    let heard = witness::listen(rig, part.number, seen.clone(), notes.clone()).await?;
    witnesses.spawn(heard);
    let asks = witness::ask(rig.client("admin"), seen.clone(), notes.clone());
    witnesses.spawn(async {
        asks.await;
        Ok(())
    });
    let claims = witness::claim(rig.client("agent"), rig.client("agent-2"), notes.clone());
    witnesses.spawn(async {
        claims.await;
        Ok(())
    });

    let begun = Instant::now();
    let (counts_from, until) = (begun + part.lasts / WARM_SHARE, begun + part.lasts);
    let hands = match part.pace {
        Pace::Closed(clients) => closed(rig, &requests, clients, until, &seen, &tally).await?,
        Pace::Open(per_s) => open(rig, &requests, per_s, begun, until, &tally).await?,
    };
    sleep_until(counts_from.into()).await;
    let (cpu, before) = (rig.cpu(), seen.count());
    sleep_until(until.into()).await;
    let (cpu, messages) = (rig.cpu().since(cpu), seen.count() - before);
    let late = finish(hands).await;
    settle(&seen, &tally).await;
    if let Some(Ok(Err(error))) = witnesses.try_join_next() {
        return Err(error);
    }
    witnesses.abort_all();

    let posted = std::mem::take(&mut *tally.posted.lock().unwrap_or_else(PoisonError::into_inner));
    let within = |at: Instant| (counts_from..until).contains(&at);
    let window = until.duration_since(counts_from).as_secs_f64();
    let (mut times, mut answers) = (Times::default(), Times::default());
    for one in posted.iter().filter(|one| within(one.due)) {
        answers.add(one.answered - one.due);
        if let Some(at) = one.number.and_then(|number| seen.visible_at(number)) {
            times.add(at.saturating_duration_since(one.due));
        }
    }
    let bodies = requests.iter().map(|request| request.bytes.slice(request.bytes.len() - request.payload..));
    let samples = bodies.zip(notes.samples()).flat_map(|(body, commit)| [body, commit]).collect();
    Ok(Measured {
        part,
        visible_per_s: messages as f64 / window,
        posts_per_s: posted.iter().filter(|one| within(one.answered)).count() as f64 / window,
        times,
        answers,
        messages,
        cpu,
        refused: tally.refused.load(Ordering::SeqCst),
        late,
        counted: notes.counted(),
        payload_bytes: requests.iter().take(posted.len()).map(|request| request.payload as u64).sum(),
        posted,
        samples,
        seen,
    })
}

/// Waits until everything that was taken is visible, or has had its time.
async fn settle(seen: &Seen, tally: &Tally) {
    let waits: Vec<u32> = {
        let posted = tally.posted.lock().unwrap_or_else(PoisonError::into_inner);
        posted.iter().filter_map(|one| one.number).filter(|number| seen.visible_at(*number).is_none()).collect()
    };
    let all = async {
        for number in waits {
            seen.visible(number).await;
        }
    };
    // What is missing then is counted from the log as lost.
    timeout(PATIENCE, all).await.ok();
}

/// Lets everybody finish; how many lines were left over.
async fn finish(mut hands: JoinSet<u64>) -> u64 {
    let mut late = 0;
    while let Some(left) = hands.join_next().await {
        late += left.unwrap_or(0);
    }
    late
}

async fn closed(
    rig: &Rig,
    requests: &Arc<Vec<Prepared>>,
    clients: usize,
    until: Instant,
    seen: &Seen,
    tally: &Tally,
) -> io::Result<JoinSet<u64>> {
    // All that one customer writes goes through one client, in order.
    let mut lines: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, request) in requests.iter().enumerate() {
        lines.entry((request.sender % clients as u64) as usize).or_default().push(at);
    }
    let mut hands = JoinSet::new();
    for (_client, lines) in lines {
        let mut door = Door::new(&rig.broker.http);
        door.open().await?;
        let (requests, seen, tally) = (Arc::clone(requests), seen.clone(), tally.clone());
        hands.spawn(async move {
            for at in lines {
                if Instant::now() >= until {
                    break;
                }
                let request = &requests[at];
                if hand_in(&mut door, request, Instant::now(), &tally).await
                    && let Some(number) = request.number
                    && timeout(PATIENCE, seen.visible(number)).await.is_err()
                {
                    tally.lost.fetch_add(1, Ordering::SeqCst);
                }
            }
            0
        });
    }
    Ok(hands)
}

async fn open(
    rig: &Rig,
    requests: &Arc<Vec<Prepared>>,
    per_s: u32,
    begun: Instant,
    until: Instant,
    tally: &Tally,
) -> io::Result<JoinSet<u64>> {
    let (sender, receiver) = mpsc::channel::<(usize, Instant)>(requests.len());
    let receiver = Arc::new(tokio::sync::Mutex::new(receiver));
    let mut hands = JoinSet::new();
    for _connection in 0..OPEN_CONNECTIONS {
        let mut door = Door::new(&rig.broker.http);
        door.open().await?;
        let (requests, tally, receiver) = (Arc::clone(requests), tally.clone(), Arc::clone(&receiver));
        hands.spawn(async move {
            loop {
                let Some((at, due)) = receiver.lock().await.recv().await else { return 0 };
                hand_in(&mut door, &requests[at], due, &tally).await;
            }
        });
    }
    let count = requests.len();
    hands.spawn(async move {
        let every = Duration::from_secs(1) / per_s;
        for at in 0..count {
            let due = begun + every * u32::try_from(at).unwrap_or(u32::MAX);
            if due >= until {
                break;
            }
            sleep_until(due.into()).await;
            // There is room for every line.
            sender.send((at, due)).await.ok();
        }
        0
    });
    Ok(hands)
}

/// Posts until it is taken; answers whether it was.
async fn hand_in(door: &mut Door, request: &Prepared, due: Instant, tally: &Tally) -> bool {
    let sent = Instant::now();
    for _try in 0..TRIES_MAX {
        let status = door.post(&request.bytes).await;
        if (200..300).contains(&status) {
            let (number, sender, answered) = (request.number, request.sender, Instant::now());
            let posted = Posted { number, sender, due, sent, answered };
            tally.posted.lock().unwrap_or_else(PoisonError::into_inner).push(posted);
            return true;
        }
        tally.refused.fetch_add(1, Ordering::SeqCst);
        sleep(AGAIN_AFTER).await;
    }
    false
}
