//! Somebody who takes turns inside of the broker, what goes wrong with it, and how its actions get their ids.
//!
//! Nothing is written here: a taker answers with wishes, and whoever asked it puts them to the domain.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use prost::Message as _;
use relevo_proto::bot::v1 as pb;
use sha2::{Digest as _, Sha256};

/// Messages before the new ones that a taker is told unless it asks for another number.
pub const HISTORY_DEFAULT: u32 = 10;

/// Somebody who takes turns inside of the broker.
#[async_trait]
pub trait Taker: Send + Sync + 'static {
    /// What is to be done in the turn, in order; each action is complete (conversation, turn and command id are set). Nothing at
    /// all: the turn stays open, and whoever works on it acts later. Ends by itself within a limited time.
    async fn take(&self, turn: &pb::Turn) -> Result<Vec<pb::ActRequest>, TakeError>;

    /// How many messages before the new ones each turn is to tell. 0 to 50.
    fn history(&self) -> u32 {
        HISTORY_DEFAULT
    }

    /// How much it takes now. What is not given is not lost: a turn that is given and fails is, after five times.
    fn ready(&self) -> Ready {
        Ready::default()
    }
}

/// How much somebody takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Turns at the same time; 0: none for now.
    pub turns: usize,
    /// After this it takes more, unless something else happens before. Zero: nobody knows.
    pub again_in: Duration,
}

impl Default for Ready {
    /// As much as there is.
    fn default() -> Self {
        Self { turns: usize::MAX, again_in: Duration::ZERO }
    }
}

/// A turn was not taken: nothing is done in it. Its words hold no personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct TakeError {
    pub kind: TakeErrorKind,
    /// Not before so long, if the other side said so.
    pub retry_after: Option<Duration>,
}

/// Why a turn was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakeErrorKind {
    /// It failed too often and is left alone for a while.
    Resting,
    /// As many calls as may run at the same time are running.
    Busy,
    /// No connection.
    Unreachable,
    /// The name leads to addresses that are not public.
    PrivateAddress,
    /// No answer in time, or only a part of it.
    TimedOut,
    /// The connection broke off.
    BrokenOff,
    /// It wants the call to go elsewhere.
    Redirected(u16),
    /// Neither 200 nor 204.
    Status(u16),
    /// The answer is something else than JSON, by its content type.
    NotJson(Media),
    /// The answer is larger than it may be.
    TooBig,
    /// The answer is not what the contract says.
    Malformed(Malformed),
    /// It wants more than may be done in a turn.
    TooMuch(usize),
}

/// What came instead of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// A page: of a login, a proxy or an error.
    Html,
    /// It does not say.
    Untold,
    /// Something else.
    Other,
}

/// How an answer is not what the contract says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Not JSON, or a value of another type than the contract's; where, both from 1.
    Json { line: usize, column: usize },
    /// A field that the contract does not have; its name if it looks like one.
    UnknownField { name: Option<String>, line: usize },
    /// The action names another conversation; its place from 0.
    OtherConversation(usize),
    /// The action names another turn.
    OtherTurn(usize),
    /// The action does nothing.
    NoAction(usize),
    /// The action stands behind one that ends the turn.
    AfterTheEnd(usize),
    /// A command id of other characters or another length than allowed.
    CommandId(usize),
}

impl TakeError {
    pub const fn new(kind: TakeErrorKind) -> Self {
        Self { kind, retry_after: None }
    }

    /// The same turn may be taken later without anybody changing anything.
    pub fn transient(&self) -> bool {
        match &self.kind {
            TakeErrorKind::Resting
            | TakeErrorKind::Busy
            | TakeErrorKind::Unreachable
            | TakeErrorKind::TimedOut
            | TakeErrorKind::BrokenOff => true,
            TakeErrorKind::Status(status) => matches!(*status, 408 | 425 | 429 | 500..=599),
            TakeErrorKind::PrivateAddress
            | TakeErrorKind::Redirected(_)
            | TakeErrorKind::NotJson(_)
            | TakeErrorKind::TooBig
            | TakeErrorKind::Malformed(_)
            | TakeErrorKind::TooMuch(_) => false,
        }
    }
}

impl TakeErrorKind {
    /// One word, for a label of a metric.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Resting => "resting",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::PrivateAddress => "private_address",
            Self::TimedOut => "timed_out",
            Self::BrokenOff => "broken_off",
            Self::Redirected(_) => "redirected",
            Self::Status(_) => "status",
            Self::NotJson(_) => "not_json",
            Self::TooBig => "too_big",
            Self::Malformed(_) => "malformed",
            Self::TooMuch(_) => "too_much",
        }
    }
}

impl fmt::Display for TakeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resting => f.write_str("it failed too often and rests"),
            Self::Busy => f.write_str("too many calls are running"),
            Self::Unreachable => f.write_str("cannot be reached"),
            Self::PrivateAddress => f.write_str("the name has no public address"),
            Self::TimedOut => f.write_str("did not answer in time"),
            Self::BrokenOff => f.write_str("broke the connection off"),
            Self::Redirected(status) => write!(f, "answered {status}, a redirection, which is not followed"),
            Self::Status(status) => write!(f, "answered {status}"),
            Self::NotJson(Media::Html) => f.write_str("answered with a page of HTML, not with JSON"),
            Self::NotJson(Media::Untold) => f.write_str("answered without the content type application/json"),
            Self::NotJson(Media::Other) => f.write_str("answered with another content type than application/json"),
            Self::TooBig => f.write_str("the answer is larger than allowed"),
            Self::Malformed(how) => write!(f, "{how}"),
            Self::TooMuch(limit) => write!(f, "the answer has more than {limit} actions"),
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { line, column } => {
                write!(f, "the answer is not a WebhookAnswer (line {line}, column {column})")
            }
            Self::UnknownField { name: Some(name), line } => write!(f, "there is no field `{name}` (line {line})"),
            Self::UnknownField { name: None, line } => write!(f, "a field of the answer is unknown (line {line})"),
            Self::OtherConversation(at) => write!(f, "actions[{at}] names another conversation"),
            Self::OtherTurn(at) => write!(f, "actions[{at}] names another turn"),
            Self::NoAction(at) => write!(f, "actions[{at}] does nothing"),
            Self::AfterTheEnd(at) => write!(f, "actions[{at}] stands behind the end of the turn"),
            Self::CommandId(at) => write!(f, "actions[{at}].command_id is not 1 to 64 characters of [A-Za-z0-9._:-]"),
        }
    }
}

/// The action with everything that a taker leaves out.
///
/// Each attempt at a turn has a number of its own. So the id of a reply follows from what it answers, its place and its content: what
/// was said in an attempt that broke off is known in the next one, and not said again. Everything else is about the one attempt.
pub(crate) fn complete(turn: &pb::Turn, place: usize, mut request: pb::ActRequest) -> pb::ActRequest {
    let given = std::mem::take(&mut request.command_id);
    request.conversation_id.clear();
    request.turn = 0;
    let mut digest = Sha256::new();
    digest.update(turn.conversation_id.as_bytes());
    digest.update(place.to_be_bytes());
    digest.update(request.encode_to_vec());
    let answers = turn.messages.iter().rev().find(|said| said.who() == pb::Who::Customer);
    let is_reply = matches!(request.action, Some(pb::act_request::Action::Reply(_)));
    let word = if let Some(said) = answers.filter(|said| is_reply && !said.message_id.is_empty()) {
        digest.update(said.message_id.as_bytes());
        // What a pause took back is said again when the same words come back as context.
        digest.update([u8::from(said.context)]);
        "reply"
    } else {
        digest.update(turn.turn.to_be_bytes());
        "turn"
    };
    // 128 bits of it: no two are ever the same by chance.
    let own = || format!("{word}:{place}:{}", hex::encode(&digest.finalize()[..16]));
    request.command_id = if given.is_empty() { own() } else { given };
    request.conversation_id.clone_from(&turn.conversation_id);
    request.turn = turn.turn;
    request
}

/// An action with nothing else.
pub(crate) fn action(action: pb::act_request::Action) -> pb::ActRequest {
    pb::ActRequest { action: Some(action), ..pb::ActRequest::default() }
}
