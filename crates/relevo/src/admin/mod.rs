//! The operators' gRPC services: intake, log, metric topics and views. For admins and ops, of their own tenant.
//!
//! They stand in the binary because they show what is wired here; they hold no rules.

mod busy;
pub(crate) mod channel;
pub(crate) mod intake;
pub(crate) mod log;
#[cfg(test)]
mod log_tests;
mod owner;
mod pages;
mod refusal;
pub(crate) mod topic;
pub(crate) mod view;
