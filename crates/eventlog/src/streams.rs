//! The streams and buckets: created if they are missing, verified if they exist.
//!
//! What can be changed without harm (budgets, ages, more replicas) follows the options; anything else that differs is refused,
//! because a stream that deletes, purges or overwrites is not this log.

use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Compression, Config, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, ErrorCode};
use tokio::time::Instant;

use crate::budget::Budgets;
use crate::connection::Options;
use crate::log::LogError;
use crate::request::Backoff;
use crate::subject;

/// How long the server remembers message ids: the time in which a publisher repeats one publish, with room.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);
/// Large bodies outlive the raw items that point to them by this much, so that no pointer is left alone.
pub(crate) const OBJECT_AGE_EXTRA: Duration = Duration::from_hours(48);

/// How long facts that were published again are kept: whoever asked for them reads them within a few days.
const REPUBLISH_AGE: Duration = Duration::from_hours(7 * 24);

/// Every stream of Relevo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamName {
    Events,
    Intake,
    Parked,
    Metrics,
    /// Metric facts that somebody asked for again, outside of the live topics.
    Republish,
    /// How far each folder of each mailbox was read, and which node reads it. Kept for ever.
    Mailbox,
    /// Channels that were added while Relevo ran, sealed, for all nodes: one message a channel. Kept for ever.
    Channels,
    /// Large raw inputs.
    Objects,
    /// Large bodies of parked items.
    ParkedObjects,
    /// Attachments and other files, by hash. Kept for ever.
    Files,
}

impl StreamName {
    pub const ALL: [Self; 10] = [
        Self::Events,
        Self::Intake,
        Self::Parked,
        Self::Metrics,
        Self::Republish,
        Self::Mailbox,
        Self::Channels,
        Self::Objects,
        Self::ParkedObjects,
        // The last: an installation that is older has given its room to the others, and they give it back first.
        Self::Files,
    ];

    /// The stream's name on the server.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "RELEVO_EVENTS",
            Self::Intake => "RELEVO_INTAKE",
            Self::Parked => "RELEVO_PARKED",
            Self::Metrics => "RELEVO_METRICS",
            Self::Republish => "RELEVO_REPUBLISH",
            Self::Mailbox => "RELEVO_MAILBOX",
            Self::Channels => "RELEVO_CHANNELS",
            Self::Objects => "OBJ_RELEVO_OBJECTS",
            Self::ParkedObjects => "OBJ_RELEVO_PARKED_OBJECTS",
            Self::Files => "OBJ_RELEVO_BLOBS",
        }
    }

    /// The object store's bucket, where the stream is one.
    pub(crate) const fn bucket(self) -> Option<&'static str> {
        match self {
            Self::Objects => Some("RELEVO_OBJECTS"),
            Self::ParkedObjects => Some("RELEVO_PARKED_OBJECTS"),
            Self::Files => Some("RELEVO_BLOBS"),
            Self::Events
            | Self::Intake
            | Self::Parked
            | Self::Metrics
            | Self::Republish
            | Self::Mailbox
            | Self::Channels => None,
        }
    }
}

/// How full one stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamUsage {
    pub stream: StreamName,
    pub bytes: u64,
    pub max_bytes: u64,
    pub messages: u64,
    pub last_sequence: u64,
}

impl StreamUsage {
    /// Used share of the budget in percent, rounded down.
    pub fn percent(&self) -> u64 {
        self.bytes.saturating_mul(100).checked_div(self.max_bytes).unwrap_or(0)
    }
}

/// How full the log is, a stream at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub streams: Vec<StreamUsage>,
}

pub(crate) async fn usage(context: &Context) -> Result<Usage, LogError> {
    let mut streams = Vec::with_capacity(StreamName::ALL.len());
    for stream in StreamName::ALL {
        let info = context
            .get_stream(stream.as_str())
            .await
            .map_err(|error| LogError::Unavailable(error.to_string()))?
            .cached_info()
            .clone();
        streams.push(StreamUsage {
            stream,
            bytes: info.state.bytes,
            max_bytes: u64::try_from(info.config.max_bytes).unwrap_or(0),
            messages: info.state.messages,
            last_sequence: info.state.last_sequence,
        });
    }
    Ok(Usage { streams })
}

/// Creates or verifies every stream. Waits until `deadline` for a server that is still starting.
pub(crate) async fn ensure(
    context: &Context,
    options: &Options,
    budgets: &Budgets,
    deadline: Instant,
) -> Result<(), LogError> {
    for stream in StreamName::ALL {
        let wanted = config(stream, options, budgets);
        let mut backoff = Backoff::new();
        loop {
            match ensure_one(context, stream, &wanted).await {
                Ok(()) => break,
                Err(error @ LogError::Unavailable(_)) if Instant::now() < deadline => {
                    tracing::debug!(stream = stream.as_str(), %error, "stream not ready yet");
                    backoff.pause().await;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

async fn ensure_one(context: &Context, stream: StreamName, wanted: &Config) -> Result<(), LogError> {
    let existing = match context.get_stream(stream.as_str()).await {
        Ok(existing) => existing.cached_info().config.clone(),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(api) if api.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                return create(context, wanted).await;
            }
            _ => return Err(LogError::Unavailable(error.to_string())),
        },
    };
    verify(stream, &existing, wanted)?;
    let mut adjusted = existing.clone();
    adjusted.num_replicas = wanted.num_replicas;
    adjusted.max_age = wanted.max_age;
    // Events never shrink by themselves: a smaller budget than before would stop every command.
    adjusted.max_bytes = match stream {
        StreamName::Events => existing.max_bytes.max(wanted.max_bytes),
        StreamName::Intake
        | StreamName::Parked
        | StreamName::Metrics
        | StreamName::Republish
        | StreamName::Mailbox
        | StreamName::Channels
        | StreamName::Objects
        | StreamName::ParkedObjects
        | StreamName::Files => wanted.max_bytes,
    };
    // Metrics was made without atomic batches once, intake with them; allowing them changes nothing that is stored.
    adjusted.allow_atomic_publish = existing.allow_atomic_publish || wanted.allow_atomic_publish;
    if adjusted == existing {
        return Ok(());
    }
    tracing::info!(stream = stream.as_str(), max_bytes = adjusted.max_bytes, "stream adjusted to the options");
    context.update_stream(&adjusted).await.map(drop).map_err(|error| refuse_or_wait(stream.as_str(), &error))
}

async fn create(context: &Context, wanted: &Config) -> Result<(), LogError> {
    match context.create_stream(wanted.clone()).await {
        Ok(_) => Ok(()),
        // Another node was quicker; what it made is verified in the next round.
        Err(error) if matches!(error.kind(), CreateStreamErrorKind::JetStream(ref api) if api.error_code() == ErrorCode::STREAM_NAME_EXIST) => {
            Err(LogError::Unavailable("the stream was created by another node".to_owned()))
        }
        Err(error) => Err(refuse_or_wait(&wanted.name, &error)),
    }
}

/// An answer of the API is final unless it says that the server is not ready.
fn refuse_or_wait(stream: &str, error: &async_nats::jetstream::context::CreateStreamError) -> LogError {
    match error.kind() {
        CreateStreamErrorKind::JetStream(api) if api.error_code() == ErrorCode::STORAGE_RESOURCES_EXCEEDED => {
            LogError::Refused(format!("the server has no room for the budget of stream {stream}: {api}"))
        }
        CreateStreamErrorKind::JetStream(api) if api.code() < 500 => {
            LogError::Refused(format!("the server refuses stream {stream}: {api}"))
        }
        _ => LogError::Unavailable(error.to_string()),
    }
}

/// Compares what cannot be changed without harm.
fn verify(stream: StreamName, existing: &Config, wanted: &Config) -> Result<(), LogError> {
    let differences = [
        ("subjects", existing.subjects != wanted.subjects),
        ("discard", existing.discard != wanted.discard),
        ("retention", existing.retention != wanted.retention),
        ("storage", existing.storage != wanted.storage),
        ("deny_delete", existing.deny_delete != wanted.deny_delete),
        ("deny_purge", existing.deny_purge != wanted.deny_purge),
        ("allow_atomic", stream == StreamName::Events && existing.allow_atomic_publish != wanted.allow_atomic_publish),
        ("allow_rollup", existing.allow_rollup != wanted.allow_rollup),
        ("max_msgs", existing.max_messages.max(-1) > 0),
        ("max_msgs_per_subject", existing.max_messages_per_subject.max(0) != wanted.max_messages_per_subject.max(0)),
        ("max_msg_size", existing.max_message_size > 0),
        // A node with the wrong configuration must not take the log's copies away.
        ("num_replicas", existing.num_replicas > wanted.num_replicas),
        ("no_ack", existing.no_ack),
        ("sealed", existing.sealed),
        ("mirror or sources", existing.mirror.is_some() || existing.sources.is_some()),
        ("subject_transform", existing.subject_transform.is_some()),
        ("max_age", stream == StreamName::Events && !existing.max_age.is_zero()),
    ];
    match differences.iter().find(|(_, differs)| *differs) {
        None => Ok(()),
        Some((setting, _)) => Err(LogError::Refused(format!(
            "stream {} exists with another `{setting}` than Relevo's; it was not made by Relevo or was changed by hand",
            stream.as_str()
        ))),
    }
}

pub(crate) fn config(stream: StreamName, options: &Options, budgets: &Budgets) -> Config {
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    // A replica that was killed takes its last block back to a snapshot and plays its own log again. nats-server 2.15.1 cannot do
    // that with a block that is compressed ("s2: corrupt input"): the replica stops for good. A single server does nothing of it.
    let compression = (options.replicas == 1).then_some(Compression::S2);
    let base = Config {
        name: stream.as_str().to_owned(),
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        num_replicas: options.replicas,
        duplicate_window: DUPLICATE_WINDOW,
        allow_direct: true,
        ..Config::default()
    };
    let everything_under = |prefix: &str| vec![format!("{prefix}>")];
    match stream {
        StreamName::Events => Config {
            subjects: everything_under(subject::EVENTS_PREFIX),
            max_bytes: bytes(budgets.events),
            deny_delete: true,
            deny_purge: true,
            allow_atomic_publish: true,
            compression,
            ..base
        },
        StreamName::Intake => Config {
            subjects: everything_under(subject::INTAKE_PREFIX),
            max_bytes: bytes(budgets.intake),
            max_age: options.intake_age,
            compression,
            ..base
        },
        StreamName::Parked => Config {
            subjects: everything_under(subject::PARKED_PREFIX),
            max_bytes: bytes(budgets.parked),
            // One message an item: a newer form of it takes the place of the older.
            max_messages_per_subject: 1,
            compression,
            ..base
        },
        StreamName::Metrics => Config {
            subjects: everything_under(subject::METRICS_PREFIX),
            max_bytes: bytes(budgets.metrics),
            max_age: options.metrics_age,
            discard: DiscardPolicy::Old,
            allow_atomic_publish: true,
            compression,
            ..base
        },
        StreamName::Republish => Config {
            subjects: everything_under(subject::REPUBLISH_PREFIX),
            max_bytes: bytes(budgets.republish),
            max_age: REPUBLISH_AGE,
            discard: DiscardPolicy::Old,
            allow_atomic_publish: true,
            compression,
            ..base
        },
        // One message a folder: where it stands now.
        StreamName::Mailbox => latest(subject::MAILBOX_PREFIX, bytes(budgets.mailbox), base),
        // One message a channel: what it is now.
        StreamName::Channels => latest(subject::CHANNELS_PREFIX, bytes(budgets.channels), base),
        StreamName::Objects => Config {
            max_bytes: bytes(budgets.objects),
            max_age: options.intake_age + OBJECT_AGE_EXTRA,
            ..bucket_config(stream, base)
        },
        StreamName::ParkedObjects => Config { max_bytes: bytes(budgets.parked_objects), ..bucket_config(stream, base) },
        StreamName::Files => Config { max_bytes: bytes(budgets.files), ..bucket_config(stream, base) },
    }
}

/// A stream that keeps the last message of each subject.
fn latest(prefix: &str, max_bytes: i64, base: Config) -> Config {
    Config { subjects: vec![format!("{prefix}>")], max_bytes, max_messages_per_subject: 1, ..base }
}

/// The shape of an object store's stream, as the clients of every language expect it.
fn bucket_config(stream: StreamName, base: Config) -> Config {
    let bucket = stream.bucket().unwrap_or_default();
    Config { subjects: vec![format!("$O.{bucket}.C.>"), format!("$O.{bucket}.M.>")], allow_rollup: true, ..base }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replicated_is_not_compressed() {
        for (replicas, compression) in [(1, Some(Compression::S2)), (3, None)] {
            let options = Options { replicas, ..Options::new("nats://127.0.0.1:1") };
            let budgets = Budgets::of(options.store_bytes).unwrap();
            assert_eq!(config(StreamName::Events, &options, &budgets).compression, compression);
        }
        let options = Options { replicas: 3, ..Options::new("nats://127.0.0.1:1") };
        let budgets = Budgets::of(options.store_bytes).unwrap();
        for stream in StreamName::ALL {
            assert_eq!(config(stream, &options, &budgets).compression, None, "{stream:?}");
        }
    }
}
