//! Where the bot is silent, as agents and supervisors would tell it.

use std::time::Duration;

use relevo_domain::conversation::{
    ConversationEvent, EpisodeCause, Medium, NotePersonal, PauseReason, PauseTerms, ReopenCause,
};
use relevo_domain::{Actor, ChannelId};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{staff, supervisor};
use relevo_projector_pause::{HistoryEntry, Pause, Query, Sort, history};

use crate::support::{Folded, bot_paused, bot_resumed, demo, numbers, open};

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
        terms: PauseTerms::default(),
        detected: None,
    };
    let page = folded.page(&folded.query(None, &supervisor("demo")));
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
    assert_eq!(
        state.history[1],
        HistoryEntry::Resumed { by: staff("laura"), at: resumed_at, paused_for: MINUTE, note }
    );
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
            let page = folded.page(&Query { after: after.as_ref(), limit, ..folded.query(None, &caller) });
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

#[test]
fn it_is_seen_how_long_the_customer_has_waited_since_the_pause() {
    let mut story = Story::new();
    let ids: Vec<_> = (1..=4).map(|number| open(&mut story, number)).collect();
    // 1 wrote before the pause, 2 after it, 3 was answered, 4 never wrote.
    story.customer(ids[0], "hola");
    let paused_at = story.wait(MINUTE).now();
    for id in &ids {
        story.tell(*id, staff("laura"), [bot_paused(PauseReason::Complaint, false, None)]);
    }
    story.wait(MINUTE).customer(ids[2], "hola?");
    story.wait(MINUTE).phone(ids[2], "ya le contesto");
    let wrote_at = story.wait(MINUTE).now();
    story.customer(ids[1], "hola?");
    story.wait(MINUTE).customer(ids[1], "¿hay alguien ahí?");
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    let page = folded.page(&Query { sort: Sort::Waiting, ..folded.query(None, &caller) });
    let waits: Vec<_> = page.rows.iter().map(|row| row.waiting_since).collect();
    assert_eq!((numbers(&page), waits), (vec![1, 2, 3, 4], vec![Some(paused_at), Some(wrote_at), None, None]));
    assert_eq!(folded.state(ids[1]).waiting_since, Some(wrote_at));

    let resolved = ConversationEvent::Resolved { episode: 1, reason: None, personal: NotePersonal::default() };
    story.wait(MINUTE).tell(ids[1], staff("laura"), [resolved]);
    let state = Folded::of(&story).state(ids[1]);
    assert_eq!((state.pause.is_some(), state.waiting_since), (true, None), "resolving ends the waiting, not the pause");
    story.tell(ids[0], staff("laura"), [bot_resumed(None)]);
    assert_eq!(Folded::of(&story).state(ids[0]).waiting_since, None, "the bot answers again");
}

#[test]
fn changed_terms_show_at_once_and_stay_in_the_history() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.tell(id, staff("laura"), [bot_paused(PauseReason::Complaint, false, Some("enojada"))]);
    let since = story.now();
    let changed_at = story.wait(MINUTE).now();
    let terms = PauseTerms { until: Some(changed_at + 30 * MINUTE), locked: true };
    let personal = NotePersonal { text: Some("la veo yo".to_owned()) };
    story.tell(id, staff("carla"), [ConversationEvent::PauseChanged { terms, personal }]);
    let folded = Folded::of(&story);
    let pause = folded.state(id).pause.unwrap();
    assert_eq!(
        (pause.terms, pause.since, pause.by, pause.note.as_deref()),
        (terms, since, staff("laura"), Some("enojada"))
    );
    let history = folded.state(id).history;
    let [HistoryEntry::Paused(first), HistoryEntry::Changed(change)] = history.as_slice() else {
        panic!("{history:?}")
    };
    assert_eq!((first.terms, first.since), (PauseTerms::default(), since));
    let by = (&change.by, change.since, change.note.as_deref(), change.terms);
    assert_eq!(by, (&staff("carla"), changed_at, Some("la veo yo"), terms));
    assert_eq!(folded.counts(&supervisor("demo")), ["complaint=1+0"], "one pause");

    story.wait(MINUTE).tell(id, Actor::System, [bot_resumed(None)]);
    let history = Folded::of(&story).state(id).history;
    let Some(HistoryEntry::Resumed { paused_for, .. }) = history.last() else { panic!("{history:?}") };
    assert_eq!(*paused_for, 2 * MINUTE, "counted from the pause, not from the change");
}

#[test]
fn who_is_paused_without_an_answer_can_be_asked_for() {
    let mut story = Story::new();
    let ids = [1, 2, 3].map(|number| open(&mut story, number));
    for id in &ids {
        story.tell(*id, staff("laura"), [bot_paused(PauseReason::Complaint, false, None)]);
    }
    // 1 has waited for ten minutes, 2 for five, nobody has written in 3.
    story.customer(ids[0], "¿hola?");
    story.wait(5 * MINUTE).customer(ids[1], "¿hola?");
    story.wait(5 * MINUTE);
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    for sort in [Sort::Since, Sort::Waiting] {
        let waits = |longer: Duration| {
            let waiting_longer_than = Some(longer);
            numbers(&folded.page(&Query { waiting_longer_than, sort, ..folded.query(None, &caller) }))
        };
        assert_eq!(waits(MINUTE), [1, 2], "{sort:?}");
        assert_eq!(waits(5 * MINUTE), [1], "{sort:?}: longer than, not as long as");
        assert_eq!(waits(10 * MINUTE), Vec::<u8>::new(), "{sort:?}");
    }
}

#[test]
fn filters_combine() {
    let mut story = Story::new();
    for number in 1..=8u8 {
        let channel = if number > 4 { "wa-second" } else { "wa-main" };
        let id = story.wait(MINUTE).open(number, channel, Medium::WhatsApp, "Ana");
        let reason = if number % 2 == 0 { PauseReason::Complaint } else { PauseReason::BotError };
        story.tell(id, staff("laura"), [bot_paused(reason, number % 4 < 2, None)]);
    }
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    let base = || folded.query(None, &caller);
    let channels = [ChannelId::new("wa-second").unwrap()];
    let found = |query: &Query<'_>| numbers(&folded.page(query));
    assert_eq!(found(&Query { automatic: Some(true), ..base() }), [1, 4, 5, 8]);
    assert_eq!(found(&Query { automatic: Some(false), ..base() }), [2, 3, 6, 7]);
    assert_eq!(found(&Query { channels: &channels, ..base() }), [5, 6, 7, 8]);
    assert_eq!(found(&Query { longer_than: Some(4 * MINUTE), ..base() }), [1, 2, 3], "longer than, not as long as");
    for sort in [Sort::Since, Sort::Waiting] {
        let reason = Some(PauseReason::Complaint);
        let both = Query { automatic: Some(true), channels: &channels, sort, ..folded.query(reason, &caller) };
        assert_eq!(found(&both), [8]);
        assert_eq!(found(&Query { longer_than: Some(MINUTE), ..both.clone() }), Vec::<u8>::new());
    }
}

#[test]
fn a_history_is_read_in_pages_and_says_how_long_the_bot_was_silent() {
    let mut story = Story::new();
    let id = open(&mut story, 1);
    story.wait(MINUTE).tell(id, Actor::System, [bot_paused(PauseReason::Linked, true, None)]);
    story.wait(MINUTE).tell(id, staff("laura"), [bot_paused(PauseReason::Complaint, false, None)]);
    story.wait(MINUTE).tell(id, staff("laura"), [bot_resumed(None)]);
    story.wait(MINUTE).tell(id, staff("laura"), [bot_paused(PauseReason::Other, false, None)]);
    story.wait(MINUTE).tell(id, staff("laura"), [bot_resumed(None)]);
    let folded = Folded::of(&story);
    let caller = supervisor("demo");
    let (mut told, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = history(&folded.snapshot, &demo(), id, &caller, after.as_ref(), 2).unwrap().unwrap();
        (after, pages) = (page.next, pages + 1);
        told.extend(page.entries.into_iter().map(|entry| match entry {
            HistoryEntry::Paused(pause) | HistoryEntry::Changed(pause) => Err(pause.reason),
            HistoryEntry::Resumed { paused_for, .. } => Ok(paused_for),
        }));
        if after.is_none() {
            break;
        }
    }
    let expected =
        [Err(PauseReason::Linked), Err(PauseReason::Complaint), Ok(2 * MINUTE), Err(PauseReason::Other), Ok(MINUTE)];
    assert_eq!((told.as_slice(), pages), (expected.as_slice(), 3));
    assert_eq!(folded.state(id).history.len(), 5);
}
