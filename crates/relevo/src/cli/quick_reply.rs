//! `relevo quick-reply …`: texts that staff uses again and again. Sending one is `relevo conversation send --quick-reply`; changing
//! them is `relevo workspace apply`.

use clap::{Args, Subcommand};
use relevo_proto::query::v1::{ListQuickRepliesRequest, ListQuickRepliesResponse};

use super::table::{Shrink, Table};
use super::{Context, Failure, Read};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Every quick reply, by name.
    #[command(visible_alias = "ls")]
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only names that begin like this. Default: all.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    name: String,
    #[command(flatten)]
    read: Read,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let (out, words) = (&context.out, context.out.words);
        let Self::List(List { name, read }) = self;
        let answer = all(context, name, read.min_position.unwrap_or_default()).await?;
        if out.json {
            return out.message(&answer);
        }
        let mut table = Table::new(vec![
            (words.t("table-name"), Shrink::Never),
            (words.t("table-title"), Shrink::Then(8)),
            (words.t("table-text"), Shrink::First(16)),
        ]);
        for reply in answer.quick_replies {
            table.row([reply.name, reply.title, reply.text]);
        }
        out.table(&table, "list-empty")
    }
}

/// The quick replies whose names begin like this.
pub(super) async fn all(
    context: &Context,
    name_prefix: String,
    min_position: String,
) -> Result<ListQuickRepliesResponse, Failure> {
    let client = &context.client;
    let request = ListQuickRepliesRequest { name_prefix, min_position, deadline_ms: client.position_wait_ms() };
    let mut replies = client.quick_replies();
    client.once(replies.list_quick_replies(client.request(request))).await
}
