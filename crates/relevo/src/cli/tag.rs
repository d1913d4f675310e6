//! `relevo tag …`: the tags of the workspace. Putting one on a conversation is `relevo conversation tag`.

use clap::{ArgGroup, Args, Subcommand};
use relevo_proto::command::v1::{ChangeTagRequest, CreateTagRequest, DeleteTagRequest};
use relevo_proto::query::v1::{ListTagsRequest, Tag};

use super::paint::Painted;
use super::table::{Shrink, Table};
use super::write::{How, command_id};
use super::{Context, Failure, Output, Read};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Every tag: name, colour, id.
    #[command(visible_alias = "ls")]
    List(List),
    /// Makes a tag.
    Create(Create),
    /// Renames or recolours a tag; conversations keep it. For supervisors and admins.
    Change(Change),
    /// Deletes a tag, from every conversation at once. For supervisors and admins.
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What people will call it, 1 to 40 characters; unique whatever its case.
    #[arg(value_name = "NAME")]
    name: String,
    /// Its colour, `#rrggbb`.
    #[arg(long, value_name = "COLOUR", alias = "color")]
    colour: String,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["name", "colour"])))]
pub(crate) struct Change {
    /// Its id, `tag_…`.
    #[arg(value_name = "TAG")]
    tag_id: String,
    /// What people will call it, 1 to 40 characters. Default: as before.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Its colour, `#rrggbb`. Default: as before.
    #[arg(long, value_name = "COLOUR", alias = "color")]
    colour: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Its id, `tag_…`.
    #[arg(value_name = "TAG")]
    tag_id: String,
    #[command(flatten)]
    how: How,
}

impl Command {
    /// The id of the command, if this is a write.
    pub(super) fn command_id(&self) -> Option<String> {
        match self {
            Self::List(_) => None,
            Self::Create(Create { how, .. }) | Self::Change(Change { how, .. }) | Self::Delete(Delete { how, .. }) => {
                Some(command_id(how))
            }
        }
    }

    pub(super) async fn run(self, context: &Context, command_id: &str) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let command_id = command_id.to_owned();
        macro_rules! answer {
            ($method:ident, $request:expr) => {{
                let request = $request;
                let answer = client
                    .until_known(|| {
                        let mut service = client.workspace();
                        let request = client.request(request.clone());
                        async move { service.$method(request).await }
                    })
                    .await?;
                if out.json {
                    return out.message(&answer);
                }
                answer
            }};
        }
        match self {
            Self::List(list) => list.run(context).await,
            Self::Create(Create { name, colour, how: How { expected_version, .. } }) => {
                let answer = answer!(create_tag, CreateTagRequest { command_id, expected_version, name, colour });
                told(out, "tag-create", answer.already_so, &answer.position, answer.tag.as_ref())
            }
            Self::Change(Change { tag_id, name, colour, how: How { expected_version, .. } }) => {
                let request = ChangeTagRequest { command_id, expected_version, tag_id, name, colour };
                let answer = answer!(change_tag, request);
                told(out, "tag-change", answer.already_so, &answer.position, answer.tag.as_ref())
            }
            Self::Delete(Delete { tag_id, how: How { expected_version, .. } }) => {
                let answer = answer!(delete_tag, DeleteTagRequest { command_id, expected_version, tag_id });
                told(out, "tag-delete", answer.already_so, &answer.position, None)
            }
        }
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = ListTagsRequest {
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: client.position_wait_ms(),
        };
        let mut inbox = client.inbox();
        let answer = client.once(inbox.list_tags(client.request(request))).await?;
        if out.json { out.message(&answer) } else { out.table(&table(out, &answer.tags), "list-empty") }
    }
}

fn table(out: &Output, tags: &[Tag]) -> Table {
    let words = out.words;
    let headers = ["tag", "colour", "id"].map(|header| (words.t(&format!("table-{header}")), Shrink::Never));
    let mut table = Table::new(headers.into());
    for tag in tags {
        let shown = Painted::tags(std::slice::from_ref(tag));
        table.row([shown, tag.colour.clone().into(), tag.tag_id.clone().into()]);
    }
    table
}

fn told(out: &Output, key: &str, already_so: bool, position: &str, tag: Option<&Tag>) -> Result<(), Failure> {
    let sentence = if already_so { format!("cli-already-{key}") } else { format!("cli-done-{key}") };
    let position = out.words.with("cli-position", &[("position", position)]);
    out.line(&format!("{} · {position}", out.words.t(&sentence)))?;
    match tag {
        Some(tag) => out.table(&table(out, std::slice::from_ref(tag)), "list-empty"),
        None => Ok(()),
    }
}
