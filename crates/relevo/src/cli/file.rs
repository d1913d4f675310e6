//! `relevo file …`: the attachments of messages.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use relevo_proto::query::v1::GetFileUrlRequest;

use super::send::deepest;
use super::{Context, Failure, Read, text};

/// The largest file over a slow line.
const DOWNLOAD_MAX: Duration = Duration::from_mins(10);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Saves the file of an attachment, or prints the address at which it can be had for a few minutes.
    Get(Get),
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Exact id, `cnv_…`.
    #[arg(value_name = "CONVERSATION")]
    conversation_id: String,
    /// Id of the message, `msg_…`.
    #[arg(value_name = "MESSAGE")]
    message_id: String,
    /// Which attachment of the message, from 0.
    #[arg(long, value_name = "N", default_value_t = 0)]
    attachment: u32,
    /// Where to save it; an existing file is not overwritten. `-` writes it to standard output. Default: prints the address alone.
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    #[command(flatten)]
    read: Read,
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Self::Get(get) = self;
        get.run(context).await
    }
}

impl Get {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (client, out) = (&context.client, &context.out);
        let request = GetFileUrlRequest {
            conversation_id: self.conversation_id,
            message_id: self.message_id,
            attachment: self.attachment,
            download: true,
            min_position: self.read.min_position.unwrap_or_default(),
            deadline_ms: client.position_wait_ms(),
        };
        let mut files = client.files();
        let answer = client.once(files.get_file_url(client.request(request))).await?;
        let Some(path) = &self.output else {
            if out.json {
                return out.message(&answer);
            }
            let facts = [answer.file_name.as_str(), answer.mime_type.as_str(), &text::size(answer.size_bytes)];
            let facts: Vec<String> = facts.into_iter().filter(|one| !one.is_empty()).map(text::one_line).collect();
            out.line(&facts.join(" · "))?;
            return out.line(&text::one_line(&answer.url));
        };
        let bytes = fetch(&answer.url).await?;
        if path.as_os_str() == "-" {
            return out.bytes(&bytes);
        }
        let shown = path.display().to_string();
        let failed = |error: std::io::Error| Failure::bad_value("--output", &shown, error.to_string());
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
        std::io::Write::write_all(&mut file, &bytes).map_err(failed)?;
        if out.json {
            return out.message(&answer);
        }
        out.line(&out.words.with("cli-file-saved", &[("path", &shown), ("size", &text::size(answer.size_bytes))]))
    }
}

async fn fetch(url: &str) -> Result<Vec<u8>, Failure> {
    let unreachable = |error: reqwest::Error| Failure::NoHttp {
        // Without what is secret in it.
        http: url.split("/v1/").next().unwrap_or_default().to_owned(),
        reason: deepest(&error.without_url()),
    };
    let http = reqwest::Client::builder().timeout(DOWNLOAD_MAX).no_proxy().build().map_err(unreachable)?;
    let answer = http.get(url).send().await.map_err(unreachable)?;
    let answer = answer.error_for_status().map_err(unreachable)?;
    answer.bytes().await.map(|bytes| bytes.to_vec()).map_err(unreachable)
}
