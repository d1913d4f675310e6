//! What can go wrong with a mailbox, and what it means: who has to mend it, and when it is tried again.

use relevo_domain::conversation::{FailureClass, SendFailure};
use relevo_eventlog::LogError;

/// Why reading a folder ended. Texts are for the operator and hold nothing of a mail: what a server says may name an address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The server does not accept the login.
    #[error("the login is denied")]
    Denied(SendFailure),
    /// Something about the account has to be mended: the folder is missing, the certificate is another's.
    #[error("the account has to be mended: {code}")]
    Account { code: &'static str, detail: String },
    /// No connection, or not any more.
    #[error("the connection failed: {0}")]
    Connection(&'static str),
    /// The server asks for patience.
    #[error("the server asks for patience")]
    Throttled,
    /// The server answers this command with a no, on a connection that is good otherwise.
    #[error("the server refuses: {0}")]
    Refused(&'static str),
    /// The issuer of access tokens gave none.
    #[error("there is no access token")]
    Token(SendFailure),
    /// The log does not take anything now.
    #[error("the log: {0}")]
    Log(#[from] LogError),
    /// Another node reads the folder now.
    #[error("another node reads the folder")]
    Lost,
    /// Relevo ends, or the account is another one now.
    #[error("stopped")]
    Stopped,
}

/// What [`Trouble::Connection`] says if the server ended it with a word.
pub(crate) const BYE: &str = "bye";

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Again by itself, soon.
    Soon,
    /// A person has to mend it; tried again ever more rarely.
    Person,
    /// Not the mailbox's trouble: again, and nothing to say about the mailbox.
    Elsewhere,
}

impl Trouble {
    pub(crate) const fn remedy(&self) -> Remedy {
        match self {
            Self::Denied(_) | Self::Account { .. } => Remedy::Person,
            Self::Token(failure) => match failure.class {
                FailureClass::Auth | FailureClass::Account | FailureClass::Integrity => Remedy::Person,
                FailureClass::Throttled
                | FailureClass::PairLimit
                | FailureClass::Quality
                | FailureClass::Transient
                | FailureClass::Window
                | FailureClass::Recipient
                | FailureClass::Content
                | FailureClass::Template
                | FailureClass::File
                | FailureClass::Expired
                | FailureClass::Unknown => Remedy::Soon,
            },
            Self::Connection(_) | Self::Throttled | Self::Refused(_) => Remedy::Soon,
            Self::Log(_) | Self::Lost | Self::Stopped => Remedy::Elsewhere,
        }
    }

    /// As the board and the operator's check show it.
    pub(crate) fn failure(&self) -> SendFailure {
        let (class, code, detail) = match self {
            Self::Denied(failure) | Self::Token(failure) => return failure.clone(),
            Self::Account { code, detail } => (FailureClass::Account, *code, Some(detail.clone())),
            Self::Connection(what) | Self::Refused(what) => (FailureClass::Transient, *what, None),
            Self::Throttled => (FailureClass::Throttled, "throttled", None),
            Self::Log(_) => (FailureClass::Transient, "log", None),
            Self::Lost => (FailureClass::Transient, "elsewhere", None),
            Self::Stopped => (FailureClass::Transient, "stopped", None),
        };
        SendFailure { class, code: Some(code.to_owned()), detail }
    }
}

/// What the words of a refusal mean (RFC 5530, and what Gmail and Microsoft 365 say).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Wait: too much at once, or the server's own trouble.
    Later,
    /// No.
    Final,
}

/// Words of servers that ask for patience, upper case.
const LATER: [&str; 10] = [
    "[UNAVAILABLE]",
    "[LIMIT]",
    "[INUSE]",
    "[OVERQUOTA]",
    "[SERVERBUG]",
    "[THROTTLED]",
    "TOO MANY SIMULTANEOUS",
    "MAXIMUM NUMBER OF CONNECTIONS",
    "EXCEEDED COMMAND OR BANDWIDTH",
    "TEMPORAR",
];

impl Refusal {
    pub(crate) fn of(words: &str) -> Self {
        let words = words.to_uppercase();
        if LATER.iter().any(|later| words.contains(later)) { Self::Later } else { Self::Final }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_ask_for_patience_are_told_from_a_no() {
        for (words, meaning) in [
            ("[AUTHENTICATIONFAILED] Invalid credentials (Failure)", Refusal::Final),
            ("AUTHENTICATE failed.", Refusal::Final),
            ("[ALERT] Please log in via your web browser", Refusal::Final),
            ("[ALERT] Too many simultaneous connections. (Failure)", Refusal::Later),
            ("[UNAVAILABLE] Temporary authentication failure.", Refusal::Later),
            ("[OVERQUOTA] Account exceeded command or bandwidth limits.", Refusal::Later),
            ("[LIMIT] Maximum number of connections from user+IP exceeded", Refusal::Later),
        ] {
            assert_eq!(Refusal::of(words), meaning, "{words}");
        }
    }
}
