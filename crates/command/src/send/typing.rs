//! Somebody writes, and the customer may see it. Decided like a message, and stored nowhere.

use relevo_domain::conversation::{Bot, Opened, Rejection};
use relevo_domain::{Actor, ChannelId, EntityId, MessageId};

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

impl Messages {
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
            let typist = if bot { Typist::Bot } else { Typist::Staff };
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

/// A paused bot shows nothing.
fn audible(asked: &Asked, opened: &Opened) -> Result<(), Rejection> {
    match (&opened.bot, asked.caller.actor()) {
        (Bot::Paused { reason, by, since, .. }, Actor::Bot(_)) => {
            Err(Rejection::BotPaused { reason: *reason, by: by.clone(), since: *since })
        }
        (Bot::Paused { .. } | Bot::Active, _) => Ok(()),
    }
}
