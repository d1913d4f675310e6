//! The table of documented refusals, `refusals.tsv`: request → status and body, with the page that documents it.

use std::sync::LazyLock;

use bytes::Bytes;

use super::server::Reply;

const TABLE: &str = include_str!("refusals.tsv");

/// Whose answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    Meta,
    Twilio,
    OAuth,
}

/// What it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    /// A request to send.
    Send,
    /// An upload of a file.
    Upload,
    /// A request for a medium.
    Medium,
    /// A request for templates.
    Templates,
    /// Not an answer: a report, after the message was taken. The body is what the report carries.
    Report,
    /// A request for an access token.
    Token,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub provider: Provider,
    pub when: When,
    /// The provider's code: what scripts name it by.
    pub code: &'static str,
    /// HTTP status; 0 for reports.
    pub status: u16,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u32>,
    /// JSON.
    pub body: &'static str,
    /// Where it is documented.
    pub source: &'static str,
}

static ROWS: LazyLock<Vec<Refusal>> =
    LazyLock::new(|| TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).filter_map(row).collect());

/// The whole table.
pub fn refusals() -> &'static [Refusal] {
    &ROWS
}

/// The row of a code.
pub fn refusal(provider: Provider, when: When, code: &str) -> Option<&'static Refusal> {
    ROWS.iter().find(|row| row.provider == provider && row.when == when && row.code == code)
}

// === impl Refusal ===

impl Refusal {
    /// The row as an answer.
    pub(crate) fn reply(&self) -> Reply {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(self.retry_after.map(|seconds| ("retry-after", seconds.to_string())));
        Reply::Answer { status: self.status, headers, body: Bytes::from_static(self.body.as_bytes()) }
    }
}

fn row(line: &'static str) -> Option<Refusal> {
    let columns: Vec<&'static str> = line.split('\t').collect();
    let [provider, when, code, status, retry_after, body, source] = columns.try_into().ok()?;
    Some(Refusal {
        provider: match provider {
            "meta" => Provider::Meta,
            "twilio" => Provider::Twilio,
            "oauth" => Provider::OAuth,
            _ => return None,
        },
        when: match when {
            "send" => When::Send,
            "upload" => When::Upload,
            "medium" => When::Medium,
            "templates" => When::Templates,
            "report" => When::Report,
            "token" => When::Token,
            _ => return None,
        },
        code,
        status: status.parse().ok()?,
        retry_after: if retry_after == "-" { None } else { Some(retry_after.parse().ok()?) },
        body,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_row_and_no_row_stands_twice() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
        assert_eq!(refusals().len(), lines);
        let mut keys: Vec<_> = refusals().iter().map(|row| (row.provider, row.when, row.code)).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), lines);
    }

    #[test]
    fn every_body_is_json_that_holds_the_code_and_every_row_has_a_source() {
        for row in refusals() {
            let body: serde_json::Value = serde_json::from_str(row.body).unwrap();
            let code = match row.provider {
                Provider::Meta if row.when == When::Report => body["code"].to_string(),
                Provider::Meta => body["error"]["code"].to_string(),
                Provider::Twilio if row.when == When::Report => body["ErrorCode"].as_str().unwrap().to_owned(),
                Provider::Twilio => body["code"].to_string(),
                Provider::OAuth => body["error"].as_str().unwrap().to_owned(),
            };
            assert_eq!(code, row.code, "{row:?}");
            assert!(!row.source.is_empty(), "{row:?}");
            assert!(row.status == 0 || row.status >= 400, "{row:?}");
        }
    }

    #[test]
    fn every_code_is_one_that_the_tables_of_failures_know() {
        use relevo_channels::failure::{Provider as Known, codes};
        for row in refusals() {
            let of = match row.provider {
                Provider::Meta => Known::Meta,
                Provider::Twilio => Known::Twilio,
                Provider::OAuth => continue,
            };
            assert!(codes(of).any(|code| code == row.code), "{row:?}");
        }
    }
}
