//! Adapters: what a provider sent, as bytes, becomes facts. Pure: no IO, no clock, no randomness, no ids of ours.
//!
//! Parsing never fails as a whole. An input is split into *updates* in the order of its bytes; each is understood (a
//! [`Fact`]) or not (a [`NotUnderstood`], which intake parks). One bad update never costs its neighbours.

pub mod email;
pub mod fact;
pub mod failure;
pub mod file_name;
pub mod meta;
pub mod outgoing;
pub mod signature;
pub mod twilio;

#[cfg(test)]
mod testing;

pub use fact::{
    Class, Fact, Identifier, Key, MailFact, MailRecipient, MailReport, MessageFact, NotUnderstood, NotUnderstoodReason,
    StatusFact, Target, Update, What,
};
