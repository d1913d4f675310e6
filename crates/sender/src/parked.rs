//! Conversations that the delivery view has left out: it does not say any more what is on its way there, so nothing is sent. Operators
//! are told, and what waits there for too long is given up by what the ledger says, instead of being shown as queued for ever.
//!
//! Sending goes on when the view was built anew; nothing here hands a message over.

use std::collections::BTreeSet;

use relevo_command::SendRef;
use relevo_command::decision::EntityState;
use relevo_domain::conversation::{FailureClass, Pending, SendFailure, Stage};
use relevo_domain::{EntityKind, Timestamp};
use relevo_projection::Parked;
use relevo_providers::{AccountKey, Health, Part};
use tokio::time::{Duration, sleep};
use tokio_util::sync::CancellationToken;

use crate::attempt::call_over_after;
use crate::delivery::WAIT_MAX;
use crate::record::{self, Letter, News};
use crate::sender::Shared;

/// Pause between two looks: what is late here is late by hours.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The code under which operators see it.
const CODE: &str = "conversation-parked";

/// Looks after them until it is told to end.
pub(crate) async fn watch(shared: &Shared, token: &CancellationToken) {
    while !token.is_cancelled() {
        let look = async {
            look(shared).await;
            sleep(LOOK_EVERY).await;
        };
        token.run_until_cancelled(look).await;
    }
}

async fn look(shared: &Shared) {
    let parked = if shared.current().is_some() { shared.view.degraded() } else { return };
    let parked = match parked {
        Ok(degraded) => degraded.parked,
        Err(error) => return tracing::error!(%error, "what the delivery view left out cannot be read"),
    };
    let mut channels = BTreeSet::new();
    for parked in parked.iter().filter(|parked| parked.entity.kind() == EntityKind::Conversation) {
        if let Some(channel) = look_after(shared, parked).await {
            channels.insert(channel);
        }
    }
    for account in &channels {
        shared.board.note(account, Part::Sending, health(shared.now()));
    }
    shared.note_parked(channels);
}

/// One of them; answers with its channel if something is on its way there.
async fn look_after(shared: &Shared, parked: &Parked) -> Option<AccountKey> {
    let (tenant, conversation) = (&parked.tenant, parked.entity);
    let entity = match shared.ledger.load(tenant, &conversation) {
        Ok(entity) => entity,
        Err(error) => {
            tracing::error!(%tenant, conversation_id = %conversation, %error, "parked conversation cannot be read");
            return None;
        }
    };
    let EntityState::Conversation(state) = entity.state else { return None };
    let opened = state.opened?;
    for pending in &opened.outbox {
        if let Some(news) = news_of(pending, shared.now(), call_over_after(shared.door.as_ref())) {
            let of = SendRef { tenant: tenant.clone(), conversation, message: pending.id };
            record::tell(shared, &Letter { of, channel: opened.channel.clone() }, &news).await;
        }
    }
    let on_its_way = opened.head().is_some();
    on_its_way.then(|| (tenant.clone(), opened.channel))
}

/// What has to be said of a message by now.
fn news_of(pending: &Pending, now: Timestamp, over_after: Duration) -> Option<News> {
    match &pending.stage {
        Stage::Queued { .. } => {
            let failure = SendFailure { class: FailureClass::Expired, code: None, detail: None };
            (pending.queued_at + WAIT_MAX <= now).then_some(News::GivenUp { failure })
        }
        Stage::Claimed { until, .. } => {
            let over = *until + over_after <= now;
            over.then_some(News::Unknown { attempt: pending.attempts })
        }
        Stage::Unknown { .. } => None,
    }
}

fn health(since: Timestamp) -> Health {
    Health::Broken { since, class: FailureClass::Unknown, code: Some(CODE.to_owned()) }
}
