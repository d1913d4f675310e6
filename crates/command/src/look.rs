//! A conversation as it is at this moment, for somebody who is about to decide something: nothing is written.

use std::sync::Arc;

use relevo_domain::conversation::Rejection;
use relevo_domain::{EntityId, Timestamp};

use crate::contact;
use crate::conversation::{Conversations, Now, opened_of, sees};
use crate::execute::{self, Answer, Asked, ExecuteError};
use crate::ledger::Ledger;

/// How often a conversation that changes while it is looked at is looked at again.
const LOOKS_MAX: usize = 8;

/// What a person sees before they decide.
#[derive(Clone, Debug)]
pub struct Look {
    pub answer: Answer<Now>,
    /// What people call the customer, else what they write from, if anything is known. Personal.
    pub contact: Option<String>,
    /// When it was looked at.
    pub at: Timestamp,
}

impl Look {
    /// Of staff who may see the conversation; others are refused.
    pub(crate) async fn at(ledger: &Arc<Ledger>, asked: &Asked, id: EntityId) -> Result<Self, ExecuteError> {
        let tenant = &asked.caller.tenant;
        for _look in 0..LOOKS_MAX {
            let base = ledger.load(tenant, &id)?;
            if !ledger.confirm(tenant, &id, &base).await? {
                continue;
            }
            let opened = opened_of(&base).filter(|opened| sees(&asked.caller, opened)).ok_or(Rejection::NotFound)?;
            let role = asked.caller.role;
            if !role.is_staff() {
                return Err(Rejection::Forbidden { role }.into());
            }
            let called = contact::name_of(&ledger.load(tenant, &opened.contact)?);
            let contact = called.or_else(|| opened.reply_address.clone());
            let answer = Conversations::shown(ledger, asked, execute::unwritten(base))?;
            return Ok(Self { answer, contact, at: asked.now });
        }
        Err(ExecuteError::Contention)
    }
}
