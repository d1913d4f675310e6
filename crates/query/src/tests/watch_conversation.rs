//! WatchConversation: the end of a thread and its changes, resuming, and losing sight of it.

use std::collections::BTreeMap;
use std::time::Duration;

use relevo_domain::contact::ContactEvent;
use relevo_domain::contact::event::MergeCause;
use relevo_domain::conversation::{ConversationEvent, Medium, PauseReason};
use relevo_domain::{Caller, ChannelId, ErrorCode, Role};
use relevo_proto::Problem;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;
use relevo_proto::query::v1::watch_conversation_response::Event;

use super::live::{Live, next};
use super::world::{World, ask, caller, contact, conversation, granted, supervisor};
use crate::WatchStream;

/// A client that does what the proto says.
#[derive(Default)]
struct Client {
    line: Option<wire::Conversation>,
    contact: Option<wire::Contact>,
    entries: BTreeMap<String, wire::ThreadEntry>,
    position: String,
    snapshots: usize,
}

type Stream = WatchStream<wire::WatchConversationResponse>;

impl Client {
    /// Hears the next message that is not about presence.
    async fn hear(&mut self, stream: &mut Stream) {
        loop {
            let message = next(stream).await.unwrap();
            self.position = message.position;
            match message.event.unwrap() {
                Event::Snapshot(snapshot) => {
                    (self.line, self.contact) = (snapshot.conversation, snapshot.contact);
                    self.entries = snapshot.entries.into_iter().map(|entry| (entry.entry_id.clone(), entry)).collect();
                    self.snapshots += 1;
                    return;
                }
                Event::Delta(delta) => {
                    (self.line, self.contact) = (delta.conversation, delta.contact);
                    self.entries.extend(delta.entries.into_iter().map(|entry| (entry.entry_id.clone(), entry)));
                    for gone in &delta.removed_entry_ids {
                        self.entries.remove(gone);
                    }
                    return;
                }
                Event::Presence(_) | Event::Heartbeat(_) => {}
            }
        }
    }

    fn ids(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }
}

fn request(window: i32) -> wire::WatchConversationRequest {
    wire::WatchConversationRequest { conversation_id: conversation(1).to_string(), window, ..Default::default() }
}

async fn open(live: &Live, caller: &Caller, request: wire::WatchConversationRequest) -> Stream {
    live.query.watch_conversation(ask(caller, request)).await.unwrap().into_inner()
}

async fn whole_thread(live: &Live) -> Vec<wire::ThreadEntry> {
    let conversation_id = conversation(1).to_string();
    let request = wire::ListMessagesRequest { conversation_id, page_size: 200, ..Default::default() };
    live.query.list_messages(ask(&supervisor(), request)).await.unwrap().into_inner().entries
}

/// With entries that are too long for one page.
async fn whole_thread_ids(live: &Live) -> Vec<String> {
    let (mut ids, mut page_token) = (Vec::new(), String::new());
    loop {
        let conversation_id = conversation(1).to_string();
        let request = wire::ListMessagesRequest { conversation_id, page_token, ..Default::default() };
        let page = live.query.list_messages(ask(&supervisor(), request)).await.unwrap().into_inner();
        ids.extend(page.entries.into_iter().map(|entry| entry.entry_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return ids;
        }
    }
}

fn a_talk() -> World {
    World::new().writes("demo", 1, "wa-main", "Hola").writes("demo", 2, "wa-main", "otra")
}

#[tokio::test]
async fn what_is_said_and_done_comes_as_deltas() {
    let mut live = Live::new(a_talk());
    let mut stream = open(&live, &supervisor(), request(0)).await;
    let mut client = Client::default();
    client.hear(&mut stream).await;
    assert_eq!((client.snapshots, client.entries.len()), (1, 2));

    live.tell(|world| world.writes("demo", 2, "wa-main", "esto no es de aquí"));
    for (n, more) in [(3, "¿Abren hoy?"), (4, "¿Hola?")] {
        live.tell(|world| world.writes("demo", 1, "wa-main", more));
        client.hear(&mut stream).await;
        assert_eq!(client.entries.len(), n);
        assert_eq!((client.line.as_ref().unwrap().preview.as_str(), &client.position), (more, &live.position()));
    }
    live.tell(|world| world.paused("demo", 1, PauseReason::Complaint, "enojada"));
    client.hear(&mut stream).await;
    assert_eq!(client.line.as_ref().unwrap().bot(), wire::BotState::Paused);
    assert_eq!(client.entries.values().cloned().collect::<Vec<_>>(), whole_thread(&live).await);
    assert_eq!(client.snapshots, 1);
}

#[tokio::test]
async fn a_small_window_shows_the_end_and_says_that_there_is_more() {
    let mut live = Live::new((0..10).fold(a_talk(), |world, _| world.writes("demo", 1, "wa-main", "más")));
    let mut stream = open(&live, &supervisor(), request(3)).await;
    let Some(Event::Snapshot(snapshot)) = next(&mut stream).await.unwrap().event else { panic!("no snapshot") };
    assert_eq!((snapshot.entries.len(), snapshot.earlier_entries), (3, true));
    let whole = whole_thread(&live).await;
    assert_eq!(snapshot.entries, whole[whole.len() - 3..]);
    assert_eq!(snapshot.contact.unwrap().name, "Cliente 1");

    // More at once than the window holds: a delta would leave a hole.
    live.tell(|world| (0..5).fold(world, |world, _| world.writes("demo", 1, "wa-main", "mucho más")));
    let mut client = Client::default();
    client.hear(&mut stream).await;
    assert_eq!(client.snapshots, 1);
    let whole = whole_thread(&live).await;
    assert_eq!(client.ids(), whole[whole.len() - 3..].iter().map(|entry| entry.entry_id.clone()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_window_that_is_cut_by_its_bytes_leaves_no_hole() {
    let mut live = Live::new(a_talk());
    let mut stream = open(&live, &supervisor(), request(50)).await;
    let mut client = Client::default();
    client.hear(&mut stream).await;
    // Four of them are more than a window may weigh.
    let long = "muy largo ".repeat(70_000);
    live.tell(|world| (0..5).fold(world, |world, _| world.writes("demo", 1, "wa-main", &long)));
    client.hear(&mut stream).await;
    assert_eq!(client.snapshots, 2);
    let whole = whole_thread_ids(&live).await;
    assert!((1..5).contains(&client.entries.len()), "{}", client.entries.len());
    assert_eq!(client.ids(), whole[whole.len() - client.entries.len()..]);
}

#[tokio::test]
async fn a_rebuilt_view_of_the_same_version_is_told_by_a_snapshot() {
    let mut live = Live::new(a_talk());
    let mut stream = open(&live, &supervisor(), request(0)).await;
    let mut client = Client::default();
    client.hear(&mut stream).await;
    live.inbox.rebuild();
    live.tell(|world| world.writes("demo", 1, "wa-main", "después"));
    client.hear(&mut stream).await;
    assert_eq!((client.snapshots, client.entries.len()), (2, 3));
}

#[tokio::test]
async fn whatever_the_line_shows_of_others_is_told_too() {
    let mut live = Live::new(a_talk().writes("demo", 3, "wa-main", "soy la misma"));
    let mut stream = open(&live, &supervisor(), request(0)).await;
    let mut client = Client::default();
    client.hear(&mut stream).await;
    // On the contact of somebody else alone.
    let merged = ContactEvent::Merged { other: contact(1), cause: MergeCause::Manual };
    live.tell(|world| world.contact_event("demo", 3, merged));
    client.hear(&mut stream).await;
    assert_eq!(client.contact.as_ref().unwrap().merged_contact_ids, [contact(3).to_string()]);
    let opened = ConversationEvent::Opened {
        channel: ChannelId::new("wa-main").unwrap(),
        medium: Medium::WhatsApp,
        contact: contact(1),
    };
    live.tell(|world| world.event("demo", 9, opened));
    client.hear(&mut stream).await;
    let ids = &client.contact.as_ref().unwrap().conversation_ids;
    assert_eq!(*ids, [conversation(9).to_string(), conversation(1).to_string()]);
}

#[tokio::test]
async fn a_watch_resumes_with_what_is_new_and_names_the_window() {
    let mut live = Live::new(a_talk());
    let from_position = live.position();
    live.tell(|world| world.writes("demo", 1, "wa-main", "mientras no mirabas"));
    let again = wire::WatchConversationRequest { from_position, ..request(0) };
    let mut stream = open(&live, &supervisor(), again).await;
    let Some(Event::Delta(delta)) = next(&mut stream).await.unwrap().event else { panic!("no delta") };
    assert_eq!((delta.entries.len(), delta.window_entry_ids.len()), (1, 3));
    let Some(Event::Presence(present)) = next(&mut stream).await.unwrap().event else { panic!("no presence") };
    assert_eq!(present.people[0].agent_name, "Carla");
}

#[tokio::test]
async fn who_loses_sight_of_it_is_told_that_it_does_not_exist() {
    let mut live = Live::new(a_talk());
    let laura = granted("laura", "wa-main", "ventas");
    let mut stream = open(&live, &laura, request(0)).await;
    Client::default().hear(&mut stream).await;
    live.tell(|world| world.assigned("demo", 1, None, Some("otros")));
    let problem = Problem::from_status(&next(&mut stream).await.unwrap_err()).unwrap();
    assert_eq!(problem.code, ErrorCode::ConversationNotFound);
    assert_eq!(problem.subject("conversation_id"), Some(conversation(1).to_string().as_str()));
    assert_eq!(live.query.inner.watches.open(), 0);
}

#[tokio::test]
async fn a_watch_that_may_not_be_is_refused_before_it_begins() {
    let live = Live::new(a_talk());
    let refused = async |caller: Caller, request| {
        let Err(status) = live.query.watch_conversation(ask(&caller, request)).await else { panic!("accepted") };
        Problem::from_status(&status).unwrap().code
    };
    assert_eq!(refused(caller("demo", "ana", Role::Analyst), request(0)).await, ErrorCode::Forbidden);
    assert_eq!(refused(caller("demo-b", "carla", Role::Admin), request(0)).await, ErrorCode::ConversationNotFound);
    assert_eq!(refused(granted("luis", "mail", "ventas"), request(0)).await, ErrorCode::ConversationNotFound);
    assert_eq!(refused(supervisor(), request(-1)).await, ErrorCode::InvalidArgument);
    let bad = wire::WatchConversationRequest { conversation_id: "cnv_".to_owned(), ..request(0) };
    assert_eq!(refused(supervisor(), bad).await, ErrorCode::InvalidArgument);
    assert_eq!(live.query.inner.watches.open(), 0);
    tokio::time::timeout(Duration::from_secs(20), open(&live, &supervisor(), request(1_000_000_000))).await.unwrap();
}
