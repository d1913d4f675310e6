//! Rows of the views as messages of the API.

pub(crate) mod assignment;
pub(crate) mod bulk;
pub(crate) mod conversation;
pub(crate) mod metrics;
pub(crate) mod outgoing;
pub(crate) mod pause;
pub(crate) mod template;
pub(crate) mod thread;
pub(crate) mod words;

pub(crate) use conversation::{counters, tag};
pub(crate) use words::Names;
