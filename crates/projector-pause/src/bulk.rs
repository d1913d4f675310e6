//! What each event changes in the bulks: one row a bulk, and two a result (among all, and among those that ended alike).

use relevo_domain::bulk::{Asker, BulkEvent, Chosen, Counts, OneResult, Outcome, What};
use relevo_domain::conversation::PauseTerms;
use relevo_domain::{EntityId, Recorded, TenantId, Timestamp};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::keys;
use crate::row::{BulkResultRow, BulkRow};

pub(crate) fn apply(rows: &mut dyn Rows, recorded: &Recorded, event: &BulkEvent) -> Result<(), ApplyError> {
    let commit = &recorded.commit;
    let (tenant, id, at) = (&commit.tenant, commit.entity, commit.occurred_at.as_millis());
    let key = keys::bulk(tenant, id);
    if let BulkEvent::Started { what, total, chosen, by, personal, .. } = event {
        let row = started(recorded, *what, *total, *chosen, by, personal.text.clone());
        if let What::Undo { of, catch_up: _ } = what {
            undone(rows, tenant, *of, id)?;
        }
        store(rows, keys::bulk_listed(tenant, recorded.sequence, id), &BulkRow::default());
        store(rows, key, &row);
        return Ok(());
    }
    let known: Option<BulkRow> = load(&*rows, "bulk", &key)?;
    let mut row =
        known.ok_or_else(|| ApplyError::BadRow(format!("{} of a bulk that was not started", event.name())))?;
    match event {
        BulkEvent::Started { .. } => {}
        BulkEvent::Taken { .. } => (row.taken_at, row.taken_done) = (at, row.done),
        BulkEvent::Progressed { from, results, worker: _, until: _ } => {
            for (place, one) in (*from..).zip(results) {
                result(rows, tenant, id, place, one);
            }
            let counts = results.iter().fold(row.counts(), |counts, one| counts.with(one.outcome));
            row.count(counts);
            row.done = from.saturating_add(results.len() as u32);
            row.progressed_at = at;
        }
        BulkEvent::Finished { counts } => {
            row.count(*counts);
            row.finished_at = Some(at);
        }
    }
    store(rows, key, &row);
    Ok(())
}

fn started(recorded: &Recorded, what: What, total: u32, chosen: Chosen, by: &Asker, note: Option<String>) -> BulkRow {
    let catch_up = match what {
        What::Pause { .. } => String::new(),
        What::Resume { catch_up } | What::Undo { of: _, catch_up } => catch_up.as_str().to_owned(),
    };
    let (what, reason, terms, of) = match what {
        What::Pause { reason, terms } => ("pause", reason.as_str(), terms, String::new()),
        What::Resume { catch_up: _ } => ("resume", "", PauseTerms::default(), String::new()),
        What::Undo { of, catch_up: _ } => ("undo", "", PauseTerms::default(), of.to_string()),
    };
    let at = recorded.commit.occurred_at.as_millis();
    let mut row = BulkRow {
        what: what.to_owned(),
        reason: reason.to_owned(),
        until: terms.until.map(Timestamp::as_millis),
        locked: terms.locked,
        of,
        total,
        chosen: chosen.as_str().to_owned(),
        by: by.name.to_string(),
        note: note.unwrap_or_default(),
        started_at: at,
        taken_at: at,
        catch_up,
        ..BulkRow::default()
    };
    row.count(Counts::default());
    row
}

/// The bulk that is taken back knows by which one.
fn undone(rows: &mut dyn Rows, tenant: &TenantId, of: EntityId, by: EntityId) -> Result<(), ApplyError> {
    let key = keys::bulk(tenant, of);
    if let Some(mut row) = load::<BulkRow>(&*rows, "bulk", &key)? {
        row.undone_by = by.to_string();
        store(rows, key, &row);
    }
    Ok(())
}

fn result(rows: &mut dyn Rows, tenant: &TenantId, bulk: EntityId, place: u32, one: &OneResult) {
    let row = BulkResultRow {
        conversation: one.conversation.bytes().to_vec(),
        outcome: one.outcome.as_str().to_owned(),
        version: one.version,
        changed_by: one.changed.as_ref().map(|changed| changed.by.to_word()).unwrap_or_default(),
        changed_at: one.changed.as_ref().map_or(0, |changed| changed.at.as_millis()),
    };
    for among in [None, Some(one.outcome)] {
        store(rows, keys::bulk_result(tenant, bulk, among.map_or("", Outcome::as_str), place), &row);
    }
}
