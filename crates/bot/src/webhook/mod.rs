//! A bot that is a web service: each turn is a signed POST, and the answer is what to do.
//!
//! A call is made once. What fails is told to whoever asked, who gives the turn again; a service that fails five times in a row is left
//! alone for a while. Logs name the bot and the kind of failure, nothing of the turn.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use relevo_domain::Clock;
use relevo_proto::bot::v1 as pb;
use relevo_proto::json::to_json;
use relevo_providers::{HookAddress, HookAddressError, HookAnswer, HookError, Hooks, Secret};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::taker::{HISTORY_DEFAULT, Ready, TakeError, TakeErrorKind, Taker};

mod answer;
mod circuit;
mod sign;

#[cfg(test)]
mod tests;

pub use answer::ACTIONS_MAX;
pub use circuit::{Condition, FAILURES_MAX, REST_MAX, REST_MIN};

use circuit::{Change, Circuit};

/// A call may take so long, unless it is configured otherwise: the customer is waiting.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// The longest a call may be configured to take: a turn is given again after not much more.
pub const TIMEOUT_MAX: Duration = Duration::from_mins(1);
/// Bytes of an answer: ten long texts with everything around them.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Calls of one bot at the same time, unless it is configured otherwise.
pub const CALLS_DEFAULT: usize = 16;
/// The most calls that may be configured.
pub const CALLS_MAX: usize = 256;
/// Secrets that sign: the one in use, and the one that replaces it.
pub const SECRETS_MAX: usize = 2;
/// Bytes of the shortest secret.
pub const SECRET_BYTES_MIN: usize = 16;
/// The longest that a service may ask not to be called: more is a mistake.
const RETRY_AFTER_MAX: Duration = REST_MAX;

const SIGNATURE: HeaderName = HeaderName::from_static("relevo-signature");
const BOT: HeaderName = HeaderName::from_static("relevo-bot");
const TURN: HeaderName = HeaderName::from_static("relevo-turn");
const ATTEMPT: HeaderName = HeaderName::from_static("relevo-attempt");

/// How a bot's web service is called.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// The bot's name.
    pub bot: String,
    /// Where to: `https` at a public address.
    pub url: String,
    /// One or two, of at least 16 bytes each.
    pub secrets: Vec<Secret>,
    /// `http` and `https` to this machine are allowed, too.
    pub with_loopback: bool,
    /// At most a minute. Default: [`TIMEOUT_DEFAULT`].
    pub timeout: Duration,
    /// At the same time, 1 to 256. Default: [`CALLS_DEFAULT`].
    pub calls: usize,
    /// Messages before the new ones that each turn tells. 0 to 50. Default: [`HISTORY_DEFAULT`].
    pub history: u32,
}

/// Why settings are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookSettingsError {
    #[error("the address of the webhook: {0}")]
    Address(#[from] HookAddressError),
    #[error("one or two secrets are needed")]
    Secrets,
    #[error("a secret needs at least 16 bytes")]
    ShortSecret,
    #[error("the time-out must be more than zero and at most a minute")]
    Timeout,
    #[error("1 to 256 calls may run at the same time")]
    Calls,
    #[error("the bot's name cannot be sent in a header")]
    Name,
}

/// A bot that is a web service.
pub struct WebhookBot {
    settings: WebhookSettings,
    address: HookAddress,
    name: HeaderValue,
    hooks: Hooks,
    clock: Clock,
    calls: Arc<Semaphore>,
    circuit: Circuit,
}

// === impl WebhookSettings ===

impl WebhookSettings {
    /// With the defaults for everything else.
    pub fn new(bot: impl Into<String>, url: impl Into<String>, secrets: Vec<Secret>) -> Self {
        Self {
            bot: bot.into(),
            url: url.into(),
            secrets,
            with_loopback: false,
            timeout: TIMEOUT_DEFAULT,
            calls: CALLS_DEFAULT,
            history: HISTORY_DEFAULT,
        }
    }
}

// === impl WebhookBot ===

impl WebhookBot {
    /// Looks at the settings; calls nobody.
    pub fn new(settings: WebhookSettings, hooks: Hooks, clock: Clock) -> Result<Self, WebhookSettingsError> {
        let address = HookAddress::parse(&settings.url, settings.with_loopback)?;
        if !(1..=SECRETS_MAX).contains(&settings.secrets.len()) {
            return Err(WebhookSettingsError::Secrets);
        }
        if settings.secrets.iter().any(|secret| secret.expose().len() < SECRET_BYTES_MIN) {
            return Err(WebhookSettingsError::ShortSecret);
        }
        if settings.timeout.is_zero() || settings.timeout > TIMEOUT_MAX {
            return Err(WebhookSettingsError::Timeout);
        }
        if !(1..=CALLS_MAX).contains(&settings.calls) {
            return Err(WebhookSettingsError::Calls);
        }
        let name = HeaderValue::from_str(&settings.bot).map_err(|_| WebhookSettingsError::Name)?;
        let calls = Arc::new(Semaphore::new(settings.calls));
        Ok(Self { settings, address, name, hooks, clock, calls, circuit: Circuit::default() })
    }

    /// What is known of the service, for metrics.
    pub fn condition(&self) -> Condition {
        self.circuit.condition(Instant::now())
    }

    async fn call(&self, turn: &pb::Turn) -> Result<Vec<pb::ActRequest>, TakeError> {
        let asked = pb::WebhookTurn { bot: self.settings.bot.clone(), turn: Some(turn.clone()) };
        // A message of ours always has JSON: a test of the crate that makes it says so.
        let body = to_json(&asked).map_err(|_| TakeError::new(TakeErrorKind::BrokenOff))?;
        let headers = self.headers(turn, body.as_bytes());
        let calling =
            self.hooks.post(&self.address, headers, Bytes::from(body), self.settings.timeout, ANSWER_BYTES_MAX);
        let answer = calling.await.map_err(|error| TakeError::new(unanswered(error)))?;
        understood(turn, &answer)
    }

    fn headers(&self, turn: &pb::Turn, body: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(BOT, self.name.clone());
        headers.insert(ATTEMPT, HeaderValue::from(turn.attempt));
        let signature = sign::sign(&self.settings.secrets, (self.clock)(), body);
        let which = format!("{}/{}", turn.conversation_id, turn.turn);
        for (name, value) in [(SIGNATURE, signature), (TURN, which)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        headers
    }

    fn note(&self, outcome: &Result<Vec<pb::ActRequest>, TakeError>) {
        let bot = self.settings.bot.as_str();
        let change = match outcome {
            Ok(_) => self.circuit.succeeded(),
            Err(error) => {
                tracing::info!(bot, why = error.kind.word(), detail = %error, "a bot's web service did not take a turn");
                self.circuit.failed(Instant::now())
            }
        };
        match change {
            Change::None => {}
            Change::Rests(rest) => {
                tracing::warn!(bot, seconds = rest.as_secs(), "a bot's web service failed too often and rests");
            }
            Change::Recovered => tracing::info!(bot, "a bot's web service answers again"),
        }
    }
}

#[async_trait]
impl Taker for WebhookBot {
    async fn take(&self, turn: &pb::Turn) -> Result<Vec<pb::ActRequest>, TakeError> {
        let busy = || TakeError::new(TakeErrorKind::Busy);
        let waiting = timeout(self.settings.timeout, self.calls.acquire()).await;
        let _running = waiting.map_err(|_| busy())?.map_err(|_| busy())?;
        // Asked when the call is about to be made: while it waited, the service may have been sent to rest.
        if !self.circuit.admits(Instant::now()) {
            let rests_for = self.condition().rests_for;
            return Err(TakeError { kind: TakeErrorKind::Resting, retry_after: Some(rests_for) });
        }
        let mut admitted = Admitted { circuit: &self.circuit, open: true };
        let outcome = self.call(turn).await;
        admitted.open = false;
        self.note(&outcome);
        outcome
    }

    fn history(&self) -> u32 {
        self.settings.history
    }

    fn ready(&self) -> Ready {
        let now = Instant::now();
        // After a rest one turn is tried: were it ten, nine would have failed for nothing.
        if self.circuit.is_tried(now) {
            return Ready { turns: 1, again_in: Duration::ZERO };
        }
        match self.circuit.condition(now).rests_for {
            Duration::ZERO => Ready { turns: self.settings.calls, again_in: Duration::ZERO },
            again_in => Ready { turns: 0, again_in },
        }
    }
}

/// Whoever is dropped while it calls has no outcome to tell.
struct Admitted<'c> {
    circuit: &'c Circuit,
    open: bool,
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if self.open {
            self.circuit.given_up();
        }
    }
}

fn unanswered(error: HookError) -> TakeErrorKind {
    match error {
        HookError::Unreachable => TakeErrorKind::Unreachable,
        HookError::PrivateAddress => TakeErrorKind::PrivateAddress,
        HookError::TimedOut => TakeErrorKind::TimedOut,
        HookError::BrokenOff => TakeErrorKind::BrokenOff,
        HookError::TooBig => TakeErrorKind::TooBig,
    }
}

fn understood(turn: &pb::Turn, answer: &HookAnswer) -> Result<Vec<pb::ActRequest>, TakeError> {
    match answer.status {
        StatusCode::NO_CONTENT => Ok(Vec::new()),
        StatusCode::OK => {
            let actions = answer::is_json(&answer.headers).and_then(|()| answer::actions(turn, &answer.body));
            actions.map_err(TakeError::new)
        }
        status if status.is_redirection() => Err(TakeError::new(TakeErrorKind::Redirected(status.as_u16()))),
        status => {
            let asked = answer.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            let retry_after = asked.map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
            Err(TakeError { kind: TakeErrorKind::Status(status.as_u16()), retry_after })
        }
    }
}

impl std::fmt::Debug for WebhookBot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookBot").field("bot", &self.settings.bot).finish_non_exhaustive()
    }
}
