//! Whose turn it is to write to a channel itself: everything that names no conversation meets there, and would only conflict.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tokio::sync::Mutex;

use crate::routes::ChannelRef;

/// Channels that are written to at the same time: a broker's, most of them on their own.
const TURNS: usize = 64;

/// A turn a channel; some share one.
pub(crate) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Turns {
    pub(crate) fn of(&self, at: &ChannelRef) -> &Mutex<()> {
        let mut hash = DefaultHasher::new();
        at.hash(&mut hash);
        let [first, ..] = &self.0;
        usize::try_from(hash.finish() % TURNS as u64).ok().and_then(|turn| self.0.get(turn)).unwrap_or(first)
    }
}
