//! Tests of the metrics view.

mod laws;
