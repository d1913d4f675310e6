//! A message as the log keeps it: facts for rules and figures on one side, everything personal on the other.

use crate::id::MessageId;
use crate::time::Timestamp;

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Author {
    Customer,
    /// The owner of the number, with the WhatsApp Business app on the phone.
    PhoneApp,
    /// A member of staff: in a private note, or to the customer.
    Staff,
    /// A bot, to the customer.
    Bot,
    /// Relevo itself, to the customer.
    System,
}

/// What kind of message it is. `Other` keeps the provider's word for what Relevo does not know yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    Text,
    Image,
    Video,
    Audio,
    Document,
    Sticker,
    Location,
    Contacts,
    /// An answer to buttons, a list or a form.
    Interactive,
    /// A template's quick reply.
    Button,
    Order,
    /// The provider speaking in the thread: a changed number, for example.
    System,
    /// The customer sent something that the provider cannot pass on.
    Unsupported,
    /// The customer opened the chat for the first time.
    RequestWelcome,
    Email,
    Note,
    /// A template that the business sent.
    Template,
    /// A reaction that the business sent.
    Reaction,
    Other(String),
}

impl MessageKind {
    /// The kinds that Relevo knows, in the order of their documentation.
    pub const KNOWN: [Self; 18] = [
        Self::Text,
        Self::Image,
        Self::Video,
        Self::Audio,
        Self::Document,
        Self::Sticker,
        Self::Location,
        Self::Contacts,
        Self::Interactive,
        Self::Button,
        Self::Order,
        Self::System,
        Self::Unsupported,
        Self::RequestWelcome,
        Self::Email,
        Self::Note,
        Self::Template,
        Self::Reaction,
    ];

    pub fn as_str(&self) -> &str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Sticker => "sticker",
            Self::Location => "location",
            Self::Contacts => "contacts",
            Self::Interactive => "interactive",
            Self::Button => "button",
            Self::Order => "order",
            Self::System => "system",
            Self::Unsupported => "unsupported",
            Self::RequestWelcome => "request_welcome",
            Self::Email => "email",
            Self::Note => "note",
            Self::Template => "template",
            Self::Reaction => "reaction",
            Self::Other(kind) => kind,
        }
    }

    /// The kind of that name; a name that is not known is kept as `Other`.
    pub fn parse(text: &str) -> Self {
        Self::KNOWN.into_iter().find(|kind| kind.as_str() == text).unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}

/// One message of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Derived from (tenant, channel, provider id), so that replies, reactions and reports name it without a look-up.
    pub id: MessageId,
    pub author: Author,
    pub content: Content,
    /// What the provider said about when it was written, unclamped; for display only.
    pub provider_time: Option<Timestamp>,
    /// The message that this one quotes, whether or not we have it.
    pub reply_to: Option<MessageId>,
    pub flags: MessageFlags,
}

impl Message {
    /// Whether these are a person's words, which somebody has to look at: what reopens a resolved conversation, counts as
    /// unread, and starts the waiting and the first response.
    pub fn is_a_persons_words(&self) -> bool {
        let speaks = match &self.content.kind {
            MessageKind::System
            | MessageKind::RequestWelcome
            | MessageKind::Note
            | MessageKind::Template
            | MessageKind::Reaction => false,
            MessageKind::Text
            | MessageKind::Image
            | MessageKind::Video
            | MessageKind::Audio
            | MessageKind::Document
            | MessageKind::Sticker
            | MessageKind::Location
            | MessageKind::Contacts
            | MessageKind::Interactive
            | MessageKind::Button
            | MessageKind::Order
            | MessageKind::Unsupported
            | MessageKind::Email
            | MessageKind::Other(_) => true,
        };
        speaks && self.flags.by_a_person()
    }
}

/// What a message, or the new text of an edited one, contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub kind: MessageKind,
    pub attachments: Vec<Attachment>,
    pub personal: ContentPersonal,
}

/// Metadata of one attachment; its bytes stay with the provider or in the raw mail for now.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Attachment {
    /// MIME type as declared, lower case.
    pub mime_type: String,
    /// Decoded size in bytes, where known.
    pub size_bytes: Option<u64>,
    /// SHA-256 of the content, where the provider gave it or we have the bytes; lower-case hex.
    pub sha256: Option<String>,
    /// A voice note.
    pub voice: bool,
    /// Shown inside the text (`cid:`), not listed as an attachment.
    pub inline: bool,
    /// The provider's id of the medium (Meta), or the index of the part (mail).
    pub provider_id: Option<String>,
    pub personal: AttachmentPersonal,
}

impl Attachment {
    /// Tells this medium from another one in the same place; absent if the provider named it by nothing.
    pub fn mark(&self) -> Option<u64> {
        medium_mark(self.provider_id.as_deref(), self.personal.url.as_deref())
    }
}

/// Tells the media apart that stand in one place of a message one after the other: a hash (FNV-1a, 64 bits) of the provider's id
/// of it, or of its address. It is stored on the log, so it never changes. It names nobody; two media of one message that have
/// the same do not happen by accident.
pub fn medium_mark(provider_id: Option<&str>, url: Option<&str>) -> Option<u64> {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let named = [provider_id, url].into_iter().flatten().find(|name| !name.is_empty())?;
    Some(named.bytes().fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME)))
}

/// The personal part of an attachment.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AttachmentPersonal {
    /// File name without path parts and control characters.
    pub file_name: Option<String>,
    /// Where the provider serves it (Twilio).
    pub url: Option<String>,
    /// What the HTML of the mail names it by (`cid:`), without angle brackets; of inline ones alone.
    pub content_id: Option<String>,
}

/// The personal part of a message's content.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ContentPersonal {
    /// The provider's id of the message (a wamid contains the phone number).
    pub provider_id: String,
    /// The text that the author wrote, NUL removed; for mails without the quoted part.
    pub text: Option<String>,
    /// Name of the sender as this message gave it.
    pub sender_name: Option<String>,
    /// Identifier that the message was written from, exactly as received; replies go there.
    pub sender_address: Option<String>,
    /// What the kind carries beyond text (location, contacts, order, referral, context…), as JSON text.
    pub details_json: Option<String>,
    pub mail: Option<MailPersonal>,
}

/// What only a mail has.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MailPersonal {
    pub subject: String,
    pub message_id: Option<String>,
    pub in_reply_to: Vec<String>,
    pub references: Vec<String>,
    pub to: Vec<String>,
    pub cc: Vec<String>,
    /// The quoted part that was split off the text, whole.
    pub quoted: Option<String>,
    /// The HTML part as received, unsafe until a reader sanitises it.
    pub html: Option<String>,
}

/// What rules must know about a message without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MessageFlags {
    /// An automatic reply: never answer it automatically, never count it as a waiting customer.
    pub automatic: bool,
    /// A delivery report, final or not.
    pub bounce: bool,
    /// A bounce that is only a delay.
    pub delay: bool,
    /// From a mailing list, or bulk.
    pub list: bool,
    /// A feedback report (ARF).
    pub complaint: bool,
    /// One of our own mails that came back.
    pub own_loop: bool,
    /// The same Message-ID came before with other content.
    pub message_id_reused: bool,
    pub forwarded: bool,
    pub frequently_forwarded: bool,
    /// Brought in as history: it was said before Relevo listened.
    pub imported: bool,
    /// A mail that came into the thread by our own token and not by a known sender: nobody has shown to belong here.
    pub unverified: bool,
}

impl MessageFlags {
    /// Whether a person wrote it for us to answer: what counts as unread work and as a waiting customer.
    pub const fn by_a_person(self) -> bool {
        !(self.automatic || self.bounce || self.list || self.complaint || self.own_loop || self.imported)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_medium_is_told_from_another_one_in_its_place() {
        let mark = |id: &str, url: &str| medium_mark(Some(id), Some(url));
        // FNV-1a of "a", as its authors give it.
        assert_eq!(mark("a", ""), Some(0xaf63_dc4c_8601_ec8c));
        assert_eq!(mark("", "a"), mark("a", "b"));
        assert_eq!(mark("", ""), None);
        assert_eq!(medium_mark(None, None), None);
    }
}
