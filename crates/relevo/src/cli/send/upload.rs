//! Files on their way to the broker: over HTTP, where a stream of bytes belongs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use relevo_proto::command::v1::FileRef;
use serde::Deserialize;

use super::super::client::Client;
use super::super::{Failure, text};

/// Where a client looks for the HTTP listener if nothing else is said: where `relevo serve` has it by default.
const HTTP_DEFAULT: &str = "http://127.0.0.1:8480";
/// The largest file over a slow line.
const UPLOAD_MAX: Duration = Duration::from_mins(10);
/// The largest file that the broker stores, in bytes; read here into memory.
const FILE_BYTES_MAX: u64 = 100 << 20;
/// Bytes of an answer that says no.
const REFUSAL_CHARS_MAX: usize = 400;

/// Where files go.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Http {
    /// HTTP address of the broker, for files.
    #[arg(long, env = "RELEVO_HTTP", default_value = HTTP_DEFAULT, value_name = "URL")]
    pub(crate) http: String,
}

/// A file as the broker has stored it.
#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    sha256: String,
    pub(super) mime_type: String,
}

impl Stored {
    /// As a message names it.
    pub(super) fn named(&self, path: &Path) -> FileRef {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        FileRef { sha256: self.sha256.clone(), mime_type: self.mime_type.clone(), file_name: name.unwrap_or_default() }
    }
}

impl Http {
    /// Stores a file. Doing it twice stores it once.
    pub(super) async fn store(&self, client: &Client, path: &PathBuf) -> Result<Stored, Failure> {
        let shown = path.display().to_string();
        let unreadable = |error: std::io::Error| Failure::bad_value("--file", &shown, error.to_string());
        let size = tokio::fs::metadata(path).await.map_err(unreadable)?.len();
        if size > FILE_BYTES_MAX {
            return Err(Failure::bad_value("--file", &shown, format!("≤ {}", text::size(FILE_BYTES_MAX))));
        }
        let bytes = tokio::fs::read(path).await.map_err(unreadable)?;
        let base = self.http.trim_end_matches('/');
        let unreachable = |error: reqwest::Error| Failure::NoHttp { http: base.to_owned(), reason: deepest(&error) };
        let http = reqwest::Client::builder().timeout(UPLOAD_MAX).no_proxy().build().map_err(unreachable)?;
        let request = http
            .post(format!("{base}/v1/files"))
            .header("authorization", client.authorization())
            .header("accept-language", client.language())
            .body(bytes);
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.text().await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(refused(base, status.as_u16(), &body));
        }
        serde_json::from_str(&body)
            .map_err(|error| Failure::NoHttp { http: base.to_owned(), reason: error.to_string() })
    }
}

/// What a page of the broker answers with when it says no.
fn refused(base: &str, status: u16, body: &str) -> Failure {
    #[derive(Deserialize)]
    struct Said {
        code: String,
        message: String,
    }
    match serde_json::from_str::<Said>(body) {
        Ok(Said { code, message }) => match relevo_domain::ErrorCode::parse(&code) {
            Some(code) => {
                let problem = relevo_proto::Problem::new(code);
                Failure::Refused(Box::new(problem.texts(message.clone(), "", message)))
            }
            None => Failure::NoHttp { http: base.to_owned(), reason: format!("{status} {code}: {message}") },
        },
        Err(_other) => {
            let said: String = text::one_line(body).chars().take(REFUSAL_CHARS_MAX).collect();
            Failure::NoHttp { http: base.to_owned(), reason: format!("{status} {said}") }
        }
    }
}

/// The innermost cause: "connection refused" says more than "error sending request".
pub(crate) fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
