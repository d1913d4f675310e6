//! `relevo.admin.v1.IntakeService`: what arrived, what became of it, and what is parked.
//!
//! A raw item of a shared Meta app can hold updates of several tenants. An operator sees the parked updates of their own
//! channels, and those that name no channel where the endpoint is theirs, and retries and discards those alone. The bytes are
//! for items that are wholly theirs.

use relevo_domain::{EndpointId, ErrorCode, RawId};
use relevo_eventlog::{ParkedEntry, ParkedItem, ParkedReason};
use relevo_intake::{ChannelRef, Counters, ParkingError, channel_of};
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

impl Service {
    pub(crate) const fn new(installation: Installation) -> Self {
        Self { installation }
    }

    pub(crate) fn into_server(self) -> IntakeServiceServer<Self> {
        IntakeServiceServer::new(self).max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Whether an update is the operator's: by its channel, else by its endpoint.
    fn may(&self, operator: &Operator, endpoint: &EndpointId, channel: Option<&ChannelRef>) -> bool {
        let tenant = &operator.caller.tenant;
        channel.map_or_else(
            || owner::owns(&self.installation.channels.routes().now(), tenant, endpoint),
            |channel| channel.tenant == *tenant,
        )
    }

    /// The reasons of an item that the operator may see.
    fn own<'e>(&self, operator: &Operator, entry: &'e ParkedEntry) -> Vec<&'e ParkedReason> {
        let own = |reason: &&ParkedReason| self.may(operator, &entry.endpoint, channel_of(reason).as_ref());
        entry.reasons.iter().filter(own).collect()
    }

    /// An item that the operator may see a part of, without its bytes.
    async fn visible(&self, operator: &Operator, id: RawId) -> Result<ParkedEntry, Status> {
        let entry = self.installation.parking.entry(id).await.map_err(|error| operator.parking_failed(&error))?;
        if self.own(operator, &entry).is_empty() {
            return Err(operator.parking_failed(&ParkingError::NotFound(id)));
        }
        Ok(entry)
    }

    /// Whether every update of the item is the operator's, those that are not parked too: the bytes hold them all.
    fn wholly(&self, operator: &Operator, item: &ParkedItem) -> bool {
        let may = |channel: Option<&ChannelRef>| self.may(operator, &item.endpoint, channel);
        let channels = self.installation.parking.channels_of(item);
        item.reasons.iter().all(|reason| may(channel_of(reason).as_ref()))
            && channels.iter().all(|channel| may(channel.as_ref()))
            && (!channels.is_empty() || may(None))
    }

    /// The rows of an item that the operator may see.
    fn rows(&self, operator: &Operator, entry: &ParkedEntry) -> Vec<proto::ParkedItem> {
        let row = |reason: &ParkedReason| proto::ParkedItem {
            parked_id: entry.id.number(),
            endpoint: entry.endpoint.to_string(),
            tenant: reason.channel.as_ref().map(|(tenant, _)| tenant.to_string()).unwrap_or_default(),
            channel: reason.channel.as_ref().map(|(_, channel)| channel.to_string()).unwrap_or_default(),
            intake_sequence: entry.id.sequence,
            intake_part: entry.id.part,
            ordinal: reason.ordinal,
            received_at: Some(to_wire(entry.received_at)),
            parked_at: Some(to_wire(reason.at)),
            reason: reason.reason.clone(),
            detail: reason.detail.clone(),
            size_bytes: entry.body_bytes,
        };
        self.own(operator, entry).into_iter().map(row).collect()
    }

    /// Entries of the parked stream after a cursor.
    async fn entries(&self, operator: &Operator, after: u64) -> Result<Vec<ParkedEntry>, Status> {
        self.installation.parking.list(after, CHUNK).await.map_err(|error| operator.parking_failed(&error))
    }

    /// Ids of everything that the operator may see, oldest first.
    async fn every_id(&self, operator: &Operator) -> Result<Vec<RawId>, Status> {
        let (mut ids, mut after) = (Vec::new(), 0);
        while ids.len() < ALL_MAX {
            let entries = self.entries(operator, after).await?;
            let Some(last) = entries.last() else { break };
            after = last.cursor;
            for entry in entries {
                if !self.own(operator, &entry).is_empty() {
                    ids.push(entry.id);
                }
            }
        }
        ids.truncate(ALL_MAX);
        Ok(ids)
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
        let (routes, tenant) = (&*self.installation.channels.routes().now(), &operator.caller.tenant);
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
        let (mut after, known) = cursor(&operator, &request.page_token)?;
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
                if wanted {
                    items.extend(self.rows(&operator, &entry));
                }
            }
        }
        // Counted once a list: the pages after the first carry it.
        let total = match known {
            Some(total) => total,
            None => self.every_id(&operator).await?.len() as u64,
        };
        let next_page_token = if more { format!("{after}.{total}") } else { String::new() };
        Ok(Response::new(proto::ListParkedResponse { items, next_page_token, total }))
    }

    async fn get_parked(
        &self,
        request: Request<proto::GetParkedRequest>,
    ) -> Result<Response<proto::GetParkedResponse>, Status> {
        let operator = Operator::of(&request)?;
        let entry = self.visible(&operator, RawId::of_number(request.get_ref().parked_id)).await?;
        let whole = self.installation.parking.get(entry.id).await;
        let whole = whole.map_err(|error| operator.parking_failed(&error))?;
        let item = self.rows(&operator, &entry).into_iter().next();
        // The bytes of an item that another tenant has a part in are for nobody.
        let body_withheld = !self.wholly(&operator, &whole);
        let (body, content_type) =
            if body_withheld { (Vec::new(), String::new()) } else { (whole.body.to_vec(), whole.content_type) };
        Ok(Response::new(proto::GetParkedResponse { item, body, content_type, body_withheld }))
    }

    async fn retry_parked(
        &self,
        request: Request<proto::RetryParkedRequest>,
    ) -> Result<Response<proto::RetryParkedResponse>, Status> {
        let operator = Operator::of(&request)?;
        let request = request.into_inner();
        let mut ids = match (request.all, ids(&request.parked_ids)) {
            (true, _) if request.parked_ids.is_empty() => self.every_id(&operator).await?,
            (false, Some(ids)) => ids,
            (true | false, _) => return Err(operator.invalid("parked_ids", "field-required")),
        };
        // In the order in which they came, whatever the order in which they were parked: they may be one person's.
        ids.sort_unstable();
        let mut answer = proto::RetryParkedResponse::default();
        for id in ids {
            if !request.all {
                self.visible(&operator, id).await?;
            }
            let may = |endpoint: &EndpointId, channel: Option<&ChannelRef>| self.may(&operator, endpoint, channel);
            match self.installation.parking.retry(id, &may).await {
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
            let may = |endpoint: &EndpointId, channel: Option<&ChannelRef>| self.may(&operator, endpoint, channel);
            let given_up = self.installation.parking.discard(id, &may).await;
            given_up.map_err(|error| operator.parking_failed(&error))?;
            discarded += 1;
        }
        Ok(Response::new(proto::DiscardParkedResponse { discarded }))
    }
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

/// Where a page begins, and how many there were at the first. The token gives no right: what is shown is judged each time.
fn cursor(operator: &Operator, token: &str) -> Result<(u64, Option<u64>), Status> {
    if token.is_empty() {
        return Ok((0, None));
    }
    let parts = token.split_once('.').and_then(|(after, total)| Some((after.parse().ok()?, total.parse().ok()?)));
    let (after, total) = parts.ok_or_else(|| operator.say(Problem::new(ErrorCode::CursorInvalid)))?;
    Ok((after, Some(total)))
}

/// The ids of a request, each once, if there are any and not too many.
fn ids(wanted: &[u64]) -> Option<Vec<RawId>> {
    let mut ids: Vec<RawId> = wanted.iter().copied().map(RawId::of_number).collect();
    ids.sort_unstable();
    ids.dedup();
    (!ids.is_empty() && ids.len() <= IDS_MAX).then_some(ids)
}
