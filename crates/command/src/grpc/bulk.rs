//! `relevo.command.v1.BulkCommandService`.

use std::sync::Arc;

use proto::bulk_pause_action::Ends as PauseEnds;
use proto::start_bulk_request::{Action, Selection};
use relevo_domain::bulk::{Chosen, What};
use relevo_domain::conversation::CatchUp;
use relevo_domain::{Caller, Clock, EntityId, EntityKind, Position, Timestamp};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::bulk_command_service_server::BulkCommandService;
use relevo_proto::query::v1::{ConversationFilter, InboxTab};
use tonic::{Request, Response, Status};

use super::Staff;
use super::pause::{self, Ends};
use super::problem::Speaker;
use super::request::{self, Head, Violations, optional};
use crate::bulk::{BulkStart, BulkUndo, Bulks, Matched};
use crate::execute::{Asked, ExecuteError};

/// The most ids of one request: what fits into its size. More are chosen by a filter.
const IDS_MAX: usize = 100_000;

/// The service of commands for many conversations.
#[derive(Clone)]
pub struct BulkCommands {
    bulks: Bulks,
    staff: Arc<dyn Staff>,
    clock: Clock,
}

/// In which conversations, once that is read.
enum Selected {
    Filter(Box<ConversationFilter>),
    Ids(Vec<EntityId>),
    All,
}

impl BulkCommands {
    pub(super) const fn new(bulks: Bulks, staff: Arc<dyn Staff>, clock: Clock) -> Self {
        Self { bulks, staff, clock }
    }

    async fn start(&self, speaker: &Speaker, caller: Caller, r: proto::StartBulkRequest) -> Result<Begun, Status> {
        let now = (self.clock)();
        let read = request::both(action(r.action.as_ref(), now), selection(r.selection));
        let head = Head { caller, command_id: &r.command_id, expected_version: None, now };
        let (asked, (what, selected)) =
            request::with_head(head, read).map_err(|violations| speaker.invalid(violations))?;
        let refuse = |error| self.refusal(speaker, &asked, EntityId::WORKSPACE, error);
        if !asked.caller.role.is_staff() {
            let role = asked.caller.role;
            return Err(refuse(relevo_domain::bulk::Rejection::Forbidden { role }.into()));
        }
        let chosen = match &selected {
            Selected::Filter(_) => Chosen::Filter,
            Selected::Ids(_) => Chosen::Ids,
            Selected::All => Chosen::All,
        };
        let begun = self.bulks.begun(&asked).map_err(refuse)?;
        let Matched { conversations, position } = if begun && !r.dry_run {
            // It has its list.
            Matched { conversations: Vec::new(), position: Position::START }
        } else {
            self.listed(&asked.caller, selected, &r.min_position).await?
        };
        if r.dry_run {
            let total = conversations.iter().collect::<std::collections::HashSet<_>>().len();
            let position = position.to_string();
            return Ok(Begun { bulk_id: String::new(), total: total as u32, position, already_so: false });
        }
        let note = optional(&r.note);
        let start = BulkStart { asked: asked.clone(), what, chosen, conversations, position, note };
        let begun = self.bulks.start(start).await;
        begun.map(Begun::from).map_err(refuse)
    }

    async fn listed(&self, caller: &Caller, selected: Selected, min_position: &str) -> Result<Matched, Status> {
        match selected {
            Selected::Ids(conversations) => Ok(Matched { conversations, position: Position::START }),
            Selected::Filter(filter) => self.bulks.matching(caller, Some(*filter), min_position).await,
            Selected::All => self.bulks.matching(caller, None, min_position).await,
        }
    }

    fn refusal(&self, speaker: &Speaker, asked: &Asked, entity: EntityId, error: ExecuteError) -> Status {
        speaker.refusal(entity, asked, error, self.staff.as_ref())
    }
}

/// What both RPCs answer.
struct Begun {
    bulk_id: String,
    total: u32,
    position: String,
    already_so: bool,
}

impl From<crate::bulk::Begun> for Begun {
    fn from(begun: crate::bulk::Begun) -> Self {
        let crate::bulk::Begun { bulk, total, position, already_so } = begun;
        Self { bulk_id: bulk.to_string(), total, position: position.to_string(), already_so }
    }
}

#[tonic::async_trait]
impl BulkCommandService for BulkCommands {
    async fn start_bulk(
        &self,
        request: Request<proto::StartBulkRequest>,
    ) -> Result<Response<proto::StartBulkResponse>, Status> {
        let speaker = Speaker::of(&request);
        let caller = speaker.caller(&request)?;
        let Begun { bulk_id, total, position, already_so } = self.start(&speaker, caller, request.into_inner()).await?;
        Ok(Response::new(proto::StartBulkResponse { bulk_id, total, position, already_so }))
    }

    async fn undo_bulk(
        &self,
        request: Request<proto::UndoBulkRequest>,
    ) -> Result<Response<proto::UndoBulkResponse>, Status> {
        let speaker = Speaker::of(&request);
        let caller = speaker.caller(&request)?;
        let r = request.into_inner();
        let head = Head { caller, command_id: &r.command_id, expected_version: None, now: (self.clock)() };
        let of = request::entity(EntityKind::Bulk, "bulk_id", &r.bulk_id);
        let (asked, of) = request::with_head(head, of).map_err(|violations| speaker.invalid(violations))?;
        let (note, catch_up) = (optional(&r.note), catch_up(r.answer_missed));
        let begun = self.bulks.undo(BulkUndo { asked: asked.clone(), of, catch_up, note }).await;
        let begun = begun.map_err(|error| self.refusal(&speaker, &asked, of, error))?;
        let Begun { bulk_id, total, position, already_so } = begun.into();
        Ok(Response::new(proto::UndoBulkResponse { bulk_id, total, position, already_so }))
    }
}

fn action(action: Option<&Action>, now: Timestamp) -> Result<What, Violations> {
    match action {
        None => Err(vec![("action", "field-required")]),
        Some(Action::Resume(resume)) => Ok(What::Resume { catch_up: catch_up(resume.answer_missed) }),
        Some(Action::Pause(wish)) => {
            let ends = wish.ends.map(|ends| match ends {
                PauseEnds::Until(at) => Ends::Until(at),
                PauseEnds::Duration(time) => Ends::After(time),
            });
            let (reason, terms) = request::both(pause::reason(wish.reason), pause::terms(ends, wish.locked, now))?;
            Ok(What::Pause { reason, terms })
        }
    }
}

const fn catch_up(answer_missed: bool) -> CatchUp {
    if answer_missed { CatchUp::Answer } else { CatchUp::Know }
}

/// A filter that says nothing would be nearly everybody: whoever means that says `all`.
fn selection(selection: Option<Selection>) -> Result<Selected, Violations> {
    match selection {
        None | Some(Selection::All(false)) => Err(vec![("selection", "field-bulk-selection")]),
        Some(Selection::Filter(filter)) if says_nothing(&filter) => Err(vec![("filter", "field-bulk-selection")]),
        Some(Selection::Filter(filter)) => Ok(Selected::Filter(Box::new(filter))),
        Some(Selection::All(true)) => Ok(Selected::All),
        Some(Selection::Conversations(list)) => {
            if list.conversation_ids.len() > IDS_MAX {
                return Err(vec![("conversations.conversation_ids", "field-bulk-too-many")]);
            }
            let ids = list.conversation_ids.iter();
            let ids = ids.map(|id| EntityId::parse(EntityKind::Conversation, id)).collect::<Result<_, _>>();
            ids.map(Selected::Ids).map_err(|_id| vec![("conversations.conversation_ids", "field-id")])
        }
    }
}

/// The tab that is everything says nothing.
fn says_nothing(filter: &ConversationFilter) -> bool {
    let tab = if filter.tab == i32::from(InboxTab::All) { 0 } else { filter.tab };
    let search = filter.search.trim().to_owned();
    ConversationFilter { tab, search, ..filter.clone() } == ConversationFilter::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(selected: Result<Selected, Violations>) -> Vec<&'static str> {
        selected.err().unwrap_or_default().into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn nobody_means_everybody_by_saying_nothing() {
        assert_eq!(refused(selection(None)), ["selection"]);
        assert_eq!(refused(selection(Some(Selection::All(false)))), ["selection"]);
        assert_eq!(refused(selection(Some(Selection::Filter(ConversationFilter::default())))), ["filter"]);
        let everything = ConversationFilter { tab: InboxTab::All.into(), ..ConversationFilter::default() };
        assert_eq!(refused(selection(Some(Selection::Filter(everything)))), ["filter"]);
        let blank = ConversationFilter { search: " \t".to_owned(), ..ConversationFilter::default() };
        assert_eq!(refused(selection(Some(Selection::Filter(blank)))), ["filter"]);
        assert!(matches!(selection(Some(Selection::All(true))), Ok(Selected::All)));
        let filter = ConversationFilter { unread: true, ..ConversationFilter::default() };
        assert!(matches!(selection(Some(Selection::Filter(filter))), Ok(Selected::Filter(_))));
    }

    #[test]
    fn ids_are_ids_of_conversations_and_not_without_end() {
        let ids = |ids: Vec<String>| {
            selection(Some(Selection::Conversations(proto::BulkConversations { conversation_ids: ids })))
        };
        let id = |kind| EntityId::new(kind, [1; 16]).to_string();
        assert!(matches!(ids(Vec::new()), Ok(Selected::Ids(ids)) if ids.is_empty()));
        assert!(matches!(ids(vec![id(EntityKind::Conversation); IDS_MAX]), Ok(Selected::Ids(_))));
        for bad in [vec![id(EntityKind::Contact)], vec![String::new()], vec![id(EntityKind::Conversation); IDS_MAX + 1]]
        {
            assert_eq!(refused(ids(bad)), ["conversations.conversation_ids"]);
        }
    }

    #[test]
    fn an_action_is_required_and_says_why() {
        assert!(action(None, Timestamp::default()).is_err());
        let wish = proto::BulkPauseAction::default();
        assert!(action(Some(&Action::Pause(wish)), Timestamp::default()).is_err(), "no reason");
        let resume = proto::BulkResumeAction { answer_missed: true };
        let what = action(Some(&Action::Resume(resume)), Timestamp::default());
        assert_eq!(what, Ok(What::Resume { catch_up: CatchUp::Answer }));
    }
}
