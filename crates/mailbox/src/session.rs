//! One folder of a logged-in session: what is there, what is new, the mails themselves, and waiting for more.
//!
//! Commands are sent and answers read here, one by one, because a no in the middle must never pass for "nothing new".

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_imap::Session;
use async_imap::imap_proto::{
    AttributeValue, Capability, MailboxDatum, MessageSection, Outcome, RequestId, Response, ResponseCode, SectionPath,
    Status,
};
use bytes::Bytes;
use futures::FutureExt as _;
use jiff::fmt::strtime;
use relevo_domain::Timestamp;

use crate::folder_name::quoted;
use crate::guard::Allowance;
use crate::link::{ANSWER_BYTES_MAX, Connected, STALL_MAX, Stream};
use crate::trouble::{BYE, Refusal, Trouble};

/// How long a list of mails may be, in bytes: a million numbers.
const LIST_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How long the header of a mail may be, in bytes.
const HEADER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A folder as the server describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: Option<u32>,
}

/// What is known of a mail before it is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) uid: u32,
    pub(crate) bytes: u32,
    /// When the server got it.
    pub(crate) arrived: Option<Timestamp>,
}

pub(crate) struct FolderSession {
    session: Session<Stream>,
    allowance: Arc<Allowance>,
    idle: bool,
    /// The server has said since the last look that mails have come.
    pub(crate) more: bool,
}

impl FolderSession {
    pub(crate) async fn new(connected: Connected) -> Result<Self, Trouble> {
        let Connected { session, allowance } = connected;
        let mut this = Self { session, allowance, idle: false, more: false };
        let mut idle = false;
        this.command("CAPABILITY", ANSWER_BYTES_MAX, |response| {
            if let Response::Capabilities(capabilities) = response {
                idle = capabilities
                    .iter()
                    .any(|one| matches!(one, Capability::Atom(name) if name.eq_ignore_ascii_case("IDLE")));
            }
        })
        .await?;
        this.idle = idle;
        Ok(this)
    }

    /// Whether the server says by itself that mail has come.
    pub(crate) const fn can_idle(&self) -> bool {
        self.idle
    }

    /// Opens a folder for reading alone.
    pub(crate) async fn examine(&mut self, name: &str) -> Result<Folder, Trouble> {
        let mut folder = Folder { uid_validity: 0, uid_next: None };
        let command = format!("EXAMINE {}", quoted(name));
        let examined = self.command(&command, ANSWER_BYTES_MAX, |response| {
            if let Response::Data { outcome, .. } = response {
                match outcome.code {
                    Some(ResponseCode::UidValidity(number)) => folder.uid_validity = number,
                    Some(ResponseCode::UidNext(number)) => folder.uid_next = Some(number),
                    _ => {}
                }
            }
        });
        match examined.await {
            Ok(()) => Ok(folder),
            Err(Trouble::Refused(_)) => Err(Trouble::Account {
                code: "no-folder",
                detail: "a folder does not exist or cannot be opened".to_owned(),
            }),
            Err(trouble) => Err(trouble),
        }
    }

    /// The numbers of the mails that match, ascending.
    pub(crate) async fn search(&mut self, criteria: &str) -> Result<Vec<u32>, Trouble> {
        let mut found = Vec::new();
        self.command(&format!("UID SEARCH {criteria}"), LIST_BYTES_MAX, |response| {
            if let Response::MailboxData(MailboxDatum::Search(numbers)) = response {
                found.extend_from_slice(numbers);
            }
        })
        .await?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Sizes and times of mails, ascending. One that is gone is not among them.
    pub(crate) async fn list(&mut self, uids: &[u32]) -> Result<Vec<Listed>, Trouble> {
        let mut listed = Vec::new();
        let command = format!("UID FETCH {} (UID RFC822.SIZE INTERNALDATE)", set(uids));
        self.command(&command, LIST_BYTES_MAX, |response| {
            let Response::Fetch(_, attributes) = response else { return };
            let (mut uid, mut bytes, mut arrived) = (None, None, None);
            for attribute in attributes {
                match attribute {
                    AttributeValue::Uid(number) => uid = Some(*number),
                    AttributeValue::Rfc822Size(size) => bytes = Some(*size),
                    AttributeValue::InternalDate(text) => arrived = internal_date(text),
                    _ => {}
                }
            }
            if let (Some(uid), Some(bytes)) = (uid, bytes)
                && uids.binary_search(&uid).is_ok()
            {
                listed.push(Listed { uid, bytes, arrived });
            }
        })
        .await?;
        listed.sort_unstable_by_key(|mail| mail.uid);
        listed.dedup_by_key(|mail| mail.uid);
        Ok(listed)
    }

    /// Whole mails, ascending. `bytes` is what they have together.
    pub(crate) async fn fetch(&mut self, uids: &[u32], bytes: u64) -> Result<Vec<(u32, Bytes)>, Trouble> {
        self.bodies(uids, "BODY.PEEK[]", bytes + bytes / 8).await
    }

    /// The headers of mails alone.
    pub(crate) async fn fetch_headers(&mut self, uids: &[u32]) -> Result<Vec<(u32, Bytes)>, Trouble> {
        self.bodies(uids, "BODY.PEEK[HEADER]", HEADER_BYTES_MAX).await
    }

    async fn bodies(&mut self, uids: &[u32], what: &str, bytes: u64) -> Result<Vec<(u32, Bytes)>, Trouble> {
        let mut mails = Vec::new();
        let command = format!("UID FETCH {} (UID {what})", set(uids));
        self.command(&command, bytes + ANSWER_BYTES_MAX * uids.len() as u64, |response| {
            let Response::Fetch(_, attributes) = response else { return };
            let uid = attributes.iter().find_map(|attribute| match attribute {
                AttributeValue::Uid(number) => Some(*number),
                _ => None,
            });
            let body = attributes.iter().find_map(|attribute| match attribute {
                AttributeValue::BodySection {
                    section: None | Some(SectionPath::Full(MessageSection::Header)),
                    data: Some(data),
                    ..
                } => Some(Bytes::copy_from_slice(data)),
                _ => None,
            });
            if let (Some(uid), Some(body)) = (uid, body)
                && uids.binary_search(&uid).is_ok()
            {
                mails.push((uid, body));
            }
        })
        .await?;
        mails.sort_unstable_by_key(|(uid, _)| *uid);
        mails.dedup_by_key(|(uid, _)| *uid);
        Ok(mails)
    }

    /// Asks whether anything is new, where the server cannot say so by itself.
    pub(crate) async fn noop(&mut self) -> Result<(), Trouble> {
        self.command("NOOP", ANSWER_BYTES_MAX, |_| {}).await
    }

    /// Waits until the server says that mail has come; what comes meanwhile that is no mail is passed over. May be dropped at any
    /// point; [`Self::end_idle`] has to follow.
    pub(crate) async fn idle(&mut self, idling: &mut Option<RequestId>, stall: Duration) -> Result<(), Trouble> {
        if idling.is_none() {
            self.allowance.set(STALL_MAX, ANSWER_BYTES_MAX);
            *idling = Some(self.session.run_command("IDLE").await.map_err(|_| Trouble::Connection("closed"))?);
        }
        self.allowance.set(stall, LIST_BYTES_MAX);
        while !self.more {
            let said = self.read(|response| match response {
                Response::Done { .. } => Err(Trouble::Refused("idle")),
                other => noticed(other),
            });
            self.more |= said.await??;
        }
        Ok(())
    }

    /// Ends waiting.
    pub(crate) async fn end_idle(&mut self, idling: RequestId) -> Result<(), Trouble> {
        self.allowance.set(STALL_MAX, LIST_BYTES_MAX);
        self.session.run_command_untagged("DONE").await.map_err(|_| Trouble::Connection("closed"))?;
        self.finish(&idling, |_| {}).await
    }

    /// Says goodbye; the server need not answer.
    pub(crate) async fn log_out(mut self) {
        self.allowance.set(Duration::from_secs(1), ANSWER_BYTES_MAX);
        drop(self.session.run_command("LOGOUT").await);
    }

    async fn command(&mut self, command: &str, bytes: u64, each: impl FnMut(&Response<'_>)) -> Result<(), Trouble> {
        self.allowance.set(STALL_MAX, bytes);
        let id = self.session.run_command(command).await.map_err(|_| Trouble::Connection("closed"))?;
        self.finish(&id, each).await
    }

    async fn finish(&mut self, id: &RequestId, mut each: impl FnMut(&Response<'_>)) -> Result<(), Trouble> {
        loop {
            let said = self.read(|response| match response {
                Response::Done { tag, status, outcome } if tag == id => Said::Finished(finished(status, outcome)),
                other => {
                    each(other);
                    Said::Other(noticed(other))
                }
            });
            match said.await? {
                Said::Finished(outcome) => return outcome,
                Said::Other(more) => self.more |= more?,
            }
        }
    }

    async fn read<T>(&mut self, take: impl FnOnce(&Response<'_>) -> T) -> Result<T, Trouble> {
        // The parser is somebody else's, and what it parses is a stranger's.
        match AssertUnwindSafe(self.session.read_response()).catch_unwind().await {
            Ok(Ok(Some(response))) => Ok(take(response.parsed())),
            Ok(Ok(None)) => Err(Trouble::Connection("closed")),
            Ok(Err(error)) => match error.kind() {
                std::io::ErrorKind::TimedOut => Err(Trouble::Connection("stalled")),
                // Said by the parser, and by the guard of the stream.
                std::io::ErrorKind::Other | std::io::ErrorKind::InvalidData => Err(Trouble::Refused("garbled")),
                _ => Err(Trouble::Connection("closed")),
            },
            Err(_panic) => Err(Trouble::Refused("garbled")),
        }
    }
}

/// What a server said while a command ran.
enum Said {
    Finished(Result<(), Trouble>),
    Other(Result<bool, Trouble>),
}

fn finished(status: &Status, outcome: &Outcome<'_>) -> Result<(), Trouble> {
    let words = outcome.information.as_deref().unwrap_or_default();
    match status {
        Status::Ok => Ok(()),
        // The server's own trouble with this very thing does not pass by waiting.
        Status::No if words.contains("[SERVERBUG]") => Err(Trouble::Refused("no")),
        Status::No if matches!(Refusal::of(words), Refusal::Later) => Err(Trouble::Throttled),
        Status::No => Err(Trouble::Refused("no")),
        _ => Err(Trouble::Refused("bad")),
    }
}

/// What a server may say at any time: whether mail has come, or goodbye.
const fn noticed(response: &Response<'_>) -> Result<bool, Trouble> {
    match response {
        Response::MailboxData(MailboxDatum::Exists(_)) => Ok(true),
        Response::Data { status: Status::Bye, .. } => Err(Trouble::Connection(BYE)),
        _ => Ok(false),
    }
}

/// `1,2,3,7` is `1:3,7`.
pub(crate) fn set(uids: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for uid in uids {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*uid) => *last = *uid,
            Some(_) | None => ranges.push((*uid, *uid)),
        }
    }
    let text =
        ranges.iter().map(|(first, last)| if first == last { first.to_string() } else { format!("{first}:{last}") });
    text.collect::<Vec<_>>().join(",")
}

/// ` 7-Feb-1994 22:43:04 -0800`.
fn internal_date(text: &str) -> Option<Timestamp> {
    let parsed = strtime::parse("%d-%b-%Y %H:%M:%S %z", text.trim()).ok()?.to_timestamp().ok()?;
    Some(Timestamp::from_millis(parsed.as_millisecond()))
}

/// `21-Nov-2026`, as a search wants it; UTC.
pub(crate) fn search_date(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%-d-%b-%Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_dates_are_written_and_read_as_imap_has_them() {
        assert_eq!(set(&[1, 2, 3, 7, 9, 10]), "1:3,7,9:10");
        assert_eq!(set(&[u32::MAX - 1, u32::MAX]), "4294967294:4294967295");
        let at = internal_date("21-Nov-2026 10:00:00 -0300").unwrap();
        assert_eq!(at.as_millis(), 1_795_266_000_000);
        assert!(internal_date(" 7-Feb-1994 22:43:04 -0800").is_some());
        assert_eq!(internal_date("yesterday"), None);
        assert_eq!(search_date(at), "21-Nov-2026");
        assert_eq!(search_date(Timestamp::from_seconds(0)), "1-Jan-1970");
    }
}
