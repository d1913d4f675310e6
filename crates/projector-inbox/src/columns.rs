//! Columns: what lists and counters need of every conversation, in memory beside the rows.
//!
//! A tenant's conversations are numbered in the order in which they were opened. By number there are their values ([`table`]);
//! for every value of every filter a bit each ([`bits`], [`facets`]); and what can be sorted by ([`order`]). So a list is a few
//! operations on long runs of words, whatever its filters combine, and a page is some steps in an order from where the last one
//! ended. All of it is shared with readers and copied in small pieces when it changes. Made of rows alone: see docs/adr/0006.

mod bits;
mod companion;
mod facets;
mod order;
mod plan;
mod select;
mod snoozed;
mod table;
mod tenant;

#[cfg(test)]
mod tests;

pub(crate) use companion::{Columns, ColumnsCompanion};
pub(crate) use plan::{Access, Plan};
pub(crate) use select::{members, select};
pub(crate) use snoozed::DueCounts;
pub(crate) use tenant::{Cells, TenantColumns};
