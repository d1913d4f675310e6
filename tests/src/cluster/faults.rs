//! How servers fail here: killed, restarted in order, cut off in several ways, standing still.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::sleep;

use super::Report;
use super::net::{MACHINES, Side};
use super::servers::Servers;

/// The stream that everything is about.
pub const EVENTS: &str = "RELEVO_EVENTS";
/// How long a server that was killed stays away, and one that is cut off at least: an election takes 4 to 9 seconds.
const AWAY: Duration = Duration::from_secs(6);
/// How long a cut lasts: the others have a new leader by then, and the old one has hardly noticed.
const CUT: Duration = Duration::from_secs(11);
/// The long form's cuts last until the old leader knows that it has lost its peers, after 10 to 20 seconds.
const CUT_LONG: Duration = Duration::from_secs(24);

/// One thing that goes wrong, and is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The leader of the events is killed, and started again.
    KillLeader,
    /// One that follows.
    KillFollower,
    /// One server after the other is ended in order and started again.
    RollingRestart,
    /// The leader loses its peers, and still answers its clients.
    CutLeaderFromPeers,
    /// The leader loses everybody.
    CutLeader,
    CutFollowerFromPeers,
    CutFollower,
    /// What the leader says to one of its peers is lost; it hears that one.
    CutOneWay,
    /// Leader and one follower do not reach each other; the third reaches both.
    CutBetween,
    /// The leader stands still and goes on as if nothing had been.
    StopLeader,
}

impl Fault {
    pub const ALL: [Self; 10] = [
        Self::KillLeader,
        Self::KillFollower,
        Self::RollingRestart,
        Self::CutLeaderFromPeers,
        Self::CutLeader,
        Self::CutFollowerFromPeers,
        Self::CutFollower,
        Self::CutOneWay,
        Self::CutBetween,
        Self::StopLeader,
    ];

    /// Whether the machines need a network of their own.
    const fn cuts(self) -> bool {
        match self {
            Self::CutLeaderFromPeers
            | Self::CutLeader
            | Self::CutFollowerFromPeers
            | Self::CutFollower
            | Self::CutOneWay
            | Self::CutBetween => true,
            Self::KillLeader | Self::KillFollower | Self::RollingRestart | Self::StopLeader => false,
        }
    }

    /// Lets it happen, and mends it; waits until the cluster is whole again. Counted in the report as what was really done.
    pub async fn happens(self, servers: &mut Servers, long: bool, report: &mut Report) {
        let leader = servers.leader(EVENTS, &[]).await;
        let follower = (leader + 1) % MACHINES;
        // Without a network of its own a server can only be made to stand still.
        let instead = if self.cuts() && servers.net.is_none() { Self::StopLeader } else { self };
        let cut = if long { CUT_LONG } else { CUT };
        match instead {
            Self::KillLeader => kill(servers, leader, report).await,
            Self::KillFollower => kill(servers, follower, report).await,
            Self::RollingRestart => {
                for machine in 0..MACHINES {
                    servers.end(machine).await;
                    servers.begin(machine);
                    servers.healthy().await;
                    report.restarts += 1;
                }
            }
            Self::CutLeaderFromPeers => cut_off(servers, leader, &[Side::Peers], cut, report).await,
            Self::CutLeader => cut_off(servers, leader, &[Side::Peers, Side::Clients], cut, report).await,
            Self::CutFollowerFromPeers => cut_off(servers, follower, &[Side::Peers], cut, report).await,
            Self::CutFollower => cut_off(servers, follower, &[Side::Peers, Side::Clients], cut, report).await,
            Self::CutOneWay => cut_ways(servers, &[(leader, follower)], cut, report).await,
            Self::CutBetween => cut_ways(servers, &[(leader, follower), (follower, leader)], cut, report).await,
            Self::StopLeader => {
                servers.signal(leader, Signal::SIGSTOP);
                sleep(cut).await;
                servers.signal(leader, Signal::SIGCONT);
                report.stops += 1;
            }
        }
        servers.healthy().await;
    }
}

async fn kill(servers: &mut Servers, machine: usize, report: &mut Report) {
    servers.kill9(machine);
    report.kills += 1;
    sleep(AWAY).await;
    servers.begin(machine);
}

async fn cut_off(servers: &Servers, machine: usize, sides: &[Side], cut: Duration, report: &mut Report) {
    let Some(net) = &servers.net else { return };
    for side in sides {
        net.cut(machine, *side);
    }
    sleep(cut).await;
    for side in sides {
        net.heal(machine, *side);
    }
    report.partitions += 1;
}

async fn cut_ways(servers: &Servers, ways: &[(usize, usize)], cut: Duration, report: &mut Report) {
    let Some(net) = &servers.net else { return };
    for (from, to) in ways {
        net.cut_one_way(*from, *to);
    }
    sleep(cut).await;
    for (from, to) in ways {
        net.heal_one_way(*from, *to);
    }
    report.partitions += 1;
}
