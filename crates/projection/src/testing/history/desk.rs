//! Made-up histories: what staff does with a conversation. A step that is not possible becomes one that is.

use std::time::Duration;

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use relevo_domain::conversation::event::{
    Alert, AssignmentHow, ConversationEvent, NotePersonal, OpenCause, PauseReason, PauseTerms, Priority, ReopenCause,
    ResumeCause, SnoozePreset,
};
use relevo_domain::conversation::{Bot, Status};
use relevo_domain::{Actor, AgentId, MessageId, TagId, Timestamp};

use super::Writer;
use super::sending::cancelled_by_pause;

impl Writer {
    pub(super) fn pause(&mut self, talk: usize) {
        if self.talks[talk].opened().bot != Bot::Active {
            return self.alert(talk);
        }
        let reason = PauseReason::ALL[self.random.random_range(0..PauseReason::ALL.len())];
        let (automatic, personal) = (self.random.random_bool(0.3), self.remark());
        let actor = if automatic { Actor::System } else { self.staff() };
        let terms = if automatic { PauseTerms::default() } else { self.terms() };
        let mut events = vec![ConversationEvent::BotPaused { reason, automatic, terms, personal }];
        events.extend(cancelled_by_pause(self.talks[talk].opened()));
        self.tell(talk, actor, events);
    }

    pub(super) fn resume(&mut self, talk: usize) {
        if self.talks[talk].opened().bot == Bot::Active {
            return if self.random.random_bool(0.3) { self.signal(talk) } else { self.write(talk) };
        }
        let now = Timestamp::from_millis(self.now);
        if let Bot::Paused { terms: PauseTerms { until: Some(until), .. }, .. } = &self.talks[talk].opened().bot
            && *until <= now
        {
            let personal = NotePersonal::default();
            let resumed = ConversationEvent::BotResumed {
                cause: ResumeCause::Timer,
                catch_up: relevo_domain::conversation::CatchUp::Know,
                personal,
            };
            return self.tell(talk, Actor::System, vec![resumed]);
        }
        let personal = self.remark();
        self.act(
            talk,
            ConversationEvent::BotResumed {
                cause: ResumeCause::Staff,
                catch_up: relevo_domain::conversation::CatchUp::Know,
                personal,
            },
        );
    }

    /// Staff is told, if it was not before.
    pub(super) fn tour_of_alerts(&mut self, talk: usize) {
        if self.talks[talk].opened().bot == Bot::Active {
            self.pause(talk);
        }
        self.alert(talk);
    }

    /// Staff is told of what has been so for long, once of each.
    fn alert(&mut self, talk: usize) {
        let opened = self.talks[talk].opened();
        let untold =
            |alert: &Alert| opened.alarming_since(*alert).filter(|since| opened.alerts.last(*alert) != Some(*since));
        match Alert::ALL.into_iter().find_map(|alert| Some((alert, untold(&alert)?))) {
            Some((alert, since)) => {
                self.tell(talk, Actor::System, vec![ConversationEvent::AlertRaised { alert, since }]);
            }
            None => self.note(talk),
        }
    }

    /// The bot shows that it writes.
    pub(super) fn signal(&mut self, talk: usize) {
        let until = Timestamp::from_millis(self.now) + Duration::from_secs(2);
        let bot = AgentId::new("helper").map_or(Actor::System, Actor::Bot);
        self.tell(talk, bot, vec![ConversationEvent::BotSignalled { until }]);
    }

    /// Until somebody resumes, for a while, or until a supervisor does.
    fn terms(&mut self) -> PauseTerms {
        match self.random.random_range(0..4) {
            0 => PauseTerms { until: None, locked: true },
            1 => {
                let minutes = self.random.random_range(1..2_000);
                let until = Timestamp::from_millis(self.now) + Duration::from_mins(minutes);
                PauseTerms { until: Some(until), locked: false }
            }
            _ => PauseTerms::default(),
        }
    }

    pub(super) fn change_pause(&mut self, talk: usize) {
        let Bot::Paused { terms: now, .. } = self.talks[talk].opened().bot else { return self.pause(talk) };
        let mut terms = self.terms();
        if terms == now {
            terms = PauseTerms { until: None, locked: !now.locked };
        }
        let personal = self.remark();
        self.act(talk, ConversationEvent::PauseChanged { terms, personal });
    }

    /// As the rules have it: the conversation is open, locked, a supervisor's, and says why.
    pub(super) fn escalate(&mut self, talk: usize) {
        let opened = self.talks[talk].opened();
        let mut events = match opened.status {
            Status::Resolved { .. } => return self.reopen(talk),
            Status::Pending | Status::Snoozed { .. } => {
                vec![ConversationEvent::ReturnedToOpen { cause: OpenCause::Staff }]
            }
            Status::Open => Vec::new(),
        };
        let (reason, locked) = (PauseReason::Complaint, PauseTerms { until: None, locked: true });
        let personal = NotePersonal::default();
        match &opened.bot {
            Bot::Active => {
                events.push(ConversationEvent::BotPaused { reason, automatic: false, terms: locked, personal });
                events.extend(cancelled_by_pause(opened));
            }
            Bot::Paused { terms, .. } if *terms == locked => {}
            Bot::Paused { .. } => events.push(ConversationEvent::PauseChanged { terms: locked, personal }),
        }
        let (team, to) = (opened.team.clone(), self.agent());
        events.push(ConversationEvent::Assigned { agent: Some(to.clone()), team, how: AssignmentHow::Manual });
        let (note, personal) = (MessageId::new(self.random.random()), self.remark());
        events.push(ConversationEvent::NoteAdded { message: note, personal });
        events.push(ConversationEvent::Escalated { to, reason, note });
        let actor = self.staff();
        self.tell(talk, actor, events);
    }

    pub(super) fn assign(&mut self, talk: usize) {
        let team = self.random.random_bool(0.6).then(|| self.team());
        let agent = (team.is_none() || self.random.random_bool(0.5)).then(|| self.agent());
        self.act(talk, ConversationEvent::Assigned { agent, team, how: AssignmentHow::Manual });
    }

    pub(super) fn claim(&mut self, talk: usize) {
        let opened = self.talks[talk].opened();
        if opened.agent.is_some() || matches!(opened.status, Status::Resolved { .. }) {
            return self.assign(talk);
        }
        let (team, agent) = (opened.team.clone(), self.agent());
        let event = ConversationEvent::Assigned { agent: Some(agent.clone()), team, how: AssignmentHow::Claim };
        self.tell(talk, Actor::Staff(agent), vec![event]);
    }

    pub(super) fn unassign(&mut self, talk: usize) {
        let opened = self.talks[talk].opened();
        if opened.agent.is_none() && opened.team.is_none() {
            return self.assign(talk);
        }
        self.act(talk, ConversationEvent::Assigned { agent: None, team: None, how: AssignmentHow::Manual });
    }

    pub(super) fn resolve(&mut self, talk: usize) {
        let opened = self.talks[talk].opened();
        if matches!(opened.status, Status::Resolved { .. }) {
            return self.reopen(talk);
        }
        let episode = opened.episode;
        let reason = self.random.random_bool(0.7).then(|| "sold".to_owned());
        let personal = self.remark();
        self.act(talk, ConversationEvent::Resolved { episode, reason, personal });
    }

    pub(super) fn reopen(&mut self, talk: usize) {
        let opened = self.talks[talk].opened();
        if !matches!(opened.status, Status::Resolved { .. }) {
            return self.write(talk);
        }
        let episode = opened.episode;
        self.act(talk, ConversationEvent::Reopened { episode, cause: ReopenCause::Staff });
    }

    pub(super) fn note(&mut self, talk: usize) {
        let (message, personal) = (MessageId::new(self.random.random()), self.remark());
        self.act(talk, ConversationEvent::NoteAdded { message, personal });
    }

    pub(super) fn pending(&mut self, talk: usize) {
        match self.talks[talk].opened().status {
            Status::Open | Status::Snoozed { .. } => {
                let personal = self.remark();
                self.act(talk, ConversationEvent::MarkedPending { personal });
            }
            Status::Pending | Status::Resolved { .. } => self.write(talk),
        }
    }

    /// For a while, until a usual moment, until the customer writes; sometimes for another time than before.
    pub(super) fn snooze(&mut self, talk: usize) {
        if matches!(self.talks[talk].opened().status, Status::Resolved { .. }) {
            return self.reopen(talk);
        }
        let preset = self.random.random_bool(0.5).then(|| SnoozePreset::ALL[self.random.random_range(0..5)]);
        let minutes = match preset {
            Some(SnoozePreset::OneHour) => Some(60),
            Some(SnoozePreset::TwoHours) => Some(120),
            Some(SnoozePreset::FourHours) => Some(240),
            Some(SnoozePreset::TomorrowMorning) => Some(17 * 60),
            Some(SnoozePreset::NextMonday) => Some(90 * 60),
            None => self.random.random_bool(0.6).then(|| self.random.random_range(1..10_000)),
        };
        let until = minutes.map(|minutes| Timestamp::from_millis(self.now) + Duration::from_mins(minutes));
        let personal = self.remark();
        self.act(talk, ConversationEvent::Snoozed { until, preset, personal });
    }

    /// Somebody does not wait any longer, or the time of a snooze has come.
    pub(super) fn open(&mut self, talk: usize) {
        let now = Timestamp::from_millis(self.now);
        match self.talks[talk].opened().status {
            Status::Snoozed { until: Some(until) } if until <= now => {
                let event = ConversationEvent::ReturnedToOpen { cause: OpenCause::Timer };
                self.tell(talk, Actor::System, vec![event]);
            }
            Status::Pending | Status::Snoozed { .. } => {
                self.act(talk, ConversationEvent::ReturnedToOpen { cause: OpenCause::Staff });
            }
            Status::Open | Status::Resolved { .. } => self.snooze(talk),
        }
    }

    pub(super) fn tag(&mut self, talk: usize) {
        let tags = self.tags.get(&self.talks[talk].tenant).map_or(&[][..], Vec::as_slice);
        let worn = &self.talks[talk].opened().tags;
        let free: Vec<TagId> = tags.iter().copied().filter(|tag| !worn.contains(tag)).collect();
        match free.choose(&mut self.random) {
            Some(tag) => self.act(talk, ConversationEvent::TagAdded { tag: *tag }),
            None => self.untag(talk),
        }
    }

    /// Also a tag that the workspace has deleted meanwhile.
    pub(super) fn untag(&mut self, talk: usize) {
        let worn: Vec<TagId> = self.talks[talk].opened().tags.iter().copied().collect();
        match worn.choose(&mut self.random) {
            Some(tag) => self.act(talk, ConversationEvent::TagRemoved { tag: *tag }),
            None => self.note(talk),
        }
    }

    pub(super) fn prioritise(&mut self, talk: usize) {
        let current = self.talks[talk].opened().priority;
        let others: Vec<Priority> = Priority::ALL.into_iter().filter(|other| *other != current).collect();
        let priority = others.choose(&mut self.random).copied().unwrap_or_default();
        self.act(talk, ConversationEvent::PrioritySet { priority });
    }

    /// Up to now, or only up to where somebody had come.
    pub(super) fn read(&mut self, talk: usize) {
        if !self.talks[talk].is_unread() {
            return self.write(talk);
        }
        let opened = self.talks[talk].opened();
        let (wrote, version) = (opened.customer_wrote, opened.version);
        let partly = opened.read_through + 1..=wrote;
        let through = if self.random.random_bool(0.2) { self.random.random_range(partly) } else { version };
        self.act(talk, ConversationEvent::MarkedRead { through });
    }

    pub(super) fn act(&mut self, talk: usize, event: ConversationEvent) {
        let actor = self.staff();
        self.tell(talk, actor, vec![event]);
    }

    pub(super) fn staff(&mut self) -> Actor {
        Actor::Staff(self.agent())
    }
}
