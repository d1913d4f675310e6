//! What the configuration and the channels say about sending, for the commands that queue messages.

use relevo_channels::outgoing::ChannelKind as Rendered;
use relevo_channels::outgoing::limits::{self, LimitKind, LimitProblem};
use relevo_command::SendPolicy;
use relevo_command::send::{ChannelFacts, PolicyProblem};
use relevo_domain::conversation::{CatchUp, Medium, Outgoing};
use relevo_domain::{AgentId, ChannelId, TenantId};
use tokio_util::sync::CancellationToken;

use crate::channels::Channels;
use crate::config::{ChannelKind, Tenant};

/// What a channel without credentials cannot send.
const CREDENTIALS: &str = "credentials";

/// The channels in force, as those who queue messages see them.
pub(super) struct Policy {
    pub(super) channels: Channels,
    /// Until the id keys were checked there are no channels to write from: ids that are derived with a wrong key are for ever.
    pub(super) checked: CancellationToken,
}

impl Policy {
    fn of_tenant<T>(&self, tenant: &TenantId, what: impl FnOnce(&Tenant) -> Option<T>) -> Option<T> {
        let config = self.channels.config();
        config.tenants.iter().find(|one| one.name == *tenant).and_then(what)
    }

    fn of_channel<T>(&self, tenant: &TenantId, id: &ChannelId, what: impl FnOnce(&ChannelKind) -> T) -> Option<T> {
        self.of_tenant(tenant, |tenant| {
            let channel = tenant.channels.iter().find(|channel| channel.id == *id)?;
            Some(what(&channel.kind))
        })
    }
}

impl SendPolicy for Policy {
    fn channel(&self, tenant: &TenantId, channel: &ChannelId) -> Option<ChannelFacts> {
        if !self.checked.is_cancelled() {
            return None;
        }
        self.of_channel(tenant, channel, |kind| match kind {
            ChannelKind::Meta { .. } | ChannelKind::Twilio { .. } => {
                ChannelFacts { medium: Medium::WhatsApp, address: None, plus_addressing: false }
            }
            ChannelKind::Email { addresses, plus_addressing, .. } => ChannelFacts {
                medium: Medium::Email,
                address: addresses.first().cloned(),
                plus_addressing: *plus_addressing,
            },
        })
    }

    fn check(&self, tenant: &TenantId, channel: &ChannelId, outgoing: &Outgoing) -> Result<(), PolicyProblem> {
        let credentials = || PolicyProblem::CannotSend { what: CREDENTIALS.to_owned() };
        let kind = self.of_channel(tenant, channel, |kind| match kind {
            ChannelKind::Meta { account, .. } => account.as_ref().map(|_| Rendered::Meta),
            ChannelKind::Twilio { account, .. } => account.as_ref().map(|_| Rendered::Twilio),
            ChannelKind::Email { account, .. } => {
                account.as_ref().and_then(|account| account.smtp.as_ref()).map(|_| Rendered::Mail)
            }
        });
        let kind = kind.flatten().ok_or_else(credentials)?;
        limits::check(kind, outgoing).map_err(|problem| refused(&problem, outgoing))
    }

    fn pauses_bot(&self, tenant: &TenantId) -> bool {
        self.of_tenant(tenant, |tenant| Some(tenant.pause_bot_on_send)).unwrap_or(true)
    }

    fn catch_up(&self, tenant: &TenantId) -> CatchUp {
        self.of_tenant(tenant, |tenant| Some(tenant.on_resume)).unwrap_or_default()
    }

    fn language(&self, tenant: &TenantId) -> String {
        self.of_tenant(tenant, |tenant| Some(tenant.language.tag().to_owned())).unwrap_or_default()
    }

    fn business_name(&self, tenant: &TenantId) -> Option<String> {
        self.of_tenant(tenant, |tenant| tenant.business_name.clone())
    }

    fn signature(&self, tenant: &TenantId, agent: &AgentId) -> Option<String> {
        self.of_tenant(tenant, |tenant| {
            tenant.agents.iter().find(|one| one.id == *agent).and_then(|agent| agent.signature.clone())
        })
    }

    fn sanitise(&self, html: &str) -> String {
        relevo_query::sanitised_mail(html)
    }
}

/// What a channel's limit means to whoever wrote the message.
fn refused(problem: &LimitProblem, outgoing: &Outgoing) -> PolicyProblem {
    let files = outgoing.body.files();
    match problem.what {
        LimitKind::AttachmentTooBig => {
            let size_bytes = files.iter().map(|file| file.size_bytes).sum();
            PolicyProblem::AttachmentTooBig { limit_bytes: problem.limit, size_bytes }
        }
        LimitKind::AttachmentType => {
            let mime_type = files.first().map(|file| file.mime_type.clone()).unwrap_or_default();
            PolicyProblem::AttachmentType { mime_type }
        }
        LimitKind::CannotSend => PolicyProblem::CannotSend { what: outgoing.body.kind().as_str().to_owned() },
        LimitKind::Recipient => PolicyProblem::RecipientInvalid,
        LimitKind::Missing | LimitKind::TooLong | LimitKind::TooMany | LimitKind::Duplicate | LimitKind::OutOfRange => {
            PolicyProblem::Invalid { field: problem.field, limit: usize::try_from(problem.limit).unwrap_or(usize::MAX) }
        }
    }
}
