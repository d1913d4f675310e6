//! The row of a bulk: what its worker must know to go on.

use relevo_domain::bulk::{Asker, Counts, Job, Lease, State, What};
use relevo_domain::conversation::{CatchUp, NotePersonal, PauseReason, PauseTerms};
use relevo_domain::{AgentId, ChannelId, Role, Scope, TeamId, Timestamp};

use super::{BadRow, bad, unreadable};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BulkRow {
    /// `pause`, `resume` or `undo`.
    #[prost(string, tag = "1")]
    what: String,
    #[prost(string, tag = "2")]
    reason: String,
    #[prost(int64, optional, tag = "3")]
    until: Option<i64>,
    #[prost(bool, tag = "4")]
    locked: bool,
    #[prost(string, tag = "5")]
    of: String,
    #[prost(uint32, tag = "6")]
    total: u32,
    #[prost(bytes = "vec", tag = "7")]
    list: Vec<u8>,
    #[prost(string, tag = "8")]
    role: String,
    #[prost(string, tag = "9")]
    agent: String,
    /// Absent: the whole tenant.
    #[prost(message, optional, tag = "10")]
    scope: Option<ScopeRow>,
    #[prost(string, optional, tag = "11")]
    note: Option<String>,
    #[prost(uint32, tag = "12")]
    done: u32,
    /// Paused, resumed, already, forbidden, errors, changed since.
    #[prost(uint32, repeated, tag = "13")]
    counts: Vec<u32>,
    #[prost(string, tag = "14")]
    worker: String,
    #[prost(int64, tag = "15")]
    leased_until: i64,
    #[prost(bool, tag = "16")]
    finished: bool,
    #[prost(string, tag = "17")]
    catch_up: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ScopeRow {
    #[prost(string, repeated, tag = "1")]
    channels: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    teams: Vec<String>,
}

pub(super) fn row(job: &Job) -> BulkRow {
    let (what, reason, terms, of) = match job.what {
        What::Pause { reason, terms } => ("pause", reason.as_str(), terms, String::new()),
        What::Resume { catch_up: _ } => ("resume", "", PauseTerms::default(), String::new()),
        What::Undo { of, catch_up: _ } => ("undo", "", PauseTerms::default(), of.to_string()),
    };
    let Counts { paused, resumed, already, forbidden, errors, changed_since } = job.counts;
    BulkRow {
        what: what.to_owned(),
        reason: reason.to_owned(),
        until: terms.until.map(Timestamp::as_millis),
        locked: terms.locked,
        of,
        total: job.total,
        list: job.list.to_vec(),
        role: job.by.role.as_str().to_owned(),
        agent: job.by.name.to_string(),
        scope: match &job.by.scope {
            Scope::Tenant => None,
            Scope::Granted { channels, teams } => Some(ScopeRow {
                channels: channels.iter().map(ToString::to_string).collect(),
                teams: teams.iter().map(ToString::to_string).collect(),
            }),
        },
        note: job.personal.text.clone(),
        done: job.done,
        counts: vec![paused, resumed, already, forbidden, errors, changed_since],
        worker: job.lease.as_ref().map(|lease| lease.worker.clone()).unwrap_or_default(),
        leased_until: job.lease.as_ref().map_or(0, |lease| lease.until.as_millis()),
        finished: job.finished,
        catch_up: match job.what {
            What::Pause { .. } => String::new(),
            What::Resume { catch_up } | What::Undo { of: _, catch_up } => catch_up.as_str().to_owned(),
        },
    }
}

pub(super) fn read(row: BulkRow) -> Result<State, BadRow> {
    let catch_up = || CatchUp::parse(&row.catch_up).ok_or_else(|| bad("way to catch up"));
    let what = match row.what.as_str() {
        "pause" => What::Pause {
            reason: PauseReason::parse(&row.reason).ok_or_else(|| bad("pause reason"))?,
            terms: PauseTerms { until: row.until.map(Timestamp::from_millis), locked: row.locked },
        },
        "resume" => What::Resume { catch_up: catch_up()? },
        "undo" => What::Undo { of: row.of.parse().map_err(unreadable)?, catch_up: catch_up()? },
        _ => return Err(bad("kind of bulk")),
    };
    let scope = match row.scope {
        None => Scope::Tenant,
        Some(ScopeRow { channels, teams }) => Scope::Granted {
            channels: channels.into_iter().map(ChannelId::new).collect::<Result<_, _>>().map_err(unreadable)?,
            teams: teams.into_iter().map(TeamId::new).collect::<Result<_, _>>().map_err(unreadable)?,
        },
    };
    let &[paused, resumed, already, forbidden, errors, changed_since] = row.counts.as_slice() else {
        return Err(bad("counts"));
    };
    let lease = Lease { worker: row.worker, until: Timestamp::from_millis(row.leased_until) };
    let job = Job {
        what,
        total: row.total,
        list: row.list.try_into().map_err(|_length| bad("list"))?,
        by: Asker {
            role: Role::parse(&row.role).ok_or_else(|| bad("role"))?,
            name: AgentId::new(row.agent).map_err(unreadable)?,
            scope,
        },
        personal: NotePersonal { text: row.note },
        done: row.done,
        counts: Counts { paused, resumed, already, forbidden, errors, changed_since },
        lease: Some(lease).filter(|lease| !lease.worker.is_empty()),
        finished: row.finished,
    };
    Ok(State { job: Some(job) })
}

#[cfg(test)]
mod tests {
    use relevo_domain::{EntityId, EntityKind};

    use super::*;

    #[test]
    fn every_bulk_reads_back_as_written() {
        let terms = PauseTerms { until: Some(Timestamp::from_millis(77)), locked: false };
        let of = EntityId::new(EntityKind::Bulk, [4; 16]);
        let granted = Scope::Granted {
            channels: [ChannelId::new("wa").unwrap()].into(),
            teams: [TeamId::new("ventas").unwrap()].into(),
        };
        let lease = Lease { worker: "w".to_owned(), until: Timestamp::from_millis(99) };
        let pause = What::Pause { reason: PauseReason::Other, terms };
        for (what, scope, lease) in [
            (pause, Scope::Tenant, None),
            (What::Resume { catch_up: CatchUp::Answer }, granted, Some(lease)),
            (What::Undo { of, catch_up: CatchUp::Know }, Scope::Tenant, None),
        ] {
            let job = Job {
                what,
                total: 9,
                list: [3; 32],
                by: Asker { role: Role::Agent, name: AgentId::new("laura").unwrap(), scope },
                personal: NotePersonal { text: Some("cierre".to_owned()) },
                done: 4,
                counts: Counts { paused: 1, resumed: 2, already: 3, forbidden: 4, errors: 5, changed_since: 6 },
                lease,
                finished: false,
            };
            assert_eq!(read(row(&job)).unwrap(), State { job: Some(job) });
        }
        assert!(read(BulkRow::default()).is_err());
    }
}
