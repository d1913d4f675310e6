//! `relevo.admin.v1.IntakeService`: what arrived, what became of it, and what is parked.
//!
//! A raw item of a shared Meta app can hold updates of several tenants. An operator sees the parked updates of their own
//! channels, and those that name no channel where the endpoint is theirs; bytes and discarding are for items that are wholly
//! theirs.

use relevo_domain::ErrorCode;
use relevo_eventlog::{ParkedEntry, ParkedItem};
use relevo_intake::{ChannelRef, Counters, ParkingError};
use relevo_proto::Problem;
use relevo_proto::admin::v1 as proto;
use relevo_proto::admin::v1::intake_service_server::{IntakeService, IntakeServiceServer};
use relevo_proto::time::to_wire;
use tonic::{Request, Response, Status};

use super::refusal::Operator;
use super::{owner, pages};
use crate::serve::Installation;

/// Items that one call may name.
const IDS_MAX: usize = 1_000;
/// Items that one call with `all` handles.
const ALL_MAX: usize = 10_000;
/// Items that are read from the parked stream at a time.
const CHUNK: usize = 50;
/// The largest answer, in bytes: a parked mail of 60 MB.
const ANSWER_BYTES_MAX: usize = 64 << 20;

pub(crate) struct Service {
    installation: Installation,
}

/// A parked item that the operator may see at least a part of.
struct Visible {
    item: ParkedItem,
    channels: Vec<Option<ChannelRef>>,
    /// Every update of it is the operator's to see.
    wholly: bool,
}

impl Service {
    pub(crate) const fn new(installation: Installation) -> Self {
        Self { installation }
    }

    pub(crate) fn into_server(self) -> IntakeServiceServer<Self> {
        IntakeServiceServer::new(self).max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    async fn visible(&self, operator: &Operator, id: u64) -> Result<Visible, Status> {
        let item = self.installation.parking.get(id).await.map_err(|error| operator.parking_failed(&error))?;
        self.judge(operator, item).ok_or_else(|| operator.parking_failed(&ParkingError::NotFound(id)))
    }

    fn judge(&self, operator: &Operator, item: ParkedItem) -> Option<Visible> {
        let channels = self.installation.parking.channels_of(&item);
        let owned = owner::owns(&self.installation.routes, &operator.caller.tenant, &item.endpoint);
        let own = |channel: &Option<ChannelRef>| match channel {
            Some(channel) => channel.tenant == operator.caller.tenant,
            None => owned,
        };
        let any = item.reasons.iter().any(|reason| own(&channel_at(&channels, reason.ordinal)));
        let wholly = channels.iter().all(own) && (owned || !channels.is_empty());
        any.then_some(Visible { item, channels, wholly })
    }

    /// The rows of an item that the operator may see.
    fn rows(&self, operator: &Operator, visible: &Visible) -> Vec<proto::ParkedItem> {
        let item = &visible.item;
        let owned = owner::owns(&self.installation.routes, &operator.caller.tenant, &item.endpoint);
        let rows = item.reasons.iter().filter_map(|reason| {
            let channel = channel_at(&visible.channels, reason.ordinal);
            let own = channel.as_ref().map_or(owned, |channel| channel.tenant == operator.caller.tenant);
            own.then(|| proto::ParkedItem {
                parked_id: item.sequence,
                endpoint: item.endpoint.to_string(),
                tenant: channel.as_ref().map(|channel| channel.tenant.to_string()).unwrap_or_default(),
                channel: channel.as_ref().map(|channel| channel.channel.to_string()).unwrap_or_default(),
                intake_sequence: item.sequence,
                ordinal: reason.ordinal,
                received_at: Some(to_wire(item.received_at)),
                parked_at: Some(to_wire(reason.at)),
                reason: reason.reason.clone(),
                detail: reason.detail.clone(),
                size_bytes: item.body.len() as u64,
            })
        });
        rows.collect()
    }

    /// Entries of the parked stream after a cursor.
    async fn entries(&self, operator: &Operator, after: u64) -> Result<Vec<ParkedEntry>, Status> {
        self.installation.parking.list(after, CHUNK).await.map_err(|error| operator.parking_failed(&error))
    }

    /// Ids of everything that the operator may see, oldest first.
    async fn every_id(&self, operator: &Operator) -> Result<Vec<u64>, Status> {
        let (mut ids, mut after) = (Vec::new(), 0);
        while ids.len() < ALL_MAX {
            let entries = self.entries(operator, after).await?;
            let Some(last) = entries.last() else { break };
            after = last.cursor;
            for entry in entries {
                if self.visible_entry(operator, &entry).await?.is_some() {
                    ids.push(entry.sequence);
                }
            }
        }
        ids.truncate(ALL_MAX);
        Ok(ids)
    }

    /// The whole item of an entry. Gone means that somebody was quicker.
    async fn visible_entry(&self, operator: &Operator, entry: &ParkedEntry) -> Result<Option<Visible>, Status> {
        match self.installation.parking.get(entry.sequence).await {
            Ok(item) => Ok(self.judge(operator, item)),
            Err(ParkingError::NotFound(_)) => Ok(None),
            Err(error) => Err(operator.parking_failed(&error)),
        }
    }
}

#[tonic::async_trait]
impl IntakeService for Service {
    async fn get_status(
        &self,
        request: Request<proto::GetIntakeStatusRequest>,
    ) -> Result<Response<proto::GetIntakeStatusResponse>, Status> {
        let operator = Operator::of(&request)?;
        let status = self.installation.tally.status().await.map_err(|error| operator.internal(&error))?;
        let (routes, tenant) = (&self.installation.routes, &operator.caller.tenant);
        let endpoints =
            status.endpoints.iter().filter(|count| owner::owns(routes, tenant, &count.endpoint)).map(|count| {
                proto::EndpointStatus {
                    endpoint: count.endpoint.to_string(),
                    kind: owner::kind(routes, &count.endpoint).to_owned(),
                    received_posts: count.received_posts,
                }
            });
        let channels = status
            .channels
            .iter()
            .filter(|(channel, _)| channel.tenant == *tenant)
            .map(|(channel, counters)| channel_status(channel, counters));
        let unrouted = status
            .unrouted
            .iter()
            .filter(|(endpoint, _)| owner::owns(routes, tenant, endpoint))
            .fold(Counters::default(), |sum, (_, counters)| sum.plus(*counters));
        Ok(Response::new(proto::GetIntakeStatusResponse {
            endpoints: endpoints.collect(),
            channels: channels.collect(),
            unrouted: Some(proto::IntakeCounters {
                updates: unrouted.updates,
                messages: unrouted.messages,
                statuses: unrouted.statuses,
                other_updates: unrouted.other_updates,
                duplicates: unrouted.duplicates,
                parked: unrouted.parked,
            }),
            backlog: status.backlog,
            handled_sequence: status.counted,
        }))
    }

    async fn list_parked(
        &self,
        request: Request<proto::ListParkedRequest>,
    ) -> Result<Response<proto::ListParkedResponse>, Status> {
        let operator = Operator::of(&request)?;
        let request = request.into_inner();
        let size = pages::size(request.page_size).ok_or_else(|| operator.invalid("page_size", "field-negative"))?;
        let mut after = cursor(&operator, &request.page_token)?;
        let mut items = Vec::new();
        let mut more = true;
        while more && items.len() < size {
            let entries = self.entries(&operator, after).await?;
            more = entries.len() == CHUNK;
            for entry in entries {
                // Whole items: a page may have a few rows more than asked for, and never loses one.
                if items.len() >= size {
                    more = true;
                    break;
                }
                after = entry.cursor;
                let wanted = request.endpoint.is_empty() || request.endpoint == entry.endpoint.as_str();
                if wanted && let Some(visible) = self.visible_entry(&operator, &entry).await? {
                    items.extend(self.rows(&operator, &visible));
                }
            }
        }
        let next_page_token = if more { after.to_string() } else { String::new() };
        let total = self.every_id(&operator).await?.len() as u64;
        Ok(Response::new(proto::ListParkedResponse { items, next_page_token, total }))
    }

    async fn get_parked(
        &self,
        request: Request<proto::GetParkedRequest>,
    ) -> Result<Response<proto::GetParkedResponse>, Status> {
        let operator = Operator::of(&request)?;
        let visible = self.visible(&operator, request.get_ref().parked_id).await?;
        let item = self.rows(&operator, &visible).into_iter().next();
        // The bytes of an item that another tenant has a part in are for nobody.
        let (body, content_type) = if visible.wholly {
            (visible.item.body.to_vec(), visible.item.content_type.clone())
        } else {
            (Vec::new(), String::new())
        };
        Ok(Response::new(proto::GetParkedResponse { item, body, content_type }))
    }

    async fn retry_parked(
        &self,
        request: Request<proto::RetryParkedRequest>,
    ) -> Result<Response<proto::RetryParkedResponse>, Status> {
        let operator = Operator::of(&request)?;
        let request = request.into_inner();
        let ids = match (request.all, ids(&request.parked_ids)) {
            (true, _) if request.parked_ids.is_empty() => self.every_id(&operator).await?,
            (false, Some(ids)) => ids,
            (true | false, _) => return Err(operator.invalid("parked_ids", "field-required")),
        };
        let mut answer = proto::RetryParkedResponse::default();
        for id in ids {
            if !request.all {
                self.visible(&operator, id).await?;
            }
            match self.installation.parking.retry(id).await {
                Ok(retried) => {
                    answer.retried += retried.tried;
                    answer.stored += retried.stored;
                    answer.parked_again += retried.still_parked;
                }
                // Somebody else was quicker.
                Err(ParkingError::NotFound(_)) if request.all => {}
                Err(error) => return Err(operator.parking_failed(&error)),
            }
        }
        answer.position = self.installation.parking.position().to_string();
        Ok(Response::new(answer))
    }

    async fn discard_parked(
        &self,
        request: Request<proto::DiscardParkedRequest>,
    ) -> Result<Response<proto::DiscardParkedResponse>, Status> {
        let operator = Operator::of(&request)?;
        let ids =
            ids(&request.into_inner().parked_ids).ok_or_else(|| operator.invalid("parked_ids", "field-required"))?;
        let mut discarded = 0;
        for id in ids {
            if !self.visible(&operator, id).await?.wholly {
                return Err(operator.say(Problem::new(ErrorCode::Forbidden).about("parked_id", id)));
            }
            self.installation.parking.discard(id).await.map_err(|error| operator.parking_failed(&error))?;
            discarded += 1;
        }
        Ok(Response::new(proto::DiscardParkedResponse { discarded }))
    }
}

fn channel_at(channels: &[Option<ChannelRef>], ordinal: u32) -> Option<ChannelRef> {
    channels.get(usize::try_from(ordinal).ok()?).cloned().flatten()
}

fn channel_status(channel: &ChannelRef, counters: &Counters) -> proto::ChannelStatus {
    proto::ChannelStatus {
        tenant: channel.tenant.to_string(),
        channel: channel.channel.to_string(),
        updates: counters.updates,
        messages: counters.messages,
        statuses: counters.statuses,
        other_updates: counters.other_updates,
        duplicates: counters.duplicates,
        parked: counters.parked,
    }
}

/// Where a page begins. The token is a place in the stream and gives no right: what is shown is judged each time.
fn cursor(operator: &Operator, token: &str) -> Result<u64, Status> {
    if token.is_empty() {
        return Ok(0);
    }
    token.parse().map_err(|_refused| operator.say(Problem::new(ErrorCode::CursorInvalid)))
}

/// The ids of a request, each once, if there are any and not too many.
fn ids(wanted: &[u64]) -> Option<Vec<u64>> {
    let mut ids = wanted.to_vec();
    ids.sort_unstable();
    ids.dedup();
    (!ids.is_empty() && ids.len() <= IDS_MAX).then_some(ids)
}
