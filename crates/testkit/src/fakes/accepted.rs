//! What a fake has taken: every message that a customer would have got, once for each time.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

/// One message that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    pub to: String,
    /// The provider's id.
    pub id: String,
    /// The id that the sender gave it, if it gave one.
    pub callback: Option<String>,
    /// The request: Meta's body, or Twilio's form as an object.
    pub body: Value,
    /// When the request had been read.
    pub at: Instant,
}

/// All of them, in order.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Vec<Accepted>>);

impl Ledger {
    pub(crate) fn take(&self, accepted: Accepted) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(accepted);
    }

    pub(crate) fn all(&self) -> Vec<Accepted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn from(&self, first: usize) -> Vec<Accepted> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.get(first..).map(<[Accepted]>::to_vec).unwrap_or_default()
    }

    pub(crate) fn received(&self, to: &str) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|taken| taken.to == to).count()
    }

    /// Messages, by the sender's own id, that were taken more than once.
    pub(crate) fn repeated(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.all().into_iter().filter_map(|taken| taken.callback).collect();
        ids.sort_unstable();
        let mut repeated: Vec<String> =
            ids.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()).collect();
        repeated.dedup();
        repeated
    }
}
