//! Mails of the sample day, as a mail server hands them over.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A mail to the demo's mailbox.
#[derive(Clone, Debug, Default)]
pub(super) struct Mail {
    pub(super) from: &'static str,
    pub(super) address: &'static str,
    pub(super) subject: &'static str,
    /// Message-ID, without the angle brackets.
    pub(super) id: String,
    /// The mails before it in the thread, oldest first.
    pub(super) references: Vec<String>,
    /// The `Date` header. It is part of what makes a mail the same mail, so it does not follow the clock.
    pub(super) date: &'static str,
    pub(super) text: &'static str,
    /// A PDF's name and a few bytes of it.
    pub(super) attachment: Option<(&'static str, &'static [u8])>,
    /// Whether a machine wrote it (an out-of-office note).
    pub(super) automatic: bool,
}

const BOUNDARY: &str = "relevo-demo-boundary";

impl Mail {
    /// The raw mail, with `\n` line breaks.
    pub(super) fn raw(&self, to: &str) -> String {
        let mut raw = format!(
            "From: {} <{}>\nTo: {to}\nSubject: {}\nDate: {}\nMessage-ID: <{}>\nMIME-Version: 1.0\n",
            header_word(self.from),
            self.address,
            header_word(self.subject),
            self.date,
            self.id
        );
        let mut line = |text: String| {
            // Writing into a String cannot fail.
            writeln!(raw, "{text}").ok();
        };
        if let Some(parent) = self.references.last() {
            line(format!("In-Reply-To: <{parent}>"));
            let all: Vec<String> = self.references.iter().map(|id| format!("<{id}>")).collect();
            line(format!("References: {}", all.join("\n ")));
        }
        if self.automatic {
            line("Auto-Submitted: auto-replied".to_owned());
        }
        match self.attachment {
            None => {
                line("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n".to_owned());
                line(self.text.to_owned());
            }
            Some((name, bytes)) => {
                line(format!("Content-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\n\n--{BOUNDARY}"));
                line("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n".to_owned());
                line(format!("{}\n--{BOUNDARY}", self.text));
                line(format!("Content-Type: application/pdf; name=\"{name}\"\nContent-Transfer-Encoding: base64"));
                line(format!("Content-Disposition: attachment; filename=\"{name}\"\n\n{}", STANDARD.encode(bytes)));
                line(format!("--{BOUNDARY}--"));
            }
        }
        raw
    }
}

/// A header's text: as it is if it is ASCII, else an RFC 2047 word.
fn header_word(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { format!("=?utf-8?B?{}?=", STANDARD.encode(text)) }
}
