//! What a look at an account found: one line for each thing that has to work.

use relevo_domain::conversation::{FailureClass, SendFailure};

use crate::refusal::Refusal;

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckPart {
    /// The WhatsApp number, with its token.
    Number,
    /// The list of templates.
    Templates,
    /// The Twilio account, with its key.
    Account,
    /// The access token of a mailbox.
    Token,
    /// Logging in to the server that mail is submitted to.
    Sending,
    /// Logging in to the server that mail is read from.
    Receiving,
}

impl CheckPart {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Templates => "templates",
            Self::Account => "account",
            Self::Token => "token",
            Self::Sending => "sending",
            Self::Receiving => "receiving",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckLine {
    pub part: CheckPart,
    pub ok: bool,
    /// Why not, if not.
    pub class: Option<FailureClass>,
    /// The provider's code, if it gave one.
    pub code: Option<String>,
    /// The provider's words, for the operator: they may name an address.
    pub detail: Option<String>,
}

impl CheckLine {
    pub const fn good(part: CheckPart) -> Self {
        Self { part, ok: true, class: None, code: None, detail: None }
    }

    pub fn failed(part: CheckPart, failure: SendFailure) -> Self {
        Self { part, ok: false, class: Some(failure.class), code: failure.code, detail: failure.detail }
    }

    pub(crate) fn of<T>(part: CheckPart, found: Result<T, Refusal>) -> Self {
        match found {
            Ok(_) => Self::good(part),
            Err((failure, _)) => Self::failed(part, failure),
        }
    }
}
