//! Bots: how they are given turns, and what they do in them.
//!
//! A *turn* is a conversation with something new to answer ([`relevo_proto::bot`]). Whoever takes turns inside of the broker is a
//! [`Taker`]: the rules bot ([`rules`], YAML and nothing else), or a web service behind a signed webhook ([`webhook`]). A taker says
//! what should be done; whether it may be done, the domain decides, by the fence as for everybody.

mod act;
mod dispatch;
mod grpc;
pub mod rules;
mod session;
pub mod taker;
mod taking;
pub mod turns;
pub mod webhook;

pub use dispatch::{Bots, BotsParts, HISTORY_MAX, OLDEST_DEFAULT, Options, TURN_DEFAULT, TURN_MAX};
pub use taker::{Ready, TakeError, TakeErrorKind, Taker};
pub use turns::TurnsProjector;
