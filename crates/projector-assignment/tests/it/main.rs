//! Tests of the assignment view.

mod laws;
