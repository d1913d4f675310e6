//! One holder of turns: it asks for what is due while it has credit, gives it, and notices when a turn is over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use relevo_domain::conversation::{Bot, TurnEnd};
use relevo_domain::{Caller, EntityId, Position};
use relevo_projection::{ViewSnapshot, ViewState};
use relevo_proto::bot::v1 as pb;
use relevo_proto::time::to_wire;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Desk, Inner, Sink, build};
use crate::turns::{self, OverHow};

/// Turns that one holder asks for at the same time: what the log takes in a few milliseconds, and others find some left.
const AT_ONCE_MAX: usize = 8;
/// The clock is looked at this often at least: it may be set.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two looks at the view, however much happens: a pause is told a bot within this time.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How often a turn is given back if the log does not answer; then its time gives it back.
const BACK_MAX: u32 = 20;
/// Between two tries.
const BACK_AGAIN: Duration = Duration::from_millis(500);

/// Somebody who is given turns.
pub(crate) struct Holder {
    pub(crate) inner: Arc<Inner>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) caller: Caller,
    /// Names this holder on the log.
    pub(crate) claim: String,
    /// Turns at the same time.
    pub(crate) turns_max: usize,
    /// Messages before the new ones that each turn tells.
    pub(crate) history: usize,
    pub(crate) sink: Arc<dyn Sink>,
}

/// A turn that was given.
#[derive(Clone, Copy, Debug)]
struct Given {
    conversation: EntityId,
    number: u64,
    position: Position,
    /// On this machine's clock.
    until: Instant,
    /// Nobody is there to take it.
    gone: bool,
}

/// What became of asking for a turn.
enum Asked {
    Given(Given),
    /// Somebody else has it, or nobody needs it.
    Lost,
    Trouble,
}

/// What a holder has.
#[derive(Default)]
struct Hands {
    running: HashMap<EntityId, Given>,
    asking: JoinSet<Asked>,
    about: HashMap<Id, EntityId>,
}

impl Holder {
    /// Works until it is told to end, or until nobody takes what it gives. Then it gives back what it has.
    pub(crate) async fn run(self, token: CancellationToken) {
        let mut hands = Hands::default();
        let mut changes = self.inner.parts.view.changes();
        loop {
            let looked = Instant::now();
            let Ok(pause) = self.look(&mut hands).await else { break };
            tokio::select! {
                () = token.cancelled() => break,
                Some(ended) = hands.asking.join_next_with_id() => {
                    if self.asked(&mut hands, ended) {
                        break;
                    }
                }
                change = changes.recv() => match change {
                    Ok(_) | Err(RecvError::Lagged(_)) => {
                        tokio::select! {
                            () = token.cancelled() => break,
                            () = sleep_until(looked + LOOK_AGAIN) => {}
                        }
                    }
                    Err(RecvError::Closed) => break,
                },
                () = sleep(pause) => {}
            }
        }
        // What was asked for is given back, too, if it came.
        while let Some(ended) = hands.asking.join_next_with_id().await {
            self.asked(&mut hands, ended);
        }
        for given in hands.running.into_values() {
            give_back(&self.inner, &self.caller, given.conversation, given.number).await;
        }
    }

    /// Tells what is over and asks for what is due. Answers how long there is nothing else to do.
    async fn look(&self, hands: &mut Hands) -> Result<Duration, super::Gone> {
        let Some(snapshot) = self.current() else { return Ok(LOOK_EVERY) };
        let overs = self.overs(&snapshot, hands);
        for over in overs.into_iter().flatten() {
            self.sink.over(over).await?;
        }
        let now = Instant::now();
        let ready = self.sink.ready();
        let room = self.turns_max.min(ready.turns).saturating_sub(hands.running.len() + hands.asking.len());
        let room = room.min(AT_ONCE_MAX.saturating_sub(hands.asking.len()));
        let ends = hands.running.values().map(|given| given.until.saturating_duration_since(now)).min();
        let mut pause = ends.unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
        if !ready.again_in.is_zero() {
            pause = pause.min(ready.again_in);
        }
        if room == 0 {
            return Ok(pause.max(LOOK_AGAIN));
        }
        let time = (self.inner.parts.clock)();
        let oldest = time - self.inner.parts.options.oldest;
        let skip = |conversation| hands.running.contains_key(&conversation) || self.desk.holds(conversation, now);
        let found = match turns::due(&*snapshot, &self.caller, (oldest, time), room, &skip) {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "view of turns cannot be read");
                return Ok(LOOK_EVERY);
            }
        };
        for due in found.due {
            if self.desk.take(due.conversation, now) {
                self.ask(hands, due.conversation);
            }
        }
        if let Some(next) = found.next {
            pause = pause.min(next.since(time));
        }
        // What rests is looked at again soon enough with the next change or the next second.
        Ok(pause.max(LOOK_AGAIN))
    }

    /// The view as it is now, if it and the threads show what the log says: a turn that cannot be told is an attempt lost.
    fn current(&self) -> Option<ViewSnapshot> {
        let (view, inbox) = (&self.inner.parts.view, &self.inner.parts.inbox);
        if view.state() != ViewState::Live || inbox.state() != ViewState::Live {
            return None;
        }
        view.snapshot().ok().filter(|snapshot| snapshot.version() == turns::VERSION)
    }

    fn ask(&self, hands: &mut Hands, conversation: EntityId) {
        let (inner, desk, caller) = (Arc::clone(&self.inner), Arc::clone(&self.desk), self.caller.clone());
        let (claim, history, sink) = (self.claim.clone(), self.history, Arc::clone(&self.sink));
        let task = hands.asking.spawn(async move {
            let asked = ask(&inner, &caller, conversation, &claim, history, sink.as_ref()).await;
            match asked {
                Asked::Given(_) => desk.free(conversation),
                Asked::Lost => desk.lost(conversation, Instant::now()),
                Asked::Trouble => desk.rest(conversation, Instant::now()),
            }
            asked
        });
        hands.about.insert(task.id(), conversation);
    }

    /// Whether nobody is there any more.
    fn asked(&self, hands: &mut Hands, ended: Result<(Id, Asked), JoinError>) -> bool {
        match ended {
            Ok((id, asked)) => {
                hands.about.remove(&id);
                let Asked::Given(given) = asked else { return false };
                hands.running.insert(given.conversation, given);
                given.gone
            }
            Err(error) => {
                // What it panicked with was printed when it did. The turn's time gives it back.
                tracing::error!(panicked = error.is_panic(), "a turn could not be given");
                if let Some(conversation) = hands.about.remove(&error.id()) {
                    self.desk.rest(conversation, Instant::now());
                }
                false
            }
        }
    }

    /// Takes out what is over; what the bot did not do itself is to be told.
    fn overs(&self, snapshot: &ViewSnapshot, hands: &mut Hands) -> Vec<Option<pb::TurnOver>> {
        let (now, tenant) = (Instant::now(), &self.caller.tenant);
        let mut over = Vec::new();
        for given in hands.running.values() {
            if snapshot.position() < given.position {
                continue;
            }
            let standing = match turns::standing(&**snapshot, tenant, given.conversation) {
                Ok(standing) => standing,
                Err(error) => {
                    tracing::error!(%error, "view of turns cannot be read");
                    continue;
                }
            };
            let running = standing.as_ref().and_then(|standing| standing.running);
            if running.is_some_and(|running| running.number == given.number) {
                if given.until <= now {
                    over.push((*given, Some(OverHow::Time)));
                }
                continue;
            }
            let how = standing.and_then(|standing| standing.over).filter(|over| over.number == given.number);
            // It was given to somebody else, and ended there.
            over.push((*given, Some(how.map_or(OverHow::Time, |over| over.how))));
        }
        let told = |(given, how): (Given, Option<OverHow>)| {
            hands.running.remove(&given.conversation);
            self.told(given, how?)
        };
        over.into_iter().map(told).collect()
    }

    fn told(&self, given: Given, how: OverHow) -> Option<pb::TurnOver> {
        let (cause, paused) = match how {
            OverHow::Done | OverHow::Failed | OverHow::GivenUp => return None,
            OverHow::Paused => {
                let paused = self.paused(given.conversation);
                // It handed over itself.
                let own = self.caller.actor().to_word();
                if paused.as_ref().is_some_and(|paused| paused.by == own) {
                    return None;
                }
                (pb::TurnOverCause::Paused, paused)
            }
            OverHow::Staff => (pb::TurnOverCause::Staff, None),
            OverHow::Time => (pb::TurnOverCause::Time, None),
        };
        let (conversation_id, turn) = (given.conversation.to_string(), given.number);
        Some(pb::TurnOver { conversation_id, turn, cause: cause.into(), paused })
    }

    /// The pause, if it is not over already.
    fn paused(&self, conversation: EntityId) -> Option<pb::PausedBy> {
        match self.inner.parts.commands.opened(&self.caller, conversation)?.bot {
            Bot::Paused { reason, by, since, .. } => {
                Some(pb::PausedBy { reason: reason.as_str().to_owned(), by: by.to_word(), since: Some(to_wire(since)) })
            }
            Bot::Active => None,
        }
    }
}

/// Asks for a turn and gives it.
async fn ask(
    inner: &Arc<Inner>,
    caller: &Caller,
    conversation: EntityId,
    claim: &str,
    history: usize,
    sink: &dyn Sink,
) -> Asked {
    let options = &inner.parts.options;
    let until = (inner.parts.clock)() + options.turn;
    let deadline = Instant::now() + options.turn;
    let started = match inner.parts.commands.start(caller, conversation, claim, until).await {
        Ok(Some(started)) => started,
        Ok(None) => return Asked::Lost,
        Err(error) => {
            tracing::debug!(tenant = %caller.tenant, %conversation, %error, "a turn was not to be had");
            return Asked::Trouble;
        }
    };
    let number = started.turn.number;
    let mut given = Given { conversation, number, position: started.position, until: deadline, gone: false };
    match build::turn(inner, caller, conversation, &started, history).await {
        Ok(Some(turn)) => {
            given.gone = sink.give(turn).await.is_err();
            Asked::Given(given)
        }
        // A pause or a person was faster.
        Ok(None) => Asked::Lost,
        Err(build::Unbuilt::NothingLeft) => {
            let done = inner.parts.commands.close(caller, conversation, number, TurnEnd::Done).await;
            if let Err(error) = done {
                tracing::debug!(tenant = %caller.tenant, %conversation, %error, "a turn was not ended");
            }
            Asked::Lost
        }
        Err(build::Unbuilt::Unreadable(code)) => {
            tracing::warn!(tenant = %caller.tenant, %conversation, code, "a turn cannot be told, and is given again");
            give_back(inner, caller, conversation, number).await;
            Asked::Trouble
        }
    }
}

/// Gives a turn back that nobody will finish. If the log does not answer for long, the turn's time gives it back.
pub(crate) async fn give_back(inner: &Arc<Inner>, caller: &Caller, conversation: EntityId, number: u64) {
    for _try in 0..BACK_MAX {
        match inner.parts.commands.close(caller, conversation, number, TurnEnd::Failed).await {
            Ok(()) => return,
            Err(error) => tracing::debug!(tenant = %caller.tenant, %conversation, %error, "a turn was not given back"),
        }
        sleep(BACK_AGAIN).await;
    }
    tracing::warn!(tenant = %caller.tenant, %conversation, "a turn was not given back: its time will do it");
}
