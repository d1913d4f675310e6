//! A conversation: the thread of one contact on one channel, with its three axes (status, bot, assignee) and its episodes.

pub mod command;
pub mod decide;
#[cfg(test)]
mod decide_tests;
#[cfg(test)]
mod desk_tests;
pub mod event;
pub mod message;
pub mod state;

pub use command::{Command, Envelope, Place};
pub use decide::{Decision, Rejection, decide};
pub use event::{
    AssignmentHow, ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus, EpisodeCause, Medium,
    NotePersonal, OpenCause, PauseReason, Priority, ReactionPersonal, ReopenCause, SnoozePreset,
};
pub use message::{
    Attachment, AttachmentPersonal, Author, Content, ContentPersonal, MailPersonal, Message, MessageFlags, MessageKind,
};
pub use state::{Bot, Opened, State, Status};
