//! Events of the past onto a subject of its own, for whoever listens. Nothing keeps them: whoever wants them kept makes a stream
//! for `relevo.replay.>`.

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use bytes::Bytes;
use relevo_domain::{Position, TenantId};

use crate::connection::Connection;
use crate::log::LogError;
use crate::subject;

const HEADER_POSITION: &str = "Relevo-Position";
const HEADER_EVENT: &str = "Relevo-Event";
const HEADER_CONTENT_TYPE: &str = "content-type";

/// Where a replay goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplaySubject(String);

impl ReplaySubject {
    /// `relevo.replay.<tenant>.<name>`, if `text` is that with this tenant.
    pub fn parse(tenant: &TenantId, text: &str) -> Option<Self> {
        let own = format!("{}{tenant}.", subject::REPLAY_PREFIX);
        let name = text.strip_prefix(&own)?;
        subject::replay(tenant, name).ok().map(Self)
    }
}

/// One event on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    pub position: Position,
    /// Place of the event in its commit.
    pub ordinal: u32,
    pub event: &'static str,
    /// JSON.
    pub content: Bytes,
}

impl Connection {
    /// Publishes one event. Whether anybody has it is unknown; [`Self::replayed`] tells that the server does.
    pub async fn replay(&self, subject: &ReplaySubject, event: Replayed) -> Result<(), LogError> {
        if !self.connected() {
            return Err(LogError::Unavailable("not connected".to_owned()));
        }
        let mut headers = HeaderMap::new();
        let position = event.position.to_string();
        // A stream that somebody made for the subject keeps each event once, if one replay is repeated soon.
        headers.insert(NATS_MESSAGE_ID, format!("{position}.{}", event.ordinal).as_str());
        headers.insert(HEADER_POSITION, position.as_str());
        headers.insert(HEADER_EVENT, event.event);
        headers.insert(HEADER_CONTENT_TYPE, "application/json");
        let sent = self.shared.client.publish_with_headers(subject.0.clone(), headers, event.content).await;
        sent.map_err(|error| LogError::Unavailable(error.to_string()))
    }

    /// Waits until everything that was replayed so far has left this process.
    pub async fn replayed(&self) -> Result<(), LogError> {
        self.shared.client.flush().await.map_err(|error| LogError::Unavailable(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_goes_under_its_own_prefix_and_tenant_alone() {
        let tenant = TenantId::new("demo").unwrap();
        let subject = ReplaySubject::parse(&tenant, "relevo.replay.demo.audit-1").unwrap();
        assert_eq!(subject, ReplaySubject("relevo.replay.demo.audit-1".to_owned()));
        for bad in [
            "relevo.events.19.demo.wks",
            "relevo.replay.demo-b.audit",
            "relevo.replay.demo",
            "relevo.replay.demo.",
            "relevo.replay.demo.a.b",
            "relevo.replay.demo.*",
            "relevo.replay.demo.>",
            "relevo.replay.demo.A",
        ] {
            assert_eq!(ReplaySubject::parse(&tenant, bad), None, "{bad}");
        }
    }
}
