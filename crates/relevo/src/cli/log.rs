//! `relevo log …`: the commits as they are stored.

use clap::{Args, Subcommand};
use relevo_proto::admin::v1::show_log_request::Of;
use relevo_proto::admin::v1::{LogCommit, ShowLogRequest, TailLogRequest};

use super::{Context, Failure, Output, text};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The commits of one entity in order, or the one commit at a sequence.
    Show(Show),
    /// The last commits, and new ones as they come.
    Tail(Tail),
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
        }
    }
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
