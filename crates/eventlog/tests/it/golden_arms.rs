//! The second half of the event corpus: every field, every arm of a `oneof` and every word of an enum that the events' own files
//! (`golden.rs`) do not hold, and proof that nothing of the wire format is in neither.
//!
//! A file holds one commit of several events. No file ever changes: `SUMS.txt` has the hash of each, and only grows. What is new gets
//! a file of its own: another line in [`files`], written by `UPDATE_GOLDEN=1`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, ReflectMessage as _, Value};
use relevo_domain::bulk::BulkEvent;
use relevo_domain::channel::ChannelEvent;
use relevo_domain::contact::event::{ContactEvent, IdentifierPersonal, MergeCause};
use relevo_domain::conversation::event::{
    Alert, AssignmentHow, ConversationEvent, EpisodeCause, Medium, NotePersonal, OpenCause, PauseReason, PauseTerms,
    Priority, ReopenCause, ResumeCause, SnoozePreset,
};
use relevo_domain::conversation::message::{Author, Message, MessageFlags};
use relevo_domain::conversation::{CancelCause, CatchUp, FetchOutcome, MediaKind, TurnEnd};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{Actor, AgentId, ChannelId, Commit, EntityId, EntityKind, Event, RawId, Timestamp};
use relevo_eventlog::codec;
use sha2::{Digest as _, Sha256};

use crate::golden::{agent, commit, message_id, whatsapp_message};
use crate::golden_bulk as bulk;
use crate::golden_sending as sending;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Every file, with what it holds.
fn files() -> Vec<(&'static str, Commit)> {
    let holding = |events: Vec<Event>| Commit { events, ..commit(Event::Contact(ContactEvent::CustomerUnlinked)) };
    let conversation = |events: Vec<ConversationEvent>| holding(events.into_iter().map(Event::Conversation).collect());
    let by = |actor: Actor| Commit { actor, ..conversation(vec![ConversationEvent::MarkedRead { through: 1 }]) };
    let bot = AgentId::new("helper").unwrap();
    vec![
        ("bodies.v1", conversation(sending::every_body())),
        ("messages.v1", conversation(messages())),
        ("inline-picture.v1", conversation(vec![inline_picture()])),
        ("pauses.v1", conversation(pauses())),
        ("desk.v1", conversation(desk())),
        ("people.v1", holding(people())),
        ("templates.v1", holding(sending::every_template().into_iter().map(Event::Channel).collect())),
        ("bulks.v1", holding(bulk::every_kind().into_iter().map(Event::Bulk).collect::<Vec<_>>())),
        ("actor-customer.v1", by(Actor::Customer)),
        ("actor-bot.v1", by(Actor::Bot(bot))),
        ("actor-phone-app.v1", by(Actor::PhoneApp)),
        ("actor-provider.v1", by(Actor::Provider)),
        ("actor-system.v1", by(Actor::System)),
        ("bare.v1", bare()),
        ("of-a-part.v1", of_a_part()),
    ]
}

/// The least that a commit can be: nothing before it, nothing that it came from.
fn bare() -> Commit {
    Commit {
        first_version: 1,
        causation: None,
        correlation: None,
        previous_hash: [0; 32],
        intake: None,
        ..commit(Event::Bulk(BulkEvent::Taken { worker: "n".to_owned(), until: Timestamp::from_millis(0) }))
    }
}

/// Made from an update of one of several items that travelled together.
fn of_a_part() -> Commit {
    let pointer = RawId { sequence: 12, part: 255 }.update(3);
    let of_a_lone_one = commit(Event::Contact(ContactEvent::CustomerUnlinked));
    Commit { correlation: Some(format!("intake:{pointer}")), intake: Some(pointer), ..of_a_lone_one }
}

fn messages() -> Vec<ConversationEvent> {
    let flags = MessageFlags { imported: true, unverified: true, ..MessageFlags::default() };
    let imported = Message { flags, provider_time: None, reply_to: None, ..whatsapp_message() };
    let contact = EntityId::new(EntityKind::Contact, [9; 16]);
    let opened = |medium| ConversationEvent::Opened { channel: ChannelId::new("wa-main").unwrap(), medium, contact };
    let started = |cause| ConversationEvent::EpisodeStarted { episode: 2, cause };
    let unavailable = FetchOutcome::Unavailable { reason: "gone".to_owned() };
    let fetched =
        ConversationEvent::MediumFetched { message: message_id(1), index: 0, medium: None, outcome: unavailable };
    let mut events = vec![ConversationEvent::MessageReceived(Box::new(imported)), fetched];
    events.extend([Medium::Sms, Medium::Email].map(opened));
    events.extend([EpisodeCause::BusinessMessage, EpisodeCause::Imported].map(started));
    events.push(ConversationEvent::SendCancelled { message: message_id(1), cause: CancelCause::Staff });
    events
}

/// A picture that stands in the text of a mail.
fn inline_picture() -> ConversationEvent {
    let mut message = whatsapp_message();
    for attachment in &mut message.content.attachments {
        attachment.inline = true;
        attachment.personal.content_id = Some("logo@example.org".to_owned());
    }
    ConversationEvent::MessageReceived(Box::new(message))
}

fn pauses() -> Vec<ConversationEvent> {
    let terms = PauseTerms { until: Some(Timestamp::from_millis(1_790_003_600_000)), locked: true };
    let paused =
        |reason| ConversationEvent::BotPaused { reason, automatic: false, terms, personal: NotePersonal::default() };
    let resumed = ConversationEvent::BotResumed {
        cause: ResumeCause::Timer,
        catch_up: CatchUp::Answer,
        personal: NotePersonal::default(),
    };
    let mut events: Vec<_> = PauseReason::ALL.map(paused).into();
    events.push(resumed);
    events.extend([TurnEnd::Failed, TurnEnd::GivenUp].map(|how| ConversationEvent::BotTurnEnded { turn: 3, how }));
    events.extend(Alert::ALL.map(|alert| ConversationEvent::AlertRaised { alert, since: Timestamp::from_millis(-1) }));
    events
}

fn desk() -> Vec<ConversationEvent> {
    let mut events: Vec<_> = Priority::ALL.map(|priority| ConversationEvent::PrioritySet { priority }).into();
    events.extend(SnoozePreset::ALL.map(|preset| ConversationEvent::Snoozed {
        until: None,
        preset: Some(preset),
        personal: NotePersonal::default(),
    }));
    events.extend([OpenCause::Staff, OpenCause::Timer].map(|cause| ConversationEvent::ReturnedToOpen { cause }));
    events.push(ConversationEvent::Reopened { episode: 2, cause: ReopenCause::CustomerMessage });
    events.push(ConversationEvent::Assigned { agent: Some(agent()), team: None, how: AssignmentHow::Manual });
    events
}

fn people() -> Vec<Event> {
    let channel = || ChannelId::new("wa-main").unwrap();
    let learned = |kind| ContactEvent::IdentifierLearned {
        kind,
        channel: channel(),
        personal: IdentifierPersonal { value: "x".to_owned() },
    };
    let other = EntityId::new(EntityKind::Contact, [8; 16]);
    let merged = |cause| ContactEvent::Merged { other, cause };
    let kinds = IdentifierKind::ALL.into_iter().map(learned);
    let causes = [MergeCause::SameUpdate, MergeCause::Manual].into_iter().map(merged);
    let mut events: Vec<Event> = kinds.chain(causes).map(Event::Contact).collect();
    events.push(Event::Channel(ChannelEvent::ChannelPaused));
    events
}

#[test]
fn every_arm_decodes_as_it_was_first_written() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut names = BTreeSet::new();
    for (name, commit) in files() {
        let bin = folder().join("arms").join(format!("{name}.bin"));
        if update && !bin.exists() {
            std::fs::create_dir_all(bin.parent().unwrap()).unwrap();
            std::fs::write(&bin, codec::encode(&commit)).unwrap();
        }
        let stored = std::fs::read(&bin).unwrap_or_else(|error| panic!("{name} has no golden: {error}"));
        assert_eq!(codec::decode(&stored).as_ref(), Ok(&commit), "{name}");
        assert_eq!(codec::encode(&commit), stored, "{name} is written differently now");
        assert!(names.insert(format!("arms/{name}.bin")), "{name} twice");
    }
    let there: BTreeSet<String> = goldens().into_keys().filter(|path| path.starts_with("arms/")).collect();
    assert!(names.is_subset(&there));
    for path in there.difference(&names) {
        assert!(!path.contains(".v1."), "{path} belongs to nothing");
    }
}

/// Every file of both halves, by its place.
fn goldens() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for half in ["events", "arms"] {
        for entry in std::fs::read_dir(folder().join(half)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "bin") {
                let name = format!("{half}/{}", path.file_name().unwrap().to_str().unwrap());
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

/// A golden that was written anew would agree with whatever the codec does today. Its hash would not.
#[test]
fn no_golden_was_ever_changed() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let path = folder().join("SUMS.txt");
    let mut sums = std::fs::read_to_string(&path).unwrap_or_default();
    let kept: BTreeMap<String, String> = sums
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, name)| (name.to_owned(), sum.to_owned()))
        .collect();
    let goldens = goldens();
    for (name, bytes) in &goldens {
        let sum = hex::encode(Sha256::digest(bytes));
        match kept.get(name) {
            Some(kept) => assert_eq!(kept, &sum, "{name} was changed: a new form gets a file of its own"),
            None if update => writeln!(sums, "{sum}  {name}").unwrap(),
            None => panic!("{name} is not in SUMS.txt: UPDATE_GOLDEN=1 adds it"),
        }
    }
    for name in kept.keys() {
        assert!(goldens.contains_key(name), "{name} is gone, and logs have such commits for ever");
    }
    if update {
        std::fs::write(path, sums).unwrap();
    }
}

/// Of the wire format everything that can be said stands in some file. A new field, arm or word without one fails here.
#[test]
fn every_field_and_every_word_of_the_wire_format_is_in_a_golden() {
    let pool = DescriptorPool::decode(relevo_proto::FILE_DESCRIPTOR_SET).unwrap();
    let commit = pool.get_message_by_name("relevo.event.v1.Commit").unwrap();
    let (mut wanted, mut found) = (BTreeSet::new(), BTreeSet::new());
    want(&commit, &mut wanted);
    for bytes in goldens().values() {
        find(&DynamicMessage::decode(commit.clone(), bytes.as_slice()).unwrap(), &mut found);
    }
    let missing: Vec<_> = wanted.difference(&found).collect();
    assert!(missing.is_empty(), "in no golden: {missing:#?}");
    assert!(wanted.len() > 250, "{} are looked for", wanted.len());
}

/// What can be said, from a message downwards: its fields, and the words of their enums but the first, which is "not said".
fn want(message: &MessageDescriptor, wanted: &mut BTreeSet<String>) {
    for field in message.fields() {
        if !wanted.insert(field.full_name().to_owned()) {
            continue;
        }
        match field.kind() {
            Kind::Message(inner) => want(&inner, wanted),
            Kind::Enum(words) => {
                wanted.extend(words.values().filter(|word| word.number() != 0).map(|word| word.full_name().to_owned()));
            }
            _ => {}
        }
    }
}

fn find(message: &DynamicMessage, found: &mut BTreeSet<String>) {
    for (field, value) in message.fields() {
        found.insert(field.full_name().to_owned());
        let single = [value.clone()];
        let values = if let Value::List(values) = value { values.as_slice() } else { &single };
        for value in values {
            match (value, field.kind()) {
                (Value::Message(inner), _) => find(inner, found),
                (Value::EnumNumber(number), Kind::Enum(words)) => {
                    found.insert(words.get_value(*number).unwrap().full_name().to_owned());
                }
                _ => {}
            }
        }
    }
    assert_eq!(
        message.unknown_fields().count(),
        0,
        "{} has what this version does not know",
        message.descriptor().name()
    );
}

/// What the media kinds and authors of the sending half are; named here so that a new one is asked for.
pub(crate) const MEDIA: [MediaKind; 5] = MediaKind::ALL;
pub(crate) const AUTHORS: [Author; 3] = [Author::Staff, Author::Bot, Author::System];
