//! `relevo pause …`: where the bot is silent, who silenced it, why and since when.

use clap::{Args, Subcommand, ValueEnum};
use relevo_proto::query::v1::{
    BotState, GetPauseCountsRequest, GetPauseRequest, ListPauseHistoryRequest, ListPausedRequest, Pause,
    PauseHistoryEntry, PauseReason, PauseSort, PausedCount,
};

use super::moment::seconds;
use super::paint::{Paint, Painted};
use super::suggestion::noticed;
use super::table::{Shrink, Table};
use super::write::Reason;
use super::{Context, Failure, Output, Page, Read, more, text};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Conversations whose bot is paused, resolved ones included, and how many for which reason.
    #[command(visible_alias = "ls")]
    List(List),
    /// The bot in one conversation, with the last pauses and resumptions.
    Show(Show),
    /// Every pause and resumption of one conversation, oldest first, a page at a time.
    History(History),
    /// How many conversations are paused now, by reason.
    Counts(Counts),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only pauses with this reason. Default: any.
    #[arg(long, value_enum)]
    reason: Option<Reason>,
    /// Only pauses that a person decided, or that Relevo or a bot did. Default: either.
    #[arg(long, value_enum)]
    by: Option<By>,
    /// Only these channels (names in the configuration). Default: any.
    #[arg(long, value_name = "CHANNEL", value_delimiter = ',')]
    channel: Vec<String>,
    /// Only pauses longer than so long: 90s, 10m, 2h, 3d. Default: all.
    #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "0", hide_default_value = true)]
    longer_than: u32,
    /// Only where the customer has waited for a person for longer than so long since the pause: 10m, 2h. Default: all.
    #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "0", hide_default_value = true)]
    waiting_longer_than: u32,
    /// In which order.
    #[arg(long, value_enum, default_value_t = Sort::Since)]
    sort: Sort,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    read: Read,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    /// A person.
    Person,
    /// Relevo or a bot.
    Automatic,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    /// The longest pause first.
    Since,
    /// The customer who has waited longest since the pause first.
    Waiting,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// Exact id, `cnv_…`.
    #[arg(value_name = "CONVERSATION")]
    conversation_id: String,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct Counts {
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

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::History(history) => history.run(context).await,
            Self::Counts(counts) => counts.run(context).await,
        }
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (out, words) = (&context.out, context.out.words);
        let mut pauses = context.client.pauses();
        let request = ListPausedRequest {
            reason: self.reason.map_or(PauseReason::Unspecified, Into::into).into(),
            page_size: self.page.limit,
            page_token: self.page.page_token.unwrap_or_default(),
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
            automatic: self.by.map(|by| matches!(by, By::Automatic)),
            channel_ids: self.channel,
            longer_than_seconds: u64::from(self.longer_than),
            waiting_longer_than_seconds: u64::from(self.waiting_longer_than),
            sort: match self.sort {
                Sort::Since => PauseSort::Since.into(),
                Sort::Waiting => PauseSort::Waiting.into(),
            },
        };
        let answer = context.client.once(pauses.list_paused(context.client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let mut table = Table::new(vec![
            (words.t("table-conversation"), Shrink::Never),
            (words.t("table-contact"), Shrink::Then(8)),
            (words.t("table-channel"), Shrink::Drop(6)),
            (words.t("table-reason"), Shrink::Then(10)),
            (words.t("table-by"), Shrink::Then(8)),
            (words.t("table-since"), Shrink::Never),
            (words.t("table-waiting"), Shrink::Drop(5)),
            (words.t("table-assignee"), Shrink::Drop(6)),
            (words.t("table-note"), Shrink::First(12)),
        ]);
        for row in answer.paused {
            let pause = row.pause.unwrap_or_default();
            let by = words.actor(pause.by.as_ref());
            table.row([
                row.conversation_id,
                row.contact_name,
                row.channel_label,
                reason_on_terms(out, words.reason(pause.reason), &pause),
                if pause.automatic { format!("{by} ({})", words.t("pause-automatic")) } else { by },
                out.clock.short(pause.since.as_ref()),
                out.clock.short(row.waiting_since.as_ref()),
                words.assignee(row.assignee.as_ref()),
                pause.note,
            ]);
        }
        out.table(&table, "list-empty")?;
        if !answer.counts.is_empty() {
            out.line("")?;
            out.table(&counts_table(out, &answer.counts), "list-empty")?;
        }
        more(out, &answer.next_page_token)
    }
}

impl Show {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (out, words) = (&context.out, context.out.words);
        let mut pauses = context.client.pauses();
        let request = GetPauseRequest {
            conversation_id: self.conversation_id,
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
        };
        let answer = context.client.once(pauses.get_pause(context.client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let pause =
            answer.pause.as_ref().map(|pause| format!(" · {}", words.pause(pause, &out.clock))).unwrap_or_default();
        let bot = out.painted(&Painted::new(&words.bot(answer.bot), Paint::bot(answer.bot)));
        let waiting = out.clock.short(answer.waiting_since.as_ref());
        let waiting =
            if waiting.is_empty() { waiting } else { format!(" · {}: {waiting}", words.t("cli-label-waiting")) };
        let (id, rest) = (text::one_line(&answer.conversation_id), text::lines(&format!("{pause}{waiting}")).concat());
        out.line(&format!("{id} · bot {bot}{rest}"))?;
        if answer.history.is_empty() { Ok(()) } else { out.table(&history_table(out, &answer.history), "list-empty") }
    }
}

impl History {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let out = &context.out;
        let request = ListPauseHistoryRequest {
            conversation_id: self.conversation_id,
            page_size: self.page.limit,
            page_token: self.page.page_token.unwrap_or_default(),
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
        };
        let mut pauses = context.client.pauses();
        let answer = context.client.once(pauses.list_pause_history(context.client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        out.table(&history_table(out, &answer.entries), "list-empty")?;
        more(out, &answer.next_page_token)
    }
}

impl Counts {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let out = &context.out;
        let request = GetPauseCountsRequest {
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: context.client.position_wait_ms(),
        };
        let mut pauses = context.client.pauses();
        let answer = context.client.once(pauses.get_pause_counts(context.client.request(request))).await?;
        if out.json { out.message(&answer) } else { out.table(&counts_table(out, &answer.counts), "list-empty") }
    }
}

fn counts_table(out: &Output, counts: &[PausedCount]) -> Table {
    let headers = ["reason", "manual", "automatic"];
    let mut table = Table::new(headers.map(|key| (out.words.t(&format!("table-{key}")), Shrink::Never)).into());
    for count in counts {
        table.row([out.words.reason(count.reason), count.manual.to_string(), count.automatic.to_string()]);
    }
    table
}

/// Why, with what Relevo noticed, and when it ends by itself or that only supervisors end it.
fn reason_on_terms(out: &Output, reason: String, terms: &Pause) -> String {
    let end = out.words.pause_end(terms, &out.clock);
    let noticed = noticed(out.words, terms.detection.as_ref());
    [reason, noticed, end].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

fn history_reason(out: &Output, entry: &PauseHistoryEntry) -> String {
    let detection = entry.detection.clone();
    let terms = Pause { until: entry.until, locked: entry.locked, detection, ..Pause::default() };
    let reason = if entry.changed { out.words.t("pause-changed") } else { out.words.reason(entry.reason) };
    reason_on_terms(out, reason, &terms)
}

fn history_table(out: &Output, history: &[PauseHistoryEntry]) -> Table {
    let words = out.words;
    let mut table = Table::new(vec![
        (words.t("table-since"), Shrink::Never),
        (words.t("table-bot"), Shrink::Never),
        (words.t("table-by"), Shrink::Then(8)),
        (words.t("table-reason"), Shrink::Then(10)),
        (words.t("table-lasted"), Shrink::Drop(6)),
        (words.t("table-note"), Shrink::First(12)),
    ]);
    for entry in history {
        let paused = entry.bot == i32::from(BotState::Paused);
        let by = words.actor(entry.by.as_ref());
        let lasted = entry.paused_for.as_ref().map(|lasted| {
            let seconds = u64::try_from(lasted.seconds).unwrap_or(0);
            text::duration(seconds * 1000 + u64::try_from(lasted.nanos / 1_000_000).unwrap_or(0))
        });
        table.row([
            Painted::from(out.clock.long(entry.at.as_ref())),
            Painted::new(&words.bot(entry.bot), Paint::bot(entry.bot)),
            (if entry.automatic { format!("{by} ({})", words.t("pause-automatic")) } else { by }).into(),
            (if paused { history_reason(out, entry) } else { String::new() }).into(),
            lasted.unwrap_or_default().into(),
            entry.note.clone().into(),
        ]);
    }
    table
}
