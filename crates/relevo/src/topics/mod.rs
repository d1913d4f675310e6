//! The metric topics: every fact of the metrics view goes to `relevo.metrics.<tenant>.<metric>`, exactly once in effect.
//!
//! [`publisher`] follows the metrics view and appends what is new; [`republish`] sends a span of facts to a place that somebody
//! named. The order of facts and what a topic knows of it are in [`mark`] and [`line`], which are pure. Nothing here decides what a
//! fact is (`relevo_projector_metrics`), nor how it is stored (`relevo_eventlog`).

mod checkpoint;
mod event;
mod fold;
#[cfg(test)]
mod history_tests;
mod line;
mod mark;
mod parcel;
mod port;
mod publisher;
mod republish;
mod round;
#[cfg(test)]
mod schema_tests;
mod series;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod together_tests;

pub(crate) use checkpoint::Checkpoints;
pub(crate) use port::TopicLog;
pub(crate) use publisher::{Age, Publisher};
pub(crate) use republish::{Progress, RepublishError, Republisher, Span};
pub(crate) use series::Series;
