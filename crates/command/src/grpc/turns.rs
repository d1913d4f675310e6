//! What bots do in their turns, for the door of bots: the same commands, refused in the same words, as through the other doors.
//!
//! Which turn is given to whom, and how it gets there, is not decided here.

use std::sync::Arc;
use std::time::Duration;

use relevo_catalogue::Language;
use relevo_domain::conversation::{Author, Command, Opened, Pending, Rejection, Turn, TurnEnd, TurnRef};
use relevo_domain::{Caller, Clock, CommandId, EntityId, EntityKind, MessageId, Position, Timestamp};
use relevo_proto::Problem;
use relevo_proto::command::v1 as proto;
use tokio::time::{Instant, sleep};
use tonic::Status;

use super::problem::Speaker;
use super::request::{self, Head};
use super::{Staff, outgoing};
use crate::conversation::{Conversations, Now, Request, Wish, opened_of};
use crate::execute::{Answer, Asked, ExecuteError};
use crate::ledger::Ledger;
use crate::marks::Marks;
use crate::send::{BotMark, Messages, SendRequest};

/// How long a bot that hands over waits until its last words were claimed: its own pause would take them back.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(10);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often a turn is asked for under the same id if the log does not say whether it was given.
const ASKED_MAX: u32 = 3;

/// What a bot says in a turn, as it arrived.
#[derive(Clone, Debug)]
pub struct InTurn {
    /// Always a bot.
    pub caller: Caller,
    /// As `accept-language` has it.
    pub language: String,
    pub command_id: String,
    pub conversation_id: String,
    pub turn: u64,
}

/// What an action came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Did {
    pub position: Position,
    /// Of a reply.
    pub message: Option<MessageId>,
    pub goes_on: bool,
}

/// A turn that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    pub position: Position,
    pub turn: Turn,
}

/// What bots do in their turns.
#[derive(Clone)]
pub struct TurnCommands {
    ledger: Arc<Ledger>,
    messages: Messages,
    conversations: Conversations,
    staff: Arc<dyn Staff>,
    clock: Clock,
    marks: Option<Marks>,
}

/// An action whose ids were read.
struct Action {
    asked: Asked,
    conversation: EntityId,
    speaker: Speaker,
}

impl TurnCommands {
    pub(super) fn new(
        ledger: Arc<Ledger>,
        messages: Messages,
        staff: Arc<dyn Staff>,
        clock: Clock,
        marks: Option<Marks>,
    ) -> Self {
        let conversations = Conversations::new(Arc::clone(&ledger));
        Self { ledger, messages, conversations, staff, clock, marks }
    }

    /// Takes the turn that is due, or one whose time is over. `None` if there is none: somebody else has it, or nobody needs it.
    pub async fn start(
        &self,
        caller: &Caller,
        conversation: EntityId,
        claim: &str,
        until: Timestamp,
    ) -> Result<Option<Started>, ExecuteError> {
        let wish = Wish::Plain(Command::StartTurn { claim: claim.to_owned(), until });
        let request = Self::request(self.own(caller), conversation, wish);
        let mut asked = 1;
        let answer = loop {
            match self.conversations.execute(&request).await {
                Err(ExecuteError::Unknown) if asked < ASKED_MAX => asked += 1,
                answer => break answer?,
            }
        };
        let Answer { position, already_so, now: Now { opened, .. }, .. } = answer;
        let turn = opened.turns.running.filter(|turn| !already_so && turn.given.claim == claim);
        Ok(turn.map(|turn| Started { position, turn }))
    }

    /// Ends a turn for whoever gave it: its holder is gone, or has nothing to say. Fine if it is over anyway.
    pub async fn close(
        &self,
        caller: &Caller,
        conversation: EntityId,
        turn: u64,
        how: TurnEnd,
    ) -> Result<(), ExecuteError> {
        let wish = Wish::Plain(Command::EndTurn { turn, how });
        let request = Self::request(self.own(caller), conversation, wish);
        match self.conversations.execute(&request).await {
            Ok(_)
            | Err(ExecuteError::Rejected(crate::execute::Refused::Conversation(
                Rejection::TurnEnded { .. } | Rejection::BotPaused { .. } | Rejection::NotFound,
            ))) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Answers the customer.
    pub async fn reply(
        &self,
        said: &InTurn,
        message: Option<proto::OutgoingMessage>,
        more: bool,
    ) -> Result<Did, Status> {
        let (Action { asked, conversation, speaker }, message) = self.action(said, outgoing::message(message))?;
        let turn = TurnRef { number: said.turn, more };
        let author_name = self.staff.agent_name(&asked.caller.tenant, &asked.caller.name);
        let request = SendRequest {
            asked,
            conversation,
            message,
            last_seen_version: None,
            force: false,
            author_name,
            pause: None,
            turn: Some(turn),
        };
        let queued = self.messages.send(&request).await;
        let queued = queued.map_err(|error| self.refused(&speaker, conversation, &request.asked, error))?;
        let goes_on = runs(&queued.answer.now.opened, said);
        Ok(Did { position: queued.answer.position, message: Some(queued.message), goes_on })
    }

    /// Shows the customer something of the bot.
    pub async fn mark(&self, said: &InTurn, mark: BotMark) -> Result<Did, Status> {
        let (Action { asked, conversation, speaker }, ()) = self.action(said, Ok(()))?;
        let shown = self.messages.show_in_turn(self.marks.as_ref(), &asked, conversation, (said.turn, mark)).await;
        let position = shown.map_err(|error| self.refused(&speaker, conversation, &asked, error))?;
        Ok(Did { position, message: None, goes_on: true })
    }

    /// Gives the conversation to people, after what the bot has said before.
    pub async fn hand_off(&self, said: &InTurn, note: &str) -> Result<Did, Status> {
        let (action, ()) = self.action(said, Ok(()))?;
        self.last_words(said, action.conversation).await;
        self.command(action, said, Command::HandOff { turn: said.turn, note: request::optional(note) }).await
    }

    /// Ends the turn.
    pub async fn end(&self, said: &InTurn, how: TurnEnd) -> Result<Did, Status> {
        let (action, ()) = self.action(said, Ok(()))?;
        self.command(action, said, Command::EndTurn { turn: said.turn, how }).await
    }

    /// Whether the turn goes on, as far as this node knows.
    pub fn runs(&self, caller: &Caller, conversation: EntityId, turn: u64) -> bool {
        let base = self.ledger.load(&caller.tenant, &conversation);
        let opened = base.as_ref().ok().and_then(opened_of);
        opened.is_some_and(|opened| is(opened, caller, turn))
    }

    /// The conversation as this node knows it, if there is one.
    pub fn opened(&self, caller: &Caller, conversation: EntityId) -> Option<Opened> {
        let base = self.ledger.load(&caller.tenant, &conversation).ok()?;
        opened_of(&base).cloned()
    }

    /// How far this node has come at least.
    pub fn newest(&self) -> Position {
        self.ledger.newest()
    }

    async fn command(&self, action: Action, said: &InTurn, command: Command) -> Result<Did, Status> {
        let Action { asked, conversation, speaker } = action;
        let request = Self::request(asked, conversation, Wish::Plain(command));
        let done = self.conversations.execute(&request).await;
        let done = done.map_err(|error| self.refused(&speaker, conversation, &request.asked, error))?;
        Ok(Did { position: done.position, message: None, goes_on: runs(&done.now.opened, said) })
    }

    /// Waits until no message of the bot's is left that its own pause would take back, or for as long as it is worth.
    async fn last_words(&self, said: &InTurn, conversation: EntityId) {
        let deadline = Instant::now() + LAST_WORDS_WITHIN;
        while Instant::now() < deadline {
            let Some(opened) = self.opened(&said.caller, conversation) else { return };
            let waits = |pending: &Pending| pending.author == Author::Bot && !pending.handed_over();
            if !is(&opened, &said.caller, said.turn) || !opened.outbox.iter().any(waits) {
                return;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    fn action<T>(&self, said: &InTurn, rest: Result<T, request::Violations>) -> Result<(Action, T), Status> {
        let speaker = Speaker { language: Language::accepted(&said.language) };
        let id = request::entity(EntityKind::Conversation, "conversation_id", &said.conversation_id);
        let turn = if said.turn == 0 { Err(vec![("turn", "field-required")]) } else { Ok(()) };
        let now = (self.clock)();
        let head = Head { caller: said.caller.clone(), command_id: &said.command_id, expected_version: None, now };
        let rest = request::both(request::both(id, turn), rest);
        let (asked, ((conversation, ()), rest)) =
            request::with_head(head, rest).map_err(|violations| speaker.invalid(violations))?;
        Ok((Action { asked, conversation, speaker }, rest))
    }

    /// Of our own accord, in the bot's name.
    fn own(&self, caller: &Caller) -> Asked {
        let command_id = CommandId::derived(uuid::Uuid::now_v7().as_bytes());
        Asked { caller: caller.clone(), command_id, expected_version: None, now: (self.clock)() }
    }

    fn request(asked: Asked, conversation: EntityId, wish: Wish) -> Request {
        Request { asked, conversation, wish, new_message: MessageId::new([0; 16]) }
    }

    fn refused(&self, speaker: &Speaker, conversation: EntityId, asked: &Asked, error: ExecuteError) -> Status {
        speaker.refusal(conversation, asked, error, self.staff.as_ref())
    }
}

fn runs(opened: &Opened, said: &InTurn) -> bool {
    is(opened, &said.caller, said.turn)
}

fn is(opened: &Opened, caller: &Caller, turn: u64) -> bool {
    let running = opened.turns.running.as_ref();
    running.is_some_and(|running| running.number == turn && running.given.bot == caller.name)
}

/// A refusal in the caller's words.
pub fn refuse(language: &str, problem: Problem) -> Status {
    Speaker { language: Language::accepted(language) }.say(problem)
}

/// A field that is not acceptable, with the catalogue key that says why, and the most that it may be where the text names it.
pub fn refuse_field(language: &str, field: &str, why: &str, max: usize) -> Status {
    let speaker = Speaker { language: Language::accepted(language) };
    speaker.say(speaker.field(EntityId::WORKSPACE, field, why, max))
}
