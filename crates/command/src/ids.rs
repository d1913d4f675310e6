//! Derived ids: the same input always finds the same thing, and nobody can turn an id back into a phone number.
//!
//! Every derived id is a UUIDv8 cut from HMAC-SHA-256 under the tenant's id key. An unkeyed hash of a phone number is
//! reversed in minutes; the key is made once, kept with the other keys and never written to the log.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{ChannelId, CommandId, EntityId, EntityKind, MessageId, Timestamp};
use sha2::Sha256;

/// Bytes of an id key: the block of the hash would allow more, its output does not carry more.
pub const ID_KEY_BYTES: usize = 32;

/// Bytes of the seal on what leaves the house and comes back: 64 bits, which nobody guesses by mail.
const SEAL_BYTES: usize = 8;

/// A tenant's id key. Its `Debug` shows the fingerprint only.
#[derive(Clone)]
pub struct IdKey(
    /// Begun once: taking the key in is half of the work for inputs as short as ours.
    Hmac<Sha256>,
);

impl IdKey {
    pub fn new(bytes: [u8; ID_KEY_BYTES]) -> Self {
        Self(keyed(&bytes))
    }

    /// Names the key without giving it away: what the log keeps.
    pub fn fingerprint(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.derive("fingerprint", &[])))
    }

    /// The conversation that a customer's first identifier opens on a channel.
    pub fn conversation(&self, channel: &ChannelId, kind: IdentifierKind, value: &str) -> EntityId {
        let bytes = self.derive("conversation", &[channel.as_str(), kind.as_str(), value]);
        EntityId::new(EntityKind::Conversation, bytes)
    }

    /// The conversation that a command opens by itself: a mail that belongs to no thread, a message without a sender.
    pub fn conversation_of_command(&self, command: &CommandId) -> EntityId {
        EntityId::new(EntityKind::Conversation, self.derive("conversation-of", &[command.as_str()]))
    }

    /// The contact first met under this identifier, on whatever channel of the tenant. Phone numbers and wa_ids that have
    /// the same digits are the same person.
    pub fn contact(&self, kind: IdentifierKind, value: &str) -> EntityId {
        let bytes = match kind {
            IdentifierKind::Phone | IdentifierKind::WaId => {
                let digits: String = value.chars().filter(char::is_ascii_digit).collect();
                self.derive("contact", &["number", &digits])
            }
            IdentifierKind::Bsuid | IdentifierKind::Email | IdentifierKind::Username | IdentifierKind::ParentBsuid => {
                self.derive("contact", &[kind.as_str(), value])
            }
        };
        EntityId::new(EntityKind::Contact, bytes)
    }

    /// The contact of a command that names nobody.
    pub fn contact_of_command(&self, command: &CommandId) -> EntityId {
        EntityId::new(EntityKind::Contact, self.derive("contact-of", &[command.as_str()]))
    }

    /// The binding of an identifier on a channel.
    pub fn identity(&self, channel: &ChannelId, kind: IdentifierKind, value: &str) -> EntityId {
        EntityId::new(EntityKind::Identity, self.derive("identity", &[channel.as_str(), kind.as_str(), value]))
    }

    /// The channel as an entity.
    pub fn channel(&self, channel: &ChannelId) -> EntityId {
        EntityId::new(EntityKind::Channel, self.derive("channel", &[channel.as_str()]))
    }

    /// The message that a provider knows under this id.
    pub fn message(&self, channel: &ChannelId, provider_id: &str) -> MessageId {
        MessageId::new(self.derive("message", &[channel.as_str(), provider_id]))
    }

    /// The message that a command makes where the provider's id does not suffice (a Message-ID can be used twice).
    pub fn message_of_command(&self, command: &CommandId) -> MessageId {
        MessageId::new(self.derive("message-of", &[command.as_str()]))
    }

    /// The command id of an update: its redelivery derives the same.
    pub fn command(&self, channel: &ChannelId, kind: &str, provider_id: &str, discriminator: &str) -> CommandId {
        CommandId::derived(&self.derive("command", &[channel.as_str(), kind, provider_id, discriminator]))
    }

    /// The message that a client's command to a conversation queues: a repeated command names the same one.
    pub fn outgoing(&self, conversation: &EntityId, command: &CommandId) -> MessageId {
        MessageId::new(self.derive("outgoing", &[&conversation.to_string(), command.as_str()]))
    }

    /// The command id of what the sender records of a message: `what` names the fact, `turn` its claim or attempt.
    pub fn command_of_send(&self, message: MessageId, what: &str, turn: &str) -> CommandId {
        CommandId::derived(&self.derive("send", &[&message.to_string(), what, turn]))
    }

    /// The command id of what comes to pass at a time: whichever node lets it, and however often, derives the same. `set_by` is the
    /// version of the conversation with the event that set the time.
    pub fn command_of_timer(
        &self,
        conversation: &EntityId,
        what: &str,
        scheduled: Timestamp,
        set_by: u64,
    ) -> CommandId {
        let (scheduled, set_by) = (scheduled.as_millis().to_string(), set_by.to_string());
        CommandId::derived(&self.derive("timer", &[&conversation.to_string(), what, &scheduled, &set_by]))
    }

    /// The bulk that a client's command begins: a repeated command names the same one.
    pub fn bulk_of_command(&self, command: &CommandId) -> EntityId {
        EntityId::new(EntityKind::Bulk, self.derive("bulk", &[command.as_str()]))
    }

    /// The bulk that takes another one back: there is one at most.
    pub fn bulk_of_undo(&self, of: &EntityId) -> EntityId {
        EntityId::new(EntityKind::Bulk, self.derive("bulk-undo", &[&of.to_string()]))
    }

    /// The command id of what a bulk does to a conversation: whichever node does it, and however often, derives the same.
    pub fn command_of_bulk(&self, bulk: &EntityId, conversation: &EntityId) -> CommandId {
        CommandId::derived(&self.derive("bulk-one", &[&bulk.to_string(), &conversation.to_string()]))
    }

    /// The command id of what a worker records of a bulk: `turn` names the worker and what it records.
    pub fn command_of_bulk_worker(&self, bulk: &EntityId, turn: &str) -> CommandId {
        CommandId::derived(&self.derive("bulk-worker", &[&bulk.to_string(), turn]))
    }

    /// The Message-ID of a mail of ours, without angle brackets: it names its conversation and itself, and nobody else can make one.
    pub fn mail_id(&self, conversation: &EntityId, message: MessageId, domain: &str) -> String {
        let local = format!("{conversation}.{message}");
        format!("{local}.{}@{domain}", hex(self.seal("mail-id", &local)))
    }

    /// What a Message-ID names, if it is one that [`Self::mail_id`] made. Its domain does not matter: gateways rewrite it.
    pub fn of_mail_id(&self, message_id: &str) -> Option<(EntityId, MessageId)> {
        let (local, _domain) = message_id.trim_matches(['<', '>']).rsplit_once('@')?;
        let (named, seal) = local.rsplit_once('.')?;
        let (conversation, message) = named.split_once('.')?;
        let conversation = EntityId::parse(EntityKind::Conversation, conversation).ok()?;
        let message = message.parse().ok()?;
        self.sealed("mail-id", named, seal).then_some((conversation, message))
    }

    /// What stands behind the `+` of our address in a mail of this conversation: an answer to it names the conversation.
    pub fn conversation_token(&self, conversation: &EntityId) -> String {
        let id = conversation.to_string();
        let id = id.rsplit('_').next().unwrap_or_default();
        format!("{id}{}", hex(self.seal("conversation-token", id)))
    }

    /// The conversation of a token, if it is one of ours. Case does not matter: mail servers change it.
    pub fn of_conversation_token(&self, token: &str) -> Option<EntityId> {
        let token = token.to_ascii_lowercase();
        let (id, seal) = token.split_at_checked(token.len().checked_sub(SEAL_BYTES * 2)?)?;
        let conversation = EntityId::parse(EntityKind::Conversation, &format!("cnv_{id}")).ok()?;
        self.sealed("conversation-token", id, seal).then_some(conversation)
    }

    fn seal(&self, label: &str, text: &str) -> [u8; SEAL_BYTES] {
        let mut seal = [0; SEAL_BYTES];
        seal.copy_from_slice(&self.sealing(label, text).finalize().into_bytes()[..SEAL_BYTES]);
        seal
    }

    fn sealed(&self, label: &str, text: &str, seal: &str) -> bool {
        let Some(seal) = unhex(seal) else { return false };
        self.sealing(label, text).verify_truncated_left(&seal).is_ok()
    }

    fn sealing(&self, label: &str, text: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in [label, text] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }

    /// A key for another purpose than ids. One purpose, one key: neither tells anything of the other.
    pub fn key_for(&self, purpose: &str) -> [u8; ID_KEY_BYTES] {
        self.sealing("key", purpose).finalize().into_bytes().into()
    }

    /// A keyed hash for look-up keys of the decision store (Message-IDs, addresses).
    pub fn lookup(&self, what: &str, channel: &ChannelId, value: &str) -> [u8; 16] {
        self.derive(what, &[channel.as_str(), value])
    }

    fn derive(&self, label: &str, parts: &[&str]) -> [u8; 16] {
        let mut mac = self.0.clone();
        // Every part is preceded by its length, so that ("ab", "c") and ("a", "bc") differ.
        for part in std::iter::once(&label).chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let digest = mac.finalize().into_bytes();
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes[6] = (bytes[6] & 0x0f) | 0x80;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        bytes
    }
}

fn hex(bytes: [u8; SEAL_BYTES]) -> String {
    format!("{:016x}", u64::from_be_bytes(bytes))
}

fn unhex(text: &str) -> Option<[u8; SEAL_BYTES]> {
    let digits = text.len() == SEAL_BYTES * 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(u64::to_be_bytes)
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

impl fmt::Debug for IdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdKey({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wa() -> ChannelId {
        ChannelId::new("wa").unwrap()
    }

    #[test]
    fn another_key_derives_other_ids() {
        let (a, b) = (IdKey::new([1; 32]), IdKey::new([2; 32]));
        assert_eq!(a.message(&wa(), "x"), a.message(&wa(), "x"));
        assert_ne!(a.message(&wa(), "x"), b.message(&wa(), "x"));
        assert_ne!(a.fingerprint(), b.fingerprint());
        assert!(!format!("{a:?}").contains("0101010101"));
    }

    #[test]
    fn a_number_is_one_person_however_it_is_written() {
        let key = IdKey::new([7; 32]);
        let contact = key.contact(IdentifierKind::Phone, "+5491155550101");
        assert_eq!(contact, key.contact(IdentifierKind::WaId, "5491155550101"));
        assert_ne!(contact, key.contact(IdentifierKind::Bsuid, "5491155550101"));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = IdKey::new([7; 32]);
        assert_ne!(key.command(&wa(), "ab", "c", ""), key.command(&wa(), "a", "bc", ""));
    }

    #[test]
    fn a_mails_id_names_its_conversation_and_cannot_be_forged() {
        let (key, other) = (IdKey::new([7; 32]), IdKey::new([8; 32]));
        let conversation = EntityId::new(EntityKind::Conversation, [3; 16]);
        let message = MessageId::new([4; 16]);
        let id = key.mail_id(&conversation, message, "example.com");
        assert_eq!(key.of_mail_id(&id), Some((conversation, message)));
        assert_eq!(key.of_mail_id(&format!("<{id}>")), Some((conversation, message)));
        assert_eq!(key.of_mail_id(&id.replace("example.com", "gateway.example")), Some((conversation, message)));
        assert_eq!(other.of_mail_id(&id), None);
        let elsewhere =
            id.replace(&conversation.to_string(), &EntityId::new(EntityKind::Conversation, [5; 16]).to_string());
        for forged in [elsewhere.as_str(), "", "@", "a.b.c@d", "cnv_.msg_.00@x", &id.to_uppercase(), "ñ@é"] {
            assert_eq!(key.of_mail_id(forged), None, "{forged}");
        }
        let local = id.split_once('@').map_or(0, |(local, _)| local.len());
        assert!(local < 100, "a header line holds it: {local}");
    }

    #[test]
    fn a_token_fits_behind_the_plus_of_an_address_and_cannot_be_forged() {
        let key = IdKey::new([7; 32]);
        let conversation = EntityId::new(EntityKind::Conversation, [3; 16]);
        let token = key.conversation_token(&conversation);
        assert_eq!(token.len(), 42, "a local part has 64 characters");
        assert_eq!(key.of_conversation_token(&token), Some(conversation));
        assert_eq!(key.of_conversation_token(&token.to_uppercase()), Some(conversation));
        assert_eq!(IdKey::new([8; 32]).of_conversation_token(&token), None);
        for forged in
            ["", "x", &token[1..], &format!("0{token}"), &token.replace(&token[..1], "7"), "ññññññññññññññññññññññ"]
        {
            assert_eq!(key.of_conversation_token(forged), None, "{forged}");
        }
    }

    #[test]
    fn ids_are_version_8_uuids() {
        let id = IdKey::new([7; 32]).message(&wa(), "x");
        assert_eq!((id.bytes()[6] >> 4, id.bytes()[8] >> 6), (8, 2));
    }
}
