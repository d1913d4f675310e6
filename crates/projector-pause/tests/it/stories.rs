//! Where the bot is silent, as agents and supervisors would tell it.

use std::time::Duration;

use relevo_domain::Actor;
use relevo_domain::conversation::{ConversationEvent, EpisodeCause, NotePersonal, PauseReason, ReopenCause};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{staff, supervisor};
use relevo_projector_pause::{HistoryEntry, Pause, Query};

use crate::support::{Folded, bot_paused, bot_resumed, numbers, open};

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn it_is_seen_who_paused_why_and_since_when() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    assert_eq!(Folded::of(&story).state(id).pause, None);
    let since = story.wait(MINUTE).now();
    story.tell(id, staff("laura"), [bot_paused(PauseReason::Complaint, false, Some("reclama una seña"))]);
    let folded = Folded::of(&story);
    let wanted = Pause {
        reason: PauseReason::Complaint,
        automatic: false,
        by: staff("laura"),
        since,
        note: Some("reclama una seña".to_owned()),
    };
    let page = folded.page(&Query { reason: None, visible: &supervisor("demo"), after: None, limit: 25 });
    let [row] = page.rows.as_slice() else { panic!("one pause, not {page:?}") };
    assert_eq!((row.conversation, row.channel.as_str(), &row.pause), (id, "wa-main", &wanted));
    assert_eq!(folded.state(id).pause, Some(wanted));
}

#[test]
fn resuming_empties_the_list_and_leaves_the_history() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.tell(id, Actor::PhoneApp, [bot_paused(PauseReason::Echo, true, None)]);
    let resumed_at = story.wait(MINUTE).now();
    story.tell(id, staff("laura"), [bot_resumed(Some("resuelto por teléfono"))]);
    story.wait(MINUTE).tell(id, staff("martin"), [bot_paused(PauseReason::Other, false, None)]);
    story.wait(MINUTE).tell(id, staff("martin"), [bot_resumed(None)]);
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    assert_eq!((folded.numbers(None, &caller), folded.counts(&caller)), (vec![], vec![]));
    let state = folded.state(id);
    assert_eq!((state.pause, state.history.len()), (None, 4));
    let HistoryEntry::Paused(first) = &state.history[0] else { panic!("a pause first") };
    assert_eq!((first.reason, first.automatic, &first.by), (PauseReason::Echo, true, &Actor::PhoneApp));
    let note = Some("resuelto por teléfono".to_owned());
    assert_eq!(state.history[1], HistoryEntry::Resumed { by: staff("laura"), at: resumed_at, note });
}

#[test]
fn a_pause_survives_resolving_reopening_and_a_new_episode() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.tell(id, staff("laura"), [bot_paused(PauseReason::Complaint, false, None)]);
    let caller = supervisor("demo");
    let since = story.now();
    for event in [
        ConversationEvent::Resolved { episode: 1, reason: None, personal: NotePersonal::default() },
        ConversationEvent::Reopened { episode: 1, cause: ReopenCause::CustomerMessage },
        ConversationEvent::Resolved { episode: 1, reason: None, personal: NotePersonal::default() },
        ConversationEvent::EpisodeStarted { episode: 2, cause: EpisodeCause::CustomerMessage },
    ] {
        story.wait(MINUTE).tell(id, Actor::Customer, [event]);
        let folded = Folded::of(&story);
        assert_eq!(folded.numbers(None, &caller), [1]);
        assert_eq!(folded.state(id).pause.map(|pause| pause.since), Some(since));
    }
}

#[test]
fn a_second_pause_replaces_the_first_in_lists_and_counts() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.tell(id, Actor::System, [bot_paused(PauseReason::Linked, true, None)]);
    story.wait(MINUTE).tell(id, staff("laura"), [bot_paused(PauseReason::Complaint, false, None)]);
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    assert_eq!(folded.counts(&caller), ["complaint=1+0"]);
    assert!(folded.numbers(Some(PauseReason::Linked), &caller).is_empty());
    assert_eq!(folded.numbers(Some(PauseReason::Complaint), &caller), [1]);
    assert_eq!(folded.numbers(None, &caller), [1], "once");
    assert_eq!(folded.state(id).history.len(), 2);
}

#[test]
fn the_longest_pause_is_first_and_pages_put_together_are_the_list() {
    let mut story = Story::new();
    for number in 1..=9 {
        let id = open(&mut story, number);
        // Three at a time at the same moment.
        let time = if number % 3 == 1 { MINUTE } else { Duration::ZERO };
        let reason = if number % 2 == 0 { PauseReason::Complaint } else { PauseReason::BotError };
        story.wait(time).tell(id, staff("laura"), [bot_paused(reason, number == 2, None)]);
    }
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    assert_eq!(folded.counts(&caller), ["complaint=3+1", "bot_error=5+0"]);
    for limit in 1..=10 {
        let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = folded.page(&Query { reason: None, visible: &caller, after, limit });
            found.extend(numbers(&page));
            pages += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((found, pages), ((1..=9).collect::<Vec<u8>>(), 9usize.div_ceil(limit)), "limit {limit}");
    }
    assert_eq!(folded.numbers(Some(PauseReason::Complaint), &caller), [2, 4, 6, 8]);
}
