//! `relevo.admin.v1.ChannelService`: which channels there are, how they are doing, adding and removing them while Relevo runs.

use relevo_command::decision::EntityState;
use relevo_domain::{Caller, ChannelId, ErrorCode};
use relevo_proto::Problem;
use relevo_proto::admin::v1 as proto;
use relevo_proto::admin::v1::channel_service_server::{ChannelService, ChannelServiceServer};
use relevo_proto::time::to_wire;
use relevo_providers::{Account, CheckLine, Health, Part};
use tonic::{Request, Response, Status};

use super::refusal::Operator;
use crate::channels::NotChanged;
use crate::config::{Channel, ChannelKind, Problems, Tenant};
use crate::serve::{Installation, Ways};

pub(crate) struct Service {
    installation: Installation,
}

impl Service {
    pub(crate) const fn new(installation: Installation) -> Self {
        Self { installation }
    }

    pub(crate) fn into_server(self) -> ChannelServiceServer<Self> {
        ChannelServiceServer::new(self)
    }

    /// The channel with everything that is known of it.
    fn shown(&self, operator: &Operator, tenant: &Tenant, channel: &Channel) -> Result<proto::Channel, Status> {
        let channels = &self.installation.channels;
        let key = (tenant.name.clone(), channel.id.clone());
        let health = channels.board().of(&key);
        let (kind, sends, receives) = match &channel.kind {
            ChannelKind::Meta { account, .. } => ("meta", account.is_some(), true),
            ChannelKind::Twilio { account, .. } => ("twilio", account.is_some(), true),
            ChannelKind::Email { account, bearer_tokens, .. } => {
                let (imap, smtp) =
                    account.as_ref().map_or((false, false), |one| (one.imap.is_some(), one.smtp.is_some()));
                ("email", smtp, imap || !bearer_tokens.is_empty())
            }
        };
        Ok(proto::Channel {
            channel_id: channel.id.to_string(),
            kind: kind.to_owned(),
            label: channel.label.clone(),
            added: channels.was_added(&tenant.name, &channel.id),
            paused: self.paused(operator, channel)?,
            webhook_url: channels.webhook_url(channel).unwrap_or_default(),
            sends,
            receives,
            health: health.iter().map(|(part, health)| shown_health(operator, kind, *part, health)).collect(),
            missing: self.missing(channel).into_iter().map(|key| operator.text(key)).collect(),
        })
    }

    /// Whether somebody stopped it, as this node knows.
    fn paused(&self, operator: &Operator, channel: &Channel) -> Result<bool, Status> {
        let tenant = &operator.caller.tenant;
        let Some(key) = self.installation.keys.get(tenant) else { return Ok(false) };
        let entity = self.installation.ledger.load(tenant, &key.channel(&channel.id));
        match entity.map_err(|error| operator.internal(&error))?.state {
            EntityState::Channel(state) => Ok(state.paused),
            EntityState::Conversation(_)
            | EntityState::Contact(_)
            | EntityState::Identity(_)
            | EntityState::Workspace(_)
            | EntityState::Bulk(_) => Ok(false),
        }
    }

    /// What a channel cannot do for want of something, as keys of the catalogue.
    fn missing(&self, channel: &Channel) -> Vec<&'static str> {
        let config = self.installation.channels.config();
        let posted = config.server.public_url.is_none();
        let all = match &channel.kind {
            ChannelKind::Meta { account, waba_id, .. } => vec![
                (account.is_none(), "channel-missing-access_token"),
                (waba_id.is_none(), "channel-missing-waba_id"),
                (posted, "channel-missing-public_url"),
            ],
            ChannelKind::Twilio { account, public_base_url, .. } => vec![
                (account.is_none(), "channel-missing-account_sid"),
                (posted && public_base_url.is_none(), "channel-missing-public_url"),
            ],
            ChannelKind::Email { account, .. } => {
                let smtp = account.as_ref().is_some_and(|account| account.smtp.is_some());
                vec![(!smtp, "channel-missing-smtp")]
            }
        };
        let here = [(!config.sending, "channel-missing-sending"), (!config.mailbox, "channel-missing-mailbox")];
        let here = here
            .into_iter()
            .filter(|(_, key)| *key != "channel-missing-mailbox" || matches!(&channel.kind, ChannelKind::Email { .. }));
        all.into_iter().chain(here).filter(|(lacks, _)| *lacks).map(|(_, key)| key).collect()
    }

    /// The caller's channel of that name.
    fn find(&self, operator: &Operator, channel_id: &str) -> Result<(ChannelId, proto::Channel), Status> {
        let config = self.installation.channels.config();
        let found = config.tenants.iter().find(|tenant| tenant.name == operator.caller.tenant).and_then(|tenant| {
            let channel = tenant.channels.iter().find(|channel| channel.id.as_str() == channel_id)?;
            Some((tenant, channel))
        });
        let (tenant, channel) = found.ok_or_else(|| not_found(operator, channel_id))?;
        Ok((channel.id.clone(), self.shown(operator, tenant, channel)?))
    }
}

#[tonic::async_trait]
impl ChannelService for Service {
    async fn add_channel(
        &self,
        request: Request<proto::AddChannelRequest>,
    ) -> Result<Response<proto::AddChannelResponse>, Status> {
        let operator = Operator::of(&request)?;
        let proto::AddChannelRequest { definition, replace } = request.into_inner();
        if definition.trim().is_empty() {
            return Err(operator.invalid("definition", "field-required"));
        }
        let tenant = operator.caller.tenant.clone();
        let added = self.installation.everywhere.add(tenant, definition, replace).await;
        let added = added.map_err(|not| refused(&operator, "", &not))?;
        if !added.already_so {
            let Caller { tenant, name, .. } = &operator.caller;
            tracing::info!(%tenant, actor = %name, channel = %added.channel, replaced = added.replaced, "channel added");
        }
        let (_, channel) = self.find(&operator, added.channel.as_str())?;
        Ok(Response::new(proto::AddChannelResponse {
            channel: Some(channel),
            already_so: added.already_so,
            verify_token: added.verify_token.unwrap_or_default(),
        }))
    }

    async fn remove_channel(
        &self,
        request: Request<proto::RemoveChannelRequest>,
    ) -> Result<Response<proto::RemoveChannelResponse>, Status> {
        let operator = Operator::of(&request)?;
        let channel_id = request.into_inner().channel_id;
        let channel = ChannelId::new(&channel_id).map_err(|_refused| not_found(&operator, &channel_id))?;
        let (channels, tenant) = (self.installation.channels.clone(), operator.caller.tenant.clone());
        let account = channels.accounts().find(&tenant, &channel);
        let removed = self.installation.everywhere.remove(tenant, channel).await;
        let already_so = !removed.map_err(|not| refused(&operator, &channel_id, &not))?;
        if let Some(grant) = account.as_deref().and_then(Account::grant) {
            let name = grant.name();
            let left = self.installation.channels.accounts().all();
            if !left.values().any(|other| other.grant().is_some_and(|other| other.name() == name)) {
                self.installation.ways.tokens.discard(grant).await;
            }
        }
        if !already_so {
            let Caller { tenant, name, .. } = &operator.caller;
            tracing::info!(%tenant, actor = %name, channel = channel_id, "channel removed");
        }
        Ok(Response::new(proto::RemoveChannelResponse { already_so }))
    }

    async fn list_channels(
        &self,
        request: Request<proto::ListChannelsRequest>,
    ) -> Result<Response<proto::ListChannelsResponse>, Status> {
        let operator = Operator::of(&request)?;
        let config = self.installation.channels.config();
        let tenant = config.tenants.iter().find(|tenant| tenant.name == operator.caller.tenant);
        let channels =
            tenant.into_iter().flat_map(|tenant| tenant.channels.iter().map(move |channel| (tenant, channel)));
        let channels = channels.map(|(tenant, channel)| self.shown(&operator, tenant, channel));
        let mut channels = channels.collect::<Result<Vec<_>, _>>()?;
        channels.sort_by(|one, other| one.channel_id.cmp(&other.channel_id));
        Ok(Response::new(proto::ListChannelsResponse { channels }))
    }

    async fn check_channel(
        &self,
        request: Request<proto::CheckChannelRequest>,
    ) -> Result<Response<proto::CheckChannelResponse>, Status> {
        let operator = Operator::of(&request)?;
        let (channel, shown) = self.find(&operator, &request.get_ref().channel_id)?;
        let account = self.installation.channels.accounts().find(&operator.caller.tenant, &channel);
        let mut lines = Vec::new();
        if let Some(account) = account {
            let Ways { doors, tokens, templates } = &self.installation.ways;
            let (sending, receiving) = tokio::join!(doors.check(&account), relevo_mailbox::check(&account, tokens));
            // Whoever has just mended a credential, or made a template, does not wait for the next turn.
            templates.trigger(&(operator.caller.tenant.clone(), channel));
            lines.extend(sending.into_iter().chain(receiving));
        }
        let checks = lines.into_iter().map(|line| shown_check(&operator, &shown.kind, line));
        // A channel of which nothing can be tried lacks its keys.
        let missing = shown.missing.iter().map(|explanation| proto::ChannelCheck {
            part: "configuration".to_owned(),
            explanation: explanation.clone(),
            ..proto::ChannelCheck::default()
        });
        let mut checks: Vec<_> = checks.collect();
        if !shown.sends {
            checks.extend(missing);
        }
        let ok = checks.iter().all(|check| check.ok);
        Ok(Response::new(proto::CheckChannelResponse { checks, ok }))
    }
}

fn not_found(operator: &Operator, channel_id: &str) -> Status {
    operator.say(Problem::new(ErrorCode::ChannelNotFound).about("channel_id", channel_id))
}

fn refused(operator: &Operator, channel_id: &str, not: &NotChanged) -> Status {
    match not {
        NotChanged::Definition(problems) => operator.say(violations(operator, problems)),
        NotChanged::InFile => not_found(operator, channel_id),
        NotChanged::Store(error) => operator.internal(error),
        NotChanged::Log(error) => operator.log_failed(error),
        NotChanged::Unknown(error) => operator.unknown(error),
        NotChanged::Configuration(problems) => {
            let why = problems.lines(relevo_catalogue::Language::En).join("; ");
            tracing::error!(why, "configuration is not good any more");
            operator.say(Problem::new(ErrorCode::Internal))
        }
    }
}

/// Each problem at its key.
fn violations(operator: &Operator, problems: &Problems) -> Problem {
    problems.0.iter().fold(Problem::new(ErrorCode::InvalidArgument), |said, problem| {
        let field = if problem.at.is_empty() { "definition".to_owned() } else { format!("definition.{}", problem.at) };
        said.violation(&field, operator.text_of(problem))
    })
}

fn shown_check(operator: &Operator, kind: &str, line: CheckLine) -> proto::ChannelCheck {
    let part = line.part.as_str();
    let explanation = line.class.map(|class| operator.mend(part, kind, class, line.code.as_deref()));
    proto::ChannelCheck {
        part: part.to_owned(),
        ok: line.ok,
        failure_class: line.class.map(|class| class.as_str().to_owned()).unwrap_or_default(),
        code: line.code.unwrap_or_default(),
        explanation: explanation.unwrap_or_default(),
    }
}

fn shown_health(operator: &Operator, kind: &str, part: Part, health: &Health) -> proto::ChannelHealth {
    let part = match part {
        Part::Sending => "sending",
        Part::Receiving => "receiving",
        Part::Templates => "templates",
        Part::Media => "media",
    };
    let (state, since, failure) = match health {
        Health::Good { since } => (proto::ChannelHealthState::Good, since, None),
        Health::Ailing { since, class, code } => (proto::ChannelHealthState::Ailing, since, Some((*class, code))),
        Health::Broken { since, class, code } => (proto::ChannelHealthState::Broken, since, Some((*class, code))),
    };
    proto::ChannelHealth {
        part: part.to_owned(),
        state: state.into(),
        since: Some(to_wire(*since)),
        failure_class: failure.map(|(class, _)| class.as_str().to_owned()).unwrap_or_default(),
        code: failure.and_then(|(_, code)| code.clone()).unwrap_or_default(),
        explanation: failure.map(|(class, code)| operator.mend(part, kind, class, code.as_deref())).unwrap_or_default(),
    }
}
