//! How much of all files may be in memory at a time. Nobody gets all of it: a tenant has a share, and so has whoever stores files.
//! Who finds no room waits a moment and is then sent away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use relevo_domain::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// In mebibytes: a few of the largest files, or hundreds of pictures.
const MEMORY_MIB: usize = 512;
/// One tenant's share: two of the largest files, and room for others to go on.
const TENANT_MIB: usize = 256;
/// The share of one who stores files: one of the largest and some small ones.
const CALLER_MIB: usize = 128;
/// How long a request waits for room.
const WAIT_MAX: Duration = Duration::from_secs(10);
const MIB: u64 = 1024 * 1024;

/// Whose share: a tenant's, or that of one of its callers.
type Holder = (TenantId, Option<String>);

#[derive(Clone, Debug)]
pub(super) struct Memory {
    all: Arc<Semaphore>,
    /// Of those who hold something now.
    shares: Arc<Mutex<BTreeMap<Holder, Arc<Semaphore>>>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(MEMORY_MIB)), shares: Arc::default() }
    }
}

/// There is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// Room that is taken, for one file; given back when dropped.
#[derive(Debug)]
pub(super) struct Room {
    /// The smallest share first: whoever waits for their own holds nothing of everybody's.
    from: Vec<Arc<Semaphore>>,
    permits: Vec<OwnedSemaphorePermit>,
    mebibytes: u32,
}

impl Memory {
    /// For a file of a tenant: one that is served, or one that a caller stores. Holds nothing yet.
    pub(super) fn room(&self, tenant: &TenantId, caller: Option<&str>) -> Room {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody waits for these, and nobody holds anything of them.
        shares.retain(|_, share| Arc::strong_count(share) > 1);
        let mut share = |caller: Option<&str>, mebibytes| {
            let holder = (tenant.clone(), caller.map(str::to_owned));
            Arc::clone(shares.entry(holder).or_insert_with(|| Arc::new(Semaphore::new(mebibytes))))
        };
        let own = caller.map(|caller| share(Some(caller), CALLER_MIB));
        let from = own.into_iter().chain([share(None, TENANT_MIB), Arc::clone(&self.all)]).collect();
        Room { from, permits: Vec::new(), mebibytes: 0 }
    }
}

impl Room {
    /// Makes it hold so many bytes altogether; answers how many fit.
    pub(super) async fn hold(&mut self, bytes: u64) -> Result<usize, Full> {
        let wanted = u32::try_from(bytes.div_ceil(MIB)).map_err(|_| Full)?.max(1);
        let more = wanted.saturating_sub(self.mebibytes);
        if more > 0 {
            let end = Instant::now() + WAIT_MAX;
            let mut taken = Vec::with_capacity(self.from.len());
            for share in &self.from {
                let permit = timeout_at(end, Arc::clone(share).acquire_many_owned(more)).await;
                taken.push(permit.map_err(|_elapsed| Full)?.map_err(|_closed| Full)?);
            }
            self.permits.extend(taken);
            self.mebibytes = wanted;
        }
        usize::try_from(u64::from(self.mebibytes) * MIB).map_err(|_| Full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_takes_the_room_of_others() {
        let memory = Memory::default();
        let mut own = memory.room(&tenant("a"), Some("laura"));
        assert_eq!(own.hold(1).await, Ok(MIB as usize));
        assert_eq!(own.hold(120 * MIB).await, Ok(120 * MIB as usize));
        assert_eq!(memory.room(&tenant("a"), Some("laura")).hold(9 * MIB).await, Err(Full));
        let mut other = memory.room(&tenant("a"), Some("sofia"));
        other.hold(128 * MIB).await.unwrap();
        assert_eq!(memory.room(&tenant("a"), None).hold(9 * MIB).await, Err(Full), "the tenant's share is gone");
        let mut elsewhere = memory.room(&tenant("b"), None);
        elsewhere.hold(256 * MIB).await.unwrap();
        drop(own);
        memory.room(&tenant("a"), None).hold(120 * MIB).await.unwrap();
        drop((other, elsewhere));
        memory.room(&tenant("c"), None).hold(MIB).await.unwrap();
        assert_eq!(memory.all.available_permits(), MEMORY_MIB);
        assert!(memory.shares.lock().unwrap().len() <= 1, "shares of those who left are forgotten");
    }
}
