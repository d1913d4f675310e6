//! Reads the whole log, by the server's own door, and puts it before the checkers.

use std::path::Path;
use std::time::Duration;

use relevo_domain::conversation::{Author, ConversationEvent};
use relevo_domain::{Event, Recorded};
use relevo_eventlog::{Connection, Credentials, Log as _, Options};
use tokio::time::timeout;
use tokio_stream::StreamExt as _;

use super::promises::{Answered, Findings, Held, Link, Promise, applied, chained, kept};

/// A whole log of this suite is read in a second or two.
const READ_WITHIN: Duration = Duration::from_mins(1);
/// What a broker divides on a server of somebody else's, by default.
const EXTERNAL_STORE_BYTES: u64 = 10 * 1024 * 1024 * 1024;

/// How to reach the log of a broker.
pub fn own(data: &Path) -> Options {
    let file = |name: &str| std::fs::read_to_string(data.join("nats").join(name)).unwrap().trim().to_owned();
    let mut options = Options::new(format!("nats://127.0.0.1:{}", file("port")));
    options.credentials = Some(Credentials::Password { user: "relevo".to_owned(), password: file("password") });
    options.store_bytes = file("store-bytes").parse().unwrap();
    options
}

/// How to reach the log on a server without credentials.
pub fn external(url: &str) -> Options {
    let mut options = Options::new(url);
    options.store_bytes = EXTERNAL_STORE_BYTES;
    options
}

/// Every commit, from the first to the last.
pub async fn commits(options: Options) -> Vec<Recorded> {
    let connection = Connection::connect(options).await.unwrap();
    let log = connection.events();
    let last = log.identity().await.unwrap().last_sequence;
    let mut commits = Vec::new();
    let mut reading = log.read(1).await.unwrap();
    let all = async {
        while commits.last().map_or(0, |commit: &Recorded| commit.sequence) < last {
            commits.push(reading.next().await.expect("it does not end").expect("every commit can be decoded"));
        }
    };
    if last > 0 {
        timeout(READ_WITHIN, all).await.expect("the log is read");
    }
    connection.close().await.ok();
    commits
}

/// The log by itself: nothing missing, each entity's commits behind each other, no command applied twice.
pub fn whole(log: &[Recorded]) -> Findings {
    let links: Vec<Link> = log.iter().map(link).collect();
    let mut findings = chained(&links);
    findings.add(applied(&[], &links));
    findings
}

/// The log against everything that was promised.
pub fn findings(log: &[Recorded], promises: &[Promise], answered: &[Answered]) -> Findings {
    let links: Vec<Link> = log.iter().map(link).collect();
    let mut findings = kept(promises, &held(log));
    findings.add(chained(&links));
    findings.add(applied(answered, &links));
    findings
}

/// The customers' messages.
pub fn held(log: &[Recorded]) -> Vec<Held> {
    let mut held = Vec::new();
    for recorded in log {
        for event in &recorded.commit.events {
            let Event::Conversation(ConversationEvent::MessageReceived(message)) = event else { continue };
            if message.author == Author::Customer {
                held.push(Held {
                    text: message.content.personal.text.clone().unwrap_or_default().trim().to_owned(),
                    entity: format!("{}/{}", recorded.commit.tenant, recorded.commit.entity),
                    sequence: recorded.sequence,
                });
            }
        }
    }
    held
}

fn link(recorded: &Recorded) -> Link {
    let commit = &recorded.commit;
    Link {
        sequence: recorded.sequence,
        entity: format!("{}/{}", commit.tenant, commit.entity),
        command: commit.command_id.to_string(),
        first_version: commit.first_version,
        last_version: commit.last_version(),
        previous: commit.previous_hash,
        hash: recorded.hash,
    }
}
