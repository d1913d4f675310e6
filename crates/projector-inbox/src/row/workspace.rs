//! Rows of what staff writes with: templates, quick replies, and channels that do not send now. Nothing in them is personal.

use prost::Message;

/// A template of a channel.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct TemplateRow {
    /// Empty if it has none.
    #[prost(string, tag = "1")]
    pub(crate) provider_id: String,
    /// `TemplateStatus::as_str`.
    #[prost(string, tag = "2")]
    pub(crate) status: String,
    #[prost(string, tag = "3")]
    pub(crate) category: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) header: Option<HeaderRow>,
    #[prost(string, tag = "5")]
    pub(crate) body: String,
    #[prost(string, optional, tag = "6")]
    pub(crate) footer: Option<String>,
    #[prost(message, repeated, tag = "7")]
    pub(crate) buttons: Vec<ButtonRow>,
    /// Empty if the provider gave none.
    #[prost(string, tag = "8")]
    pub(crate) reason: String,
    /// Exactly as the provider writes them; the key has them, too.
    #[prost(string, tag = "9")]
    pub(crate) name: String,
    #[prost(string, tag = "10")]
    pub(crate) language: String,
}

/// What stands above the body.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct HeaderRow {
    /// `text`, `image`, `video`, `document`, `location`.
    #[prost(string, tag = "1")]
    pub(crate) kind: String,
    #[prost(string, tag = "2")]
    pub(crate) text: String,
}

/// A button below the body.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ButtonRow {
    #[prost(string, tag = "1")]
    pub(crate) kind: String,
    #[prost(string, tag = "2")]
    pub(crate) text: String,
    #[prost(string, optional, tag = "3")]
    pub(crate) url: Option<String>,
}

/// A quick reply.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct QuickReplyRow {
    #[prost(string, tag = "1")]
    pub(crate) title: String,
    #[prost(string, tag = "2")]
    pub(crate) text: String,
}

/// A channel of which something is to be said.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct ChannelRow {
    /// Since when nothing is sent from it, in milliseconds since 1970.
    #[prost(sint64, optional, tag = "1")]
    pub(crate) paused_since: Option<i64>,
    /// How many templates it has.
    #[prost(uint32, tag = "2")]
    pub(crate) templates: u32,
}
