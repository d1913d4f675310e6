//! Commands: load what deciding needs, decide in `domain`, append under compare-and-set, answer with a position.
//!
//! Any node may decide for any entity; the compare-and-set on the log is the only thing that makes a decision valid.

pub mod bulk;
pub mod channel;
pub mod contact;
pub mod conversation;
pub mod decision;
mod end;
pub mod execute;
pub mod grpc;
pub mod ids;
mod lead;
pub mod ledger;
mod look;
pub mod marks;
mod repeat;
pub mod send;
pub mod timer;
pub mod workspace;

pub use bulk::{BulkPorts, BulkWorker, BulkWorkerParts, Bulks, Matched, Matching};
pub use channel::{ChannelRequest, Channels, TemplateRecords};
pub use contact::{ContactRequest, Contacts};
pub use conversation::{Conversations, Request, TagRef, Wish};
pub use decision::DecisionProjector;
pub use execute::{Answer, Asked, ExecuteError, Refused};
pub use ids::IdKey;
pub use ledger::{Committed, Draft, Ledger, LedgerError, Origin, PAST_MAX};
pub use look::Look;
pub use marks::{Mark, MarkWorker, Marks, ProviderMarks};
pub use send::{Claimed, MediumTurn, SendPolicy, SendPorts, SendRef, Sends, StoredFiles};
pub use timer::{ALERT_TOO_LONG, ALERT_UNANSWERED, Fired, Timer, TimerKind, TimerPolicies, TimerPolicy, Timers};
pub use workspace::{WorkspaceRequest, Workspaces};
