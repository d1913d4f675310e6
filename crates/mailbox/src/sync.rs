//! Bringing in what is new: from the folder to the raw stream, a few mails at a time, and then the position.

use std::time::Duration;

use bytes::Bytes;
use relevo_domain::{EndpointId, Timestamp};
use relevo_eventlog::{Hold, InputKind, LogError, MailPosition, Notes, RawInput};
use tokio::time::Instant;

use crate::Shared;
use crate::pause::Pauses;
use crate::session::{Folder, FolderSession, Listed, search_date};
use crate::trouble::{BYE, Trouble};

/// Mails whose sizes are asked for at once.
const LIST_MAX: usize = 200;
/// Mails that are fetched at once: as many as may be repeated after a crash.
const GROUP_MAILS_MAX: usize = 20;
/// Bytes that are fetched at once; a larger mail is fetched alone.
const GROUP_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// After so many vain attempts a mail is brought in as its header alone.
const HEADER_ONLY_AFTER: u32 = 2;
/// After so many a mail is passed over whose very header the server says that it cannot show.
const PASSED_OVER_AFTER: u32 = 5;
/// After so many it is passed over if the connection ends without a word, though all else worked each time.
const PASSED_OVER_SILENT_AFTER: u32 = 20;
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

/// What is known of a mail that sessions end at. Servers end them when they cannot show a mail, without saying which of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Careful {
    /// The first of those that were asked for.
    uid: u32,
    /// How many are asked for at once now: half as many after each failure, until it is one.
    span: usize,
    /// How often this very mail was asked for in vain.
    tries: u32,
    /// The server does not even say its size.
    unlisted: bool,
}

impl Careful {
    /// Whether it is still open which mail it is.
    pub(crate) const fn is_narrowing(&self) -> bool {
        self.tries == 0
    }

    fn about(careful: Option<Self>, uid: u32) -> Option<Self> {
        careful.filter(|careful| careful.uid == uid && careful.tries > 0)
    }

    /// After `uids` were asked for in vain.
    fn suspect(careful: &mut Option<Self>, uids: &[u32], listing: bool, trouble: &Trouble) {
        let about_the_mail = matches!(trouble, Trouble::Refused(_) | Trouble::Connection(_));
        let Some(uid) = uids.first().copied().filter(|_| about_the_mail) else { return };
        let before = Self::about(*careful, uid);
        let alone = uids.len() == 1;
        *careful = Some(Self {
            uid,
            span: (uids.len() / 2).max(1),
            tries: u32::from(alone) * (before.map_or(0, |before| before.tries) + 1),
            unlisted: alone && (listing || before.is_some_and(|before| before.unlisted)),
        });
    }
}

/// Where mails of a folder go.
pub(crate) struct Target<'t> {
    pub(crate) shared: &'t Shared,
    pub(crate) endpoint: &'t EndpointId,
    pub(crate) import_days: u32,
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
    let position = match hold.position {
        Some(position) if position.uid_validity == folder.uid_validity => return Ok(()),
        Some(before) => {
            tracing::warn!(endpoint = %target.endpoint, "a folder was numbered anew; it is read again from where it was connected");
            let since = Some(before.since - import);
            let last_uid = holding(target, hold, before_first(session, folder, since)).await?;
            // Numbers say nothing about when a mail came any more; its time does.
            MailPosition { uid_validity: folder.uid_validity, last_uid, since: before.since, history_below: 0 }
        }
        None => {
            let end = holding(target, hold, before_first(session, folder, None)).await?;
            let last_uid = match target.import_days {
                0 => end,
                _ => holding(target, hold, before_first(session, folder, Some(now - import))).await?,
            };
            let history_below = end.saturating_add(1);
            MailPosition { uid_validity: folder.uid_validity, last_uid, since: now, history_below }
        }
    };
    store(target, hold, position).await
}

/// The number before the first mail since a day; before the next one that comes, if there is none.
async fn before_first(session: &mut FolderSession, folder: Folder, since: Option<Timestamp>) -> Result<u32, Trouble> {
    if let Some(since) = since
        && let Some(first) = session.search(&format!("SINCE {}", search_date(since))).await?.first()
    {
        return Ok(first.saturating_sub(1));
    }
    match folder.uid_next {
        Some(next) => Ok(next.saturating_sub(1)),
        None => Ok(session.search("UID *").await?.last().copied().unwrap_or(0)),
    }
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
                bring_in(target, session, hold, group, careful).await?;
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
    let listed = holding(target, hold, session.list(uids)).await;
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
    let tries = Careful::about(*careful, first.uid).map_or(0, |careful| careful.tries);
    let fetched = match fetch(target, session, hold, group, &uids, tries < HEADER_ONLY_AFTER).await {
        Ok(fetched) => fetched,
        Err(trouble) => {
            if group.len() == 1 && given_up(&trouble, tries) {
                let (endpoint, uid) = (target.endpoint, first.uid);
                tracing::error!(%endpoint, uid, tries, "a mail that the server cannot show is passed over");
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
    if tries > 0 {
        *careful = None;
    }
    Ok(())
}

fn given_up(trouble: &Trouble, tries: u32) -> bool {
    match trouble {
        Trouble::Refused(_) | Trouble::Connection(BYE) => tries >= PASSED_OVER_AFTER,
        Trouble::Connection(_) => tries >= PASSED_OVER_SILENT_AFTER,
        Trouble::Denied(_)
        | Trouble::Account { .. }
        | Trouble::Throttled
        | Trouble::Token(_)
        | Trouble::Log(_)
        | Trouble::Lost
        | Trouble::Stopped => false,
    }
}

type Fetched = Vec<(Listed, Bytes, bool)>;

/// The mails of a group and whether each is whole. One that is gone is not among them.
async fn fetch(
    target: &Target<'_>,
    session: &mut FolderSession,
    hold: &mut Hold,
    group: &[Listed],
    uids: &[u32],
    may_be_whole: bool,
) -> Result<Fetched, Trouble> {
    let bytes: u64 = group.iter().map(|mail| u64::from(mail.bytes)).sum();
    let too_large = group.iter().any(|mail| mail.bytes > target.shared.options.mail_bytes_max);
    let whole = !too_large && may_be_whole;
    // What comes off the wire, and its copy.
    let wanted_kib = if whole { u32::try_from(bytes * 2 / KIB).unwrap_or(u32::MAX).saturating_add(1) } else { 1 };
    let memory = async {
        let permits = target.shared.memory.acquire_many(wanted_kib).await;
        permits.map_err(|_closed| Trouble::Stopped)
    };
    let _permits = holding(target, hold, memory).await?;
    let work = async {
        let bodies = if whole { session.fetch(uids, bytes).await? } else { session.fetch_headers(uids).await? };
        // A server that leaves mails out has lost them, or they were removed meanwhile: it has to say which.
        let missing: Vec<u32> =
            uids.iter().copied().filter(|uid| bodies.binary_search_by_key(uid, |(uid, _)| *uid).is_err()).collect();
        if !missing.is_empty() && !session.list(&missing).await?.is_empty() {
            return Err(Trouble::Refused("left out"));
        }
        Ok(bodies)
    };
    let bodies = holding(target, hold, work).await?;
    let known = bodies.into_iter().filter_map(|(uid, body)| {
        let at = group.binary_search_by_key(&uid, |mail| mail.uid).ok()?;
        Some((group[at], body, whole))
    });
    Ok(known.collect())
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
            Ok(_sequence) => return Ok(()),
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
    fn sessions_that_end_lead_to_the_one_mail_and_only_words_condemn_it_soon() {
        let bye = Trouble::Connection(BYE);
        let mut careful = None;
        let mut uids: Vec<u32> = (1..=200).collect();
        let mut failures = 0;
        // The poison is number 137: what is asked for in vain is what holds it.
        while uids.len() > 1 {
            Careful::suspect(&mut careful, &uids, true, &bye);
            failures += 1;
            let span = careful.unwrap().span;
            uids = uids.chunks(span).find(|uids| uids.contains(&137)).unwrap().to_vec();
        }
        assert!(failures <= 9 && careful.unwrap().is_narrowing(), "{failures} {careful:?}");
        for tries in 1..=PASSED_OVER_AFTER {
            assert!(!given_up(&bye, tries - 1));
            Careful::suspect(&mut careful, &uids, true, &bye);
            assert_eq!(
                Careful::about(careful, 137).map(|careful| (careful.tries, careful.unlisted)),
                Some((tries, true))
            );
        }
        assert!(given_up(&bye, PASSED_OVER_AFTER) && !given_up(&Trouble::Connection("closed"), PASSED_OVER_AFTER));
        assert!(!given_up(&Trouble::Throttled, u32::MAX));
        // What is not about the mail changes nothing.
        let before = careful;
        Careful::suspect(&mut careful, &[1, 2, 3], false, &Trouble::Throttled);
        assert_eq!(careful, before);
    }

    #[test]
    fn history_is_what_was_there_before_the_folder_was_connected() {
        let position = |history_below| MailPosition {
            uid_validity: 1,
            last_uid: 0,
            since: Timestamp::from_seconds(1_000),
            history_below,
        };
        assert!(is_history(&position(5), &mail(4, 1)));
        let at = |uid, seconds| Listed { uid, bytes: 1, arrived: Some(Timestamp::from_seconds(seconds)) };
        assert!(!is_history(&position(5), &at(5, 1_000)));
        assert!(!is_history(&position(0), &at(1, 990)), "a clock that is ten seconds behind makes no history");
        assert!(is_history(&position(0), &at(1, 800)));
        assert!(!is_history(&position(0), &Listed { uid: 1, bytes: 1, arrived: None }));
    }
}
