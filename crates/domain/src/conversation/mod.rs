//! A conversation: the thread of one contact on one channel, with its three axes (status, bot, assignee) and its episodes.

pub mod command;
pub mod decide;
#[cfg(test)]
mod decide_tests;
#[cfg(test)]
mod desk_tests;
pub mod event;
pub mod message;
pub mod outgoing;
#[cfg(test)]
mod send_property_tests;
#[cfg(test)]
mod send_tests;
pub mod state;

pub use command::{Command, Envelope, Place, Send};
pub use decide::{Decision, QUEUED_MAX, Rejection, decide};
pub use event::{
    AcceptedPersonal, AssignmentHow, ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus,
    EpisodeCause, Medium, NotePersonal, OpenCause, PauseReason, Priority, ReactionPersonal, ReopenCause, SnoozePreset,
};
pub use message::{
    Attachment, AttachmentPersonal, Author, Content, ContentPersonal, MailPersonal, Message, MessageFlags, MessageKind,
    medium_mark,
};
pub use outgoing::{
    Body, CancelCause, Choice, ContactCard, FailureClass, FetchOutcome, Frame, Location, MediaKind, Outgoing,
    OutgoingMail, OutgoingPersonal, Pending, Recipient, Section, SendFailure, Stage, StoredFile, TemplateUse,
    TemplateValue,
};
pub use state::{Bot, LastAnswer, Opened, State, Status};
