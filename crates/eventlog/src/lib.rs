//! The log: streams, subjects, the commit envelope, compare-and-set append and ordered reading.
//!
//! The only crate that names async-nats. [`Log`] is the events stream; [`JetStreamLog`] and the in-memory [`MemoryLog`] with
//! seeded faults stand behind it and pass one conformance suite. The raw streams (intake, parked) are concrete: [`IntakeLog`]
//! and [`ParkedLog`]. Everything is reached from one [`Connection`].

pub mod added_channels;
mod alone;
pub mod blobs;
pub mod budget;
pub mod codec;
pub mod connection;
mod gather;
pub mod intake;
mod jetstream;
pub mod log;
pub mod mail_positions;
pub mod memory;
pub mod metrics;
mod object;
pub mod parked;
pub mod replay;
mod request;
mod resolve;
pub mod settings;
pub mod streams;
pub mod subject;

pub use added_channels::{AddedChannel, AddedChannels};
pub use blobs::{BLOB_BYTES_MAX, Blobs};
pub use budget::{BudgetError, Budgets};
pub use connection::{Connection, Credentials, Options};
pub use intake::worker::{Delivery, Progress, Worker, WorkerOptions};
pub use intake::{InputKind, IntakeLog, Notes, RawInput, RawItem, StoredInput, Unreadable};
pub use jetstream::JetStreamLog;
pub use log::{Append, Identity, Log, LogError, Outcome, Stored, Wanted};
pub use mail_positions::{Claim, Hold, MailPosition, MailPositions};
pub use memory::{Faults, MemoryLog};
pub use metrics::{Appended, CloudEvent, LastMessage, MetricsLog, TOPIC_BATCH_MAX, Topic, TopicFacts};
pub use parked::{ParkedEntry, ParkedItem, ParkedLog, ParkedReason};
pub use replay::{ReplaySubject, Replayed};
pub use settings::Setting;
pub use streams::{StreamName, StreamUsage, Usage};
