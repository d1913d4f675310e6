//! `relevo bulk …`: one thing in many conversations, how far it is, and taking it back.

mod progress;

use std::io::Read as _;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use relevo_proto::command::v1::start_bulk_request::{Action, Selection};
use relevo_proto::command::v1::{
    BulkConversations, BulkPauseAction, BulkResumeAction, StartBulkRequest, StartBulkResponse, UndoBulkRequest,
};
use relevo_proto::query::v1::{
    Bulk, BulkAction, BulkOutcome, ConversationFilter, GetBulkRequest, ListBulkResultsRequest, ListBulksRequest,
    PauseReason, WatchBulkRequest,
};
use uuid::Uuid;

use super::conversation::list::Filter;
use super::table::{Shrink, Table};
use super::write::{Reason, Terms};
use super::{Context, Failure, Output, Page, Read, Words, more};

/// The largest file of ids that is read, in bytes: more than 100,000 ids have.
const IDS_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Pauses the bot in many conversations, and shows how it gets on.
    Pause(Box<Pause>),
    /// Resumes the bot in many conversations, and shows how it gets on.
    Resume(Box<Resume>),
    /// One bulk.
    Show(Show),
    /// Bulks, the newest first: an agent's own, for supervisors all.
    #[command(visible_alias = "ls")]
    List(List),
    /// What became of each conversation.
    Results(Results),
    /// Resumes what a bulk paused, wherever it is still that pause, and shows how it gets on.
    Undo(Undo),
    /// Shows how a bulk gets on until it is finished.
    Watch(Watch),
}

/// In which conversations: those of a filter, those of a file, or all.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("selection").args(["all", "ids_file"])))]
pub(crate) struct Which {
    #[command(flatten)]
    filter: Filter,
    /// All that you may see, whatever their status; no other filter.
    #[arg(long)]
    all: bool,
    /// The conversations of this file, one id (`cnv_…`) a line, at most 100,000; `-` for standard input. No other filter.
    #[arg(long, value_name = "FILE")]
    ids_file: Option<String>,
    /// Only counts them; nothing is done.
    #[arg(long)]
    dry_run: bool,
    /// Does not wait until it is finished.
    #[arg(long)]
    no_wait: bool,
    /// A remark for colleagues that is left with each, at most 4,000 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    note: String,
    /// Id of this command, 1 to 128 visible ASCII characters: repeating a command with its id never does it twice. Default: a
    /// fresh UUID.
    #[arg(long, value_name = "ID")]
    command_id: Option<String>,
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct Pause {
    #[command(flatten)]
    which: Which,
    /// Why.
    #[arg(long, value_enum, default_value_t = Reason::HumanTakeover)]
    reason: Reason,
    #[command(flatten)]
    terms: Terms,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    which: Which,
    /// The bots answer what the customers wrote in the meantime. Default: they only know it.
    #[arg(long)]
    answer_missed: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Undo {
    /// Id of the bulk, `blk_…`.
    #[arg(value_name = "BULK")]
    bulk_id: String,
    /// The bots answer what the customers wrote in the meantime. Default: they only know it.
    #[arg(long)]
    answer_missed: bool,
    /// Does not wait until it is finished.
    #[arg(long)]
    no_wait: bool,
    /// A remark for colleagues that is left with each, at most 4,000 characters. Default: none.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    note: String,
    /// Id of this command; see `relevo bulk pause`.
    #[arg(long, value_name = "ID")]
    command_id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Id of the bulk, `blk_…`.
    #[arg(value_name = "BULK")]
    bulk_id: String,
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct Results {
    /// Id of the bulk, `blk_…`.
    #[arg(value_name = "BULK")]
    bulk_id: String,
    /// Only those that ended so. Default: all.
    #[arg(long, value_enum)]
    outcome: Option<Ended>,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Id of the bulk, `blk_…`.
    #[arg(value_name = "BULK")]
    bulk_id: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Ended {
    /// The bulk paused it.
    Paused,
    /// The bulk resumed it.
    Resumed,
    /// It was like that already.
    Already,
    /// Not allowed there, or no such conversation.
    Forbidden,
    /// It failed for another reason.
    Error,
    /// Somebody had changed the pause that was to be taken back.
    ChangedSince,
}

impl From<Ended> for BulkOutcome {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Paused => Self::Paused,
            Ended::Resumed => Self::Resumed,
            Ended::Already => Self::Already,
            Ended::Forbidden => Self::Forbidden,
            Ended::Error => Self::Error,
            Ended::ChangedSince => Self::ChangedSince,
        }
    }
}

impl Command {
    /// The id of the command, if this is a write.
    pub(super) fn command_id(&self) -> Option<String> {
        let given = match self {
            Self::Pause(pause) => &pause.which.command_id,
            Self::Resume(resume) => &resume.which.command_id,
            Self::Undo(undo) => &undo.command_id,
            Self::Show(_) | Self::List(_) | Self::Results(_) | Self::Watch(_) => return None,
        };
        Some(given.clone().unwrap_or_else(|| Uuid::now_v7().to_string()))
    }

    pub(super) async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        match self {
            Self::Pause(pause) => {
                let (ends, locked) = pause.terms.of_bulk();
                let reason = PauseReason::from(pause.reason).into();
                start(context, command_id, Action::Pause(BulkPauseAction { reason, ends, locked }), pause.which).await
            }
            Self::Resume(resume) => {
                let action = Action::Resume(BulkResumeAction { answer_missed: resume.answer_missed });
                start(context, command_id, action, resume.which).await
            }
            Self::Undo(undo) => undo.run(context, command_id).await,
            Self::Show(show) => show.run(context).await,
            Self::List(list) => list.run(context).await,
            Self::Results(results) => results.run(context).await,
            Self::Watch(watch) => follow(context, &watch.bulk_id, "").await,
        }
    }
}

impl Which {
    /// Flags that contradict each other are refused here: nothing is sent then.
    fn selection(&self, words: Words) -> Result<Selection, Failure> {
        let filter = self.filter.clone().wire_if_any();
        if filter.is_some() && (self.all || self.ids_file.is_some()) {
            let expected = words.t("bulk-one-selection");
            return Err(Failure::bad_value("--all, --ids-file", "", expected));
        }
        Ok(match (&self.ids_file, filter) {
            _ if self.all => Selection::All(true),
            (Some(file), _) => Selection::Conversations(BulkConversations { conversation_ids: ids(file)? }),
            (None, Some(filter)) => Selection::Filter(filter),
            // The server says what it thinks of it.
            (None, None) => Selection::Filter(ConversationFilter::default()),
        })
    }
}

/// The ids of a file, one a line; empty lines are left out.
fn ids(file: &str) -> Result<Vec<String>, Failure> {
    let unreadable = |error: std::io::Error| Failure::bad_value("--ids-file", file, error.to_string());
    let mut text = String::new();
    if file == "-" {
        std::io::stdin().lock().take(IDS_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    } else {
        let opened = std::fs::File::open(file).map_err(unreadable)?;
        opened.take(IDS_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    }
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

async fn start(context: &Context, command_id: &str, action: Action, which: Which) -> Result<(), Failure> {
    let (client, out) = (&context.client, &context.out);
    let request = StartBulkRequest {
        command_id: command_id.to_owned(),
        action: Some(action),
        selection: Some(which.selection(out.words)?),
        note: which.note,
        dry_run: which.dry_run,
        min_position: which.read.min_position.unwrap_or_default(),
    };
    let answer: StartBulkResponse = client
        .until_known(|| {
            let mut service = client.bulk_commands();
            let request = client.request(request.clone());
            async move { service.start_bulk(request).await }
        })
        .await?;
    if which.dry_run || which.no_wait || out.json {
        if out.json {
            return out.message(&answer);
        }
        let key = if which.dry_run { "bulk-counted" } else { "bulk-started" };
        return out.line(&begun(out, key, &answer.bulk_id, answer.total));
    }
    out.line(&begun(out, "bulk-started", &answer.bulk_id, answer.total))?;
    follow(context, &answer.bulk_id, &answer.position).await
}

fn begun(out: &Output, key: &str, bulk_id: &str, total: u32) -> String {
    let total = out.words.grouped(u64::from(total));
    out.words.with(key, &[("id", bulk_id), ("total", &total)])
}

/// Shows how a bulk gets on until it is finished.
async fn follow(context: &Context, bulk_id: &str, position: &str) -> Result<(), Failure> {
    let (client, out) = (&context.client, &context.out);
    let request = WatchBulkRequest { bulk_id: bulk_id.to_owned(), from_position: position.to_owned() };
    let mut bulks = client.bulks();
    let mut messages = client.stream(bulks.watch_bulk(client.request(request))).await?;
    while let Some(message) = messages.next().await? {
        if out.json {
            out.message(&message)?;
        }
        let Some(bulk) = message.bulk else { continue };
        let line = progress::line(out.words, &bulk);
        match (bulk.finished_at.is_some(), out.json) {
            (true, true) => return Ok(()),
            (true, false) => {
                out.progress_done();
                return out.line(&line);
            }
            (false, true) => {}
            (false, false) => out.progress(&line),
        }
    }
    Ok(())
}

impl Undo {
    async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = UndoBulkRequest {
            command_id: command_id.to_owned(),
            bulk_id: self.bulk_id,
            note: self.note,
            answer_missed: self.answer_missed,
        };
        let answer = client
            .until_known(|| {
                let mut service = client.bulk_commands();
                let request = client.request(request.clone());
                async move { service.undo_bulk(request).await }
            })
            .await?;
        if out.json {
            return out.message(&answer);
        }
        let key = if answer.already_so { "bulk-undone-before" } else { "bulk-undo-started" };
        out.line(&begun(out, key, &answer.bulk_id, answer.total))?;
        if self.no_wait { Ok(()) } else { follow(context, &answer.bulk_id, &answer.position).await }
    }
}

impl Show {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = GetBulkRequest {
            bulk_id: self.bulk_id,
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: client.position_wait_ms(),
        };
        let mut bulks = client.bulks();
        let answer = client.once(bulks.get_bulk(client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let bulk = answer.bulk.unwrap_or_default();
        out.table(&table(out, std::slice::from_ref(&bulk)), "list-empty")?;
        out.line(&progress::line(out.words, &bulk))?;
        if bulk.undone_by.is_empty() {
            return Ok(());
        }
        out.line(&out.words.with("bulk-undone-by", &[("id", &bulk.undone_by)]))
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = ListBulksRequest {
            page_size: self.page.limit,
            page_token: self.page.page_token.unwrap_or_default(),
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: client.position_wait_ms(),
        };
        let mut bulks = client.bulks();
        let answer = client.once(bulks.list_bulks(client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        out.table(&table(out, &answer.bulks), "list-empty")?;
        more(out, &answer.next_page_token)
    }
}

impl Results {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out, words) = (&context.client, &context.out, context.out.words);
        let request = ListBulkResultsRequest {
            bulk_id: self.bulk_id,
            outcome: self.outcome.map_or(BulkOutcome::Unspecified, Into::into).into(),
            page_size: self.page.limit,
            page_token: self.page.page_token.unwrap_or_default(),
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: client.position_wait_ms(),
        };
        let mut bulks = client.bulks();
        let answer = client.once(bulks.list_bulk_results(client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let headers = ["conversation", "outcome", "by", "time"];
        let mut table = Table::new(headers.map(|key| (words.t(&format!("table-{key}")), Shrink::Never)).into());
        for row in answer.results {
            let by = if row.changed_by.is_some() { words.actor(row.changed_by.as_ref()) } else { String::new() };
            let outcome = progress::outcome(words, row.outcome);
            table.row([row.conversation_id, outcome, by, out.clock.short(row.changed_at.as_ref())]);
        }
        out.table(&table, "list-empty")?;
        more(out, &answer.next_page_token)
    }
}

fn table(out: &Output, bulks: &[Bulk]) -> Table {
    let words = out.words;
    let mut table = Table::new(vec![
        (words.t("table-bulk"), Shrink::Never),
        (words.t("table-action"), Shrink::Never),
        (words.t("table-reason"), Shrink::Then(10)),
        (words.t("table-by"), Shrink::Then(8)),
        (words.t("table-since"), Shrink::Never),
        (words.t("table-done"), Shrink::Never),
        (words.t("table-note"), Shrink::First(12)),
    ]);
    for bulk in bulks {
        let progress = bulk.progress.unwrap_or_default();
        let paused = bulk.action == i32::from(BulkAction::Pause);
        table.row([
            bulk.bulk_id.clone(),
            progress::action(words, bulk.action),
            if paused { words.reason(bulk.reason) } else { String::new() },
            words.actor(bulk.by.as_ref()),
            out.clock.short(bulk.started_at.as_ref()),
            format!("{}/{}", words.grouped(progress.done.into()), words.grouped(progress.total.into())),
            bulk.note.clone(),
        ]);
    }
    table
}
