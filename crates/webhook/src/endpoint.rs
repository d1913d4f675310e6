//! Which endpoints exist and what proves that a post comes from the provider. Filled from the configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use relevo_domain::EndpointId;

/// A Meta app: one callback address for all the numbers that are subscribed to it.
#[derive(Clone)]
pub struct MetaApp {
    pub id: EndpointId,
    /// App secrets; several while one is being rotated. A post signed with any of them is accepted.
    pub app_secrets: Vec<String>,
    pub verify_token: String,
}

/// One Twilio sender.
#[derive(Clone)]
pub struct TwilioEndpoint {
    pub id: EndpointId,
    /// Auth tokens; several while one is being rotated.
    pub auth_tokens: Vec<String>,
    /// What stands before `/webhooks/…` in the address that is configured at Twilio, because that address is signed.
    pub public_base_url: String,
}

/// One mailbox whose mail server pipes its mails in.
#[derive(Clone)]
pub struct EmailEndpoint {
    pub id: EndpointId,
    /// Bearer tokens; several while one is being rotated.
    pub bearer_tokens: Vec<String>,
}

/// Every endpoint of the installation, by its name in the address.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    meta: BTreeMap<String, MetaApp>,
    twilio: BTreeMap<String, TwilioEndpoint>,
    email: BTreeMap<String, EmailEndpoint>,
}

impl Endpoints {
    pub fn new(
        meta: impl IntoIterator<Item = MetaApp>,
        twilio: impl IntoIterator<Item = TwilioEndpoint>,
        email: impl IntoIterator<Item = EmailEndpoint>,
    ) -> Self {
        Self {
            meta: meta.into_iter().map(|app| (app.id.as_str().to_owned(), app)).collect(),
            twilio: twilio.into_iter().map(|channel| (channel.id.as_str().to_owned(), channel)).collect(),
            email: email.into_iter().map(|channel| (channel.id.as_str().to_owned(), channel)).collect(),
        }
    }

    pub(crate) fn meta(&self, name: &str) -> Option<&MetaApp> {
        self.meta.get(name)
    }

    pub(crate) fn twilio(&self, name: &str) -> Option<&TwilioEndpoint> {
        self.twilio.get(name)
    }

    pub(crate) fn email(&self, name: &str) -> Option<&EmailEndpoint> {
        self.email.get(name)
    }
}

/// The endpoints that are in force. Replaced as a whole when a channel comes or goes, without a restart; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct LiveEndpoints(Arc<RwLock<Arc<Endpoints>>>);

impl LiveEndpoints {
    /// What is in force now. A request keeps what it began with.
    pub fn now(&self) -> Arc<Endpoints> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts these in force instead.
    pub fn replace(&self, endpoints: Endpoints) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(endpoints);
    }
}

impl From<Endpoints> for LiveEndpoints {
    fn from(endpoints: Endpoints) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(endpoints))))
    }
}

// Secrets never reach a log line: the name says enough.

impl fmt::Debug for MetaApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetaApp").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for TwilioEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioEndpoint").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for EmailEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailEndpoint").field("id", &self.id).finish_non_exhaustive()
    }
}
