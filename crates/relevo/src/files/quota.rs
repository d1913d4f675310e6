//! How much staff and bots may store. What customers send has no such limit, and keeps room that nobody else may take: it cannot be
//! asked for again.

use std::collections::BTreeMap;
use std::time::Duration;

use relevo_domain::{ErrorCode, TenantId};
use relevo_eventlog::Blobs;
use relevo_eventlog::blobs::Space;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::upload::code;

/// One part in so many of all room is for what customers send alone.
const KEPT_PARTS: u64 = 5;
/// More bytes than this are not kept: days of pictures, and the disk of a folder can be much larger.
const KEPT_BYTES_MAX: u64 = 1 << 30;
/// Where there are several tenants, none may store more when it has one part in so many.
pub(crate) const TENANT_PARTS: u64 = 2;
/// How long it is taken to be known what each tenant has; what is stored here meanwhile is added.
const KNOWN_FOR: Duration = Duration::from_hours(1);
/// How long finding out may take.
const COUNTING_MAX: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Quota {
    blobs: Blobs,
    tenant_parts: Option<u64>,
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    since: Instant,
    usage: BTreeMap<TenantId, u64>,
}

impl Quota {
    pub(super) fn new(blobs: Blobs, tenant_parts: Option<u64>) -> Self {
        Self { blobs, tenant_parts, known: Mutex::new(None) }
    }

    /// Whether a tenant may store so many bytes more: else `LOG_FULL` (there is no room for anybody) or `LIMIT_REACHED` (the tenant
    /// has its share).
    pub(super) async fn check(&self, tenant: &TenantId, bytes: u64) -> Result<(), ErrorCode> {
        let space = self.blobs.space().await.map_err(code)?;
        let share = match self.tenant_parts {
            None => None,
            Some(parts) => Some((self.used(tenant).await?, space.budget_bytes / parts.max(1))),
        };
        fits(&space, share, bytes)
    }

    /// Adds what was stored. A file that was there already counts once more until everything is counted again.
    pub(super) async fn stored(&self, tenant: &TenantId, bytes: u64) {
        if let Some(known) = self.known.lock().await.as_mut() {
            *known.usage.entry(tenant.clone()).or_insert(0) += bytes;
        }
    }

    async fn used(&self, tenant: &TenantId) -> Result<u64, ErrorCode> {
        let mut known = self.known.lock().await;
        let fresh = known.take().filter(|known| known.since.elapsed() < KNOWN_FOR);
        let fresh = if let Some(fresh) = fresh {
            fresh
        } else {
            let usage = timeout(COUNTING_MAX, self.blobs.usage()).await;
            let usage = usage.map_err(|_elapsed| ErrorCode::LogUnavailable)?.map_err(code)?;
            Known { since: Instant::now(), usage }
        };
        Ok(known.insert(fresh).usage.get(tenant).copied().unwrap_or(0))
    }
}

/// Whether so many bytes more fit. `share`: what the tenant has, and the most that it may have.
fn fits(space: &Space, share: Option<(u64, u64)>, bytes: u64) -> Result<(), ErrorCode> {
    let kept = (space.budget_bytes / KEPT_PARTS).min(KEPT_BYTES_MAX);
    if space.free_bytes < kept.saturating_add(bytes) {
        return Err(ErrorCode::LogFull);
    }
    match share {
        Some((used, most)) if used.saturating_add(bytes) > most => Err(ErrorCode::LimitReached),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_leave_room_for_what_customers_send_and_for_other_tenants() {
        let space = Space { budget_bytes: 1000, free_bytes: 300 };
        assert_eq!(fits(&space, None, 100), Ok(()));
        assert_eq!(fits(&space, None, 101), Err(ErrorCode::LogFull));
        assert_eq!(fits(&space, Some((400, 500)), 100), Ok(()));
        assert_eq!(fits(&space, Some((401, 500)), 100), Err(ErrorCode::LimitReached));
        let large = Space { budget_bytes: 1 << 40, free_bytes: 2 << 30 };
        assert_eq!(fits(&large, None, 1 << 30), Ok(()));
        let endless = Space { budget_bytes: u64::MAX, free_bytes: u64::MAX };
        assert_eq!(fits(&endless, Some((0, u64::MAX / 2)), 1 << 40), Ok(()));
    }
}
