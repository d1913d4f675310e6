//! Lists, places and counters against a slow and obvious filter over every conversation, for random questions.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use relevo_domain::conversation::{Medium, Priority};
use relevo_domain::{AgentId, Caller, ChannelId, EntityId, EntityKind, Recorded, TagId, TeamId, TenantId, Timestamp};
use relevo_projection::ViewSnapshot;
use relevo_projection::testing::story::{agent, supervisor};
use relevo_projection::testing::{LiveView, history, long_history};
use relevo_projector_inbox::{
    Bot, BotFilter, Conversation, Counters, Filter, InboxProjector, Sort, Status, Tab, TabCounts, conversation,
    counters, matching, place, tags,
};

use crate::support::{Ask, any_status, with};

/// Commits that are applied at once.
const BATCH: usize = 5;

/// Everything that a question can be about.
struct World {
    view: ViewSnapshot,
    tenant: TenantId,
    /// By id, as somebody who sees the tenant.
    ids: Vec<EntityId>,
    channels: Vec<ChannelId>,
    agents: Vec<AgentId>,
    teams: Vec<TeamId>,
    tags: Vec<TagId>,
    times: Vec<Timestamp>,
    _live: LiveView,
}

impl World {
    fn of(commits: &[Recorded]) -> Self {
        let mut live = LiveView::new(InboxProjector);
        // In small batches, so that columns follow changes and are not only made once.
        commits.chunks(BATCH).for_each(|batch| live.apply(batch));
        assert_eq!(live.view().degraded().unwrap().parked, []);
        let view = live.view().snapshot().unwrap();
        let tenant = TenantId::new("demo").unwrap();
        let ids: BTreeSet<EntityId> = commits
            .iter()
            .filter(|recorded| recorded.commit.tenant == tenant)
            .map(|recorded| recorded.commit.entity)
            .filter(|entity| entity.kind() == EntityKind::Conversation)
            .collect();
        let ids: Vec<EntityId> = ids.into_iter().collect();
        let known = tags(&view, &tenant).unwrap();
        let mut world = Self {
            view,
            tenant,
            ids,
            channels: vec![ChannelId::new("unknown").unwrap()],
            agents: vec![AgentId::new("unknown").unwrap()],
            teams: vec![TeamId::new("unknown").unwrap()],
            tags: known.into_iter().map(|tag| tag.id).chain([TagId::new([0xEE; 16])]).collect(),
            times: vec![Timestamp::from_millis(0)],
            _live: live,
        };
        let rows = world.rows(&supervisor("demo"), Timestamp::from_millis(0));
        for row in rows {
            world.channels.push(row.channel);
            world.agents.extend(row.agent);
            world.teams.extend(row.team);
            world.times.extend([Some(row.last_activity), row.waiting_since, row.snoozed_until].into_iter().flatten());
        }
        world.channels.sort();
        world.channels.dedup();
        world.agents.sort();
        world.agents.dedup();
        world.teams.sort();
        world.teams.dedup();
        world.times.sort();
        world.times.dedup();
        world
    }

    /// What the caller sees, one by one and by id.
    fn rows(&self, caller: &Caller, now: Timestamp) -> Vec<Conversation> {
        let row = |id: &EntityId| conversation(&self.view, &self.tenant, *id, caller, now).unwrap();
        self.ids.iter().filter_map(row).collect()
    }
}

fn matches(filter: &Filter, row: &Conversation) -> bool {
    let any = |empty: bool, found: bool| empty || found;
    let tab = match &filter.tab {
        Tab::All => true,
        Tab::Mine(agent) => row.agent.as_ref() == Some(agent),
        Tab::Unassigned => row.agent.is_none(),
    };
    let status = if filter.statuses.is_empty() {
        matches!(row.status, Status::Open | Status::Pending)
    } else {
        filter.statuses.contains(&row.status)
    };
    let bot = match filter.bot {
        None => true,
        Some(BotFilter::Active) => row.bot == Bot::Active,
        Some(BotFilter::Paused) => row.bot != Bot::Active,
    };
    tab && status
        && bot
        && any(filter.media.is_empty(), filter.media.contains(&row.medium))
        && any(filter.channels.is_empty(), filter.channels.contains(&row.channel))
        && any(filter.tags.is_empty(), row.tags.iter().any(|tag| filter.tags.contains(&tag.id)))
        && any(filter.agents.is_empty(), row.agent.as_ref().is_some_and(|agent| filter.agents.contains(agent)))
        && any(filter.teams.is_empty(), row.team.as_ref().is_some_and(|team| filter.teams.contains(team)))
        && any(filter.priorities.is_empty(), filter.priorities.contains(&row.priority))
        && (!filter.unread || row.unread > 0)
        && (!filter.problem || row.problem)
        && filter.waiting_since_before.is_none_or(|time| row.waiting_since.is_some_and(|since| since <= time))
}

/// Lower comes first.
fn key(sort: Sort, row: &Conversation) -> (i64, i64, EntityId) {
    let rank = match sort {
        Sort::LastActivity => 0,
        Sort::Waiting => row.waiting_since.map_or(i64::MAX, Timestamp::as_millis),
        Sort::Priority => -(row.priority as i64),
    };
    (rank, -row.last_activity.as_millis(), row.conversation)
}

fn slow_counts<'r>(rows: impl Iterator<Item = &'r Conversation>) -> TabCounts {
    let mut counts = TabCounts::default();
    for row in rows {
        match row.status {
            Status::Open => counts.open += 1,
            Status::Pending => counts.pending += 1,
            Status::Snoozed => counts.snoozed += 1,
            Status::Resolved => counts.resolved += 1,
        }
        if matches!(row.status, Status::Open | Status::Pending) {
            counts.unread += u64::from(row.unread > 0);
            counts.paused += u64::from(row.bot != Bot::Active);
            counts.problems += u64::from(row.problem);
        }
    }
    counts
}

fn some_of<T: Clone + std::fmt::Debug + 'static>(values: &[T]) -> impl Strategy<Value = Vec<T>> + use<T> {
    let values = values.to_vec();
    let most = values.len().min(3);
    prop_oneof![3 => Just(Vec::new()), 1 => prop::sample::subsequence(values, 1..=most)]
}

fn a_filter(world: &World) -> impl Strategy<Value = Filter> + use<> {
    let agents = world.agents.clone();
    let tab = prop_oneof![
        2 => Just(Tab::All),
        1 => Just(Tab::Unassigned),
        1 => prop::sample::select(agents).prop_map(Tab::Mine),
    ];
    let bot = prop_oneof![2 => Just(None), 1 => Just(Some(BotFilter::Active)), 1 => Just(Some(BotFilter::Paused))];
    let waiting = prop_oneof![3 => Just(None), 1 => prop::sample::select(world.times.clone()).prop_map(Some)];
    let status = prop_oneof![2 => some_of(&Status::ALL), 1 => Just(Status::ALL.to_vec())];
    (
        (tab, status, bot, some_of(&[Medium::WhatsApp, Medium::Sms, Medium::Email]), some_of(&world.channels)),
        (some_of(&world.tags), some_of(&world.agents), some_of(&world.teams), some_of(&Priority::ALL)),
        (prop::bool::weighted(0.2), prop::bool::weighted(0.1), waiting),
    )
        .prop_map(
            |((tab, statuses, bot, media, channels), (tags, agents, teams, priorities), (unread, problem, waiting))| {
                Filter {
                    tab,
                    statuses,
                    bot,
                    media,
                    channels,
                    tags,
                    agents,
                    teams,
                    priorities,
                    unread,
                    problem,
                    waiting_since_before: waiting,
                    search: None,
                }
            },
        )
}

fn a_caller(world: &World) -> impl Strategy<Value = Caller> + use<> {
    let names = |values: Vec<String>| some_of(&values);
    let channels = names(world.channels.iter().map(ToString::to_string).collect());
    let teams = names(world.teams.iter().map(ToString::to_string).collect());
    let agents = prop::sample::select(world.agents.clone());
    prop_oneof![
        1 => Just(supervisor("demo")),
        2 => (agents, channels, teams).prop_map(|(name, channels, teams)| {
            let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
            let teams: Vec<&str> = teams.iter().map(String::as_str).collect();
            agent("demo", name.as_str(), &channels, &teams)
        }),
    ]
}

fn expect_the_model(world: &World, cases: u32) {
    let sort = prop::sample::select(vec![Sort::LastActivity, Sort::Waiting, Sort::Priority]);
    let now = prop::sample::select(world.times.clone());
    let questions = (a_filter(world), a_caller(world), sort, now, 1..40usize);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&questions, |(filter, caller, sort, now, limit)| {
        let rows = world.rows(&caller, now);
        let mut wanted: Vec<&Conversation> = rows.iter().filter(|row| matches(&filter, row)).collect();
        wanted.sort_by_key(|row| key(sort, row));
        let ask = Ask { sort, now, limit, ..with(&caller, filter.clone()) };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = Ask { after, ..ask.clone() }.of(&world.view, &world.tenant);
            prop_assert_eq!(page.total, wanted.len() as u64);
            prop_assert!(page.rows.len() <= limit && !page.search_truncated);
            found.extend(page.rows);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), wanted.clone());
        let mut places = Vec::new();
        for row in &rows {
            let placed = place(&world.view, &world.tenant, &filter, sort, &caller, now, row.conversation).unwrap();
            prop_assert_eq!(placed.is_some(), matches(&filter, row));
            places.extend(placed.map(|placed| (placed.key, placed.conversation.conversation)));
        }
        places.sort();
        prop_assert!(places.iter().map(|(_, id)| *id).eq(wanted.iter().map(|row| row.conversation)));
        // A bulk of that filter is the same conversations, however many.
        let all = matching(&world.view, &world.tenant, &filter, &caller, now).unwrap();
        let mut all = all.conversations;
        all.sort();
        let mut same: Vec<_> = wanted.iter().map(|row| row.conversation).collect();
        same.sort();
        prop_assert_eq!(all, same);
        let counted = counters(&world.view, &world.tenant, &caller, now).unwrap();
        let slow = Counters {
            mine: slow_counts(rows.iter().filter(|row| row.agent.as_ref() == Some(&caller.name))),
            unassigned: slow_counts(rows.iter().filter(|row| row.agent.is_none())),
            all: slow_counts(rows.iter()),
        };
        prop_assert_eq!(counted, slow);
        Ok(())
    });
    outcome.unwrap();
}

/// Over a hundred conversations of three tenants, in every state.
fn many() -> Vec<Recorded> {
    long_history(13, 4_000)
}

#[test]
fn every_list_is_what_a_slow_filter_over_all_conversations_says() {
    expect_the_model(&World::of(&history(11, 1_500)), 192);
    expect_the_model(&World::of(&many()), 96);
}

#[test]
fn the_history_has_what_the_questions_ask_about() {
    let world = World::of(&many());
    let rows = Ask { limit: 200, ..with(&supervisor("demo"), any_status()) }.of(&world.view, &world.tenant).rows;
    let last = *world.times.last().unwrap();
    assert!(world.tags.len() > 1 && world.teams.len() > 1 && world.agents.len() > 2, "{:?}", world.tags);
    assert!(rows.iter().any(|row| row.priority != Priority::None && !row.tags.is_empty()));
    assert!(rows.iter().any(|row| row.unread > 0) && rows.iter().any(|row| row.unread == 0));
    assert!(rows.iter().any(|row| row.waiting_since.is_some()));
    let never = Timestamp::from_millis(0);
    let timed = |now| world.rows(&supervisor("demo"), now).iter().filter(|row| row.due).count();
    assert!(timed(last) > 0 && timed(never) == 0, "{} due at the end", timed(last));
}
