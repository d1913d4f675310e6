//! Lists and counts are what a slow, obvious walk over all events says, for random days, callers, filters and pages.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use relevo_domain::conversation::{AssignmentHow, ConversationEvent, Medium, NotePersonal, PauseReason};
use relevo_domain::{AgentId, Caller, ChannelId, EntityId, EntityKind, TeamId, Timestamp};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{agent, staff, supervisor};
use relevo_projector_pause::{Query, Sort};

use crate::support::{Folded, bot_paused, bot_resumed};

const CONVERSATIONS: u8 = 4;
/// Times are multiples of this, so that many are equal.
const TICK_MINUTES: u64 = 30;
const REASONS: [PauseReason; 3] = [PauseReason::Complaint, PauseReason::Echo, PauseReason::Other];
const AGENTS: [Option<&str>; 4] = [None, None, Some("laura"), Some("martin")];
const TEAMS: [Option<&str>; 3] = [None, Some("ventas"), Some("soporte")];

/// One conversation as a person would keep it on paper.
#[derive(Clone, Debug, Default)]
struct Sheet {
    channel: &'static str,
    agent: Option<&'static str>,
    team: Option<&'static str>,
    pause: Option<(PauseReason, bool, Timestamp)>,
    wrote: Vec<Timestamp>,
    answers: Vec<Timestamp>,
}

impl Sheet {
    fn waiting(&self, since: Timestamp) -> Option<Timestamp> {
        self.wrote.iter().min().map(|first| (*first).max(since))
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
        story.open(number, channel, Medium::WhatsApp, "Ana");
        sheets.insert(number, Sheet { channel, ..Sheet::default() });
    }
    for step in steps {
        one(&mut story, &mut sheets, *step);
    }
    (story, sheets)
}

fn one(story: &mut Story, sheets: &mut BTreeMap<u8, Sheet>, (number, what, detail, minutes): Step) {
    let number = number % CONVERSATIONS + 1;
    let id = EntityId::new(EntityKind::Conversation, [number; 16]);
    let step = u64::from(minutes.unsigned_abs());
    let now = if minutes < 0 {
        story.now() - Duration::from_mins(step % 3 * TICK_MINUTES)
    } else {
        story.now() + Duration::from_mins(step % 4 * TICK_MINUTES)
    };
    story.at(now);
    let sheet = sheets.get_mut(&number).unwrap();
    let event = match what % 9 {
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
        3..=5 => {
            let (reason, automatic) = (REASONS[usize::from(detail) % 3], detail % 2 == 0);
            sheet.pause = Some((reason, automatic, now));
            bot_paused(reason, automatic, None)
        }
        6 => {
            sheet.pause = None;
            bot_resumed(None)
        }
        7 => {
            (sheet.agent, sheet.team) = (AGENTS[usize::from(detail) % 4], TEAMS[usize::from(detail / 4) % 3]);
            let agent = sheet.agent.map(|name| AgentId::new(name).unwrap());
            let team = sheet.team.map(|name| TeamId::new(name).unwrap());
            ConversationEvent::Assigned { agent, team, how: AssignmentHow::Manual }
        }
        _ => {
            sheet.wrote.clear();
            ConversationEvent::Resolved { episode: 1, reason: None, personal: NotePersonal::default() }
        }
    };
    story.tell(id, staff("sofia"), [event]);
}

fn expected(sheets: &BTreeMap<u8, Sheet>, query: &Query<'_>) -> Vec<(u8, Option<Timestamp>)> {
    let mut rows = Vec::new();
    for (number, sheet) in sheets {
        let Some((reason, automatic, since)) = sheet.pause else { continue };
        let channel = ChannelId::new(sheet.channel).unwrap();
        let kept = query.reason.is_none_or(|wanted| wanted == reason)
            && query.automatic.is_none_or(|wanted| wanted == automatic)
            && (query.channels.is_empty() || query.channels.contains(&channel))
            && query.longer_than.is_none_or(|longer| since < query.now - longer)
            && sheet.seen_by(query.visible);
        let waiting = sheet.waiting(since);
        let waits = |longer| waiting.is_some_and(|waiting| waiting < query.now - longer);
        if kept && query.waiting_longer_than.is_none_or(waits) {
            let order = match query.sort {
                Sort::Since => (false, Some(since)),
                Sort::Waiting => (waiting.is_none(), waiting),
            };
            rows.push((order, *number, waiting));
        }
    }
    rows.sort_unstable();
    rows.into_iter().map(|(_, number, waiting)| (number, waiting)).collect()
}

/// All pages of a list, at this size.
fn paged(folded: &Folded, query: &Query<'_>) -> Vec<(u8, Option<Timestamp>)> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = folded.page(&Query { after: after.as_ref(), ..query.clone() });
        found.extend(page.rows.iter().map(|row| (row.conversation.bytes()[0], row.waiting_since)));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
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
        let second = [ChannelId::new("wa-second").unwrap()];
        let callers = [
            supervisor("demo"),
            agent("demo", "laura", &["wa-main"], &["ventas"]),
            agent("demo", "martin", &[], &["soporte"]),
        ];
        for visible in &callers {
            for reason in [None, Some(PauseReason::Complaint)] {
                for (automatic, channels) in [(None, &[][..]), (Some(true), &[]), (None, &second), (Some(false), &second)] {
                    let hour = Some(Duration::from_hours(1));
                    for (longer_than, waiting_longer_than, sort) in [
                        (None, None, Sort::Since),
                        (None, None, Sort::Waiting),
                        (hour, None, Sort::Since),
                        (hour, None, Sort::Waiting),
                        (None, hour, Sort::Since),
                        (None, hour, Sort::Waiting),
                        (hour, hour, Sort::Waiting),
                    ] {
                        let query = Query {
                            reason,
                            automatic,
                            channels,
                            longer_than,
                            waiting_longer_than,
                            sort,
                            visible,
                            now,
                            after: None,
                            limit,
                        };
                        prop_assert_eq!(paged(&folded, &query), expected(&sheets, &query), "{:?}", query);
                    }
                }
            }
            let mut counts = BTreeMap::<PauseReason, [u64; 2]>::new();
            for sheet in sheets.values().filter(|sheet| sheet.seen_by(visible)) {
                if let Some((reason, automatic, _)) = sheet.pause {
                    counts.entry(reason).or_default()[usize::from(automatic)] += 1;
                }
            }
            let counts: Vec<_> = counts
                .into_iter()
                .map(|(reason, [manual, automatic])| format!("{}={manual}+{automatic}", reason.as_str()))
                .collect();
            prop_assert_eq!(folded.counts(visible), counts);
        }
    }
}
