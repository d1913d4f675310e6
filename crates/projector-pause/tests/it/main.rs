//! Tests of the pause view.

mod laws;
