//! Rows that say where something stands: commands, mails, messages.

/// Where a command was applied to one entity. It names the entity itself: the key of a command's first row does not.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::decision) struct CommandRow {
    #[prost(uint64, tag = "1")]
    pub sequence: u64,
    /// Intake sequence of the update that made the commit; 0 for commands of clients.
    #[prost(uint64, tag = "2")]
    pub intake_sequence: u64,
    #[prost(uint32, tag = "3")]
    pub intake_ordinal: u32,
    /// Name of the commit's last event: tells a repeated command from another command under the same id.
    #[prost(string, tag = "4")]
    pub event: String,
    #[prost(uint64, tag = "5")]
    pub version: u64,
    /// Place of the raw item in its message; 0 for one that travelled alone.
    #[prost(uint32, tag = "6")]
    pub intake_part: u32,
    /// The entity, as keys have it.
    #[prost(bytes = "vec", tag = "7")]
    pub entity: Vec<u8>,
}

/// What is known of a mail's Message-ID.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::decision) struct MailRow {
    #[prost(bytes = "vec", tag = "1")]
    pub conversation: Vec<u8>,
    /// Absent if the id is only known because a mail of this conversation refers to it.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub message: Option<Vec<u8>>,
}

/// Where a message of a thread stands on the log.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::decision) struct MessageRow {
    #[prost(bytes = "vec", tag = "1")]
    pub conversation: Vec<u8>,
    /// Stream sequence of the commit that has it.
    #[prost(uint64, tag = "2")]
    pub sequence: u64,
}

/// Which message of ours a provider's id names.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::decision) struct SentRow {
    #[prost(bytes = "vec", tag = "1")]
    pub conversation: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub message: Vec<u8>,
}
