//! Bytes of the log: what stands there is a commit or is refused, and a commit is the same after every round.

use relevo_domain::{Event, bulk, channel, contact, conversation, workspace};
use relevo_eventlog::codec;

/// Bytes that a commit may be longer than what it was read from: absent fields that are written explicitly, a few an event.
const GROWTH_MAX: usize = 4;
const BESIDE: usize = 256;
/// Longest word that says why bytes are refused.
const REASON_BYTES_MAX: usize = 120;

pub fn run(data: &[u8]) {
    let commit = match codec::decode(data) {
        Err(refused) => {
            let reason = refused.to_string();
            assert!(
                reason.len() <= REASON_BYTES_MAX && reason.is_ascii(),
                "a reason holds nothing of the bytes: {reason}"
            );
            return;
        }
        Ok(commit) => commit,
    };
    let bytes = codec::encode(&commit);
    assert_eq!(codec::decode(&bytes).as_ref(), Ok(&commit), "what was read is written and read again");
    assert_eq!(codec::encode(&commit), bytes);
    assert_eq!(codec::hash(&bytes), codec::hash(&codec::encode(&codec::decode(&bytes).expect("read before"))));
    assert!(bytes.len() <= GROWTH_MAX * data.len() + BESIDE, "{} of {}", bytes.len(), data.len());
    fold(&commit);
}

/// The past is not up for debate: whatever stands on the log, in whatever order, the states take it.
fn fold(commit: &relevo_domain::Commit) {
    let mut conversation = conversation::State::default();
    let mut contact = contact::State::default();
    let mut channel = channel::State::default();
    let mut workspace = workspace::State::default();
    let mut bulk = bulk::State::default();
    // Twice: what is repeated is taken, too.
    for event in commit.events.iter().chain(&commit.events) {
        match event {
            Event::Conversation(event) => {
                conversation = conversation.evolve(event, commit.occurred_at, &commit.actor);
                if let Some(opened) = &conversation.opened {
                    opened.window_expires_at();
                    opened.stays_paused(commit.recorded_at);
                    opened.signal_on_the_wire(commit.recorded_at);
                    opened.head();
                }
            }
            Event::Contact(event) => contact = contact.evolve(event),
            Event::Channel(event) => channel = channel.evolve(event),
            Event::Workspace(event) => workspace = workspace.evolve(event),
            Event::Bulk(event) => bulk = bulk.evolve(event),
            Event::Identity(_) => {}
        }
    }
}
