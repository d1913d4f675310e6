//! A log in memory whose every misfortune a test can arrange, and a runtime on it.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use relevo_domain::{EntityId, Position, Recorded, TenantId, Timestamp};
use relevo_eventlog::{Append, Identity, Log, LogError, Outcome, Wanted};
use relevo_projection::testing::HISTORY_STREAM_CREATED_AT;
use relevo_projection::{Options, Projector, Runtime, View, ViewState, Views};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes; reached only by a defect.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone)]
pub(crate) struct TestLog {
    state: Arc<Mutex<State>>,
    length: watch::Sender<usize>,
    /// How many read it now, and how often a reading was begun.
    readings: watch::Sender<(usize, usize)>,
    connections: watch::Sender<u64>,
}

/// Somebody who reads.
struct Reading(watch::Sender<(usize, usize)>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.send_modify(|(now, _)| *now -= 1);
    }
}

struct State {
    created_at: Timestamp,
    items: Vec<Result<Recorded, LogError>>,
    /// Sequences from here on are not read yet, though they are there.
    gate: usize,
    /// How often the log says yet that it ends before its last commit.
    late: usize,
}

impl TestLog {
    pub(crate) fn new(commits: &[Recorded]) -> Self {
        let items: Vec<_> = commits.iter().cloned().map(Ok).collect();
        let length = watch::Sender::new(items.len());
        let state = State { created_at: HISTORY_STREAM_CREATED_AT, items, gate: usize::MAX, late: 0 };
        let (readings, connections) = (watch::Sender::new((0, 0)), watch::Sender::new(1));
        Self { state: Arc::new(Mutex::new(state)), length, readings, connections }
    }

    pub(crate) fn push(&self, commits: &[Recorded]) {
        self.change(|state| state.items.extend(commits.iter().cloned().map(Ok)));
    }

    /// Makes the commit at this sequence unreadable.
    pub(crate) fn spoil(&self, sequence: u64) {
        let reason = "unknown event".to_owned();
        self.change(|state| state.items[sequence as usize - 1] = Err(LogError::Undecodable { sequence, reason }));
    }

    pub(crate) fn replace(&self, commits: &[Recorded]) {
        self.change(|state| state.items = commits.iter().cloned().map(Ok).collect());
    }

    pub(crate) fn recreate(&self, commits: &[Recorded]) {
        self.change(|state| {
            state.created_at = Timestamp::from_millis(state.created_at.as_millis() + 1);
            state.items = commits.iter().cloned().map(Ok).collect();
        });
    }

    /// Readers get nothing after this sequence until the gate is opened again.
    pub(crate) fn hold_after(&self, sequence: u64) {
        self.change(|state| state.gate = sequence as usize);
    }

    pub(crate) fn release(&self) {
        self.change(|state| state.gate = usize::MAX);
    }

    /// The next one who asks how far the log is hears of all but the last commit, as from a leader that is a moment behind.
    pub(crate) fn is_late_once(&self) {
        self.change(|state| state.late = 1);
    }

    /// Its server was away and is there again.
    pub(crate) fn reconnect(&self) {
        self.connections.send_modify(|connections| *connections += 1);
    }

    pub(crate) fn last(&self) -> Position {
        Position::new(self.state.lock().unwrap().items.len() as u64)
    }

    /// How many read it now, and how often a reading was begun.
    pub(crate) fn readings(&self) -> watch::Receiver<(usize, usize)> {
        self.readings.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let length = {
            let mut state = self.state.lock().unwrap();
            change(&mut state);
            state.items.len()
        };
        self.length.send_replace(length);
    }

    fn item(&self, sequence: u64) -> Option<Result<Recorded, LogError>> {
        let state = self.state.lock().unwrap();
        let index = sequence as usize - 1;
        if index < state.gate { state.items.get(index).cloned() } else { None }
    }
}

#[async_trait]
impl Log for TestLog {
    async fn append(&self, _batch: Vec<Append>) -> Result<Outcome, LogError> {
        Err(LogError::Refused("projections do not append".to_owned()))
    }

    async fn tail(&self, _tenant: &TenantId, _entity: &EntityId, _after: u64) -> Result<Vec<Recorded>, LogError> {
        Err(LogError::Refused("projections do not ask for tails".to_owned()))
    }

    async fn beginning(
        &self,
        _tenant: &TenantId,
        _entity: &EntityId,
        _limit: usize,
        _wanted: Wanted<'_>,
    ) -> Result<Vec<Recorded>, LogError> {
        Err(LogError::Refused("projections do not ask for beginnings".to_owned()))
    }

    async fn last_of(&self, _tenant: &TenantId, _entity: &EntityId) -> Result<u64, LogError> {
        Err(LogError::Refused("projections do not ask for tails".to_owned()))
    }

    async fn get(&self, sequence: u64) -> Result<Option<Recorded>, LogError> {
        self.state.lock().unwrap().items.get(sequence as usize - 1).cloned().transpose()
    }

    async fn read(&self, from: u64) -> Result<BoxStream<'static, Result<Recorded, LogError>>, LogError> {
        self.readings.send_modify(|(now, ever)| (*now, *ever) = (*now + 1, *ever + 1));
        let (log, length) = ((self.clone(), Reading(self.readings.clone())), self.length.subscribe());
        let commits = stream::unfold((log, length, from), |(log, mut length, next)| async move {
            loop {
                length.borrow_and_update();
                if let Some(item) = log.0.item(next) {
                    return Some((item, (log, length, next + 1)));
                }
                length.changed().await.ok()?;
            }
        });
        Ok(commits.boxed())
    }

    async fn identity(&self) -> Result<Identity, LogError> {
        let mut state = self.state.lock().unwrap();
        let last_sequence = (state.items.len() - usize::from(state.late > 0)) as u64;
        state.late = state.late.saturating_sub(1);
        Ok(Identity { created_at: state.created_at, last_sequence, bytes: 0, max_bytes: 0 })
    }

    fn connections(&self) -> Option<watch::Receiver<u64>> {
        Some(self.connections.subscribe())
    }
}

/// Runs one view. Small write buffers: a test opens many stores.
pub(crate) async fn run(projector: impl Projector, log: &TestLog, folder: &Path) -> (Views, Arc<View>) {
    run_on(projector, Arc::new(log.clone()), folder).await
}

pub(crate) async fn run_on(projector: impl Projector, log: Arc<dyn Log>, folder: &Path) -> (Views, Arc<View>) {
    let mut options = Options::default();
    options.store.write_buffer_bytes = 1 << 20;
    let name = projector.name();
    let token = CancellationToken::new();
    let views = Runtime::start(vec![Arc::new(projector)], log, folder, options, token).await.unwrap();
    let view = views.get(name).unwrap();
    (views, view)
}

pub(crate) async fn reached(view: &View, position: Position) {
    if let Err(stale) = view.reached(position, Instant::now() + PATIENCE).await {
        panic!("{stale}; state is {:?}", view.state());
    }
}

pub(crate) async fn state(view: &View, what: impl Fn(&ViewState) -> bool) -> ViewState {
    let mut states = view.states();
    let found = tokio::time::timeout(PATIENCE, states.wait_for(|state| what(state))).await;
    let Ok(found) = found else { panic!("state stays {:?} at {}", view.state(), view.position()) };
    found.unwrap().clone()
}

pub(crate) async fn live(view: &View) {
    state(view, |state| *state == ViewState::Live).await;
}
