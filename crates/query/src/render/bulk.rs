//! Bulks as the API shows them. `texts` is whether the caller reads what people wrote: a note is such a text.

use relevo_domain::Actor;
use relevo_domain::bulk::{Counts, Outcome, What};
use relevo_projector_pause as pause;
use relevo_proto::query::v1 as wire;

use super::words::{self, Names};

pub(crate) fn bulk(names: Names<'_>, row: pause::Bulk, texts: bool) -> wire::Bulk {
    let progress = progress(&row);
    let mut shown = wire::Bulk {
        bulk_id: row.id.to_string(),
        undone_by: row.undone_by.map(|id| id.to_string()).unwrap_or_default(),
        chosen: row.chosen.as_str().to_owned(),
        by: Some(names.actor(&Actor::Staff(row.by))),
        note: row.note.filter(|_| texts).unwrap_or_default(),
        started_at: Some(words::time(row.started_at)),
        finished_at: row.finished_at.map(words::time),
        progress: Some(progress),
        ..wire::Bulk::default()
    };
    match row.what {
        What::Pause { reason, terms } => {
            shown.action = wire::BulkAction::Pause.into();
            shown.reason = words::reason(reason).into();
            shown.until = terms.until.map(words::time);
            shown.locked = terms.locked;
        }
        What::Resume { catch_up: _ } => shown.action = wire::BulkAction::Resume.into(),
        What::Undo { of, catch_up: _ } => {
            shown.action = wire::BulkAction::Undo.into();
            shown.undoes = of.to_string();
        }
    }
    shown
}

fn progress(row: &pause::Bulk) -> wire::BulkProgress {
    let Counts { paused, resumed, already, forbidden, errors, changed_since } = row.counts;
    wire::BulkProgress {
        total: row.total,
        done: row.done,
        paused,
        resumed,
        already,
        forbidden,
        errors,
        changed_since,
        seconds_left: row.seconds_left,
    }
}

pub(crate) fn result(names: Names<'_>, row: &pause::BulkResult) -> wire::BulkResult {
    wire::BulkResult {
        conversation_id: row.conversation.to_string(),
        outcome: outcome(row.outcome).into(),
        version: row.version,
        changed_by: row.changed.as_ref().map(|changed| names.actor(&changed.by)),
        changed_at: row.changed.as_ref().map(|changed| words::time(changed.at)),
    }
}

const fn outcome(outcome: Outcome) -> wire::BulkOutcome {
    match outcome {
        Outcome::Paused => wire::BulkOutcome::Paused,
        Outcome::Resumed => wire::BulkOutcome::Resumed,
        Outcome::Already => wire::BulkOutcome::Already,
        Outcome::Forbidden => wire::BulkOutcome::Forbidden,
        Outcome::Error => wire::BulkOutcome::Error,
        Outcome::ChangedSince => wire::BulkOutcome::ChangedSince,
    }
}

pub(crate) fn asked_outcome(asked: wire::BulkOutcome) -> Option<Outcome> {
    Outcome::ALL.into_iter().find(|known| outcome(*known) == asked)
}
