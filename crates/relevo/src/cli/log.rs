//! `relevo log …`: the commits as they are stored.

use clap::{Args, Subcommand};
use relevo_proto::admin::v1::show_log_request::Of;
use relevo_proto::admin::v1::{
    LogCommit, LogProblem, LogProblemKind, LogVerdict, SettingState, ShowLogRequest, TailLogRequest, VerifyLogRequest,
};

use super::view::progress_text;
use super::{Context, Failure, Output, text};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The commits of one entity in order, or the one commit at a sequence.
    Show(Show),
    /// The last commits, and new ones as they come.
    Tail(Tail),
    /// Checks the whole log: decodable, complete, gapless versions, hashes, stream settings; exit status 1 if anything is wrong.
    Verify,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Id of an entity (`cnv_…`, `ctc_…`, `idn_…`, `chn_…`, `wks`), or a sequence on the log.
    #[arg(value_name = "ENTITY|SEQUENCE")]
    what: String,
    /// Only commits of the entity after this sequence. Default: from the first.
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "SEQUENCE")]
    after: u64,
    /// At most so many commits, 1 to 1,000.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Also prints each event's content.
    #[arg(long)]
    content: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// First sequence. Default: the last `--limit` commits.
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "SEQUENCE")]
    from: u64,
    /// Goes on with new commits until interrupted.
    #[arg(long, short)]
    follow: bool,
    /// Commits to print, at most 100,000. Default: 20; with --from or --follow: no end.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: Option<u32>,
    /// Also prints each event's content.
    #[arg(long)]
    content: bool,
}

/// Commits that `tail` shows if nobody says otherwise.
const TAIL_DEFAULT: u32 = 20;

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Show(show) => show.run(context).await,
            Self::Tail(tail) => tail.run(context).await,
            Self::Verify => verify(context).await,
        }
    }
}

async fn verify(context: &Context) -> Result<(), Failure> {
    let (client, out) = (&context.client, &context.out);
    let mut log = client.log();
    let mut steps = client.stream(log.verify(client.request(VerifyLogRequest {}))).await?;
    let mut intact = false;
    while let Some(step) = steps.next().await? {
        intact = step.verdict.as_ref().is_some_and(|verdict| verdict.intact);
        if out.json {
            out.message(&step)?;
        } else if let Some(problem) = &step.problem {
            out.progress_done();
            out.line(&problem_text(out, problem))?;
        } else if let Some(verdict) = &step.verdict {
            out.progress_done();
            out.lines(verdict_lines(out, verdict))?;
        } else if let Some(progress) = &step.progress {
            out.progress(&progress_text(out, "log", progress));
        }
    }
    if intact { Ok(()) } else { Err(Failure::NotIntact) }
}

/// What is wrong, and where.
fn problem_text(out: &Output, problem: &LogProblem) -> String {
    let (sequence, through) = (problem.sequence.to_string(), problem.through_sequence.to_string());
    let (expected, found) = (problem.expected_version.to_string(), problem.found_version.to_string());
    let entity = if problem.entity_id.is_empty() { "?" } else { &problem.entity_id };
    let arguments = [
        ("sequence", sequence.as_str()),
        ("through", &through),
        ("entity", entity),
        ("expected", &expected),
        ("found", &found),
    ];
    let key = match problem.kind() {
        LogProblemKind::Undecodable => "log-problem-undecodable",
        LogProblemKind::Missing => "log-problem-missing",
        // Of another tenant's entity the versions are not told.
        LogProblemKind::VersionGap if problem.entity_id.is_empty() => "log-problem-version-elsewhere",
        LogProblemKind::VersionGap => "log-problem-version",
        LogProblemKind::HashBroken => "log-problem-hash",
        LogProblemKind::Unspecified => "log-problem-unknown",
    };
    text::one_line(&format!("⚠ {}", out.words.with(key, &arguments)))
}

/// The settings that are not as they should be or that nobody can see, and one line that sums up.
fn verdict_lines(out: &Output, verdict: &LogVerdict) -> Vec<String> {
    let mut lines = Vec::new();
    let mut differing = 0;
    for setting in &verdict.settings {
        let arguments = [
            ("stream", setting.stream.as_str()),
            ("setting", &setting.setting),
            ("found", &setting.found),
            ("wanted", &setting.wanted),
        ];
        match setting.state() {
            SettingState::Differs => {
                differing += 1;
                lines.push(text::one_line(&format!("⚠ {}", out.words.with("log-setting-differs", &arguments))));
            }
            SettingState::Unknown => {
                lines.push(text::one_line(&out.words.with("log-setting-unknown", &arguments)));
            }
            SettingState::Ok | SettingState::Unspecified => {}
        }
    }
    let numbers = [verdict.commits, verdict.events, verdict.entities, verdict.problems].map(|n| n.to_string());
    let differing = differing.to_string();
    let arguments = [
        ("position", verdict.position.as_str()),
        ("commits", &numbers[0]),
        ("events", &numbers[1]),
        ("entities", &numbers[2]),
        ("problems", &numbers[3]),
        ("settings", &differing),
    ];
    lines.push(out.words.with(if verdict.intact { "log-intact" } else { "log-broken" }, &arguments));
    lines
}

impl Show {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let of = self.what.parse().map_or(Of::EntityId(self.what), Of::Sequence);
        let mut log = client.log();
        let request = ShowLogRequest { after_sequence: self.after, limit: self.limit, of: Some(of) };
        let answer = client.once(log.show(client.request(request))).await?;
        if out.json {
            return out.message(&answer);
        }
        for commit in &answer.commits {
            out.lines(commit_lines(out, commit, self.content))?;
        }
        match answer.commits.last() {
            Some(last) if answer.more => {
                out.line(&out.words.with("cli-log-more", &[("sequence", &last.sequence.to_string())]))
            }
            _ => Ok(()),
        }
    }
}

impl Tail {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        // With `--follow` a limit would end the stream, so the server's own default says how far back it begins.
        let bounded = !self.follow && self.from == 0;
        let limit = self.limit.unwrap_or(if bounded { TAIL_DEFAULT } else { 0 });
        let mut log = client.log();
        let request = TailLogRequest { from_sequence: self.from, follow: self.follow, limit };
        let mut commits = client.stream(log.tail(client.request(request))).await?;
        while let Some(answer) = commits.next().await? {
            if out.json {
                out.message(&answer)?;
            } else if let Some(commit) = &answer.commit {
                out.lines(commit_lines(out, commit, self.content))?;
            } else if answer.looked_back_to > 0 {
                out.line(&out.words.with("cli-log-bounded", &[("sequence", &answer.looked_back_to.to_string())]))?;
            }
        }
        Ok(())
    }
}

/// `42  2026-11-21 10:42:07  cnv_…  v3…4  laura  BotPaused, Assigned`, and the content below it.
fn commit_lines(out: &Output, commit: &LogCommit, content: bool) -> Vec<String> {
    if !commit.undecodable.is_empty() {
        return vec![text::one_line(&format!("{}  ⚠ {}", commit.sequence, commit.undecodable))];
    }
    let versions = if commit.first_version == commit.last_version {
        format!("v{}", commit.first_version)
    } else {
        format!("v{}…{}", commit.first_version, commit.last_version)
    };
    let names: Vec<&str> = commit.events.iter().map(|event| event.name.as_str()).collect();
    let mut lines = vec![format!(
        "{}  {}  {}  {versions}  {}  {}",
        commit.sequence,
        out.clock.long(commit.recorded_at.as_ref()),
        text::one_line(&commit.entity_id),
        text::one_line(&out.words.actor(commit.actor.as_ref())),
        text::one_line(&names.join(", "))
    )];
    if content {
        let ids = text::one_line(&format!("{} · {} · {}", commit.commit_id, commit.command_id, commit.hash));
        lines.push(format!("    {ids}"));
        lines.extend(
            commit
                .events
                .iter()
                .map(|event| format!("    {} {}", text::one_line(&event.name), text::one_line(&event.json))),
        );
    }
    lines
}
