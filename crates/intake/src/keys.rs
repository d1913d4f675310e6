//! What an update may touch, as keys: updates that share none may be handled at the same time.
//!
//! Only order hangs on it. What two updates touch without sharing a key is settled by the compare-and-set of the log.

use std::hash::{BuildHasher as _, Hash, RandomState};

use relevo_channels::{Fact, Identifier, MailFact, Update, What};
use relevo_command::decision::{DecisionReader, EntityState};
use relevo_command::{IdKey, Ledger, LedgerError};
use relevo_domain::identity::{IdentifierKind, IdentityEvent};
use relevo_domain::{EndpointId, EntityId};

use crate::handle::Handler;
use crate::queue::Key;
use crate::routes::ChannelRef;
use crate::thread;

/// Makes keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys(RandomState);

/// The keys of one update.
struct Of<'k> {
    hash: &'k RandomState,
    at: &'k ChannelRef,
    keys: Vec<Key>,
}

impl Keys {
    /// The keys of an update; none of one that is parked whatever the others do.
    pub(crate) fn of(&self, handler: &Handler, endpoint: &EndpointId, update: &Update) -> Vec<Key> {
        let routes = handler.routes();
        let (Some(at), Ok(fact)) = (routes.find(endpoint, &update.target), &update.content) else { return Vec::new() };
        let mut of = Of { hash: &self.0, at, keys: Vec::new() };
        of.channels("command", (fact.key.kind, &fact.key.provider_id));
        of.fact(fact);
        if let Ok(key) = handler.key(&at.tenant)
            && let Err(error) = of.known(&handler.ledger, key, fact)
        {
            // Without it the update is ordered by what it says itself; handling it will say the same of the store.
            tracing::debug!(%error, "conversation of an update is not known yet");
        }
        of.keys
    }
}

impl Of<'_> {
    fn fact(&mut self, fact: &Fact) {
        for identifier in &fact.identifiers {
            self.identifier(identifier);
        }
        match &fact.what {
            What::Message(said) | What::Echo(said) => self.message(&said.provider_id),
            What::Edit { original_provider_id, .. } | What::Revoke { original_provider_id, .. } => {
                self.message(original_provider_id);
            }
            What::Reaction { message_provider_id, .. } => self.message(message_provider_id),
            What::Status(said) => {
                self.message(&said.provider_id);
                if let Some(ours) = said.ours {
                    self.tenants("ours", ours);
                }
            }
            What::IdentityChanged { message, previous, current } => {
                self.message(&message.provider_id);
                for identifier in previous.iter().chain(current) {
                    self.identifier(identifier);
                }
            }
            What::Mail(mail) => self.mail(mail),
            What::ProviderUpdate { .. } => self.channels("channel", ()),
        }
    }

    fn mail(&mut self, mail: &MailFact) {
        let ids = mail.message_id.iter().chain(&mail.in_reply_to).chain(&mail.references);
        for id in ids.chain(mail.report.iter().map(|report| &report.original_message_id)) {
            self.channels("mail", id.as_str());
        }
    }

    /// The conversations that the decision store knows the update to be about, whatever the names in it.
    fn known(&mut self, ledger: &Ledger, key: &IdKey, fact: &Fact) -> Result<(), LedgerError> {
        if let What::Mail(mail) = &fact.what {
            return self.known_mail(ledger, key, mail);
        }
        for identifier in fact.identifiers.iter().filter(|identifier| identifier.kind.binds()) {
            let identity = key.identity(&self.at.channel, identifier.kind, &identifier.value);
            if let EntityState::Identity(Some(IdentityEvent::Bound { conversation: Some(conversation), .. })) =
                ledger.shared(&self.at.tenant, &identity)?.state
            {
                self.conversation(conversation);
            }
        }
        Ok(())
    }

    fn known_mail(&mut self, ledger: &Ledger, key: &IdKey, mail: &MailFact) -> Result<(), LedgerError> {
        for conversation in thread::named(key, mail) {
            self.conversation(conversation);
        }
        let at = self.at;
        let look = |reader: &DecisionReader<'_>| {
            let ids = mail.message_id.iter().chain(&mail.in_reply_to).chain(&mail.references);
            let known = ids.map(|id| reader.mail(&at.tenant, &at.channel, id));
            known.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()
        };
        for known in ledger.read(look)? {
            self.conversation(known.conversation);
        }
        Ok(())
    }

    /// A person is the same one on all channels of a tenant, and a number is one however it is named.
    fn identifier(&mut self, identifier: &Identifier) {
        match identifier.kind {
            IdentifierKind::Phone | IdentifierKind::WaId => {
                let digits: String = identifier.value.chars().filter(char::is_ascii_digit).collect();
                self.tenants("number", digits);
            }
            kind @ (IdentifierKind::Bsuid
            | IdentifierKind::Email
            | IdentifierKind::Username
            | IdentifierKind::ParentBsuid) => self.tenants(kind.as_str(), identifier.value.as_str()),
        }
    }

    fn message(&mut self, provider_id: &str) {
        self.channels("message", provider_id);
    }

    fn conversation(&mut self, conversation: EntityId) {
        self.tenants("conversation", conversation.bytes());
    }

    fn tenants(&mut self, what: &str, value: impl Hash) {
        self.keys.push(self.hash.hash_one((&self.at.tenant, what, value)));
    }

    fn channels(&mut self, what: &str, value: impl Hash) {
        self.keys.push(self.hash.hash_one((self.at, what, value)));
    }
}
