//! Credentials that are refused: the channel waits and says why, the others go on, and it goes on itself once it is mended.

use std::sync::Arc;

use relevo_proto::query::v1::SendState;
use relevo_testkit::fakes::{FakeMeta, MetaOptions};

use super::others_go_on;
use crate::delivery::cases::{Cases, Verdict, Wrong, same};
use crate::delivery::desk::{SOON, message, refusal, told, until};
use crate::delivery::rig::{PASSWORD, Rig, meta_channel, received};
use crate::delivery::types::template;

const BROKEN: &str = "CHANNEL_HEALTH_STATE_BROKEN";
const GOOD: &str = "CHANNEL_HEALTH_STATE_GOOD";

pub(super) fn cases(rig: &Arc<Rig>) -> Cases {
    let mut cases = Cases::default();
    let r = Arc::clone(rig);
    cases.add("an expired token: the channel waits, others go on, mended it sends", async move { token(&r).await });
    let r = Arc::clone(rig);
    cases.add("a mailbox that denies login: told, others go on, mended it reads", async move { login(&r).await });
    cases
}

async fn token(rig: &Rig) -> Verdict {
    let options = MetaOptions {
        phone_number_id: "300000000000009".to_owned(),
        display_phone_number: "5491155550309".to_owned(),
        waba_id: "400000000000009".to_owned(),
        ..MetaOptions::default()
    };
    let fake = FakeMeta::start(options).await.unwrap();
    fake.report_to(format!("{}/webhooks/meta/tienda", rig.broker.http));
    fake.set_templates([serde_json::json!({ "id": "1", "name": "turno", "language": "es_AR", "status": "APPROVED",
        "category": "UTILITY", "components": [{ "type": "BODY", "text": "Hola {{1}}" }] })]);
    let (admin, desk) = (rig.admin(), rig.desk());
    let definition = format!("{}app = \"tienda\"\n", meta_channel("wa-vencido", &fake));
    admin.add_channel(&definition, false).await?;
    desk.templates_of("wa-vencido").await?;
    fake.set_token("another-token");
    let to = rig.new_number();
    let started = desk.try_start("wa-vencido", &to, message(template("turno", &[("1", "Ana")]))).await;
    let sent = started.map_err(|status| Wrong::new("queued", refusal(&status)))?;
    until(
        SOON,
        || "queued with a failure: auth 190".to_owned(),
        async || {
            let outgoing = desk.seen(&sent).await?.outgoing.unwrap_or_default();
            let failure = outgoing.failure.clone().unwrap_or_default();
            let waits = outgoing.state() == SendState::Queued && failure.class == "auth" && failure.code == "190";
            if waits { Ok(()) } else { Err(told(&outgoing)) }
        },
    )
    .await?;
    same("health", &("auth".to_owned(), "190".to_owned()), &admin.health_of("wa-vencido", "sending", BROKEN).await?)?;
    others_go_on(rig).await?;
    received("the message", 0, fake.received(&to))?;
    let mended = definition.replace("fake-access-token", "another-token");
    admin.add_channel(&mended, true).await?;
    desk.reaches(&sent, SendState::Read).await?;
    admin.health_of("wa-vencido", "sending", GOOD).await?;
    received("the message", 1, fake.received(&to))?;
    same("messages sent twice", &Vec::<String>::new(), &fake.repeated())
}

async fn login(rig: &Rig) -> Verdict {
    let user = "cerrado@example.test";
    let dovecot = &rig.mail().dovecot;
    dovecot.add_user(user, PASSWORD);
    let (admin, desk) = (rig.admin(), rig.desk());
    admin.add_channel(&rig.mailbox_channel("cerrado", user, "wrong"), false).await?;
    let (class, _) = admin.health_of("cerrado", "receiving", BROKEN).await?;
    same("class", &"auth".to_owned(), &class)?;
    others_go_on(rig).await?;
    admin.add_channel(&rig.mailbox_channel("cerrado", user, PASSWORD), true).await?;
    admin.health_of("cerrado", "receiving", GOOD).await?;
    let from = rig.new_address();
    let mail = format!("From: {from}\r\nTo: {user}\r\nSubject: Hola\r\nMessage-ID: <cerrado.{from}>\r\n\r\nhola\r\n");
    dovecot.drop_mail(user, "INBOX", "hola", mail.as_bytes());
    desk.conversation_of("cerrado", &from).await.map(drop)
}
