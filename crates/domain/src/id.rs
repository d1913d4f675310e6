//! Names and ids: what things are called on the log, in subjects and at the edges.
//!
//! A *name* (tenant, channel, endpoint, agent, team) is chosen by people in the configuration. An *id* is made by Relevo:
//! a prefix that says what it is, and sixteen bytes in Crockford's base 32. Neither ever contains personal data.

use std::fmt;
use std::str::FromStr;

/// The longest name, in characters: names are subject tokens, and a subject stays readable.
pub const NAME_CHARS_MAX: usize = 32;
/// The longest command id that a client may choose, in bytes: it is kept for ever, once a command.
pub const COMMAND_ID_BYTES_MAX: usize = 128;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ENCODED_CHARS: usize = 26;
const NO_DIGIT: u8 = u8::MAX;
/// What each byte stands for.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        digits[ALPHABET[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};

/// Why a name or an id was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("`{0}` is not a name: it must match [a-z0-9][a-z0-9-]{{0,31}}")]
    Name(String),
    #[error("`{0}` is not an id of the expected kind")]
    Id(String),
    #[error("a command id must have 1 to {COMMAND_ID_BYTES_MAX} visible ASCII characters")]
    Command,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Accepts `[a-z0-9][a-z0-9-]{0,31}` and nothing else.
            pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
                let name = name.into();
                if is_name(&name) { Ok(Self(name)) } else { Err(NameError::Name(name)) }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }
        }
    };
}

name!(
    /// One business. Everything belongs to one tenant; nothing crosses.
    TenantId
);
name!(
    /// One WhatsApp number or one mailbox of a tenant.
    ChannelId
);
name!(
    /// Where a provider delivers: a Meta app, a Twilio channel or a mailbox.
    EndpointId
);
name!(
    /// A member of staff, as the configuration names them.
    AgentId
);
name!(
    /// A group of agents, as the configuration names it.
    TeamId
);

pub(crate) fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let allowed = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    !bytes.is_empty()
        && bytes.len() <= NAME_CHARS_MAX
        && allowed(&bytes[0])
        && bytes.iter().all(|b| allowed(b) || *b == b'-')
}

/// What an entity is; its prefix is the first thing that a reader of an id sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    Conversation,
    Contact,
    Identity,
    Channel,
    Workspace,
    Bulk,
}

impl EntityKind {
    pub const ALL: [Self; 6] =
        [Self::Conversation, Self::Contact, Self::Identity, Self::Channel, Self::Workspace, Self::Bulk];

    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Conversation => "cnv",
            Self::Contact => "ctc",
            Self::Identity => "idn",
            Self::Channel => "chn",
            Self::Workspace => "wks",
            Self::Bulk => "blk",
        }
    }
}

/// The id of an entity: the unit of consistency, one subject on the log.
///
/// Written `cnv_<26 characters>`; a tenant's single workspace is written `wks`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId {
    kind: EntityKind,
    bytes: [u8; 16],
}

impl EntityId {
    pub const WORKSPACE: Self = Self { kind: EntityKind::Workspace, bytes: [0; 16] };

    pub const fn new(kind: EntityKind, bytes: [u8; 16]) -> Self {
        Self { kind, bytes }
    }

    pub const fn kind(&self) -> EntityKind {
        self.kind
    }

    pub const fn bytes(&self) -> &[u8; 16] {
        &self.bytes
    }

    /// Parses an id that must be of one kind, as an API request does.
    pub fn parse(kind: EntityKind, text: &str) -> Result<Self, NameError> {
        text.parse::<Self>().and_then(|id| if id.kind == kind { Ok(id) } else { Err(NameError::Id(text.to_owned())) })
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == EntityKind::Workspace {
            return f.write_str("wks");
        }
        write!(f, "{}_{}", self.kind.prefix(), Encoded::of(&self.bytes))
    }
}

impl fmt::Debug for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EntityId {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if text == "wks" {
            return Ok(Self::WORKSPACE);
        }
        let refuse = || NameError::Id(text.chars().take(64).collect());
        let (prefix, rest) = text.split_once('_').ok_or_else(refuse)?;
        let kind = EntityKind::ALL
            .into_iter()
            .find(|kind| kind.prefix() == prefix && *kind != EntityKind::Workspace)
            .ok_or_else(refuse)?;
        Ok(Self { kind, bytes: decode(rest).ok_or_else(refuse)? })
    }
}

/// The id of a message inside its conversation, written `msg_<26 characters>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId([u8; 16]);

impl MessageId {
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "msg_{}", Encoded::of(&self.0))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MessageId {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        text.strip_prefix("msg_")
            .and_then(decode)
            .map(Self)
            .ok_or_else(|| NameError::Id(text.chars().take(64).collect()))
    }
}

/// The id of a tag of a workspace, written `tag_<26 characters>`. A tag that is renamed keeps it; one that is deleted and
/// made again has another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId([u8; 16]);

impl TagId {
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for TagId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tag_{}", Encoded::of(&self.0))
    }
}

impl fmt::Debug for TagId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TagId {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        text.strip_prefix("tag_")
            .and_then(decode)
            .map(Self)
            .ok_or_else(|| NameError::Id(text.chars().take(64).collect()))
    }
}

/// The id of one commit, unique on the log, written `cmt_<26 characters>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId([u8; 16]);

impl CommitId {
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cmt_{}", Encoded::of(&self.0))
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Makes a command idempotent: chosen by the client, or derived from a provider's id for what a provider sent.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(String);

impl CommandId {
    /// Accepts 1 to [`COMMAND_ID_BYTES_MAX`] visible ASCII characters.
    pub fn new(id: impl Into<String>) -> Result<Self, NameError> {
        let id = id.into();
        let visible = id.bytes().all(|b| b.is_ascii_graphic());
        if !id.is_empty() && id.len() <= COMMAND_ID_BYTES_MAX && visible {
            Ok(Self(id))
        } else {
            Err(NameError::Command)
        }
    }

    /// The id of a command that was derived from what a provider sent; `in_` keeps it apart from clients' ids.
    pub fn derived(bytes: &[u8; 16]) -> Self {
        Self(format!("in_{}", Encoded::of(bytes)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Crockford base 32, lower case: 128 bits in 26 characters, sortable like the bytes. Made without a `String`, for ids are put into
/// words several times a message.
struct Encoded([u8; ENCODED_CHARS]);

impl Encoded {
    fn of(bytes: &[u8; 16]) -> Self {
        let mut rest = u128::from_be_bytes(*bytes);
        let mut text = [0u8; ENCODED_CHARS];
        for slot in text.iter_mut().rev() {
            *slot = ALPHABET[(rest & 31) as usize];
            rest >>= 5;
        }
        Self(text)
    }
}

impl fmt::Display for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).map_err(|_not_ascii| fmt::Error)?)
    }
}

fn decode(text: &str) -> Option<[u8; 16]> {
    // The first character carries only three bits: 26 × 5 = 130.
    if text.len() != ENCODED_CHARS || text.as_bytes()[0] > b'7' {
        return None;
    }
    let mut value: u128 = 0;
    for byte in text.bytes() {
        let digit = DIGITS[usize::from(byte)];
        if digit == NO_DIGIT {
            return None;
        }
        value = (value << 5) | u128::from(digit);
    }
    Some(value.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_id_reads_back_as_written() {
        for kind in EntityKind::ALL {
            for bytes in [[0u8; 16], [255; 16], *b"0123456789abcdef"] {
                let id = if kind == EntityKind::Workspace { EntityId::WORKSPACE } else { EntityId::new(kind, bytes) };
                assert_eq!(id.to_string().parse::<EntityId>(), Ok(id));
            }
        }
    }

    #[test]
    fn hostile_ids_are_refused() {
        for text in
            ["", "cnv_", "cnv", "cnv_zzzzzzzzzzzzzzzzzzzzzzzzzz", "wks_0", "cnv_é", "xxx_00000000000000000000000000"]
        {
            assert!(text.parse::<EntityId>().is_err(), "{text}");
        }
        assert!(EntityId::parse(EntityKind::Contact, "cnv_00000000000000000000000000").is_err());
    }

    #[test]
    fn names_are_subject_tokens() {
        for good in ["a", "demo-b", "0", "a2345678901234567890123456789012"] {
            assert!(TenantId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a.b", "a b", "a*", ">", "ñ", "a23456789012345678901234567890123"] {
            assert!(TenantId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_command_id_is_visible_ascii() {
        assert!(CommandId::new("01J-anything:ok").is_ok());
        for bad in ["", "a b", "ñ", "a\n", &"x".repeat(129)] {
            assert!(CommandId::new(bad).is_err(), "{bad}");
        }
    }
}
