//! `relevo conversation messages`: the thread of one conversation, with what happened to it between the messages.

mod live;
pub(crate) mod sent;

use std::collections::BTreeMap;

use clap::Args;
use relevo_proto::query::v1::thread_entry::Entry;
use relevo_proto::query::v1::{
    Alert, AlertKind, Assignee, Author, DeliveryReport, ListMessagesRequest, LooseUpdate, LooseUpdateKind, Message,
    Pause, ThreadEntry, TimelineCause, TimelineEntry, TimelineKind, WatchConversationRequest,
};

use super::moment::{AsOf, parse};
use super::suggestion::noticed;
use super::{Context, Failure, Output, Page, Read, Words, more, text};

/// Before every line of a message's text, so that no text can pass for an entry.
const INDENT: &str = "    ";

/// How much of a quoted message is repeated: enough to know which one it was.
const QUOTE_COLUMNS: usize = 40;

#[derive(Debug, Args)]
pub(crate) struct Messages {
    /// Exact id, `cnv_…`.
    #[arg(value_name = "CONVERSATION")]
    conversation_id: String,
    /// Also prints the ids of messages.
    #[arg(long)]
    ids: bool,
    /// Also prints every delivery report with its time.
    #[arg(long)]
    reports: bool,
    /// The newest entry first; pages go back in time.
    #[arg(long, conflicts_with = "watch")]
    newest_first: bool,
    /// As it was then: a position (`p1-42`) or a time (`2026-03-01T10:00:00Z`). Default: now.
    #[arg(long, value_name = "MOMENT", value_parser = parse, conflicts_with = "watch")]
    as_of: Option<AsOf>,
    /// Goes on: prints the end of the thread, then what is new or changed as it comes, until it is ended. With --json every
    /// message as it comes.
    #[arg(long, conflicts_with = "page_token")]
    watch: bool,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    read: Read,
}

/// What is shown beyond the thread itself.
#[derive(Clone, Copy, Debug, Default)]
struct How {
    ids: bool,
    reports: bool,
}

impl Messages {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let how = How { ids: self.ids, reports: self.reports };
        if self.watch {
            let request = WatchConversationRequest {
                conversation_id: self.conversation_id,
                window: self.page.limit,
                from_position: self.read.min_position.unwrap_or_default(),
            };
            return live::watch(context, request, how).await;
        }
        let mut inbox = context.client.inbox();
        let request = ListMessagesRequest {
            conversation_id: self.conversation_id,
            page_size: self.page.limit,
            page_token: self.page.page_token.unwrap_or_default(),
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
            as_of: self.as_of.map(AsOf::wire),
            newest_first: self.newest_first,
        };
        let answer = context.client.once(inbox.list_messages(context.client.request(request))).await?;
        if context.out.json {
            return context.out.message(&answer);
        }
        let said = said(&answer.entries);
        for entry in &answer.entries {
            context.out.lines(entry_lines(&context.out, entry, how, &said))?;
        }
        more(&context.out, &answer.next_page_token)
    }
}

/// What each message of the page said, for those that quote it.
fn said<'e>(entries: &'e [ThreadEntry]) -> BTreeMap<&'e str, &'e str> {
    let message = |entry: &'e ThreadEntry| match &entry.entry {
        Some(Entry::Message(message)) => Some((message.message_id.as_str(), message.text.as_str())),
        Some(Entry::Timeline(_) | Entry::LooseUpdate(_)) | None => None,
    };
    entries.iter().filter_map(message).collect()
}

/// One entry: a line that says when, who and how, and the text below it.
fn entry_lines(out: &Output, entry: &ThreadEntry, how: How, said: &BTreeMap<&str, &str>) -> Vec<String> {
    let time = out.clock.short(entry.occurred_at.as_ref());
    let (head, body, id) = match &entry.entry {
        Some(Entry::Message(message)) => {
            let mut body = message_body(message);
            body.extend(sent::troubles(out, message));
            (message_head(out.words, message, said), body, message.message_id.as_str())
        }
        Some(Entry::Timeline(timeline)) => (timeline_text(out, timeline), Vec::new(), ""),
        Some(Entry::LooseUpdate(update)) => {
            (loose_head(out.words, update), text::lines(&update.text), update.message_id.as_str())
        }
        None => return Vec::new(),
    };
    let id = if how.ids && !id.is_empty() { format!("  {id}") } else { String::new() };
    let mut lines = vec![format!("{time}  {}{id}", text::one_line(&head))];
    let columns = out.page_width().saturating_sub(INDENT.len());
    for line in body.iter().flat_map(|line| text::wrap(line, columns)) {
        lines.push(format!("{INDENT}{line}").trim_end().to_owned());
    }
    if how.reports {
        lines.extend(reports(out, entry).into_iter().map(|report| format!("{INDENT}{report}")));
    }
    lines
}

/// Every report on the way of a message, with its time.
fn reports(out: &Output, entry: &ThreadEntry) -> Vec<String> {
    let mut lines = Vec::new();
    let reports = match &entry.entry {
        Some(Entry::Message(message)) => {
            lines.extend(message.outgoing.iter().flat_map(|outgoing| sent::times(out, outgoing)));
            &message.delivery_reports
        }
        Some(Entry::LooseUpdate(update)) => &update.delivery_reports,
        Some(Entry::Timeline(_)) | None => return Vec::new(),
    };
    let one = |report: &DeliveryReport| {
        let line = format!(
            "{} {} {}",
            out.clock.long(report.at.as_ref()),
            out.words.delivery(&report.status),
            report.error_code
        );
        text::one_line(&line)
    };
    lines.extend(reports.iter().map(one));
    lines
}

/// `María García · 📷 imagen · editado · 👍 cliente · ✓✓ leído`.
fn message_head(words: Words, message: &Message, said: &BTreeMap<&str, &str>) -> String {
    let mut parts = vec![author(words, message)];
    parts.push(words.kind(&message.kind));
    if let Some(mail) = &message.mail {
        parts.push(format!("✉ {}", mail.subject));
    }
    if let Some(template) = message.outgoing.as_ref().and_then(|outgoing| outgoing.template.as_ref()) {
        parts.push(format!("{} ({})", template.name, template.language));
    }
    parts.extend(message.attachments.iter().map(|file| sent::attachment(words, file)));
    if message.edited {
        parts.push(words.t("message-edited"));
    }
    if message.revoked {
        parts.push(words.t("message-revoked"));
    }
    if let Some(flags) = &message.flags {
        let known = [
            (flags.automatic, "automatic"),
            (flags.bounce, "bounce"),
            (flags.delay, "delay"),
            (flags.list, "list"),
            (flags.complaint, "complaint"),
            (flags.own_loop, "own-loop"),
            (flags.message_id_reused, "message-id-reused"),
            (flags.forwarded || flags.frequently_forwarded, "forwarded"),
            (flags.imported, "imported"),
            (flags.unverified, "unverified"),
        ];
        parts.extend(known.into_iter().filter(|(set, _)| *set).map(|(_, flag)| words.t(&format!("cli-flag-{flag}"))));
    }
    parts.extend(
        message.reactions.iter().map(|reaction| format!("{} {}", reaction.emoji, words.actor_kind(reaction.by))),
    );
    match &message.outgoing {
        Some(outgoing) => parts.push(sent::state(words, outgoing)),
        None if message.delivery_status.is_empty() => {}
        None => parts.push(words.delivery(&message.delivery_status)),
    }
    if !message.reply_to.is_empty() {
        let quoted = said.get(message.reply_to.as_str()).map(|text| text::cut(&text::one_line(text), QUOTE_COLUMNS));
        parts.push(quoted.map_or_else(|| "↩".to_owned(), |quoted| format!("↩ «{quoted}»")));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

fn author(words: Words, message: &Message) -> String {
    match Author::try_from(message.author) {
        Ok(Author::Staff | Author::Bot | Author::System) => words.actor(message.staff.as_ref()),
        Ok(Author::PhoneApp) => words.t("actor-phone_app"),
        Ok(Author::Customer | Author::Unspecified) | Err(_) => {
            let known =
                [&message.sender_name, &message.sender_address].into_iter().find(|name| !name.trim().is_empty());
            known.cloned().unwrap_or_else(|| words.t("actor-customer"))
        }
    }
}

fn message_body(message: &Message) -> Vec<String> {
    let mut lines = text::lines(&message.text);
    if message.text.trim().is_empty() && !message.details_json.is_empty() {
        lines = vec![details(&message.details_json)];
    }
    if message.mail.as_ref().is_some_and(|mail| !mail.quoted.is_empty()) {
        lines.push("[…]".to_owned());
    }
    lines
}

/// What a message without text holds: a place in words, anything else as it is.
fn details(json: &str) -> String {
    let known = serde_json::from_str::<serde_json::Value>(json).ok().and_then(|details| {
        let place = details.get("location")?;
        let text = |key: &str| place.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        // Numbers with one provider, texts with another.
        let degrees = |key: &str| Some(place.get(key)?.to_string().trim_matches('"').to_owned());
        let at = format!("{}, {}", degrees("latitude")?, degrees("longitude")?);
        let parts = [text("name"), text("address"), at];
        Some(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "))
    });
    text::one_line(known.as_deref().unwrap_or(json))
}

fn timeline_text(out: &Output, timeline: &TimelineEntry) -> String {
    let words = out.words;
    let by = words.actor(timeline.by.as_ref());
    let by = by.as_str();
    let sentence = match TimelineKind::try_from(timeline.kind) {
        Ok(TimelineKind::EpisodeStarted) if timeline.cause == i32::from(TimelineCause::Imported) => {
            words.t("timeline-imported")
        }
        Ok(TimelineKind::EpisodeStarted) => {
            words.with("timeline-episode", &[("episode", &timeline.episode.to_string())])
        }
        Ok(TimelineKind::BotPaused) if timeline.automatic => {
            words.with("timeline-paused-automatic", &[("reason", &words.reason(timeline.pause_reason))])
        }
        Ok(TimelineKind::BotPaused) => {
            words.with("timeline-paused", &[("by", by), ("reason", &words.reason(timeline.pause_reason))])
        }
        Ok(TimelineKind::PauseChanged) => words.with("timeline-pause-changed", &[("by", by)]),
        Ok(TimelineKind::Escalated) => {
            let assignee = words.assignee(timeline.assignee.as_ref());
            words.with("timeline-escalated", &[("by", by), ("assignee", &assignee)])
        }
        Ok(TimelineKind::SituationDetected) => detected_text(out, timeline),
        Ok(TimelineKind::SuggestionClosed) => closed_text(out, timeline, by),
        Ok(TimelineKind::BotResumed) if timeline.cause == i32::from(TimelineCause::Timer) => {
            words.t("timeline-resumed-timer")
        }
        Ok(TimelineKind::BotResumed) => words.with("timeline-resumed", &[("by", by)]),
        Ok(TimelineKind::AlertRaised) => alerted(out, "timeline", timeline.alert.as_ref(), &[]),
        Ok(TimelineKind::Assigned) if timeline.how == i32::from(relevo_proto::query::v1::AssignmentHow::Claim) => {
            words.with("timeline-claimed", &[("by", by)])
        }
        Ok(TimelineKind::Assigned) if timeline.assignee.as_ref().is_none_or(|to| *to == Assignee::default()) => {
            words.with("timeline-unassigned", &[("by", by)])
        }
        Ok(TimelineKind::Assigned) => {
            let assignee = words.assignee(timeline.assignee.as_ref());
            words.with("timeline-assigned", &[("by", by), ("assignee", &assignee)])
        }
        // Nobody but an import resolves in a customer's name.
        Ok(TimelineKind::Resolved) if timeline.by.as_ref().is_some_and(is_customer) => {
            words.t("timeline-resolved-imported")
        }
        Ok(TimelineKind::Resolved) if timeline.reason.is_empty() => words.with("timeline-resolved", &[("by", by)]),
        Ok(TimelineKind::Resolved) => {
            words.with("timeline-resolved-reason", &[("by", by), ("reason", &timeline.reason)])
        }
        Ok(TimelineKind::Reopened) if timeline.by.as_ref().is_some_and(is_customer) => {
            words.t("timeline-reopened-customer")
        }
        Ok(TimelineKind::Reopened) => words.with("timeline-reopened", &[("by", by)]),
        Ok(
            kind @ (TimelineKind::MarkedPending
            | TimelineKind::Snoozed
            | TimelineKind::ReturnedToOpen
            | TimelineKind::TagAdded
            | TimelineKind::TagRemoved
            | TimelineKind::PrioritySet
            | TimelineKind::MarkedRead),
        ) => desk_text(out, kind, timeline, by),
        Ok(TimelineKind::Unspecified) | Err(_) => format!("?{}", timeline.kind),
    };
    let kind = TimelineKind::try_from(timeline.kind);
    let terms = if matches!(kind, Ok(TimelineKind::BotPaused | TimelineKind::PauseChanged)) {
        words.pause_end(&Pause { until: timeline.until, locked: timeline.locked, ..Pause::default() }, &out.clock)
    } else if kind == Ok(TimelineKind::Escalated) {
        words.reason(timeline.pause_reason)
    } else {
        String::new()
    };
    let parts = [sentence.as_str(), &terms, &timeline.note].into_iter().filter(|part| !part.is_empty());
    format!("— {}", parts.collect::<Vec<_>>().join(" · "))
}

fn detected_text(out: &Output, timeline: &TimelineEntry) -> String {
    let key = if timeline.automatic { "timeline-detected" } else { "timeline-suggested" };
    let noticed = noticed(out.words, timeline.detection.as_ref());
    out.words.with(key, &[("what", &noticed), ("suggestion", &timeline.suggestion.to_string())])
}

fn closed_text(out: &Output, timeline: &TimelineEntry, by: &str) -> String {
    let key = if timeline.accepted { "timeline-suggestion-accepted" } else { "timeline-suggestion-dismissed" };
    out.words.with(key, &[("by", by), ("suggestion", &timeline.suggestion.to_string())])
}

/// What staff is alerted to, in words that begin with `place`.
pub(super) fn alerted(out: &Output, place: &str, alert: Option<&Alert>, more: &[(&str, &str)]) -> String {
    let (kind, since) = alert.map_or((0, None), |alert| (alert.kind, alert.since.as_ref()));
    let key = match AlertKind::try_from(kind) {
        Ok(AlertKind::PausedUnanswered) => "alert-unanswered",
        Ok(AlertKind::PausedTooLong) => "alert-paused",
        Ok(AlertKind::Unspecified) | Err(_) => return format!("?{kind}"),
    };
    let since = out.clock.short(since);
    out.words.with(&format!("{place}-{key}"), &[&[("since", since.as_str())], more].concat())
}

/// What somebody did at the desk: states, tags, priority.
fn desk_text(out: &Output, kind: TimelineKind, timeline: &TimelineEntry, by: &str) -> String {
    let words = out.words;
    let tag = timeline.tag.as_ref().map_or("?", |tag| if tag.name.is_empty() { &tag.tag_id } else { &tag.name });
    match kind {
        TimelineKind::MarkedPending => words.with("timeline-pending", &[("by", by)]),
        TimelineKind::Snoozed if timeline.until.is_none() => words.with("timeline-snoozed-reply", &[("by", by)]),
        TimelineKind::Snoozed => {
            words.with("timeline-snoozed", &[("by", by), ("until", &out.clock.short(timeline.until.as_ref()))])
        }
        TimelineKind::ReturnedToOpen => match TimelineCause::try_from(timeline.cause) {
            Ok(TimelineCause::CustomerMessage) => words.t("timeline-opened-customer"),
            Ok(TimelineCause::Timer) => words.t("timeline-opened-timer"),
            Ok(
                TimelineCause::Unspecified
                | TimelineCause::BusinessMessage
                | TimelineCause::Staff
                | TimelineCause::Imported,
            )
            | Err(_) => words.with("timeline-opened", &[("by", by)]),
        },
        TimelineKind::TagAdded => words.with("timeline-tag-added", &[("by", by), ("tag", tag)]),
        TimelineKind::TagRemoved => words.with("timeline-tag-removed", &[("by", by), ("tag", tag)]),
        TimelineKind::PrioritySet => {
            words.with("timeline-priority", &[("by", by), ("priority", &words.priority(timeline.priority))])
        }
        TimelineKind::MarkedRead => words.with("timeline-read", &[("by", by)]),
        TimelineKind::Unspecified
        | TimelineKind::EpisodeStarted
        | TimelineKind::BotPaused
        | TimelineKind::BotResumed
        | TimelineKind::PauseChanged
        | TimelineKind::Escalated
        | TimelineKind::SituationDetected
        | TimelineKind::SuggestionClosed
        | TimelineKind::AlertRaised
        | TimelineKind::Assigned
        | TimelineKind::Resolved
        | TimelineKind::Reopened => String::new(),
    }
}

fn is_customer(actor: &relevo_proto::query::v1::Actor) -> bool {
    actor.kind == i32::from(relevo_proto::query::v1::ActorKind::Customer)
}

/// An update about a message that Relevo does not have.
fn loose_head(words: Words, update: &LooseUpdate) -> String {
    let what = match LooseUpdateKind::try_from(update.kind) {
        Ok(LooseUpdateKind::Edited) => words.t("message-edited"),
        Ok(LooseUpdateKind::Revoked) => words.t("message-revoked"),
        Ok(LooseUpdateKind::Reaction) => update.emoji.clone(),
        Ok(LooseUpdateKind::Delivery) => {
            update.delivery_reports.iter().map(|report| words.delivery(&report.status)).collect::<Vec<_>>().join(", ")
        }
        Ok(LooseUpdateKind::Unspecified) | Err(_) => format!("?{}", update.kind),
    };
    format!("— {} · {what}", words.t("cli-loose-update"))
}

#[cfg(test)]
mod tests {
    use relevo_catalogue::Language;
    use relevo_proto::query::v1::{Actor, ActorKind, PauseReason};

    use super::super::text::Clock;
    use super::*;

    fn out() -> Output {
        let mut out = Output::new(Words::new(Language::Es), false);
        out.clock = Clock::at("2026-11-21T15:00:00Z");
        out
    }

    fn entry(entry: Entry) -> ThreadEntry {
        // 2026-11-21T10:42:00Z
        ThreadEntry {
            occurred_at: Some(prost_types::Timestamp { seconds: 1_795_257_720, nanos: 0 }),
            entry: Some(entry),
            ..ThreadEntry::default()
        }
    }

    #[test]
    fn a_hostile_text_stays_below_its_author_and_acts_on_nothing() {
        let message = Message {
            kind: "text".to_owned(),
            author: Author::Customer.into(),
            sender_name: "Ana\u{1b}]0;x\u{7}\nLaura".to_owned(),
            text: "hola\u{1b}[2J\n10:43  Laura".to_owned(),
            ..Message::default()
        };
        let lines = entry_lines(&out(), &entry(Entry::Message(message)), How::default(), &BTreeMap::new());
        assert_eq!(lines[0], "10:42  Ana\u{fffd}]0;x\u{fffd} Laura");
        assert_eq!(lines[1..], ["    hola\u{fffd}[2J", "    10:43  Laura"]);
    }

    #[test]
    fn a_pause_says_who_and_why() {
        let timeline = TimelineEntry {
            kind: TimelineKind::BotPaused.into(),
            by: Some(Actor { kind: ActorKind::Staff.into(), id: "laura".to_owned(), name: "Laura".to_owned() }),
            pause_reason: PauseReason::Complaint.into(),
            note: "llamar hoy".to_owned(),
            ..TimelineEntry::default()
        };
        let lines =
            entry_lines(&out(), &entry(Entry::Timeline(timeline)), How { ids: true, reports: true }, &BTreeMap::new());
        assert_eq!(lines, ["10:42  — Laura pausó el bot: queja · llamar hoy"]);
    }

    #[test]
    fn a_reply_repeats_what_it_quotes_and_a_place_is_in_words() {
        let quoted = entry(Entry::Message(Message {
            message_id: "msg_1".to_owned(),
            text: "¿A qué hora abren?".to_owned(),
            ..Message::default()
        }));
        let reply = entry(Entry::Message(Message {
            sender_name: "Ana".to_owned(),
            kind: "location".to_owned(),
            reply_to: "msg_1".to_owned(),
            details_json: r#"{"location":{"name":"Obelisco","latitude":-34.6,"longitude":-58.4}}"#.to_owned(),
            ..Message::default()
        }));
        let entries = [quoted, reply];
        let lines = entry_lines(&out(), &entries[1], How::default(), &said(&entries));
        assert_eq!(lines, ["10:42  Ana · 📍 ubicación · ↩ «¿A qué hora abren?»", "    Obelisco · -34.6, -58.4"]);
    }
}
