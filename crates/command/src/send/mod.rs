//! Sending: what a client wants to be sent becomes a message that can be handed to a provider as it is, or a refusal by name.
//!
//! Everything that must be looked up is looked up here, before the rules decide; nothing is asked of a provider.

mod cancel;
mod farewell;
mod mail;
mod message;
mod ports;
mod recipient;
mod refused;
mod resolve;
mod same;
mod start;
mod typing;
mod wish;
mod worker;

use std::sync::Arc;

use relevo_domain::{EntityId, MessageId};

use crate::channel::key;
use crate::conversation::{Conversations, Now};
use crate::decision::Entity;
use crate::execute::{self, Answer, Asked, ExecuteError};
use crate::ledger::Ledger;
use farewell::FarewellIntent;
use message::SendIntent;
use start::StartIntent;

pub(crate) use mail::provider_id_of;
pub use ports::{ChannelFacts, Keys, PolicyProblem, SendPolicy, SendPorts, StoredFacts, StoredFiles, StoredFilesError};
pub use refused::{SendRefused, TEMPLATES_NAMED_MAX};
pub use typing::BotMark;
pub use wish::{
    CancelRequest, FarewellRequest, FileRef, SendRequest, StartRequest, Wanted, WantedBody, WantedMail, WantedTemplate,
};
pub use worker::{Claimed, MediumTurn, SendRef, Sends};

/// How often a recipient is looked for anew because they were bound elsewhere in the meantime: a binding is for ever, so once is
/// enough, and once more for a second spelling.
const STARTS_MAX: usize = 3;

/// Executes clients' commands that send.
#[derive(Clone)]
pub struct Messages {
    ledger: Arc<Ledger>,
    ports: SendPorts,
}

/// A message that was queued.
#[derive(Clone, Debug)]
pub struct Queued {
    pub conversation: EntityId,
    pub message: MessageId,
    /// This call opened the conversation.
    pub opened: bool,
    pub answer: Answer<Now>,
}

impl Messages {
    pub const fn new(ledger: Arc<Ledger>, ports: SendPorts) -> Self {
        Self { ledger, ports }
    }

    /// What the tenant wants of sending.
    pub(crate) fn policy(&self) -> &dyn SendPolicy {
        self.ports.policy.as_ref()
    }

    /// Queues a message to the customer of a conversation.
    pub async fn send(&self, request: &SendRequest) -> Result<Queued, ExecuteError> {
        let asked = &request.asked;
        let key = key(&self.ports.keys, &asked.caller.tenant)?;
        let intent = SendIntent { request, ports: &self.ports, key };
        let answer = execute::execute(&self.ledger, asked, &intent).await?;
        Ok(Queued {
            conversation: request.conversation,
            message: key.outgoing(&request.conversation, &asked.command_id),
            opened: false,
            answer: Conversations::shown(&self.ledger, asked, answer)?,
        })
    }

    /// Lets the bot speak again after a last message. `already_so` if it speaks already: then nothing is sent.
    pub async fn resume(&self, request: &FarewellRequest) -> Result<Answer<Now>, ExecuteError> {
        let asked = &request.send.asked;
        let key = key(&self.ports.keys, &asked.caller.tenant)?;
        let send = SendIntent { request: &request.send, ports: &self.ports, key };
        let intent = FarewellIntent { send, note: request.note.as_deref(), catch_up: request.catch_up };
        let answer = execute::execute(&self.ledger, asked, &intent).await?;
        Conversations::shown(&self.ledger, asked, answer)
    }

    /// Queues a message to somebody by number or address.
    pub async fn start(&self, request: &StartRequest) -> Result<Queued, ExecuteError> {
        let asked = &request.asked;
        let key = key(&self.ports.keys, &asked.caller.tenant)?;
        for _try in 0..STARTS_MAX {
            let intent = StartIntent::find(&self.ledger, request, &self.ports, key).await?;
            let conversation = execute::Intent::entity(&intent);
            match execute::execute(&self.ledger, asked, &intent).await {
                Err(ExecuteError::Contention) => {}
                Err(error) => return Err(error),
                Ok(answer) => {
                    return Ok(Queued {
                        conversation,
                        message: key.outgoing(&conversation, &asked.command_id),
                        opened: self.opened(&answer, asked).await?,
                        answer: Conversations::shown(&self.ledger, asked, answer)?,
                    });
                }
            }
        }
        Err(ExecuteError::Contention)
    }

    /// Whether this call's commit is the conversation's first.
    async fn opened(&self, answer: &Answer<Entity>, asked: &Asked) -> Result<bool, ExecuteError> {
        if answer.repeated {
            return Ok(false);
        }
        let stored = answer.completed(asked, self.ledger.recorded(answer.position).await)?;
        Ok(stored.is_some_and(|stored| stored.commit.first_version == 1))
    }

    /// Takes a message back that no provider has.
    pub async fn cancel(&self, request: &CancelRequest) -> Result<Answer<Now>, ExecuteError> {
        let answer = execute::execute(&self.ledger, &request.asked, request).await?;
        Conversations::shown(&self.ledger, &request.asked, answer)
    }
}
