//! Lists, queues and loads are what a slow, obvious walk over all events says, for random days, callers, times and pages.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use relevo_domain::conversation::{
    AssignmentHow, ConversationEvent, Medium, NotePersonal, OpenCause, Priority, ReopenCause,
};
use relevo_domain::{AgentId, Caller, ChannelId, EntityId, EntityKind, TeamId, Timestamp};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{agent, staff, supervisor};
use relevo_projector_assignment::{Filter, Order, Query, Queue, QueueQuery, Status};

use crate::support::{Folded, assigned, numbers, open, resolved};

const CONVERSATIONS: u8 = 4;
/// Times are multiples of this, so that many are equal.
const TICK_MINUTES: u64 = 30;
const AGENTS: [Option<&str>; 4] = [None, None, Some("laura"), Some("martin")];
const TEAMS: [Option<&str>; 3] = [None, Some("ventas"), Some("soporte")];

/// One conversation as a person would keep it on paper.
#[derive(Clone, Debug)]
struct Sheet {
    channel: &'static str,
    agent: Option<&'static str>,
    team: Option<&'static str>,
    held_since: Timestamp,
    status: Status,
    until: Option<Timestamp>,
    priority: Priority,
    orphan_since: Timestamp,
    /// Everything that status, team and agent ever changed at.
    changes: Vec<Timestamp>,
    wrote: Vec<Timestamp>,
    answers: Vec<Timestamp>,
}

impl Sheet {
    fn status(&self, now: Timestamp) -> Status {
        let due = self.status == Status::Snoozed && self.until.is_some_and(|until| until <= now);
        if due { Status::Open } else { self.status }
    }

    fn waiting(&self) -> Option<Timestamp> {
        self.wrote.iter().min().copied()
    }

    fn seen_by(&self, caller: &Caller) -> bool {
        let agent = self.agent.map(|name| AgentId::new(name).unwrap());
        let team = self.team.map(|name| TeamId::new(name).unwrap());
        caller.sees(&ChannelId::new(self.channel).unwrap(), agent.as_ref(), team.as_ref())
    }
}

type Step = (u8, u8, u8, i16);

/// Tells the steps to a story and to paper.
fn told(steps: &[Step]) -> (Story, BTreeMap<u8, Sheet>) {
    let (mut story, mut sheets) = (Story::new(), BTreeMap::new());
    for number in 1..=CONVERSATIONS {
        let channel = if number % 4 == 0 { "wa-second" } else { "wa-main" };
        if channel == "wa-main" {
            open(&mut story, number);
        } else {
            story.open(number, channel, Medium::WhatsApp, "Ana");
        }
        let sheet = Sheet {
            channel,
            agent: None,
            team: None,
            held_since: story.now(),
            status: Status::Open,
            until: None,
            priority: Priority::None,
            orphan_since: story.now(),
            changes: vec![story.now()],
            wrote: Vec::new(),
            answers: Vec::new(),
        };
        sheets.insert(number, sheet);
    }
    for step in steps {
        one(&mut story, &mut sheets, *step);
    }
    (story, sheets)
}

fn one(story: &mut Story, sheets: &mut BTreeMap<u8, Sheet>, (number, what, detail, minutes): Step) {
    let (number, personal) = (number % CONVERSATIONS + 1, NotePersonal::default());
    let id = EntityId::new(EntityKind::Conversation, [number; 16]);
    let now = if minutes < 0 {
        story.now() - Duration::from_mins(u64::from(minutes.unsigned_abs()) % 3 * TICK_MINUTES)
    } else {
        story.now() + Duration::from_mins(u64::from(minutes.unsigned_abs()) % 4 * TICK_MINUTES)
    };
    story.at(now);
    let sheet = sheets.get_mut(&number).unwrap();
    let before = (sheet.status, sheet.team, sheet.agent);
    let latest = sheet.changes.iter().copied().fold(now, Timestamp::max);
    // Whatever opens it again (6, 7 and 8 do) begins its time without an agent anew.
    if sheet.status == Status::Resolved && (6..=8).contains(&(what % 10)) {
        sheet.orphan_since = latest;
    }
    let event = match what % 10 {
        0 | 1 => {
            if sheet.answers.iter().all(|answer| *answer <= now) {
                sheet.wrote.push(now);
            }
            story.customer(id, "hola");
            return;
        }
        2 => {
            sheet.answers.push(now);
            sheet.wrote.retain(|written| *written > now);
            story.phone(id, "hola");
            return;
        }
        3 | 4 => {
            let (agent, team) = (AGENTS[usize::from(detail) % 4], TEAMS[usize::from(detail / 4) % 3]);
            if agent.is_none() && sheet.agent.is_some() {
                sheet.orphan_since = latest;
            }
            (sheet.agent, sheet.team, sheet.held_since) = (agent, team, now);
            assigned(agent, team, AssignmentHow::Manual)
        }
        5 => {
            sheet.wrote.clear();
            (sheet.status, sheet.until) = (Status::Resolved, None);
            resolved()
        }
        6 => {
            (sheet.status, sheet.until) = (Status::Open, None);
            if detail % 2 == 0 {
                ConversationEvent::Reopened { episode: 1, cause: ReopenCause::Staff }
            } else {
                ConversationEvent::ReturnedToOpen { cause: OpenCause::Staff }
            }
        }
        7 => {
            (sheet.status, sheet.until) = (Status::Pending, None);
            ConversationEvent::MarkedPending { personal }
        }
        8 => {
            let until = (detail % 8 > 0).then(|| now + Duration::from_mins(u64::from(detail % 8) * TICK_MINUTES));
            (sheet.status, sheet.until) = (Status::Snoozed, until);
            ConversationEvent::Snoozed { until, preset: None, personal }
        }
        _ => {
            sheet.priority = Priority::ALL[usize::from(detail) % 5];
            ConversationEvent::PrioritySet { priority: sheet.priority }
        }
    };
    if before != (sheet.status, sheet.team, sheet.agent) {
        sheet.changes.push(now);
    }
    story.tell(id, staff("sofia"), [event]);
}

fn callers() -> [Caller; 4] {
    [
        supervisor("demo"),
        agent("demo", "laura", &["wa-main"], &["ventas"]),
        agent("demo", "martin", &[], &["soporte"]),
        agent("demo", "eva", &["wa-second"], &[]),
    ]
}

/// All pages of a list, at this size.
fn paged(folded: &Folded, query: &Query<'_>, limit: usize) -> Vec<u8> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = folded.page(&Query { after: after.as_ref(), limit, ..query.clone() });
        found.extend(numbers(&page));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

fn paged_queue(folded: &Folded, query: &QueueQuery<'_>, limit: usize) -> Vec<(u8, Option<Timestamp>, Timestamp)> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = folded.queue(&QueueQuery { after: after.as_ref(), limit, ..query.clone() });
        found.extend(page.rows.iter().map(|row| (row.conversation.bytes()[0], row.waiting_since, row.since)));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

fn slow_list(
    sheets: &BTreeMap<u8, Sheet>,
    keep: impl Fn(&Sheet) -> bool,
    order: impl Fn(&Sheet) -> (Reverse<Priority>, bool, Option<Timestamp>, Timestamp),
) -> Vec<u8> {
    let mut rows: Vec<_> = sheets.iter().filter(|(_, sheet)| keep(sheet)).collect();
    rows.sort_by_key(|(number, sheet)| (order(sheet), **number));
    rows.into_iter().map(|(number, _)| *number).collect()
}

fn check_lists(folded: &Folded, sheets: &BTreeMap<u8, Sheet>, caller: &Caller, now: Timestamp, limit: usize) {
    let by_time = |sheet: &Sheet| (Reverse(Priority::None), false, None, sheet.held_since);
    let laura = Filter::Agent(AgentId::new("laura").unwrap());
    let ventas = Filter::Team(TeamId::new("ventas").unwrap());
    for filter in [Filter::Everybody, laura, ventas] {
        let asked: [&[Status]; 4] = [&[], &[Status::Open], &[Status::Snoozed, Status::Open], &[Status::Pending]];
        for statuses in asked {
            let wanted = if statuses.is_empty() { &[Status::Open, Status::Pending] } else { statuses };
            let expected = slow_list(
                sheets,
                |sheet| {
                    let held = match &filter {
                        Filter::Everybody => sheet.agent.is_some() || sheet.team.is_some(),
                        Filter::Agent(name) => sheet.agent == Some(name.as_str()),
                        Filter::Team(name) => sheet.team == Some(name.as_str()),
                    };
                    held && sheet.seen_by(caller) && wanted.contains(&sheet.status(now))
                },
                by_time,
            );
            let query = Query { filter: filter.clone(), statuses, visible: caller, now, after: None, limit };
            assert_eq!(paged(folded, &query, limit), expected, "{filter:?} {statuses:?}");
        }
    }
}

fn check_queues(folded: &Folded, sheets: &BTreeMap<u8, Sheet>, caller: &Caller, now: Timestamp, limit: usize) {
    let urgency =
        |sheet: &Sheet| (Reverse(sheet.priority), sheet.waiting().is_none(), sheet.waiting(), sheet.orphan_since);
    let longest = |sheet: &Sheet| (Reverse(Priority::None), false, None, sheet.orphan_since);
    let hour = Duration::from_hours(1);
    for queue in [Queue::All, Queue::NoTeam, Queue::Team(TeamId::new("ventas").unwrap())] {
        for longer_than in [None, Some(hour)] {
            let keep = |sheet: &Sheet| {
                let line = match &queue {
                    Queue::All => true,
                    Queue::NoTeam => sheet.team.is_none(),
                    Queue::Team(name) => sheet.team == Some(name.as_str()),
                };
                let long = longer_than.is_none_or(|longer| sheet.orphan_since < now - longer);
                line && long && sheet.agent.is_none() && sheet.status(now) == Status::Open && sheet.seen_by(caller)
            };
            for order in [Order::Priority, Order::Longest] {
                let expected = match order {
                    Order::Priority => slow_list(sheets, keep, urgency),
                    Order::Longest => slow_list(sheets, keep, longest),
                };
                let row = |number: u8| (number, sheets[&number].waiting(), sheets[&number].orphan_since);
                let expected: Vec<_> = expected.into_iter().map(row).collect();
                let queue = queue.clone();
                let query = QueueQuery { queue, order, longer_than, visible: caller, now, after: None, limit };
                assert_eq!(paged_queue(folded, &query, limit), expected, "{query:?}");
            }
        }
    }
}

fn check_loads(folded: &Folded, sheets: &BTreeMap<u8, Sheet>, caller: &Caller, now: Timestamp) {
    let (mut agents, mut teams) = (BTreeMap::<&str, [u64; 3]>::new(), BTreeMap::<&str, [u64; 3]>::new());
    let mut queues = BTreeMap::<Option<&str>, u64>::new();
    for sheet in sheets.values().filter(|sheet| sheet.seen_by(caller)) {
        let place = match sheet.status(now) {
            Status::Open => 0,
            Status::Pending => 1,
            Status::Snoozed => 2,
            Status::Resolved => continue,
        };
        sheet.agent.into_iter().for_each(|name| agents.entry(name).or_default()[place] += 1);
        sheet.team.into_iter().for_each(|name| teams.entry(name).or_default()[place] += 1);
        if sheet.agent.is_none() && place == 0 {
            *queues.entry(sheet.team).or_default() += 1;
        }
    }
    let loads = relevo_projector_assignment::loads(&folded.snapshot, &caller.tenant, caller, now).unwrap();
    let found: Vec<_> =
        loads.agents.iter().map(|load| (load.holder.as_str(), [load.open, load.pending, load.snoozed])).collect();
    assert_eq!(found, agents.into_iter().collect::<Vec<_>>());
    let found: Vec<_> =
        loads.teams.iter().map(|load| (load.holder.as_str(), [load.open, load.pending, load.snoozed])).collect();
    assert_eq!(found, teams.into_iter().collect::<Vec<_>>());
    let found: Vec<_> =
        loads.queues.iter().map(|queue| (queue.team.as_ref().map(TeamId::as_str), queue.open)).collect();
    assert_eq!(found, queues.into_iter().collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_view_says_what_a_slow_walk_over_all_events_says(
        steps in prop::collection::vec(any::<Step>(), 0..80),
        later in 0..14u64,
        limit in 1..8usize,
    ) {
        let (story, sheets) = told(&steps);
        let folded = Folded::of(&story);
        let now = story.now() + Duration::from_mins(later * TICK_MINUTES);
        for caller in callers() {
            check_lists(&folded, &sheets, &caller, now, limit);
            check_queues(&folded, &sheets, &caller, now, limit);
            check_loads(&folded, &sheets, &caller, now);
        }
    }
}
