//! What works by itself: the doors to providers, the sender, the media worker, templates, mailboxes, the reactor.
//!
//! None of it is a condition of readiness: a channel that does not work is that channel's trouble, and shows in its health.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use relevo_command::{BulkWorker, BulkWorkerParts, IdKey, Ledger, Mark, ProviderMarks, Sends, TimerPolicy};
use relevo_domain::{ChannelId, EndpointId, EntityId, TenantId};
use relevo_eventlog::{Connection, Log};
use relevo_mailbox::{MailboxParts, Mailboxes};
use relevo_projection::View;
use relevo_providers::{AccountKey, AccountKind, Doors, Tokens};
use relevo_query::SendingChannels;
use relevo_reactor::{Reactor, ReactorParts};
use relevo_sender::media::{MediaParts, MediaWorker, MediumCommands};
use relevo_sender::{Sender, SenderParts, TemplateSync, TemplateSyncParts, TemplateTrigger};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ServeError;
use super::broker::now;
use crate::channels::{Channels, Grants};
use crate::config::{ChannelKind, Config};
use crate::files::FilePorts;

/// The ways to providers, for whoever works or checks with them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ways {
    pub(crate) doors: Doors,
    pub(crate) tokens: Tokens,
    /// Asks for a channel's templates out of turn; of a node that sends nothing, nobody does.
    pub(crate) templates: TemplateTrigger,
}

impl Ways {
    pub(super) fn new(files: &FilePorts, grants: Grants) -> Result<Self, ServeError> {
        // Only the machine's certificate authorities can be missing.
        let refused = |error| ServeError::NotStarted { reason: format!("certificate authorities: {error}") };
        let tokens = Tokens::new(now).map_err(refused)?.keeping(Arc::new(grants));
        let links = Arc::new(files.links.clone());
        let doors = Doors::new(Arc::new(files.clone()), links, tokens.clone(), now);
        Ok(Self { doors, tokens, templates: TemplateTrigger::default() })
    }
}

/// What the parts work with.
pub(super) struct Parts {
    pub(super) channels: Channels,
    pub(super) ways: Ways,
    pub(super) files: FilePorts,
    pub(super) connection: Connection,
    pub(super) log: Arc<dyn Log>,
    pub(super) ledger: Arc<Ledger>,
    /// The view `delivery`.
    pub(super) view: Arc<View>,
    /// The view `timers`.
    pub(super) timers: Arc<View>,
    pub(super) keys: Arc<HashMap<TenantId, IdKey>>,
    pub(super) metrics: relevo_sender::Metrics,
    /// Set when the id keys are known to be those that the log was written with.
    pub(super) checked: CancellationToken,
}

/// Starts what the configuration gives to this node. It begins when the id keys were checked.
pub(super) fn start(config: &Config, parts: Parts, tasks: &TaskTracker, token: &CancellationToken) {
    let mut works: Vec<Work> = Vec::new();
    if config.sending {
        works.push(sender(&parts, token));
        works.push(media(&parts, token));
        works.push(templates(&parts, token));
    }
    if config.mailbox {
        works.push(mailboxes(&parts, token));
    }
    if config.timers {
        works.push(reactor(&parts, token));
        works.push(bulks(&parts, token));
    }
    for (part, work) in works {
        let (checked, token) = (parts.checked.clone(), token.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = token.cancelled() => return,
                () = checked.cancelled() => {}
            }
            work.await;
            if !token.is_cancelled() {
                tracing::error!(part, "ended without being asked to");
            }
        });
    }
}

type Work = (&'static str, std::pin::Pin<Box<dyn Future<Output = ()> + Send>>);

fn sender(parts: &Parts, token: &CancellationToken) -> Work {
    let sender = SenderParts {
        ledger: Arc::clone(&parts.ledger),
        view: Arc::clone(&parts.view),
        log: Arc::clone(&parts.log),
        accounts: parts.channels.accounts(),
        door: Arc::new(parts.ways.doors.clone()),
        board: parts.channels.board(),
        keys: Arc::clone(&parts.keys),
        clock: now,
    };
    ("sender", Box::pin(Sender::with_metrics(sender, parts.metrics.clone()).run(token.clone())))
}

fn media(parts: &Parts, token: &CancellationToken) -> Work {
    let media = MediaParts {
        view: Arc::clone(&parts.view),
        fetcher: Arc::new(parts.ways.doors.clone()),
        mails: Arc::new(parts.connection.intake()),
        blobs: parts.files.blobs.clone(),
        log: Arc::new(MediumCommands {
            sends: Sends::new(Arc::clone(&parts.ledger), Arc::clone(&parts.keys)),
            clock: now,
        }),
        accounts: parts.channels.accounts(),
        board: parts.channels.board(),
        scanner: parts.files.scanner.clone(),
        clock: now,
    };
    ("media worker", Box::pin(MediaWorker::new(media).run(token.clone())))
}

fn templates(parts: &Parts, token: &CancellationToken) -> Work {
    let sync = TemplateSyncParts {
        ledger: Arc::clone(&parts.ledger),
        view: Arc::clone(&parts.view),
        accounts: parts.channels.accounts(),
        source: Arc::new(parts.ways.doors.clone()),
        board: parts.channels.board(),
        keys: Arc::clone(&parts.keys),
        clock: now,
    };
    let sync = TemplateSync::new(sync).triggered_by(parts.ways.templates.clone());
    ("templates", Box::pin(sync.run(token.clone())))
}

/// What a tenant wants of its timers, by the configuration in force.
fn timer_policy(channels: &Channels, tenant: &TenantId) -> TimerPolicy {
    let config = channels.config();
    let of = config.tenants.iter().find(|one| one.name == *tenant);
    of.map_or_else(TimerPolicy::default, |tenant| TimerPolicy {
        unanswered: tenant.alert_unanswered,
        too_long: tenant.alert_paused,
        catch_up: tenant.on_resume,
    })
}

fn reactor(parts: &Parts, token: &CancellationToken) -> Work {
    let channels = parts.channels.clone();
    let reactor = ReactorParts {
        ledger: Arc::clone(&parts.ledger),
        view: Arc::clone(&parts.timers),
        keys: Arc::clone(&parts.keys),
        policies: Arc::new(move |tenant| timer_policy(&channels, tenant)),
        clock: now,
    };
    ("reactor", Box::pin(Reactor::new(reactor).run(token.clone())))
}

fn bulks(parts: &Parts, token: &CancellationToken) -> Work {
    let worker = BulkWorkerParts {
        ledger: Arc::clone(&parts.ledger),
        keys: Arc::clone(&parts.keys),
        blobs: parts.files.blobs.clone(),
        clock: now,
    };
    ("bulks", Box::pin(BulkWorker::new(worker, token.clone()).run()))
}

fn mailboxes(parts: &Parts, token: &CancellationToken) -> Work {
    let channels = parts.channels.clone();
    let mailboxes = MailboxParts {
        accounts: parts.channels.accounts(),
        intake: parts.connection.intake(),
        positions: parts.connection.mail_positions(),
        tokens: parts.ways.tokens.clone(),
        board: parts.channels.board(),
        endpoint_of: Arc::new(move |key: &AccountKey| endpoint(&channels, key)),
        clock: now,
    };
    ("mailboxes", Box::pin(Mailboxes::new(mailboxes).run(token.clone())))
}

/// The endpoint that a mailbox's mails are stored under.
fn endpoint(channels: &Channels, (tenant, channel): &AccountKey) -> Option<EndpointId> {
    let config = channels.config();
    let of = config.tenants.iter().find(|one| one.name == *tenant)?;
    match &of.channels.iter().find(|one| one.id == *channel)?.kind {
        ChannelKind::Email { endpoint, .. } => Some(endpoint.clone()),
        ChannelKind::Meta { .. } | ChannelKind::Twilio { .. } => None,
    }
}

/// The channels in force, with the entities that they have on the log.
pub(super) struct Entities {
    pub(super) channels: Channels,
    pub(super) keys: Arc<HashMap<TenantId, IdKey>>,
}

impl SendingChannels for Entities {
    fn of(&self, tenant: &TenantId) -> Vec<(ChannelId, EntityId)> {
        let config = self.channels.config();
        let of = config.tenants.iter().find(|one| one.name == *tenant);
        let Some((of, key)) = of.zip(self.keys.get(tenant)) else { return Vec::new() };
        of.channels.iter().map(|channel| (channel.id.clone(), key.channel(&channel.id))).collect()
    }

    fn language(&self, tenant: &TenantId) -> String {
        let config = self.channels.config();
        let of = config.tenants.iter().find(|one| one.name == *tenant);
        of.map(|of| of.language.tag().to_owned()).unwrap_or_default()
    }
}

/// Tells Meta what was read and who writes; no other provider knows of that.
pub(super) struct Receipts {
    pub(super) channels: Channels,
    pub(super) ways: Ways,
}

#[async_trait]
impl ProviderMarks for Receipts {
    fn takes(&self, tenant: &TenantId, channel: &ChannelId) -> bool {
        let config = self.channels.config();
        let wanted = config.tenants.iter().any(|one| one.name == *tenant && one.send_read_receipts);
        let account = self.channels.accounts().find(tenant, channel);
        wanted && account.is_some_and(|account| matches!(account.kind, AccountKind::Meta(_)))
    }

    async fn mark(&self, mark: &Mark) {
        let Some(account) = self.channels.accounts().find(&mark.tenant, &mark.channel) else { return };
        // Health is what messages say: a mark may be refused for its own reasons, an old message for one.
        if let Err(refused) = self.ways.doors.mark_read(&account, &mark.provider_id, mark.typing).await {
            tracing::debug!(channel = %mark.channel, class = ?refused.class, code = refused.code, "a mark was refused");
        }
    }
}
