//! A made-up business with a million conversations: every fact a pure function of its place in the log, so that nothing is kept.
//!
//! Recency, status, tags and people are drawn independently of each other and of the order in which conversations began. Real
//! inboxes are kinder: what is old there is mostly resolved, and what is new stands together.

use std::time::Duration;

use relevo_domain::contact::ContactEvent;
use relevo_domain::contact::event::{IdentifierPersonal, NamePersonal};
use relevo_domain::conversation::event::{AssignmentHow, EpisodeCause, NotePersonal, Priority};
use relevo_domain::conversation::message::{Author, Content, ContentPersonal};
use relevo_domain::conversation::{
    ConversationEvent, Medium, Message, MessageFlags, MessageKind, PauseReason, PauseTerms,
};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{
    Actor, AgentId, ChannelId, Colour, CommandId, Commit, CommitHash, CommitId, EntityId, EntityKind, Event, MessageId,
    Recorded, TagId, TagName, TeamId, TenantId, Timestamp,
};
use sha2::{Digest as _, Sha256};

/// Raised whenever another world is made: folders of an earlier one are of no use then.
pub const GENERATION: u32 = 1;
pub const TENANT: &str = "demo";
pub const CHANNELS: [(&str, Medium); 6] = [
    ("wa-main", Medium::WhatsApp),
    ("wa-ventas", Medium::WhatsApp),
    ("wa-soporte", Medium::WhatsApp),
    ("sms", Medium::Sms),
    ("mail", Medium::Email),
    ("mail-ventas", Medium::Email),
];
pub const TEAMS: [&str; 8] = ["ventas", "soporte", "cobros", "envios", "postventa", "reclamos", "norte", "sur"];
/// The first teams, which the agent who asks is in.
pub const GRANTED_TEAMS: usize = 2;
/// `agent-0` to `agent-39`.
pub const AGENTS: u64 = 40;
/// `tag-0` to `tag-11`, and the rare one.
pub const TAGS: u64 = 12;
pub const RARE_TAG: &str = "rara";
/// Conversations with the rare tag.
pub const RARE: u64 = 10;
/// The time that it is while the benchmark runs: 2026-06-01T12:00:00Z.
pub const NOW: Timestamp = Timestamp::from_seconds(1_780_315_200);
/// When the log was created, and how far back its conversations go: 400 days.
pub const CREATED_AT: Timestamp = Timestamp::from_seconds(1_780_315_200 - 400 * 86_400);
const SPAN_MS: u64 = 400 * 86_400_000;

const FIRST_NAMES: [&str; 16] = [
    "María", "José", "Ana", "Luis", "Sofía", "Martín", "Lucía", "Diego", "Julia", "Pablo", "Carla", "Andrés", "Inés",
    "Bruno", "Elena", "Tomás",
];
const LAST_SYLLABLES: [&str; 16] =
    ["gar", "cía", "lo", "pez", "mar", "tín", "fer", "nán", "dez", "ro", "mo", "ra", "sua", "rez", "vi", "dal"];

/// What a conversation is.
#[derive(Clone, Debug)]
pub struct Attributes {
    pub channel: usize,
    pub status: Stage,
    pub agent: Option<u64>,
    pub team: Option<usize>,
    pub paused: bool,
    pub answered: bool,
    pub tags: Vec<u64>,
    pub rare: bool,
    pub priority: Priority,
    pub last_activity: Timestamp,
}

/// The status axis, as it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Open,
    Pending,
    Snoozed,
    Resolved,
}

/// The whole log of `conversations`, and what happens after it.
#[derive(Clone, Debug)]
pub struct World {
    conversations: u64,
    tenant: TenantId,
    /// Open conversations that everybody sees who asks here, one for each later change: of the first channel, and of no team or
    /// one of the first two.
    targets: Vec<u64>,
}

impl World {
    /// With room for so many later changes.
    pub fn new(conversations: u64, changes: usize) -> Self {
        let open = |index: &u64| {
            let attributes = attributes(*index, conversations);
            let granted = attributes.channel == 0 && attributes.team.is_none_or(|team| team < GRANTED_TEAMS);
            granted && attributes.status == Stage::Open
        };
        let targets = (0..conversations).filter(open).take(changes).collect();
        Self { conversations, tenant: TenantId::new(TENANT).unwrap(), targets }
    }

    /// Where the log of the made-up past ends: the tags, then contact and conversation of each.
    pub fn past(&self) -> u64 {
        1 + 2 * self.conversations
    }

    /// Where the log ends if all changes have happened.
    pub fn end(&self) -> u64 {
        self.past() + self.targets.len() as u64
    }

    /// The conversation that the commit at this sequence changes, after the past.
    pub fn changed_at(&self, sequence: u64) -> EntityId {
        conversation(self.targets[(sequence - self.past() - 1) as usize])
    }

    /// The commit at a sequence from 1 on.
    pub fn commit(&self, sequence: u64) -> Recorded {
        if sequence == 1 {
            let events = tags().map(|(tag, name)| WorkspaceEvent::TagCreated { tag, name, colour: Colour([9; 3]) });
            let events = events.map(Event::Workspace).collect();
            return self.recorded(sequence, EntityId::WORKSPACE, 0, Actor::System, CREATED_AT, events);
        }
        if sequence > self.past() {
            return self.change(sequence);
        }
        let index = (sequence - 2) / 2;
        if sequence.is_multiple_of(2) {
            let (at, events) = (CREATED_AT, self.contact_events(index));
            return self.recorded(sequence, contact(index), 0, Actor::Customer, at, events);
        }
        let attributes = attributes(index, self.conversations);
        let events = conversation_events(index, &attributes).into_iter().map(Event::Conversation).collect();
        self.recorded(sequence, conversation(index), 0, Actor::Customer, attributes.last_activity, events)
    }

    /// The customer of an open conversation writes again.
    fn change(&self, sequence: u64) -> Recorded {
        let nth = sequence - self.past() - 1;
        let index = self.targets[nth as usize];
        let before = 3 + 2 * index;
        let versions = self.commit(before).commit.last_version();
        let at = NOW + Duration::from_secs(nth);
        let text = "¿Siguen ahí? Sigo esperando una respuesta.";
        let message = ConversationEvent::MessageReceived(Box::new(message(index, 2 + nth, Author::Customer, text, at)));
        let mut recorded = self.recorded(
            sequence,
            conversation(index),
            versions,
            Actor::Customer,
            at,
            vec![Event::Conversation(message)],
        );
        recorded.commit.previous_hash = hash(before);
        recorded
    }

    fn contact_events(&self, index: u64) -> Vec<Event> {
        let attributes = attributes(index, self.conversations);
        let (name, medium) = (CHANNELS[attributes.channel].0, CHANNELS[attributes.channel].1);
        let channel = ChannelId::new(name).unwrap();
        let kind = if medium == Medium::Email { IdentifierKind::Email } else { IdentifierKind::WaId };
        let personal = IdentifierPersonal { value: address(index, medium) };
        [
            ContactEvent::Created { channel: channel.clone(), personal: NamePersonal { name: Some(full_name(index)) } },
            ContactEvent::IdentifierLearned { kind, channel, personal },
        ]
        .map(Event::Contact)
        .into()
    }

    fn recorded(
        &self,
        sequence: u64,
        entity: EntityId,
        version: u64,
        actor: Actor,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Recorded {
        let id = u128::from(sequence).to_be_bytes();
        let commit = Commit {
            id: CommitId::new(id),
            tenant: self.tenant.clone(),
            entity,
            first_version: version + 1,
            command_id: CommandId::derived(&id),
            occurred_at: at,
            recorded_at: at,
            actor,
            causation: None,
            correlation: None,
            previous_hash: [0; 32],
            intake: None,
            events,
        };
        Recorded { sequence, hash: hash(sequence), commit }
    }
}

/// What conversation number `index` of so many is.
pub fn attributes(index: u64, conversations: u64) -> Attributes {
    let status = match draw(index, 1) % 100 {
        0..30 => Stage::Open,
        30..42 => Stage::Pending,
        42..50 => Stage::Snoozed,
        _ => Stage::Resolved,
    };
    let agent = (draw(index, 2) % 10 < 6).then(|| draw(index, 3) % AGENTS);
    let team = (draw(index, 4) % 10 < 7).then(|| (draw(index, 5) % TEAMS.len() as u64) as usize);
    // The first tags are on many conversations, the last ones on few.
    let tags = (0..TAGS).filter(|tag| draw(index, 20 + tag).is_multiple_of(4 + 6 * tag)).collect();
    let every = (conversations / RARE).max(1);
    Attributes {
        channel: (draw(index, 6) % CHANNELS.len() as u64) as usize,
        status,
        agent,
        team,
        paused: draw(index, 7) % 100 < 15,
        answered: draw(index, 8) % 100 < 50,
        tags,
        rare: index % every == every / 2,
        priority: Priority::ALL[(draw(index, 9) % 5) as usize],
        last_activity: CREATED_AT + Duration::from_millis(draw(index, 10) % SPAN_MS),
    }
}

/// The tags of the workspace: id and name.
pub fn tags() -> impl Iterator<Item = (TagId, TagName)> {
    let names = (0..TAGS).map(|tag| format!("tag-{tag}")).chain([RARE_TAG.to_owned()]);
    names.enumerate().map(|(index, name)| (tag_id(index as u64), TagName::new(&name).unwrap()))
}

pub fn agent(number: u64) -> AgentId {
    AgentId::new(format!("agent-{number}")).unwrap()
}

fn conversation_events(index: u64, attributes: &Attributes) -> Vec<ConversationEvent> {
    let (channel, medium) = CHANNELS[attributes.channel];
    let (channel, at) = (ChannelId::new(channel).unwrap(), attributes.last_activity);
    let received = message(index, 0, Author::Customer, "Hola, ¿tienen stock del modelo que vi en la página?", at);
    let mut events = vec![
        ConversationEvent::Opened { channel, medium, contact: contact(index) },
        ConversationEvent::EpisodeStarted { episode: 1, cause: EpisodeCause::CustomerMessage },
        ConversationEvent::MessageReceived(Box::new(received)),
    ];
    if attributes.answered {
        let reply = message(index, 1, Author::PhoneApp, "Sí, ¿te lo reservo?", at + Duration::from_millis(1));
        events.push(ConversationEvent::MessageEchoed(Box::new(reply)));
    }
    if attributes.agent.is_some() || attributes.team.is_some() {
        let team = attributes.team.map(|team| TeamId::new(TEAMS[team]).unwrap());
        let agent = attributes.agent.map(agent);
        events.push(ConversationEvent::Assigned { agent, team, how: AssignmentHow::Manual });
    }
    if attributes.paused {
        let reason = PauseReason::ALL[(draw(index, 11) % 6) as usize];
        let personal = NotePersonal::default();
        events.push(ConversationEvent::BotPaused { reason, automatic: false, terms: PauseTerms::default(), personal });
    }
    let rare = attributes.rare.then_some(TAGS);
    events.extend(
        attributes.tags.iter().copied().chain(rare).map(|tag| ConversationEvent::TagAdded { tag: tag_id(tag) }),
    );
    if attributes.priority != Priority::None {
        events.push(ConversationEvent::PrioritySet { priority: attributes.priority });
    }
    let personal = NotePersonal::default();
    match attributes.status {
        Stage::Open => {}
        Stage::Pending => events.push(ConversationEvent::MarkedPending { personal }),
        Stage::Snoozed => {
            // Some are due, some are not, some wait for the customer.
            let hours = draw(index, 12) % 500;
            let until =
                (!hours.is_multiple_of(5)).then(|| NOW - Duration::from_hours(50) + Duration::from_hours(hours));
            events.push(ConversationEvent::Snoozed { until, preset: None, personal });
        }
        Stage::Resolved => events.push(ConversationEvent::Resolved { episode: 1, reason: None, personal }),
    }
    events
}

fn message(index: u64, nth: u64, author: Author, text: &str, at: Timestamp) -> Message {
    let (channel, id) = (draw(index, 6) % CHANNELS.len() as u64, bytes_of(index << 20 | nth, 3));
    let personal = ContentPersonal {
        provider_id: format!("wamid.{index}.{nth}"),
        text: Some(text.to_owned()),
        sender_name: Some(full_name(index)),
        sender_address: Some(address(index, CHANNELS[channel as usize].1)),
        ..ContentPersonal::default()
    };
    Message {
        id: MessageId::new(id),
        author,
        content: Content { kind: MessageKind::Text, attachments: Vec::new(), personal },
        provider_time: Some(at),
        reply_to: None,
        flags: MessageFlags::default(),
    }
}

fn full_name(index: u64) -> String {
    let syllable = |salt: u64| LAST_SYLLABLES[(draw(index, salt) % 16) as usize];
    let first = FIRST_NAMES[(draw(index, 13) % 16) as usize];
    format!("{first} {}{}{}", syllable(14), syllable(15), syllable(16))
}

fn address(index: u64, medium: Medium) -> String {
    match medium {
        Medium::WhatsApp | Medium::Sms => format!("54911{:08}", draw(index, 17) % 100_000_000),
        Medium::Email => format!("cliente.{index}@example.com"),
    }
}

fn conversation(index: u64) -> EntityId {
    EntityId::new(EntityKind::Conversation, bytes_of(index, 1))
}

fn contact(index: u64) -> EntityId {
    EntityId::new(EntityKind::Contact, bytes_of(index, 2))
}

fn tag_id(tag: u64) -> TagId {
    TagId::new(bytes_of(tag, 4))
}

/// Ids are random to look at, as real ones are, and never equal: the last eight bytes are the number itself.
fn bytes_of(number: u64, salt: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&draw(number, 100 + salt).to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn hash(sequence: u64) -> CommitHash {
    Sha256::digest(sequence.to_be_bytes()).into()
}

/// A number that looks random, the same for ever (SplitMix64).
pub fn draw(index: u64, salt: u64) -> u64 {
    let mut mixed = index.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(salt.wrapping_mul(0xD1B5_4A32_D192_ED03));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use relevo_projection::fold_commits;
    use relevo_projector_inbox::InboxProjector;

    use super::*;

    #[test]
    fn the_world_is_a_history_that_the_inbox_accepts() {
        let world = World::new(1_000, 20);
        assert_eq!(world.end(), world.past() + 20, "there are enough open conversations to change");
        let commits: Vec<Recorded> = (1..=world.end()).map(|sequence| world.commit(sequence)).collect();
        assert!(commits.iter().enumerate().all(|(index, recorded)| recorded.sequence == index as u64 + 1));
        // Holes, wrong predecessors and refused commits are errors.
        assert!(fold_commits(&InboxProjector, &commits).unwrap().len() > 2_000);
        assert_eq!(commits.last().unwrap().commit.entity, world.changed_at(world.end()));
    }

    #[test]
    fn ten_conversations_have_the_rare_tag_and_every_attribute_occurs() {
        let all: Vec<Attributes> = (0..5_000).map(|index| attributes(index, 5_000)).collect();
        assert_eq!(all.iter().filter(|one| one.rare).count() as u64, RARE);
        for status in [Stage::Open, Stage::Pending, Stage::Snoozed, Stage::Resolved] {
            assert!(all.iter().filter(|one| one.status == status).count() > 300, "{status:?}");
        }
        assert!((0..TAGS).all(|tag| all.iter().any(|one| one.tags.contains(&tag))));
        assert!((0..CHANNELS.len()).all(|channel| all.iter().any(|one| one.channel == channel)));
    }
}
