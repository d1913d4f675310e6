//! The delivery view: what is on its way to providers, whose turn it is and when, and which media are still to be fetched. For
//! the sender and the media worker of every node, not for people.
//!
//! What is on its way is the domain's own fold (`State::evolve`) of each conversation, cut down to sending, so the two never
//! disagree. Beside it stand indexes by channel and time. Times are the log's: nothing here reads a clock; a row says from when
//! and until when, and its reader knows what time it is. Texts and recipients are not kept: they are read from the log.

mod keys;
mod row;

mod apply;
mod reader;

use std::time::Duration;

use relevo_domain::conversation::state::WINDOW;
use relevo_domain::{Recorded, Timestamp};
use relevo_projection::{ApplyError, Projector, Rows};

pub use keys::Act;
pub use reader::{
    ChannelState, Lane, MediumToFetch, Outbox, TURNS_EXAMINED_MAX, Turn, Turns, Waiting, channel_state, lane, lanes,
    media_to_fetch, outbox, turns, turns_behind,
};

/// Name of the view: its folder and its row in `relevo view status`.
pub const NAME: &str = "delivery";

/// Version of keys and rows. Raise it with every change of their bytes or meaning: the view is then built anew from the log.
pub const VERSION: u32 = 1;

/// How long a message may wait to be handed over. What a customer gets later than this answers a question that they have
/// forgotten. Stored in rows: changing it raises [`VERSION`].
pub const WAIT_MAX: Duration = Duration::from_hours(24);

/// How long a commit may wait for others before it is applied, while nobody waits for it: what a message that is sent waits at most,
/// against the tenths of a second that a provider's call takes. The sender lets changes gather as long.
const LINGER: Duration = Duration::from_millis(5);

/// Writes the delivery view.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeliveryProjector;

impl Projector for DeliveryProjector {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn linger(&self) -> Duration {
        LINGER
    }

    fn apply(&self, rows: &mut dyn Rows, commit: &Recorded) -> Result<(), ApplyError> {
        apply::commit(rows, commit)
    }
}

/// Until when a message may be handed over. `spoke_at`: when the customer last spoke, which counts if it needs their window.
fn expires_at(queued_at: Timestamp, needs_window: bool, spoke_at: Option<Timestamp>) -> Timestamp {
    let waited = queued_at + WAIT_MAX;
    match spoke_at {
        _ if !needs_window => waited,
        None => queued_at,
        Some(spoke_at) => waited.min(spoke_at + WINDOW),
    }
}

/// Whether what a provider said is about templates, so that they should be asked for again.
fn is_about_templates(field: &str) -> bool {
    field.starts_with("message_template_") || field.starts_with("template_")
}
