//! What the sender writes to the log: claims, and what came of them. The log may be away for a while: what has to be said is said
//! until it is stored.

use std::time::Duration;

use rand::RngExt as _;
use relevo_command::decision::EntityState;
use relevo_command::{Claimed, ExecuteError, LedgerError, SendRef};
use relevo_domain::conversation::{Opened, SendFailure};
use relevo_domain::{ChannelId, Timestamp};
use tokio::time::{Instant, sleep};

use crate::attempt::CLAIM_LIMIT;
use crate::policy;
use crate::sender::Shared;

/// Pauses between tries to reach the log: they double, with jitter.
pub(crate) const LOG_PAUSE_FIRST: Duration = Duration::from_millis(20);
pub(crate) const LOG_PAUSE_MAX: Duration = Duration::from_secs(5);
/// A failing log is told once, then every so many tries.
const TELL_EVERY: u32 = 60;

/// Which message, through which channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) of: SendRef,
    pub(crate) channel: ChannelId,
}

/// What is to be said of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Accepted {
        attempt: u32,
        provider_id: String,
    },
    Failed {
        attempt: u32,
        failure: SendFailure,
        retry_at: Option<Timestamp>,
    },
    Unknown {
        attempt: u32,
    },
    /// It is not handed over and will not be any more.
    GivenUp {
        failure: SendFailure,
    },
}

/// A message that is this sender's for one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Won {
    pub(crate) attempt: u32,
    /// When what is stored was asked for; absent if that was too long ago to be used.
    pub(crate) asked: Option<Instant>,
    /// Until when the call must have begun.
    pub(crate) until: Timestamp,
}

/// Asks for the turn until the log has answered: a claim that may be stored must not be forgotten. `None` if it is not ours. Each try
/// asks for a time of its own, for the log may have been away for longer than a claim lasts. Ends with the process.
pub(crate) async fn claim(shared: &Shared, letter: &Letter) -> Option<Won> {
    // Two senders, or two turns of one, never ask under the same name: whoever is answered that it is theirs has it alone.
    let name = uuid::Uuid::new_v4().simple().to_string();
    let mut tries = 0;
    // Those whose time may still be stored and used: with pauses that grow, some dozen.
    let mut asked: Vec<(Instant, Timestamp)> = Vec::new();
    loop {
        asked.retain(|(at, _)| at.elapsed() < CLAIM_LIMIT);
        let now = shared.now();
        asked.push((Instant::now(), now + CLAIM_LIMIT));
        match shared.sends.claim(&letter.of, &name, now + CLAIM_LIMIT, now).await {
            Ok(Claimed::Yes { attempt, until }) => {
                // Of two tries in one millisecond the earlier counts.
                let stored = asked.iter().find(|(_, time)| *time == until);
                return Some(Won { attempt, asked: stored.map(|(at, _)| *at), until });
            }
            Ok(Claimed::Lost) => return None,
            Err(error) => complain(letter, "claim", &error, tries),
        }
        pause(tries).await;
        tries = tries.saturating_add(1);
    }
}

/// Says what came of a message until the log has it, or says that there is nothing to say any more. Ends with the process.
pub(crate) async fn tell(shared: &Shared, letter: &Letter, news: &News) {
    let now = shared.now();
    let mut tries = 0;
    loop {
        let (sends, of) = (&shared.sends, &letter.of);
        let told = match news.clone() {
            News::Accepted { attempt, provider_id } => {
                sends.accepted(of, attempt, &letter.channel, &provider_id, now).await
            }
            News::Failed { attempt, failure, retry_at } => sends.failed(of, attempt, failure, retry_at, now).await,
            News::Unknown { attempt } => sends.unknown(of, attempt, now).await,
            News::GivenUp { failure } => sends.give_up(of, failure, now).await,
        };
        match told {
            Ok(()) => return,
            Err(ExecuteError::Rejected(rejection)) => {
                let (tenant, message_id) = (&of.tenant, of.message);
                tracing::error!(%tenant, %message_id, ?rejection, "outcome of a message was refused");
                return;
            }
            Err(error) => complain(letter, "outcome", &error, tries),
        }
        pause(tries).await;
        tries = tries.saturating_add(1);
    }
}

/// Whether the customer's window is open, by what the leader has: this node's view may not know yet what the customer has just
/// written.
pub(crate) async fn window_is_open(shared: &Shared, letter: &Letter) -> Result<bool, LedgerError> {
    let (tenant, conversation) = (&letter.of.tenant, &letter.of.conversation);
    let known = shared.ledger.load(tenant, conversation)?;
    let entity = if shared.ledger.confirm(tenant, conversation, &known).await? {
        known
    } else {
        shared.ledger.load(tenant, conversation)?
    };
    let EntityState::Conversation(state) = &entity.state else { return Ok(false) };
    let expires = state.opened.as_ref().and_then(Opened::window_expires_at);
    Ok(expires.is_some_and(|expires| expires > shared.now()))
}

async fn pause(tries: u32) {
    let pause = policy::doubled(LOG_PAUSE_FIRST, tries, LOG_PAUSE_MAX);
    let jittered = pause.mul_f64(rand::rng().random_range(0.5..1.0));
    sleep(jittered).await;
}

fn complain(letter: &Letter, what: &'static str, error: &ExecuteError, tries: u32) {
    if tries.is_multiple_of(TELL_EVERY) {
        let (tenant, channel, message_id) = (&letter.of.tenant, &letter.channel, letter.of.message);
        tracing::warn!(%tenant, %channel, %message_id, what, tries, %error, "log did not take what the sender has to say");
    }
}
