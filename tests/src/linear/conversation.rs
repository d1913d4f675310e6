//! A conversation as one client would see it: who has it, whether the bot is silent, and at which version it stands.
//!
//! Every event is one version, and every operation here writes one event or none. So an answer's version says exactly where in
//! the order it stands, and a write that is lost, doubled or read too old cannot be explained away.

use super::{Model, Recorded};

/// What somebody asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Pause,
    Resume,
    Claim {
        agent: u8,
    },
    Unassign,
    Note {
        expected: u64,
    },
    /// A read that waits for the newest position that anybody had been told when it was asked.
    Read,
}

/// What they were told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was done; the version afterwards.
    Done { version: u64 },
    /// It was like that already, at this version.
    AlreadySo { version: u64 },
    /// Somebody else has it.
    Taken { by: u8 },
    /// It is at another version than was expected.
    Conflict { actual: u64 },
    /// What a read showed.
    Seen(State),
}

/// What it is like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub version: u64,
    pub paused: bool,
    pub assignee: Option<u8>,
}

/// One operation on one conversation.
pub type Asked = Recorded<Operation, Answer>;

/// A conversation that was like this when the recording began.
#[derive(Clone, Debug)]
pub struct Conversation(pub State);

impl Model for Conversation {
    type State = State;
    type Operation = Operation;
    type Answer = Answer;

    fn initial(&self) -> State {
        self.0.clone()
    }

    fn step(&self, state: &State, operation: &Operation, answer: Option<&Answer>) -> Option<State> {
        let (told, next) = outcome(state, operation);
        match answer {
            Some(answer) => (*answer == told).then_some(next),
            // Nobody heard of it: only what it wrote can matter.
            None => (next != *state).then_some(next),
        }
    }

    /// A refusal comes without a position, so nobody can ask to read what it was about.
    fn binds(&self, first: &Asked, second: &Operation) -> bool {
        let refused = matches!(&first.answered, Some((_, Answer::Taken { .. } | Answer::Conflict { .. })));
        !(refused && *second == Operation::Read)
    }
}

/// The rules, for one client at a time.
fn outcome(state: &State, operation: &Operation) -> (Answer, State) {
    let version = state.version;
    let done = |next: State| {
        let next = State { version: version + 1, ..next };
        (Answer::Done { version: next.version }, next)
    };
    let same = |answer| (answer, state.clone());
    match operation {
        Operation::Pause if state.paused => same(Answer::AlreadySo { version }),
        Operation::Pause => done(State { paused: true, ..state.clone() }),
        Operation::Resume if !state.paused => same(Answer::AlreadySo { version }),
        Operation::Resume => done(State { paused: false, ..state.clone() }),
        Operation::Claim { agent } => match state.assignee {
            Some(by) if by == *agent => same(Answer::AlreadySo { version }),
            Some(by) => same(Answer::Taken { by }),
            None => done(State { assignee: Some(*agent), ..state.clone() }),
        },
        Operation::Unassign if state.assignee.is_none() => same(Answer::AlreadySo { version }),
        Operation::Unassign => done(State { assignee: None, ..state.clone() }),
        Operation::Note { expected } if *expected != version => same(Answer::Conflict { actual: version }),
        Operation::Note { .. } => done(state.clone()),
        Operation::Read => same(Answer::Seen(state.clone())),
    }
}

#[cfg(test)]
pub(super) fn told(state: &State, operation: &Operation) -> (Answer, State) {
    outcome(state, operation)
}
