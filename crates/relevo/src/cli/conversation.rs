//! `relevo conversation …`: the inbox, one conversation, and what can be asked of it.

use clap::{Args, Subcommand, ValueEnum};
use relevo_proto::query::v1::{
    BotState, Contact, Conversation, ConversationStatus, GetConversationRequest, GetConversationResponse, InboxTab,
    ListConversationsRequest, ListConversationsResponse,
};

use super::table::{Shrink, Table};
use super::write::Write;
use super::{Context, Failure, Output, Page, Read, more, text, thread};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The inbox, the conversation with the latest message first.
    #[command(visible_alias = "ls")]
    List(List),
    /// One conversation and its contact.
    Show(Show),
    /// The thread of one conversation, oldest first. Not for analysts.
    Messages(thread::Messages),
    #[command(flatten)]
    Write(Write),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Which part of the inbox.
    #[arg(long, value_enum, default_value_t = Tab::All)]
    tab: Tab,
    /// Only this status.
    #[arg(long, value_enum, default_value_t = Status::Open)]
    status: Status,
    /// Only this state of the bot. Default: any.
    #[arg(long, value_enum)]
    bot: Option<Bot>,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Exact id, `cnv_…`.
    #[arg(value_name = "CONVERSATION")]
    conversation_id: String,
    #[command(flatten)]
    read: Read,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tab {
    /// Assigned to the caller.
    Mine,
    /// No agent has it; it may be a team's.
    Unassigned,
    /// Everything that the caller may see.
    All,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    /// Somebody has to look at it.
    Open,
    /// The current episode ended.
    Resolved,
    /// Open and resolved.
    All,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bot {
    /// The bot may answer.
    Active,
    /// The bot is silent.
    Paused,
}

impl Command {
    /// The id of the command, if this is a write.
    pub(crate) fn command_id(&self) -> Option<String> {
        match self {
            Self::Write(write) => Some(write.command_id()),
            Self::List(_) | Self::Show(_) | Self::Messages(_) => None,
        }
    }

    pub(crate) async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        match self {
            Self::List(list) => {
                let answer = list.ask(context).await?;
                print_list(&context.out, &answer)
            }
            Self::Show(show) => show.run(context).await,
            Self::Messages(messages) => messages.run(context).await,
            Self::Write(write) => write.run(context, command_id).await,
        }
    }
}

impl List {
    async fn ask(self, context: &Context) -> Result<ListConversationsResponse, Failure> {
        let statuses = match self.status {
            Status::Open => vec![ConversationStatus::Open],
            Status::Resolved => vec![ConversationStatus::Resolved],
            Status::All => vec![ConversationStatus::Open, ConversationStatus::Resolved],
        };
        let tab = match self.tab {
            Tab::Mine => InboxTab::Mine,
            Tab::Unassigned => InboxTab::Unassigned,
            Tab::All => InboxTab::All,
        };
        let bot = match self.bot {
            None => BotState::Unspecified,
            Some(Bot::Active) => BotState::Active,
            Some(Bot::Paused) => BotState::Paused,
        };
        ask_list(
            context,
            ListConversationsRequest {
                tab: tab.into(),
                statuses: statuses.into_iter().map(Into::into).collect(),
                bot: bot.into(),
                page_size: self.page.limit,
                page_token: self.page.page_token.unwrap_or_default(),
                min_position: self.read.min_position.unwrap_or_default(),
                deadline_ms: context.client.position_wait_ms(),
            },
        )
        .await
    }
}

/// The open conversations once the view has reached `position`: what `demo play` ends with.
pub(crate) async fn show_inbox(context: &Context, position: &str) -> Result<(), Failure> {
    let answer = ask_list(
        context,
        ListConversationsRequest {
            min_position: position.to_owned(),
            deadline_ms: context.client.position_wait_ms(),
            ..ListConversationsRequest::default()
        },
    )
    .await?;
    print_list(&context.out, &answer)
}

async fn ask_list(context: &Context, request: ListConversationsRequest) -> Result<ListConversationsResponse, Failure> {
    let mut inbox = context.client.inbox();
    context.client.once(inbox.list_conversations(context.client.request(request))).await
}

fn print_list(out: &Output, answer: &ListConversationsResponse) -> Result<(), Failure> {
    if out.json {
        return out.message(answer);
    }
    out.table(&inbox_table(out, &answer.conversations), "list-empty")?;
    more(out, &answer.next_page_token)
}

fn inbox_table(out: &Output, conversations: &[Conversation]) -> Table {
    let words = out.words;
    let mut table = Table::new(vec![
        (words.t("table-conversation"), Shrink::Never),
        (words.t("table-contact"), Shrink::Then(8)),
        (words.t("table-channel"), Shrink::Drop(6)),
        (words.t("table-status"), Shrink::Never),
        (words.t("table-bot"), Shrink::Never),
        (words.t("table-assignee"), Shrink::Drop(6)),
        (words.t("table-unread"), Shrink::Never),
        (words.t("table-last-message"), Shrink::First(10)),
    ]);
    for row in conversations {
        let contact = if row.contact_name.trim().is_empty() { &row.contact_address } else { &row.contact_name };
        table.row([
            row.conversation_id.clone(),
            if row.degraded { format!("⚠ {contact}") } else { contact.clone() },
            row.channel_label.clone(),
            words.status(row.status),
            words.bot(row.bot),
            words.assignee(row.assignee.as_ref()),
            row.unread.to_string(),
            last_message(out, row),
        ]);
    }
    table
}

/// What the last message was, and when: `📷 imagen Algo así · 10:42`.
fn last_message(out: &Output, row: &Conversation) -> String {
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
        };
        let answer = context.client.once(inbox.get_conversation(context.client.request(request))).await?;
        if context.out.json { context.out.message(&answer) } else { context.out.lines(details(&context.out, &answer)) }
    }
}

/// One conversation as lines of `label  value`; what has no value has no line.
fn details(out: &Output, answer: &GetConversationResponse) -> Vec<String> {
    let words = out.words;
    let Some(row) = &answer.conversation else { return Vec::new() };
    let contact = answer.contact.clone().unwrap_or_default();
    let mut facts = vec![
        ("conversation", row.conversation_id.clone()),
        ("contact", contact_line(row, &contact)),
        ("channel", format!("{} ({})", row.channel_label, row.channel_id)),
        ("status", format!("{} · {}", words.status(row.status), words.count("cli-episode", u64::from(row.episode)))),
        ("bot", words.bot(row.bot)),
        ("assigned", words.assignee(row.assignee.as_ref())),
        ("unread", row.unread.to_string()),
        ("last-message", last_message(out, row)),
        ("waiting", out.clock.short(row.waiting_since.as_ref())),
        ("window", out.clock.short(row.window_expires_at.as_ref())),
        ("position", answer.position.clone()),
    ];
    if let Some(pause) = &row.pause {
        let since = out.clock.short(pause.since.as_ref());
        facts.insert(5, ("pause", format!("{} · {since}", words.pause(pause))));
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
