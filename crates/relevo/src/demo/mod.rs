//! `relevo demo play`: posts the sample day through the real webhooks, signed with the configuration's own secrets.
//!
//! It knows nothing that a provider would not know; what became of the traffic is asked over gRPC like by any client.

mod day;
mod ids;
mod mail;
mod meta;
mod post;
mod target;
mod twilio;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use crate::cli::{Client, Context, Failure, Global, Output, Words, fail, inbox_after, settled};
use crate::config::cli::refuse;
use post::Post;
use target::Target;

/// A broker on loopback answers in milliseconds; a provider waits about as long as this before it gives up.
const POST_TIMEOUT: Duration = Duration::from_secs(15);

/// The key that `--list` asks with when the demo's own configuration is played and no other key is given. It is public.
const DEMO_KEY: &str = "relevo-demo-admin";

/// What `relevo demo` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Posts a hairdresser's day, signed, through the broker's webhooks. The same seed again stores nothing new.
    Play(Play),
}

#[derive(Debug, Args)]
pub(crate) struct Play {
    /// Seed of all message ids. Another seed is another day of the same customers.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// HTTP address of the broker. Default: `server.http_addr` of the configuration.
    #[arg(long, value_name = "URL")]
    http: Option<String>,
    /// Configuration file with the endpoints and their secrets; several are read in this order. Default: the demo's.
    #[arg(long = "config", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Then waits until the traffic is handled, and prints what became of it and the inbox. Needs the API key of an admin; for
    /// the demo's configuration it is known.
    #[arg(long)]
    list: bool,
}

impl Command {
    pub(crate) async fn run(self, mut global: Global) -> ExitCode {
        let Self::Play(play) = self;
        let embedded = play.files.is_empty();
        let target = match Target::load(play.files.clone(), play.http.as_deref()) {
            Ok(Some(target)) => target,
            Ok(None) => return fail(&Failure::NoEndpoints, &global),
            Err(problems) => {
                refuse(&problems, global.language());
                return ExitCode::from(2);
            }
        };
        if embedded && global.api_key.is_none() {
            global.api_key = Some(DEMO_KEY.to_owned());
        }
        match play.run(&target, &global).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => fail(&failure, &global),
        }
    }
}

impl Play {
    async fn run(self, target: &Target, global: &Global) -> Result<(), Failure> {
        let out = Output::new(Words::new(global.language()), global.json);
        let posts = day::posts(target, self.seed, Timestamp::now().as_second());
        let answers = send_all(&target.http, &posts).await?;
        tell(&out, posts.len(), &answers)?;
        let refused: usize =
            answers.iter().filter(|(status, _)| !(200..300).contains(*status)).map(|(_, count)| count).sum();
        if refused > 0 {
            return Err(Failure::NotAccepted { refused });
        }
        if self.list {
            let context = Context { client: Client::new(global)?, out };
            let position = settled(&context).await?;
            inbox_after(&context, &position).await?;
        }
        Ok(())
    }
}

/// Posts one after the other, as a provider keeps the order of one customer. Gives how often each status was answered.
async fn send_all(http: &str, posts: &[Post]) -> Result<BTreeMap<u16, usize>, Failure> {
    let unreachable = |error: reqwest::Error| Failure::NoWebhooks { http: http.to_owned(), reason: deepest(&error) };
    let client = reqwest::Client::builder().timeout(POST_TIMEOUT).no_proxy().build().map_err(unreachable)?;
    let mut answers = BTreeMap::new();
    for post in posts {
        let mut request = client.post(format!("{http}{}", post.path)).body(post.body.clone());
        for (name, value) in &post.headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.map_err(unreachable)?;
        *answers.entry(answer.status().as_u16()).or_insert(0) += 1;
    }
    Ok(answers)
}

/// The innermost cause: "connection refused" says more than "error sending request".
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn tell(out: &Output, posts: usize, answers: &BTreeMap<u16, usize>) -> Result<(), Failure> {
    if out.json {
        let answers: BTreeMap<String, String> =
            answers.iter().map(|(status, count)| (status.to_string(), count.to_string())).collect();
        return out.line(&json!({"posts": posts.to_string(), "answers": answers}).to_string());
    }
    let each: Vec<String> = answers.iter().map(|(status, count)| format!("{count} × {status}")).collect();
    out.line(&out.words.with("cli-demo-played", &[("posts", &posts.to_string()), ("answers", &each.join(", "))]))
}
