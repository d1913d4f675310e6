//! TemplateService and QuickReplyService: what staff writes with.

use std::sync::Arc;

use relevo_domain::template::{self, Part, Template};
use relevo_domain::{Caller, ChannelId, EntityId};
use relevo_projection::ViewSnapshot;
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::quick_reply_service_server::QuickReplyService;
use relevo_proto::query::v1::template_service_server::TemplateService;
use tonic::{Request, Response, Status};

use crate::error::{QueryError, Rule};
use crate::render;
use crate::request::{Fields, answer};
use crate::sending::SendingChannels;
use crate::{Query, access, moment, read};

/// The longest name of a template at any provider, in characters.
const NAME_CHARS_MAX: usize = 512;
/// Values of one template: more than its text has room for.
const VALUES_MAX: usize = 100;

/// The service: the views, and which channels there are.
#[derive(Clone)]
pub struct Templates {
    query: Query,
    channels: Arc<dyn SendingChannels>,
}

impl Templates {
    pub(crate) fn new(query: Query, channels: Arc<dyn SendingChannels>) -> Self {
        Self { query, channels }
    }
}

#[tonic::async_trait]
impl TemplateService for Templates {
    async fn list_sending_channels(
        &self,
        request: Request<wire::ListSendingChannelsRequest>,
    ) -> Result<Response<wire::ListSendingChannelsResponse>, Status> {
        answer(request, |caller, request| self.channels(caller, request)).await
    }

    async fn list_templates(
        &self,
        request: Request<wire::ListTemplatesRequest>,
    ) -> Result<Response<wire::ListTemplatesResponse>, Status> {
        answer(request, |caller, request| self.list(caller, request)).await
    }

    async fn preview_template(
        &self,
        request: Request<wire::PreviewTemplateRequest>,
    ) -> Result<Response<wire::PreviewTemplateResponse>, Status> {
        answer(request, |caller, request| self.preview(caller, request)).await
    }
}

impl Templates {
    async fn channels(
        &self,
        caller: Caller,
        request: wire::ListSendingChannelsRequest,
    ) -> Result<wire::ListSendingChannelsResponse, QueryError> {
        let mut fields = Fields::default();
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;
        access::may_read_threads(&caller)?;

        let snapshot = moment::take(&self.query.inner.views.inbox, freshness).await?;
        let mut known = self.channels.of(&caller.tenant);
        known.retain(|(channel, _)| caller.sees(channel, None, None));
        known.sort();
        let query = self.query.clone();
        read(move || {
            let channels =
                known.iter().map(|(channel, entity)| query.sending_channel(&snapshot, &caller, channel, *entity));
            let channels = channels.collect::<Result<_, _>>()?;
            Ok(wire::ListSendingChannelsResponse { channels, position: snapshot.position().to_string() })
        })
        .await
    }

    async fn list(
        &self,
        caller: Caller,
        request: wire::ListTemplatesRequest,
    ) -> Result<wire::ListTemplatesResponse, QueryError> {
        let mut fields = Fields::default();
        let channel = channel(&mut fields, &request.channel_id);
        if request.name_prefix.chars().count() > NAME_CHARS_MAX {
            fields.refuse("name_prefix", Rule::TooLong(NAME_CHARS_MAX as u64));
        }
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let entity = self.entity(&caller, channel)?;
        let snapshot = moment::take(&self.query.inner.views.inbox, freshness).await?;
        let prefix = request.name_prefix.to_lowercase();
        read(move || {
            let wanted = |template: &Template| {
                template.name.to_lowercase().starts_with(&prefix)
                    && (request.language.is_empty() || template.language == request.language)
                    && (!request.usable_only || template.usable())
            };
            let mut templates = inbox::templates(&snapshot, &caller.tenant, entity)?;
            templates.retain(wanted);
            let templates = templates.into_iter().map(render::template::template).collect();
            Ok(wire::ListTemplatesResponse { templates, position: snapshot.position().to_string() })
        })
        .await
    }

    async fn preview(
        &self,
        caller: Caller,
        request: wire::PreviewTemplateRequest,
    ) -> Result<wire::PreviewTemplateResponse, QueryError> {
        let mut fields = Fields::default();
        let channel = channel(&mut fields, &request.channel_id);
        if request.name.is_empty() {
            fields.refuse("name", Rule::Required);
        }
        fields.at_most("values", request.values.len(), VALUES_MAX);
        let values = values(&mut fields, request.values);
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;

        let entity = self.entity(&caller, channel)?;
        // What would be sent, so the tenant's language and not the reader's.
        let language = self.channels.language(&caller.tenant);
        let snapshot = moment::take(&self.query.inner.views.inbox, freshness).await?;
        read(move || {
            let templates = inbox::templates(&snapshot, &caller.tenant, entity)?;
            let asked = Some(request.language.as_str()).filter(|language| !language.is_empty());
            let found = template::find(templates.iter(), &request.name, asked, &language);
            let found = found.cloned().ok_or_else(|| QueryError::TemplateNotFound { name: request.name.clone() })?;
            let (text, problem) = match found.fill(&values, request.with_file) {
                Ok(text) => (text, None),
                Err(problem) => (String::new(), Some(render::template::problem(problem))),
            };
            let template = Some(render::template::template(found));
            Ok(wire::PreviewTemplateResponse { template, text, problem, position: snapshot.position().to_string() })
        })
        .await
    }

    /// The channel's entity, if the channel exists for the caller.
    fn entity(&self, caller: &Caller, channel: Option<ChannelId>) -> Result<EntityId, QueryError> {
        access::may_read_threads(caller)?;
        let found = channel
            .as_ref()
            .filter(|channel| caller.sees(channel, None, None))
            .and_then(|channel| self.channels.of(&caller.tenant).into_iter().find(|(known, _)| known == channel));
        found.map(|(_, entity)| entity).ok_or(QueryError::ChannelNotFound { channel })
    }
}

impl Query {
    fn sending_channel(
        &self,
        rows: &ViewSnapshot,
        caller: &Caller,
        channel: &ChannelId,
        entity: EntityId,
    ) -> Result<wire::SendingChannel, QueryError> {
        let paused_since = inbox::channel_paused_since(rows, &caller.tenant, entity)?;
        let templates = inbox::templates(rows, &caller.tenant, entity)?;
        let usable = templates.iter().filter(|template| template.usable()).count();
        Ok(wire::SendingChannel {
            channel_id: channel.to_string(),
            label: self.inner.directory.channel_label(&caller.tenant, channel),
            paused: paused_since.is_some(),
            paused_since: paused_since.map(render::words::time),
            usable_templates: u32::try_from(usable).unwrap_or(u32::MAX),
        })
    }

    async fn quick_replies(
        &self,
        caller: Caller,
        request: wire::ListQuickRepliesRequest,
    ) -> Result<wire::ListQuickRepliesResponse, QueryError> {
        let mut fields = Fields::default();
        let freshness = fields.freshness(&request.min_position, request.deadline_ms);
        fields.finish()?;
        access::may_read_threads(&caller)?;

        let snapshot = moment::take(&self.inner.views.inbox, freshness).await?;
        read(move || {
            let known = inbox::quick_replies(&snapshot, &caller.tenant)?;
            let named = known.into_iter().filter(|(name, _)| name.starts_with(&request.name_prefix));
            let quick_replies =
                named.map(|(name, reply)| wire::QuickReply { name, title: reply.title, text: reply.text }).collect();
            Ok(wire::ListQuickRepliesResponse { quick_replies, position: snapshot.position().to_string() })
        })
        .await
    }
}

#[tonic::async_trait]
impl QuickReplyService for Query {
    async fn list_quick_replies(
        &self,
        request: Request<wire::ListQuickRepliesRequest>,
    ) -> Result<Response<wire::ListQuickRepliesResponse>, Status> {
        answer(request, |caller, request| self.quick_replies(caller, request)).await
    }
}

fn channel(fields: &mut Fields, asked: &str) -> Option<ChannelId> {
    if asked.is_empty() {
        fields.refuse("channel_id", Rule::Required);
    }
    fields.name("channel_id", asked)
}

fn values(fields: &mut Fields, asked: Vec<wire::TemplateVariableValue>) -> Vec<(Part, String, String)> {
    let mut values = Vec::with_capacity(asked.len().min(VALUES_MAX));
    for value in asked {
        let part = match value.part.as_str() {
            "" | "body" => Some(Part::Body),
            "header" => Some(Part::Header),
            "button" => Some(Part::Button(value.button)),
            _ => None,
        };
        if part.is_none() {
            fields.refuse("values.part", Rule::UnknownWord);
        }
        if value.name.is_empty() {
            fields.refuse("values.name", Rule::Required);
        }
        values.extend(part.map(|part| (part, value.name, value.value)));
    }
    values
}
