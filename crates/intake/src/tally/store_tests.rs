//! Counting, recounting and paging of the tally's rows.

use super::*;

fn channel() -> ChannelRef {
    ChannelRef { tenant: TenantId::new("demo").unwrap(), channel: ChannelId::new("wa").unwrap() }
}

fn entry(ordinal: u32, became: Became, command: Option<&str>) -> Entry {
    let command = command.map(|command| (CommandId::new(command.to_owned()).unwrap(), Class::Message));
    Entry { ordinal, bucket: Bucket::Channel(channel()), became, command }
}

/// Every item has bytes of its own.
fn content(sequence: u64) -> Content {
    super::super::fold::content(&EndpointId::new("app").unwrap(), &sequence.to_be_bytes())
}

#[test]
fn a_repeat_of_the_same_bytes_is_a_duplicate_of_what_is_parked() {
    let (_folder, store, app) = open();
    let parked = || vec![entry(0, Became::Parked, None)];
    store.add(1, &app, &content(1), parked()).unwrap();
    store.add(2, &app, &content(1), parked()).unwrap();
    store.add(3, &app, &content(3), parked()).unwrap();
    let counted = store.channel(&channel()).unwrap();
    assert_eq!((counted.updates, counted.parked, counted.duplicates), (3, 2, 1));
    // Whichever of the two is retried first is the message; the other one is still its duplicate.
    store.recount(RawId::alone(2), &content(1), vec![entry(0, Became::Stored(Class::Message), None)]).unwrap();
    store.recount(RawId::alone(1), &content(1), vec![entry(0, Became::Duplicate, None)]).unwrap();
    let counted = store.channel(&channel()).unwrap();
    assert_eq!((counted.messages, counted.parked, counted.duplicates), (1, 1, 1));
    assert!(counted.balanced());
}

impl TallyStore {
    fn add(&self, id: u64, endpoint: &EndpointId, content: &Content, entries: Vec<Entry>) -> Result<(), TallyError> {
        self.add_all(vec![item(RawId::alone(id), endpoint, content, entries)])
    }
}

fn item(id: RawId, endpoint: &EndpointId, content: &Content, entries: Vec<Entry>) -> CountedItem {
    CountedItem { id, endpoint: Some(endpoint.clone()), content: *content, entries }
}

#[test]
fn many_at_once_are_counted_as_one_by_one() {
    let parked = || vec![entry(0, Became::Parked, None)];
    let stored = || vec![entry(0, Became::Stored(Class::Message), None)];
    let (_folder, store, app) = open();
    let items = vec![
        item(RawId::alone(1), &app, &content(1), parked()),
        item(RawId::alone(2), &app, &content(1), parked()),
        item(RawId::alone(3), &app, &content(3), stored()),
    ];
    store.add_all(items.clone()).unwrap();
    // Some of them again, and one more.
    store
        .add_all(items.into_iter().skip(1).chain([item(RawId::alone(4), &app, &content(1), parked())]).collect())
        .unwrap();
    let counted = store.channel(&channel()).unwrap();
    assert_eq!((counted.updates, counted.parked, counted.duplicates, counted.messages), (4, 1, 2, 1));
    assert_eq!((store.posts(&app).unwrap(), store.counted().unwrap()), (4, 4));
}

fn open() -> (tempfile::TempDir, TallyStore, EndpointId) {
    let folder = tempfile::TempDir::new().unwrap();
    let store = TallyStore::open(&folder.path().join("tally"), &Options::default()).unwrap();
    (folder, store, EndpointId::new("app").unwrap())
}

#[test]
fn an_item_that_was_one_update_and_is_many_is_counted_anew_as_a_whole() {
    let (_folder, store, app) = open();
    let whole = Entry { ordinal: 0, bucket: Bucket::Unrouted(app.clone()), became: Became::Parked, command: None };
    store.add(1, &app, &content(1), vec![whole]).unwrap();
    assert_eq!(store.unrouted(&app).unwrap().parked, 1);
    let stored = |ordinal| entry(ordinal, Became::Stored(Class::Message), None);
    let mut many: Vec<Entry> = (0..37).map(stored).collect();
    many[5] = entry(5, Became::Parked, Some("c5"));
    for _again in 0..3 {
        store.recount(RawId::alone(1), &content(1), many.clone()).unwrap();
        assert_eq!(store.unrouted(&app).unwrap(), Counters::default());
        let counted = store.channel(&channel()).unwrap();
        assert_eq!((counted.updates, counted.messages, counted.parked), (37, 36, 1));
        assert!(counted.balanced());
    }
    // Another node's retry, then one here: still each once.
    let page = store.parked_with_command(&[], 10).unwrap();
    store.unpark(&page.updates[0], Became::Stored(Class::Message)).unwrap();
    many[5] = stored(5);
    store.recount(RawId::alone(1), &content(1), many.clone()).unwrap();
    let counted = store.channel(&channel()).unwrap();
    assert_eq!((counted.updates, counted.messages, counted.parked), (37, 37, 0));
}

#[test]
fn every_parked_update_is_found_again_page_by_page() {
    let (_folder, store, app) = open();
    for sequence in 1..=7u64 {
        let command = (sequence != 2 && sequence != 3).then(|| format!("c{sequence}"));
        store.add(sequence, &app, &content(sequence), vec![entry(0, Became::Parked, command.as_deref())]).unwrap();
    }
    let (mut found, mut next) = (Vec::new(), Some(Vec::new()));
    while let Some(after) = next {
        let page = store.parked_with_command(&after, 2).unwrap();
        found.extend(page.updates.iter().map(|update| update.pointer.sequence));
        next = page.next;
    }
    assert_eq!(found, [1, 4, 5, 6, 7]);
}
