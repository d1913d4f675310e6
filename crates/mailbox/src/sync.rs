//! Bringing in what is new: from the folder to the raw stream, a few mails at a time, and then the position.

use std::time::Duration;

use bytes::Bytes;
use relevo_domain::{EndpointId, Timestamp};
use relevo_eventlog::{Hold, InputKind, LogError, MailPosition, Notes, RawInput};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::Shared;
use crate::careful::{Careful, given_up};
use crate::memory::{AccountMemory, OWN_KIB, Room};
use crate::pause::Pauses;
use crate::session::{Folder, FolderSession, Listed, search_date, set};
use crate::trouble::Trouble;

/// Mails whose sizes are asked for at once.
const LIST_MAX: usize = 200;
/// Mails that are fetched at once: as many as may be repeated after a crash.
const GROUP_MAILS_MAX: usize = 20;
/// Bytes that are fetched at once, for which an account always has room; a larger mail is fetched alone.
const GROUP_BYTES_MAX: u64 = OWN_KIB as u64 / COPIES * KIB;
/// Looks at a folder in a row: a folder that fills faster than it is read is looked at again after a renewal.
const LOOKS_MAX: usize = 1_000;
/// How long a mail in memory waits for a log that is away or full, before it is fetched again later.
const LOG_PATIENCE: Duration = Duration::from_mins(10);
const LOG_PAUSE_FIRST: Duration = Duration::from_millis(250);
const LOG_PAUSE_MAX: Duration = Duration::from_secs(15);
/// A server's clock may be behind ours by so much: a mail that came in that time is no history.
const CLOCK_MARGIN: Duration = Duration::from_mins(2);
/// What a mail has whose size the server refuses to say: too much.
const BYTES_UNKNOWN: u32 = u32::MAX;
const DAY: Duration = Duration::from_hours(24);
const CONTENT_TYPE: &str = "message/rfc822";
const KIB: u64 = 1024;
/// A mail is in memory as it comes off the wire, and once more.
const COPIES: u64 = 2;

/// Where mails of a folder go.
pub(crate) struct Target<'t> {
    pub(crate) shared: &'t Shared,
    pub(crate) memory: &'t AccountMemory,
    pub(crate) endpoint: &'t EndpointId,
    /// The folder's name.
    pub(crate) folder: &'t str,
    /// Which mailbox it is in, as [`mailbox_hash`] has it.
    pub(crate) mailbox: u64,
    pub(crate) import_days: u32,
}

/// Tells one mailbox from another that a channel was given instead: their numbers may look alike, and mean other mails. Never 0.
pub(crate) fn mailbox_hash(host: &str, user: &str) -> u64 {
    let named = format!("{}\0{}", host.to_lowercase(), user.to_lowercase());
    let mut first = [0; 8];
    first.copy_from_slice(&Sha256::digest(named)[..8]);
    u64::from_be_bytes(first).max(1)
}

/// What a stored position is worth in the folder that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    Good,
    /// Numbers mean other mails now, or none.
    NumberedAnew,
    OtherMailbox,
}

fn worth(position: &MailPosition, mailbox: u64, folder: Folder) -> Worth {
    if position.mailbox != 0 && position.mailbox != mailbox {
        return Worth::OtherMailbox;
    }
    // A server that begins again and says the same UIDVALIDITY as before.
    let begun_again = folder.uid_next.is_some_and(|next| next <= position.last_uid);
    if position.uid_validity == folder.uid_validity && !begun_again { Worth::Good } else { Worth::NumberedAnew }
}

/// Runs a future and holds the folder meanwhile.
pub(crate) async fn holding<T>(
    target: &Target<'_>,
    hold: &mut Hold,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let (parts, lease) = (&target.shared.parts, target.shared.options.lease);
    let mut renewal = tokio::time::interval_at(Instant::now() + lease / 3, lease / 3);
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = renewal.tick() => match parts.positions.renew(hold, (parts.clock)()).await {
                Ok(true) => {}
                Ok(false) => return Err(Trouble::Lost),
                // Nobody else can take it while the log is away.
                Err(error) => tracing::debug!(%error, "a mailbox could not be held for longer"),
            },
        }
    }
}

/// Decides where to begin in a folder that was opened.
pub(crate) async fn begin(
    target: &Target<'_>,
    session: &mut FolderSession,
    hold: &mut Hold,
    folder: Folder,
) -> Result<(), Trouble> {
    let now = (target.shared.parts.clock)();
    let import = DAY * target.import_days;
    let (uid_validity, mailbox) = (folder.uid_validity, target.mailbox);
    let position = if let Some(before) = hold.position {
        let endpoint = target.endpoint;
        let since = match worth(&before, mailbox, folder) {
            Worth::Good => {
                // Written down with the next renewal.
                hold.position = Some(MailPosition { mailbox, ..before });
                return Ok(());
            }
            Worth::NumberedAnew => {
                tracing::warn!(%endpoint, "a folder was numbered anew; it is read again from where it was connected");
                before.since
            }
            // What came to the new one while nobody looked at the old one any more is new; all else of it is history.
            Worth::OtherMailbox => {
                tracing::warn!(%endpoint, "a folder is another mailbox's now; it is read from when the last one was");
                before.since.max(before.read_at)
            }
        };
        let last_uid = holding(target, hold, before_first(session, folder, Some(since - import))).await?;
        // Numbers say nothing about when a mail came any more; its time does.
        MailPosition { uid_validity, last_uid, since, history_below: 0, mailbox, read_at: before.read_at }
    } else {
        let end = holding(target, hold, before_first(session, folder, None)).await?;
        let last_uid = match target.import_days {
            0 => end,
            _ => holding(target, hold, before_first(session, folder, Some(now - import))).await?,
        };
        let history_below = end.saturating_add(1);
        MailPosition { uid_validity, last_uid, since: now, history_below, mailbox, read_at: now }
    };
    store(target, hold, position).await
}

/// The number before the first mail since a day; before the next one that comes, if there is none.
async fn before_first(session: &mut FolderSession, folder: Folder, since: Option<Timestamp>) -> Result<u32, Trouble> {
    if let Some(since) = since
        && let Some(first) = session.search(&since_the_day_before(since)).await?.first()
    {
        return Ok(first.saturating_sub(1));
    }
    match folder.uid_next {
        Some(next) => Ok(next.saturating_sub(1)),
        None => Ok(session.search("UID *").await?.last().copied().unwrap_or(0)),
    }
}

/// Servers take the day of their own clock, or of the mail's: what came at our midnight may have another date with them.
fn since_the_day_before(since: Timestamp) -> String {
    format!("SINCE {}", search_date(since - DAY))
}

/// Brings in everything that is new. `careful` lives longer than the session.
pub(crate) async fn catch_up(
    target: &Target<'_>,
    session: &mut FolderSession,
    hold: &mut Hold,
    careful: &mut Option<Careful>,
) -> Result<(), Trouble> {
    for _ in 0..LOOKS_MAX {
        let Some(position) = hold.position else { return Err(Trouble::Lost) };
        let Some(next) = position.last_uid.checked_add(1) else { return Ok(()) };
        session.more = false;
        // A range whose end is `*` always holds the last mail, also if that is not new.
        let criteria = format!("UID {next}:*");
        let new = holding(target, hold, session.search(&criteria)).await?;
        let new: Vec<u32> = new.into_iter().filter(|uid| *uid >= next).collect();
        if new.is_empty() && !session.more {
            break;
        }
        let mut at = 0;
        while at < new.len() {
            let span = careful.map_or(LIST_MAX, |careful| careful.span.min(LIST_MAX));
            let uids = &new[at..new.len().min(at + span)];
            at += uids.len();
            let listed = list(target, session, hold, uids, careful).await?;
            for group in groups(&listed, span.min(GROUP_MAILS_MAX), target.shared.options.mail_bytes_max) {
                // Boxed: a mail at a time is not worth a large future of this whole round.
                Box::pin(bring_in(target, session, hold, group, careful)).await?;
            }
            // Those that were gone before they could be listed are not looked for again.
            if let (Some(last), Some(position)) = (uids.last(), hold.position)
                && *last > position.last_uid
            {
                store(target, hold, MailPosition { last_uid: *last, ..position }).await?;
            }
        }
    }
    *careful = None;
    if let Some(position) = &mut hold.position {
        // Written down with the next renewal.
        position.read_at = (target.shared.parts.clock)();
    }
    Ok(())
}

/// Sizes and times of mails.
async fn list(
    target: &Target<'_>,
    session: &mut FolderSession,
    hold: &mut Hold,
    uids: &[u32],
    careful: &mut Option<Careful>,
) -> Result<Vec<Listed>, Trouble> {
    if let [uid] = *uids
        && Careful::about(*careful, uid).is_some_and(|careful| careful.unlisted)
    {
        return Ok(vec![Listed { uid, bytes: BYTES_UNKNOWN, arrived: None }]);
    }
    let work = async {
        let listed = session.list(uids).await?;
        let left_out: Vec<u32> =
            uids.iter().copied().filter(|uid| listed.binary_search_by_key(uid, |mail| mail.uid).is_err()).collect();
        // Gone since they were found, or there and not shown: then the one is looked for that the server has trouble with.
        if still_there(session, &left_out).await? {
            tracing::warn!(endpoint = %target.endpoint, mails = left_out.len(), "a server finds mails that it does not list");
            return Err(Trouble::Refused("not listed"));
        }
        Ok(listed)
    };
    let listed = holding(target, hold, work).await;
    if let Err(trouble) = &listed {
        Careful::suspect(careful, uids, true, trouble);
    }
    listed
}

/// Mails that are fetched together, at most `most`. One that is large is alone.
fn groups(listed: &[Listed], most: usize, mail_bytes_max: u32) -> Vec<&[Listed]> {
    let alone = |mail: &Listed| mail.bytes > mail_bytes_max || u64::from(mail.bytes) > GROUP_BYTES_MAX;
    let mut groups = Vec::new();
    let mut from = 0;
    while from < listed.len() {
        let (mut to, mut bytes) = (from, 0);
        while to < listed.len() && to - from < most.max(1) {
            bytes += u64::from(listed[to].bytes);
            if to > from && (bytes > GROUP_BYTES_MAX || alone(&listed[to])) {
                break;
            }
            to += 1;
            if alone(&listed[to - 1]) {
                break;
            }
        }
        groups.push(&listed[from..to]);
        from = to;
    }
    groups
}

async fn bring_in(
    target: &Target<'_>,
    session: &mut FolderSession,
    hold: &mut Hold,
    group: &[Listed],
    careful: &mut Option<Careful>,
) -> Result<(), Trouble> {
    let (Some(first), Some(last), Some(position)) = (group.first(), group.last(), hold.position) else { return Ok(()) };
    let done = MailPosition { last_uid: last.uid, ..position };
    let uids: Vec<u32> = group.iter().map(|mail| mail.uid).collect();
    let suspect = Careful::about(*careful, first.uid);
    let may_be_whole = suspect.is_none_or(|suspect| suspect.may_be_whole());
    // The room is kept until they are stored, however long the log keeps them waiting.
    let (fetched, _room) = match fetch(target, session, hold, group, &uids, may_be_whole).await {
        Ok(fetched) => fetched,
        Err(trouble) => {
            if group.len() == 1 && given_up(&trouble, suspect) {
                let (endpoint, uid) = (target.endpoint, first.uid);
                let tries = suspect.map_or(0, |suspect| suspect.tries);
                tracing::error!(%endpoint, uid, tries, "a mail that the server cannot show is passed over");
                let note = passed_over(target, &position, first);
                holding(target, hold, append(target, note)).await?;
                store(target, hold, done).await?;
                *careful = None;
            } else {
                Careful::suspect(careful, &uids, false, &trouble);
            }
            return Err(trouble);
        }
    };
    let now = (target.shared.parts.clock)();
    for (mail, body, whole) in fetched {
        let imported = is_history(&position, &mail);
        let received_at = mail.arrived.filter(|_| imported).map_or(now, |arrived| arrived.min(now));
        let bytes = if mail.bytes == BYTES_UNKNOWN { body.len() as u64 } else { u64::from(mail.bytes) };
        let input = RawInput {
            endpoint: target.endpoint.clone(),
            kind: InputKind::Email,
            received_at,
            content_type: CONTENT_TYPE.to_owned(),
            notes: Notes { imported, truncated_from: (!whole).then_some(bytes), ..Notes::default() },
            body,
        };
        holding(target, hold, append(target, input)).await?;
    }
    store(target, hold, done).await?;
    if suspect.is_some() {
        *careful = None;
    }
    Ok(())
}

/// What is stored instead of a mail that the server cannot show: no mail, so that it is parked where operators see it.
fn passed_over(target: &Target<'_>, position: &MailPosition, mail: &Listed) -> RawInput {
    let now = (target.shared.parts.clock)();
    let imported = is_history(position, mail);
    let (folder, uid, uid_validity) = (target.folder, mail.uid, position.uid_validity);
    // Its first line is no header field, and a blank one follows: it has no header, whatever the folder is called.
    let note = format!(
        "The mail server could not hand out a mail, and it was passed over. Look for it in the mailbox itself.\r\n\r\n\
         Folder: {folder}\r\nUID: {uid}\r\nUIDVALIDITY: {uid_validity}\r\n"
    );
    let bytes = if mail.bytes == BYTES_UNKNOWN { note.len() as u64 } else { u64::from(mail.bytes) };
    RawInput {
        endpoint: target.endpoint.clone(),
        kind: InputKind::Email,
        received_at: mail.arrived.map_or(now, |arrived| arrived.min(now)),
        content_type: CONTENT_TYPE.to_owned(),
        notes: Notes { imported, truncated_from: Some(bytes), ..Notes::default() },
        body: Bytes::from(note),
    }
}

type Fetched = Vec<(Listed, Bytes, bool)>;

/// The mails of a group and whether each is whole, and the room that they take. One that is gone is not among them.
async fn fetch(
    target: &Target<'_>,
    session: &mut FolderSession,
    hold: &mut Hold,
    group: &[Listed],
    uids: &[u32],
    may_be_whole: bool,
) -> Result<(Fetched, Room), Trouble> {
    let bytes: u64 = group.iter().map(|mail| u64::from(mail.bytes)).sum();
    let too_large = group.iter().any(|mail| mail.bytes > target.shared.options.mail_bytes_max);
    let whole = !too_large && may_be_whole;
    let wanted_kib = if whole { u32::try_from((bytes * COPIES).div_ceil(KIB)).unwrap_or(u32::MAX) } else { 1 };
    let room = async { target.memory.take(wanted_kib.max(1)).await.ok_or(Trouble::Stopped) };
    let room = holding(target, hold, room).await?;
    let work = async {
        let bodies = if whole { session.fetch(uids, bytes).await? } else { session.fetch_headers(uids).await? };
        // A server that leaves mails out has lost them, or they were removed meanwhile: it has to say which.
        let missing: Vec<u32> =
            uids.iter().copied().filter(|uid| bodies.binary_search_by_key(uid, |(uid, _)| *uid).is_err()).collect();
        if still_there(session, &missing).await? {
            return Err(Trouble::Refused("left out"));
        }
        Ok(bodies)
    };
    let bodies = holding(target, hold, work).await?;
    let known = bodies.into_iter().filter_map(|(uid, body)| {
        let at = group.binary_search_by_key(&uid, |mail| mail.uid).ok()?;
        Some((group[at], body, whole))
    });
    Ok((known.collect(), room))
}

/// Whether the server finds one of these.
async fn still_there(session: &mut FolderSession, uids: &[u32]) -> Result<bool, Trouble> {
    Ok(!uids.is_empty() && !session.search(&format!("UID {}", set(uids))).await?.is_empty())
}

fn is_history(position: &MailPosition, mail: &Listed) -> bool {
    mail.uid < position.history_below || mail.arrived.is_some_and(|arrived| arrived + CLOCK_MARGIN < position.since)
}

/// Stores a mail; waits for a log that is away or full.
async fn append(target: &Target<'_>, input: RawInput) -> Result<(), Trouble> {
    let mut pauses = Pauses::new(LOG_PAUSE_FIRST, LOG_PAUSE_MAX);
    let end = Instant::now() + LOG_PATIENCE;
    loop {
        match target.shared.parts.intake.append(&input).await {
            Ok(_stored) => return Ok(()),
            Err(error @ (LogError::Unavailable(_) | LogError::Full)) if Instant::now() < end => {
                tracing::warn!(endpoint = %target.endpoint, %error, "a mail waits for the log");
                tokio::time::sleep(pauses.next()).await;
            }
            Err(error) => return Err(Trouble::Log(error)),
        }
    }
}

async fn store(target: &Target<'_>, hold: &mut Hold, position: MailPosition) -> Result<(), Trouble> {
    let parts = &target.shared.parts;
    let stored = parts.positions.store(hold, position, (parts.clock)()).await?;
    if stored { Ok(()) } else { Err(Trouble::Lost) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(uid: u32, bytes: u32) -> Listed {
        Listed { uid, bytes, arrived: Some(Timestamp::from_seconds(i64::from(uid))) }
    }

    #[test]
    fn large_mails_are_fetched_alone_and_others_together() {
        const MIB: u32 = 1024 * 1024;
        let listed = [
            mail(1, 10),
            mail(2, 10),
            mail(3, 5 * MIB),
            mail(4, 10),
            mail(6, 99 * MIB),
            mail(7, 10),
            mail(8, 10),
            mail(9, 10),
        ];
        let uids = |most| -> Vec<Vec<u32>> {
            let groups = groups(&listed, most, 35 * MIB);
            groups.iter().map(|group| group.iter().map(|mail| mail.uid).collect()).collect()
        };
        assert_eq!(uids(20), [vec![1, 2], vec![3], vec![4], vec![6], vec![7, 8, 9]]);
        assert_eq!(uids(2), [vec![1, 2], vec![3], vec![4], vec![6], vec![7, 8], vec![9]]);
        let many: Vec<Listed> = (1..=50).map(|uid| mail(uid, 10)).collect();
        assert_eq!(groups(&many, 20, MIB).iter().map(|group| group.len()).collect::<Vec<_>>(), [20, 20, 10]);
        let heavy: Vec<Listed> = (1..=4).map(|uid| mail(uid, 3 * MIB)).collect();
        assert_eq!(groups(&heavy, 20, 35 * MIB).len(), 4);
    }

    #[test]
    fn the_first_mail_is_looked_for_from_the_day_before() {
        // 01:30 in UTC is the evening before in Buenos Aires.
        assert_eq!(since_the_day_before(Timestamp::from_seconds(1_795_224_600)), "SINCE 20-Nov-2026");
    }

    #[test]
    fn history_is_what_was_there_before_the_folder_was_connected() {
        let position = |history_below| MailPosition {
            uid_validity: 1,
            last_uid: 0,
            since: Timestamp::from_seconds(1_000),
            history_below,
            mailbox: 1,
            read_at: Timestamp::from_seconds(1_000),
        };
        assert!(is_history(&position(5), &mail(4, 1)));
        let at = |uid, seconds| Listed { uid, bytes: 1, arrived: Some(Timestamp::from_seconds(seconds)) };
        assert!(!is_history(&position(5), &at(5, 1_000)));
        assert!(!is_history(&position(0), &at(1, 990)), "a clock that is ten seconds behind makes no history");
        assert!(is_history(&position(0), &at(1, 800)));
        assert!(!is_history(&position(0), &Listed { uid: 1, bytes: 1, arrived: None }));
    }

    #[test]
    fn a_position_counts_for_its_mailbox_and_its_numbering() {
        let own = mailbox_hash("imap.acme.example", "soporte@acme.example");
        assert_eq!(own, mailbox_hash("IMAP.acme.example", "Soporte@acme.example"));
        for (host, user) in [("imap.acme.example", "ventas@acme.example"), ("mx.acme.example", "soporte@acme.example")]
        {
            assert_ne!(own, mailbox_hash(host, user));
        }
        let at = Timestamp::from_seconds(0);
        let position =
            MailPosition { uid_validity: 7, last_uid: 40, since: at, history_below: 0, mailbox: own, read_at: at };
        let folder = |uid_validity, uid_next| Folder { uid_validity, uid_next };
        assert_eq!(worth(&position, own, folder(7, Some(41))), Worth::Good);
        assert_eq!(worth(&position, own, folder(7, None)), Worth::Good);
        assert_eq!(worth(&MailPosition { mailbox: 0, ..position }, own, folder(7, Some(41))), Worth::Good);
        assert_eq!(worth(&position, own, folder(8, Some(41))), Worth::NumberedAnew);
        assert_eq!(worth(&position, own, folder(7, Some(40))), Worth::NumberedAnew, "the last mail has not come yet");
        assert_eq!(worth(&position, own + 1, folder(7, Some(41))), Worth::OtherMailbox);
    }
}
