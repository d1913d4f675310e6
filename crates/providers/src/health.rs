//! How each channel is doing, on this node: for operators, never for decisions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use relevo_domain::Timestamp;
use relevo_domain::conversation::FailureClass;

use crate::account::AccountKey;

/// Which part of a channel's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Sending,
    Receiving,
    Templates,
    Media,
}

/// How a part is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It worked when it was last used.
    Good { since: Timestamp },
    /// It does not work; it is tried again by itself.
    Ailing { since: Timestamp, class: FailureClass, code: Option<String> },
    /// It does not work and somebody has to mend it.
    Broken { since: Timestamp, class: FailureClass, code: Option<String> },
}

/// The health of every channel. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct HealthBoard(Arc<Mutex<BTreeMap<(AccountKey, Part), Health>>>);

impl HealthBoard {
    /// Notes how a part is doing; `since` stays while nothing changes.
    pub fn note(&self, account: &AccountKey, part: Part, health: Health) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (account.clone(), part);
        if board.get(&key).is_none_or(|known| !known.same_as(&health)) {
            board.insert(key, health);
        }
    }

    /// Everything that is known of a channel.
    pub fn of(&self, account: &AccountKey) -> BTreeMap<Part, Health> {
        let board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        board.iter().filter(|((of, _), _)| of == account).map(|((_, part), health)| (*part, health.clone())).collect()
    }

    /// Forgets channels that are no more.
    pub fn keep(&self, wanted: impl Fn(&AccountKey) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(account, _), _| wanted(account));
    }
}

impl Health {
    fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Good { .. }, Self::Good { .. }) => true,
            (Self::Ailing { class, code, .. }, Self::Ailing { class: other, code: other_code, .. })
            | (Self::Broken { class, code, .. }, Self::Broken { class: other, code: other_code, .. }) => {
                class == other && code == other_code
            }
            (Self::Good { .. } | Self::Ailing { .. } | Self::Broken { .. }, _) => false,
        }
    }
}
