//! The publisher's own checkpoint: the newest fact that this node knows to be on each topic.
//!
//! It counts only for a topic that has no message any more: it keeps facts that have grown too old for the stream from being
//! published again. The truth is the topic's last message. An older checkpoint, or none, does no harm.

use std::path::Path;

use prost::Message;
use relevo_domain::Timestamp;
use relevo_eventlog::Topic;
use relevo_projector_metrics::FactPlace;
use relevo_readstore::{Batch, Family, OpenError, Options, ReadStore, StoreError};

use super::mark::Mark;

/// A few hundred bytes a topic, in bytes.
const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// A checkpoint a topic, by subject.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoints {
    store: ReadStore,
}

#[derive(Clone, PartialEq, Message)]
struct Row {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(uint64, tag = "2")]
    sequence: u64,
    #[prost(uint32, tag = "3")]
    ordinal: u32,
    /// When the topic's stream was made, in milliseconds since 1970: of another stream nothing is known.
    #[prost(int64, tag = "4")]
    stream_created_at: i64,
    /// Which history of events the fact was folded from: of another one nothing is known either.
    #[prost(string, tag = "5")]
    history: String,
}

impl Checkpoints {
    pub(crate) fn open(folder: &Path) -> Result<Self, OpenError> {
        let options = Options { write_buffer_bytes: WRITE_BUFFER_BYTES, ..Options::default() };
        Ok(Self { store: ReadStore::open_or_begin(folder, &options)? })
    }

    /// How far the topic was published to from this history, on the stream that was made then. What cannot be read counts as
    /// nothing.
    pub(super) fn load(
        &self,
        topic: &Topic,
        stream_created_at: Timestamp,
        history: &str,
    ) -> Result<Option<Mark>, StoreError> {
        let Some(bytes) = self.store.get(topic.subject().as_bytes())? else { return Ok(None) };
        let row = Row::decode(bytes.as_slice()).ok();
        let row = row.filter(|row| row.stream_created_at == stream_created_at.as_millis() && row.history == history);
        Ok(row.map(|row| Mark {
            version: row.version,
            place: FactPlace { sequence: row.sequence, ordinal: row.ordinal },
        }))
    }

    /// Saves how far topics were published to, in one write.
    pub(super) fn save<'t>(
        &self,
        topics: impl Iterator<Item = (&'t Topic, Mark)>,
        stream_created_at: Timestamp,
        history: &str,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        for (topic, mark) in topics {
            let row = Row {
                version: mark.version,
                sequence: mark.place.sequence,
                ordinal: mark.place.ordinal,
                stream_created_at: stream_created_at.as_millis(),
                history: history.to_owned(),
            };
            batch.put(Family::Rows, topic.subject().as_bytes().to_vec(), row.encode_to_vec());
        }
        self.store.write(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_domain::TenantId;

    #[test]
    fn a_checkpoint_is_a_topics_a_streams_and_a_historys() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::open(folder.path()).unwrap();
        let topic = |metric| Topic::live(&TenantId::new("demo").unwrap(), metric).unwrap();
        let mark = Mark { version: 2, place: FactPlace { sequence: 7, ordinal: 1 } };
        let made = Timestamp::from_millis(5);
        let pauses = topic("pauses");
        checkpoints.save(std::iter::once((&pauses, mark)), made, "17").unwrap();
        let load = |metric, made| checkpoints.load(&topic(metric), made, "17").unwrap();
        assert_eq!(load("pauses", made), Some(mark));
        assert_eq!(load("pauses", Timestamp::from_millis(6)), None);
        assert_eq!(load("backlog", made), None);
        assert_eq!(checkpoints.load(&topic("pauses"), made, "18").unwrap(), None);
    }
}
