//! The delivery view, leaving one conversation out.

use relevo_domain::conversation::ConversationEvent;
use relevo_domain::{Event, Recorded};
use relevo_projection::{ApplyError, Projector, Rows};
use relevo_sender::DeliveryProjector;

use crate::world::conversation;

/// The delivery view, which does not follow [`FORGOTTEN`] once something is queued there.
pub(crate) struct Forgetful;

/// Number of a conversation that the delivery view leaves out.
pub(crate) const FORGOTTEN: u32 = 666;

impl Projector for Forgetful {
    fn name(&self) -> &'static str {
        DeliveryProjector.name()
    }

    fn version(&self) -> u32 {
        DeliveryProjector.version()
    }

    fn apply(&self, rows: &mut dyn Rows, recorded: &Recorded) -> Result<(), ApplyError> {
        let queues = |event: &Event| matches!(event, Event::Conversation(ConversationEvent::MessageQueued(_)));
        if recorded.commit.entity == conversation(FORGOTTEN) && recorded.commit.events.iter().any(queues) {
            return Err(ApplyError::BadRow("a test".to_owned()));
        }
        DeliveryProjector.apply(rows, recorded)
    }
}
