//! Rows of contacts, of what links them, and of the workspace's tags.

use prost::Message;

/// A contact.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ContactRow {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    /// At most `IDENTIFIERS_MAX`, in the order in which they were learnt.
    #[prost(message, repeated, tag = "2")]
    pub(crate) identifiers: Vec<IdentifierRow>,
    /// 0 while a conversation or a link names it and nothing of its own has come.
    #[prost(uint64, tag = "3")]
    pub(crate) version: u64,
    /// The tenant's contacts are numbered from 0 in the order in which anything named them.
    #[prost(uint32, tag = "4")]
    pub(crate) ordinal: u32,
    #[prost(message, optional, tag = "5")]
    pub(crate) customer: Option<CustomerRow>,
    /// Where it stands in CHANGED; 0 if nowhere.
    #[prost(uint64, tag = "6")]
    pub(crate) changed: u64,
}

/// The customer record that a contact is linked to.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CustomerRow {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
}

/// One name that a provider has for a person.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct IdentifierRow {
    /// `IdentifierKind::as_str`.
    #[prost(string, tag = "1")]
    pub kind: String,
    #[prost(string, tag = "2")]
    pub channel: String,
    #[prost(string, tag = "3")]
    pub value: String,
}

/// How two contacts became one person.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct LinkRow {
    #[prost(sint64, tag = "1")]
    pub(crate) since: i64,
    /// Number of the contact that the key names last.
    #[prost(uint32, tag = "2")]
    pub(crate) other_ordinal: u32,
}

/// A tag of the workspace.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct TagRow {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    /// Red, green, blue.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) colour: Vec<u8>,
}
