//! Facts to figures: a fact is added where it belongs, and the one that it supersedes is taken out where it was.
//!
//! This is the only writer of figures, so they are exactly the fold of the facts that no other one supersedes.

use relevo_domain::TenantId;
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::definition::{Definition, Kind};
use crate::facts::Observed;
use crate::keys::{self, LEVEL_MAX, slot_of};
use crate::row::{BucketRow, FactRow, GaugeRow, GroupRow};
use crate::sketch;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// Folds one observation into the figures.
pub(crate) fn observed(rows: &mut dyn Rows, tenant: &TenantId, observed: &Observed) -> Result<(), ApplyError> {
    if let Some(replaced) = &observed.replaces {
        fact(rows, tenant, observed.definition, replaced, Way::Out)?;
    }
    fact(rows, tenant, observed.definition, &observed.fact, Way::In)
}

fn fact(
    rows: &mut dyn Rows,
    tenant: &TenantId,
    definition: &Definition,
    fact: &FactRow,
    way: Way,
) -> Result<(), ApplyError> {
    match definition.kind {
        Kind::Gauge => gauge(rows, tenant, definition, fact, way),
        Kind::Sum | Kind::Share | Kind::Duration => bucket(rows, tenant, definition, fact, way),
    }
}

fn bucket(
    rows: &mut dyn Rows,
    tenant: &TenantId,
    definition: &Definition,
    fact: &FactRow,
    way: Way,
) -> Result<(), ApplyError> {
    let key = keys::bucket(tenant, definition.number, slot_of(fact.at), whose(fact));
    let mut row: BucketRow = load(&*rows, "bucket", &key)?.unwrap_or_default();
    let place = row.groups.binary_search_by(|group| group.labels.cmp(&fact.labels));
    let index = match (place, way) {
        (Ok(index), Way::In | Way::Out) => index,
        (Err(index), Way::In) => {
            row.groups.insert(index, GroupRow { labels: fact.labels.clone(), ..GroupRow::default() });
            index
        }
        (Err(_), Way::Out) => return Err(missing()),
    };
    change(&mut row.groups[index], definition.kind, fact.value, way)?;
    if row.groups[index].n == 0 {
        row.groups.remove(index);
    }
    if row.groups.is_empty() {
        rows.delete(key);
    } else {
        store(rows, key, &row);
    }
    Ok(())
}

fn change(group: &mut GroupRow, kind: Kind, value: i64, way: Way) -> Result<(), ApplyError> {
    match way {
        Way::In => {
            group.n += 1;
            group.sum = group.sum.saturating_add(value);
        }
        Way::Out => {
            group.n = group.n.checked_sub(1).ok_or_else(missing)?;
            group.sum = group.sum.saturating_sub(value);
        }
    }
    match kind {
        Kind::Sum | Kind::Share | Kind::Gauge => Ok(()),
        Kind::Duration => {
            let measured = group.sketch.get_or_insert_default();
            let value = value.max(0).cast_unsigned();
            match way {
                Way::In => sketch::record(measured, value),
                Way::Out if !sketch::remove(measured, value) => return Err(missing()),
                Way::Out => {}
            }
            Ok(())
        }
    }
}

/// The change stands in its slot and in every block above it: any moment is a sum of a few blocks.
fn gauge(
    rows: &mut dyn Rows,
    tenant: &TenantId,
    definition: &Definition,
    fact: &FactRow,
    way: Way,
) -> Result<(), ApplyError> {
    let change = match way {
        Way::In => fact.value,
        Way::Out => -fact.value,
    };
    let label = fact.labels.first().map(String::as_str).unwrap_or_default();
    for level in 0..=LEVEL_MAX {
        let key = keys::gauge(tenant, definition.number, level, slot_of(fact.at), whose(fact), label);
        let mut row: GaugeRow = load(&*rows, "gauge", &key)?.unwrap_or_default();
        row.sum += change;
        if row.sum == 0 {
            rows.delete(key);
        } else {
            store(rows, key, &row);
        }
    }
    Ok(())
}

fn whose(fact: &FactRow) -> [&str; 3] {
    [&fact.channel, &fact.team, &fact.agent]
}

fn missing() -> ApplyError {
    ApplyError::BadRow("bucket: a superseded fact is not in it".to_owned())
}
