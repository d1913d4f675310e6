//! A message is taken back.

use async_trait::async_trait;
use relevo_domain::conversation::{self, Command, ConversationEvent, Decision, Rejection};
use relevo_domain::{EntityId, Event, Recorded};

use super::message::{envelope, visible};
use super::wish::CancelRequest;
use crate::conversation::state_of;
use crate::execute::{ExecuteError, Intent, Plan, Reading};
use crate::ledger::{Draft, Ledger, LedgerError};

#[async_trait]
impl Intent for CancelRequest {
    fn entity(&self) -> EntityId {
        self.conversation
    }

    async fn admit(&self, reading: &mut Reading<'_>) -> Result<(), ExecuteError> {
        visible(reading, &self.asked, &self.conversation)
    }

    async fn decide(&self, reading: &mut Reading<'_>) -> Result<Plan, ExecuteError> {
        let base = reading.entity(&self.conversation)?;
        let command = Command::CancelSend { message: self.message };
        match conversation::decide(&state_of(&base), &envelope(&self.asked), &command) {
            Ok(Decision::AlreadySo) => Ok(Plan::AlreadySo),
            Ok(Decision::Append(events)) => {
                let events = events.into_iter().map(Event::Conversation).collect();
                Ok(Plan::Append(vec![Draft { entity: self.conversation, base, events }]))
            }
            // It may have been one that waited: what became of it stands on the log.
            Err(Rejection::MessageNotFound) => self.past(reading).await,
            Err(rejection) => Err(rejection.into()),
        }
    }

    async fn led_to(&self, _ledger: &Ledger, stored: &Recorded) -> Result<bool, LedgerError> {
        let cancelled = |event: &Event| matches!(event, Event::Conversation(ConversationEvent::SendCancelled { message, .. }) if *message == self.message);
        Ok(stored.commit.events.iter().any(cancelled))
    }
}

impl CancelRequest {
    /// A message that is not on its way any more: it is with the provider, or it is not going there.
    async fn past(&self, reading: &Reading<'_>) -> Result<Plan, ExecuteError> {
        let (ledger, tenant) = (reading.ledger(), reading.tenant());
        let Some((of, sequence)) = ledger.message(tenant, self.message)? else {
            return Err(Rejection::MessageNotFound.into());
        };
        if of != self.conversation {
            return Err(Rejection::MessageNotFound.into());
        }
        let mut ours = false;
        for recorded in ledger.since(tenant, &of, sequence.saturating_sub(1)).await? {
            for event in &recorded.commit.events {
                let Event::Conversation(event) = event else { continue };
                ours |= matches!(event, ConversationEvent::MessageQueued(outgoing) if outgoing.id == self.message);
                if self.ends(event) {
                    return Ok(Plan::AlreadySo);
                }
            }
        }
        Err(if ours { Rejection::AlreadyHandedOver } else { Rejection::MessageNotFound }.into())
    }

    /// Whether the message is not going to be sent since this.
    fn ends(&self, event: &ConversationEvent) -> bool {
        if let ConversationEvent::SendCancelled { message, .. }
        | ConversationEvent::SendFailed { message, retry_at: None, .. } = event
        {
            return *message == self.message;
        }
        false
    }
}
