//! What a client makes of the messages of a watch, exactly as watch.proto says; apart from the product's code.
//!
//! A message that cannot be folded is a defect of the watch, and an error here: the client had missed something.

use std::collections::{BTreeMap, HashMap};

use relevo_proto::query::v1 as query;
use relevo_proto::query::v1::watch_conversation_response::Event as Change;
use relevo_proto::query::v1::watch_inbox_response::Event;

/// What a message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Snapshot,
    Delta,
    Presence,
    Heartbeat,
}

/// Folds the messages of one kind of watch.
pub trait Fold: Default + Send + Sync + 'static {
    type Message: Send + 'static;

    /// The position that the message shows.
    fn position(message: &Self::Message) -> &str;

    fn apply(&mut self, message: Self::Message) -> Result<Kind, String>;
}

/// A watched list.
#[derive(Debug, Default)]
pub struct InboxFold {
    begun: bool,
    order: Vec<String>,
    rows: HashMap<String, query::Conversation>,
    pub counters: Option<query::InboxCounters>,
}

impl InboxFold {
    /// What a client shows, in order.
    pub fn rows(&self) -> Vec<&query::Conversation> {
        self.order.iter().filter_map(|id| self.rows.get(id)).collect()
    }

    fn snapshot(&mut self, snapshot: query::InboxSnapshot) {
        self.order = snapshot.conversations.iter().map(|row| row.conversation_id.clone()).collect();
        self.rows = snapshot.conversations.into_iter().map(|row| (row.conversation_id.clone(), row)).collect();
        (self.counters, self.begun) = (snapshot.counters, true);
    }

    fn delta(&mut self, delta: query::InboxDelta) -> Result<(), String> {
        for id in &delta.removed_ids {
            self.rows.remove(id).ok_or("a row is removed that was not shown")?;
        }
        self.order.retain(|id| self.rows.contains_key(id));
        for row in delta.upserts {
            self.rows.insert(row.conversation_id.clone(), row);
        }
        if !delta.order.is_empty() || delta.resumed {
            self.order = delta.order;
            let order = &self.order;
            self.rows.retain(|id, _| order.contains(id));
        }
        if self.order.len() != self.rows.len() || !self.order.iter().all(|id| self.rows.contains_key(id)) {
            return Err(format!("order names {} rows, {} are known", self.order.len(), self.rows.len()));
        }
        self.counters = delta.counters;
        Ok(())
    }
}

impl Fold for InboxFold {
    type Message = query::WatchInboxResponse;

    fn position(message: &Self::Message) -> &str {
        &message.position
    }

    fn apply(&mut self, message: Self::Message) -> Result<Kind, String> {
        match message.event.ok_or("a message without an event")? {
            Event::Snapshot(snapshot) => {
                self.snapshot(snapshot);
                Ok(Kind::Snapshot)
            }
            Event::Delta(_) | Event::Heartbeat(_) if !self.begun => Err("no snapshot at the beginning".to_owned()),
            Event::Delta(delta) => self.delta(delta).map(|()| Kind::Delta),
            Event::Heartbeat(_) => Ok(Kind::Heartbeat),
        }
    }
}

/// A watched conversation. Entries that left the window stay, as on a client's screen.
#[derive(Debug, Default)]
pub struct ThreadFold {
    pub conversation: Option<query::Conversation>,
    pub contact: Option<query::Contact>,
    /// By id, which is their order.
    pub entries: BTreeMap<String, query::ThreadEntry>,
}

impl Fold for ThreadFold {
    type Message = query::WatchConversationResponse;

    fn position(message: &Self::Message) -> &str {
        &message.position
    }

    fn apply(&mut self, message: Self::Message) -> Result<Kind, String> {
        let begun = self.conversation.is_some();
        match message.event.ok_or("a message without an event")? {
            Change::Snapshot(snapshot) => {
                self.entries = snapshot.entries.into_iter().map(|entry| (entry.entry_id.clone(), entry)).collect();
                (self.conversation, self.contact) = (snapshot.conversation, snapshot.contact);
                Ok(Kind::Snapshot)
            }
            Change::Delta(_) | Change::Presence(_) | Change::Heartbeat(_) if !begun => {
                Err("no snapshot at the beginning".to_owned())
            }
            Change::Delta(delta) => {
                for id in &delta.removed_entry_ids {
                    self.entries.remove(id).ok_or("an entry is removed that was not shown")?;
                }
                self.entries.extend(delta.entries.into_iter().map(|entry| (entry.entry_id.clone(), entry)));
                (self.conversation, self.contact) = (delta.conversation, delta.contact);
                Ok(Kind::Delta)
            }
            Change::Presence(_) => Ok(Kind::Presence),
            Change::Heartbeat(_) => Ok(Kind::Heartbeat),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, version: u64) -> query::Conversation {
        query::Conversation { conversation_id: id.to_owned(), version, ..Default::default() }
    }

    fn ids(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn told(event: Event) -> query::WatchInboxResponse {
        query::WatchInboxResponse { position: "p1-1".to_owned(), event: Some(event) }
    }

    fn shown(fold: &InboxFold) -> Vec<(&str, u64)> {
        fold.rows().iter().map(|row| (row.conversation_id.as_str(), row.version)).collect()
    }

    fn begun() -> InboxFold {
        let mut fold = InboxFold::default();
        let conversations = vec![row("a", 1), row("b", 1)];
        let snapshot = query::InboxSnapshot { conversations, ..Default::default() };
        assert_eq!(fold.apply(told(Event::Snapshot(snapshot))), Ok(Kind::Snapshot));
        fold
    }

    #[test]
    fn a_delta_removes_then_puts_in_then_orders() {
        let mut fold = begun();
        let delta = query::InboxDelta {
            upserts: vec![row("c", 1), row("b", 2)],
            removed_ids: ids(&["a"]),
            order: ids(&["c", "b"]),
            ..Default::default()
        };
        fold.apply(told(Event::Delta(delta))).unwrap();
        assert_eq!(shown(&fold), [("c", 1), ("b", 2)]);
        let emptied = query::InboxDelta { removed_ids: ids(&["c", "b"]), ..Default::default() };
        fold.apply(told(Event::Delta(emptied))).unwrap();
        assert_eq!(shown(&fold), []);
    }

    #[test]
    fn what_the_client_cannot_know_is_an_error() {
        let without_row = query::InboxDelta { order: ids(&["a", "b", "c"]), ..Default::default() };
        assert!(begun().apply(told(Event::Delta(without_row))).is_err());
        let without_order = query::InboxDelta { upserts: vec![row("c", 1)], ..Default::default() };
        assert!(begun().apply(told(Event::Delta(without_order))).is_err());
        let unknown = query::InboxDelta { removed_ids: ids(&["z"]), ..Default::default() };
        assert!(begun().apply(told(Event::Delta(unknown))).is_err());
        assert!(InboxFold::default().apply(told(Event::Heartbeat(query::WatchHeartbeat {}))).is_err());
    }
}
