//! The real query service over a view that follows the made-up log, and the echo beside it, on loopback in this process.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use relevo_domain::{AgentId, Caller, ChannelId, Role, Scope, TeamId, TenantId};
use relevo_projection::{Options, Projector, Runtime, View, ViewState, Views};
use relevo_projector_assignment::AssignmentProjector;
use relevo_projector_inbox::InboxProjector;
use relevo_projector_metrics::MetricsProjector;
use relevo_projector_pause::PauseProjector;
use relevo_query::{Directory, NoHistory, Ports, Query, QueryViews, TenantDirectory};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::client::Grpc;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Status};

use crate::echo::Echo;
use crate::log::WorldLog;
use crate::world::{CHANNELS, GENERATION, GRANTED_TEAMS, NOW, TEAMS, TENANT, World, agent};

/// Names who asks: `supervisor` or `agent`.
const CALLER: &str = "x-caller";
/// Streams of one connection, as the broker allows.
const STREAMS_PER_CONNECTION_MAX: u32 = 256;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Sees the whole tenant.
    Supervisor,
    /// Agent 3, with three channels and two teams.
    Agent,
}

impl Who {
    pub const ALL: [Self; 2] = [Self::Supervisor, Self::Agent];

    const fn word(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::Agent => "agent",
        }
    }

    fn caller(self) -> Caller {
        let tenant = TenantId::new(TENANT).unwrap();
        match self {
            Self::Supervisor => {
                let name = AgentId::new("sofia").unwrap();
                Caller { tenant, role: Role::Supervisor, name, scope: Scope::Tenant }
            }
            Self::Agent => {
                let channels = [0, 1, 4].map(|channel| ChannelId::new(CHANNELS[channel].0).unwrap());
                let teams = TEAMS[..GRANTED_TEAMS].iter().map(|team| TeamId::new(*team).unwrap()).collect();
                let scope = Scope::Granted { channels: BTreeSet::from(channels), teams };
                Caller { tenant, role: Role::Agent, name: agent(3), scope }
            }
        }
    }

    /// A request of this caller.
    pub fn ask<T>(self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert(CALLER, self.word().parse().unwrap());
        request
    }
}

/// Stands for the broker's check of credentials.
#[derive(Clone)]
struct Admit([Caller; 2]);

impl Interceptor for Admit {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let word = request.metadata().get(CALLER).and_then(|word| word.to_str().ok()).unwrap_or_default();
        let who = Who::ALL.iter().position(|who| who.word() == word).ok_or_else(|| Status::unauthenticated(""))?;
        let caller = self.0[who].clone();
        request.extensions_mut().insert(caller);
        Ok(request)
    }
}

/// Everything that runs. Keep it for as long as it is asked.
pub struct Bench {
    pub log: WorldLog,
    pub view: Arc<View>,
    pub echo: Echo,
    address: SocketAddr,
    views: [Views; 2],
    token: CancellationToken,
    _empty: tempfile::TempDir,
}

impl Bench {
    /// Opens or fills the folder, tells how far it is, and listens once the view has caught up.
    pub async fn start(folder: &Path, world: Arc<World>, changes: u64, progress: impl Fn(u64, u64)) -> Self {
        let folder = folder.join(format!("v{}-g{GENERATION}-{}", relevo_projector_inbox::VERSION, world.past()));
        std::fs::create_dir_all(&folder).unwrap();
        let last = reserve(&folder, &world, changes);
        let log = WorldLog::new(Arc::clone(&world), last);
        let inbox: Vec<Arc<dyn Projector>> = vec![Arc::new(InboxProjector)];
        let token = CancellationToken::new();
        let start = |projectors, log, folder: PathBuf| {
            Runtime::start(projectors, Arc::new(log), folder, Options::default(), token.clone())
        };
        let full = start(inbox, log.clone(), folder).await.unwrap();
        // The other views are asked nothing: they follow a log on which nothing has happened.
        let others: Vec<Arc<dyn Projector>> =
            vec![Arc::new(AssignmentProjector), Arc::new(PauseProjector), Arc::new(MetricsProjector)];
        let empty = tempfile::tempdir().unwrap();
        let rest = start(others, WorldLog::new(world, 0), empty.path().to_owned()).await.unwrap();
        let view = full.get(relevo_projector_inbox::NAME).unwrap();
        live(&view, &progress).await;

        let mut other = rest.all();
        let mut next = || other.next().unwrap();
        let views = QueryViews { inbox: Arc::clone(&view), assignment: next(), pause: next(), metrics: next() };
        drop(other);
        let ports = Ports { now: || NOW, history: Arc::new(NoHistory), ending: token.clone() };
        let query = Query::new(views, directory(), [7; 32], ports);
        let (echo, admit) = (Echo::default(), Admit(Who::ALL.map(Who::caller)));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Server::builder()
            .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
            .add_service(InterceptedService::new(query.inbox_server(), admit))
            .add_service(echo.clone());
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        tokio::spawn(router.serve_with_incoming_shutdown(incoming, token.clone().cancelled_owned()));
        Self { log, view, echo, address, views: [full, rest], token, _empty: empty }
    }

    /// A connection of its own.
    pub async fn connect(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().tcp_nodelay(true).connect().await.unwrap()
    }

    /// The same for the echo.
    pub async fn connect_echo(&self) -> Grpc<Channel> {
        Grpc::new(self.connect().await)
    }

    pub async fn stop(self) {
        self.token.cancel();
        for views in self.views {
            views.shutdown().await;
        }
    }
}

/// Where the log ends at this start. A run makes at most `changes` more commits, which the next run finds already made: so the
/// folder never holds what the log does not have, however a run ends. A folder whose changes are used up is filled again.
fn reserve(folder: &Path, world: &World, changes: u64) -> u64 {
    let note = folder.join("reserved");
    let reserved: Option<u64> = std::fs::read_to_string(&note).ok().and_then(|text| text.trim().parse().ok());
    let last = reserved.unwrap_or_else(|| world.past());
    let last = if last + changes > world.end() {
        std::fs::remove_dir_all(folder).unwrap();
        std::fs::create_dir_all(folder).unwrap();
        world.past()
    } else {
        last
    };
    std::fs::write(&note, (last + changes).to_string()).unwrap();
    last
}

/// Waits until the view has read everything.
async fn live(view: &View, progress: &impl Fn(u64, u64)) {
    let mut states = view.states();
    loop {
        match states.borrow_and_update().clone() {
            ViewState::Live => return,
            ViewState::CatchingUp { position, target } => progress(position.sequence(), target.sequence()),
            ViewState::Starting => {}
            state @ (ViewState::Diverged(_) | ViewState::Stopped { .. }) => panic!("the view cannot go on: {state:?}"),
        }
        states.changed().await.unwrap();
    }
}

fn directory() -> Directory {
    let named = |name: &str| name.to_uppercase();
    let tenant = TenantDirectory {
        agents: (0..crate::world::AGENTS).map(|number| (agent(number), format!("Agente {number}"))).collect(),
        teams: TEAMS.iter().map(|team| (TeamId::new(*team).unwrap(), named(team))).collect(),
        channels: CHANNELS.iter().map(|(name, _)| (ChannelId::new(*name).unwrap(), named(name))).collect(),
        ..TenantDirectory::default()
    };
    Directory { tenants: BTreeMap::from([(TenantId::new(TENANT).unwrap(), tenant)]) }
}
