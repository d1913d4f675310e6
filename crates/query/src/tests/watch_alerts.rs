//! WatchInbox tells alerts, each once, to those who are to look.

use relevo_domain::conversation::event::{Alert, AssignmentHow, NotePersonal};
use relevo_domain::conversation::{ConversationEvent, PauseReason, PauseTerms};
use relevo_domain::{Actor, Role, Timestamp};
use relevo_proto::query::v1 as wire;

use super::live::Live;
use super::watch_inbox::many;
use super::world::{agent, caller, conversation, supervisor};

#[tokio::test]
async fn who_looks_after_a_conversation_is_alerted_once_and_its_agent_too() {
    let mut live = Live::new(many(4));
    let request = wire::WatchInboxRequest::default;
    let mut supervisor = live.watch(&supervisor(), request()).await;
    let mut owner = live.watch(&caller("demo", "laura", Role::Agent), request()).await;
    let mut other = live.watch(&caller("demo", "diego", Role::Agent), request()).await;
    let since = Timestamp::from_seconds(1_800_000_000);
    live.tell(|world| {
        let (reason, terms, personal) = (PauseReason::Complaint, PauseTerms::default(), NotePersonal::default());
        let events = vec![
            ConversationEvent::Assigned { agent: Some(agent("laura")), team: None, how: AssignmentHow::Manual },
            ConversationEvent::BotPaused { reason, automatic: false, terms, personal },
            ConversationEvent::AlertRaised { alert: Alert::PausedUnanswered, since },
        ];
        world.conversation_events("demo", 2, Actor::System, events)
    });
    let expected = Some((conversation(2).to_string(), i32::from(wire::AlertKind::PausedUnanswered), since));
    for (watch, alerted) in [(&mut supervisor, &expected), (&mut owner, &expected), (&mut other, &None)] {
        watch.hear().await;
        let Some(wire::watch_inbox_response::Event::Delta(delta)) = watch.last.clone() else { panic!("not a delta") };
        let told = delta.pause_alerts.first().map(|told| {
            let alert = told.alert.unwrap();
            (told.conversation_id.clone(), alert.kind, relevo_proto::time::from_wire(alert.since.unwrap()))
        });
        assert_eq!((&told, delta.pause_alerts.len()), (alerted, usize::from(alerted.is_some())));
        if let Some(row) = delta.upserts.first() {
            assert_eq!(row.pause.clone().unwrap().alerts.len(), 1, "whoever sees the conversation sees that");
        }
    }
    live.tell(|world| world.writes("demo", 2, "wa-main", "¿hola?"));
    supervisor.hear().await;
    let Some(wire::watch_inbox_response::Event::Delta(delta)) = supervisor.last.clone() else { panic!("not a delta") };
    assert!(delta.pause_alerts.is_empty(), "once: {delta:?}");
}
