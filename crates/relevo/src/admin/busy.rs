//! How much of the operators' heavy work runs at once on this node. What is beyond it is refused, never queued: each piece reads the
//! log for as long as it takes, beside people's commands.

use std::sync::Arc;

use relevo_domain::ErrorCode;
use relevo_proto::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use super::refusal::Operator;

/// Verifications of the log: each one may remember 200 MB of heads.
pub(super) const VERIFICATIONS_MAX: usize = 1;
/// Replays of the log: each one is a reader, and renders every event.
pub(super) const REPLAYS_MAX: usize = 4;
/// Pages of audit trails: each one looks at 50,000 commits, a second or two of one core.
pub(super) const AUDITS_MAX: usize = 4;
/// Re-publications of facts: each one may fold the whole log in a store of its own.
pub(super) const REPUBLICATIONS_MAX: usize = 2;

/// One kind of work.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// As the refusal names it.
    what: &'static str,
    limit: usize,
    free: Arc<Semaphore>,
}

impl Places {
    pub(super) fn new(what: &'static str, limit: usize) -> Self {
        Self { what, limit, free: Arc::new(Semaphore::new(limit)) }
    }

    /// A place for as long as the answer is kept, or `LIMIT_REACHED`.
    pub(super) fn take(&self, operator: &Operator) -> Result<OwnedSemaphorePermit, Status> {
        // Nobody closes it: what fails is that all are taken.
        Arc::clone(&self.free).try_acquire_owned().map_err(|_taken| operator.say(self.refusal()))
    }

    fn refusal(&self) -> Problem {
        Problem::new(ErrorCode::LimitReached).about("what", self.what).about("limit", self.limit)
    }
}

#[cfg(test)]
mod tests {
    use relevo_domain::{AgentId, Caller, Role, Scope, TenantId};
    use tonic::Request;

    use super::*;

    #[test]
    fn the_last_place_is_the_last_until_somebody_is_done() {
        let mut request = Request::new(());
        request.extensions_mut().insert(Caller {
            tenant: TenantId::new("demo").unwrap(),
            role: Role::Ops,
            name: AgentId::new("ops").unwrap(),
            scope: Scope::Tenant,
        });
        let operator = Operator::of(&request).unwrap();
        let places = Places::new("audits", 2);
        let first = places.take(&operator).unwrap();
        let _second = places.clone().take(&operator).unwrap();
        let refused = Problem::from_status(&places.take(&operator).unwrap_err()).unwrap();
        assert_eq!(refused.code, ErrorCode::LimitReached);
        assert_eq!(refused.subject, [("limit", "2"), ("what", "audits")].map(|(k, v)| (k.to_owned(), v.to_owned())));
        drop(first);
        drop(places.take(&operator).unwrap());
    }
}
