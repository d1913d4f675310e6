//! Which endpoint belongs to which tenant. A Meta app may serve several tenants; what it receives as a whole, and what names no
//! channel, is shown to its owner alone.

use relevo_domain::{EndpointId, TenantId};
use relevo_intake::{Endpoint, Routes};

/// Whether the endpoint's own counts and its unrouted updates are the tenant's to see.
pub(super) fn owns(routes: &Routes, tenant: &TenantId, endpoint: &EndpointId) -> bool {
    match routes.endpoints.get(endpoint) {
        None => false,
        Some(Endpoint::Twilio(channel) | Endpoint::Email { channel, .. }) => channel.tenant == *tenant,
        Some(Endpoint::Meta(app)) => match &app.account_channel {
            Some(owner) => owner.tenant == *tenant,
            // Nobody was named: it is everybody's whom it serves, else what it cannot route would be nobody's to repair.
            None => app.numbers.values().any(|channel| channel.tenant == *tenant),
        },
    }
}

/// The kind of an endpoint, in one word.
pub(super) fn kind(routes: &Routes, endpoint: &EndpointId) -> &'static str {
    match routes.endpoints.get(endpoint) {
        Some(Endpoint::Meta(_)) => "meta",
        Some(Endpoint::Twilio(_)) => "twilio",
        Some(Endpoint::Email { .. }) => "email",
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_domain::ChannelId;
    use relevo_intake::{ChannelRef, MetaApp};

    fn channel(tenant: &str) -> ChannelRef {
        ChannelRef { tenant: TenantId::new(tenant).unwrap(), channel: ChannelId::new("wa").unwrap() }
    }

    #[test]
    fn a_shared_app_is_its_owners() {
        let shared = |account_channel| {
            let numbers = [("1".to_owned(), channel("a")), ("2".to_owned(), channel("b"))].into();
            let app = MetaApp { numbers, account_channel, ..MetaApp::default() };
            Routes { endpoints: [(EndpointId::new("app").unwrap(), Endpoint::Meta(app))].into() }
        };
        let owners = |routes: &Routes| {
            let app = EndpointId::new("app").unwrap();
            ["a", "b", "c"].map(|tenant| owns(routes, &TenantId::new(tenant).unwrap(), &app))
        };
        assert_eq!(owners(&shared(Some(channel("a")))), [true, false, false]);
        assert_eq!(owners(&shared(None)), [true, true, false]);
    }
}
