//! One folder of one account: claimed, read, waited on, and again from the beginning after whatever went wrong.

use std::sync::Arc;
use std::time::Duration;

use relevo_domain::EndpointId;
use relevo_eventlog::{Claim, Hold};
use relevo_providers::{ImapServer, MailAccount};
use tokio_util::sync::CancellationToken;

use crate::Shared;
use crate::careful::Careful;
use crate::health::MailboxHealth;
use crate::link;
use crate::memory::AccountMemory;
use crate::pause::{CONNECTION_PAUSE_MAX, DENIED_PAUSE_MAX, ELSEWHERE_PAUSE_MAX, Pauses};
use crate::session::FolderSession;
use crate::sync::{self, Target};
use crate::trouble::{Remedy, Trouble};

/// The first pause after trouble that is not the mailbox's own.
const ELSEWHERE_PAUSE_FIRST: Duration = Duration::from_millis(250);
/// After another node's claim should have ended.
const CLAIM_PAUSE: Duration = Duration::from_millis(50);
/// How much longer than its renewal an IDLE may be silent before the connection counts as dead.
const IDLE_GRACE: Duration = Duration::from_secs(30);
/// How long letting go of a folder may take when Relevo ends; the claim ends by itself otherwise.
const RELEASE_MAX: Duration = Duration::from_secs(2);

/// A folder that is to be read.
pub(crate) struct Reader {
    pub(crate) shared: Arc<Shared>,
    pub(crate) mail: MailAccount,
    pub(crate) server: ImapServer,
    pub(crate) endpoint: EndpointId,
    pub(crate) folder: String,
    /// This node's name among the readers.
    pub(crate) owner: String,
    pub(crate) health: Arc<MailboxHealth>,
    pub(crate) memory: Arc<AccountMemory>,
    pub(crate) stop: CancellationToken,
}

/// How the attempts have gone.
struct Course {
    connection: Pauses,
    denied: Pauses,
    elsewhere: Pauses,
    /// Since the last time that everything that was there was brought in.
    failures: u32,
    careful: Option<Careful>,
}

impl Reader {
    pub(crate) async fn run(self) {
        let options = &self.shared.options;
        let mut course = Course {
            connection: Pauses::new(options.connection_pause, CONNECTION_PAUSE_MAX),
            denied: Pauses::new(options.denied_pause, DENIED_PAUSE_MAX),
            elsewhere: Pauses::new(ELSEWHERE_PAUSE_FIRST, ELSEWHERE_PAUSE_MAX),
            failures: 0,
            careful: None,
        };
        while !self.stop.is_cancelled() {
            let pause = match self.turn(&mut course).await {
                Ok(pause) => pause,
                Err(Trouble::Stopped) => return,
                Err(trouble) => self.note(&trouble, &mut course),
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Claims the folder and reads it until something happens. `Ok` is a pause: another node reads it.
    async fn turn(&self, course: &mut Course) -> Result<Duration, Trouble> {
        let parts = &self.shared.parts;
        let lease = self.shared.options.lease;
        let now = (parts.clock)();
        let claim = parts.positions.claim(&self.endpoint, &self.folder, &self.owner, now, lease).await?;
        let mut hold = match claim {
            Claim::Held(hold) => hold,
            Claim::Elsewhere { until } => {
                self.health.forget(&self.folder);
                // A little later than the other's claim ends, so that it is asked once.
                return Ok(until.since(now).min(lease) + CLAIM_PAUSE);
            }
        };
        let trouble = tokio::select! {
            () = self.stop.cancelled() => Trouble::Stopped,
            trouble = self.read(&mut hold, course) => trouble,
        };
        if matches!(trouble, Trouble::Stopped) {
            let released = parts.positions.release(hold, (parts.clock)());
            if !matches!(tokio::time::timeout(RELEASE_MAX, released).await, Ok(Ok(()))) {
                tracing::debug!(endpoint = %self.endpoint, "a folder stays claimed for a moment");
            }
        }
        Err(trouble)
    }

    /// Reads until something goes wrong.
    async fn read(&self, hold: &mut Hold, course: &mut Course) -> Trouble {
        match self.session(hold, course).await {
            Ok(never) => match never {},
            Err(trouble) => trouble,
        }
    }

    async fn session(&self, hold: &mut Hold, course: &mut Course) -> Result<std::convert::Infallible, Trouble> {
        let options = &self.shared.options;
        let target = Target {
            shared: &self.shared,
            memory: &self.memory,
            endpoint: &self.endpoint,
            folder: &self.folder,
            mailbox: sync::mailbox_hash(&self.server.host, &self.mail.credential.user),
            import_days: self.server.import_days,
        };
        let connecting = async {
            let connected = link::connect(&self.mail, &self.server, &self.shared.parts.tokens).await?;
            let mut session = FolderSession::new(connected).await?;
            let folder = session.examine(&self.folder).await?;
            Ok((session, folder))
        };
        let (mut session, folder) = sync::holding(&target, hold, connecting).await?;
        sync::begin(&target, &mut session, hold, folder).await?;
        loop {
            Box::pin(sync::catch_up(&target, &mut session, hold, &mut course.careful)).await?;
            course.connection.reset();
            course.denied.reset();
            course.elsewhere.reset();
            course.failures = 0;
            self.health.good(&self.folder);
            if session.can_idle() {
                let mut idling = None;
                let waiting = async {
                    let stall = options.idle_renewal + IDLE_GRACE;
                    match tokio::time::timeout(options.idle_renewal, session.idle(&mut idling, stall)).await {
                        Ok(waited) => waited,
                        Err(_elapsed) => Ok(()),
                    }
                };
                sync::holding(&target, hold, waiting).await?;
                if let Some(idling) = idling {
                    sync::holding(&target, hold, session.end_idle(idling)).await?;
                }
            } else {
                let waiting = async {
                    tokio::time::sleep(options.poll_every).await;
                    session.noop().await
                };
                sync::holding(&target, hold, waiting).await?;
            }
        }
    }

    /// Tells the board and the operator, and says how long to wait.
    fn note(&self, trouble: &Trouble, course: &mut Course) -> Duration {
        let endpoint = &self.endpoint;
        course.failures = course.failures.saturating_add(1);
        match trouble.remedy() {
            Remedy::Person => {
                let pause = course.denied.next();
                self.health.broken(&self.folder, trouble.failure());
                tracing::error!(%endpoint, %trouble, pause_s = pause.as_secs(), "a mailbox has to be mended");
                pause
            }
            Remedy::Soon => {
                // Looking for the one mail that sessions end at is no reason to be slow.
                if course.careful.is_some_and(|careful| careful.is_narrowing()) {
                    course.connection.reset();
                }
                let pause = course.connection.next();
                // Servers end good connections, with OAuth every hour: only a second failure in a row means something.
                if course.failures > 1 {
                    self.health.ailing(&self.folder, trouble.failure());
                    tracing::warn!(%endpoint, %trouble, pause_ms = pause.as_millis(), "a mailbox cannot be read now");
                } else {
                    tracing::debug!(%endpoint, %trouble, "a mailbox is connected anew");
                }
                pause
            }
            Remedy::Elsewhere => {
                tracing::debug!(%endpoint, %trouble, "a mailbox waits");
                course.elsewhere.next()
            }
        }
    }
}
