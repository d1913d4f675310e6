//! What the tests of this view share: fold a story, ask for figures.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use relevo_domain::conversation::event::{AssignmentHow, RESOLVED_AS_IMPORTED};
use relevo_domain::conversation::{
    Author, ConversationEvent, EpisodeCause, Medium, NotePersonal, PauseReason, PauseTerms, ReopenCause, ResumeCause,
};
use relevo_domain::{Actor, AgentId, ChannelId, EntityId, EntityKind, TeamId, TenantId, Timestamp};
use relevo_projection::testing::story::{staff, supervisor};
use relevo_projection::testing::{Story, fold};
use relevo_projector_metrics::{
    Bucket, DurationFigure, Figure, MetricFact, MetricsProjector, Only, Query, ReadError, Report, Selection, Series,
    ShareFigure, Span, Split, definition, facts_after, metrics, series,
};
use relevo_readstore::Snapshot;
use tempfile::TempDir;

/// Every label and everybody apart.
pub(crate) const ALL_APART: Split = Split { channel: true, team: true, agent: true, labels: true };
/// Nothing apart.
pub(crate) const TOGETHER: Split = Split { channel: false, team: false, agent: false, labels: false };

/// A folded story. The folder lives as long as the snapshot is used.
pub(crate) struct Folded {
    pub(crate) snapshot: Snapshot,
    _folder: TempDir,
}

impl Folded {
    pub(crate) fn of(story: &Story) -> Self {
        let (folder, view) = fold(MetricsProjector, story.commits());
        assert_eq!(view.degraded().unwrap().parked, [], "the story parks nothing");
        Self { snapshot: view.snapshot().unwrap().rows().clone(), _folder: folder }
    }

    /// For a supervisor of `demo`.
    pub(crate) fn report(&self, from: &str, to: &str, zone: &str) -> Report {
        let caller = supervisor("demo");
        let query = Query { from: date(from), to: date(to), zone: zone_of(zone), channel: None, visible: &caller };
        metrics(&self.snapshot, &demo(), &query).unwrap()
    }

    /// All of January 2026 (UTC), when stories happen.
    pub(crate) fn january(&self) -> Report {
        self.report("2026-01-01", "2026-01-31", "UTC")
    }

    pub(crate) fn ask(&self, metric: &str, span: Span, bucket: Bucket, split: Split) -> Result<Vec<Series>, ReadError> {
        let caller = supervisor("demo");
        let (metrics, only) = (vec![definition(metric).unwrap()], Only::default());
        series(&self.snapshot, &demo(), &Selection { metrics, span, bucket, split, only, visible: &caller })
    }

    /// The figure of January, everything together.
    pub(crate) fn figure(&self, metric: &str) -> Figure {
        let found = self.ask(metric, january(), Bucket::Whole, TOGETHER).unwrap();
        assert_eq!((found.len(), found[0].points.len()), (1, 1));
        found[0].points[0].figure.clone()
    }

    pub(crate) fn duration(&self, metric: &str) -> Option<DurationFigure> {
        match self.figure(metric) {
            Figure::Duration(figure) => figure,
            other => panic!("{metric}: {other:?}"),
        }
    }

    pub(crate) fn share(&self, metric: &str) -> Option<ShareFigure> {
        match self.figure(metric) {
            Figure::Share(figure) => figure,
            other => panic!("{metric}: {other:?}"),
        }
    }

    /// Number and mean in minutes of January.
    pub(crate) fn minutes(&self, metric: &str) -> Option<(u64, u64)> {
        self.duration(metric).map(|figure| (figure.n, figure.mean_ms / 60_000))
    }

    /// Every series of January as one line: whose, labels and figure.
    pub(crate) fn lines(&self, metric: &str) -> Vec<String> {
        let found = self.ask(metric, january(), Bucket::Whole, ALL_APART).unwrap();
        found.iter().map(line).collect()
    }

    /// All facts of a metric of `demo`.
    pub(crate) fn facts(&self, metric: &str) -> Vec<MetricFact> {
        facts_after(&self.snapshot, &demo(), metric, None, usize::MAX).unwrap()
    }
}

/// A series as one line: whose, labels and figure.
pub(crate) fn line(series: &Series) -> String {
    let whose = [&series.channel, &series.team, &series.agent].map(|name| name.as_deref().unwrap_or("?"));
    let whose = whose.map(|name| if name.is_empty() { "-" } else { name }).join(" ");
    let labels: Vec<_> = series.labels.iter().map(|(_, value)| value.as_str()).collect();
    let figure = match &series.points[0].figure {
        Figure::Sum(count) => count.to_string(),
        Figure::Gauge(level) => level.to_string(),
        Figure::Duration(Some(figure)) => format!("{}×{}s", figure.n, figure.mean_ms / 1000),
        Figure::Share(Some(figure)) => format!("{}/{}", figure.count, figure.n),
        Figure::Duration(None) | Figure::Share(None) => "undefined".to_owned(),
    };
    [whose, labels.join(" "), figure].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" | ")
}

pub(crate) fn demo() -> TenantId {
    TenantId::new("demo").unwrap()
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn zone_of(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

pub(crate) fn days(from: &str, to: &str, zone: &str) -> Span {
    Span::days(date(from), date(to), zone_of(zone)).unwrap()
}

pub(crate) fn january() -> Span {
    days("2026-01-01", "2026-01-31", "UTC")
}

/// A time as people write it, with its offset.
pub(crate) fn time(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

// === what happens in stories ===

/// The customer of this number, who writes on WhatsApp.
pub(crate) fn open(story: &mut Story, number: u8) -> EntityId {
    story.open(number, "wa-main", Medium::WhatsApp, "Ana")
}

/// A thread that came in as history, of a contact whose bot is paused elsewhere.
pub(crate) fn import(story: &mut Story, number: u8) -> EntityId {
    let id = EntityId::new(EntityKind::Conversation, [number; 16]);
    let mut message = story.message(Author::Customer, "Hola");
    message.flags.imported = true;
    let personal = NotePersonal::default();
    let reason = Some(RESOLVED_AS_IMPORTED.to_owned());
    story.tell(
        id,
        Actor::Customer,
        [
            ConversationEvent::Opened {
                channel: ChannelId::new("mail").unwrap(),
                medium: Medium::Email,
                contact: EntityId::new(EntityKind::Contact, [number; 16]),
            },
            ConversationEvent::EpisodeStarted { episode: 1, cause: EpisodeCause::Imported },
            ConversationEvent::BotPaused {
                reason: PauseReason::Linked,
                automatic: true,
                terms: PauseTerms::default(),
                personal: personal.clone(),
            },
            ConversationEvent::MessageReceived(Box::new(message)),
            ConversationEvent::Resolved { episode: 1, reason, personal },
        ],
    );
    id
}

/// To an agent, a team or both; a dash is nobody.
pub(crate) fn assign(story: &mut Story, id: EntityId, agent: &str, team: &str) {
    let agent = (agent != "-").then(|| AgentId::new(agent).unwrap());
    let team = (team != "-").then(|| TeamId::new(team).unwrap());
    let event = ConversationEvent::Assigned { agent, team, how: AssignmentHow::Manual };
    story.tell(id, staff("sofia"), [event]);
}

pub(crate) fn resolve(story: &mut Story, id: EntityId, reason: &str) {
    let reason = (!reason.is_empty()).then(|| reason.to_owned());
    let event = ConversationEvent::Resolved { episode: 1, reason, personal: NotePersonal::default() };
    story.tell(id, staff("sofia"), [event]);
}

pub(crate) fn reopen(story: &mut Story, id: EntityId) {
    let event = ConversationEvent::Reopened { episode: 1, cause: ReopenCause::CustomerMessage };
    story.tell(id, Actor::Customer, [event]);
}

pub(crate) fn new_episode(story: &mut Story, id: EntityId, episode: u32) {
    let event = ConversationEvent::EpisodeStarted { episode, cause: EpisodeCause::CustomerMessage };
    story.tell(id, Actor::Customer, [event]);
}

pub(crate) fn pause(story: &mut Story, id: EntityId, reason: PauseReason, automatic: bool) {
    let event = ConversationEvent::BotPaused {
        reason,
        automatic,
        terms: PauseTerms::default(),
        personal: NotePersonal::default(),
    };
    let actor = if automatic { Actor::System } else { staff("sofia") };
    story.tell(id, actor, [event]);
}

pub(crate) fn resume(story: &mut Story, id: EntityId) {
    story.tell(
        id,
        staff("sofia"),
        [ConversationEvent::BotResumed {
            cause: ResumeCause::Staff,
            catch_up: relevo_domain::conversation::CatchUp::Know,
            personal: NotePersonal::default(),
        }],
    );
}
