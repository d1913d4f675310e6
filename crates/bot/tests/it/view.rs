//! The view `turns`: the fold of its commits, and the same as what the domain says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use relevo_bot::TurnsProjector;
use relevo_bot::turns::{Found, OverHow, due, standing};
use relevo_domain::conversation::{
    Bot, CatchUp, ConversationEvent, GivenTurn, Medium, NotePersonal, PauseReason, PauseTerms, ResumeCause, State,
    TurnEnd,
};
use relevo_domain::{Actor, AgentId, Caller, ChannelId, EntityId, Event, Recorded, Role, Scope, TenantId, Timestamp};
use relevo_projection::testing::story::staff;
use relevo_projection::testing::{Story, fold, history, laws};

const EVER: Timestamp = Timestamp::from_millis(i64::MAX);
const NEVER: Timestamp = Timestamp::from_millis(i64::MIN);
const MINUTE: Duration = Duration::from_mins(1);

fn bot(tenant: &str) -> Caller {
    let (tenant, name) = (TenantId::new(tenant).unwrap(), AgentId::new("helper").unwrap());
    Caller { tenant, role: Role::Bot, name, scope: Scope::Tenant }
}

/// What the bot of `demo` may be given at `now`.
fn found(commits: &[Recorded], caller: &Caller, now: Timestamp) -> Found {
    let (_folder, view) = fold(TurnsProjector, commits);
    due(&*view.snapshot().unwrap(), caller, (NEVER, now), usize::MAX, &|_| false).unwrap()
}

fn conversations(found: &Found) -> Vec<EntityId> {
    found.due.iter().map(|due| due.conversation).collect()
}

#[test]
fn the_view_is_the_fold_of_its_commits_however_they_come() {
    laws(|| TurnsProjector, &history(5, 1_000));
}

#[test]
fn the_view_knows_what_the_domain_knows() {
    let (mut running, mut waiting) = (0, 0);
    for seed in 0..6 {
        let commits = history(seed, 900);
        for end in [300, 600, commits.len()] {
            let mut talks: BTreeMap<(TenantId, EntityId), State> = BTreeMap::new();
            for Recorded { commit, .. } in &commits[..end] {
                for event in &commit.events {
                    let Event::Conversation(event) = event else { continue };
                    let state = talks.entry((commit.tenant.clone(), commit.entity)).or_default();
                    *state = std::mem::take(state).evolve(event, commit.occurred_at, &commit.actor);
                }
            }
            let (_folder, view) = fold(TurnsProjector, &commits[..end]);
            let snapshot = view.snapshot().unwrap();
            let mut expected: BTreeMap<TenantId, BTreeSet<EntityId>> = BTreeMap::new();
            for ((tenant, conversation), state) in talks {
                let opened = state.opened.unwrap();
                let shown = standing(&*snapshot, &tenant, conversation).unwrap().unwrap();
                assert_eq!(shown.turns, opened.turns, "seed {seed}, {end} commits, {conversation}");
                let asked = expected.entry(tenant).or_default();
                if opened.bot == Bot::Active && (opened.turns.due.is_some() || opened.turns.running.is_some()) {
                    asked.insert(conversation);
                    waiting += 1;
                }
                running += usize::from(opened.turns.running.is_some());
            }
            for (tenant, expected) in expected {
                let shown = found(&commits[..end], &bot(tenant.as_str()), EVER);
                assert_eq!(conversations(&shown).into_iter().collect::<BTreeSet<_>>(), expected, "seed {seed}");
            }
        }
    }
    assert!(running > 10 && waiting > running, "histories have turns: {running} of {waiting}");
}

fn turn(from: u64, through: u64, until: Timestamp) -> ConversationEvent {
    ConversationEvent::BotTurnStarted(Box::new(GivenTurn {
        bot: AgentId::new("helper").unwrap(),
        from,
        through,
        context_through: 0,
        answer: true,
        attempt: 1,
        claim: "node/1".to_owned(),
        until,
    }))
}

fn ended(turn: u64, how: TurnEnd) -> ConversationEvent {
    ConversationEvent::BotTurnEnded { turn, how }
}

fn paused() -> ConversationEvent {
    let (terms, personal) = (PauseTerms::default(), NotePersonal::default());
    ConversationEvent::BotPaused { reason: PauseReason::Complaint, automatic: false, terms, personal }
}

fn resumed() -> ConversationEvent {
    let (cause, personal) = (ResumeCause::Staff, NotePersonal::default());
    ConversationEvent::BotResumed { cause, catch_up: CatchUp::Know, personal }
}

fn helper() -> Actor {
    Actor::Bot(AgentId::new("helper").unwrap())
}

#[test]
fn the_oldest_is_first_and_a_turn_stands_under_the_time_at_which_it_is_given_again() {
    let mut story = Story::new();
    let ana = story.open(1, "wa", Medium::WhatsApp, "Ana");
    let bea = story.open(2, "wa-two", Medium::WhatsApp, "Bea");
    story.customer(ana, "hola");
    story.wait(MINUTE).customer(bea, "buenas");
    let demo = bot("demo");
    assert_eq!(conversations(&found(story.commits(), &demo, story.now())), [ana, bea]);
    let until = story.now() + MINUTE;
    story.tell(ana, helper(), [turn(3, 3, until)]);
    let now = found(story.commits(), &demo, story.now());
    assert_eq!((conversations(&now), now.next), (vec![bea], Some(until)));
    assert_eq!(conversations(&found(story.commits(), &demo, until)), [bea, ana]);
}

#[test]
fn what_fails_is_let_alone_for_ever_longer() {
    let mut story = Story::new();
    let ana = story.open(1, "wa", Medium::WhatsApp, "Ana");
    story.customer(ana, "hola");
    let mut pauses = Vec::new();
    for attempt in 1..=4_u32 {
        let ConversationEvent::BotTurnStarted(mut given) = turn(3, 3, story.now() + MINUTE) else { panic!() };
        given.attempt = attempt;
        let number = u64::from(attempt) * 2 + 2;
        story.tell(ana, helper(), [ConversationEvent::BotTurnStarted(given)]);
        story.tell(ana, helper(), [ended(number, TurnEnd::Failed)]);
        let failed_at = story.commits().last().unwrap().commit.occurred_at;
        let next = found(story.commits(), &bot("demo"), failed_at).next.unwrap();
        pauses.push(next.since(failed_at).as_secs());
    }
    assert_eq!(pauses, [1, 4, 15, 60]);
}

#[test]
fn a_bot_is_shown_its_channels_its_teams_and_its_tenant_and_nothing_old() {
    let mut story = Story::new();
    let ana = story.open(1, "wa", Medium::WhatsApp, "Ana");
    let bea = story.open(2, "wa-two", Medium::WhatsApp, "Bea");
    let begin = story.now();
    story.customer(ana, "hola");
    story.customer(bea, "hola");
    let channels = BTreeSet::from([ChannelId::new("wa").unwrap()]);
    let granted = Caller { scope: Scope::Granted { channels, teams: BTreeSet::new() }, ..bot("demo") };
    assert_eq!(conversations(&found(story.commits(), &granted, EVER)), [ana]);
    assert_eq!(conversations(&found(story.commits(), &bot("other"), EVER)), []);
    let (_folder, view) = fold(TurnsProjector, story.commits());
    let oldest = begin + Duration::from_hours(24);
    let late = due(&*view.snapshot().unwrap(), &bot("demo"), (oldest, EVER), 10, &|_| false).unwrap();
    assert_eq!(conversations(&late), []);
    let one = due(&*view.snapshot().unwrap(), &bot("demo"), (NEVER, EVER), 1, &|id| id == ana).unwrap();
    assert_eq!(conversations(&one), [bea]);
    let team = relevo_domain::TeamId::new("sales").ok();
    let how = relevo_domain::conversation::AssignmentHow::Manual;
    story.tell(ana, staff("laura"), [ConversationEvent::Assigned { agent: None, team, how }]);
    assert_eq!(conversations(&found(story.commits(), &granted, EVER)), [], "a team's that is not the bot's");
}

#[test]
fn how_a_turn_ended_is_told_and_where_its_messages_stand() {
    let how = |ends: &dyn Fn(&mut Story, EntityId)| {
        let mut story = Story::new();
        let ana = story.open(1, "wa", Medium::WhatsApp, "Ana");
        story.customer(ana, "hola");
        let said = story.commits().last().unwrap().sequence;
        story.tell(ana, helper(), [turn(3, 3, story.now() + MINUTE)]);
        let begun = story.commits().last().unwrap().sequence;
        let read = |story: &Story| {
            let (_folder, view) = fold(TurnsProjector, story.commits());
            standing(&*view.snapshot().unwrap(), &TenantId::new("demo").unwrap(), ana).unwrap().unwrap()
        };
        let held = read(&story).running.unwrap();
        assert_eq!((held.number, held.from, held.begun, held.context), (4, said, begun, 0));
        ends(&mut story, ana);
        let over = read(&story).over.unwrap();
        assert_eq!(over.number, 4);
        over.how
    };
    assert_eq!(how(&|story, ana| _ = story.tell(ana, helper(), [ended(4, TurnEnd::Done)])), OverHow::Done);
    assert_eq!(how(&|story, ana| _ = story.tell(ana, helper(), [ended(4, TurnEnd::Failed)])), OverHow::Failed);
    assert_eq!(how(&|story, ana| _ = story.tell(ana, staff("laura"), [paused()])), OverHow::Paused);
    assert_eq!(how(&|story, ana| _ = story.queue(ana, "laura", "yo sigo")), OverHow::Staff);
    assert_eq!(how(&|story, ana| _ = story.phone(ana, "yo sigo")), OverHow::Staff);
    let again = |story: &mut Story, ana| {
        story.tell(ana, helper(), [turn(3, 4, story.now() + MINUTE)]);
    };
    assert_eq!(how(&again), OverHow::Time);
}

#[test]
fn what_was_written_during_a_pause_is_before_the_resumption() {
    let mut story = Story::new();
    let ana = story.open(1, "wa", Medium::WhatsApp, "Ana");
    story.tell(ana, staff("laura"), [paused()]);
    story.customer(ana, "¿hola?");
    let said = story.commits().last().unwrap().sequence;
    assert_eq!(conversations(&found(story.commits(), &bot("demo"), EVER)), [], "a paused bot has no turns");
    story.tell(ana, staff("laura"), [resumed()]);
    let resumed = story.commits().last().unwrap().sequence;
    let ConversationEvent::BotTurnStarted(given) = turn(4, 5, story.now() + MINUTE) else { panic!() };
    let given = GivenTurn { context_through: 5, answer: false, ..*given };
    story.tell(ana, helper(), [ConversationEvent::BotTurnStarted(Box::new(given))]);
    let (_folder, view) = fold(TurnsProjector, story.commits());
    let shown = standing(&*view.snapshot().unwrap(), &TenantId::new("demo").unwrap(), ana).unwrap().unwrap();
    let held = shown.running.unwrap();
    assert_eq!((held.from, held.context), (said, resumed));
}
