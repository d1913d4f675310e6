//! Who or what wrote a mail: a person, a machine, a list, a mail server, or we ourselves.
//!
//! The signs are those that RFC 3834 asks for and those that real senders set instead. Nothing is answered here.

use relevo_domain::conversation::MessageFlags;

use super::header::Headers;
use super::mime::{Content, Report, ReportKind};
use super::report::Delivery;

/// Beginnings of subjects of automatic replies, lower case, followed by a colon, a dash or nothing.
const AUTOMATIC_SUBJECTS: [&str; 22] = [
    "respuesta automática",
    "respuesta automatica",
    "contestación automática",
    "autorespuesta",
    "auto respuesta",
    "auto-respuesta",
    "fuera de la oficina",
    "fuera de oficina",
    "ausente de la oficina",
    "ausencia de la oficina",
    "automatic reply",
    "auto reply",
    "auto-reply",
    "autoreply",
    "auto response",
    "auto-response",
    "out of office",
    "out of the office",
    "resposta automática",
    "automatische antwort",
    "abwesenheitsnotiz",
    "réponse automatique",
];
/// What mail servers write above a report in free text.
const BOUNCE_SUBJECTS: [&str; 19] = [
    "undelivered mail",
    "undeliverable",
    "undeliverable mail",
    "delivery status notification",
    "returned mail",
    "mail delivery failed",
    "delivery failure",
    "failure notice",
    "mail system error",
    "message undeliverable",
    "warning: could not send",
    "delayed mail",
    "delivery delayed",
    "no se puede entregar",
    "no se pudo entregar",
    "no entregado",
    "mensaje no entregado",
    "correo devuelto",
    "error de entrega",
];
/// What they write if they still try.
const DELAY_WORDS: [&str; 8] = [
    "delayed",
    "delay)",
    "could not send message for",
    "still being retried",
    "retrasad",
    "demorad",
    "retraso",
    "warning message only",
];
/// Local parts that no person reads.
const ROBOTS: [&str; 11] = [
    "noreply",
    "no-reply",
    "no_reply",
    "no.reply",
    "donotreply",
    "do-not-reply",
    "do_not_reply",
    "noresponder",
    "no-responder",
    "no_responder",
    "no.responder",
];
const SERVERS: [&str; 3] = ["mailer-daemon", "postmaster", "mail-daemon"];

/// What a mail's header and parts say about who wrote it.
pub(super) fn flags(
    headers: &Headers,
    content: &Content,
    delivery: Option<&Delivery>,
    from: Option<&str>,
    own: &[String],
) -> MessageFlags {
    let complaint = has(&content.reports, ReportKind::Feedback);
    let bounce = !complaint && is_bounce(headers, &content.reports, from);
    let automatic = bounce || complaint || is_automatic(headers, from);
    MessageFlags {
        automatic,
        bounce,
        delay: bounce && is_delay(headers, delivery),
        list: !automatic && is_list(headers),
        complaint,
        own_loop: is_own(headers, from, own),
        ..MessageFlags::default()
    }
}

fn is_bounce(headers: &Headers, reports: &[Report], from: Option<&str>) -> bool {
    if has(reports, ReportKind::Delivery)
        || headers.has("x-failed-recipients")
        || headers.has("x-ms-exchange-message-is-ndr")
    {
        return true;
    }
    let server = from.is_some_and(|from| SERVERS.contains(&local(from))) || null_return_path(headers);
    let subject = headers.text("subject").unwrap_or_default().to_lowercase();
    report_type(headers).as_deref() == Some("delivery-status")
        || server && BOUNCE_SUBJECTS.iter().any(|start| subject.starts_with(start))
}

/// Every recipient may still be reached: the server says so, or the status is of class 4.
fn is_delay(headers: &Headers, delivery: Option<&Delivery>) -> bool {
    let recipients = delivery.map(|delivery| delivery.recipients.as_slice()).unwrap_or_default();
    if recipients.iter().any(|recipient| recipient.action.is_some() || recipient.status.is_some()) {
        return recipients.iter().all(|recipient| {
            recipient.action.as_deref() == Some("delayed")
                || recipient.status.as_deref().is_some_and(|status| status.starts_with('4'))
        });
    }
    let subject = headers.text("subject").unwrap_or_default().to_lowercase();
    DELAY_WORDS.iter().any(|word| subject.contains(word))
}

fn is_automatic(headers: &Headers, from: Option<&str>) -> bool {
    let word = |name: &str| {
        let value = headers.first(name)?;
        Some(value.split([';', ' ', '\t', '(']).next().unwrap_or("").to_ascii_lowercase())
    };
    let suppressed = headers.first("x-auto-response-suppress").is_some_and(|value| {
        value
            .split([',', ' ', ';'])
            .any(|word| ["all", "oof", "autoreply"].contains(&word.trim().to_ascii_lowercase().as_str()))
    });
    let marked = ["x-autoreply", "x-autorespond", "x-autoresponse", "x-autoresponder", "x-auto-reply"]
        .iter()
        .any(|name| word(name).is_some_and(|value| value != "no" && value != "false"));
    let robot = from.is_some_and(|from| {
        SERVERS.contains(&local(from)) || ROBOTS.iter().any(|robot| local(from).starts_with(robot))
    });
    word("auto-submitted").is_some_and(|value| !value.is_empty() && value != "no")
        || suppressed
        || marked
        || robot
        || word("precedence").is_some_and(|value| value == "auto_reply")
        || word("x-apple-action").is_some_and(|value| value == "vacation")
        || null_return_path(headers)
        || headers.content_type().is_some_and(|kind| kind.is("multipart", "report"))
        || has_automatic_subject(headers)
}

/// `Respuesta automática: …`; a person's `Re: Respuesta automática: …` is not one.
fn has_automatic_subject(headers: &Headers) -> bool {
    let subject = headers.text("subject").unwrap_or_default().to_lowercase();
    AUTOMATIC_SUBJECTS.iter().any(|start| {
        subject.strip_prefix(start).is_some_and(|rest| {
            let rest = rest.trim_start();
            rest.is_empty() || rest.starts_with([':', '-', '–', '—', '[', '('])
        })
    })
}

/// One of many copies, or not worth an answer by the sender's own word.
fn is_list(headers: &Headers) -> bool {
    let precedence = headers.first("precedence").unwrap_or("").trim().to_ascii_lowercase();
    ["list-id", "list-unsubscribe", "list-post"].iter().any(|name| headers.has(name))
        || matches!(precedence.as_str(), "bulk" | "list" | "junk")
}

/// Our own mail that came back: written from one of our addresses (with or without a token), or marked as ours.
fn is_own(headers: &Headers, from: Option<&str>, own: &[String]) -> bool {
    let written = from.is_some_and(|from| own.iter().any(|own| without_tag(from) == without_tag(&own.to_lowercase())));
    let marks = headers.all("x-relevo-loop").chain(headers.all("x-loop"));
    let mut marks = marks.map(|mark| mark.trim().to_ascii_lowercase());
    written
        || marks.any(|mark| {
            own.iter()
                .filter_map(|own| own.rsplit_once('@'))
                .any(|(_, domain)| is_within(&mark, &domain.to_lowercase()))
        })
}

/// The domain itself or one below it.
fn is_within(mark: &str, domain: &str) -> bool {
    !domain.is_empty()
        && mark.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.') && !rest.contains('@'))
}

/// `soporte+c7f3@example.com` → (`soporte`, `example.com`).
fn without_tag(address: &str) -> (&str, &str) {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    (local.split_once('+').map_or(local, |(local, _)| local), domain)
}

fn local(address: &str) -> &str {
    without_tag(address).0
}

/// `Return-Path: <>`: the sender wants no answer, not even a bounce.
fn null_return_path(headers: &Headers) -> bool {
    headers.first("return-path").is_some_and(|path| path.chars().filter(|c| !c.is_whitespace()).eq("<>".chars()))
}

fn report_type(headers: &Headers) -> Option<String> {
    let kind = headers.content_type().filter(|kind| kind.is("multipart", "report"))?;
    kind.get("report-type").map(str::to_ascii_lowercase)
}

fn has(reports: &[Report], kind: ReportKind) -> bool {
    reports.iter().any(|report| report.kind == kind)
}
