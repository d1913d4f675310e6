//! Columns: what lists and counters need of every conversation, in memory beside the rows.
//!
//! A tenant's conversations stand in chunks of 1,024 in the order in which they were opened. A chunk holds the values that
//! lists are sorted by, and for every value of every filter one bit a conversation; so a list is a few operations on words of
//! 64 conversations, whatever its filters combine. Chunks are shared with readers and copied when they change. Made of rows
//! alone: see docs/adr/0006.

mod chunk;
mod companion;
mod mask;
mod order;
mod plan;
mod select;
mod snoozed;
mod tenant;
mod times;

#[cfg(test)]
mod tests;

pub(crate) use companion::{Columns, ColumnsCompanion};
pub(crate) use plan::{Access, Plan};
pub(crate) use select::select;
pub(crate) use snoozed::DueCounts;
pub(crate) use tenant::{Cells, TenantColumns};
