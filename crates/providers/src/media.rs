//! Fetches what customers sent from where the provider serves it.
//!
//! The addresses come from outside, so each of them, and each redirection, is checked: host by name, machine by its resolved
//! address, and HTTPS only. Hosts that the configuration names are exempt; they are stand-ins of a test.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, StatusCode, Uri};
use relevo_domain::conversation::FailureClass;
use tokio::time::Instant;

use crate::account::{MetaAccount, TwilioAccount};
use crate::connect::is_public;
use crate::http::{BodyError, CallError, Http, Opened, Reach};
use crate::refusal::{by_status, retry_after};
use crate::{meta, twilio};

/// The whole of a fetch: 100 MiB at 3 Mbit/s.
const FETCH_MAX: Duration = Duration::from_mins(5);
/// Nothing for so long is the end of it.
const STALL_MAX: Duration = Duration::from_secs(15);
/// Twilio redirects once or twice.
const REDIRECTS_MAX: usize = 4;

const META_HOSTS: &[&str] = &["lookaside.fbsbx.com", ".whatsapp.net"];
const TWILIO_HOSTS: &[&str] = &[".twilio.com", ".twiliocdn.com"];

/// Which medium: by the provider's id (Meta) or its address (Twilio).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MediumRef {
    pub provider_id: Option<String>,
    pub url: Option<String>,
}

/// A medium as it was served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedMedium {
    pub bytes: Bytes,
    /// As the provider declares it, lower case, without parameters; absent if it does not.
    pub mime_type: Option<String>,
}

/// Why there is no medium.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailure {
    /// The provider does not have it (any more). Final.
    #[error("the provider does not have the file any more")]
    Gone,
    /// Larger than the limit. Final.
    #[error("the file is larger than allowed")]
    TooBig,
    /// Nothing that may be fetched: a host that is not the provider's, a private address, no HTTPS. Final.
    #[error("the address is not one to fetch from: {0}")]
    Refused(&'static str),
    /// The credential is not accepted: again when it is mended.
    #[error("the provider does not accept the credential")]
    Auth,
    /// Again later, after `retry_after` if the provider says so.
    #[error("the file cannot be fetched now: {detail}")]
    Transient { detail: String, retry_after: Option<Duration> },
}

/// Whose hosts an address may name, and what proves who asks.
struct Source<'s> {
    hosts: &'static [&'static str],
    exempt: &'s [String],
    authorization: HeaderValue,
    redirects: usize,
}

/// By the id, which leads to an address that is good for five minutes.
pub(crate) async fn from_meta(
    http: &Http,
    account: &MetaAccount,
    medium: &MediumRef,
    limit: usize,
) -> Result<FetchedMedium, FetchFailure> {
    let id = medium.provider_id.as_deref().ok_or(FetchFailure::Refused("no id"))?;
    let url = meta::medium_address(http, account, id, limit).await?;
    let authorization = meta::bearer(account).map_err(|_| FetchFailure::Auth)?;
    let source = Source { hosts: META_HOSTS, exempt: &account.media_hosts, authorization, redirects: 0 };
    fetch(http, &source, &url, limit).await
}

/// By the address that came with the message.
pub(crate) async fn from_twilio(
    http: &Http,
    account: &TwilioAccount,
    medium: &MediumRef,
    limit: usize,
) -> Result<FetchedMedium, FetchFailure> {
    let url = medium.url.as_deref().ok_or(FetchFailure::Refused("no address"))?;
    let authorization = twilio::basic(account).map_err(|_| FetchFailure::Auth)?;
    let source = Source { hosts: TWILIO_HOSTS, exempt: &account.media_hosts, authorization, redirects: REDIRECTS_MAX };
    fetch(http, &source, url, limit).await
}

async fn fetch(http: &Http, source: &Source<'_>, url: &str, limit: usize) -> Result<FetchedMedium, FetchFailure> {
    let end = Instant::now() + FETCH_MAX;
    let mut at: Uri = url.parse().map_err(|_| FetchFailure::Refused("not an address"))?;
    let first = origin(&at);
    for _ in 0..=source.redirects {
        let reach = judge(&at, source)?;
        let mut request = Request::get(at.clone());
        // The credential stays with the one that it is for: a redirection leads to signed addresses of another host.
        let ours = origin(&at) == first;
        if ours {
            request = request.header(header::AUTHORIZATION, source.authorization.clone());
        }
        let request = request.body(Bytes::new()).map_err(|_| FetchFailure::Refused("not an address"))?;
        let head_by = end.min(Instant::now() + STALL_MAX);
        let opened = http.open(request, reach, head_by).await.map_err(|error| unreached(&error))?;
        if opened.status.is_redirection() {
            at = redirection(&at, &opened)?;
            continue;
        }
        return read(opened, ours, limit, end).await;
    }
    Err(FetchFailure::Refused("too many redirections"))
}

async fn read(opened: Opened, ours: bool, limit: usize, end: Instant) -> Result<FetchedMedium, FetchFailure> {
    refused(&opened, ours)?;
    let mime_type = opened.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(bare_type);
    let bytes = opened.bytes(limit, end, STALL_MAX).await.map_err(|error| match error {
        BodyError::TooLarge => FetchFailure::TooBig,
        BodyError::TooSlow => transient("it comes too slowly"),
        BodyError::Broken => transient("it broke off"),
    })?;
    Ok(FetchedMedium { bytes, mime_type: mime_type.filter(|kind| !kind.is_empty()) })
}

/// `ours`: our credential was sent.
fn refused(opened: &Opened, ours: bool) -> Result<(), FetchFailure> {
    match opened.status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if ours => Err(FetchFailure::Auth),
        // Without our credential: a signed address of a store that does not have the file any more, and says so to nobody.
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(FetchFailure::Gone)
        }
        status if by_status(status).class == FailureClass::Unknown => Err(FetchFailure::Gone),
        status => Err(FetchFailure::Transient {
            detail: format!("answered {}", status.as_u16()),
            retry_after: retry_after(&opened.headers),
        }),
    }
}

/// Whether the address may be fetched from, and which machines it may lead to.
fn judge(at: &Uri, source: &Source<'_>) -> Result<Reach, FetchFailure> {
    let authority = at.authority().ok_or(FetchFailure::Refused("no host"))?;
    // A user name in the address would hide the host.
    if authority.as_str().contains('@') {
        return Err(FetchFailure::Refused("a user name in the address"));
    }
    if source.exempt.iter().any(|exempt| exempt.eq_ignore_ascii_case(authority.as_str())) {
        return Ok(Reach::Anywhere);
    }
    if at.scheme_str() != Some("https") {
        return Err(FetchFailure::Refused("not HTTPS"));
    }
    let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = host.trim_matches(['[', ']']).parse()
        && !is_public(address)
    {
        return Err(FetchFailure::Refused("a private address"));
    }
    let allowed = source.hosts.iter().any(|known| match known.strip_prefix('.') {
        Some(domain) => host == domain || host.ends_with(known),
        None => host == *known,
    });
    if allowed { Ok(Reach::PublicOnly) } else { Err(FetchFailure::Refused("not a host of the provider")) }
}

fn redirection(from: &Uri, opened: &Opened) -> Result<Uri, FetchFailure> {
    let location = opened.headers.get(header::LOCATION).and_then(|location| location.to_str().ok());
    let location = location.ok_or(FetchFailure::Refused("a redirection to nowhere"))?;
    // A path alone stays on the host.
    let whole = match (from.scheme_str(), from.authority()) {
        (Some(scheme), Some(authority)) if location.starts_with('/') && !location.starts_with("//") => {
            format!("{scheme}://{authority}{location}")
        }
        _ => location.to_owned(),
    };
    whole.parse().map_err(|_| FetchFailure::Refused("a redirection to nowhere"))
}

fn origin(at: &Uri) -> (Option<String>, Option<String>) {
    (at.scheme_str().map(str::to_owned), at.authority().map(|authority| authority.as_str().to_ascii_lowercase()))
}

fn bare_type(declared: &str) -> String {
    declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

pub(crate) fn transient(detail: impl Into<String>) -> FetchFailure {
    FetchFailure::Transient { detail: detail.into(), retry_after: None }
}

/// A name without a public address is refused for good; everything else about a connection may pass.
pub(crate) fn unreached(error: &CallError) -> FetchFailure {
    match error {
        CallError::NotSent(why) if why == crate::connect::NO_PUBLIC_ADDRESS => {
            FetchFailure::Refused("the name has no public address")
        }
        CallError::NotSent(_) | CallError::Unanswered(_) => transient(error.to_string()),
    }
}
