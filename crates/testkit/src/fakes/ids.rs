//! Ids as the providers make them: never the same twice, also in a fake that is started anew.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Makes ids.
pub(crate) struct Ids {
    /// Nanoseconds at the start, which tells one fake from another.
    origin: u64,
    next: AtomicU64,
}

// === impl Ids ===

impl Default for Ids {
    fn default() -> Self {
        Self { origin: now().as_nanos() as u64, next: AtomicU64::new(1) }
    }
}

impl Ids {
    /// An id of a message of Meta's.
    pub(crate) fn wamid(&self) -> String {
        format!("wamid.FAKE{:016X}{:08X}", self.origin, self.turn())
    }

    /// An id of a message of Twilio's.
    pub(crate) fn sid(&self, prefix: &str) -> String {
        format!("{prefix}{:016x}{:016x}", self.origin, self.turn())
    }

    /// An id of a medium of Meta's.
    pub(crate) fn number(&self) -> String {
        format!("{}{:04}", self.origin, self.turn())
    }

    fn turn(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }
}

/// Seconds since 1970, as text.
pub(crate) fn now_seconds() -> String {
    now().as_secs().to_string()
}

fn now() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
