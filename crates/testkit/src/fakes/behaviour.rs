//! What a fake does with a message, and which reports follow: set for a recipient, or for the next messages whoever gets them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::Notify;

use super::server::Reply;

/// What happens to one request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It is taken and answered.
    Accept,
    /// It is not taken; the answer is the table's row of this code.
    Refuse(String),
    /// It is taken and answered; a report says afterwards that it failed with this code (a row of the table).
    AcceptThenFail(String),
    /// It is not taken; a gateway answers 502 with a page.
    GatewayPage,
    /// It is taken; a gateway answers 500 with a page.
    GatewayPageAfterAccepting,
    /// It is taken; the answer is 200 with something that is not JSON.
    NotJson,
    /// It is taken; the answer is 200 without an id.
    WithoutId,
    /// It is taken; the answer begins and never ends.
    SlowBody,
    /// It is not taken; the connection is closed when the request has been read.
    CloseWithoutAccepting,
    /// It is taken; the connection is closed without an answer.
    CloseAfterAccepting,
    /// It is taken; no answer comes, until the client gives up.
    SilentAfterAccepting,
    /// It is taken; the answer comes when a test lets it go (`answer_one`).
    AnswerHeldBack,
}

impl Behaviour {
    /// Whether the customer gets the message.
    pub const fn takes(&self) -> bool {
        match self {
            Self::Refuse(_) | Self::GatewayPage | Self::CloseWithoutAccepting => false,
            Self::Accept
            | Self::AcceptThenFail(_)
            | Self::GatewayPageAfterAccepting
            | Self::NotJson
            | Self::WithoutId
            | Self::SlowBody
            | Self::CloseAfterAccepting
            | Self::SilentAfterAccepting
            | Self::AnswerHeldBack => true,
        }
    }
}

impl Behaviour {
    /// The answer to a message that was taken, where a good answer would be `body`.
    pub(crate) fn reply(&self, status: u16, body: &Value) -> Reply {
        match self {
            Self::Accept | Self::AcceptThenFail(_) | Self::AnswerHeldBack => Reply::json(status, body),
            Self::GatewayPageAfterAccepting => Reply::html(500, "<html><body>Internal Server Error</body></html>"),
            Self::NotJson => Reply::html(200, "<html><body>OK</body></html>"),
            Self::WithoutId => Reply::json(status, &serde_json::json!({})),
            Self::SlowBody => Reply::Stall,
            Self::SilentAfterAccepting => Reply::Silence,
            Self::CloseAfterAccepting | Self::Refuse(_) | Self::GatewayPage | Self::CloseWithoutAccepting => {
                Reply::HangUp
            }
        }
    }
}

/// Which reports follow a message that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Reports {
    /// Sent, delivered, read.
    #[default]
    InOrder,
    /// Each of them twice.
    Duplicated,
    /// Read, delivered, sent.
    Reordered,
    /// Sent comes before the answer to the request, the others after it.
    BeforeAnswer,
    /// Sent alone.
    SentOnly,
    None,
}

/// What was asked for beforehand.
#[derive(Default)]
pub(crate) struct Script {
    lines: Mutex<Lines>,
    let_go: Notify,
}

#[derive(Default)]
struct Lines {
    by_recipient: BTreeMap<String, VecDeque<Behaviour>>,
    next: VecDeque<Behaviour>,
    always: BTreeMap<String, Behaviour>,
    reports: Reports,
    reports_by_recipient: BTreeMap<String, Reports>,
}

// === impl Script ===

impl Script {
    pub(crate) fn for_recipient(&self, to: &str, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.with(|lines| lines.by_recipient.entry(to.to_owned()).or_default().extend(behaviours));
    }

    pub(crate) fn for_next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.with(|lines| lines.next.extend(behaviours));
    }

    pub(crate) fn always(&self, to: &str, behaviour: Behaviour) {
        self.with(|lines| lines.always.insert(to.to_owned(), behaviour));
    }

    pub(crate) fn set_reports(&self, reports: Reports) {
        self.with(|lines| lines.reports = reports);
    }

    pub(crate) fn set_reports_for(&self, to: &str, reports: Reports) {
        self.with(|lines| lines.reports_by_recipient.insert(to.to_owned(), reports));
    }

    /// What to do with the next message to `to`; used up unless it is for always.
    pub(crate) fn take(&self, to: &str) -> Behaviour {
        self.with(|lines| {
            let own = lines.by_recipient.get_mut(to).and_then(VecDeque::pop_front);
            own.or_else(|| lines.next.pop_front())
                .or_else(|| lines.always.get(to).cloned())
                .unwrap_or(Behaviour::Accept)
        })
    }

    /// Waits until the answer may go, if it is held back.
    pub(crate) async fn hold_back(&self, behaviour: &Behaviour) {
        if *behaviour == Behaviour::AnswerHeldBack {
            self.let_go.notified().await;
        }
    }

    /// Lets one answer go that is held back, or the next that will be.
    pub(crate) fn let_go(&self) {
        self.let_go.notify_one();
    }

    pub(crate) fn reports(&self, to: &str) -> Reports {
        self.with(|lines| lines.reports_by_recipient.get(to).copied().unwrap_or(lines.reports))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Lines) -> T) -> T {
        act(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
