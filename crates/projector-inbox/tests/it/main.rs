//! Tests of the inbox view.

mod laws;
