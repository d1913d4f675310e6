//! Checks the whole log: decodable, complete, gapless per entity, chained by hashes, on streams that nobody has changed.
//!
//! What has to be remembered is one head an entity. Where there are too many for memory, the log is read once more for the
//! partitions that were left out: slower, never larger.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use futures::StreamExt;
use relevo_domain::{CommitHash, EntityId, Position, Recorded, TenantId};
use relevo_eventlog::subject::{PARTITIONS, partition};
use relevo_eventlog::{Log, LogError};
use relevo_proto::admin::v1 as proto;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};
use tonic::Status;

/// Heads in memory at once: about 200 MB.
const ENTITIES_MAX: usize = 2_000_000;
/// Problems that are told one by one; all are counted.
const PROBLEMS_MAX: usize = 1_000;
/// Missing commits at the log's very end that are looked for one by one.
const END_PROBES_MAX: u64 = 10_000;
/// How often it is said how far the work is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

type Answers = mpsc::Sender<Result<proto::VerifyLogResponse, Status>>;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) kind: proto::LogProblemKind,
    pub(super) sequence: u64,
    through: u64,
    of: Option<(TenantId, EntityId)>,
    versions: (u64, u64),
}

impl Finding {
    const fn at(kind: proto::LogProblemKind, sequence: u64) -> Self {
        Self { kind, sequence, through: 0, of: None, versions: (0, 0) }
    }
}

/// What the next commit of an entity must follow.
#[derive(Clone, Copy)]
struct Head {
    version: u64,
    hash: CommitHash,
}

/// One reading of the log, for the entities of some partitions.
pub(super) struct Pass {
    partitions: Range<u32>,
    entities_max: usize,
    tenants: HashMap<TenantId, u32>,
    heads: HashMap<(u32, EntityId), (u32, Head)>,
    next: u64,
    commits: u64,
    events: u64,
}

impl Pass {
    pub(super) fn new(partitions: Range<u32>, entities_max: usize) -> Self {
        let (tenants, heads) = Default::default();
        Self { partitions, entities_max, tenants, heads, next: 1, commits: 0, events: 0 }
    }

    /// Checks what stands at a sequence against everything before it.
    pub(super) fn check(&mut self, item: &Result<Recorded, LogError>) -> Vec<Finding> {
        match item {
            Ok(recorded) => {
                let mut findings = self.missing_before(recorded.sequence);
                self.commits += 1;
                self.events += recorded.commit.events.len() as u64;
                findings.extend(self.follows(recorded));
                self.make_room();
                findings
            }
            Err(LogError::Undecodable { sequence, .. }) => {
                let mut findings = self.missing_before(*sequence);
                self.commits += 1;
                findings.push(Finding::at(proto::LogProblemKind::Undecodable, *sequence));
                findings
            }
            // The log, not the commit: the caller ends with it.
            Err(_) => Vec::new(),
        }
    }

    /// What is missing between the last commit and `sequence`.
    fn missing_before(&mut self, sequence: u64) -> Vec<Finding> {
        let expected = self.next;
        self.next = sequence + 1;
        if sequence <= expected {
            return Vec::new();
        }
        vec![Finding { through: sequence - 1, ..Finding::at(proto::LogProblemKind::Missing, expected) }]
    }

    fn follows(&mut self, recorded: &Recorded) -> Vec<Finding> {
        let commit = &recorded.commit;
        let place = partition(&commit.tenant, &commit.entity);
        if !self.partitions.contains(&place) {
            return Vec::new();
        }
        let known = u32::try_from(self.tenants.len()).unwrap_or(u32::MAX);
        let tenant = *self.tenants.entry(commit.tenant.clone()).or_insert(known);
        let head = Head { version: commit.last_version(), hash: recorded.hash };
        let before = self.heads.insert((tenant, commit.entity), (place, head));
        let (version, hash) = before.map_or((0, [0; 32]), |(_, before)| (before.version, before.hash));
        let of = || Some((commit.tenant.clone(), commit.entity));
        let mut findings = Vec::new();
        if commit.first_version != version + 1 {
            let versions = (version + 1, commit.first_version);
            let gap = Finding::at(proto::LogProblemKind::VersionGap, recorded.sequence);
            findings.push(Finding { of: of(), versions, ..gap });
        }
        if commit.previous_hash != hash {
            let broken = Finding::at(proto::LogProblemKind::HashBroken, recorded.sequence);
            findings.push(Finding { of: of(), ..broken });
        }
        findings
    }

    /// The first partition that is left to a later pass.
    pub(super) const fn end(&self) -> u32 {
        self.partitions.end
    }

    /// Leaves half of the partitions to a later pass if there are too many entities. A single partition is never left.
    fn make_room(&mut self) {
        while self.heads.len() > self.entities_max && self.partitions.len() > 1 {
            let kept = self.partitions.len() as u32 / 2;
            self.partitions.end = self.partitions.start + kept;
            let partitions = self.partitions.clone();
            self.heads.retain(|_, (place, _)| partitions.contains(place));
        }
    }
}

/// The work.
pub(super) struct Verify {
    pub(super) log: Arc<dyn Log>,
    /// Whose entities may be named.
    pub(super) tenant: TenantId,
    pub(super) settings: Vec<proto::StreamSetting>,
    pub(super) answers: Answers,
}

/// What has been found so far.
#[derive(Default)]
struct Found {
    /// Sequence and kind of what was told, so that a second pass does not tell it again.
    seen: BTreeSet<(u64, i32)>,
    problems: u64,
    commits: u64,
    events: u64,
    entities: u64,
}

/// Nobody listens any more.
struct Gone;

impl Verify {
    /// Checks everything up to where the log ends now. Ends early without an error if nobody listens any more.
    pub(super) async fn run(self) -> Result<(), LogError> {
        let last = self.log.identity().await?.last_sequence;
        let end = self.last_stored(last).await?;
        let mut found = Found::default();
        let mut begin = 0;
        while begin < PARTITIONS {
            let mut pass = Pass::new(begin..PARTITIONS, ENTITIES_MAX);
            match self.read(&mut pass, &mut found, end).await? {
                Ok(()) => {}
                Err(Gone) => return Ok(()),
            }
            if begin == 0 {
                (found.commits, found.events) = (pass.commits, pass.events);
            }
            found.entities += pass.heads.len() as u64;
            begin = pass.end();
        }
        if end < last {
            let missing = Finding { through: last, ..Finding::at(proto::LogProblemKind::Missing, end + 1) };
            if self.tell(&mut found, missing).await.is_err() {
                return Ok(());
            }
        }
        let differs = self.settings.iter().any(|setting| setting.state() == proto::SettingState::Differs);
        let verdict = proto::LogVerdict {
            intact: found.problems == 0 && !differs,
            commits: found.commits,
            events: found.events,
            entities: found.entities,
            problems: found.problems,
            position: Position::new(last).to_string(),
            settings: self.settings.clone(),
        };
        let mut progress = progress(last, last, 0);
        progress.done = true;
        let answer = proto::VerifyLogResponse { progress: Some(progress), problem: None, verdict: Some(verdict) };
        // Nobody may wait for it any more.
        self.answers.send(Ok(answer)).await.ok();
        Ok(())
    }

    /// The last sequence at which something is stored: a reader would wait for what is missing at the end for ever.
    async fn last_stored(&self, last: u64) -> Result<u64, LogError> {
        let mut end = last;
        while end > 0 && last - end < END_PROBES_MAX {
            match self.log.get(end).await {
                Ok(None) => end -= 1,
                Ok(Some(_)) | Err(LogError::Undecodable { .. }) => return Ok(end),
                Err(error) => return Err(error),
            }
        }
        Ok(end)
    }

    async fn read(&self, pass: &mut Pass, found: &mut Found, end: u64) -> Result<Result<(), Gone>, LogError> {
        if end == 0 {
            return Ok(Ok(()));
        }
        let mut commits = self.log.read(1).await?;
        let (mut told, mut before) = (Instant::now(), 0);
        while let Some(item) = commits.next().await {
            let sequence = match &item {
                Ok(recorded) => recorded.sequence,
                Err(LogError::Undecodable { sequence, .. }) => *sequence,
                Err(error) => return Err(error.clone()),
            };
            if sequence > end {
                break;
            }
            for finding in pass.check(&item) {
                if self.tell(found, finding).await.is_err() {
                    return Ok(Err(Gone));
                }
            }
            if told.elapsed() >= PROGRESS_EVERY {
                let answer = proto::VerifyLogResponse {
                    progress: Some(progress(sequence, end, rate(sequence - before, told.elapsed()))),
                    ..proto::VerifyLogResponse::default()
                };
                // A client that is behind does without.
                self.answers.try_send(Ok(answer)).ok();
                (told, before) = (Instant::now(), sequence);
            }
            if sequence == end {
                break;
            }
        }
        Ok(Ok(()))
    }

    async fn tell(&self, found: &mut Found, finding: Finding) -> Result<(), Gone> {
        if found.seen.len() == PROBLEMS_MAX {
            // Beyond this a problem that shows in two passes counts twice.
            found.problems += 1;
            return Ok(());
        }
        if !found.seen.insert((finding.sequence, finding.kind.into())) {
            return Ok(());
        }
        found.problems += 1;
        tracing::warn!(sequence = finding.sequence, kind = finding.kind.as_str_name(), "log has a problem");
        let answer =
            proto::VerifyLogResponse { problem: Some(self.render(&finding)), ..proto::VerifyLogResponse::default() };
        self.answers.send(Ok(answer)).await.map_err(|_closed| Gone)
    }

    /// Of another tenant's commit only where it is.
    fn render(&self, finding: &Finding) -> proto::LogProblem {
        let own = finding.of.as_ref().filter(|(tenant, _)| *tenant == self.tenant);
        let (expected_version, found_version) = if own.is_some() { finding.versions } else { (0, 0) };
        proto::LogProblem {
            kind: finding.kind.into(),
            sequence: finding.sequence,
            through_sequence: finding.through,
            entity_id: own.map(|(_, entity)| entity.to_string()).unwrap_or_default(),
            expected_version,
            found_version,
        }
    }
}

fn rate(commits: u64, time: Duration) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    commits.saturating_mul(1000) / millis
}

fn progress(done: u64, total: u64, rate: u64) -> proto::Progress {
    proto::Progress {
        position: Position::new(done).to_string(),
        target: Position::new(total).to_string(),
        commits_done: done,
        commits_total: total,
        commits_per_second: rate,
        seconds_left: total.saturating_sub(done).checked_div(rate),
        done: false,
    }
}
