//! `relevo view …`: how far the views are, building them anew, and comparing them with the log.

use clap::{Args, Subcommand};
use relevo_proto::admin::v1::{
    GetViewStatusRequest, GetViewStatusResponse, Progress, RebuildViewsRequest, VerifyResult, VerifyViewsRequest,
    ViewState,
};

use super::table::{Shrink, Table};
use super::{Context, Failure, Output, text};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Every view: version, state, position, lag.
    Status(Status),
    /// Builds views anew from the log beside the live ones; readers notice nothing.
    Rebuild(Which),
    /// Builds views from the log into a temporary folder and compares every key; exit status 1 if anything differs.
    Verify(Which),
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Also prints digests (SHA-256 over every key and value in key order); reads every row.
    #[arg(long)]
    digest: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Names of views. Default: all.
    #[arg(value_name = "VIEW")]
    names: Vec<String>,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Status(Status { digest }) => {
                let (client, out) = (&context.client, &context.out);
                let mut views = client.views();
                let answer = client.once(views.get_status(client.request(GetViewStatusRequest { digest }))).await?;
                if out.json { out.message(&answer) } else { print_status(out, &answer, digest) }
            }
            Self::Rebuild(which) => rebuild(context, which.names).await,
            Self::Verify(which) => verify(context, which.names).await,
        }
    }
}

/// The position of the log's last commit, for a reader that wants to see all of it.
pub(crate) async fn log_position(context: &Context) -> Result<String, Failure> {
    let mut views = context.client.views();
    let request = context.client.request(GetViewStatusRequest { digest: false });
    context.client.once(views.get_status(request)).await.map(|answer| answer.log_position)
}

fn print_status(out: &Output, answer: &GetViewStatusResponse, digest: bool) -> Result<(), Failure> {
    let words = out.words;
    let mut headers = vec![
        (words.t("table-view"), Shrink::Then(10)),
        (words.t("table-version"), Shrink::Never),
        (words.t("table-state"), Shrink::Never),
        (words.t("table-position"), Shrink::Never),
        (words.t("table-lag"), Shrink::Never),
        (words.t("table-degraded"), Shrink::Never),
        (words.t("table-size"), Shrink::Never),
    ];
    // A digest is of no use in part, so it is not cut but given its own line on a narrow terminal.
    headers.push((if digest { words.t("table-digest") } else { String::new() }, Shrink::Never));
    let mut table = Table::new(headers);
    for view in &answer.views {
        let digest =
            if view.digest.is_empty() { String::new() } else { format!("{} {}", view.digest_position, view.digest) };
        table.row([
            view.name.clone(),
            view.version.to_string(),
            state(out, view.state),
            view.position.clone(),
            view.lag.to_string(),
            view.degraded.len().to_string(),
            text::size(view.size_bytes),
            digest,
        ]);
    }
    out.table(&table, "list-empty")?;
    for view in &answer.views {
        if !view.error.is_empty() {
            out.line(&text::one_line(&format!("{}: {}", view.name, view.error)))?;
        }
        for entity in &view.degraded {
            let line = if entity.entity_id.is_empty() {
                format!("{}: ⚠ {} · {}", view.name, entity.sequence, words.t("cli-log-unreadable"))
            } else {
                format!(
                    "{}: ⚠ {} {} · {} · {}",
                    view.name, entity.tenant, entity.entity_id, entity.sequence, entity.reason
                )
            };
            out.line(&text::one_line(&line))?;
        }
    }
    out.line(&words.with("cli-log-position", &[("position", &answer.log_position)]))
}

fn state(out: &Output, state: i32) -> String {
    match ViewState::try_from(state) {
        Ok(ViewState::Starting) => out.words.t("view-starting"),
        Ok(ViewState::CatchingUp) => out.words.t("view-catching_up"),
        Ok(ViewState::Live) => out.words.t("view-live"),
        Ok(ViewState::Diverged) => out.words.t("view-diverged"),
        Ok(ViewState::Stopped) => out.words.t("view-stopped"),
        Ok(ViewState::Unspecified) | Err(_) => format!("?{state}"),
    }
}

async fn rebuild(context: &Context, names: Vec<String>) -> Result<(), Failure> {
    let (client, out) = (&context.client, &context.out);
    let mut views = client.views();
    let mut steps = client.stream(views.rebuild(client.request(RebuildViewsRequest { names }))).await?;
    while let Some(step) = steps.next().await? {
        if out.json {
            out.message(&step)?;
            continue;
        }
        let progress = step.progress.unwrap_or_default();
        if progress.done {
            out.progress_done();
            out.line(&out.words.with("view-done", &[("name", &step.name), ("position", &progress.position)]))?;
        } else {
            out.progress(&progress_text(out, &step.name, &progress));
        }
    }
    Ok(())
}

async fn verify(context: &Context, names: Vec<String>) -> Result<(), Failure> {
    let (client, out) = (&context.client, &context.out);
    let mut views = client.views();
    let mut steps = client.stream(views.verify(client.request(VerifyViewsRequest { names }))).await?;
    let mut different = false;
    while let Some(step) = steps.next().await? {
        different |= step.result.as_ref().is_some_and(|result| !result.same);
        if out.json {
            out.message(&step)?;
        } else if let Some(result) = &step.result {
            out.progress_done();
            out.line(&result_text(out, &step.name, result))?;
        } else {
            out.progress(&progress_text(out, &step.name, &step.progress.unwrap_or_default()));
        }
    }
    if different { Err(Failure::Different) } else { Ok(()) }
}

pub(super) fn progress_text(out: &Output, name: &str, progress: &Progress) -> String {
    let left =
        progress.seconds_left.map_or_else(|| "…".to_owned(), |seconds| text::duration(seconds.saturating_mul(1000)));
    out.words.with(
        "view-progress",
        &[
            ("name", name),
            ("done", &progress.commits_done.to_string()),
            ("total", &progress.commits_total.to_string()),
            ("rate", &progress.commits_per_second.to_string()),
            ("left", &left),
        ],
    )
}

fn result_text(out: &Output, name: &str, result: &VerifyResult) -> String {
    if result.same {
        let keys = result.keys.to_string();
        let arguments =
            [("name", name), ("position", result.position.as_str()), ("keys", &keys), ("digest", &result.live_digest)];
        out.words.with("view-same", &arguments)
    } else {
        let arguments = [("name", name), ("position", result.position.as_str()), ("key", &result.first_difference)];
        out.words.with("view-different", &arguments)
    }
}
