//! A POST to an address that somebody of the tenant configured: to public machines alone, without redirections, bounded in time and size.
//!
//! What the answer means is its caller's affair.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri};
use tokio::time::Instant;

use crate::connect::{NO_PUBLIC_ADDRESS, is_public};
use crate::http::{BodyError, CallError, Http, Reach};

/// Whoever calls hooks. Cheap to clone; one for a process will do.
#[derive(Clone)]
pub struct Hooks(Http);

/// An address that may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookAddress {
    uri: Uri,
    reach: Reach,
}

/// Why an address may not be called, ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookAddressError {
    #[error("not an address of the form https://host/path")]
    NotAnAddress,
    #[error("a user name or password in the address")]
    Credentials,
    #[error("not https")]
    NotHttps,
    #[error("not a public address")]
    Private,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct HookAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Empty for another status than 200: nobody reads it.
    pub body: Bytes,
}

/// Why nothing came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    #[error("cannot be reached")]
    Unreachable,
    #[error("the name has no public address")]
    PrivateAddress,
    #[error("did not answer in time")]
    TimedOut,
    #[error("broke the connection off")]
    BrokenOff,
    #[error("the answer is larger than allowed")]
    TooBig,
}

// === impl HookAddress ===

impl HookAddress {
    /// `https` to wherever the name leads in public; `with_loopback` also `http` and `https` to this machine.
    pub fn parse(address: &str, with_loopback: bool) -> Result<Self, HookAddressError> {
        let uri: Uri = address.parse().map_err(|_| HookAddressError::NotAnAddress)?;
        let authority = uri.authority().ok_or(HookAddressError::NotAnAddress)?;
        if authority.as_str().contains('@') {
            return Err(HookAddressError::Credentials);
        }
        let host = authority.host().trim_end_matches('.').trim_matches(['[', ']']).to_ascii_lowercase();
        let literal: Option<IpAddr> = host.parse().ok();
        let here = host == "localhost" || literal.is_some_and(|address| address.is_loopback());
        match uri.scheme_str() {
            Some("http" | "https") if here && with_loopback => Ok(Self { uri, reach: Reach::Anywhere }),
            // A literal address is never resolved, so that nobody else would look at it.
            Some("http" | "https") if literal.is_some_and(|address| !is_public(address)) => {
                Err(HookAddressError::Private)
            }
            Some("https") if !host.is_empty() => Ok(Self { uri, reach: Reach::PublicOnly }),
            Some("http") => Err(HookAddressError::NotHttps),
            Some(_) | None => Err(HookAddressError::NotAnAddress),
        }
    }
}

impl fmt::Display for HookAddress {
    /// The host: paths hold tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri.host().unwrap_or_default())
    }
}

// === impl Hooks ===

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}

impl Hooks {
    /// With the machine's own certificate authorities.
    pub fn new() -> io::Result<Self> {
        Http::new().map(Self)
    }

    /// One POST. Answers within `limit`, whatever happens; reads at most `bytes_max` of the answer.
    pub async fn post(
        &self,
        address: &HookAddress,
        headers: HeaderMap,
        body: Bytes,
        limit: Duration,
        bytes_max: usize,
    ) -> Result<HookAnswer, HookError> {
        let end = Instant::now() + limit;
        let mut request = Request::post(address.uri.clone()).body(body).map_err(|_| HookError::Unreachable)?;
        *request.headers_mut() = headers;
        let opened = self.0.open(request, address.reach, end).await.map_err(|error| match error {
            CallError::NotSent(why) if why == NO_PUBLIC_ADDRESS => HookError::PrivateAddress,
            CallError::NotSent(_) => HookError::Unreachable,
            CallError::Unanswered(_) if Instant::now() >= end => HookError::TimedOut,
            CallError::Unanswered(_) => HookError::BrokenOff,
        })?;
        let (status, headers) = (opened.status, opened.headers.clone());
        if status != StatusCode::OK {
            return Ok(HookAnswer { status, headers, body: Bytes::new() });
        }
        let body = opened.bytes(bytes_max, end, limit).await.map_err(|error| match error {
            BodyError::TooLarge => HookError::TooBig,
            BodyError::TooSlow => HookError::TimedOut,
            BodyError::Broken => HookError::BrokenOff,
        })?;
        Ok(HookAnswer { status, headers, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_public_https_or_this_machine_where_that_is_wanted() {
        for good in ["https://bot.example/turn?x=1", "https://8.8.8.8/", "https://[2001:4860:4860::8888]:8443/hook"] {
            assert!(HookAddress::parse(good, false).is_ok(), "{good}");
        }
        for here in ["http://127.0.0.1:9000/", "https://localhost/", "http://[::1]:1/", "http://LOCALHOST./x"] {
            assert!(HookAddress::parse(here, true).is_ok(), "{here}");
        }
        for (bad, why) in [
            ("https://127.0.0.1/", HookAddressError::Private),
            ("https://169.254.169.254/latest", HookAddressError::Private),
            ("http://10.0.0.1/", HookAddressError::Private),
            ("https://[fe80::1]/", HookAddressError::Private),
            ("https://[::ffff:10.0.0.1]/", HookAddressError::Private),
            ("http://bot.example/", HookAddressError::NotHttps),
            ("https://bot:secret@bot.example/", HookAddressError::Credentials),
            ("ftp://bot.example/", HookAddressError::NotAnAddress),
            ("/path", HookAddressError::NotAnAddress),
            ("bot.example", HookAddressError::NotAnAddress),
            ("", HookAddressError::NotAnAddress),
            ("https://b ot/", HookAddressError::NotAnAddress),
        ] {
            assert_eq!(HookAddress::parse(bad, false).unwrap_err(), why, "{bad}");
        }
        assert_eq!(HookAddress::parse("https://10.0.0.1/", true).unwrap_err(), HookAddressError::Private);
        assert_eq!(HookAddress::parse("http://bot.example/", true).unwrap_err(), HookAddressError::NotHttps);
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_not_called() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = HookAddress::parse(&format!("https://localhost:{port}/"), false).unwrap();
        let limit = Duration::from_secs(5);
        let answer = Hooks::new().unwrap().post(&address, HeaderMap::new(), Bytes::new(), limit, 1).await;
        assert_eq!(answer.unwrap_err(), HookError::PrivateAddress);
        let connected = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(connected.is_err(), "somebody connected");
    }

    #[test]
    fn an_address_is_shown_without_its_path() {
        let address = HookAddress::parse("https://bot.example/token/secret", false).unwrap();
        assert_eq!(address.to_string(), "bot.example");
    }
}
