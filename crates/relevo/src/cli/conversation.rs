//! `relevo conversation …`: the inbox, one conversation, and what can be asked of it.

mod counters;
pub(crate) mod list;

use clap::{Args, Subcommand};
use relevo_proto::query::v1::{Contact, Conversation, GetConversationRequest, GetConversationResponse};

use super::moment::{AsOf, parse};
use super::paint::{Paint, Painted};
use super::write::{self, Write};
use super::{Context, Failure, Output, Read, send, text, thread};
pub(crate) use list::show_inbox;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The inbox: filters that combine, three sorts, a search, and a live view.
    #[command(visible_alias = "ls")]
    List(Box<list::List>),
    /// How many conversations each tab holds.
    Counters(counters::Counters),
    /// One conversation and its contact.
    Show(Show),
    /// The thread of one conversation, now, as it was, or live. Not for analysts.
    #[command(visible_alias = "thread")]
    Messages(thread::Messages),
    /// Sends the customer a message. For agents, supervisors, admins and bots.
    Send(Box<send::Send>),
    /// Writes to somebody first: by template on WhatsApp, by mail. For agents, supervisors, admins and bots.
    Start(Box<send::Start>),
    /// Takes a message back that no provider has yet. For agents, supervisors and admins.
    CancelSend(send::Cancel),
    /// Shows the customer on WhatsApp that somebody writes, and that their last message was read. For agents, supervisors, admins and bots.
    Typing(send::Typing),
    /// What pausing or resuming the bot would do now, as a person would be asked to confirm it. Changes nothing.
    PreviewPause(write::PreviewPause),
    #[command(flatten)]
    Write(Write),
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Exact id, `cnv_…`.
    #[arg(value_name = "CONVERSATION")]
    conversation_id: String,
    /// As it was then: a position (`p1-42`) or a time (`2026-03-01T10:00:00Z`). Default: now.
    #[arg(long, value_name = "MOMENT", value_parser = parse)]
    as_of: Option<AsOf>,
    #[command(flatten)]
    read: Read,
}

impl Command {
    /// The id of the command, if this is a write.
    pub(crate) fn command_id(&self) -> Option<String> {
        match self {
            Self::Write(write) => Some(write.command_id()),
            Self::Send(send) => Some(send.command_id()),
            Self::Start(start) => Some(start.command_id()),
            Self::CancelSend(cancel) => Some(cancel.command_id()),
            Self::List(_)
            | Self::Counters(_)
            | Self::Show(_)
            | Self::Messages(_)
            | Self::Typing(_)
            | Self::PreviewPause(_) => None,
        }
    }

    pub(crate) async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Counters(counters) => counters.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::Messages(messages) => messages.run(context).await,
            Self::Write(write) => write.run(context, command_id).await,
            Self::Send(send) => send.run(context, command_id).await,
            Self::Start(start) => start.run(context, command_id).await,
            Self::CancelSend(cancel) => cancel.run(context, command_id).await,
            Self::Typing(typing) => typing.run(context).await,
            Self::PreviewPause(preview) => preview.run(context).await,
        }
    }
}

/// The status, with what it waits for: `snoozed · 21/11 09:00`, `open · due`.
pub(super) fn status(out: &Output, row: &Conversation) -> String {
    let status = out.words.status(row.status);
    if row.due {
        return format!("{status} · {}", out.words.t("status-due"));
    }
    let until = out.clock.short(row.snoozed_until.as_ref());
    if until.is_empty() { status } else { format!("{status} · {until}") }
}

/// The bot's state in its colour.
pub(super) fn bot(out: &Output, bot: i32) -> Painted {
    Painted::new(&out.words.bot(bot), Paint::bot(bot))
}

/// `María S.A. (4711)`, or the key alone.
pub(crate) fn customer_text(customer: &relevo_proto::query::v1::Customer) -> String {
    if customer.name.is_empty() {
        return customer.customer_id.clone();
    }
    format!("{} ({})", customer.name, customer.customer_id)
}

/// What the last message was, and when: `📷 imagen Algo así · 10:42`.
pub(super) fn last_message(out: &Output, row: &Conversation) -> String {
    let kind = out.words.kind(&row.preview_kind);
    let time = out.clock.short(row.last_activity.as_ref());
    let what =
        [kind.as_str(), row.preview.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    [what, time].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

impl Show {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut inbox = context.client.inbox();
        let request = GetConversationRequest {
            conversation_id: self.conversation_id,
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
            as_of: self.as_of.map(AsOf::wire),
        };
        let answer = context.client.once(inbox.get_conversation(context.client.request(request))).await?;
        if context.out.json { context.out.message(&answer) } else { context.out.lines(details(&context.out, &answer)) }
    }
}

/// One conversation as lines of `label  value`; what has no value has no line.
pub(super) fn details(out: &Output, answer: &GetConversationResponse) -> Vec<String> {
    let words = out.words;
    let Some(row) = &answer.conversation else { return Vec::new() };
    let contact = answer.contact.clone().unwrap_or_default();
    let mut facts = vec![
        ("conversation", row.conversation_id.clone()),
        ("contact", contact_line(row, &contact)),
        ("channel", format!("{} ({})", row.channel_label, row.channel_id)),
        ("status", format!("{} · {}", status(out, row), words.count("cli-episode", u64::from(row.episode)))),
        ("bot", words.bot(row.bot)),
        ("assigned", words.assignee(row.assignee.as_ref())),
        ("priority", words.priority_given(row.priority)),
        ("tags", row.tags.iter().map(|tag| format!("#{}", tag.name)).collect::<Vec<_>>().join(" ")),
        ("customer", row.customer.as_ref().map(customer_text).unwrap_or_default()),
        ("unread", row.unread.to_string()),
        ("last-message", last_message(out, row)),
        ("waiting", out.clock.short(row.waiting_since.as_ref())),
        ("window", out.clock.short(row.window_expires_at.as_ref())),
        ("version", row.version.to_string()),
        ("position", answer.position.clone()),
    ];
    if let Some(pause) = &row.pause {
        let since = out.clock.short(pause.since.as_ref());
        facts.insert(5, ("pause", format!("{} · {since}", words.pause(pause, &out.clock))));
    }
    let others: Vec<&str> =
        contact.conversation_ids.iter().filter(|id| **id != row.conversation_id).map(String::as_str).collect();
    facts.push(("other-conversations", others.join(" ")));
    for identifier in &contact.identifiers {
        facts.push(("identifier", format!("{} {} ({})", identifier.kind, identifier.value, identifier.channel_id)));
    }
    if row.degraded {
        facts.push(("attention", words.t("cli-degraded")));
    }
    label_lines(out, &facts)
}

fn contact_line(row: &Conversation, contact: &Contact) -> String {
    let name = if contact.name.is_empty() { &row.contact_name } else { &contact.name };
    [name.as_str(), row.contact_address.as_str(), row.contact_id.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

/// `label  value` lines with the labels of the catalogue (`cli-label-…`), aligned; empty values are left out.
pub(super) fn label_lines(out: &Output, facts: &[(&str, String)]) -> Vec<String> {
    let shown: Vec<(String, String)> = facts
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| (out.words.t(&format!("cli-label-{label}")), text::one_line(value)))
        .collect();
    let widest = shown.iter().map(|(label, _)| text::width(label)).max().unwrap_or_default();
    shown.iter().map(|(label, value)| format!("{label}{}  {value}", " ".repeat(widest - text::width(label)))).collect()
}
