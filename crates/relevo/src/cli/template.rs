//! `relevo template …`: what can be sent when the customer's last message is more than a day old.

use clap::{Args, Subcommand};
use relevo_proto::command::v1::TemplatePart;
use relevo_proto::query::v1::{
    ListSendingChannelsRequest, ListTemplatesRequest, PreviewTemplateRequest, PreviewTemplateResponse, Template,
    TemplateVariable, TemplateVariableValue,
};

use super::send::value;
use super::table::{Shrink, Table};
use super::{Context, Failure, Output, Read, Words, text};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The channels that you may write from.
    Channels(Channels),
    /// The templates of a channel, with what they say.
    #[command(visible_alias = "ls")]
    List(List),
    /// What the customer would read; sends nothing.
    Preview(Preview),
}

#[derive(Debug, Args)]
pub(crate) struct Channels {
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Id of the channel, as in `relevo template channels`.
    #[arg(value_name = "CHANNEL")]
    channel_id: String,
    /// Only names that begin like this. Default: all.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    name: String,
    /// Only this language, as the provider spells it: es_AR. Default: all.
    #[arg(long, value_name = "LANGUAGE", default_value = "", hide_default_value = true)]
    language: String,
    /// Only those that can be used now.
    #[arg(long)]
    usable: bool,
    #[command(flatten)]
    read: Read,
}

#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// Id of the channel, as in `relevo template channels`.
    #[arg(value_name = "CHANNEL")]
    channel_id: String,
    /// NAME or NAME:LANGUAGE.
    #[arg(value_name = "TEMPLATE")]
    template: String,
    /// What stands for a variable: 1=Ana, header.1=Ana, button0.1=x. May be given several times.
    #[arg(long = "value", value_name = "VARIABLE=TEXT")]
    values: Vec<String>,
    /// As if a file were given for the header.
    #[arg(long)]
    with_file: bool,
    #[command(flatten)]
    read: Read,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Channels(channels) => channels.run(context).await,
            Self::List(list) => list.run(context).await,
            Self::Preview(preview) => preview.run(context).await,
        }
    }
}

impl Channels {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out, words) = (&context.client, &context.out, context.out.words);
        let request = ListSendingChannelsRequest {
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: client.position_wait_ms(),
        };
        let mut templates = client.templates();
        let answer = client.once(templates.list_sending_channels(client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let mut table = Table::new(vec![
            (words.t("table-channel"), Shrink::Never),
            (words.t("table-label"), Shrink::Then(8)),
            (words.t("table-templates"), Shrink::Never),
            (words.t("table-state"), Shrink::Never),
        ]);
        for channel in answer.channels {
            let state = if channel.paused { words.t("channel-paused") } else { String::new() };
            table.row([channel.channel_id, channel.label, channel.usable_templates.to_string(), state]);
        }
        out.table(&table, "list-empty")
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out, words) = (&context.client, &context.out, context.out.words);
        let request = ListTemplatesRequest {
            channel_id: self.channel_id,
            name_prefix: self.name,
            language: self.language,
            usable_only: self.usable,
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: client.position_wait_ms(),
        };
        let mut templates = client.templates();
        let answer = client.once(templates.list_templates(client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        let mut table = Table::new(vec![
            (words.t("table-template"), Shrink::Never),
            (words.t("table-language"), Shrink::Never),
            (words.t("table-state"), Shrink::Never),
            (words.t("table-variables"), Shrink::Then(8)),
            (words.t("table-text"), Shrink::First(16)),
        ]);
        for template in answer.templates {
            let variables: Vec<String> = template.variables.iter().map(variable).collect();
            let state = state(out.words, &template);
            table.row([template.name, template.language, state, variables.join(" "), template.body]);
        }
        out.table(&table, "list-empty")
    }
}

/// Whether it can be used, with the provider's reason.
fn state(words: Words, template: &Template) -> String {
    let state = words.template(&template.status);
    if template.reason.is_empty() { state } else { format!("{state} ({})", template.reason) }
}

/// As `--value` names it.
fn variable(variable: &TemplateVariable) -> String {
    match variable.part.as_str() {
        "header" => format!("header.{}", variable.name),
        "button" => format!("button{}.{}", variable.button, variable.name),
        _ => variable.name.clone(),
    }
}

impl Preview {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let (name, language) = self.template.split_once(':').unwrap_or((&self.template, ""));
        let request = PreviewTemplateRequest {
            channel_id: self.channel_id,
            name: name.to_owned(),
            language: language.to_owned(),
            values: self.values.iter().map(|text| given(text)).collect::<Result<_, _>>()?,
            with_file: self.with_file,
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: client.position_wait_ms(),
        };
        let mut templates = client.templates();
        let answer = client.once(templates.preview_template(client.request(request))).await?;
        if out.json { out.message(&answer) } else { out.lines(shown(out, &answer)) }
    }
}

fn given(text: &str) -> Result<TemplateVariableValue, Failure> {
    let value = value(text)?;
    let part = match value.part() {
        TemplatePart::Header => "header",
        TemplatePart::Button => "button",
        TemplatePart::Body | TemplatePart::Unspecified => "body",
    };
    Ok(TemplateVariableValue { part: part.to_owned(), button: value.button, name: value.variable, value: value.value })
}

fn shown(out: &Output, answer: &PreviewTemplateResponse) -> Vec<String> {
    let template = answer.template.clone().unwrap_or_default();
    let head = format!("{} · {} · {}", template.name, template.language, state(out.words, &template));
    let mut lines = vec![text::one_line(&head)];
    if let Some(problem) = &answer.problem {
        let about = if problem.variables.is_empty() {
            out.words.template(&problem.status)
        } else {
            problem.variables.join(", ")
        };
        let key = format!("template-problem-{}", problem.kind);
        lines.push(text::one_line(&out.words.with(&key, &[("about", &about)])));
    } else {
        lines.push(String::new());
        lines.extend(text::lines(&answer.text));
        lines.extend(template.buttons.iter().map(|button| format!("[ {} ]", text::one_line(&button.text))));
    }
    lines
}
