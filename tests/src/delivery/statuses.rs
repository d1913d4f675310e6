//! Statuses in every order, twice, before our own answer: the end is the same.

use std::sync::Arc;

use relevo_proto::query::v1::SendState;
use relevo_testkit::fakes::{Accepted, Behaviour, Reports};
use serde_json::json;

use super::cases::{Cases, Verdict, Wrong, same};
use super::desk::{SOON, Sent, until};
use super::rig::{META, Rig, TWILIO, now, received};
use super::types::{count, reports, silent};

/// Reports in the order in which they come, and the state in the end.
const ORDERS: [(&[&str], SendState); 13] = [
    (&["sent", "delivered", "read"], SendState::Read),
    (&["sent", "read", "delivered"], SendState::Read),
    (&["delivered", "sent", "read"], SendState::Read),
    (&["delivered", "read", "sent"], SendState::Read),
    (&["read", "sent", "delivered"], SendState::Read),
    (&["read", "delivered", "sent"], SendState::Read),
    (&["sent", "sent", "delivered", "delivered"], SendState::Delivered),
    (&["delivered", "sent"], SendState::Delivered),
    (&["sent", "failed"], SendState::Failed),
    (&["failed", "sent"], SendState::Failed),
    (&["failed", "delivered"], SendState::Delivered),
    (&["delivered", "failed"], SendState::Delivered),
    (&["read", "failed", "sent"], SendState::Read),
];

pub fn cases(rig: &Arc<Rig>) -> Cases {
    let mut cases = Cases::default();
    for (channel, name) in [(META, "meta"), (TWILIO, "twilio")] {
        for (order, end) in ORDERS {
            let rig = Arc::clone(rig);
            let word = end.as_str_name().trim_start_matches("SEND_STATE_").to_lowercase();
            cases.add(format!("{name} statuses {}: {word}", order.join(", ")), async move {
                in_order(&rig, channel, order, end).await
            });
        }
        for (way, word) in [
            (Reports::BeforeAnswer, "before our own answer"),
            (Reports::Duplicated, "twice"),
            (Reports::Reordered, "backwards"),
        ] {
            let rig = Arc::clone(rig);
            cases.add(format!("{name} statuses {word}: read"), async move { by_the_fake(&rig, channel, way).await });
        }
        let rig = Arc::clone(rig);
        cases.add(format!("{name} statuses before an answer that never comes: read"), async move {
            without_answer(&rig, channel).await
        });
    }
    let (rig, r) = (Arc::clone(rig), Arc::clone(rig));
    cases.add("meta statuses that name the provider's id alone: read", async move { without_ours(&rig).await });
    let rig = r;
    cases.add("meta statuses that name the provider's id alone, before our own answer: read", async move {
        early_without_ours(&rig).await
    });
    cases
}

async fn in_order(rig: &Rig, channel: &str, order: &[&str], end: SendState) -> Verdict {
    let (to, conversation) = rig.customer(channel).await?;
    silent(rig, channel, &to);
    let desk = rig.desk();
    let sent = desk.say(&conversation, "hola").await?;
    desk.reaches(&sent, SendState::Accepted).await?;
    let mut kinds = std::collections::BTreeSet::new();
    for status in order {
        report(rig, channel, &sent, status).await?;
        kinds.insert(status);
        // One after the other: what was posted later must not come first.
        all_told(rig, &sent, kinds.len()).await?;
    }
    desk.reaches(&sent, end).await?;
    received("the message", 1, count(rig, channel, &to))
}

/// Waits until every report is in the thread, so that the state is the last one.
async fn all_told(rig: &Rig, sent: &Sent, reports: usize) -> Verdict {
    let desk = rig.desk();
    until(
        SOON,
        || format!("{reports} kinds of reports"),
        async || {
            let message = desk.seen(sent).await?;
            let kinds: std::collections::BTreeSet<_> =
                message.delivery_reports.iter().map(|report| &report.status).collect();
            if kinds.len() == reports { Ok(()) } else { Err(format!("{kinds:?}")) }
        },
    )
    .await
}

async fn by_the_fake(rig: &Rig, channel: &str, way: Reports) -> Verdict {
    let (to, conversation) = rig.customer(channel).await?;
    reports(rig, channel, &to, way);
    let desk = rig.desk();
    let sent = desk.say(&conversation, "hola").await?;
    desk.reaches(&sent, SendState::Read).await?;
    // The answer is stored too: the conversation's next message has its turn.
    let next = desk.say(&conversation, "y otra").await?;
    let outgoing = desk.reaches(&next, SendState::Read).await?;
    same("attempts", &1, &outgoing.attempts)?;
    received("two messages", 2, count(rig, channel, &to))
}

async fn without_answer(rig: &Rig, channel: &str) -> Verdict {
    let (to, conversation) = rig.customer(channel).await?;
    reports(rig, channel, &to, Reports::BeforeAnswer);
    super::types::script(rig, channel, &to, Behaviour::CloseAfterAccepting);
    let desk = rig.desk();
    let sent = desk.say(&conversation, "hola").await?;
    desk.reaches(&sent, SendState::Read).await?;
    received("the message", 1, count(rig, channel, &to))
}

async fn without_ours(rig: &Rig) -> Verdict {
    let (to, conversation) = rig.customer(META).await?;
    silent(rig, META, &to);
    let desk = rig.desk();
    let sent = desk.say(&conversation, "hola").await?;
    desk.reaches(&sent, SendState::Accepted).await?;
    let taken = taken(rig, META, &sent).await?;
    post_meta(rig, &taken.to, &taken.id, None, "read");
    desk.reaches(&sent, SendState::Read).await.map(drop)
}

/// Nobody knows yet whose id it is; the report waits for the message.
async fn early_without_ours(rig: &Rig) -> Verdict {
    let (to, conversation) = rig.customer(META).await?;
    silent(rig, META, &to);
    super::types::script(rig, META, &to, Behaviour::AnswerHeldBack);
    let desk = rig.desk();
    let sent = desk.say(&conversation, "hola").await?;
    desk.reaches(&sent, SendState::Sending).await?;
    let (taken, before) = (taken(rig, META, &sent).await?, desk.version(&conversation).await?);
    post_meta(rig, &taken.to, &taken.id, None, "read");
    until(
        SOON,
        || "the report in the conversation".to_owned(),
        async || {
            let version = desk.version(&conversation).await.map_err(|wrong| wrong.seen)?;
            if version > before { Ok(()) } else { Err(version.to_string()) }
        },
    )
    .await?;
    desk.reaches(&sent, SendState::Sending).await?;
    rig.meta.answer_one();
    let outgoing = desk.reaches(&sent, SendState::Read).await?;
    let kept = outgoing.accepted_at.is_some() && outgoing.read_at.is_some();
    Wrong::unless(kept, || "both times".to_owned(), || format!("{outgoing:?}"))?;
    received("the message", 1, count(rig, META, &to))
}

/// What the provider took for a message of ours.
async fn taken(rig: &Rig, channel: &str, sent: &Sent) -> Verdict<Accepted> {
    until(
        SOON,
        || "the provider has it".to_owned(),
        async || {
            let all = if channel == META { rig.meta.accepted() } else { rig.twilio.accepted() };
            let found = all.into_iter().find(|taken| taken.callback.as_deref() == Some(&sent.message));
            found.ok_or_else(|| "it has not".to_owned())
        },
    )
    .await
}

/// Posts a report about a message, as its provider would.
pub async fn report(rig: &Rig, channel: &str, sent: &Sent, status: &str) -> Verdict {
    let taken = taken(rig, channel, sent).await?;
    if channel == META {
        post_meta(rig, &taken.to, &taken.id, Some(&sent.message), status);
        return Ok(());
    }
    let url = taken.body["StatusCallback"].as_str().unwrap_or_default().to_owned();
    let query = url.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    let code = if status == "failed" { "&ErrorCode=63003" } else { "" };
    let form = format!(
        "MessageSid={}&MessageStatus={status}&To={}&From={}&AccountSid={}{code}",
        taken.id,
        taken.to.replace(':', "%3A").replace('+', "%2B"),
        super::rig::TWILIO_FROM.replace(':', "%3A").replace('+', "%2B"),
        rig.twilio.options().account_sid
    );
    let answered = rig.post_twilio(&query, form).await;
    Wrong::unless(answered == 200, || "200 to a callback".to_owned(), || answered.to_string())
}

fn post_meta(rig: &Rig, to: &str, id: &str, ours: Option<&str>, status: &str) {
    let mut value = json!({ "id": id, "status": status, "timestamp": now().to_string(), "recipient_id": to });
    if let Some(ours) = ours {
        value["biz_opaque_callback_data"] = ours.into();
    }
    if status == "failed" {
        value["errors"] = json!([{ "code": 131_026, "title": "Message undeliverable" }]);
    }
    rig.meta.post("messages", &json!({ "messaging_product": "whatsapp", "statuses": [value] }));
}
