//! The domain of Relevo: names, events, commands, states and the pure functions that decide.
//!
//! Nothing here does IO, reads a clock, draws a random number or knows a wire format: time and fresh ids arrive inside a
//! command's envelope, and the codec that turns events into bytes lives in `eventlog`.

pub mod access;
pub mod actor;
pub mod bulk;
pub mod channel;
pub mod commit;
pub mod contact;
pub mod conversation;
pub mod detection;
pub mod error;
pub mod event;
pub mod id;
pub mod identity;
pub mod position;
pub mod quick_reply;
pub mod raw;
pub mod tag;
pub mod template;
pub mod time;
pub mod workspace;

pub use access::{Caller, Role, Scope, ValidUntil};
pub use actor::Actor;
pub use commit::{Commit, CommitHash, IntakePointer, Recorded};
pub use error::ErrorCode;
pub use event::Event;
pub use id::{
    AgentId, ChannelId, CommandId, CommitId, EndpointId, EntityId, EntityKind, MessageId, NameError, TagId, TeamId,
    TenantId,
};
pub use position::Position;
pub use raw::{RAW_PARTS_MAX, RawId, RawIdError};
pub use tag::{Colour, TagName};
pub use time::{Clock, Timestamp};
