//! A conversation: the thread of one contact on one channel, with its three axes (status, bot, assignee) and its episodes.

#[cfg(test)]
mod alert_tests;
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
mod pause_tests;
#[cfg(test)]
mod send_property_tests;
#[cfg(test)]
mod send_tests;
#[cfg(test)]
mod silence_tests;
pub mod state;
pub mod turn;
#[cfg(test)]
mod turn_tests;
#[cfg(test)]
mod watch_tests;
pub mod watchful;
#[cfg(test)]
mod wire_tests;

pub use command::{Command, Envelope, PauseWish, Place, Send};
pub use decide::{Decision, PAUSE_DAYS_MAX, QUEUED_MAX, Rejection, decide};
pub use event::{
    AcceptedPersonal, Alert, AssignmentHow, ConversationEvent, DeliveryReport, DeliveryReportPersonal, DeliveryStatus,
    Detection, EpisodeCause, Medium, NotePersonal, OpenCause, PauseReason, PauseTerms, Priority, ReactionPersonal,
    ReopenCause, ResumeCause, SnoozePreset,
};
pub use message::{
    Attachment, AttachmentPersonal, Author, Content, ContentPersonal, MailPersonal, Message, MessageFlags, MessageKind,
    medium_mark,
};
pub use outgoing::{
    Body, CALL_OVER_AFTER, CancelCause, Choice, ContactCard, FailureClass, FetchOutcome, Frame, Location, MediaKind,
    Outgoing, OutgoingMail, OutgoingPersonal, Pending, Recipient, SIGNAL_OVER_AFTER, Section, SendFailure, Stage,
    StoredFile, TemplateUse, TemplateValue,
};
pub use state::{Bot, LastAnswer, Opened, State, Status};
pub use turn::{CatchUp, Due, GivenTurn, TURN_ATTEMPTS_MAX, Turn, TurnEnd, TurnRef, Turns};
pub use watchful::{Alerts, Suggestion, Watch};
