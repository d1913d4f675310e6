//! Several clients on both brokers fight over a few conversations, and write down what they asked, when, and what they were told.
//!
//! Nobody else writes to these conversations, so that each answer's version has its place in the history. A command that was not
//! answered is repeated with its id, as clients do; if it is never answered, the history says that nobody knows.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_domain::{ErrorCode, Position};
use relevo_proto::Problem;
use relevo_proto::command::v1 as command;
use relevo_proto::query::v1 as query;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::Status;

use crate::Client;
use crate::client::fresh_id;
use crate::linear::conversation::{Answer, Asked, Operation, State};

/// How long one attempt of a command waits for its answer: longer than the broker itself tries.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(8);
/// How often a command is asked for before nobody knows what became of it.
const ATTEMPTS: u32 = 3;
/// Between two attempts.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// The longest that a client thinks between two operations, in milliseconds.
const THINKS_MAX_MS: u64 = 60;
/// How long a read waits for its position, in milliseconds; one that is not answered says nothing.
const READ_WITHIN_MS: u32 = 2_000;

/// Who asks, through which broker.
#[derive(Clone)]
pub struct Player {
    pub number: u32,
    /// The agent as the histories call them.
    pub agent: u8,
    pub client: Client,
}

/// A conversation whose history is recorded.
pub struct Field {
    pub conversation: String,
    pub initial: State,
    history: Mutex<Vec<Asked>>,
    /// The version that was heard of last.
    version: AtomicU64,
}

/// What all players share.
pub struct Game {
    begun: Instant,
    pub fields: Vec<Field>,
    /// The names of the agents, by their number.
    agents: Vec<String>,
    /// The newest position that anybody was told.
    newest: Mutex<Position>,
    over: AtomicBool,
    /// Commands that were answered as done: conversation and command id.
    done: Mutex<Vec<(String, String)>>,
}

/// An answer, and where the log stood.
struct Told {
    answer: Answer,
    position: String,
}

/// Why there is none.
enum Untold {
    /// It may have happened, or may happen yet.
    Unknown,
    /// It was refused with something that no rule of ours explains.
    Unexpected(Status),
}

impl Field {
    pub fn new(conversation: String, initial: State) -> Self {
        let version = AtomicU64::new(initial.version);
        Self { conversation, initial, history: Mutex::default(), version }
    }

    pub fn history(&self) -> Vec<Asked> {
        lock(&self.history).clone()
    }

    /// What a player does next.
    fn wish(&self, player: &Player, random: &mut StdRng) -> Operation {
        match random.random_range(0..12) {
            0 | 1 => Operation::Pause,
            2 | 3 => Operation::Resume,
            4 | 5 => Operation::Claim { agent: player.agent },
            6 | 7 => Operation::Unassign,
            8 | 9 => {
                let known = self.version.load(Ordering::SeqCst);
                // Some are about what was true a moment ago.
                Operation::Note { expected: known.saturating_sub(random.random_range(0..2)).max(1) }
            }
            _ => Operation::Read,
        }
    }
}

impl Game {
    pub fn new(fields: Vec<Field>, agents: &[&str]) -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            fields,
            agents: agents.iter().map(|agent| (*agent).to_owned()).collect(),
            newest: Mutex::default(),
            over: AtomicBool::new(false),
            done: Mutex::default(),
        })
    }

    /// Lets the players begin.
    pub fn play(self: &Arc<Self>, players: &[Player], seed: u64) -> JoinSet<()> {
        let mut playing = JoinSet::new();
        for player in players {
            let (game, player) = (Arc::clone(self), player.clone());
            let random = StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(player.number.into()));
            playing.spawn(async move { game.plays(&player, random).await });
        }
        playing
    }

    /// Everybody finishes what they have asked.
    pub async fn end(&self, mut playing: JoinSet<()>) {
        self.over.store(true, Ordering::SeqCst);
        while let Some(ended) = playing.join_next().await {
            ended.unwrap();
        }
    }

    /// How many operations were answered up to now.
    pub fn answered(&self) -> usize {
        let of = |field: &Field| lock(&field.history).iter().filter(|asked| asked.answered.is_some()).count();
        self.fields.iter().map(of).sum()
    }

    pub fn done(&self) -> Vec<(String, String)> {
        lock(&self.done).clone()
    }

    async fn plays(&self, player: &Player, mut random: StdRng) {
        while !self.over.load(Ordering::SeqCst) {
            let field = &self.fields[random.random_range(0..self.fields.len())];
            let operation = field.wish(player, &mut random);
            if operation == Operation::Read {
                self.reads(field, player).await;
            } else {
                self.commands(field, player, operation).await;
            }
            sleep(Duration::from_millis(random.random_range(0..=THINKS_MAX_MS))).await;
        }
    }

    async fn reads(&self, field: &Field, player: &Player) {
        let asked = self.now();
        let newest = *lock(&self.newest);
        let get = query::GetConversationRequest {
            conversation_id: field.conversation.clone(),
            min_position: if newest == Position::START { String::new() } else { newest.to_string() },
            deadline_ms: READ_WITHIN_MS,
            ..Default::default()
        };
        let mut inbox = player.client.inbox();
        let answer = timeout(ATTEMPT_WITHIN, inbox.get_conversation(player.client.request(get))).await;
        // Who was told nothing has seen nothing.
        let Ok(Ok(answer)) = answer else { return };
        let answer = answer.into_inner();
        let row = answer.conversation.unwrap_or_default();
        let state = self.state(&row);
        self.learns(&answer.position);
        self.records(field, player, Operation::Read, asked, Some(Answer::Seen(state)));
    }

    /// What a row says, in the history's words.
    pub fn state(&self, row: &query::Conversation) -> State {
        let agent = row.assignee.clone().unwrap_or_default().agent_id;
        State {
            version: row.version,
            paused: row.bot() == query::BotState::Paused,
            assignee: (!agent.is_empty()).then(|| self.number_of(&agent)),
        }
    }

    async fn commands(&self, field: &Field, player: &Player, operation: Operation) {
        let command_id = fresh_id();
        let asked = self.now();
        let mut answer = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                sleep(AGAIN_AFTER).await;
            }
            let told = timeout(ATTEMPT_WITHIN, self.command(field, player, &operation, &command_id)).await;
            match told {
                Ok(Ok(told)) => {
                    self.learns(&told.position);
                    answer = Some(told.answer);
                    break;
                }
                Ok(Err(Untold::Unknown)) | Err(_) => {}
                Ok(Err(Untold::Unexpected(status))) => panic!("{operation:?} was answered {status:?}"),
            }
        }
        if matches!(answer, Some(Answer::Done { .. })) {
            lock(&self.done).push((field.conversation.clone(), command_id));
        }
        self.records(field, player, operation, asked, answer);
    }

    async fn command(
        &self,
        field: &Field,
        player: &Player,
        operation: &Operation,
        command_id: &str,
    ) -> Result<Told, Untold> {
        let mut commands = player.client.commands();
        let client = &player.client;
        let (command_id, conversation_id) = (command_id.to_owned(), field.conversation.clone());
        // The responses are alike and have no type in common.
        macro_rules! ask {
            ($call:ident, $request:expr) => {{
                match commands.$call(client.request($request)).await {
                    Ok(answer) => {
                        let answer = answer.into_inner();
                        Ok(told(answer.version, answer.already_so, answer.position))
                    }
                    Err(status) => self.refused(status),
                }
            }};
        }
        match operation {
            Operation::Pause => ask!(
                pause_bot,
                command::PauseBotRequest {
                    command_id,
                    conversation_id,
                    reason: query::PauseReason::Complaint.into(),
                    ..Default::default()
                }
            ),
            Operation::Resume => {
                ask!(resume_bot, command::ResumeBotRequest { command_id, conversation_id, ..Default::default() })
            }
            Operation::Claim { .. } => {
                ask!(claim, command::ClaimRequest { command_id, conversation_id, ..Default::default() })
            }
            Operation::Unassign => {
                ask!(unassign, command::UnassignRequest { command_id, conversation_id, ..Default::default() })
            }
            Operation::Note { expected } => ask!(
                add_note,
                command::AddNoteRequest {
                    command_id,
                    conversation_id,
                    text: "nota".to_owned(),
                    expected_version: Some(*expected),
                }
            ),
            Operation::Read => Err(Untold::Unknown),
        }
    }

    /// What a refusal tells.
    fn refused(&self, status: Status) -> Result<Told, Untold> {
        let Some(problem) = Problem::from_status(&status) else { return Err(Untold::Unknown) };
        let answer = match problem.code {
            ErrorCode::AlreadyAssigned => {
                problem.subject("agent_id").map(|agent| Answer::Taken { by: self.number_of(agent) })
            }
            ErrorCode::VersionConflict => problem
                .subject("actual")
                .and_then(|actual| actual.parse().ok())
                .map(|actual| Answer::Conflict { actual }),
            code if code.retryable() => return Err(Untold::Unknown),
            _ => None,
        };
        // A refusal has no position.
        let told = answer.map(|answer| Told { answer, position: String::new() });
        told.ok_or(Untold::Unexpected(status))
    }

    fn number_of(&self, agent: &str) -> u8 {
        let place = self.agents.iter().position(|known| known == agent);
        place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
    }

    /// Known to everybody before the answer counts as given.
    fn learns(&self, position: &str) {
        if let Ok(position) = position.parse::<Position>() {
            let mut newest = lock(&self.newest);
            *newest = position.max(*newest);
        }
    }

    fn records(&self, field: &Field, player: &Player, operation: Operation, asked: u64, answer: Option<Answer>) {
        match &answer {
            Some(Answer::Done { version } | Answer::AlreadySo { version } | Answer::Conflict { actual: version }) => {
                field.version.fetch_max(*version, Ordering::SeqCst);
            }
            Some(Answer::Seen(state)) => {
                field.version.fetch_max(state.version, Ordering::SeqCst);
            }
            Some(Answer::Taken { .. }) | None => {}
        }
        let answered = answer.map(|answer| (self.now(), answer));
        lock(&field.history).push(Asked { client: player.number, operation, asked, answered });
    }

    /// Nanoseconds since the game began, each moment once.
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

fn told(version: u64, already_so: bool, position: String) -> Told {
    let answer = if already_so { Answer::AlreadySo { version } } else { Answer::Done { version } };
    Told { answer, position }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
