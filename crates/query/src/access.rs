//! Who may ask what. What a caller may see of a list is decided row by row (`Caller::sees`); this is about whole RPCs.

use relevo_domain::{Caller, Role, Scope};

use crate::error::QueryError;

/// Threads: whoever answers customers, directs, or operates. Analysts work with lists and figures.
pub(crate) fn may_read_threads(caller: &Caller) -> Result<(), QueryError> {
    allow(caller, reads_texts(caller.role))
}

/// Whether a role reads what customers wrote.
pub(crate) const fn reads_texts(role: Role) -> bool {
    match role {
        Role::Agent | Role::Supervisor | Role::Admin | Role::Bot | Role::Ops => true,
        Role::Analyst | Role::Service => false,
    }
}

/// Presence: those who answer customers, for one another.
pub(crate) fn may_be_present(caller: &Caller) -> Result<(), QueryError> {
    allow(caller, caller.role.is_staff())
}

/// Figures: they cannot be split by who may see what, so they are for who sees the whole tenant.
pub(crate) fn may_read_metrics(caller: &Caller) -> Result<(), QueryError> {
    allow(caller, caller.role.sees_tenant() && caller.scope == Scope::Tenant)
}

fn allow(caller: &Caller, allowed: bool) -> Result<(), QueryError> {
    if allowed { Ok(()) } else { Err(QueryError::Forbidden { role: caller.role }) }
}
