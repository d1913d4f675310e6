//! A network of three machines on this one: a namespace each, joined by two bridges, so that one of them can be cut off.
//!
//! On one bridge the servers talk to each other, on the other one to their clients: a server that has lost its peers and still
//! answers clients is the harder case. Needs root and iproute2; where namespaces cannot be made there is no network, and whoever
//! asked for one says so.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

/// How many machines there are.
pub const MACHINES: usize = 3;
/// Namespaces, bridges and interfaces of ours are named by this and the id of the process that made them.
const PREFIX: &str = "rlv";
/// Of 198.18.0.0/15, which is set aside for tests of networks and routed nowhere (RFC 2544): the first half is the clients', the
/// second the peers'.
const CLIENTS: u8 = 18;
const PEERS: u8 = 19;
/// Where this process stands on the clients' bridge.
const HOST: u8 = 254;

/// One of the two bridges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Clients,
    Peers,
}

/// Three namespaces and two bridges. Removed when dropped.
#[derive(Debug)]
pub struct Net {
    /// The third byte of our addresses.
    subnet: u8,
    pid: u32,
}

impl Side {
    const ALL: [Self; 2] = [Self::Clients, Self::Peers];

    const fn letter(self) -> char {
        match self {
            Self::Clients => 'c',
            Self::Peers => 'p',
        }
    }

    const fn second_byte(self) -> u8 {
        match self {
            Self::Clients => CLIENTS,
            Self::Peers => PEERS,
        }
    }
}

impl Net {
    /// Makes the network; says why if that is not possible here.
    pub fn make() -> Result<Self, String> {
        remove_left_overs();
        let pid = std::process::id();
        let net = Self { subnet: u8::try_from(pid % 250).unwrap_or(0) + 1, pid };
        net.build()?;
        Ok(net)
    }

    fn build(&self) -> Result<(), String> {
        for side in Side::ALL {
            let bridge = self.bridge(side);
            ip(&format!("link add {bridge} type bridge"))?;
            ip(&format!("link set {bridge} up"))?;
        }
        // This process is a client, and nobody's peer.
        let host = self.address_on(Side::Clients, HOST);
        ip(&format!("addr add {host}/24 dev {}", self.bridge(Side::Clients)))?;
        for machine in 0..MACHINES {
            let space = self.space(machine);
            ip(&format!("netns add {space}"))?;
            ip(&format!("-n {space} link set lo up"))?;
            for side in Side::ALL {
                let (outer, inner, address) = (self.cable(machine, side), side.letter(), self.address(machine, side));
                ip(&format!("link add {outer} type veth peer name {inner}0 netns {space}"))?;
                ip(&format!("link set {outer} master {} up", self.bridge(side)))?;
                ip(&format!("-n {space} addr add {address}/24 dev {inner}0"))?;
                ip(&format!("-n {space} link set {inner}0 up"))?;
            }
        }
        Ok(())
    }

    /// The words before a command that is to run on a machine.
    pub fn on(&self, machine: usize) -> Vec<String> {
        ["ip", "netns", "exec"].map(str::to_owned).into_iter().chain([self.space(machine)]).collect()
    }

    pub fn address(&self, machine: usize, side: Side) -> Ipv4Addr {
        self.address_on(side, u8::try_from(machine).unwrap_or(0) + 1)
    }

    /// Pulls a machine's cable out of one bridge: packets are lost, in both directions, without a word to anybody.
    pub fn cut(&self, machine: usize, side: Side) {
        ip(&format!("link set {} down", self.cable(machine, side))).expect("a cable is cut");
    }

    pub fn heal(&self, machine: usize, side: Side) {
        ip(&format!("link set {} up", self.cable(machine, side))).expect("a cable is mended");
    }

    /// What one machine sends to the other on the peers' side is lost; the other direction goes on.
    pub fn cut_one_way(&self, from: usize, to: usize) {
        let (space, to) = (self.space(from), self.address(to, Side::Peers));
        ip(&format!("-n {space} route add blackhole {to}/32")).expect("a way is closed");
    }

    pub fn heal_one_way(&self, from: usize, to: usize) {
        let (space, to) = (self.space(from), self.address(to, Side::Peers));
        ip(&format!("-n {space} route del blackhole {to}/32")).expect("a way is opened");
    }

    fn address_on(&self, side: Side, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(198, side.second_byte(), self.subnet, last)
    }

    fn space(&self, machine: usize) -> String {
        format!("{PREFIX}{}-{machine}", self.pid)
    }

    fn bridge(&self, side: Side) -> String {
        format!("{PREFIX}{}{}b", self.pid, side.letter())
    }

    fn cable(&self, machine: usize, side: Side) -> String {
        format!("{PREFIX}{}{}{machine}", self.pid, side.letter())
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        remove(self.pid);
    }
}

/// Removes what a process made. Its servers are ended before; a namespace that one still uses goes with it.
fn remove(pid: u32) {
    for machine in 0..MACHINES {
        // What is not there need not be removed.
        ip(&format!("netns del {PREFIX}{pid}-{machine}")).ok();
        for side in Side::ALL {
            // It goes with its namespace, but that may take a while.
            ip(&format!("link del {PREFIX}{pid}{}{machine}", side.letter())).ok();
        }
    }
    for side in Side::ALL {
        ip(&format!("link del {PREFIX}{pid}{}b", side.letter())).ok();
    }
}

/// A process that was killed could not clean up behind itself.
fn remove_left_overs() {
    let Ok(listed) = Command::new("ip").args(["netns", "list"]).output() else { return };
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    for space in text.lines().filter_map(|line| line.split_whitespace().next()) {
        let pid = space.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        let Some(pid) = pid.filter(|pid| !Path::new(&format!("/proc/{pid}")).exists()) else { continue };
        remove(pid);
    }
}

/// Runs `ip`. An interface name has at most 15 bytes, which a process id of seven digits just leaves room for.
fn ip(words: &str) -> Result<(), String> {
    let output = Command::new("ip").args(words.split_whitespace()).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("ip (iproute2) cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {words}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
