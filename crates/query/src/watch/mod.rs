//! Watches: streams that show a view as it is, and then every change of it.
//!
//! A watch is a task without a queue. It waits until the view has passed what it has shown (or time, or something beside the
//! view, gives a reason to look again), then until its client has room for one message, and only then takes the newest snapshot
//! and makes one message of all that is different. So a client that reads slowly costs nothing and gets fewer, larger
//! messages, and what a watch keeps in memory is bounded by the window that it shows. What one shows is a [`Watched`].

pub(crate) mod bulk;
pub(crate) mod conversation;
pub(crate) mod inbox;
mod limit;
pub(crate) mod presence;
mod stream;
mod turns;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use relevo_domain::{Position, Timestamp};
use relevo_projection::{View, ViewError, ViewSnapshot, ViewState};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::error::QueryError;
use crate::request::{Freshness, Session, WAIT_DEFAULT};
use crate::{Query, moment};

pub use limit::{WATCHES_PER_CALLER_MAX, WATCHES_PER_NODE_MAX, WATCHES_PER_TENANT_MAX};
pub use stream::WatchStream;

pub(crate) use limit::Watches;
pub(crate) use turns::{Lane, Turns};

use limit::Slot;
use stream::{Ended, ending};

/// How long a stream is silent at most: below the idle time-outs of common proxies.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// Messages that wait for a client. The second lets one be made while the first is written to the network.
const MESSAGES_MAX: usize = 2;
/// How long a client may leave its messages unread, two heartbeats at least among them: longer than a browser's tab sleeps that
/// somebody comes back to, and it keeps its place from others.
const UNREAD_MAX: Duration = Duration::from_mins(20);
/// Between two looks that time alone asks for: a due time that lies in the past must not make a watch spin.
const LOOK_AGAIN_MIN: Duration = Duration::from_millis(100);

/// What a watch shows.
pub(crate) trait Watched: Send + Sized + 'static {
    type Message: Send + 'static;

    /// Between two looks at least. A change after a quiet time is always told at once.
    const INTERVAL: Duration = Duration::ZERO;
    /// With whom it takes turns to read.
    const LANE: Lane = Lane::Lists;

    /// Makes one message of all that is different since the last look; the first time, of all that there is. Runs where blocking
    /// is allowed. An error ends the stream.
    fn look(&mut self, seen: &Seen<'_>) -> Result<Step<Self::Message>, QueryError>;

    /// The message that says that nothing is different.
    fn heartbeat(&self, position: Position) -> Self::Message;

    /// When to look again though nothing happened; asked after each look.
    fn look_again_at(&self) -> Option<Timestamp> {
        None
    }

    /// Ends when something beside the view asks for a look. Dropped and called again at will.
    fn stirred(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// What there is to see at one look.
pub(crate) struct Seen<'a> {
    pub(crate) rows: &'a ViewSnapshot,
    pub(crate) now: Timestamp,
    /// What the look before saw, or what the client says that it has seen; `None` at the first look of a new watch.
    pub(crate) since: Option<Position>,
    /// The first look of this stream.
    pub(crate) first: bool,
}

/// What a look has found.
pub(crate) enum Step<M> {
    Nothing,
    Say(M),
    /// And there is more to say about the same: look again at once.
    SayMore(M),
}

impl Query {
    /// Opens a watch. What is wrong with it is answered before the stream begins: the first look is done here.
    pub(crate) async fn watch<W: Watched>(
        &self,
        session: Session,
        view: Arc<View>,
        watched: W,
        from: Option<Position>,
    ) -> Result<WatchStream<W::Message>, QueryError> {
        let slot = self.inner.watches.admit(&session.caller)?;
        moment::reach(&view, Freshness { position: from, wait: WAIT_DEFAULT }).await?;
        let (sender, receiver) = mpsc::channel(MESSAGES_MAX);
        let (ended, stream) = ending(receiver);
        let follower = Follower {
            query: self.clone(),
            view,
            watched: Some(watched),
            seen: from,
            first: true,
            more: false,
            silent_since: Instant::now(),
            looked_at: Instant::now(),
            sender,
        };
        let mut watch = Watch { follower, session, _slot: slot };
        watch.follower.step().await?;
        tokio::spawn(watch.run(ended));
        Ok(stream)
    }
}

/// A running watch.
struct Watch<W: Watched> {
    follower: Follower<W>,
    session: Session,
    /// Counts it for as long as it runs.
    _slot: Slot,
}

/// The part that looks and speaks.
struct Follower<W: Watched> {
    query: Query,
    view: Arc<View>,
    /// Away while it looks.
    watched: Option<W>,
    seen: Option<Position>,
    first: bool,
    more: bool,
    silent_since: Instant,
    looked_at: Instant,
    sender: mpsc::Sender<W::Message>,
}

impl<W: Watched> Watch<W> {
    /// Until the client goes, the credential expires, the node stops, or something is wrong.
    async fn run(mut self, ended: Ended) {
        let ports = self.follower.query.inner.ports.clone();
        let (gone, expiry) = (self.follower.sender.clone(), expiry(self.session.valid_until, (ports.now)()));
        let why = tokio::select! {
            biased;
            () = gone.closed() => return,
            () = ports.ending.cancelled() => QueryError::Stopping,
            () = expiry => QueryError::TokenExpired { position: Position::START },
            why = self.follower.run() => why,
        };
        let why = match why {
            QueryError::TokenExpired { .. } => {
                QueryError::TokenExpired { position: self.follower.seen.unwrap_or(Position::START) }
            }
            other => other,
        };
        ended.with(why.into_status(self.session.language));
    }
}

/// Ends when the credential does; never, if it does not.
async fn expiry(valid_until: Option<Timestamp>, now: Timestamp) {
    match valid_until {
        Some(until) => tokio::time::sleep(until.since(now)).await,
        None => std::future::pending().await,
    }
}

impl<W: Watched> Follower<W> {
    /// Ends only when something is wrong.
    async fn run(&mut self) -> QueryError {
        loop {
            if !self.more
                && let Err(error) = self.wait().await
            {
                return error;
            }
            // Room first, so that the snapshot is the newest when there is room.
            match tokio::time::timeout(UNREAD_MAX, self.sender.reserve()).await {
                Ok(Ok(_room)) => {}
                // The client has gone; the watch is being dropped.
                Ok(Err(_closed)) => return QueryError::Stopping,
                Err(_unread) => {
                    let limit = UNREAD_MAX.as_secs() as usize;
                    return QueryError::LimitReached { what: "watch_unread_seconds", limit };
                }
            }
            if let Err(error) = self.step().await {
                return error;
            }
        }
    }

    /// Waits until there may be something to say.
    async fn wait(&mut self) -> Result<(), QueryError> {
        tokio::time::sleep_until(self.looked_at + W::INTERVAL).await;
        let deadline = self.deadline();
        let next = Position::new(self.seen.unwrap_or(Position::START).sequence().saturating_add(1));
        let view = Arc::clone(&self.view);
        let stirred = async {
            match &mut self.watched {
                Some(watched) => watched.stirred().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            reached = view.reached(next, deadline) => match reached {
                Ok(()) => Ok(()),
                Err(_stale) => goes_on(&view),
            },
            () = stirred => Ok(()),
        }
    }

    /// A heartbeat, or what time asks for.
    fn deadline(&self) -> Instant {
        let heartbeat = self.silent_since + HEARTBEAT;
        let now = (self.query.inner.ports.now)();
        let again = self.watched.as_ref().and_then(W::look_again_at);
        let again = again.map(|time| Instant::now() + time.since(now).max(LOOK_AGAIN_MIN));
        again.map_or(heartbeat, |again| again.min(heartbeat))
    }

    /// Looks once, and says what is different. There is room for one message.
    async fn step(&mut self) -> Result<(), QueryError> {
        let rows = self.view.snapshot().map_err(QueryError::View)?;
        let position = rows.position();
        let (since, first, now) = (self.seen, self.first, (self.query.inner.ports.now)());
        let Some(mut watched) = self.watched.take() else { return Err(QueryError::Stopping) };
        let look = move || {
            let step = watched.look(&Seen { rows: &rows, now, since, first })?;
            Ok((watched, step))
        };
        let (watched, step) = self.query.inner.turns.read(W::LANE, look).await?;
        self.looked_at = Instant::now();
        let silent = self.silent_since.elapsed() >= HEARTBEAT;
        let (message, more) = match step {
            Step::Nothing => (Some(watched.heartbeat(position)).filter(|_| silent), false),
            Step::Say(message) => (Some(message), false),
            Step::SayMore(message) => (Some(message), true),
        };
        (self.watched, self.seen, self.first, self.more) = (Some(watched), Some(position), false, more);
        if let Some(message) = message {
            self.silent_since = Instant::now();
            // There is room, and this is the only sender.
            self.sender.try_send(message).ok();
        }
        Ok(())
    }
}

/// Whether a view that did not move in time may still move.
fn goes_on(view: &View) -> Result<(), QueryError> {
    match view.state() {
        ViewState::Starting | ViewState::CatchingUp { .. } | ViewState::Live => Ok(()),
        ViewState::Diverged(divergence) => Err(QueryError::View(ViewError::Diverged { view: view.name(), divergence })),
        ViewState::Stopped { error } => Err(QueryError::View(ViewError::Stopped { view: view.name(), error })),
    }
}
