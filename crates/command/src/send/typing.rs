//! Somebody writes, and the customer may see it. Decided like a message. What staff does is stored nowhere; what a bot does is
//! claimed on the log before the provider is told ([`marks`](crate::marks)).

use relevo_domain::conversation::{Bot, Opened, Rejection};
use relevo_domain::{Actor, ChannelId, EntityId, MessageId, Position};

use super::Messages;
use super::message::may_send;
use super::ports::PolicyProblem;
use super::refused::SendRefused;
use crate::channel::{channel_of, key};
use crate::conversation::{opened_of, sees};
use crate::decision::Entity;
use crate::execute::{Asked, ExecuteError};
use crate::marks::{Marks, Typist};

/// How often a conversation that changes while it is looked at is looked at again.
const LOOKS_MAX: usize = 8;
/// What a channel without marks cannot send.
const TYPING: &str = "typing";

/// What a bot shows of itself in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BotMark {
    /// That it writes, and has read.
    Typing,
    /// That it has read.
    Read,
}

impl Messages {
    /// Shows the customer what a bot does in its turn. The answer is where the conversation stands. `marks` are absent where there
    /// are none.
    pub async fn show_in_turn(
        &self,
        marks: Option<&Marks>,
        asked: &Asked,
        conversation: EntityId,
        (turn, mark): (u64, BotMark),
    ) -> Result<Position, ExecuteError> {
        let tenant = &asked.caller.tenant;
        for _look in 0..LOOKS_MAX {
            let base = self.ledger.load(tenant, &conversation)?;
            let decided = self.may_type(marks, asked, &base).and_then(|about| {
                in_turn(asked, &base, turn)?;
                Ok(about)
            });
            // What this node knows is neither enough to let the bot nor to refuse it.
            if !self.ledger.confirm(tenant, &conversation, &base).await? {
                continue;
            }
            let (marks, channel, message) = decided?;
            match mark {
                BotMark::Typing => {
                    let typist = Typist::Bot(asked.caller.name.clone());
                    marks.typing(tenant, conversation, (channel, message), typist)
                }
                BotMark::Read => marks.read_by_bot(tenant, conversation, (channel, message), asked.caller.name.clone()),
            };
            return Ok(Position::new(base.sequence));
        }
        Err(ExecuteError::Contention)
    }

    /// Shows the customer that the caller writes. False if they are shown it anyway. `marks` are absent where there are none.
    pub async fn show_typing(
        &self,
        marks: Option<&Marks>,
        asked: &Asked,
        conversation: EntityId,
    ) -> Result<bool, ExecuteError> {
        let tenant = &asked.caller.tenant;
        let bot = matches!(asked.caller.actor(), Actor::Bot(_));
        for _look in 0..LOOKS_MAX {
            let base = self.ledger.load(tenant, &conversation)?;
            let decided = self.may_type(marks, asked, &base);
            // What this node knows is enough to let staff write, never to refuse, and never to let the bot.
            if (bot || decided.is_err()) && !self.ledger.confirm(tenant, &conversation, &base).await? {
                continue;
            }
            let (marks, channel, message) = decided?;
            let typist = if bot { Typist::Bot(asked.caller.name.clone()) } else { Typist::Staff };
            return Ok(marks.typing(tenant, conversation, (channel, message), typist));
        }
        Err(ExecuteError::Contention)
    }

    fn may_type<'a>(
        &self,
        marks: Option<&'a Marks>,
        asked: &Asked,
        base: &'a Entity,
    ) -> Result<(&'a Marks, &'a ChannelId, MessageId), ExecuteError> {
        let tenant = &asked.caller.tenant;
        let opened = opened_of(base).filter(|opened| sees(&asked.caller, opened)).ok_or(Rejection::NotFound)?;
        may_send(asked)?;
        audible(asked, opened)?;
        let cannot = || SendRefused::Policy(PolicyProblem::CannotSend { what: TYPING.to_owned() });
        let marks = marks.filter(|marks| marks.takes(tenant, &opened.channel)).ok_or_else(cannot)?;
        let channel = key(&self.ports.keys, tenant)?.channel(&opened.channel);
        if channel_of(&self.ledger.load(tenant, &channel)?).paused {
            return Err(Rejection::ChannelPaused.into());
        }
        // A provider shows it under a message of the customer's.
        let message = opened.last_received.ok_or(Rejection::MessageNotFound)?;
        Ok((marks, &opened.channel, message))
    }
}

/// The turn is the caller's still.
fn in_turn(asked: &Asked, base: &Entity, turn: u64) -> Result<(), Rejection> {
    let running = opened_of(base).and_then(|opened| opened.turns.running.as_ref());
    let own = running.is_some_and(|running| running.number == turn && running.given.bot == asked.caller.name);
    if own { Ok(()) } else { Err(Rejection::TurnEnded { turn }) }
}

/// A paused bot shows nothing.
fn audible(asked: &Asked, opened: &Opened) -> Result<(), Rejection> {
    match (&opened.bot, asked.caller.actor()) {
        (Bot::Paused { reason, by, since, .. }, Actor::Bot(_)) => {
            Err(Rejection::BotPaused { reason: *reason, by: by.clone(), since: *since })
        }
        (Bot::Paused { .. } | Bot::Active, _) => Ok(()),
    }
}
