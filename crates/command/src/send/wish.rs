//! What a client asks to be sent, before anything of it was looked up.

use relevo_domain::conversation::{
    CatchUp, Choice, ContactCard, Frame, Location, MediaKind, PauseWish, Section, TurnRef,
};
use relevo_domain::template::Part;
use relevo_domain::{ChannelId, EntityId, MessageId};

use crate::execute::Asked;

/// A message to the customer of a conversation.
#[derive(Clone, Debug)]
pub struct SendRequest {
    pub asked: Asked,
    pub conversation: EntityId,
    pub message: Wanted,
    /// The version of the conversation that the author has looked at.
    pub last_seen_version: Option<u64>,
    /// Send it although somebody else has written since.
    pub force: bool,
    /// What colleagues call the author.
    pub author_name: Option<String>,
    /// Pauses the bot before the message, in the same commit.
    pub pause: Option<PauseWish>,
    /// A bot's: the turn that it is said in.
    pub turn: Option<TurnRef>,
}

/// The bot may speak again, after this message.
#[derive(Clone, Debug)]
pub struct FarewellRequest {
    pub send: SendRequest,
    /// What becomes of what the customer wrote in the meantime.
    pub catch_up: CatchUp,
    /// A remark about the resumption.
    pub note: Option<String>,
}

/// A message to somebody by number or address.
#[derive(Clone, Debug)]
pub struct StartRequest {
    pub asked: Asked,
    pub channel: ChannelId,
    /// In any spelling.
    pub recipient: String,
    /// What to call them if they are not known yet.
    pub name: Option<String>,
    pub message: Wanted,
    pub author_name: Option<String>,
    /// Pauses the bot before the message, in the same commit.
    pub pause: Option<PauseWish>,
}

/// A message is to be taken back.
#[derive(Clone, Debug)]
pub struct CancelRequest {
    pub asked: Asked,
    pub conversation: EntityId,
    pub message: MessageId,
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub reply_to: Option<MessageId>,
    /// With the author's signature.
    pub sign: bool,
    pub body: WantedBody,
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedBody {
    Text { text: String, preview_url: bool },
    QuickReply { name: String },
    Media { kind: MediaKind, file: FileRef, caption: Option<String> },
    Location(Location),
    Contacts(Vec<ContactCard>),
    Reaction { target: MessageId, emoji: Option<String> },
    Buttons { frame: Frame, buttons: Vec<Choice> },
    List { frame: Frame, button: String, sections: Vec<Section> },
    Template(WantedTemplate),
    Mail(WantedMail),
}

/// A file that was stored before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRef {
    pub sha256: String,
    /// As declared; counts where the content does not say.
    pub mime_type: Option<String>,
    pub file_name: Option<String>,
}

/// A template by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedTemplate {
    pub name: String,
    pub language: Option<String>,
    pub values: Vec<(Part, String, String)>,
    pub header_file: Option<FileRef>,
}

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct WantedMail {
    pub to: Option<String>,
    pub subject: Option<String>,
    pub text: String,
    pub html: Option<String>,
    pub cc: Vec<String>,
    pub files: Vec<FileRef>,
}
