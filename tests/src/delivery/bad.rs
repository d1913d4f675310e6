//! Bad input: each has a class, a retry or a person to tell, and never holds up another channel.

mod bomb;
mod bytes;
mod credentials;
mod refusals;

use std::sync::Arc;

use relevo_proto::query::v1::SendState;

use super::cases::{Cases, Verdict};
use super::rig::{META, Rig};

pub fn cases(rig: &Arc<Rig>) -> Cases {
    let mut cases = refusals::cases(rig);
    cases.extend(bytes::cases(rig));
    cases.extend(credentials::cases(rig));
    cases
}

/// Meanwhile another channel goes on.
async fn others_go_on(rig: &Rig) -> Verdict {
    let (_, conversation) = rig.customer(META).await?;
    let sent = rig.desk().say(&conversation, "entretanto").await?;
    rig.desk().reaches(&sent, SendState::Read).await.map(drop)
}
