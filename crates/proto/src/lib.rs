//! Everything that has a wire format: the generated messages and services, their JSON, and the one table of errors.
//!
//! No rules live here. The protos stand in `/proto`; each field is commented there.

pub mod json;
pub mod problem;
pub mod status;
pub mod time;

#[cfg(test)]
mod comment_tests;

#[expect(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
mod generated;

pub use generated::{admin, auth, bot, command, event, query};
pub use problem::{FieldViolation, Precondition, Problem};

/// Descriptors of every proto of Relevo, for gRPC reflection and for JSON.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/relevo.descriptors.bin"));
