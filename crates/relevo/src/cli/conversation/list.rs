//! `relevo conversation list`: the inbox as a page, or live.

use clap::{Args, ValueEnum};
use relevo_proto::query::v1::watch_inbox_response::Event;
use relevo_proto::query::v1::{
    BotState, Conversation, ConversationFilter, ConversationSort, ConversationStatus, EscalationAlert, InboxCounters,
    InboxDelta, InboxTab, ListConversationsRequest, ListConversationsResponse, Medium, PauseAlert, Priority,
    WatchInboxRequest,
};

use super::super::moment::seconds;
use super::super::paint::Painted;
use super::super::table::{Shrink, Table};
use super::super::thread::{alerted, sent};
use super::super::{Context, Failure, Output, Page, Read, more, text};
use super::{bot, counters, customer_text, last_message, status};

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    filter: Filter,
    /// In which order.
    #[arg(long, value_enum, default_value_t = Sort::Activity)]
    sort: Sort,
    /// Goes on, and shows the list again whenever it changes, until it is ended. With --json every message as it comes.
    #[arg(long, conflicts_with = "page_token")]
    watch: bool,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    read: Read,
}

/// Which conversations. Of several values of one flag any may hold; all flags that are given must hold.
#[derive(Clone, Debug, Args)]
pub(crate) struct Filter {
    /// Which part of the inbox.
    #[arg(long, value_enum, default_value_t = Tab::All)]
    tab: Tab,
    /// Only these statuses; several times or with commas. Default: open and pending.
    #[arg(long, value_enum, value_delimiter = ',')]
    status: Vec<Status>,
    /// Only this state of the bot. Default: any.
    #[arg(long, value_enum)]
    bot: Option<Bot>,
    /// Only through these. Default: any.
    #[arg(long, value_enum, value_delimiter = ',')]
    medium: Vec<Through>,
    /// Only these channels (names in the configuration). Default: any.
    #[arg(long, value_name = "CHANNEL", value_delimiter = ',')]
    channel: Vec<String>,
    /// Only with one of these tags (name or `tag_…`); can be given several times. Default: any.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Only assigned to these agents. Default: any.
    #[arg(long, value_name = "AGENT", value_delimiter = ',')]
    agent: Vec<String>,
    /// Only assigned to these teams. Default: any.
    #[arg(long, value_name = "TEAM", value_delimiter = ',')]
    team: Vec<String>,
    /// Only these priorities. Default: any.
    #[arg(long, value_enum, value_delimiter = ',')]
    priority: Vec<Urgency>,
    /// Only those with something unread.
    #[arg(long)]
    unread: bool,
    /// Only those of which the last message of the business failed, or nobody knows.
    #[arg(long)]
    delivery_problem: bool,
    /// Only those whose customer waits for an answer for at least so long: 90s, 10m, 2h, 3d. Default: all.
    #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "0", hide_default_value = true)]
    waiting: u32,
    /// Only those whose contact matches: beginnings of words of its name, customer, mail address or phone number in any spelling;
    /// case and accents do not matter. Default: all.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    search: String,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Status {
    /// Somebody has to look at it.
    Open,
    /// It waits for the customer or for a third party.
    Pending,
    /// It is out of sight until a time, or until the customer writes.
    Snoozed,
    /// The current episode ended.
    Resolved,
    /// All four.
    All,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bot {
    /// The bot may answer.
    Active,
    /// The bot is silent.
    Paused,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Through {
    /// WhatsApp, through any provider.
    Whatsapp,
    /// Text messages.
    Sms,
    /// Mail.
    Email,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    /// The latest message first.
    Activity,
    /// Who waits longest first.
    Waiting,
    /// The most urgent first.
    Priority,
}

/// How urgent a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Urgency {
    /// Nobody has said.
    None,
    /// Can wait.
    Low,
    /// Like most.
    Normal,
    /// Before others.
    High,
    /// At once.
    Urgent,
}

impl From<Urgency> for Priority {
    fn from(urgency: Urgency) -> Self {
        match urgency {
            Urgency::None => Self::None,
            Urgency::Low => Self::Low,
            Urgency::Normal => Self::Normal,
            Urgency::High => Self::High,
            Urgency::Urgent => Self::Urgent,
        }
    }
}

impl Filter {
    /// The filter if it says anything: a bulk of everybody must be asked for by name. The tab that is everything says nothing.
    pub(crate) fn wire_if_any(self) -> Option<ConversationFilter> {
        let nothing = ConversationFilter { tab: InboxTab::All.into(), ..ConversationFilter::default() };
        Some(self.wire()).filter(|filter| *filter != nothing)
    }

    fn wire(self) -> ConversationFilter {
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
        let medium = |medium: Through| match medium {
            Through::Whatsapp => Medium::Whatsapp.into(),
            Through::Sms => Medium::Sms.into(),
            Through::Email => Medium::Email.into(),
        };
        ConversationFilter {
            tab: tab.into(),
            statuses: statuses(&self.status),
            bot: bot.into(),
            media: self.medium.into_iter().map(medium).collect(),
            channel_ids: self.channel,
            tags: self.tag,
            agent_ids: self.agent,
            team_ids: self.team,
            priorities: self.priority.into_iter().map(|urgency| Priority::from(urgency).into()).collect(),
            unread: self.unread,
            waiting_longer_than_seconds: self.waiting,
            search: self.search,
            delivery_problem: self.delivery_problem,
        }
    }
}

fn statuses(given: &[Status]) -> Vec<i32> {
    const ALL: [ConversationStatus; 4] = [
        ConversationStatus::Open,
        ConversationStatus::Pending,
        ConversationStatus::Snoozed,
        ConversationStatus::Resolved,
    ];
    let one = |status: &Status| match status {
        Status::Open => ConversationStatus::Open.into(),
        Status::Pending => ConversationStatus::Pending.into(),
        Status::Snoozed => ConversationStatus::Snoozed.into(),
        Status::Resolved | Status::All => ConversationStatus::Resolved.into(),
    };
    if given.contains(&Status::All) { ALL.map(Into::into).to_vec() } else { given.iter().map(one).collect() }
}

impl List {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let sort = match self.sort {
            Sort::Activity => ConversationSort::LastActivity,
            Sort::Waiting => ConversationSort::Waiting,
            Sort::Priority => ConversationSort::Priority,
        };
        let min_position = self.read.min_position.unwrap_or_default();
        if self.watch {
            let request = WatchInboxRequest {
                filter: Some(self.filter.wire()),
                sort: sort.into(),
                page_size: self.page.limit,
                from_position: min_position,
            };
            return watch(context, request).await;
        }
        let request = ListConversationsRequest {
            filter: Some(self.filter.wire()),
            sort: sort.into(),
            page_size: self.page.limit,
            page_token: self.page.page_token.unwrap_or_default(),
            min_position,
            deadline_ms: context.client.position_wait_ms(),
        };
        ask(context, request).await
    }
}

/// The open conversations once the view has reached `position`: what `demo play` ends with.
pub(crate) async fn show_inbox(context: &Context, position: &str) -> Result<(), Failure> {
    let request = ListConversationsRequest {
        min_position: position.to_owned(),
        deadline_ms: context.client.position_wait_ms(),
        ..ListConversationsRequest::default()
    };
    ask(context, request).await
}

async fn ask(context: &Context, request: ListConversationsRequest) -> Result<(), Failure> {
    let mut inbox = context.client.inbox();
    let answer = context.client.once(inbox.list_conversations(context.client.request(request))).await?;
    print(&context.out, &answer)
}

fn print(out: &Output, answer: &ListConversationsResponse) -> Result<(), Failure> {
    if out.json {
        return out.message(answer);
    }
    out.table(&table(out, &answer.conversations), "list-empty")?;
    if answer.search_truncated {
        out.line(&out.words.t("list-search-truncated"))?;
    }
    more(out, &answer.next_page_token)
}

/// The rows of an inbox, for lists and for the conversations of a contact.
pub(crate) fn table(out: &Output, conversations: &[Conversation]) -> Table {
    let words = out.words;
    let mut table = Table::new(vec![
        (words.t("table-conversation"), Shrink::Never),
        (words.t("table-contact"), Shrink::Then(8)),
        (words.t("table-channel"), Shrink::Drop(6)),
        (words.t("table-status"), Shrink::Never),
        (words.t("table-bot"), Shrink::Never),
        (words.t("table-assignee"), Shrink::Drop(6)),
        (words.t("table-priority"), Shrink::Drop(4)),
        (words.t("table-tags"), Shrink::Drop(6)),
        (words.t("table-unread"), Shrink::Never),
        (words.t("table-last-message"), Shrink::First(10)),
    ]);
    for row in conversations {
        table.row([
            Painted::from(row.conversation_id.clone()),
            contact(row).into(),
            row.channel_label.clone().into(),
            status(out, row).into(),
            bot(out, row.bot),
            words.assignee(row.assignee.as_ref()).into(),
            words.priority_given(row.priority).into(),
            Painted::tags(&row.tags),
            row.unread.to_string().into(),
            last(out, row).into(),
        ]);
    }
    table
}

/// The last message, with how it stands if it was sent with Relevo.
fn last(out: &Output, row: &Conversation) -> String {
    let mark = match sent::tick(row.last_message_state) {
        "" => String::new(),
        tick => format!("{tick} "),
    };
    format!("{mark}{}", last_message(out, row))
}

/// Who it is: the name, the customer, else the address.
fn contact(row: &Conversation) -> String {
    let name = if row.contact_name.trim().is_empty() { &row.contact_address } else { &row.contact_name };
    let customer = row.customer.as_ref().map(|customer| format!(" · {}", customer_text(customer))).unwrap_or_default();
    let mark = if row.degraded { "⚠ " } else { "" };
    format!("{mark}{name}{customer}")
}

// === live ===

/// The list as the messages so far say it is.
#[derive(Debug, Default)]
struct Live {
    conversations: Vec<Conversation>,
    counters: InboxCounters,
}

async fn watch(context: &Context, request: WatchInboxRequest) -> Result<(), Failure> {
    let (client, out) = (&context.client, &context.out);
    let mut inbox = client.inbox();
    let mut messages = client.stream(inbox.watch_inbox(client.request(request))).await?;
    let mut live = Live::default();
    while let Some(message) = messages.next().await? {
        if out.json {
            out.message(&message)?;
            continue;
        }
        let (mut alerts, mut left_alone) = (Vec::new(), Vec::new());
        match message.event {
            Some(Event::Snapshot(snapshot)) => {
                live = Live { conversations: snapshot.conversations, counters: snapshot.counters.unwrap_or_default() };
            }
            Some(Event::Delta(mut delta)) => {
                alerts = std::mem::take(&mut delta.alerts);
                left_alone = std::mem::take(&mut delta.pause_alerts);
                live.change(delta);
            }
            Some(Event::Heartbeat(_)) | None => continue,
        }
        out.frame()?;
        for alert in &alerts {
            out.line(&escalated(out, alert))?;
        }
        for PauseAlert { conversation_id, contact_name, alert } in &left_alone {
            let [id, contact] = [conversation_id, contact_name].map(|part| text::one_line(part));
            let more = [("contact", contact.as_str()), ("id", id.as_str())];
            out.line(&alerted(out, "watch", alert.as_ref(), &more))?;
        }
        out.table(&counters::table(out, &live.counters), "list-empty")?;
        out.line("")?;
        out.table(&table(out, &live.conversations), "list-empty")?;
    }
    Ok(())
}

/// Somebody is asked to take over, in a line.
fn escalated(out: &Output, alert: &EscalationAlert) -> String {
    let escalation = alert.escalation.clone().unwrap_or_default();
    let (by, reason) = (out.words.actor(escalation.by.as_ref()), out.words.reason(escalation.reason));
    let [by, contact, id] = [&by, &alert.contact_name, &alert.conversation_id].map(|part| text::one_line(part));
    out.words.with("watch-escalated", &[("by", &by), ("contact", &contact), ("id", &id), ("reason", &reason)])
}

impl Live {
    /// As the proto says: remove, put in, then keep exactly what `order` names.
    fn change(&mut self, delta: InboxDelta) {
        self.conversations.retain(|row| !delta.removed_ids.contains(&row.conversation_id));
        for upsert in delta.upserts {
            match self.conversations.iter_mut().find(|row| row.conversation_id == upsert.conversation_id) {
                Some(row) => *row = upsert,
                None => self.conversations.push(upsert),
            }
        }
        if !delta.order.is_empty() || delta.resumed {
            let place = |row: &Conversation| delta.order.iter().position(|id| *id == row.conversation_id);
            self.conversations.retain(|row| place(row).is_some());
            self.conversations.sort_by_key(place);
        }
        if let Some(counters) = delta.counters {
            self.counters = counters;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, unread: u64) -> Conversation {
        Conversation { conversation_id: id.to_owned(), unread, ..Conversation::default() }
    }

    #[test]
    fn a_delta_removes_puts_in_and_orders() {
        let mut live = Live { conversations: vec![row("a", 0), row("b", 0), row("c", 0)], ..Live::default() };
        let texts = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        live.change(InboxDelta {
            upserts: vec![row("d", 1), row("c", 2)],
            removed_ids: texts(&["a"]),
            order: texts(&["d", "c", "b"]),
            ..InboxDelta::default()
        });
        let shown = |live: &Live| {
            live.conversations.iter().map(|row| (row.conversation_id.clone(), row.unread)).collect::<Vec<_>>()
        };
        assert_eq!(shown(&live), [("d".to_owned(), 1), ("c".to_owned(), 2), ("b".to_owned(), 0)]);
        live.change(InboxDelta { upserts: vec![row("b", 5)], ..InboxDelta::default() });
        assert_eq!(shown(&live)[2], ("b".to_owned(), 5));
        live.change(InboxDelta { resumed: true, ..InboxDelta::default() });
        assert!(live.conversations.is_empty());
    }

    #[test]
    fn all_statuses_are_all_four_and_none_is_the_servers_default() {
        assert_eq!(statuses(&[Status::All, Status::Open]), [1, 2, 3, 4]);
        assert_eq!(statuses(&[Status::Snoozed]), [3]);
        assert!(statuses(&[]).is_empty());
    }
}
