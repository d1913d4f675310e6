//! A client that stays with a server which has lost the others is cut off with it. So it looks, now and then, whether its server can
//! still ask a confirmed leader, and after a while without one it connects anew, perhaps elsewhere.
//!
//! A leader that is being elected takes up to 9 seconds to be there, and all servers are without one then: nothing is gained by
//! going elsewhere before.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::connection::{Connection, Shared};
use crate::log::Log as _;

/// How often it is looked.
const LOOKS_EVERY: Duration = Duration::from_secs(3);
/// After so long without a leader the client tries another server: longer than an election.
const ALONE_AFTER: Duration = Duration::from_secs(12);
/// How often it may come out at the same server. Of three that are known, once in 250 times all of these do.
const TRIES_MAX: u32 = 5;
/// How long connecting to the next one may take.
const CONNECTS_WITHIN: Duration = Duration::from_secs(5);

/// Looks for as long as somebody holds the connection. Does nothing where there are no replicas, so nobody to be lost.
pub(crate) fn watch(connection: &Connection) {
    if connection.shared.options.replicas > 1 {
        drop(tokio::spawn(look(Arc::downgrade(&connection.shared))));
    }
}

async fn look(shared: Weak<Shared>) {
    let mut led = Instant::now();
    loop {
        sleep(LOOKS_EVERY).await;
        let Some(shared) = shared.upgrade() else { return };
        let connection = Connection { shared };
        // Who is not connected is looking for a server already.
        if !connection.connected() || connection.events().identity().await.is_ok() {
            led = Instant::now();
        } else if led.elapsed() >= ALONE_AFTER {
            tracing::warn!("log server has no leader for the events; trying another server");
            leave(&connection).await;
            led = Instant::now();
        }
    }
}

/// Connects anew until it is another server: the client takes any of those it knows, the same one too.
async fn leave(connection: &Connection) {
    let client = &connection.shared.client;
    let here = client.server_info().server_id;
    for _ in 0..TRIES_MAX {
        let mut epoch = connection.shared.epoch.clone();
        let now = *epoch.borrow_and_update();
        let asked = client.force_reconnect().await;
        let anew = timeout(CONNECTS_WITHIN, epoch.wait_for(|epoch| *epoch != now)).await;
        // A closed client has nowhere to go; one that finds nobody goes on looking by itself.
        if asked.is_err() || !matches!(anew, Ok(Ok(_))) || client.server_info().server_id != here {
            return;
        }
    }
}
