//! The lists that are asked for: every pair of filters in every order, what is rare, what is not there, and what lies deep.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message as _;
use relevo_proto::query::v1 as api;
use tonic::client::Grpc;
use tonic::transport::Channel;

use crate::measure::{Line, Times};
use crate::server::{Bench, Who};
use crate::world::{CHANNELS, RARE_TAG, attributes};
use crate::{echo, raw};

const LISTS: &str = "/relevo.query.v1.InboxService/ListConversations";
const COUNTERS: &str = "/relevo.query.v1.InboxService/GetCounters";
const LIST_LIMIT: Duration = Duration::from_millis(5);
const COUNTERS_LIMIT: Duration = Duration::from_millis(1);
/// Conversations a page, as the issue has it.
const PAGE: i32 = 25;
/// The largest page, to get deep quickly.
const STEP: i32 = 200;
/// How deep the deep pages lie, in steps: 100,000 conversations.
const STEPS: usize = 500;
/// Pairs of filters that are shown by name.
const WORST: usize = 10;
/// Calls that are made before anything is measured.
const WARM_UP: usize = 50;

const SORTS: [api::ConversationSort; 3] =
    [api::ConversationSort::LastActivity, api::ConversationSort::Waiting, api::ConversationSort::Priority];

/// One filter: its name, the field that it sets, and how.
type Kind = (&'static str, u8, fn(&mut api::ConversationFilter));

/// Two filters of one field are no pair.
const KINDS: [Kind; 17] = [
    ("mine", 1, |filter| filter.tab = api::InboxTab::Mine.into()),
    ("unassigned", 1, |filter| filter.tab = api::InboxTab::Unassigned.into()),
    ("resolved", 2, |filter| filter.statuses = vec![api::ConversationStatus::Resolved.into()]),
    ("open, pending, snoozed", 2, |filter| {
        use api::ConversationStatus::{Open, Pending, Snoozed};
        filter.statuses = [Open, Pending, Snoozed].map(i32::from).into();
    }),
    ("paused", 3, |filter| filter.bot = api::BotState::Paused.into()),
    ("mail", 4, |filter| filter.media = vec![api::Medium::Email.into()]),
    ("channel", 5, |filter| filter.channel_ids = vec!["wa-ventas".to_owned()]),
    ("common tag", 6, |filter| filter.tags = vec!["tag-0".to_owned()]),
    ("uncommon tag", 6, |filter| filter.tags = vec!["tag-11".to_owned()]),
    ("agent", 7, |filter| filter.agent_ids = vec!["agent-3".to_owned()]),
    ("team", 8, |filter| filter.team_ids = vec!["ventas".to_owned()]),
    ("urgent", 9, |filter| filter.priorities = vec![api::Priority::Urgent.into()]),
    ("unread", 10, |filter| filter.unread = true),
    ("waiting > 90 d", 11, |filter| filter.waiting_longer_than_seconds = 90 * 86_400),
    ("search first name", 12, |filter| "María".clone_into(&mut filter.search)),
    ("search last name", 12, |filter| "garcia".clone_into(&mut filter.search)),
    ("search number", 12, |filter| "+54 9 11 4711".clone_into(&mut filter.search)),
];

/// A list that is asked for again and again, and what it took.
struct Case {
    name: String,
    who: Who,
    request: api::ListConversationsRequest,
    ours: Times,
    echo: Times,
}

/// The two clients of a measurement. Both take an answer's bytes: what a client makes of them is no part of the service.
struct Clients {
    inbox: Grpc<Channel>,
    echo: Grpc<Channel>,
}

impl Clients {
    async fn of(bench: &Bench) -> Self {
        Self { inbox: Grpc::new(bench.connect().await), echo: bench.connect_echo().await }
    }

    /// Asks for a page, then for as many bytes.
    async fn list(&mut self, bench: &Bench, case: &mut Case) -> api::ListConversationsResponse {
        let request = Bytes::from(case.request.encode_to_vec());
        let (time, answer) = self.timed(LISTS, case.who, request.clone()).await;
        case.ours.add(time);
        let page = api::ListConversationsResponse::decode(answer.clone()).unwrap();
        case.echo.add(self.echoed(bench, request, answer).await);
        page
    }

    async fn timed(&mut self, path: &'static str, who: Who, request: Bytes) -> (Duration, Bytes) {
        let started = Instant::now();
        let answer = raw::ask(&mut self.inbox, path, who.ask(request)).await;
        (started.elapsed(), answer)
    }

    async fn echoed(&mut self, bench: &Bench, request: Bytes, answer: Bytes) -> Duration {
        let length = answer.len();
        bench.echo.set(answer);
        let started = Instant::now();
        let echoed = echo::answer(&mut self.echo, request).await;
        let time = started.elapsed();
        assert_eq!(echoed.len(), length);
        time
    }
}

impl Case {
    fn new(name: String, who: Who, filter: api::ConversationFilter, sort: api::ConversationSort) -> Self {
        let request = api::ListConversationsRequest {
            filter: Some(filter),
            sort: sort.into(),
            page_size: PAGE,
            ..api::ListConversationsRequest::default()
        };
        Self { name, who, request, ours: Times::default(), echo: Times::default() }
    }

    fn line(self) -> Line {
        Line { what: self.name, ours: self.ours, echo: self.echo, limit: Some(LIST_LIMIT) }
    }
}

/// First pages of every pair of filters, in every order, for a supervisor and an agent: all together, and the worst of them, each
/// `again` times.
pub async fn pairs(bench: &Bench, rounds: usize, within: Duration, again: usize) -> Vec<Line> {
    let mut cases = Vec::new();
    for (index, (one, field, set)) in KINDS.iter().enumerate() {
        for (other, other_field, set_other) in &KINDS[index + 1..] {
            for sort in SORTS.into_iter().filter(|_| field != other_field) {
                for who in Who::ALL {
                    let mut filter = api::ConversationFilter::default();
                    set(&mut filter);
                    set_other(&mut filter);
                    let name = format!("{one} + {other}, {}, {who:?}", order(sort));
                    cases.push(Case::new(name, who, filter, sort));
                }
            }
        }
    }
    let mut clients = Clients::of(bench).await;
    let started = Instant::now();
    let mut made = 0;
    // Round by round, so that what the machine does beside it meets all of them alike.
    while made < rounds && (made == 0 || started.elapsed() < within) {
        for case in &mut cases {
            clients.list(bench, case).await;
        }
        made += 1;
    }
    let mut all = Case::new(
        format!("list: {} pairs of filters and sorts", cases.len()),
        Who::Agent,
        api::ConversationFilter::default(),
        SORTS[0],
    );
    for case in &cases {
        all.ours.extend(&case.ours);
        all.echo.extend(&case.echo);
    }
    // Of few calls each, the last percentile is whatever the machine did once: those that look worst are asked again, by themselves.
    cases.sort_by_key(|case| std::cmp::Reverse(case.ours.percentile(90)));
    cases.truncate(WORST);
    for case in &mut cases {
        (case.ours, case.echo) = Default::default();
        case.name = format!("  of them: {}", case.name);
    }
    for _ in 0..again {
        for case in &mut cases {
            clients.list(bench, case).await;
        }
    }
    let worst = cases.into_iter().map(Case::line);
    std::iter::once(all.line()).chain(worst).collect()
}

/// First pages that hold next to nothing of a million, and nothing.
pub async fn rare(bench: &Bench, conversations: u64, rounds: usize) -> Vec<Line> {
    let mut clients = Clients::of(bench).await;
    let mut lines = Vec::new();
    let rare = |filter: &mut api::ConversationFilter| {
        filter.tags = vec![RARE_TAG.to_owned()];
        filter.statuses = (1..=4).collect();
    };
    let taken: BTreeSet<usize> = (0..conversations)
        .map(|index| attributes(index, conversations))
        .filter(|attributes| attributes.rare)
        .map(|attributes| attributes.channel)
        .collect();
    let free = (0..CHANNELS.len()).find(|channel| !taken.contains(channel));
    let nowhere = free.map_or("nowhere", |channel| CHANNELS[channel].0);
    let mut ten = api::ConversationFilter::default();
    rare(&mut ten);
    let mut none = ten.clone();
    none.channel_ids = vec![nowhere.to_owned()];
    for (name, filter, total) in [
        ("list: 10 of all", ten, Some(10)),
        ("list: none of all", none, Some(0)),
        ("list: no filter", api::ConversationFilter::default(), None),
    ] {
        for sort in SORTS {
            let name = format!("{name}, {}", order(sort));
            let mut case = Case::new(name, Who::Supervisor, filter.clone(), sort);
            for _ in 0..WARM_UP {
                let found = clients.list(bench, &mut case).await;
                assert!(total.is_none_or(|total| total == found.total), "{}: {} found", case.name, found.total);
            }
            (case.ours, case.echo) = Default::default();
            for _ in 0..rounds {
                clients.list(bench, &mut case).await;
            }
            lines.push(case.line());
        }
    }
    lines
}

/// Pages that follow each other deep inside of a list.
pub async fn deep(bench: &Bench, rounds: usize) -> Vec<Line> {
    let mut clients = Clients::of(bench).await;
    let mut lines = Vec::new();
    for sort in SORTS {
        let name = format!("list: pages after the first {}, {}", STEPS * STEP as usize, order(sort));
        let mut case = Case::new(name, Who::Supervisor, api::ConversationFilter::default(), sort);
        case.request.page_size = STEP;
        let mut seen = BTreeSet::new();
        for step in 0..STEPS + rounds {
            if step == STEPS {
                case.request.page_size = PAGE;
                (case.ours, case.echo) = Default::default();
            }
            let page = clients.list(bench, &mut case).await;
            for row in &page.conversations {
                assert!(seen.insert(row.conversation_id.clone()), "a row came twice");
            }
            case.request.page_token = page.next_page_token;
            if case.request.page_token.is_empty() {
                break;
            }
        }
        lines.push(case.line());
    }
    lines
}

/// The counters of the tabs.
pub async fn counters(bench: &Bench, rounds: usize) -> Vec<Line> {
    let mut clients = Clients::of(bench).await;
    let mut lines = Vec::new();
    for who in Who::ALL {
        let (mut ours, mut echo) = (Times::default(), Times::default());
        let request = Bytes::from(api::GetCountersRequest::default().encode_to_vec());
        for round in 0..rounds + WARM_UP {
            let (time, answer) = clients.timed(COUNTERS, who, request.clone()).await;
            let echoed = clients.echoed(bench, request.clone(), answer).await;
            if round >= WARM_UP {
                ours.add(time);
                echo.add(echoed);
            }
        }
        lines.push(Line { what: format!("counters, {who:?}"), ours, echo, limit: Some(COUNTERS_LIMIT) });
    }
    lines
}

const fn order(sort: api::ConversationSort) -> &'static str {
    match sort {
        api::ConversationSort::Unspecified | api::ConversationSort::LastActivity => "by activity",
        api::ConversationSort::Waiting => "by waiting",
        api::ConversationSort::Priority => "by priority",
    }
}
