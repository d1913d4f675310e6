//! The services, called as tonic calls them, over real views that were folded from made-up commits.

mod assignments;
mod inbox;
mod isolation;
mod metrics;
mod pages;
mod pauses;
mod world;
