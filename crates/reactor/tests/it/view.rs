//! The view `timers`: the fold of its commits, and the same as what the domain says is pending.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use relevo_command::{Timer, TimerKind};
use relevo_domain::conversation::{
    Alert, Bot, ConversationEvent, Medium, NotePersonal, OpenCause, PauseReason, PauseTerms, ResumeCause, State, Status,
};
use relevo_domain::{Actor, EntityId, Event, Recorded, TenantId, Timestamp};
use relevo_projection::testing::story::staff;
use relevo_projection::testing::{Story, fold, history, laws};
use relevo_reactor::TimersProjector;
use relevo_reactor::timers::{Alarms, Sight, alarms, due, pending_of};

const EVER: Timestamp = Timestamp::from_millis(i64::MAX);

/// Everything that is pending by the view, in its order.
fn all(commits: &[Recorded]) -> Vec<Timer> {
    let (_folder, view) = fold(TimersProjector, commits);
    let snapshot = view.snapshot().unwrap();
    let found = due(&*snapshot, EVER, None, usize::MAX, &|_| false).unwrap();
    assert_eq!((found.rest, found.next, found.unreadable), (None, None, 0));
    found.timers
}

/// The conversations by the domain.
fn talks(commits: &[Recorded]) -> BTreeMap<(TenantId, EntityId), State> {
    let mut talks: BTreeMap<(TenantId, EntityId), State> = BTreeMap::new();
    for Recorded { commit, .. } in commits {
        for event in &commit.events {
            let Event::Conversation(event) = event else { continue };
            let state = talks.entry((commit.tenant.clone(), commit.entity)).or_default();
            *state = std::mem::take(state).evolve(event, commit.occurred_at, &commit.actor);
        }
    }
    talks
}

/// What is pending by the domain: when, whose, what.
fn expected(commits: &[Recorded]) -> BTreeSet<(Timestamp, TenantId, EntityId, TimerKind)> {
    let mut pending = BTreeSet::new();
    for ((tenant, conversation), state) in talks(commits) {
        let opened = state.opened.unwrap();
        if let Bot::Paused { terms: PauseTerms { until: Some(until), .. }, .. } = opened.bot {
            pending.insert((until, tenant.clone(), conversation, TimerKind::EndPause));
        }
        if let Status::Snoozed { until: Some(until) } = opened.status {
            pending.insert((until, tenant, conversation, TimerKind::WakeSnoozed));
        }
    }
    pending
}

#[test]
fn the_view_is_the_fold_of_its_commits_however_they_come() {
    laws(|| TimersProjector, &history(3, 1_000));
}

#[test]
fn the_view_knows_what_the_domain_knows() {
    let mut seen = BTreeSet::new();
    for seed in 0..6 {
        let commits = history(seed, 800);
        for end in [200, 500, commits.len()] {
            let shown = all(&commits[..end]);
            assert!(shown.is_sorted_by_key(|timer| timer.scheduled), "the earliest is first");
            seen.extend(shown.iter().map(|timer| timer.kind));
            let shown: BTreeSet<_> = shown
                .into_iter()
                .map(|timer| (timer.scheduled, timer.tenant, timer.conversation, timer.kind))
                .collect();
            assert_eq!(shown, expected(&commits[..end]), "seed {seed}, {end} commits");
        }
    }
    let set = BTreeSet::from([TimerKind::EndPause, TimerKind::WakeSnoozed]);
    assert_eq!(seen, set, "histories have timers of each kind");
}

/// What staff is alerted to if it stays so, by the view, each list the longest first.
fn alarming(commits: &[Recorded], tenants: &BTreeSet<TenantId>) -> Vec<Timer> {
    let (_folder, view) = fold(TimersProjector, commits);
    let snapshot = view.snapshot().unwrap();
    let lists = tenants.iter().flat_map(|tenant| TimerKind::ALERTS.map(|kind| (tenant.clone(), kind)));
    let mut shown = Vec::new();
    for (tenant, kind) in lists {
        let list = Alarms { tenant, kind, after: Duration::from_mins(5) };
        let found = alarms(&*snapshot, &list, EVER, None, usize::MAX, &|_| false).unwrap();
        assert_eq!((found.rest, found.next, found.unreadable), (None, None, 0));
        assert!(found.timers.is_sorted_by_key(|timer| timer.scheduled), "the earliest is first");
        shown.extend(found.timers);
    }
    shown
}

#[test]
fn the_view_knows_what_is_alarming_as_the_domain_does() {
    let mut seen = BTreeSet::new();
    for seed in 0..6 {
        let commits = history(seed, 800);
        for end in [200, 500, commits.len()] {
            let talks = talks(&commits[..end]);
            let tenants = talks.keys().map(|(tenant, _)| tenant.clone()).collect();
            let shown = alarming(&commits[..end], &tenants);
            seen.extend(shown.iter().map(|timer| timer.kind));
            let shown: BTreeSet<_> =
                shown.into_iter().map(|timer| (timer.stored(), timer.tenant, timer.conversation, timer.kind)).collect();
            let mut expected = BTreeSet::new();
            for ((tenant, conversation), state) in talks {
                let opened = state.opened.unwrap();
                let of =
                    [(Alert::PausedUnanswered, TimerKind::ALERTS[0]), (Alert::PausedTooLong, TimerKind::ALERTS[1])];
                for (alert, kind) in of {
                    let since = opened.alarming_since(alert).filter(|since| opened.alerts.last(alert) != Some(*since));
                    expected.extend(since.map(|since| (since, tenant.clone(), conversation, kind)));
                }
            }
            assert_eq!(shown, expected, "seed {seed}, {end} commits");
        }
    }
    assert_eq!(seen, BTreeSet::from(TimerKind::ALERTS), "histories have what is alarming");
}

#[test]
fn a_look_at_what_is_alarming_goes_on_where_the_last_one_ended() {
    let mut story = Story::new();
    let begin = story.now();
    for number in 1..=5 {
        let ana = story.open(number, "wa", Medium::WhatsApp, "Ana");
        story.tell(ana, staff("laura"), [paused(None)]);
    }
    let demo = BTreeSet::from([TenantId::new("demo").unwrap()]);
    let every: Vec<Timer> =
        alarming(story.commits(), &demo).into_iter().filter(|timer| timer.kind == TimerKind::PausedTooLong).collect();
    assert_eq!(every.len(), 5);
    let (_folder, view) = fold(TimersProjector, story.commits());
    let snapshot = view.snapshot().unwrap();
    let after = Duration::from_mins(5);
    let list = Alarms { tenant: TenantId::new("demo").unwrap(), kind: TimerKind::PausedTooLong, after };
    let before = begin + after - Duration::from_millis(1);
    let early = alarms(&*snapshot, &list, before, None, 9, &|_| false).unwrap();
    assert_eq!((early.timers, early.next), (vec![], Some(every[0].scheduled)), "not yet");
    let second = |timer: &Timer| *timer == every[1];
    let first = alarms(&*snapshot, &list, EVER, None, 2, &second).unwrap();
    assert_eq!(first.timers, [every[0].clone(), every[2].clone()]);
    let rest = alarms(&*snapshot, &list, EVER, first.rest.as_ref(), 9, &second).unwrap();
    assert_eq!((rest.timers, rest.rest), (every[3..].to_vec(), None));
}

/// A pause until then.
fn paused(until: Option<Timestamp>) -> ConversationEvent {
    let (reason, personal) = (PauseReason::Complaint, NotePersonal::default());
    ConversationEvent::BotPaused { reason, automatic: false, terms: PauseTerms { until, locked: false }, personal }
}

fn changed(until: Option<Timestamp>) -> ConversationEvent {
    ConversationEvent::PauseChanged { terms: PauseTerms { until, locked: false }, personal: NotePersonal::default() }
}

fn snoozed(until: Option<Timestamp>) -> ConversationEvent {
    ConversationEvent::Snoozed { until, preset: None, personal: NotePersonal::default() }
}

#[test]
fn only_what_will_come_to_pass_is_pending() {
    let mut story = Story::new();
    let ana = story.open(1, "wa", Medium::WhatsApp, "Ana");
    let (hour, two) = (story.now() + Duration::from_hours(1), story.now() + Duration::from_hours(2));
    let resumed = ConversationEvent::BotResumed {
        cause: ResumeCause::Staff,
        catch_up: relevo_domain::conversation::CatchUp::Know,
        personal: NotePersonal::default(),
    };
    let woken = ConversationEvent::ReturnedToOpen { cause: OpenCause::Timer };
    let resolved = ConversationEvent::Resolved { episode: 1, reason: None, personal: NotePersonal::default() };
    let pending = ConversationEvent::MarkedPending { personal: NotePersonal::default() };
    let (pause, snooze) = (TimerKind::EndPause, TimerKind::WakeSnoozed);
    for (event, expected) in [
        (paused(Some(two)), vec![(two, pause)]),
        (changed(Some(hour)), vec![(hour, pause)]),
        (snoozed(Some(two)), vec![(hour, pause), (two, snooze)]),
        (snoozed(Some(hour)), vec![(hour, pause), (hour, snooze)]),
        (changed(None), vec![(hour, snooze)]),
        (changed(Some(two)), vec![(hour, snooze), (two, pause)]),
        (woken, vec![(two, pause)]),
        (snoozed(Some(hour)), vec![(hour, snooze), (two, pause)]),
        // A pause outlives what becomes of the conversation; a snooze does not.
        (resolved, vec![(two, pause)]),
        (resumed, vec![]),
        (snoozed(Some(hour)), vec![(hour, snooze)]),
        (pending, vec![]),
        (snoozed(None), vec![]),
    ] {
        let actor =
            if matches!(event, ConversationEvent::ReturnedToOpen { .. }) { Actor::System } else { staff("laura") };
        story.tell(ana, actor, [event.clone()]);
        let shown: Vec<_> = all(story.commits()).into_iter().map(|timer| (timer.scheduled, timer.kind)).collect();
        assert_eq!(shown, expected, "{event:?}");
        let (_folder, view) = fold(TimersProjector, story.commits());
        let mut own = pending_of(&*view.snapshot().unwrap(), &TenantId::new("demo").unwrap(), ana).unwrap();
        own.sort();
        assert_eq!(own.into_iter().map(|timer| (timer.scheduled, timer.kind)).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_same_time_set_again_is_another_timer() {
    let mut story = Story::new();
    let ana = story.open(1, "wa", Medium::WhatsApp, "Ana");
    let hour = story.now() + Duration::from_hours(1);
    story.tell(ana, staff("laura"), [paused(Some(hour))]);
    let first = all(story.commits());
    story.tell(ana, staff("laura"), [changed(None)]).tell(ana, staff("laura"), [changed(Some(hour))]);
    let second = all(story.commits());
    assert_eq!((first[0].scheduled, second[0].scheduled), (hour, hour));
    assert_eq!((first[0].set_by, second[0].set_by), (3, 5));
}

#[test]
fn a_look_goes_on_where_the_last_one_ended_and_says_what_comes_next() {
    let mut story = Story::new();
    let begin = story.now();
    for number in 1..=9 {
        let conversation = story.open(number, "wa", Medium::WhatsApp, "Ana");
        story.tell(conversation, staff("laura"), [snoozed(Some(begin + Duration::from_hours(u64::from(number))))]);
    }
    let (_folder, view) = fold(TimersProjector, story.commits());
    let snapshot = view.snapshot().unwrap();
    let now = begin + Duration::from_hours(6);
    let hours = |timers: &[Timer]| -> Vec<u64> {
        timers.iter().map(|timer| timer.scheduled.since(begin).as_secs() / 3600).collect()
    };
    let odd = |timer: &Timer| timer.conversation.bytes()[0].is_multiple_of(2);
    let first = due(&*snapshot, now, None, 2, &odd).unwrap();
    assert_eq!((hours(&first.timers), first.next), (vec![1, 3], None));
    let rest = due(&*snapshot, now, first.rest.as_ref(), 2, &odd).unwrap();
    assert_eq!((hours(&rest.timers), rest.rest, rest.next), (vec![5], None, Some(begin + Duration::from_hours(7))));
    let before = due(&*snapshot, begin + Duration::from_hours(1) - Duration::from_millis(1), None, 2, &odd).unwrap();
    assert_eq!((before.timers, before.next), (vec![], Some(begin + Duration::from_hours(1))));
}

#[test]
fn a_look_sees_as_far_ahead_as_it_is_told_and_no_further() {
    // Given a time that is set and a bot that is paused, both of which come in an hour.
    let mut story = Story::new();
    let (hour, begin) = (Duration::from_hours(1), story.now());
    let ana = story.open(1, "wa", Medium::WhatsApp, "Ana");
    story.tell(ana, staff("laura"), [paused(Some(begin + hour))]);
    let (_folder, view) = fold(TimersProjector, story.commits());
    let snapshot = view.snapshot().unwrap();
    let list = Alarms { tenant: TenantId::new("demo").unwrap(), kind: TimerKind::PausedTooLong, after: hour };
    let (moment, comes) = (Duration::from_millis(1), begin + hour);
    // When it is looked for from a minute before, just as far as it, and a millisecond less.
    for (until, next) in [(Some(comes), Some(comes)), (Some(comes - moment), None), (None, Some(comes))] {
        let sight = Sight { now: comes - Duration::from_mins(1), until };
        let found = [
            due(&*snapshot, sight, None, 9, &|_| false).unwrap(),
            alarms(&*snapshot, &list, sight, None, 9, &|_| false).unwrap(),
        ];
        // Then it is told to come if it was seen.
        assert!(
            found.iter().all(|found| (found.timers.is_empty(), found.next) == (true, next)),
            "{until:?}: {found:?}"
        );
    }
    // What is due is seen, however long it has been.
    let late = comes + Duration::from_hours(9);
    let sight = Sight { now: late, until: Some(late) };
    assert_eq!(due(&*snapshot, sight, None, 9, &|_| false).unwrap().timers.len(), 1);
    assert_eq!(alarms(&*snapshot, &list, sight, None, 9, &|_| false).unwrap().timers.len(), 1);
}
