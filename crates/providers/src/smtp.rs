//! The door to a mail server: a mail is submitted over a connection that is logged in, and the answer to its final dot counts.
//!
//! The steps are taken one by one, because what a failure means depends on the step: until the text is being written the
//! server cannot have the mail, and from there on nobody knows without its answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use lettre::Address;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use relevo_domain::conversation::FailureClass;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::account::{Account, AccountKey, MailAccount};
use crate::counted::Written;
use crate::deadline::{Deadline, in_time};
use crate::door::Outcome;
use crate::refusal::{Refusal, failure};
use crate::smtp_session::{self, Session, refused};
use crate::tokens::Tokens;

/// A whole submission, from taking a connection to the answer to the final dot: 25 MB at 10 Mbit/s, or a server that looks for
/// viruses before it answers. With what the sender adds it is the longest call that the rules know of (30 s).
pub(crate) const SUBMIT_MAX: Duration = Duration::from_secs(28);
/// Connections of one account: Microsoft 365 refuses a fourth.
const CONNECTIONS_MAX: usize = 3;
/// An idle connection is used again within this time: servers close them after a minute or more.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// The connections of every account.
pub(crate) struct Mails {
    tokens: Tokens,
    /// One an account that is sending; a changed account gets a new one.
    pools: Mutex<HashMap<AccountKey, Arc<Pool>>>,
}

/// The connections of one account, as it is configured now.
struct Pool {
    revision: u64,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    session: Session,
    since: Instant,
}

/// A connection in use. It goes back when it is handed back, and is closed when dropped.
struct Taken {
    session: Session,
    /// It was idle before: the server may have closed it.
    reused: bool,
    _permit: OwnedSemaphorePermit,
}

/// How far a submission has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The server has no text of it.
    Envelope,
    /// The text, or its final dot, is on the way; so much had been written before it.
    Text { before: Option<u64> },
}

/// A mail with its envelope.
pub(crate) struct Submission<'m> {
    pub(crate) from: &'m str,
    pub(crate) to: &'m [String],
    pub(crate) bytes: &'m Bytes,
}

enum Trouble {
    /// The server does not have the mail.
    Refused(Refusal),
    /// The same, because the connection was gone: another one may do.
    Gone(Refusal),
    /// Nobody knows.
    Unknown(String),
}

// === impl Mails ===

impl Mails {
    pub(crate) fn new(tokens: Tokens) -> Self {
        Self { tokens, pools: Mutex::default() }
    }

    /// Makes sure that there is a connection, logged in: what is wrong with it shows before a message is claimed.
    pub(crate) async fn warm(&self, account: &Account, mail: &MailAccount) -> Result<(), Refusal> {
        let pool = self.pool(account);
        // Where all connections are in use, they work.
        if pool.has_idle() || pool.permits.available_permits() == 0 {
            return Ok(());
        }
        let taken = self.take(&pool, mail, Instant::now() + SUBMIT_MAX, true).await?;
        pool.give_back(taken);
        Ok(())
    }

    /// The one submission. Its text is not begun when `by` is over, and not gone on with when a submission has to be over.
    pub(crate) async fn submit(
        &self,
        account: &Account,
        mail: &MailAccount,
        submission: Submission<'_>,
        by: Deadline,
    ) -> Outcome {
        let pool = self.pool(account);
        let end = Deadline::within(SUBMIT_MAX, by.clock());
        let mut may_reuse = true;
        loop {
            let taken = match self.take(&pool, mail, end.instant().min(by.instant()), may_reuse).await {
                Ok(taken) => taken,
                Err((failure, retry_after)) => return Outcome::Failed { failure, retry_after },
            };
            let reused = taken.reused;
            match over(taken, &submission, by, end).await {
                Ok(taken) => {
                    pool.give_back(taken);
                    return Outcome::Accepted { provider_id: message_id(submission.bytes) };
                }
                // It had been closed while it was idle, and nothing of the mail got through: once more on a new one.
                Err(Trouble::Gone(_)) if reused && may_reuse => may_reuse = false,
                Err(Trouble::Gone((failure, retry_after)) | Trouble::Refused((failure, retry_after))) => {
                    return Outcome::Failed { failure, retry_after };
                }
                Err(Trouble::Unknown(detail)) => return Outcome::Unknown { detail },
            }
        }
    }

    /// The pool of an account as it is configured now; the connections of an older configuration are closed.
    fn pool(&self, account: &Account) -> Arc<Pool> {
        let key = (account.tenant.clone(), account.channel.clone());
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        // A pool that nobody holds and that has no connection is as good as a new one; so removed accounts leave nothing.
        pools.retain(|_, pool| Arc::strong_count(pool) > 1 || pool.has_idle());
        let current = pools.get(&key).filter(|pool| pool.revision == account.revision).cloned();
        current.unwrap_or_else(|| {
            let pool = Arc::new(Pool {
                revision: account.revision,
                permits: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
                idle: Mutex::default(),
            });
            pools.insert(key, Arc::clone(&pool));
            pool
        })
    }

    async fn take(&self, pool: &Pool, mail: &MailAccount, end: Instant, may_reuse: bool) -> Result<Taken, Refusal> {
        let transient = |code, why: &str| (failure(FailureClass::Transient, code, why), None);
        let permit = timeout_at(end, Arc::clone(&pool.permits).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return Err(transient("busy", "every connection of the account is in use")) };
        if let Some(session) = pool.fresh().filter(|_| may_reuse) {
            return Ok(Taken { session, reused: true, _permit: permit });
        }
        let opening = smtp_session::open(mail, &self.tokens);
        let Ok(opened) = timeout_at(end, opening).await else {
            return Err(transient("timeout", "no connection to the mail server in time"));
        };
        Ok(Taken { session: opened?, reused: false, _permit: permit })
    }
}

// === impl Pool ===

impl Pool {
    fn has_idle(&self) -> bool {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().any(|idle| idle.since.elapsed() < IDLE_MAX)
    }

    /// The connection that was used last. Those that were idle for too long are closed.
    fn fresh(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| idle.since.elapsed() < IDLE_MAX);
        idle.pop().map(|idle| idle.session)
    }

    fn give_back(&self, taken: Taken) {
        let idle = Idle { session: taken.session, since: Instant::now() };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
    }
}

/// One submission over one connection. The connection survives a success and nothing else.
async fn over(mut taken: Taken, submission: &Submission<'_>, by: Deadline, end: Deadline) -> Result<Taken, Trouble> {
    let mut stage = Stage::Envelope;
    match in_time(end, tell(&mut taken.session, submission, by, &mut stage)).await {
        Some(Ok(())) => Ok(taken),
        Some(Err(trouble)) => Err(trouble),
        None => Err(match stage {
            Stage::Envelope => {
                let slow = failure(FailureClass::Transient, "timeout", "the mail server did not answer in time");
                Trouble::Refused((slow, None))
            }
            Stage::Text { before } => unfinished(&taken.session, submission, before),
        }),
    }
}

async fn tell(
    session: &mut Session,
    submission: &Submission<'_>,
    by: Deadline,
    stage: &mut Stage,
) -> Result<(), Trouble> {
    let from = address(submission.from)?;
    let to = submission.to.iter().map(|to| address(to)).collect::<Result<Vec<_>, _>>()?;
    let parameters = parameters(session, submission)?;
    let gone = || (failure(FailureClass::Transient, "connection", "the connection broke off"), None);
    let before = |error| refused(&error).map_or_else(|| Trouble::Gone(gone()), Trouble::Refused);
    let connection = &mut session.connection;
    let envelope = async {
        connection.command(Mail::new(Some(from), parameters)).await.map_err(before)?;
        for to in to {
            // One refused recipient refuses the mail: nobody has it then, and the sender is told whom it is about.
            connection.command(Rcpt::new(to, Vec::new())).await.map_err(before)?;
        }
        connection.command(Data).await.map_err(before)
    };
    let told = in_time(by, envelope).await;
    // The last look: with the text begins what cannot be taken back.
    let (Some(told), false) = (told, by.is_over()) else {
        let why = "there was no time left to submit it";
        return Err(Trouble::Refused((failure(FailureClass::Transient, "timeout", why), None)));
    };
    told?;
    let before = session.written.as_ref().map(Written::bytes);
    *stage = Stage::Text { before };
    match session.connection.message(submission.bytes).await {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(&error).map_or_else(|| unfinished(session, submission, before), Trouble::Refused)),
    }
}

/// What is known when the text was begun and its answer did not come: if fewer bytes have left than the mail has, its final
/// dot is not among them, and without it no server takes a mail.
fn unfinished(session: &Session, submission: &Submission<'_>, before: Option<u64>) -> Trouble {
    let written = session.written.as_ref().map(Written::bytes);
    let left = written.zip(before).map(|(written, before)| written.saturating_sub(before));
    if left.is_some_and(|left| left < submission.bytes.len() as u64) {
        let why = "the connection broke off, or was too slow, before the whole mail was sent";
        return Trouble::Refused((failure(FailureClass::Transient, "connection", why), None));
    }
    Trouble::Unknown("the mail server did not acknowledge the mail".to_owned())
}

fn address(text: &str) -> Result<Address, Trouble> {
    let refused = || failure(FailureClass::Recipient, "5.1.3", "an address of the envelope is not one");
    text.parse().map_err(|_| Trouble::Refused((refused(), None)))
}

/// What the server has to be told about the mail, if it can be told.
fn parameters(session: &Session, submission: &Submission<'_>) -> Result<Vec<MailParameter>, Trouble> {
    let server = session.connection.server_info();
    let mut parameters = Vec::new();
    if !submission.from.is_ascii() || submission.to.iter().any(|to| !to.is_ascii()) {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            let why = "the mail server takes no addresses beyond ASCII";
            return Err(Trouble::Refused((failure(FailureClass::Recipient, "5.6.7", why), None)));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !submission.bytes.is_ascii() && server.supports_feature(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}

/// Our own Message-ID: the server keeps it, and a report names it.
fn message_id(bytes: &[u8]) -> String {
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n").map_or(bytes, |end| &bytes[..end]);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let name = |line: &str| line.split_once(':').is_some_and(|(name, _)| name.eq_ignore_ascii_case("message-id"));
    let Some(line) = lines.find(|line| name(line)) else { return String::new() };
    let mut value = line.split_once(':').map_or("", |(_, value)| value).trim().to_owned();
    // A long id stands on the next line.
    value.extend(lines.take_while(|line| line.starts_with([' ', '\t'])).map(str::trim));
    value.trim_start_matches('<').trim_end_matches('>').to_owned()
}

#[cfg(test)]
mod tests {
    use super::message_id;

    #[test]
    fn the_message_id_is_found_also_on_the_next_line_and_never_in_the_text() {
        assert_eq!(message_id(b"From: a@b.c\r\nMessage-ID: <1.2.3@b.c>\r\nTo: d@e.f\r\n\r\nHola"), "1.2.3@b.c");
        assert_eq!(message_id(b"message-id:\r\n <1.2.3@b.c>\r\nTo: d@e.f\r\n\r\nHola"), "1.2.3@b.c");
        assert_eq!(message_id(b"To: d@e.f\r\n\r\nMessage-ID: <1.2.3@b.c>\r\n"), "");
    }
}
