//! The services, called as tonic calls them, over real views that were folded from made-up commits.

mod assignments;
mod contacts;
mod files;
mod filters;
mod inbox;
mod isolation;
mod live;
mod metric_series;
mod metrics;
mod pages;
mod past;
mod pauses;
mod presence;
mod sending;
mod storm;
mod timeline;
mod watch_alerts;
mod watch_conversation;
mod watch_inbox;
mod watch_pace;
mod world;
