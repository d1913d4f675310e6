//! Who did what, when: to one conversation, or by one actor.

use std::sync::Arc;

use futures::StreamExt;
use relevo_domain::{EntityId, EntityKind, ErrorCode, Position, Recorded};
use relevo_eventlog::{Log, LogError};
use relevo_proto::Problem;
use relevo_proto::admin::v1 as proto;
use relevo_proto::admin::v1::audit_log_request::Of;
use relevo_query::Directory;
use tonic::Status;

use super::span::{Span, Who, impersonal};
use super::{bounded, render};
use crate::admin::refusal::Operator;

/// Entries of one page.
const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1_000;
/// Commits that are looked at for one page: a second or two of reading.
const EXAMINED_MAX: u64 = 50_000;
/// Commits of one conversation that are read at a time, and that are looked at for one page: each is a question to the log's
/// leader.
const READ_COMMITS: usize = 100;
const CONVERSATION_EXAMINED_MAX: usize = 2_000;

/// One page of an audit trail.
pub(in crate::admin) struct Audit<'a> {
    pub(in crate::admin) operator: &'a Operator,
    pub(in crate::admin) log: &'a Arc<dyn Log>,
    pub(in crate::admin) directory: &'a Directory,
}

impl Audit<'_> {
    pub(in crate::admin) async fn page(
        &self,
        request: proto::AuditLogRequest,
    ) -> Result<proto::AuditLogResponse, Status> {
        let span = Span::find(self.operator, &**self.log, request.from.as_ref(), request.to.as_ref()).await?;
        let log_end = self.log.identity().await.map_err(|error| self.operator.log_failed(&error))?.last_sequence;
        let mut page = Page {
            entries: Vec::new(),
            limit: bounded(request.limit, LIMIT_DEFAULT, LIMIT_MAX),
            personal: request.personal,
            next: 0,
            unreadable: 0,
        };
        match &request.of {
            Some(Of::ConversationId(id)) => self.conversation(&mut page, id, span, request.after_sequence).await?,
            Some(Of::Actor(text)) => {
                let who = Who::parse(text).ok_or_else(|| self.operator.invalid("actor", "field-actor"))?;
                let reading = self.actor(&mut page, &who, span, request.after_sequence).await;
                reading.map_err(|ended| match ended {
                    Stopped::Log(error) => self.operator.log_failed(&error),
                    Stopped::Refused(status) => *status,
                })?;
            }
            None => return Err(self.operator.invalid("conversation_id", "field-required")),
        }
        Ok(proto::AuditLogResponse {
            entries: page.entries,
            next_after_sequence: page.next,
            position: Position::new(log_end).to_string(),
            unreadable: page.unreadable,
        })
    }

    async fn conversation(&self, page: &mut Page, id: &str, span: Span, after: u64) -> Result<(), Status> {
        let id = EntityId::parse(EntityKind::Conversation, id)
            .map_err(|_bad| self.operator.invalid("conversation_id", "field-id"))?;
        let tenant = &self.operator.caller.tenant;
        let last = self.log.last_of(tenant, &id).await.map_err(|error| self.operator.log_failed(&error))?;
        if last == 0 {
            return Err(self.operator.say(Problem::new(ErrorCode::ConversationNotFound).about("conversation_id", id)));
        }
        let mut from = after.max(span.first.saturating_sub(1));
        for _ in 0..CONVERSATION_EXAMINED_MAX / READ_COMMITS {
            let commits = self.log.page(tenant, &id, from, READ_COMMITS).await;
            let commits = commits.map_err(|error| self.operator.log_failed(&error))?;
            let all = commits.len() < READ_COMMITS;
            for item in commits {
                if page.full() {
                    return Ok(());
                }
                from = match item {
                    Ok(recorded) if recorded.sequence <= span.last => {
                        if span.holds(&recorded) {
                            self.add(page, &recorded)?;
                        }
                        recorded.sequence
                    }
                    Err(LogError::Undecodable { sequence, .. }) if sequence <= span.last => {
                        page.unreadable += 1;
                        sequence
                    }
                    Ok(_) | Err(LogError::Undecodable { .. }) => {
                        page.next = 0;
                        return Ok(());
                    }
                    Err(error) => return Err(self.operator.log_failed(&error)),
                };
                page.next = from;
            }
            if all {
                page.next = 0;
                return Ok(());
            }
        }
        Ok(())
    }

    async fn actor(&self, page: &mut Page, who: &Who, span: Span, after: u64) -> Result<(), Stopped> {
        let first = span.first.max(after.saturating_add(1));
        if first > span.last {
            return Ok(());
        }
        let end = span.last.min(first.saturating_add(EXAMINED_MAX - 1));
        let mut commits = self.log.read(first).await.map_err(Stopped::Log)?;
        while let Some(item) = commits.next().await {
            let sequence = match item {
                Ok(recorded) if recorded.sequence > end => break,
                Ok(recorded) => {
                    let own = recorded.commit.tenant == self.operator.caller.tenant;
                    if own && span.holds(&recorded) && who.did(&recorded.commit.actor) {
                        self.add(page, &recorded).map_err(|status| Stopped::Refused(Box::new(status)))?;
                    }
                    recorded.sequence
                }
                Err(LogError::Undecodable { sequence, .. }) => {
                    page.unreadable += 1;
                    sequence
                }
                Err(error) => return Err(Stopped::Log(error)),
            };
            page.next = sequence;
            if page.full() || sequence >= end {
                break;
            }
        }
        if page.next >= span.last {
            page.next = 0;
        }
        Ok(())
    }

    fn add(&self, page: &mut Page, recorded: &Recorded) -> Result<(), Status> {
        let shown = render(recorded, self.directory).map_err(|error| self.operator.internal(&error))?;
        for event in shown.events {
            page.entries.push(proto::AuditEntry {
                at: shown.recorded_at,
                actor: shown.actor.clone(),
                action: event.name,
                entity_id: shown.entity_id.clone(),
                json: if page.personal { event.json } else { impersonal(&event.json) },
                position: recorded.position().to_string(),
                command_id: shown.command_id.clone(),
                occurred_at: shown.occurred_at,
            });
        }
        Ok(())
    }
}

/// What a page has so far.
struct Page {
    entries: Vec<proto::AuditEntry>,
    limit: usize,
    personal: bool,
    /// The last sequence that was looked at; 0 if nothing comes after it.
    next: u64,
    unreadable: u64,
}

impl Page {
    const fn full(&self) -> bool {
        self.entries.len() >= self.limit
    }
}

/// Why reading ended early.
enum Stopped {
    Log(LogError),
    Refused(Box<Status>),
}
