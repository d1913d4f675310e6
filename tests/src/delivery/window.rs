//! The day in which a customer can be answered freely: to the second, by the provider's clock, without a call.

use std::sync::Arc;
use std::time::Duration;

use relevo_proto::Problem;
use relevo_proto::query::v1::SendState;
use relevo_testkit::fakes::Behaviour;

use super::cases::{Cases, Verdict, Wrong, same};
use super::desk::{message, refusal, text};
use super::rig::{META, Rig, now, received};
use super::types::template;

const DAY: u64 = 24 * 60 * 60;
/// Seconds between the customer's message and the end of its window: enough for it to become a conversation. Where it was not, on
/// a busy machine, by the clock, the window comes later with the next customer.
const AHEAD: [u64; 5] = [5, 5, 10, 20, 40];
const POLL_EVERY: Duration = Duration::from_millis(5);

pub fn cases(rig: &Arc<Rig>) -> Cases {
    let mut cases = Cases::default();
    let r = Arc::clone(rig);
    cases
        .add("24 h and 1 s after the customer's last message: WINDOW_CLOSED, no call", async move { closed(&r).await });
    let r = Arc::clone(rig);
    cases.add("23 h 59 min 59 s after the customer's last message: sent", async move { open(&r).await });
    let r = Arc::clone(rig);
    cases.add("the window closes while the message waits: failed, no call", async move { closes(&r).await });
    let r = Arc::clone(rig);
    cases.add("a template after the window: sent", async move { template_after(&r).await });
    let r = Arc::clone(rig);
    cases.add("a stranger: WINDOW_CLOSED for a text, a template is sent", async move { stranger(&r).await });
    cases
}

async fn wrote(rig: &Rig, ago: u64) -> Verdict<(String, String)> {
    let who = rig.new_number();
    rig.writes(META, &who, "Hola", now() - ago).await;
    let conversation = rig.desk().conversation_of(META, &who).await?;
    Ok((who, conversation))
}

async fn closed(rig: &Rig) -> Verdict {
    let (to, conversation) = wrote(rig, DAY + 1).await?;
    let refused = rig.desk().try_send(&conversation, text("hola")).await;
    let Err(status) = refused else { return Err(Wrong::new("WINDOW_CLOSED", "it was queued")) };
    same("the refusal", &"WINDOW_CLOSED".to_owned(), &refusal(&status))?;
    let problem = format!("{:?}", Problem::from_status(&status));
    for wanted in ["expired_at", "turno", "aviso"] {
        Wrong::unless(problem.contains(wanted), || format!("{wanted} in the refusal"), || problem.clone())?;
    }
    Wrong::unless(!problem.contains("pausado"), || "no template that is paused".to_owned(), || problem.clone())?;
    received("a refused message", 0, rig.meta.received(&to))
}

async fn open(rig: &Rig) -> Verdict {
    let mut seen = "";
    for ahead in AHEAD {
        let who = rig.new_number();
        let at = now() - DAY + ahead;
        rig.writes(META, &who, "Hola", at).await;
        let conversation = rig.desk().conversation_of(META, &who).await?;
        while now() < at + DAY - 1 {
            tokio::time::sleep(POLL_EVERY).await;
        }
        let desk = rig.desk();
        let sent = desk.try_send(&conversation, text("hola")).await;
        if now() >= at + DAY {
            seen = "the second was missed";
            continue;
        }
        let sent = sent.map_err(|status| Wrong::new("queued in the last second", refusal(&status)))?;
        if desk.reaches(&sent, SendState::Read).await.is_ok() {
            return received("the message", 1, rig.meta.received(&who));
        }
        seen = "queued in time, and not claimed in time";
    }
    Err(Wrong::new(format!("sent in the last second, in one of {} tries", AHEAD.len()), seen))
}

async fn closes(rig: &Rig) -> Verdict {
    for ahead in AHEAD {
        let ends_at = now() + ahead;
        let (to, conversation) = wrote(rig, DAY - ahead).await?;
        rig.meta.always(&to, Behaviour::Refuse("2".to_owned()));
        let desk = rig.desk();
        let sent = match desk.try_send(&conversation, text("hola")).await {
            Ok(sent) => sent,
            Err(_missed) if now() >= ends_at => continue,
            Err(status) => return Err(Wrong::new("queued while the window was open", refusal(&status))),
        };
        let outgoing = desk.reaches(&sent, SendState::Failed).await?;
        let failure = outgoing.failure.unwrap_or_default();
        same("class", &"window".to_owned(), &failure.class)?;
        return received("the message", 0, rig.meta.received(&to));
    }
    Err(Wrong::new("queued while the window was open", "every window was missed"))
}

async fn template_after(rig: &Rig) -> Verdict {
    let (to, conversation) = wrote(rig, DAY + 1).await?;
    let desk = rig.desk();
    let sent = desk.send(&conversation, message(template("turno", &[("1", "Ana"), ("2", "lunes")]))).await?;
    desk.reaches(&sent, SendState::Read).await?;
    received("the template", 1, rig.meta.received(&to))
}

async fn stranger(rig: &Rig) -> Verdict {
    let (to, desk) = (rig.new_number(), rig.desk());
    match desk.try_start(META, &to, text("hola")).await {
        Ok(_) => return Err(Wrong::new("WINDOW_CLOSED", "it was queued")),
        Err(status) => same("the refusal", &"WINDOW_CLOSED".to_owned(), &refusal(&status))?,
    }
    let started = desk.try_start(META, &to, message(template("aviso", &[("nombre", "Ana")]))).await;
    let sent = started.map_err(|status| Wrong::new("a template is queued", refusal(&status)))?;
    desk.reaches(&sent, SendState::Read).await?;
    received("the template", 1, rig.meta.received(&to))
}
