//! Presence: who looks at a conversation and who is writing, for those who watch it.

use std::time::Duration;

use relevo_domain::{Caller, ErrorCode, Role};
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::PresenceState::{Gone, Typing, Viewing};
use relevo_proto::query::v1::inbox_service_server::InboxService as _;
use relevo_proto::query::v1::watch_conversation_response::Event;

use super::live::{Live, next};
use super::world::{World, ask, caller, code, conversation, granted, supervisor};
use crate::WatchStream;

fn live() -> Live {
    Live::new(World::new().writes("demo", 1, "wa-main", "Hola").writes("demo", 2, "mail", "Hola"))
}

async fn open(live: &Live, caller: &Caller) -> WatchStream<wire::WatchConversationResponse> {
    let request = wire::WatchConversationRequest { conversation_id: conversation(1).to_string(), ..Default::default() };
    live.query.watch_conversation(ask(caller, request)).await.unwrap().into_inner()
}

fn report(n: u8, state: wire::PresenceState) -> wire::ReportPresenceRequest {
    wire::ReportPresenceRequest { conversation_id: conversation(n).to_string(), state: state.into() }
}

async fn say(live: &Live, caller: &Caller, state: wire::PresenceState) -> u32 {
    live.query.report_presence(ask(caller, report(1, state))).await.unwrap().into_inner().valid_for_ms
}

/// The people of the next message that tells of them.
async fn people(stream: &mut WatchStream<wire::WatchConversationResponse>) -> Vec<(String, wire::PresenceState)> {
    loop {
        let present = match next(stream).await.unwrap().event.unwrap() {
            Event::Snapshot(snapshot) => snapshot.presence.unwrap(),
            Event::Presence(present) => present,
            Event::Delta(_) | Event::Heartbeat(_) => continue,
        };
        return present.people.iter().map(|person| (person.agent_id.clone(), person.state())).collect();
    }
}

fn of(people: &[(&str, wire::PresenceState)]) -> Vec<(String, wire::PresenceState)> {
    people.iter().map(|(name, state)| ((*name).to_owned(), *state)).collect()
}

#[tokio::test(start_paused = true)]
async fn watching_is_viewing_and_writing_ends_by_itself() {
    let live = live();
    let laura = granted("laura", "wa-main", "ventas");
    let mut carla = open(&live, &supervisor()).await;
    assert_eq!(people(&mut carla).await, of(&[("carla", Viewing)]));
    let hers = open(&live, &laura).await;
    assert_eq!(people(&mut carla).await, of(&[("carla", Viewing), ("laura", Viewing)]));
    assert_eq!(say(&live, &laura, Typing).await, 15_000);
    assert_eq!(people(&mut carla).await, of(&[("carla", Viewing), ("laura", Typing)]));
    // Nothing is said for a while: she only looks.
    assert_eq!(people(&mut carla).await, of(&[("carla", Viewing), ("laura", Viewing)]));
    drop(hers);
    assert_eq!(people(&mut carla).await, of(&[("carla", Viewing)]));
}

#[tokio::test(start_paused = true)]
async fn reports_without_a_watch_hold_for_a_while_and_gone_is_gone() {
    let live = live();
    let laura = granted("laura", "wa-main", "ventas");
    let mut carla = open(&live, &supervisor()).await;
    people(&mut carla).await;
    say(&live, &laura, Viewing).await;
    assert_eq!(people(&mut carla).await, of(&[("carla", Viewing), ("laura", Viewing)]));
    assert_eq!(people(&mut carla).await, of(&[("carla", Viewing)]), "the report ended");
    say(&live, &laura, Typing).await;
    assert_eq!(people(&mut carla).await, of(&[("carla", Viewing), ("laura", Typing)]));
    assert_eq!(say(&live, &laura, Gone).await, 0);
    assert_eq!(people(&mut carla).await, of(&[("carla", Viewing)]));
}

#[tokio::test]
async fn presence_is_for_staff_who_see_the_conversation() {
    let live = live();
    let send = async |caller: Caller, request| live.query.report_presence(ask(&caller, request)).await;
    for role in [Role::Bot, Role::Analyst, Role::Ops] {
        assert_eq!(code(send(caller("demo", "x", role), report(1, Viewing)).await), ErrorCode::Forbidden, "{role:?}");
    }
    let laura = granted("laura", "wa-main", "ventas");
    assert_eq!(code(send(laura.clone(), report(2, Viewing)).await), ErrorCode::ConversationNotFound);
    let other = caller("demo-b", "carla", Role::Admin);
    assert_eq!(code(send(other, report(1, Viewing)).await), ErrorCode::ConversationNotFound);
    for state in [0, 9] {
        let request = wire::ReportPresenceRequest { state, ..report(1, Viewing) };
        assert_eq!(code(send(laura.clone(), request).await), ErrorCode::InvalidArgument);
    }
}

#[tokio::test]
async fn one_person_is_in_a_bounded_number_of_places() {
    let world = (1..=40).fold(World::new(), |world, n| world.writes("demo", n, "wa-main", "Hola"));
    let live = Live::new(world);
    for n in 1..=32 {
        live.query.report_presence(ask(&supervisor(), report(n, Viewing))).await.unwrap();
    }
    let answer = live.query.report_presence(ask(&supervisor(), report(33, Viewing))).await;
    assert_eq!(code(answer), ErrorCode::LimitReached);
    live.query.report_presence(ask(&supervisor(), report(32, Typing))).await.unwrap();
    live.query.report_presence(ask(&supervisor(), report(32, Gone))).await.unwrap();
    live.query.report_presence(ask(&supervisor(), report(33, Viewing))).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(16)).await;
    live.query.report_presence(ask(&supervisor(), report(34, Viewing))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn reports_that_ended_take_no_place_from_who_comes() {
    let live = live();
    for n in 0..32 {
        say(&live, &caller("demo", &format!("agent-{n}"), Role::Supervisor), Viewing).await;
    }
    tokio::time::advance(Duration::from_secs(16)).await;
    let mut carla = open(&live, &supervisor()).await;
    assert_eq!(people(&mut carla).await, of(&[("carla", Viewing)]));
}
