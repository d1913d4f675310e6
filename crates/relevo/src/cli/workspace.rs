//! `relevo workspace …`: quick replies and tags as one YAML file, shown and applied.
//!
//! What differs is worked out here, from what the broker answers; each difference is one command of its own, so that applying a
//! file twice changes nothing the second time.

mod detection;
mod file;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use relevo_proto::command::v1::{
    ChangeTagRequest, CreateTagRequest, DeleteTagRequest, RemoveQuickReplyRequest, SetQuickReplyRequest,
};
use relevo_proto::query::v1::ListTagsRequest;
use serde_json::json;
use uuid::Uuid;

use super::{Context, Failure, Read, quick_reply, text};
use file::{Change, Known, Workspace};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints the workspace as YAML: quick replies and tags.
    Show(Show),
    /// Makes the workspace what a file says. For supervisors and admins.
    Apply(Apply),
    /// What Relevo looks for in what people write, and what is done about it.
    #[command(subcommand)]
    Detection(detection::Command),
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// YAML with `quick_replies` and `tags`, as `relevo workspace show` prints it; what is not in it is left alone. `-`: standard input.
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Prints the differences and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Also removes what is not in the file, of the parts that are.
    #[arg(long)]
    prune: bool,
}

impl Command {
    /// The id of the command, if this is one command.
    pub(crate) fn command_id(&self) -> Option<String> {
        match self {
            Self::Detection(command) => command.command_id(),
            Self::Show(_) | Self::Apply(_) => None,
        }
    }

    pub(super) async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        match self {
            Self::Show(show) => show.run(context).await,
            Self::Apply(apply) => apply.run(context).await,
            Self::Detection(command) => command.run(context, command_id).await,
        }
    }
}

impl Show {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let known = known(context, self.read.min_position.unwrap_or_default()).await?;
        let workspace = known.workspace();
        let printed = if context.out.json {
            serde_json::to_string(&workspace).map_err(|error| error.to_string())
        } else {
            serde_saphyr::to_string(&workspace).map_err(|error| error.to_string())
        };
        let printed = printed.map_err(Failure::Output)?;
        context.out.lines(text::lines(&printed))
    }
}

/// What the broker has.
async fn known(context: &Context, min_position: String) -> Result<Known, Failure> {
    let client = &context.client;
    let replies = quick_reply::all(context, String::new(), min_position.clone()).await?.quick_replies;
    let mut inbox = client.inbox();
    let request = ListTagsRequest { min_position, deadline_ms: client.position_wait_ms() };
    let tags = client.once(inbox.list_tags(client.request(request))).await?.tags;
    Ok(Known { replies, tags })
}

impl Apply {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let out = &context.out;
        let shown = self.path.display().to_string();
        let read = if self.path.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(&self.path)
        };
        let text = read.map_err(|error| Failure::bad_value("FILE", &shown, error.to_string()))?;
        let wanted = Workspace::parse(&text).map_err(|reason| Failure::bad_value("FILE", &shown, reason))?;
        let changes = known(context, String::new()).await?.changes(&wanted, self.prune);
        if out.json {
            let changes: Vec<_> = changes.iter().map(Change::line).collect();
            out.line(&json!({ "changes": changes, "dry_run": self.dry_run }).to_string())?;
        } else if changes.is_empty() {
            out.line(&out.words.t("cli-workspace-same"))?;
        } else {
            out.lines(changes.iter().map(|change| text::one_line(&change.line())))?;
        }
        if self.dry_run {
            return Ok(());
        }
        let count = changes.len() as u64;
        for change in changes {
            apply(context, change).await?;
        }
        if !out.json && count > 0 {
            out.line(&out.words.count("cli-workspace-applied", count))?;
        }
        Ok(())
    }
}

async fn apply(context: &Context, change: Change) -> Result<(), Failure> {
    let client = &context.client.anew();
    let (command_id, expected_version) = (Uuid::now_v7().to_string(), None);
    macro_rules! command {
        ($method:ident, $request:expr) => {{
            let request = $request;
            client
                .until_known(|| {
                    let mut service = client.workspace();
                    let request = client.request(request.clone());
                    async move { service.$method(request).await }
                })
                .await
                .map(|_answer| ())
        }};
    }
    match change {
        Change::SetReply { name, title, text, new: _ } => {
            command!(set_quick_reply, SetQuickReplyRequest { command_id, expected_version, name, title, text })
        }
        Change::RemoveReply { name } => {
            command!(remove_quick_reply, RemoveQuickReplyRequest { command_id, expected_version, name })
        }
        Change::CreateTag { name, colour } => {
            command!(create_tag, CreateTagRequest { command_id, expected_version, name, colour })
        }
        Change::AlterTag { tag_id, name, colour } => {
            let (name, colour) = (Some(name), Some(colour));
            command!(change_tag, ChangeTagRequest { command_id, expected_version, tag_id, name, colour })
        }
        Change::DeleteTag { tag_id, name: _ } => {
            command!(delete_tag, DeleteTagRequest { command_id, expected_version, tag_id })
        }
    }
}
