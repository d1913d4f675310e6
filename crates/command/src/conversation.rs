//! Commands to one conversation, those included that name a tag of the workspace and may make it.

use std::sync::Arc;

use async_trait::async_trait;
use relevo_domain::conversation::{self, Command, Decision, Envelope, Opened, Rejection};
use relevo_domain::workspace::{self, Tag};
use relevo_domain::{Caller, Colour, EntityId, Event, MessageId, Recorded, TagId, TagName};

use crate::decision::{Entity, EntityState};
use crate::execute::{self, Answer, Asked, ExecuteError, Intent, Plan, Reading};
use crate::ledger::{Draft, Ledger, LedgerError};
use crate::look::Look;
use crate::repeat;

/// A command of a client.
#[derive(Clone, Debug)]
pub struct Request {
    pub asked: Asked,
    pub conversation: EntityId,
    pub wish: Wish,
    /// A fresh id, for a command that makes a message.
    pub new_message: MessageId,
}

/// What a client wants of a conversation.
#[derive(Clone, Debug)]
pub enum Wish {
    /// What the conversation can decide by itself.
    Plain(Command),
    /// Put the tag on; with `create` a tag that does not exist is made, under this fresh id.
    AddTag { tag: TagRef, create: Option<(TagId, Colour)> },
    /// Take the tag off.
    RemoveTag { tag: TagRef },
}

/// How a client names a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagRef {
    Name(TagName),
    Id(TagId),
}

/// A conversation as it is now, with the tags of the workspace that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Now {
    pub opened: Opened,
    pub tags: Vec<(TagId, Tag)>,
    /// The tag that the command was about, if there is such a tag now.
    pub tag: Option<(TagId, Tag)>,
    /// Whether this command made the tag.
    pub created: bool,
}

/// Executes clients' commands to conversations.
#[derive(Clone)]
pub struct Conversations {
    ledger: Arc<Ledger>,
}

impl Conversations {
    pub const fn new(ledger: Arc<Ledger>) -> Self {
        Self { ledger }
    }

    pub async fn execute(&self, request: &Request) -> Result<Answer<Now>, ExecuteError> {
        let answer = execute::execute(&self.ledger, &request.asked, request).await?;
        let (opened, workspace, tags) = with_tags(&self.ledger, &request.asked, &answer)?;
        let named = |id: &TagId| workspace.tags.get(id).map(|tag| (*id, tag.clone()));
        let (tag, created) = match &request.wish {
            Wish::Plain(_) => (None, false),
            Wish::RemoveTag { tag } => (tag.find(&workspace), false),
            Wish::AddTag { tag, .. } => {
                (tag.find(&workspace), answer.completed(&request.asked, self.made_tag(request, &answer))?)
            }
        };
        let tag = tag.and_then(|id| named(&id));
        Ok(answer.map(|_entity| Now { opened, tags, tag, created }))
    }

    /// The conversation as it is now, for staff who are about to decide something.
    pub async fn look(&self, asked: &Asked, conversation: EntityId) -> Result<Look, ExecuteError> {
        Look::at(&self.ledger, asked, conversation).await
    }

    /// The answer to a command that was about no tag.
    pub(crate) fn shown(ledger: &Ledger, asked: &Asked, answer: Answer<Entity>) -> Result<Answer<Now>, ExecuteError> {
        let (opened, _workspace, tags) = with_tags(ledger, asked, &answer)?;
        Ok(answer.map(|_entity| Now { opened, tags, tag: None, created: false }))
    }

    /// Whether this command made its tag, now or when it was first applied.
    fn made_tag(&self, request: &Request, answer: &Answer<Entity>) -> Result<bool, LedgerError> {
        if !answer.repeated {
            return Ok(answer.wrote.contains(&EntityId::WORKSPACE));
        }
        // The two stand side by side in the log. The same id may have made a tag for another conversation, elsewhere.
        let made =
            self.ledger.command(&request.asked.caller.tenant, &request.asked.command_id, &EntityId::WORKSPACE)?;
        Ok(made.is_some_and(|made| made.sequence + 1 == answer.position.sequence()))
    }
}

/// A conversation, the workspace of its tags, and those that it has, by name.
type Tagged = (Opened, workspace::State, Vec<(TagId, Tag)>);

/// The conversation of an answer with its tags.
fn with_tags(ledger: &Ledger, asked: &Asked, answer: &Answer<Entity>) -> Result<Tagged, ExecuteError> {
    let opened = opened_of(&answer.now).cloned().ok_or(Rejection::NotFound)?;
    let workspace = answer.completed(asked, ledger.load(&asked.caller.tenant, &EntityId::WORKSPACE))?;
    let workspace = workspace_of(&workspace);
    let named = |id: &TagId| workspace.tags.get(id).map(|tag| (*id, tag.clone()));
    let mut tags: Vec<(TagId, Tag)> = opened.tags.iter().filter_map(named).collect();
    tags.sort_by_cached_key(|(id, tag)| (tag.name.as_str().to_lowercase(), *id));
    Ok((opened, workspace, tags))
}

#[async_trait]
impl Intent for Request {
    fn entity(&self) -> EntityId {
        self.conversation
    }

    async fn admit(&self, reading: &mut Reading<'_>) -> Result<(), ExecuteError> {
        let base = reading.entity(&self.conversation)?;
        let visible = opened_of(&base).is_none_or(|opened| sees(&self.asked.caller, opened));
        if visible { Ok(()) } else { Err(Rejection::NotFound.into()) }
    }

    async fn decide(&self, reading: &mut Reading<'_>) -> Result<Plan, ExecuteError> {
        let base = reading.entity(&self.conversation)?;
        let state = state_of(&base);
        let (first, command) = match &self.wish {
            Wish::Plain(command) => (None, command.clone()),
            Wish::AddTag { tag, create } => {
                let opened = self.attended(&state)?;
                let (tag, first, workspace) = self.found_or_made(reading, tag, *create)?;
                let deleted = opened.tags.iter().filter(|tag| !workspace.tags.contains_key(*tag)).copied().collect();
                (first, Command::AddTag { tag, deleted })
            }
            Wish::RemoveTag { tag } => {
                self.attended(&state)?;
                let (tag, _, _) = self.found_or_made(reading, tag, None)?;
                (None, Command::RemoveTag { tag })
            }
        };
        match conversation::decide(&state, &self.envelope(), &command)? {
            Decision::AlreadySo => Ok(Plan::AlreadySo),
            Decision::Append(events) => {
                let events = events.into_iter().map(Event::Conversation).collect();
                let draft = Draft { entity: self.conversation, base, events };
                Ok(Plan::Append(first.into_iter().chain([draft]).collect()))
            }
        }
    }

    async fn led_to(&self, ledger: &Ledger, stored: &Recorded) -> Result<bool, LedgerError> {
        let tag = match &self.wish {
            Wish::Plain(command) => return Ok(repeat::conversation(command, self.asked.now, &stored.commit)),
            Wish::AddTag { tag, .. } => repeat::tag_added(&stored.commit).map(|stored| (tag, stored)),
            Wish::RemoveTag { tag } => repeat::tag_removed(&stored.commit).map(|stored| (tag, stored)),
        };
        let Some((wanted, id)) = tag else { return Ok(false) };
        let TagRef::Name(name) = wanted else { return Ok(*wanted == TagRef::Id(id)) };
        let tenant = &self.asked.caller.tenant;
        let called = |entity: &Entity| workspace_of(entity).tags.get(&id).is_some_and(|tag| tag.name.same_as(name));
        if called(&ledger.load(tenant, &EntityId::WORKSPACE)?) {
            return Ok(true);
        }
        // It may have been called so then.
        Ok(called(&ledger.as_of(tenant, &EntityId::WORKSPACE, stored.position()).await?))
    }
}

impl Request {
    fn envelope(&self) -> Envelope {
        Envelope {
            actor: self.asked.caller.actor(),
            role: Some(self.asked.caller.role),
            now: self.asked.now,
            new_message: self.new_message,
        }
    }

    /// The conversation, for those who may act on it: tags are not looked up for anybody else.
    fn attended<'s>(&self, state: &'s conversation::State) -> Result<&'s Opened, Rejection> {
        let opened = state.opened.as_ref().ok_or(Rejection::NotFound)?;
        let role = self.asked.caller.role;
        if role.is_staff() { Ok(opened) } else { Err(Rejection::Forbidden { role }) }
    }

    /// The tag's id, the draft that makes it if there is none yet, and the workspace as it was read.
    fn found_or_made(
        &self,
        reading: &mut Reading<'_>,
        wanted: &TagRef,
        create: Option<(TagId, Colour)>,
    ) -> Result<(TagId, Option<Draft>, workspace::State), ExecuteError> {
        let base = reading.entity(&EntityId::WORKSPACE)?;
        let state = workspace_of(&base);
        if let Some(tag) = wanted.find(&state) {
            return Ok((tag, None, state));
        }
        let (TagRef::Name(name), Some((id, colour))) = (wanted, create) else {
            return Err(workspace::Rejection::TagUnknown.into());
        };
        let command = workspace::Command::CreateTag { id, name: name.clone(), colour };
        match workspace::decide(&state, self.asked.caller.role, &command)? {
            workspace::Decision::AlreadySo => Err(workspace::Rejection::TagUnknown.into()),
            workspace::Decision::Append(events) => {
                let events = events.into_iter().map(Event::Workspace).collect();
                Ok((id, Some(Draft { entity: EntityId::WORKSPACE, base, events }), state))
            }
        }
    }
}

impl TagRef {
    fn find(&self, state: &workspace::State) -> Option<TagId> {
        match self {
            Self::Name(name) => state.tag_named(name),
            Self::Id(id) => state.tags.contains_key(id).then_some(*id),
        }
    }
}

/// What the caller may not see does not exist for them.
pub(crate) fn sees(caller: &Caller, opened: &Opened) -> bool {
    caller.sees(&opened.channel, opened.agent.as_ref(), opened.team.as_ref())
}

pub(crate) fn state_of(entity: &Entity) -> conversation::State {
    match &entity.state {
        EntityState::Conversation(state) => state.clone(),
        EntityState::Contact(_)
        | EntityState::Identity(_)
        | EntityState::Channel(_)
        | EntityState::Workspace(_)
        | EntityState::Bulk(_) => conversation::State::default(),
    }
}

pub(crate) const fn opened_of(entity: &Entity) -> Option<&Opened> {
    match &entity.state {
        EntityState::Conversation(state) => state.opened.as_ref(),
        EntityState::Contact(_)
        | EntityState::Identity(_)
        | EntityState::Channel(_)
        | EntityState::Workspace(_)
        | EntityState::Bulk(_) => None,
    }
}

pub(crate) fn workspace_of(entity: &Entity) -> workspace::State {
    match &entity.state {
        EntityState::Workspace(state) => state.clone(),
        EntityState::Conversation(_)
        | EntityState::Contact(_)
        | EntityState::Identity(_)
        | EntityState::Channel(_)
        | EntityState::Bulk(_) => workspace::State::default(),
    }
}
