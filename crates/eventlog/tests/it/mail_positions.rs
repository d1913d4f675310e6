//! Positions of mailboxes on a real server: kept, claimed by one node at a time, never written over by one that lost its claim.

use std::time::Duration;

use relevo_domain::{EndpointId, Timestamp};
use relevo_eventlog::{Claim, Connection, Hold, MailPosition};
use relevo_testkit::NatsServer;

use crate::jetstream::options;

const LEASE: Duration = Duration::from_secs(30);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + seconds)
}

fn held(claim: Claim) -> Hold {
    match claim {
        Claim::Held(hold) => hold,
        Claim::Elsewhere { until } => panic!("held elsewhere until {until:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_outlives_the_server_and_each_folder_has_its_own() {
    let mut server = NatsServer::sync_always().await;
    let connection = Connection::connect(options(&server)).await.unwrap();
    let positions = connection.mail_positions();
    let endpoint = EndpointId::new("mail-1").unwrap();
    assert_eq!(positions.load(&endpoint, "INBOX").await.unwrap(), None);
    let position = MailPosition {
        uid_validity: 7,
        last_uid: 41,
        since: at(0),
        history_below: 40,
        mailbox: u64::MAX,
        read_at: at(1),
    };
    let mut hold = held(positions.claim(&endpoint, "INBOX", "a", at(0), LEASE).await.unwrap());
    assert_eq!((hold.position, hold.until), (None, at(30)));
    assert!(positions.store(&mut hold, position, at(1)).await.unwrap());
    let later = MailPosition { last_uid: 42, ..position };
    assert!(positions.store(&mut hold, later, at(2)).await.unwrap());
    server.restart().await;
    assert_eq!(positions.load(&endpoint, "INBOX").await.unwrap(), Some(later));
    // Any name will do, and no two share a message.
    assert_eq!(positions.load(&endpoint, "Ventas/2026.* >").await.unwrap(), None);
    held(positions.claim(&endpoint, "Ventas/2026.* >", "a", at(0), LEASE).await.unwrap());
    let usage = connection.usage().await.unwrap();
    let mailbox = usage.streams.iter().find(|stream| stream.stream.as_str() == "RELEVO_MAILBOX").unwrap();
    assert_eq!(mailbox.messages, 2, "one message a folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_has_a_folder_and_who_lost_it_writes_nothing() {
    let server = NatsServer::start().await;
    let positions = Connection::connect(options(&server)).await.unwrap().mail_positions();
    let endpoint = EndpointId::new("mail-1").unwrap();
    let position = |last_uid| MailPosition {
        uid_validity: 7,
        last_uid,
        since: at(0),
        history_below: 40,
        mailbox: 3,
        read_at: at(1),
    };
    let mut first = held(positions.claim(&endpoint, "INBOX", "a", at(0), LEASE).await.unwrap());
    assert!(positions.store(&mut first, position(1), at(5)).await.unwrap());
    let refused = positions.claim(&endpoint, "INBOX", "b", at(34), LEASE).await.unwrap();
    assert_eq!(refused, Claim::Elsewhere { until: at(35) });
    // Its time is over: the next one goes on where it stood.
    let mut second = held(positions.claim(&endpoint, "INBOX", "b", at(35), LEASE).await.unwrap());
    assert_eq!(second.position, Some(position(1)));
    assert!(positions.store(&mut second, position(2), at(36)).await.unwrap());
    assert!(!positions.store(&mut first, position(9), at(36)).await.unwrap());
    assert!(!positions.renew(&mut first, at(36)).await.unwrap());
    assert_eq!(positions.load(&endpoint, "INBOX").await.unwrap(), Some(position(2)));
    // What is let go can be taken at once, by several at the same time: by one of them.
    positions.release(second, at(37)).await.unwrap();
    let (c, d) = tokio::join!(
        positions.claim(&endpoint, "INBOX", "c", at(37), LEASE),
        positions.claim(&endpoint, "INBOX", "d", at(37), LEASE)
    );
    let winners = [c.unwrap(), d.unwrap()].into_iter().filter(|claim| matches!(claim, Claim::Held(_))).count();
    assert_eq!(winners, 1);
    // A clock that runs a day ahead keeps nobody waiting for a day.
    let ahead = held(positions.claim(&endpoint, "Ventas", "a", at(86_400), LEASE).await.unwrap());
    assert_eq!(ahead.until, at(86_430));
    let refused = positions.claim(&endpoint, "Ventas", "b", at(0), LEASE).await.unwrap();
    assert_eq!(refused, Claim::Elsewhere { until: at(30) });
}
