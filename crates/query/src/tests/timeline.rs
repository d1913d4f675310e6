//! What people did at the desk, as a thread shows it; and updates that find their message late.

use std::time::Duration;

use relevo_domain::conversation::event::{NotePersonal, OpenCause, SnoozePreset};
use relevo_domain::conversation::message::{Author, Content, ContentPersonal};
use relevo_domain::conversation::{ConversationEvent, Message, MessageFlags, MessageKind, Priority};
use relevo_domain::tag::{Colour, TagName};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{MessageId, TagId};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::TimelineKind as Kind;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;
use relevo_proto::query::v1::thread_entry::Entry;
use relevo_proto::query::v1::watch_conversation_response::Event;

use super::live::{Live, next};
use super::world::{START, World, ask, conversation, supervisor};

const VIP: TagId = TagId::new([1; 16]);
const GONE: TagId = TagId::new([2; 16]);
const LATE: MessageId = MessageId::new([7; 16]);

fn tag(id: TagId, name: &str) -> WorkspaceEvent {
    WorkspaceEvent::TagCreated { tag: id, name: TagName::new(name).unwrap(), colour: Colour([255, 165, 0]) }
}

#[tokio::test]
async fn every_change_at_the_desk_says_what_it_was_and_who_did_it() {
    let personal = || NotePersonal { text: Some("mañana".to_owned()) };
    let snooze = ConversationEvent::Snoozed {
        until: Some(START + Duration::from_hours(9)),
        preset: Some(SnoozePreset::TomorrowMorning),
        personal: personal(),
    };
    let told = World::new()
        .workspace_event("demo", tag(VIP, "VIP"))
        .workspace_event("demo", tag(GONE, "Vieja"))
        .writes("demo", 1, "wa-main", "Hola")
        .event("demo", 1, ConversationEvent::MarkedPending { personal: personal() })
        .event("demo", 1, snooze)
        .event("demo", 1, ConversationEvent::ReturnedToOpen { cause: OpenCause::Staff })
        .event("demo", 1, ConversationEvent::TagAdded { tag: VIP })
        .event("demo", 1, ConversationEvent::TagRemoved { tag: GONE })
        .event("demo", 1, ConversationEvent::PrioritySet { priority: Priority::Urgent })
        .event("demo", 1, ConversationEvent::MarkedRead { through: 3 })
        .assigned("demo", 1, None, None)
        .workspace_event("demo", WorkspaceEvent::TagDeleted { tag: GONE })
        .told();
    let request = wire::ListMessagesRequest { conversation_id: conversation(1).to_string(), ..Default::default() };
    let entries = told.query.list_messages(ask(&supervisor(), request)).await.unwrap().into_inner().entries;

    let timeline: Vec<_> = entries
        .into_iter()
        .filter_map(|entry| match entry.entry? {
            Entry::Timeline(timeline) => Some(timeline),
            Entry::Message(_) | Entry::LooseUpdate(_) => None,
        })
        .collect();
    let kinds: Vec<_> = timeline.iter().map(wire::TimelineEntry::kind).collect();
    let expected = [
        Kind::EpisodeStarted,
        Kind::MarkedPending,
        Kind::Snoozed,
        Kind::ReturnedToOpen,
        Kind::TagAdded,
        Kind::TagRemoved,
        Kind::PrioritySet,
        Kind::MarkedRead,
        Kind::Assigned,
    ];
    assert_eq!(kinds, expected);
    assert_eq!(timeline[0].cause(), wire::TimelineCause::CustomerMessage);
    assert_eq!((timeline[1].note.as_str(), timeline[1].by.as_ref().unwrap().name.as_str()), ("mañana", "Laura"));
    assert_eq!(timeline[2].preset(), wire::SnoozePreset::TomorrowMorning);
    assert_eq!(timeline[2].until.unwrap().seconds * 1000, (START + Duration::from_hours(9)).as_millis());
    assert_eq!(timeline[3].cause(), wire::TimelineCause::Staff);
    let named = |entry: &wire::TimelineEntry| {
        let tag = entry.tag.clone().unwrap();
        (tag.tag_id, tag.name, tag.colour)
    };
    assert_eq!(named(&timeline[4]), (VIP.to_string(), "VIP".to_owned(), "#ffa500".to_owned()));
    assert_eq!(named(&timeline[5]), (GONE.to_string(), String::new(), String::new()), "deleted since");
    assert_eq!(timeline[6].priority(), wire::Priority::Urgent);
    assert_eq!(timeline[7].through_version, 3);
    assert_eq!(timeline[8].assignee, Some(wire::Assignee::default()));
}

fn the_late_message() -> ConversationEvent {
    ConversationEvent::MessageReceived(Box::new(Message {
        id: LATE,
        author: Author::Customer,
        content: Content {
            kind: MessageKind::Text,
            attachments: Vec::new(),
            personal: ContentPersonal { text: Some("llegué tarde".to_owned()), ..ContentPersonal::default() },
        },
        provider_time: None,
        reply_to: None,
        flags: MessageFlags::default(),
    }))
}

#[tokio::test]
async fn an_update_that_finds_its_message_leaves_its_own_place() {
    let mut live = Live::new(World::new().writes("demo", 1, "wa-main", "Hola"));
    let request = wire::WatchConversationRequest { conversation_id: conversation(1).to_string(), ..Default::default() };
    let mut stream = live.query.watch_conversation(ask(&supervisor(), request)).await.unwrap().into_inner();
    next(&mut stream).await.unwrap();
    live.tell(|world| world.event("demo", 1, ConversationEvent::MessageRevoked { message: LATE }));
    let Some(Event::Delta(loose)) = next(&mut stream).await.unwrap().event else { panic!("no delta") };
    assert!(matches!(loose.entries[0].entry, Some(Entry::LooseUpdate(_))));

    live.tell(|world| world.event("demo", 1, the_late_message()));
    let Some(Event::Delta(found)) = next(&mut stream).await.unwrap().event else { panic!("no delta") };
    assert_eq!(found.removed_entry_ids, [loose.entries[0].entry_id.clone()]);
    let Some(Entry::Message(message)) = &found.entries[0].entry else { panic!("no message") };
    assert!(message.revoked);
}
