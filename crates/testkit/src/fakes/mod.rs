//! Providers that behave like the real ones, for tests and the demo: in this process, on loopback, without credentials.
//!
//! Each fake takes messages, answers as the provider documents it, reports statuses by signed webhooks, and counts what each
//! recipient got. What it refuses with stands in `refusals.tsv`, row by row with its source. It knows nothing of Relevo's own
//! types: it speaks HTTP.

mod accepted;
mod behaviour;
mod ids;
mod meta;
mod multipart;
mod oauth;
mod refusals;
mod reports;
mod server;
mod twilio;

pub use accepted::Accepted;
pub use behaviour::{Behaviour, Reports};
pub use meta::{FakeMeta, MetaOptions};
pub use oauth::{FakeOAuth, OAuthOptions};
pub use refusals::{Provider, Refusal, When, refusal, refusals};
pub use twilio::{FakeTwilio, TwilioOptions};

#[cfg(test)]
mod tests;
