//! For whom figures count: who had it then, whatever happens later.

use std::time::Duration;

use relevo_domain::conversation::{ConversationEvent, NotePersonal};
use relevo_domain::{EntityId, EntityKind};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::staff;

use crate::support::{Folded, assign, open, reopen, resolve};

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn moving_a_conversation_rewrites_no_history() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    assign(&mut story, id, "laura", "ventas");
    story.customer(id, "hola");
    story.wait(MINUTE * 5);
    story.phone(id, "buenas");
    resolve(&mut story, id, "");
    let before: Vec<_> =
        ["messages_in", "first_response_human", "resolution_first"].map(|name| Folded::of(&story).lines(name)).into();
    assign(&mut story, id, "bruno", "soporte");
    let after: Vec<_> =
        ["messages_in", "first_response_human", "resolution_first"].map(|name| Folded::of(&story).lines(name)).into();
    assert_eq!(before, after);
    assert_eq!(
        before.concat(),
        ["wa-main ventas laura | person | 1", "wa-main ventas - | phone_app | 1×300s", "wa-main ventas laura | 1×300s",]
    );
}

#[test]
fn what_is_written_on_the_phone_is_nobodys() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    assign(&mut story, id, "laura", "-");
    story.phone(id, "hola");
    assert_eq!(Folded::of(&story).lines("messages_out"), ["wa-main - - | phone_app | 1"]);
}

#[test]
fn open_time_is_each_agents_own_spans() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.wait(MINUTE * 100);
    assign(&mut story, id, "laura", "ventas");
    story.wait(MINUTE * 10);
    let lines = |story: &Story| Folded::of(story).lines("agent_open_time");
    assert_eq!(lines(&story), [] as [&str; 0], "a span that has not ended is not in it");
    assign(&mut story, id, "bruno", "ventas");
    story.wait(MINUTE * 20);
    let personal = NotePersonal::default();
    story.tell(id, staff("bruno"), [ConversationEvent::MarkedPending { personal }]);
    story.wait(MINUTE * 1000);
    let cause = relevo_domain::conversation::event::OpenCause::Staff;
    story.tell(id, staff("bruno"), [ConversationEvent::ReturnedToOpen { cause }]);
    story.wait(MINUTE * 40);
    resolve(&mut story, id, "");
    assert_eq!(lines(&story), ["wa-main ventas bruno | 2×1800s", "wa-main ventas laura | 1×600s"]);
}

#[test]
fn no_time_is_an_agents_twice_also_if_what_reopens_was_written_before_the_resolution() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    let start = story.now();
    assign(&mut story, id, "laura", "ventas");
    story.at(start + MINUTE * 60);
    resolve(&mut story, id, "");
    // The provider told late what the customer wrote after ten minutes.
    story.at(start + MINUTE * 10);
    reopen(&mut story, id);
    story.at(start + MINUTE * 90);
    resolve(&mut story, id, "");
    let lines = |story: &Story| Folded::of(story).lines("agent_open_time");
    assert_eq!(lines(&story), ["wa-main ventas laura | 2×2700s"], "60 and 30 minutes, of the 90 that there were");

    // Who got it while it was resolved has it since then, not since the resolution.
    story.at(start + MINUTE * 120);
    assign(&mut story, id, "bruno", "ventas");
    story.at(start + MINUTE * 20);
    reopen(&mut story, id);
    story.at(start + MINUTE * 125);
    resolve(&mut story, id, "");
    assert_eq!(lines(&story), ["wa-main ventas bruno | 1×300s", "wa-main ventas laura | 2×2700s"]);
}

#[test]
fn facts_name_their_conversation_and_nobody_who_is_none() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    assert_eq!(id, EntityId::new(EntityKind::Conversation, [1; 16]));
    story.customer(id, "hola, soy Ana, mi teléfono es +5491100001");
    let fact = Folded::of(&story).facts("messages_in").remove(0);
    assert_eq!(fact.conversation_id, Some(id.to_string()));
    assert_eq!((fact.channel_id.as_deref(), fact.team_id, fact.agent_id), (Some("wa-main"), None, None));
}
