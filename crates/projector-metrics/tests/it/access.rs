//! Whose figures, and for whom.

use jiff::tz::TimeZone;
use relevo_domain::{Caller, TenantId};
use relevo_projection::testing::Story;
use relevo_projection::testing::story::{agent, supervisor};
use relevo_projector_metrics::{Query, ReadError, metrics};

use crate::support::{Folded, date, demo, open};

#[test]
fn figures_are_of_one_tenant_and_for_who_sees_all_of_it() {
    let mut story = Story::new();
    for (tenant, messages) in [("demo", 2), ("demo-b", 3)] {
        let id = open(story.tenant(tenant), 1);
        for _ in 0..messages {
            story.customer(id, "hola");
        }
    }
    let folded = Folded::of(&story);
    let ask = |caller: &Caller, tenant: &TenantId| {
        let (from, to) = (date("2026-01-01"), date("2026-01-01"));
        let query = Query { from, to, zone: TimeZone::UTC, channel: None, visible: caller };
        metrics(&folded.snapshot, tenant, &query).map(|report| report.totals.messages_in)
    };
    let (own, other) = (supervisor("demo"), supervisor("demo-b"));
    assert_eq!(ask(&own, &own.tenant), Ok(2));
    assert_eq!(ask(&other, &other.tenant), Ok(3));
    assert_eq!(ask(&other, &demo()), Err(ReadError::Forbidden));
    assert_eq!(ask(&agent("demo", "laura", &[], &["ventas"]), &demo()), Err(ReadError::Forbidden));
}
