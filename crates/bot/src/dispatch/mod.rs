//! Who is given which turn. Every holder (a bot's stream, or a taker inside of the broker) takes what is due for its bot as far as
//! it has credit; the conversation's compare-and-set decides between holders and nodes. Nothing here decides whether a bot may speak.

mod build;
mod desk;
mod holder;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use relevo_command::grpc::TurnCommands;
use relevo_domain::{AgentId, Caller, Clock, TenantId};
use relevo_projection::View;
use relevo_proto::bot::v1 as pb;
use relevo_query::Query;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use build::HISTORY_MAX;
pub(crate) use desk::{Desk, STREAMS_MAX};
pub(crate) use holder::Holder;

use crate::act::Paces;
use crate::taker::Ready;

/// How long a bot has a turn unless the configuration says otherwise.
pub const TURN_DEFAULT: Duration = Duration::from_mins(1);
/// How long a bot may have a turn at most: a customer who waits longer is given up on.
pub const TURN_MAX: Duration = Duration::from_mins(15);
/// What nobody wrote in for so long is not given any more unless the configuration says otherwise: WhatsApp would refuse the answer.
pub const OLDEST_DEFAULT: Duration = Duration::from_hours(24);

/// How long a bot may leave an answer unread: longer than any hiccup of a network.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// How turns are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long a bot has a turn.
    pub turn: Duration,
    /// What nobody wrote in for so long is let be.
    pub oldest: Duration,
    /// How long a bot may leave an answer unread before its stream ends; its turns are given to others.
    pub read_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { turn: TURN_DEFAULT, oldest: OLDEST_DEFAULT, read_within: READ_WITHIN }
    }
}

/// What bots are served with.
pub struct BotsParts {
    pub commands: TurnCommands,
    /// The view [`turns`](crate::turns).
    pub view: Arc<View>,
    /// The view that threads are read from: while it is behind, nothing is given.
    pub inbox: Arc<View>,
    /// Reads threads, as the bot may.
    pub query: Query,
    pub clock: Clock,
    pub options: Options,
    /// Names this node among all that run at the same time.
    pub node: String,
    /// Cancelled when the node stops: ends every stream.
    pub ending: CancellationToken,
}

/// Serves the bots of one node. Cheap to clone.
#[derive(Clone)]
pub struct Bots {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) parts: BotsParts,
    pub(crate) paces: Paces,
    desks: Mutex<HashMap<(TenantId, AgentId), Arc<Desk>>>,
    /// What must not be broken off: turns that are given back, and answers of takers.
    pub(crate) tasks: TaskTracker,
}

/// Nobody is there any more who could be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// Where a holder's turns go.
#[async_trait]
pub(crate) trait Sink: Send + Sync + 'static {
    /// Gives a turn.
    async fn give(&self, turn: pb::Turn) -> Result<(), Gone>;
    /// Tells that a turn is over without the bot's doing.
    async fn over(&self, over: pb::TurnOver) -> Result<(), Gone>;
    /// How much it takes now, within its credit.
    fn ready(&self) -> Ready {
        Ready::default()
    }
}

impl Bots {
    pub fn new(parts: BotsParts) -> Self {
        let (paces, desks, tasks) = (Paces::default(), Mutex::default(), TaskTracker::new());
        Self { inner: Arc::new(Inner { parts, paces, desks, tasks }) }
    }

    /// Waits until everything that streams and takers have begun is done. After `ending` alone.
    pub async fn finished(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

impl Inner {
    /// What the holders of one bot on this node share.
    pub(crate) fn desk(&self, caller: &Caller) -> Arc<Desk> {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        // As many as there are bots: a key or an entry of the configuration each.
        Arc::clone(desks.entry((caller.tenant.clone(), caller.name.clone())).or_default())
    }
}
