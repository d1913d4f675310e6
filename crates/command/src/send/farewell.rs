//! The bot may speak again, after a last message of staff: one commit with both, in this order.

use async_trait::async_trait;
use relevo_domain::conversation::{self, CatchUp, Command, Decision};
use relevo_domain::{EntityId, Recorded};

use super::message::{Purpose, SendIntent, Terms, envelope, queue, visible};
use crate::conversation::{opened_of, state_of};
use crate::execute::{ExecuteError, Intent, Plan, Reading};
use crate::ledger::{Ledger, LedgerError};
use crate::repeat;

/// The message, and what is remarked about the resumption.
pub(super) struct FarewellIntent<'r> {
    pub(super) send: SendIntent<'r>,
    pub(super) note: Option<&'r str>,
    pub(super) catch_up: CatchUp,
}

#[async_trait]
impl Intent for FarewellIntent<'_> {
    fn entity(&self) -> EntityId {
        self.send.request.conversation
    }

    async fn admit(&self, reading: &mut Reading<'_>) -> Result<(), ExecuteError> {
        visible(reading, &self.send.request.asked, &self.send.request.conversation)
    }

    async fn decide(&self, reading: &mut Reading<'_>) -> Result<Plan, ExecuteError> {
        let request = self.send.request;
        let base = reading.entity(&request.conversation)?;
        // Nothing is looked up for those who may not resume, nor where there is nothing to resume.
        let alone = Command::ResumeBot { catch_up: self.catch_up, note: self.note.map(str::to_owned), farewell: None };
        if conversation::decide(&state_of(&base), &envelope(&request.asked), &alone)? == Decision::AlreadySo {
            return Ok(Plan::AlreadySo);
        }
        let Some(opened) = opened_of(&base).cloned() else { return Ok(Plan::AlreadySo) };
        let (outgoing, channel) = self.send.resolved(reading, &opened).await?;
        let terms = Terms {
            place: None,
            last_seen_version: request.last_seen_version,
            force: request.force,
            purpose: Purpose::Farewell { catch_up: self.catch_up, note: self.note },
            channel: &channel,
            detection: reading.ledger().detection(reading.tenant())?,
        };
        queue(self.send.ports, &request.asked, base, request.conversation, (&opened.channel, outgoing), terms)
    }

    async fn led_to(&self, ledger: &Ledger, stored: &Recorded) -> Result<bool, LedgerError> {
        Ok(repeat::resumed(self.note, &stored.commit) && self.send.queued(ledger, stored).await?)
    }
}
