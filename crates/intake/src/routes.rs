//! Which channel an update belongs to, as the configuration says.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use relevo_channels::Target;
use relevo_domain::{ChannelId, EndpointId, TenantId};
use relevo_eventlog::InputKind;

/// A channel of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelRef {
    pub tenant: TenantId,
    pub channel: ChannelId,
}

/// What one endpoint delivers, and to whom.
#[derive(Clone, Debug)]
pub enum Endpoint {
    /// A Meta app: its updates name numbers or accounts.
    Meta(MetaApp),
    /// A Twilio channel.
    Twilio(ChannelRef),
    /// A mailbox, with the addresses that are its own (loop detection).
    Email { channel: ChannelRef, own_addresses: Vec<String> },
}

/// The numbers and accounts that a Meta app may speak for. What another app's secret signed never reaches them.
#[derive(Clone, Debug, Default)]
pub struct MetaApp {
    /// By `phone_number_id`.
    pub numbers: HashMap<String, ChannelRef>,
    /// By WABA id: the first configured channel of the account.
    pub accounts: HashMap<String, ChannelRef>,
    /// By the digits of the number that customers see.
    pub display_numbers: HashMap<String, ChannelRef>,
    /// For account updates whose account no channel names.
    pub account_channel: Option<ChannelRef>,
}

/// All endpoints.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    pub endpoints: HashMap<EndpointId, Endpoint>,
}

impl Routes {
    /// The channel that an update of this endpoint names, if it is configured.
    pub fn find(&self, endpoint: &EndpointId, target: &Target) -> Option<&ChannelRef> {
        match (self.endpoints.get(endpoint)?, target) {
            (Endpoint::Twilio(channel) | Endpoint::Email { channel, .. }, _) => Some(channel),
            (Endpoint::Meta(app), Target::Number { phone_number_id }) => app.numbers.get(phone_number_id),
            (Endpoint::Meta(app), Target::Account { waba_id, display_phone_number }) => {
                let digits = |number: &String| number.chars().filter(char::is_ascii_digit).collect::<String>();
                display_phone_number
                    .as_ref()
                    .and_then(|number| app.display_numbers.get(&digits(number)))
                    .or_else(|| app.accounts.get(waba_id))
                    .or(app.account_channel.as_ref())
            }
            (Endpoint::Meta(_), Target::Endpoint | Target::Nowhere) => None,
        }
    }

    /// What an endpoint delivers, if it is configured.
    pub fn kind(&self, endpoint: &EndpointId) -> Option<InputKind> {
        Some(match self.endpoints.get(endpoint)? {
            Endpoint::Meta(_) => InputKind::Meta,
            Endpoint::Twilio(_) => InputKind::Twilio,
            Endpoint::Email { .. } => InputKind::Email,
        })
    }

    /// Every configured channel that an endpoint can deliver to, in order.
    pub fn channels(&self) -> Vec<ChannelRef> {
        let mut channels: Vec<ChannelRef> = self
            .endpoints
            .values()
            .flat_map(|endpoint| match endpoint {
                Endpoint::Meta(app) => app.numbers.values().cloned().collect::<Vec<_>>(),
                Endpoint::Twilio(channel) | Endpoint::Email { channel, .. } => vec![channel.clone()],
            })
            .collect();
        channels.sort();
        channels.dedup();
        channels
    }
}

/// The routes that are in force. Replaced as a whole when a channel comes or goes, without a restart; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct LiveRoutes(Arc<RwLock<Arc<Routes>>>);

impl LiveRoutes {
    /// What is in force now.
    pub fn now(&self) -> Arc<Routes> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts these in force instead.
    pub fn replace(&self, routes: Routes) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(routes);
    }
}

impl From<Arc<Routes>> for LiveRoutes {
    fn from(routes: Arc<Routes>) -> Self {
        Self(Arc::new(RwLock::new(routes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str) -> ChannelRef {
        ChannelRef { tenant: TenantId::new("demo").unwrap(), channel: ChannelId::new(name).unwrap() }
    }

    fn routes() -> (Routes, EndpointId) {
        let app = MetaApp {
            numbers: [("1".to_owned(), channel("wa")), ("2".to_owned(), channel("wb"))].into(),
            accounts: [("waba".to_owned(), channel("wa"))].into(),
            display_numbers: [("5491155550200".to_owned(), channel("wb"))].into(),
            account_channel: None,
        };
        let endpoint = EndpointId::new("app").unwrap();
        (Routes { endpoints: [(endpoint.clone(), Endpoint::Meta(app))].into() }, endpoint)
    }

    fn account(waba: &str, display: Option<&str>) -> Target {
        Target::Account { waba_id: waba.to_owned(), display_phone_number: display.map(str::to_owned) }
    }

    #[test]
    fn an_update_goes_where_it_says() {
        let (routes, app) = routes();
        let number = |id: &str| Target::Number { phone_number_id: id.to_owned() };
        assert_eq!(routes.find(&app, &number("2")), Some(&channel("wb")));
        assert_eq!(routes.find(&app, &number("999999999999999")), None);
        assert_eq!(routes.find(&app, &Target::Nowhere), None);
        assert_eq!(routes.find(&app, &account("waba", None)), Some(&channel("wa")));
        assert_eq!(routes.find(&app, &account("waba", Some("+54 9 11 5555-0200"))), Some(&channel("wb")));
        assert_eq!(routes.find(&app, &account("other", None)), None);
    }

    #[test]
    fn another_apps_numbers_cannot_be_reached() {
        let (mut routes, _app) = routes();
        let foreign = EndpointId::new("foreign").unwrap();
        routes.endpoints.insert(foreign.clone(), Endpoint::Meta(MetaApp::default()));
        assert_eq!(routes.find(&foreign, &Target::Number { phone_number_id: "1".to_owned() }), None);
    }
}
