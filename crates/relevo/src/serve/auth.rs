//! Who calls: an API key in `authorization: Bearer …` becomes the [`Caller`] in the request's extensions.
//!
//! A request without a good key is passed on without a caller; the services that need one answer UNAUTHENTICATED in the caller's
//! language, health and reflection answer anybody.

use std::sync::Arc;

use relevo_domain::Caller;
use subtle::ConstantTimeEq;
use tonic::{Request, Status};

use crate::config::ApiKey;
use crate::key;

/// All keys of the installation.
#[derive(Clone)]
pub(super) struct Keys(Arc<[ApiKey]>);

impl Keys {
    pub(super) fn new(keys: Vec<ApiKey>) -> Self {
        Self(keys.into())
    }

    /// Whose key this is. The time taken says nothing about the keys that exist.
    fn caller(&self, key: &str) -> Option<&Caller> {
        let hash = key::hash(key);
        self.0
            .iter()
            .fold(None, |found, known| if bool::from(known.hash.ct_eq(&hash)) { Some(&known.caller) } else { found })
    }

    /// Puts the caller where services look for it.
    #[expect(clippy::unnecessary_wraps, reason = "the signature that tonic asks of an interceptor")]
    pub(super) fn admit(&self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let header = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let caller = relevo_channels::signature::bearer(header).and_then(|key| self.caller(key)).cloned();
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_domain::{AgentId, Role, Scope, TenantId};

    fn keys() -> Keys {
        let key = |text: &str, name: &str| ApiKey {
            hash: key::hash(text),
            caller: Caller {
                tenant: TenantId::new("acme").unwrap(),
                role: Role::Admin,
                name: AgentId::new(name).unwrap(),
                scope: Scope::Tenant,
            },
        };
        Keys::new(vec![key("one", "a"), key("two", "b")])
    }

    fn admitted(header: Option<&str>) -> Option<String> {
        let mut request = Request::new(());
        if let Some(header) = header {
            request.metadata_mut().insert("authorization", header.parse().unwrap());
        }
        keys().admit(request).unwrap().extensions().get::<Caller>().map(|caller| caller.name.to_string())
    }

    #[test]
    fn a_key_names_its_caller_and_nothing_else_does() {
        assert_eq!(admitted(Some("Bearer one")).as_deref(), Some("a"));
        assert_eq!(admitted(Some("bearer two")).as_deref(), Some("b"));
        for header in [None, Some("Bearer three"), Some("Basic one"), Some("one"), Some("Bearer ")] {
            assert_eq!(admitted(header), None, "{header:?}");
        }
    }
}
