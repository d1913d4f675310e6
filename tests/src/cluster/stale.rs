//! A leader that was cut off from its peers, and a client that still reaches it: nothing old is told as if it were so, and the
//! client finds the others by itself.

use std::time::Duration;

use relevo_domain::contact::{ContactEvent, NamePersonal};
use relevo_domain::{Actor, CommandId, Commit, CommitHash, CommitId, EntityId, EntityKind, Event, TenantId, Timestamp};
use relevo_eventlog::{Append, Connection, JetStreamLog, Log as _, LogError, Options, Outcome};
use relevo_testkit::eventually_within;

use super::faults::EVENTS;
use super::net::{MACHINES, Net, Side};
use super::servers::Servers;
use super::{REPLICAS, say};

/// How long the others may take to agree on a new leader and to store something.
const LED_WITHIN: Duration = Duration::from_secs(40);
/// How long one append tries: it is asked again, and must not lie waiting when there is a leader.
const APPEND_WITHIN: Duration = Duration::from_millis(500);
/// How long a client may stay with a server that has lost the others.
const MOVES_WITHIN: Duration = Duration::from_mins(1);

/// How often the leader is cut off until it tells something old, which a plain read of it does for some seconds.
const ROUNDS: u64 = 3;

/// Plays the scene. Answers how often a server was cut off: never without a network of its own, which is said.
pub async fn an_old_leader_confirms_nothing() -> u64 {
    let net = match Net::make() {
        Ok(net) => net,
        Err(why) => {
            say(&format!("SKIPPED: no network of its own ({why})"));
            return 0;
        }
    };
    let servers = Servers::start(Some(net)).await;
    let everybody = log(&servers.urls()).await;
    // Nor does a node that was told of one copy take the others away.
    let careless = Connection::connect(Options::new(servers.urls())).await;
    assert!(matches!(careless, Err(LogError::Refused(_))), "{careless:?}");
    let first = async || store(&everybody, 1, 0, [0; 32]).await;
    let mut last = eventually_within("a first commit", LED_WITHIN, first).await;
    for cuts in 1..=ROUNDS {
        let shown;
        (last, shown) = round(&servers, cuts + 1, last).await;
        if shown {
            return cuts;
        }
    }
    // On a busy machine the others need as long for an election as it needs to notice.
    say("cluster: the old leader knew of its loss each time before the others had stored anything: little was shown");
    ROUNDS
}

/// Cuts the leader off and asks it. Answers with the commit that it could not know, and whether it did not.
async fn round(servers: &Servers, version: u64, first: Stored) -> (Stored, bool) {
    servers.healthy().await;
    let leader = servers.leader(EVENTS, &[]).await;
    let beside = log(&servers.url(leader)).await;
    let others = log(&servers.url((leader + 1) % MACHINES)).await;
    assert_eq!(beside.last_of(&tenant(), &entity()).await, Ok(first.0));

    let net = servers.net.as_ref().expect("a network");
    net.cut(leader, Side::Peers);
    let second = eventually_within("the others have a leader", LED_WITHIN, async || {
        store(&others, version, first.0, first.1).await
    });
    let second = second.await;
    let from_the_past = async || beside.tail(&tenant(), &entity(), first.0).await == Ok(Vec::new());
    let shown = from_the_past().await;
    let told = beside.last_of(&tenant(), &entity()).await;
    assert!(matches!(told, Err(LogError::Unavailable(_))) || told == Ok(second.0), "told from the past: {told:?}");
    let told = beside.identity().await.map(|identity| identity.last_sequence);
    assert!(matches!(told, Err(LogError::Unavailable(_))) || told == Ok(second.0), "told from the past: {told:?}");

    // The cut lasts, and the client has learnt of the other servers.
    let moved = async || (beside.last_of(&tenant(), &entity()).await == Ok(second.0)).then_some(());
    eventually_within("the client leaves a server that is alone", MOVES_WITHIN, moved).await;
    net.heal(leader, Side::Peers);
    servers.healthy().await;
    (second, shown)
}

/// Where a commit is stored, and its hash.
type Stored = (u64, CommitHash);

async fn log(url: &str) -> JetStreamLog {
    let append_deadline = APPEND_WITHIN;
    let options = Options { replicas: REPLICAS, connect_deadline: LED_WITHIN, append_deadline, ..Options::new(url) };
    Connection::connect(options).await.expect("a log").events()
}

/// Where it was stored, with its hash; `None` if it was not yet.
async fn store(log: &JetStreamLog, version: u64, expected: u64, previous_hash: CommitHash) -> Option<Stored> {
    let renamed = ContactEvent::Renamed { personal: NamePersonal { name: Some("x".to_owned()) } };
    let commit = Commit {
        id: CommitId::new([u8::try_from(version).unwrap(); 16]),
        command_id: CommandId::new(format!("stale-{version}")).unwrap(),
        tenant: tenant(),
        entity: entity(),
        first_version: version,
        occurred_at: Timestamp::from_millis(0),
        recorded_at: Timestamp::from_millis(0),
        actor: Actor::System,
        causation: None,
        correlation: None,
        intake: None,
        previous_hash,
        events: vec![Event::Contact(renamed)],
    };
    match log.append(vec![Append { commit, expected }]).await {
        Ok(Outcome::Applied { stored, .. }) => stored.first().map(|stored| (stored.sequence, stored.hash)),
        Ok(Outcome::NotApplied { .. } | Outcome::Unknown) | Err(_) => None,
    }
}

fn tenant() -> TenantId {
    TenantId::new("stale").unwrap()
}

fn entity() -> EntityId {
    EntityId::new(EntityKind::Contact, [7; 16])
}
