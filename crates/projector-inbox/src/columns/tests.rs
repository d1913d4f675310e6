//! Columns of 100,000 conversations: what a list costs, counted in work and not in time; and that copies share.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use relevo_domain::{AgentId, Caller, ChannelId, Role, Scope, TagId, TeamId, TenantId, Timestamp};

use super::bits::SEGMENT;
use super::select::Selection;
use super::table::SLOTS;
use super::*;
use crate::conversation::{OPEN, RESOLVED, SNOOZED};
use crate::reader::{BotFilter, Cursor, Filter, Sort, Status, Tab};
use crate::row::{FacetsRow, PresentRow};
use crate::search::Hits;

const COUNT: u32 = 100_000;
/// Ten conversations that only their own channel has.
const RARE: u32 = COUNT / 10;

/// Mixed as a tenant's are: activity has nothing to do with age.
fn row(ordinal: u32) -> FacetsRow {
    let scattered = i64::from(ordinal.wrapping_mul(2_654_435_761) >> 8);
    FacetsRow {
        channel: if ordinal.is_multiple_of(RARE) { "rare".to_owned() } else { format!("wa-{}", ordinal % 5) },
        medium: "whatsapp".to_owned(),
        status: [OPEN, RESOLVED, OPEN, SNOOZED][ordinal as usize % 4],
        pause: ordinal.is_multiple_of(7).then_some(PresentRow {}),
        agent: if ordinal.is_multiple_of(3) { String::new() } else { format!("agent-{}", ordinal % 50) },
        team: if ordinal.is_multiple_of(2) { String::new() } else { format!("team-{}", ordinal % 8) },
        last_activity: scattered,
        ordinal,
        contact_ordinal: ordinal,
        snoozed_until: (ordinal % 8 == 3).then_some(scattered),
        priority: ordinal % 5,
        tags: (0..12u8).filter(|tag| ordinal.is_multiple_of(u32::from(*tag) + 5)).map(|tag| vec![tag; 16]).collect(),
        waiting_since: ordinal.is_multiple_of(2).then_some(scattered - 1_000),
        unread: u64::from(ordinal % 3),
        problem: ordinal.is_multiple_of(11),
    }
}

fn id_of(ordinal: u32) -> [u8; 16] {
    u128::from(ordinal).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes()
}

fn hundred_thousand() -> TenantColumns {
    let mut columns = TenantColumns::default();
    for ordinal in 0..COUNT {
        columns.conversation(id_of(ordinal), &row(ordinal)).unwrap();
    }
    columns.settle();
    columns
}

fn place(columns: &TenantColumns, ordinal: u32, sort: Sort) -> Cursor {
    columns.table().row(ordinal).unwrap().place(sort)
}

fn supervisor() -> Caller {
    let (tenant, name) = (TenantId::new("demo").unwrap(), AgentId::new("sofia").unwrap());
    Caller { tenant, role: Role::Supervisor, name, scope: Scope::Tenant }
}

fn ask(columns: &TenantColumns, filter: &Filter, sort: Sort, after: Option<Cursor>, hits: Option<&Hits>) -> Selection {
    let caller = supervisor();
    let access = Access::of(&caller, &caller.tenant, columns).unwrap();
    match Plan::of(filter, &[], access, columns, 0) {
        Some(plan) => select(columns, &plan, hits, sort, after, 26),
        None => Selection::default(),
    }
}

#[test]
fn work_is_bounded_by_what_matches_and_by_what_can_come_first() {
    let columns = hundred_thousand();
    let segments = u64::from(COUNT).div_ceil(SEGMENT as u64);
    let any = Filter { statuses: Status::ALL.to_vec(), ..Filter::default() };

    for sort in [Sort::LastActivity, Sort::Waiting, Sort::Priority] {
        let all = ask(&columns, &any, sort, None, None);
        assert_eq!((all.total, all.places.len(), all.work.segments), (u64::from(COUNT), 26, segments));
        // By priority a fifth of what is followed is in the part that comes first.
        assert!(all.work.slots <= 10 * 26, "no more than the page, and what stands between: {:?}", all.work);
    }

    let rare = Filter { channels: vec![ChannelId::new("rare").unwrap()], ..any.clone() };
    let ten = ask(&columns, &rare, Sort::LastActivity, None, None);
    assert_eq!((ten.total, ten.work.slots), (10, 10), "only what matches is looked at");

    let none = Filter {
        channels: vec![ChannelId::new("rare").unwrap()],
        bot: Some(BotFilter::Paused),
        tab: Tab::Mine(AgentId::new("agent-49").unwrap()),
        ..any.clone()
    };
    let none = ask(&columns, &none, Sort::LastActivity, None, None);
    assert_eq!((none.total, none.work.slots), (0, 0));
    let unknown = Filter { channels: vec![ChannelId::new("nobody").unwrap()], ..any.clone() };
    assert_eq!(
        ask(&columns, &unknown, Sort::LastActivity, None, None).work.segments,
        0,
        "an unknown word reads nothing"
    );

    let found = ask(&columns, &any, Sort::LastActivity, None, Some(&Hits::new(vec![5, 70_000], false)));
    assert_eq!((found.total, found.places.len()), (2, 2));
    assert_eq!((found.work.segments, found.work.slots), (0, 2), "only they are looked at");
}

/// What a common name finds is looked up in bits, what a rare one finds is not: both say the same.
#[test]
fn a_search_that_finds_much_has_the_same_list_as_one_that_finds_little() {
    let columns = hundred_thousand();
    let filters = [
        Filter::default(),
        Filter { bot: Some(BotFilter::Paused), unread: true, ..Filter::default() },
        Filter { statuses: vec![Status::Snoozed], tab: Tab::Unassigned, ..Filter::default() },
        Filter { channels: vec![ChannelId::new("rare").unwrap()], ..Filter::default() },
        Filter { waiting_since_before: Some(Timestamp::from_millis(9_000_000)), ..Filter::default() },
    ];
    for (filter, sort) in
        filters.iter().flat_map(|filter| [Sort::LastActivity, Sort::Waiting].map(|sort| (filter, sort)))
    {
        let much: Vec<u32> = (0..COUNT).step_by(13).collect();
        let whole = ask(&columns, filter, sort, None, Some(&Hits::new(much.clone(), false)));
        assert!(whole.work.segments > 0, "so many are looked up in bits");
        let mut one_by_one: Vec<Cursor> = Vec::new();
        for little in much.chunks(50) {
            let found = ask(&columns, filter, sort, None, Some(&Hits::new(little.to_vec(), false)));
            assert_eq!(found.work.segments, 0, "so few are not");
            assert_eq!(found.places.len() as u64, found.total.min(26));
            one_by_one.extend(found.places);
        }
        one_by_one.sort_unstable();
        one_by_one.truncate(26);
        assert_eq!(whole.places, one_by_one, "{filter:?} {sort:?}");
    }
}

#[test]
fn a_deep_page_costs_no_more_than_the_first_and_goes_on_exactly_there() {
    let columns = hundred_thousand();
    for sort in [Sort::LastActivity, Sort::Waiting, Sort::Priority] {
        let mut places: Vec<Cursor> = (0..COUNT).map(|ordinal| place(&columns, ordinal, sort)).collect();
        places.sort_unstable();
        let any = Filter { statuses: Status::ALL.to_vec(), ..Filter::default() };
        for deep in [0, 1_000, 50_000, 99_990] {
            let page = ask(&columns, &any, sort, Some(places[deep]), None);
            assert_eq!(
                page.places.as_slice(),
                places[deep + 1..].get(..26).unwrap_or(&places[deep + 1..]),
                "{sort:?} {deep}"
            );
            assert!(page.work.slots <= 10 * 26, "{sort:?} {deep}: {:?}", page.work);
        }
    }
}

#[test]
fn filters_that_have_to_do_with_the_order_cost_little_more() {
    let mut columns = TenantColumns::default();
    // The older half is resolved: nobody waits there, and by activity all of them come last.
    for ordinal in 0..COUNT {
        let old = ordinal < COUNT / 2;
        let waiting_since = (!old).then_some(i64::from(ordinal));
        let status = if old { RESOLVED } else { OPEN };
        let row =
            FacetsRow { last_activity: i64::from(ordinal), status, waiting_since, snoozed_until: None, ..row(ordinal) };
        columns.conversation(id_of(ordinal), &row).unwrap();
    }
    columns.settle();
    let resolved = Filter { statuses: vec![Status::Resolved], ..Filter::default() };
    for sort in [Sort::LastActivity, Sort::Waiting, Sort::Priority] {
        let found = ask(&columns, &resolved, sort, None, None);
        assert_eq!((found.total, found.places.len()), (u64::from(COUNT) / 2, 26));
        // Whole groups are passed over, but for the one in which they begin.
        assert!(found.work.slots <= 50_000, "{sort:?} {:?}", found.work);
        let best = found.places.first().unwrap().conversation;
        let first = (0..COUNT / 2).map(|ordinal| place(&columns, ordinal, sort)).min().unwrap();
        assert_eq!(best, first.conversation, "{sort:?}");
    }
    let waiting = Filter { waiting_since_before: Some(Timestamp::from_millis(60_000)), ..Filter::default() };
    let found = ask(&columns, &waiting, Sort::LastActivity, None, None);
    assert_eq!((found.total, found.places.len()), (10_001, 26));
    assert!(found.work.slots <= 50_000, "{:?}", found.work);
}

#[test]
fn a_change_copies_little_and_readers_keep_what_they_had() {
    let mut columns = hundred_thousand();
    let frozen = columns.clone();
    columns.conversation(id_of(7), &FacetsRow { status: RESOLVED, ..row(7) }).unwrap();
    let (shared, chunks) = columns.table().shared(frozen.table());
    assert_eq!((chunks, shared), ((COUNT as usize).div_ceil(SLOTS), chunks - 1));
    let of = |columns: &TenantColumns, status: Status| columns.facets().statuses.of(status as u32).unwrap().clone();
    for (status, copied) in [(Status::Open, 0), (Status::Snoozed, 1), (Status::Resolved, 1)] {
        let (shared, segments) = of(&columns, status).shared(&of(&frozen, status));
        assert_eq!((segments, segments - shared), ((COUNT as usize).div_ceil(SEGMENT), copied), "{status:?}");
    }
    assert!(columns.by_activity().shares_all(frozen.by_activity()), "its place is the same");
    let status = |columns: &TenantColumns| columns.table().values(7).unwrap().status;
    assert_eq!((status(&frozen), status(&columns)), (Status::Snoozed, Status::Resolved));
}

#[test]
fn orders_that_were_followed_are_those_that_are_made_at_once() {
    let mut columns = TenantColumns::default();
    columns.settle();
    for ordinal in 0..SMALL {
        columns.conversation(id_of(ordinal), &row(ordinal)).unwrap();
    }
    for ordinal in (0..SMALL).step_by(2) {
        // Some begin to wait or to sleep, others end it; all have another place by activity.
        let changed = FacetsRow { ordinal, contact_ordinal: ordinal, ..row(ordinal + 1) };
        columns.conversation(id_of(ordinal), &changed).unwrap();
    }
    let mut at_once = TenantColumns::default();
    for ordinal in 0..SMALL {
        let now = if ordinal.is_multiple_of(2) { FacetsRow { ordinal, ..row(ordinal + 1) } } else { row(ordinal) };
        // A conversation's contact is for ever.
        at_once.conversation(id_of(ordinal), &FacetsRow { contact_ordinal: ordinal, ..now }).unwrap();
    }
    at_once.settle();
    assert_eq!(columns.fingerprint(), at_once.fingerprint());
}

#[test]
fn the_order_in_which_rows_come_changes_nothing_that_readers_learn() {
    let (mut ascending, mut descending) = (TenantColumns::default(), TenantColumns::default());
    let changed =
        |ordinal: u32| FacetsRow { agent: String::new(), last_activity: 5, waiting_since: None, ..row(ordinal) };
    for ordinal in 0..3_000 {
        ascending.conversation(id_of(ordinal), &row(ordinal)).unwrap();
        ascending.conversation(id_of(ordinal), &changed(ordinal)).unwrap();
    }
    for ordinal in (0..3_000).rev() {
        descending.conversation(id_of(ordinal), &changed(ordinal)).unwrap();
    }
    ascending.settle();
    descending.settle();
    assert_eq!(ascending.fingerprint(), descending.fingerprint());
}

#[test]
fn what_is_due_is_open() {
    let mut columns = TenantColumns::default();
    columns
        .conversation(id_of(1), &FacetsRow { ordinal: 0, status: SNOOZED, snoozed_until: Some(10), ..row(3) })
        .unwrap();
    columns.settle();
    for (now, due) in [(9, 0), (10, 1)] {
        assert_eq!(super::bits::count(&columns.due(now)), due);
        for (status, count) in [(Status::Open, due), (Status::Snoozed, 1 - due)] {
            let filter = Filter { statuses: vec![status], ..Filter::default() };
            let plan = Plan::of(&filter, &[], Access::All, &columns, now).unwrap();
            assert_eq!(select(&columns, &plan, None, Sort::LastActivity, None, 5).total, count);
        }
    }
}

/// Whether a row is in the list, slowly and obviously.
fn matches(row: &FacetsRow, filter: &Filter, caller: &Caller, now: i64, contacts: Option<&[u32]>) -> bool {
    let due = row.status == SNOOZED && row.snoozed_until.is_some_and(|until| until <= now);
    let status = if due { Status::Open } else { Status::from_number(row.status).unwrap() };
    let statuses =
        if filter.statuses.is_empty() { &[Status::Open, Status::Pending] } else { filter.statuses.as_slice() };
    let (agent, team) = (AgentId::new(row.agent.as_str()).ok(), TeamId::new(row.team.as_str()).ok());
    let channel = ChannelId::new(row.channel.as_str()).unwrap();
    caller.sees(&channel, agent.as_ref(), team.as_ref())
        && statuses.contains(&status)
        && (filter.tab != Tab::Unassigned || agent.is_none())
        && (filter.channels.is_empty() || filter.channels.contains(&channel))
        && (filter.agents.is_empty() || agent.is_some_and(|agent| filter.agents.contains(&agent)))
        && (filter.bot != Some(BotFilter::Paused) || row.pause.is_some())
        && (filter.tags.is_empty()
            || row.tags.iter().any(|tag| filter.tags.iter().any(|wanted| wanted.bytes() == tag.as_slice())))
        && filter
            .waiting_since_before
            .is_none_or(|time| row.waiting_since.is_some_and(|since| since <= time.as_millis()))
        && contacts.is_none_or(|contacts| contacts.contains(&row.contact_ordinal))
}

/// Conversations of the comparison with a slow filter: some chunks, and blocks of every order.
const SMALL: u32 = 3_000;

/// Every third conversation is another one of an earlier contact.
fn small_row(ordinal: u32) -> FacetsRow {
    let contact_ordinal = if ordinal.is_multiple_of(3) { ordinal / 3 } else { ordinal };
    FacetsRow { contact_ordinal, ..row(ordinal) }
}

fn three_thousand() -> TenantColumns {
    let mut columns = TenantColumns::default();
    for ordinal in (0..SMALL).rev() {
        // As something else first, so that every value has changed.
        let real = small_row(ordinal);
        let other = FacetsRow { ordinal, contact_ordinal: real.contact_ordinal, ..row(ordinal + 1) };
        columns.conversation(id_of(ordinal), &other).unwrap();
        columns.conversation(id_of(ordinal), &real).unwrap();
    }
    columns.settle();
    columns
}

/// An agent with two channels and two teams.
fn laura() -> Caller {
    let granted = Scope::Granted {
        channels: ["wa-1", "wa-2", "nowhere"].map(|name| ChannelId::new(name).unwrap()).into(),
        teams: ["team-1", "team-4"].map(|name| TeamId::new(name).unwrap()).into(),
    };
    Caller { role: Role::Agent, name: AgentId::new("agent-7").unwrap(), scope: granted, ..supervisor() }
}

#[test]
fn bits_and_orders_together_are_what_a_slow_filter_says() {
    let columns = three_thousand();
    let rows: Vec<FacetsRow> = (0..SMALL).map(small_row).collect();
    let laura = laura();
    let time = 0..(1i64 << 24);
    let questions = (
        (0..3usize, any::<bool>(), prop::sample::subsequence(Status::ALL.to_vec(), 0..=4), any::<bool>()),
        (
            prop::option::of(0..6u8),
            prop::option::of(0..50u8),
            prop::option::of(0..14u8),
            prop::option::of(time.clone()),
        ),
        (prop::option::of(0..SMALL), time, prop::option::of(prop::collection::vec(0..SMALL, 0..40)), 1..60usize),
    );
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&questions, |(first, second, third)| {
        let (sort, sees_all, statuses, paused) = first;
        let (channel, agent, tag, waiting) = second;
        let (deep, now, contacts, limit) = third;
        let sort = [Sort::LastActivity, Sort::Waiting, Sort::Priority][sort];
        let caller = if sees_all { supervisor() } else { laura.clone() };
        let filter = Filter {
            tab: if paused { Tab::All } else { Tab::Unassigned },
            statuses,
            channels: channel.map(|number| ChannelId::new(format!("wa-{number}")).unwrap()).into_iter().collect(),
            agents: agent.map(|number| AgentId::new(format!("agent-{number}")).unwrap()).into_iter().collect(),
            tags: tag.map(|number| TagId::new([number; 16])).into_iter().collect(),
            bot: paused.then_some(BotFilter::Paused),
            waiting_since_before: waiting.map(Timestamp::from_millis),
            ..Filter::default()
        };
        let contacts = contacts.map(|mut contacts| {
            contacts.sort_unstable();
            contacts.dedup();
            contacts
        });
        let wanted =
            (0..SMALL).filter(|number| matches(&rows[*number as usize], &filter, &caller, now, contacts.as_deref()));
        let all: BTreeSet<u32> = wanted.collect();
        let mut wanted: Vec<Cursor> = all.iter().copied().map(|number| place(&columns, number, sort)).collect();
        wanted.sort_unstable();
        let total = wanted.len() as u64;
        let after = deep.map(|ordinal| place(&columns, ordinal, sort));
        wanted.retain(|place| after.is_none_or(|after| *place > after));
        wanted.truncate(limit);
        let access = Access::of(&caller, &caller.tenant, &columns).unwrap();
        let hits = contacts.map(|contacts| Hits::new(contacts, false));
        let plan = Plan::of(&filter, &filter.tags, access, &columns, now);
        let found =
            plan.as_ref().map(|plan| select(&columns, plan, hits.as_ref(), sort, after, limit)).unwrap_or_default();
        prop_assert_eq!((found.total, &found.places), (total, &wanted));
        for number in 0..SMALL {
            let one = hits.as_ref().is_none_or(|hits| hits.numbers().contains(&small_row(number).contact_ordinal));
            let single = one && plan.as_ref().is_some_and(|plan| plan.matches(&columns, number));
            prop_assert_eq!(single, all.contains(&number), "what one is asked for is what all are");
        }
        Ok(())
    });
    outcome.unwrap();
}
