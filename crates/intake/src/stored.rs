//! What this node has handled a moment ago, for the tally: it need not read an item again to find out what became of it.
//!
//! Only what can never change is kept: an update's own commit is on the log, or another update's with the same command. What is
//! parked, and what was handled long ago or by another node, the tally finds out by itself.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use relevo_channels::Class;
use relevo_domain::{IntakePointer, RawId};

use crate::routes::ChannelRef;

/// Raw items that are kept until the tally comes to them: some seconds of a busy node's, a few hundred bytes each.
const ITEMS_MAX: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();
/// Updates of an item that are kept. Most have one; one with more is counted the long way.
const UPDATES_MAX: usize = 16;

/// An update whose commit is on the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredUpdate {
    pub ordinal: u32,
    pub channel: ChannelRef,
    /// What it is, if the commit carries its own pointer; without, it is a duplicate.
    pub class: Option<Class>,
}

/// What was stored of an item.
#[derive(Debug)]
struct Item {
    /// How many updates it has.
    updates: usize,
    stored: Vec<StoredUpdate>,
}

/// The updates that were stored of the last items.
#[derive(Debug)]
pub(crate) struct JustStored(Mutex<LruCache<RawId, Item>>);

impl Default for JustStored {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(ITEMS_MAX)))
    }
}

impl JustStored {
    /// An update of an item that has `updates` of them was stored; without a class, it had been already, from another one.
    pub(crate) fn remember(&self, pointer: IntakePointer, updates: usize, channel: &ChannelRef, class: Option<Class>) {
        if updates > UPDATES_MAX {
            return;
        }
        let mut items = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let item = items.get_or_insert_mut(pointer.raw(), || Item { updates, stored: Vec::with_capacity(updates) });
        // It may be handled twice.
        if !item.stored.iter().any(|known| known.ordinal == pointer.ordinal) {
            item.stored.push(StoredUpdate { ordinal: pointer.ordinal, channel: channel.clone(), class });
        }
    }

    /// All updates of an item, in order, if each of them is known to be stored. They are told once.
    pub(crate) fn take(&self, raw: RawId) -> Option<Vec<StoredUpdate>> {
        let item = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop(&raw)?;
        let Item { updates, mut stored } = item;
        stored.sort_by_key(|update| update.ordinal);
        (stored.len() == updates).then_some(stored)
    }
}

#[cfg(test)]
mod tests {
    use relevo_domain::{ChannelId, TenantId};

    use super::*;

    fn channel() -> ChannelRef {
        ChannelRef { tenant: TenantId::new("demo").unwrap(), channel: ChannelId::new("wa").unwrap() }
    }

    #[test]
    fn an_item_is_told_once_and_only_as_a_whole() {
        let stored = JustStored::default();
        let raw = RawId { sequence: 7, part: 2 };
        stored.remember(raw.update(1), 2, &channel(), None);
        assert_eq!(stored.take(raw), None);
        stored.remember(raw.update(1), 2, &channel(), None);
        for ordinal in [1, 0] {
            stored.remember(raw.update(ordinal), 2, &channel(), Some(Class::Message));
        }
        let told = stored.take(raw).unwrap();
        let told: Vec<_> = told.into_iter().map(|update| (update.ordinal, update.class)).collect();
        // What it became first, it is.
        assert_eq!(told, [(0, Some(Class::Message)), (1, None)]);
        assert_eq!((stored.take(raw), stored.take(RawId::alone(7))), (None, None));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let stored = JustStored::default();
        let items = u64::try_from(ITEMS_MAX.get()).unwrap();
        for sequence in 1..=items + 1 {
            stored.remember(RawId::alone(sequence).update(0), 1, &channel(), Some(Class::Message));
        }
        assert_eq!(stored.take(RawId::alone(1)), None);
        assert!(stored.take(RawId::alone(items + 1)).is_some());
        stored.remember(RawId::alone(1).update(0), UPDATES_MAX + 1, &channel(), Some(Class::Message));
        assert_eq!(stored.take(RawId::alone(1)), None);
    }
}
