//! Mail both ways: in by IDLE, out by SMTP, threads in a mail client's eyes, bounces, and the whole corpus.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lettre::address::Envelope;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use relevo_proto::query::v1::SendState;

use super::cases::{Cases, Verdict, Wrong, same};
use super::desk::{SOON, until};
use super::rig::{MAIL, MAILBOX, PASSWORD, Rig, key};
use crate::broker::binary;
use crate::fixtures;

/// A mail must be in the inbox within this time of the server's 250.
const IDLE_WITHIN: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(2);

pub fn cases(rig: &Arc<Rig>) -> Cases {
    let mut cases = Cases::default();
    let r = Arc::clone(rig);
    cases.add(
        "a mail is answered from the command line, and the thread holds both ways",
        async move { threads(&r).await },
    );
    let r = Arc::clone(rig);
    cases.add("a bounce fails the mail that it is about", async move { bounces(&r).await });
    let r = Arc::clone(rig);
    cases.add("a forged bounce fails nothing", async move { forged(&r).await });
    let r = Arc::clone(rig);
    cases.add("the whole corpus of mails, over IMAP", async move { corpus(&r).await });
    cases
}

/// From the 250 of a real SMTP client's mail to the conversation in the inbox. Answers with the time that it took.
pub async fn arrives_by_idle(rig: &Rig) -> Verdict<Duration> {
    let from = rig.new_address();
    let mail = letter(&from, "Turno", &format!("<idle.{from}>"), "", "¿Tienen turno mañana?");
    submit(rig, &from, &mail).await?;
    let begun = Instant::now();
    let desk = rig.desk();
    let end = begun + SOON;
    let list = async || desk.has_conversation(MAIL, &from).await;
    while !list().await {
        if Instant::now() > end {
            return Err(Wrong::new("the mail in the inbox", format!("not within {SOON:?}\n{}", rig.broker.log())));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let took = begun.elapsed();
    Wrong::unless(took <= IDLE_WITHIN, || format!("in the inbox within {IDLE_WITHIN:?}"), || format!("{took:?}"))?;
    Ok(took)
}

/// The mails that somebody got, once there are so many; never more.
pub async fn arrived(rig: &Rig, address: &str, count: usize) -> Verdict<Vec<String>> {
    let mails = until(
        SOON,
        || format!("{count} mails for {address}"),
        async || {
            let mails = rig.mail().smtp.received(address);
            if mails.len() >= count { Ok(mails) } else { Err(mails.len().to_string()) }
        },
    )
    .await?;
    Wrong::unless(mails.len() == count, || format!("{count} mails"), || mails.len().to_string())?;
    Ok(mails.iter().map(|mail| String::from_utf8_lossy(mail).into_owned()).collect())
}

/// A header of a mail, unfolded; empty if it has none.
pub fn header(mail: &str, name: &str) -> String {
    let head = mail.split("\n\n").next().unwrap_or_default().replace("\n ", " ").replace("\n\t", " ");
    let prefix = format!("{}:", name.to_lowercase());
    let line = head.lines().find(|line| line.to_lowercase().starts_with(&prefix));
    line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

pub fn letter(from: &str, subject: &str, id: &str, more: &str, text: &str) -> String {
    format!(
        "From: Ana Pérez <{from}>\r\nTo: Tienda <{MAILBOX}>\r\nSubject: {subject}\r\nMessage-ID: {id}\r\n{more}\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    )
}

/// Hands a mail to the server as any mail program does; it is there when the server has answered 250.
pub async fn submit(rig: &Rig, from: &str, mail: &str) -> Verdict {
    let smtp = &rig.mail().smtp;
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host).port(smtp.port).build();
    let broken = |error: String| Wrong::new("the server takes the mail", error);
    let sender = if from.is_empty() { None } else { Some(from.parse().map_err(|_| broken("no address".to_owned()))?) };
    let to = MAILBOX.parse().map_err(|_| broken("no address".to_owned()))?;
    let envelope = Envelope::new(sender, vec![to]).map_err(|error| broken(error.to_string()))?;
    transport.send_raw(&envelope, mail.as_bytes()).await.map_err(|error| broken(error.to_string()))?;
    Ok(())
}

/// Runs the command line as a member of staff; it must succeed. Answers with what it printed.
pub async fn cli(rig: &Rig, who: &str, args: &[&str]) -> Verdict<String> {
    let mut command = Command::new(binary());
    command
        .args(["--server", &rig.broker.grpc, "--api-key", &key(who)])
        .args(args)
        .env("RELEVO_HTTP", &rig.broker.http)
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.map_err(|error| error.to_string()).and_then(|output| output.map_err(|error| error.to_string()));
    let output = output.map_err(|error| Wrong::new("the command line runs", error))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    Wrong::unless(output.status.success(), || format!("{args:?} succeeds"), || format!("{}: {error}", output.status))?;
    Ok(out)
}

async fn threads(rig: &Rig) -> Verdict {
    let from = rig.new_address();
    let first = format!("<primero.{from}>");
    submit(rig, &from, &letter(&from, "Turno para el martes", &first, "", "¿Tienen turno?")).await?;
    let desk = rig.desk();
    let conversation = desk.conversation_of(MAIL, &from).await?;
    cli(rig, "laura", &["conversation", "send", &conversation, "--text", "Sí, a las 10."]).await?;
    let answer = arrived(rig, &from, 1).await?.remove(0);
    same("In-Reply-To", &first, &header(&answer, "In-Reply-To"))?;
    same("References", &first, &header(&answer, "References"))?;
    same("Subject", &"Re: Turno para el martes".to_owned(), &header(&answer, "Subject"))?;
    let sender = header(&answer, "From");
    let from_us = sender.contains(MAILBOX) && sender.contains("Tienda");
    Wrong::unless(from_us, || format!("From: Tienda <{MAILBOX}>"), || sender.clone())?;
    let ours = header(&answer, "Message-ID");
    Wrong::unless(ours.ends_with("@example.test>"), || "a Message-ID of ours".to_owned(), || ours.clone())?;
    // The customer's answer to that, from a program that keeps nothing but our id.
    let more = format!("In-Reply-To: {ours}\r\n");
    submit(rig, &from, &letter(&from, "Re: Turno para el martes", &format!("<segundo.{from}>"), &more, "Perfecto."))
        .await?;
    until(
        SOON,
        || "three messages in one conversation".to_owned(),
        async || {
            let messages = desk.messages(&conversation).await;
            if messages.len() == 3 { Ok(()) } else { Err(messages.len().to_string()) }
        },
    )
    .await?;
    cli(rig, "laura", &["conversation", "send", &conversation, "--text", "Hasta el martes."]).await?;
    let second = arrived(rig, &from, 2).await?.remove(1);
    // RFC 5322, 3.6.4: of a mail without References its In-Reply-To stands for them.
    let parent = format!("<segundo.{from}>");
    same("In-Reply-To", &parent, &header(&second, "In-Reply-To"))?;
    same("References", &format!("{ours} {parent}"), &header(&second, "References"))
}

async fn bounces(rig: &Rig) -> Verdict {
    let (to, conversation) = rig.customer(MAIL).await?;
    let desk = rig.desk();
    let sent = desk.say(&conversation, "hola").await?;
    desk.reaches(&sent, SendState::Accepted).await?;
    let ours = header(&arrived(rig, &to, 1).await?[0], "Message-ID");
    submit(rig, "", &bounce(&to, &ours)).await?;
    let outgoing = desk.reaches(&sent, SendState::Failed).await?;
    let failure = outgoing.failure.unwrap_or_default();
    same("class and code", &("reported".to_owned(), "5.1.1".to_owned()), &(failure.class, failure.code))
}

/// Our id with another signature: anybody could have written it.
async fn forged(rig: &Rig) -> Verdict {
    let (to, conversation) = rig.customer(MAIL).await?;
    let desk = rig.desk();
    let sent = desk.say(&conversation, "hola").await?;
    desk.reaches(&sent, SendState::Accepted).await?;
    let ours = header(&arrived(rig, &to, 1).await?[0], "Message-ID");
    let Some((signed, domain)) = ours.split_once('@') else { return Err(Wrong::new("an id", ours)) };
    let Some((named, signature)) = signed.rsplit_once('.') else { return Err(Wrong::new("a signed id", ours)) };
    let other: String = signature.chars().map(|c| if c == '0' { '1' } else { '0' }).collect();
    let before = rig.admin().mails_counted().await?;
    submit(rig, "", &bounce(&to, &format!("{named}.{other}@{domain}"))).await?;
    until(
        SOON,
        || "the forged bounce is counted".to_owned(),
        async || {
            let counted = rig.admin().mails_counted().await.map_err(|wrong| wrong.seen)?;
            if counted > before { Ok(()) } else { Err(counted.to_string()) }
        },
    )
    .await?;
    let next = desk.say(&conversation, "y otra").await?;
    desk.reaches(&next, SendState::Accepted).await?;
    desk.reaches(&sent, SendState::Accepted).await.map(drop)
}

fn bounce(to: &str, ours: &str) -> String {
    format!(
        "From: MAILER-DAEMON@cliente.test\r\nTo: {MAILBOX}\r\nSubject: Undelivered Mail Returned to Sender\r\n\
         Message-ID: <dsn.{}.{to}>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nThe mail could not be delivered.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.cliente.test\r\n\r\n\
         Final-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {ours}\r\nSubject: Re: Turno\r\nTo: {to}\r\n\r\n--b--\r\n",
        rand::random::<u64>()
    )
}

async fn corpus(rig: &Rig) -> Verdict {
    let Some(folder) = fixtures::folder() else { return Ok(()) };
    let user = "corpus@example.test";
    let dovecot = &rig.mail().dovecot;
    dovecot.add_user(user, PASSWORD);
    let admin = rig.admin();
    admin.add_channel(&rig.mailbox_channel("corpus", user, PASSWORD), false).await?;
    // What is there before the first connection is history, and would not come in.
    admin.health_of("corpus", "receiving", "CHANNEL_HEALTH_STATE_GOOD").await?;
    let rows = fixtures::expected(&folder, &["email"]);
    for row in &rows {
        let mail = std::fs::read(folder.join(&row.file)).unwrap();
        dovecot.drop_mail(user, "INBOX", &row.file.replace('/', "-"), &mail);
    }
    let updates: u64 = rows.iter().map(|row| row.messages + row.statuses + row.other_updates).sum();
    let counted = until(
        Duration::from_mins(2),
        || format!("{updates} updates of {} mails", rows.len()),
        async || {
            let status = admin.client.intake_status().await.map_err(|status| status.to_string())?;
            let found =
                status.channels.iter().find(|(name, _)| name.ends_with("corpus")).map(|(_, counters)| *counters);
            let counted = found.unwrap_or_default();
            if counted.updates >= updates { Ok(counted) } else { Err(format!("{counted:?}")) }
        },
    )
    .await?;
    same("updates", &updates, &counted.updates)?;
    let whole = counted.balanced() && counted.parked == 0;
    Wrong::unless(whole, || "each counted, none parked".to_owned(), || format!("{counted:?}"))
}
