//! The health of a mailbox with several folders: that of the one that is worst.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use relevo_domain::conversation::SendFailure;
use relevo_domain::{Clock, Timestamp};
use relevo_providers::{AccountKey, Health, HealthBoard, Part};

/// What the folders of one account say about it.
#[derive(Debug)]
pub(crate) struct MailboxHealth {
    account: AccountKey,
    board: HealthBoard,
    clock: Clock,
    folders: Mutex<BTreeMap<String, Health>>,
}

impl MailboxHealth {
    pub(crate) const fn new(account: AccountKey, board: HealthBoard, clock: Clock) -> Self {
        Self { account, board, clock, folders: Mutex::new(BTreeMap::new()) }
    }

    pub(crate) fn good(&self, folder: &str) {
        self.note(folder, Health::Good { since: self.now() });
    }

    pub(crate) fn ailing(&self, folder: &str, failure: SendFailure) {
        self.note(folder, Health::Ailing { since: self.now(), class: failure.class, code: failure.code });
    }

    pub(crate) fn broken(&self, folder: &str, failure: SendFailure) {
        self.note(folder, Health::Broken { since: self.now(), class: failure.class, code: failure.code });
    }

    /// Another node reads the folder: what is known of it here is of the past.
    pub(crate) fn forget(&self, folder: &str) {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).remove(folder);
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn note(&self, folder: &str, health: Health) {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.insert(folder.to_owned(), health);
        if let Some(worst) = folders.values().max_by_key(|health| severity(health)) {
            self.board.note(&self.account, Part::Receiving, worst.clone());
        }
    }
}

const fn severity(health: &Health) -> u8 {
    match health {
        Health::Good { .. } => 0,
        Health::Ailing { .. } => 1,
        Health::Broken { .. } => 2,
    }
}
