//! Reads of the past: at each point of a story the conversation is what it was then.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use relevo_domain::contact::ContactEvent;
use relevo_domain::contact::event::MergeCause;
use relevo_domain::conversation::{ConversationEvent, PauseReason, Priority};
use relevo_domain::{Caller, EntityId, ErrorCode, Position, Recorded, Role, TenantId, Timestamp};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::as_of::Moment;
use relevo_proto::query::v1::inbox_service_server::InboxService as _;
use relevo_proto::time::to_wire;

use super::world::{
    START, World, ask, caller, clock, code, contact, conversation, directory, granted, ports, refused, supervisor,
};
use crate::{History, HistoryError, Ports, Query, When};

fn a_story() -> World {
    World::new()
        .writes("demo", 9, "wa-main", "otra conversación")
        .writes("demo", 1, "wa-main", "Hola")
        .paused("demo", 1, PauseReason::Complaint, "")
        .assigned("demo", 1, Some("laura"), Some("ventas"))
        .writes("demo", 1, "wa-main", "¿Siguen ahí?")
        .event("demo", 1, ConversationEvent::PrioritySet { priority: Priority::High })
        .echoes("demo", 1, "Sí, ya le decimos")
        .resumed("demo", 1)
        .event("demo", 1, ConversationEvent::MarkedRead { through: 8 })
        .resolved("demo", 1)
        .writes("demo", 9, "wa-main", "otra vez la otra")
}

fn at(moment: Moment) -> wire::GetConversationRequest {
    wire::GetConversationRequest {
        conversation_id: conversation(1).to_string(),
        as_of: Some(wire::AsOf { moment: Some(moment) }),
        ..Default::default()
    }
}

fn thread(moment: Option<Moment>, page_size: i32, page_token: &str) -> wire::ListMessagesRequest {
    wire::ListMessagesRequest {
        conversation_id: conversation(1).to_string(),
        as_of: moment.map(|moment| wire::AsOf { moment: Some(moment) }),
        page_size,
        page_token: page_token.to_owned(),
        ..Default::default()
    }
}

fn position(sequence: u64) -> Moment {
    Moment::Position(Position::new(sequence).to_string())
}

#[tokio::test]
async fn as_of_a_position_or_a_time_is_what_a_view_would_have_said_then() {
    let story = a_story();
    let told = a_story().told();
    let mut compared = 0;
    for recorded in story.commits() {
        // A view that ends there is the judge.
        let then = story.until(recorded.sequence).told();
        let now = wire::GetConversationRequest { conversation_id: conversation(1).to_string(), ..Default::default() };
        let expected = then.query.get_conversation(ask(&supervisor(), now)).await;
        let time = Moment::Time(to_wire(recorded.commit.recorded_at));
        for moment in [position(recorded.sequence), time] {
            let found = told.query.get_conversation(ask(&supervisor(), at(moment.clone()))).await;
            let Ok(expected) = &expected else {
                assert_eq!(code(found), ErrorCode::ConversationNotFound, "before the first event");
                continue;
            };
            let (found, expected) = (found.unwrap().into_inner(), expected.get_ref());
            assert_eq!(
                (&found.conversation, &found.contact),
                (&expected.conversation, &expected.contact),
                "{moment:?}"
            );
            let expected =
                then.query.list_messages(ask(&supervisor(), thread(None, 0, ""))).await.unwrap().into_inner();
            let found = told.query.list_messages(ask(&supervisor(), thread(Some(moment), 0, ""))).await.unwrap();
            assert_eq!(found.into_inner().entries, expected.entries);
            compared += 1;
        }
    }
    assert_eq!(compared, 20, "ten points of the story, by position and by time");
}

#[tokio::test]
async fn pages_of_the_past_stay_in_the_past() {
    let told = a_story().told();
    let last = a_story().commits().last().unwrap().commit.recorded_at;
    let (mut entries, mut token) = (Vec::new(), String::new());
    loop {
        let request = thread(Some(Moment::Time(to_wire(last))), 3, &token);
        let page = told.query.list_messages(ask(&supervisor(), request)).await.unwrap().into_inner();
        assert!(page.entries.len() <= 3);
        entries.extend(page.entries);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let whole = told.query.list_messages(ask(&supervisor(), thread(None, 0, ""))).await.unwrap().into_inner();
    assert_eq!(entries, whole.entries);
    let first =
        told.query.list_messages(ask(&supervisor(), thread(Some(position(6)), 2, ""))).await.unwrap().into_inner();
    let other = thread(Some(position(7)), 2, &first.next_page_token);
    assert_eq!(code(told.query.list_messages(ask(&supervisor(), other)).await), ErrorCode::CursorInvalid);
}

#[tokio::test]
async fn a_thread_can_be_read_backwards() {
    let told = a_story().told();
    let read = async |moment: Option<Moment>| {
        let (mut entries, mut token) = (Vec::new(), String::new());
        loop {
            let request = wire::ListMessagesRequest { newest_first: true, ..thread(moment.clone(), 4, &token) };
            let page = told.query.list_messages(ask(&supervisor(), request)).await.unwrap().into_inner();
            entries.extend(page.entries);
            token = page.next_page_token;
            if token.is_empty() {
                return entries;
            }
        }
    };
    let mut expected =
        told.query.list_messages(ask(&supervisor(), thread(None, 0, ""))).await.unwrap().into_inner().entries;
    assert!(expected.is_sorted_by(|a, b| a.entry_id < b.entry_id));
    expected.reverse();
    assert_eq!(read(None).await, expected);
    assert_eq!(read(Some(position(told.last))).await, expected);
}

#[tokio::test]
async fn moments_that_cannot_be_have_their_own_errors() {
    let told = a_story().told();
    let get = async |moment| told.query.get_conversation(ask(&supervisor(), at(moment))).await;

    let soon = wire::GetConversationRequest { deadline_ms: 20, ..at(position(999_999)) };
    let problem = refused(told.query.get_conversation(ask(&supervisor(), soon)).await);
    assert_eq!((problem.code, problem.subject("wanted")), (ErrorCode::StaleRead, Some("p1-999999")));
    for bad in ["7", "p2-7", "p1-99999999999999999999"] {
        assert_eq!(code(get(Moment::Position(bad.to_owned())).await), ErrorCode::PositionInvalid, "{bad}");
    }
    clock::set(START + Duration::from_mins(1));
    let future = Moment::Time(to_wire(START + Duration::from_secs(61)));
    let problem = refused(get(future).await);
    assert_eq!((problem.code, problem.violations[0].field.as_str()), (ErrorCode::InvalidArgument, "as_of.time"));
    for early in [Timestamp::from_millis(0), Timestamp::from_seconds(-62_135_596_800), START] {
        assert_eq!(code(get(Moment::Time(to_wire(early))).await), ErrorCode::ConversationNotFound);
    }
    assert_eq!(code(get(position(0)).await), ErrorCode::ConversationNotFound);
    let nothing = wire::GetConversationRequest { as_of: Some(wire::AsOf { moment: None }), ..at(position(1)) };
    assert_eq!(code(told.query.get_conversation(ask(&supervisor(), nothing)).await), ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn the_past_is_for_those_who_see_the_present() {
    let told = a_story().told();
    let whole = || at(position(told.last));
    let other = caller("demo-b", "carla", Role::Admin);
    assert_eq!(code(told.query.get_conversation(ask(&other, whole())).await), ErrorCode::ConversationNotFound);
    let mails = granted("martin", "mail", "soporte");
    assert_eq!(code(told.query.get_conversation(ask(&mails, whole())).await), ErrorCode::ConversationNotFound);
    // When it was nobody's it was in no team; now it is hers.
    let laura = granted("laura", "mail", "ventas");
    assert!(told.query.get_conversation(ask(&laura, at(position(4)))).await.is_ok());
    let analyst = caller("demo", "ana", Role::Analyst);
    assert_eq!(
        code(told.query.list_messages(ask(&analyst, thread(Some(position(4)), 0, ""))).await),
        ErrorCode::Forbidden
    );
    let row = told.query.get_conversation(ask(&analyst, at(position(4)))).await.unwrap().into_inner();
    assert_eq!(row.conversation.unwrap().preview, "");
}

#[tokio::test]
async fn the_past_names_no_contact_that_does_not_exist_for_the_caller() {
    let merged = ContactEvent::Merged { other: contact(2), cause: MergeCause::Manual };
    let told = World::new()
        .writes("demo", 1, "wa-main", "Hola")
        .writes("demo", 2, "mail", "Presupuesto")
        .contact_event("demo", 1, merged)
        .told();
    let merged = async |caller: Caller| {
        let answer = told.query.get_conversation(ask(&caller, at(position(told.last)))).await.unwrap().into_inner();
        answer.contact.unwrap().merged_contact_ids
    };
    assert_eq!(merged(supervisor()).await, [contact(2).to_string()]);
    assert!(merged(granted("laura", "wa-main", "ventas")).await.is_empty());
}

/// A log that counts what it is asked, and may be stuck.
struct Counting {
    commits: Vec<Recorded>,
    asked: AtomicUsize,
    stuck: bool,
}

#[async_trait::async_trait]
impl History for Counting {
    async fn commits(
        &self,
        _: &TenantId,
        entity: EntityId,
        until: When,
        limit: usize,
    ) -> Result<Vec<Recorded>, HistoryError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.stuck {
            std::future::pending::<()>().await;
        }
        let of_entity = self.commits.iter().filter(|commit| commit.commit.entity == entity);
        Ok(of_entity.take_while(|commit| until.has(commit)).take(limit).cloned().collect())
    }
}

fn over(story: &World, stuck: bool) -> (Arc<Counting>, Query, Vec<tempfile::TempDir>) {
    let log = Arc::new(Counting { commits: story.commits().to_vec(), asked: AtomicUsize::new(0), stuck });
    let (folders, views) = story.views();
    let ports = Ports { history: Arc::clone(&log) as Arc<dyn History>, ..ports(story.commits()) };
    (log, Query::new(views, directory(), [7; 32], ports), folders)
}

#[tokio::test]
async fn the_pages_of_one_past_are_read_from_the_log_once() {
    let story = a_story();
    let (log, query, _folders) = over(&story, false);
    let mut token = String::new();
    for _ in 0..3 {
        let request = thread(Some(position(9)), 2, &token);
        token = query.list_messages(ask(&supervisor(), request)).await.unwrap().into_inner().next_page_token;
        assert!(!token.is_empty());
    }
    assert_eq!(log.asked.load(Ordering::Relaxed), 3, "workspace, contact and conversation");
    // It is kept, but for whom it is is decided each time.
    let mails = granted("martin", "mail", "soporte");
    assert_eq!(code(query.get_conversation(ask(&mails, at(position(9)))).await), ErrorCode::ConversationNotFound);
}

#[tokio::test]
async fn a_caller_waits_for_their_own_read_of_the_past_and_no_longer_than_they_said() {
    let story = a_story();
    let (log, query, _folders) = over(&story, true);
    let first = tokio::spawn({
        let query = query.clone();
        async move { query.get_conversation(ask(&supervisor(), at(position(9)))).await }
    });
    while log.asked.load(Ordering::Relaxed) < 3 {
        tokio::task::yield_now().await;
    }
    let soon = || wire::GetConversationRequest { deadline_ms: 20, ..at(position(9)) };
    let problem = refused(query.get_conversation(ask(&supervisor(), soon())).await);
    assert_eq!((problem.code, problem.subject("what")), (ErrorCode::LimitReached, Some("as_of_reads")));
    assert_eq!(log.asked.load(Ordering::Relaxed), 3);
    let other =
        tokio::spawn(async move { query.get_conversation(ask(&caller("demo", "ana", Role::Admin), soon())).await });
    while log.asked.load(Ordering::Relaxed) < 6 {
        tokio::task::yield_now().await;
    }
    first.abort();
    other.abort();
}
