//! Failures at once and by report, those that are waited for, and answers that say nothing.

use std::sync::Arc;
use std::time::Duration;

use relevo_proto::query::v1::SendState;
use relevo_testkit::Stage;
use relevo_testkit::fakes::{Behaviour, Reports};

use super::cases::{Cases, Verdict, Wrong, same};
use super::desk::message;
use super::rig::{MAIL, META, Rig, SIDE, TWILIO, received};
use super::types::{count, reports, script, silent, template};

/// Refused at once, for good: channel, code, class.
const FINAL: [(&str, &str, &str); 14] = [
    (META, "131047", "window"),
    (META, "131026", "recipient"),
    (META, "131049", "recipient"),
    (META, "131009", "content"),
    (META, "132000", "template"),
    (META, "132015", "template"),
    (META, "131042", "account"),
    (META, "133010", "account"),
    (META, "368", "integrity"),
    (TWILIO, "21211", "recipient"),
    (TWILIO, "21610", "recipient"),
    (TWILIO, "63028", "template"),
    (TWILIO, "21617", "content"),
    (TWILIO, "63007", "account"),
];

/// Taken, and reported as failed afterwards.
const REPORTED: [(&str, &str); 11] = [
    (META, "131047"),
    (META, "131026"),
    (META, "131056"),
    (META, "131049"),
    (META, "131053"),
    (META, "131042"),
    (TWILIO, "63016"),
    (TWILIO, "63003"),
    (TWILIO, "63018"),
    (TWILIO, "63019"),
    (TWILIO, "63024"),
];

/// Refused once and taken then: channel, code.
const WAITED_FOR: [(&str, &str); 7] = [
    (META, "131056"),
    (META, "2"),
    (META, "131000"),
    (META, "130429"),
    (META, "4"),
    (TWILIO, "20429"),
    (TWILIO, "21611"),
];

/// Longer than a call may take.
const AFTER_A_CALL: Duration = Duration::from_secs(75);

pub fn cases(rig: &Arc<Rig>) -> Cases {
    let mut cases = Cases::default();
    for (channel, code, class) in FINAL {
        let rig = Arc::clone(rig);
        cases.add(format!("{channel} refuses with {code}: failed, {class}"), async move {
            refused(&rig, channel, code, class).await
        });
    }
    for (channel, code) in REPORTED {
        let rig = Arc::clone(rig);
        cases.add(
            format!("{channel} takes and reports {code}: failed"),
            async move { reported(&rig, channel, code).await },
        );
    }
    for (channel, code) in WAITED_FOR {
        let rig = Arc::clone(rig);
        cases.add(format!("{channel} refuses with {code} once: sent again"), async move {
            waited(&rig, channel, code).await
        });
    }
    for channel in [META, TWILIO] {
        silences(&mut cases, rig, channel);
    }
    if rig.mail.is_some() {
        mails(&mut cases, rig);
    }
    let r = Arc::clone(rig);
    cases.add("meta refuses with 131000 three times: failed, no fourth", async move { vague(&r).await });
    let r = Arc::clone(rig);
    cases.add("meta refuses with 131048: templates wait, answers go", async move { quality(&r).await });
    cases
}

/// What is answered, and whether the message was taken.
fn silences(cases: &mut Cases, rig: &Arc<Rig>, channel: &'static str) {
    let all = [
        (Behaviour::GatewayPage, "answers 502 with a page"),
        (Behaviour::GatewayPageAfterAccepting, "takes and answers 500 with a page"),
        (Behaviour::NotJson, "takes and answers no JSON"),
        (Behaviour::WithoutId, "takes and answers without an id"),
        (Behaviour::SlowBody, "takes and begins an answer without an end"),
        (Behaviour::CloseWithoutAccepting, "closes without taking"),
        (Behaviour::CloseAfterAccepting, "takes and closes"),
        (Behaviour::SilentAfterAccepting, "takes and never answers"),
    ];
    for (behaviour, words) in all {
        let rig = Arc::clone(rig);
        cases.add(format!("{channel} {words}: unknown, once"), async move { silence(&rig, channel, behaviour).await });
    }
    if channel == TWILIO {
        for code in ["20500", "20503"] {
            let rig = Arc::clone(rig);
            cases.add(format!("{channel} refuses with {code}: unknown"), async move {
                silence(&rig, channel, Behaviour::Refuse(code.to_owned())).await
            });
        }
    }
}

async fn refused(rig: &Rig, channel: &str, code: &str, class: &str) -> Verdict {
    let (to, conversation) = rig.customer(channel).await?;
    script(rig, channel, &to, Behaviour::Refuse(code.to_owned()));
    let desk = rig.desk();
    let sent = desk.say(&conversation, "hola").await?;
    desk.fails(&sent, class, code).await?;
    received("a refused message", 0, count(rig, channel, &to))?;
    // It holds up nothing: the next one goes.
    let next = desk.say(&conversation, "y otra").await?;
    desk.reaches(&next, SendState::Read).await.map(drop)
}

async fn reported(rig: &Rig, channel: &str, code: &str) -> Verdict {
    let (to, conversation) = rig.customer(channel).await?;
    script(rig, channel, &to, Behaviour::AcceptThenFail(code.to_owned()));
    let desk = rig.desk();
    let sent = desk.say(&conversation, "hola").await?;
    desk.fails(&sent, "reported", code).await?;
    received("the message", 1, count(rig, channel, &to))
}

async fn waited(rig: &Rig, channel: &str, code: &str) -> Verdict {
    let (to, conversation) = rig.customer(channel).await?;
    script(rig, channel, &to, Behaviour::Refuse(code.to_owned()));
    let desk = rig.desk();
    let sent = desk.say(&conversation, "hola").await?;
    let next = desk.say(&conversation, "y otra").await?;
    // What Meta calls its own trouble waits for half a minute.
    let outgoing = desk.reaches_within(&sent, SendState::Read, AFTER_A_CALL).await?;
    same("attempts", &2, &outgoing.attempts)?;
    desk.reaches(&next, SendState::Read).await?;
    received("two messages", 2, count(rig, channel, &to))?;
    in_their_order(rig, channel, &to, &[&sent.message, &next.message])
}

/// Whether the provider took them in this order.
pub fn in_their_order(rig: &Rig, channel: &str, to: &str, messages: &[&str]) -> Verdict {
    let (all, to) = if channel == TWILIO {
        (rig.twilio.accepted(), format!("whatsapp:+{to}"))
    } else {
        (rig.meta.accepted(), to.to_owned())
    };
    let taken: Vec<String> = all.into_iter().filter(|one| one.to == to).filter_map(|one| one.callback).collect();
    Wrong::unless(taken.iter().eq(messages.iter()), || format!("the order {messages:?}"), || format!("{taken:?}"))
}

async fn silence(rig: &Rig, channel: &str, behaviour: Behaviour) -> Verdict {
    let (to, conversation) = rig.customer(channel).await?;
    let taken = usize::from(behaviour.takes());
    silent(rig, channel, &to);
    script(rig, channel, &to, behaviour);
    let desk = rig.desk();
    let sent = desk.say(&conversation, "hola").await?;
    let outgoing = desk.reaches_within(&sent, SendState::Unknown, AFTER_A_CALL).await?;
    same("attempts", &1, &outgoing.attempts)?;
    received("the message", taken, count(rig, channel, &to))?;
    // The next one goes, and the first one does not go again.
    reports(rig, channel, &to, Reports::InOrder);
    let next = desk.say(&conversation, "y otra").await?;
    desk.reaches(&next, SendState::Read).await?;
    received("messages", taken + 1, count(rig, channel, &to))?;
    if taken == 1 {
        super::statuses::report(rig, channel, &sent, "sent").await?;
        desk.reaches(&sent, SendState::Sent).await?;
    }
    Ok(())
}

async fn vague(rig: &Rig) -> Verdict {
    let (to, conversation) = rig.customer(META).await?;
    rig.meta.always(&to, Behaviour::Refuse("131000".to_owned()));
    let desk = rig.desk();
    let sent = desk.say(&conversation, "hola").await?;
    // Two pauses of half a minute.
    let outgoing = desk.reaches_within(&sent, SendState::Failed, AFTER_A_CALL * 2).await?;
    same("attempts", &3, &outgoing.attempts)?;
    received("the message", 0, count(rig, META, &to))
}

async fn quality(rig: &Rig) -> Verdict {
    let (to, conversation) = rig.customer(SIDE).await?;
    rig.side.script(&to, [Behaviour::Refuse("131048".to_owned())]);
    let desk = rig.desk();
    let first = desk.say(&conversation, "hola").await?;
    desk.fails(&first, "quality", "131048").await?;
    let stranger = rig.new_number();
    let started = desk.try_start(SIDE, &stranger, message(template("turno", &[("1", "Ana"), ("2", "lunes")]))).await;
    let started = started.map_err(|status| Wrong::new("a template is queued", status.to_string()))?;
    let answer = desk.say(&conversation, "un momento").await?;
    desk.reaches(&answer, SendState::Read).await?;
    received("a template by initiative", 0, rig.side.received(&stranger))?;
    // Somebody has looked: paused and resumed, the channel sends all.
    rig.admin().switch(SIDE, false).await?;
    rig.admin().switch(SIDE, true).await?;
    desk.reaches_within(&started, SendState::Read, AFTER_A_CALL).await?;
    received("the template", 1, rig.side.received(&stranger))
}

fn mails(cases: &mut Cases, rig: &Arc<Rig>) {
    for (stage, reply, class, code) in [
        (Stage::Rcpt, "550 5.1.1 no such user", "recipient", "5.1.1"),
        (Stage::Rcpt, "554 5.7.1 rejected as spam", "integrity", "5.7.1"),
    ] {
        let rig = Arc::clone(rig);
        cases.add(format!("mail server answers {reply}: failed"), async move {
            let (to, conversation) = rig.customer(MAIL).await?;
            rig.mail().smtp.refuse(stage, &to, reply);
            let desk = rig.desk();
            let sent = desk.say(&conversation, "hola").await?;
            desk.fails(&sent, class, code).await?;
            received("the mail", 0, count(&rig, MAIL, &to))
        });
    }
    let r = Arc::clone(rig);
    cases.add("mail server answers 451 4.7.1 for a while: sent again", async move {
        let (to, conversation) = r.customer(MAIL).await?;
        r.mail().smtp.refuse(Stage::Rcpt, &to, "451 4.7.1 greylisted");
        let desk = r.desk();
        let sent = desk.say(&conversation, "hola").await?;
        super::desk::until(
            super::desk::SOON,
            || "queued with a failure".to_owned(),
            async || {
                let outgoing = desk.seen(&sent).await?.outgoing.unwrap_or_default();
                if outgoing.failure.is_some() { Ok(()) } else { Err(super::desk::told(&outgoing)) }
            },
        )
        .await?;
        r.mail().smtp.refuse(Stage::Rcpt, &to, "");
        desk.reaches(&sent, SendState::Accepted).await?;
        super::mail::arrived(&r, &to, 1).await.map(drop)
    });
}
