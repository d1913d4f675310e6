//! Signing in: lives of tokens, signing keys, other issuers.

use std::net::IpAddr;
use std::time::Duration;

use jsonwebtoken::Algorithm;

use super::super::{Auth, Problem, Problems, Tenant, file};
use super::server::one_of;
use super::tenants::unknown;
use super::{keys, once, secret};
use crate::auth::{Ceiling, Claims, ISSUER, Issuer, KEY_BYTES_MIN, LIFE_MAX, Source};

/// Below a minute a page does nothing but renew.
const TOKEN_SECONDS_MIN: u64 = 60;
/// Within a day a frontend's server looks again whether its user still is one.
const SESSION_HOURS_MAX: u64 = 24;
const SECONDS_PER_HOUR: u64 = 3600;

const ALGORITHMS: [(&str, Algorithm); 3] =
    [("RS256", Algorithm::RS256), ("ES256", Algorithm::ES256), ("EdDSA", Algorithm::EdDSA)];

pub(super) fn auth(auth: &file::Auth, tenants: &[Tenant], problems: &mut Problems) -> Auth {
    between("auth.token_seconds", auth.token_seconds, TOKEN_SECONDS_MIN, LIFE_MAX.as_secs(), problems);
    between("auth.session_hours", auth.session_hours, 1, SESSION_HOURS_MAX, problems);
    let at = |index: usize| format!("auth.issuers[{index}]");
    once(
        auth.issuers.iter().enumerate().map(|(index, one)| (format!("{}.issuer", at(index)), one.name.as_str())),
        problems,
    );
    let issuers = auth.issuers.iter().enumerate();
    let issuers = issuers.filter_map(|(index, one)| issuer(&at(index), one, tenants, problems)).collect();
    Auth {
        token_life: Duration::from_secs(auth.token_seconds),
        session: Duration::from_secs(auth.session_hours.saturating_mul(SECONDS_PER_HOUR)),
        token_keys: token_keys(auth, problems),
        issuers,
    }
}

fn between(at: &str, value: u64, least: u64, most: u64, problems: &mut Problems) {
    let problem = |key| Problem::new(at, key).with("value", value.to_string());
    if value < least {
        problems.add(problem("config-too-small").with("least", least.to_string()));
    } else if value > most {
        problems.add(problem("config-too-large").with("most", most.to_string()));
    }
}

fn token_keys(auth: &file::Auth, problems: &mut Problems) -> Vec<Vec<u8>> {
    let mut read = Vec::with_capacity(auth.token_keys.len());
    for (index, key) in auth.token_keys.iter().enumerate() {
        let at = format!("auth.token_keys[{index}]");
        match problems.keep(secret(at.clone(), key)) {
            Some(text) if text.len() >= KEY_BYTES_MIN => read.push(text.into_bytes()),
            Some(_short) => {
                problems.add(Problem::new(at, "config-token-key").with("least", KEY_BYTES_MIN.to_string()));
            }
            None => {}
        }
    }
    read
}

fn issuer(at: &str, issuer: &file::Issuer, tenants: &[Tenant], problems: &mut Problems) -> Option<Issuer> {
    if issuer.name.is_empty() {
        problems.add(Problem::new(at, "config-missing").with("key", "issuer"));
    }
    if issuer.name == ISSUER {
        problems.add(Problem::new(format!("{at}.issuer"), "config-issuer-own"));
    }
    for (list, empty) in [("audiences", issuer.audiences.is_empty()), ("tenants", issuer.tenants.is_empty())] {
        if empty {
            problems.add(Problem::new(format!("{at}.{list}"), "config-empty-list"));
        }
    }
    let keys = problems.keep(source(at, issuer));
    let mut served = Vec::with_capacity(issuer.tenants.len());
    for (index, name) in issuer.tenants.iter().enumerate() {
        let found = tenants.iter().find(|tenant| tenant.name.as_str() == name).map(|tenant| tenant.name.clone());
        let found = found.ok_or_else(|| unknown(format!("{at}.tenants[{index}]"), name, "tenants"));
        served.extend(problems.keep(found));
    }
    if issuer.tenants.len() > 1 && issuer.tenant_claim.is_none() {
        problems.add(Problem::new(at, "config-missing").with("key", "tenant_claim"));
    }
    let roles = keys::mintable(&format!("{at}.roles"), issuer.roles.as_deref(), problems);
    Some(Issuer {
        name: issuer.name.clone(),
        audiences: issuer.audiences.clone(),
        keys: keys?,
        algorithms: algorithms(at, issuer.algorithms.as_deref(), problems),
        tenants: served,
        claims: Claims {
            tenant: issuer.tenant_claim.clone(),
            agent: issuer.agent_claim.clone().unwrap_or_else(|| "sub".to_owned()),
            role: issuer.role_claim.clone(),
            teams: issuer.teams_claim.clone(),
            channels: issuer.channels_claim.clone(),
        },
        ceiling: Ceiling { roles, channels: [].into(), teams: [].into() },
    })
}

fn algorithms(at: &str, names: Option<&[String]>, problems: &mut Problems) -> Vec<Algorithm> {
    let Some(names) = names else { return ALGORITHMS.map(|(_, algorithm)| algorithm).into() };
    if names.is_empty() {
        problems.add(Problem::new(format!("{at}.algorithms"), "config-empty-list"));
    }
    let one = |(index, text): (usize, &String)| {
        let found = ALGORITHMS.into_iter().find(|(name, _)| name == text).map(|(_, algorithm)| algorithm);
        let known = ALGORITHMS.map(|(name, _)| name).join(", ");
        problems.keep(found.ok_or_else(|| one_of(&format!("{at}.algorithms[{index}]"), text, &known)))
    };
    names.iter().enumerate().filter_map(one).collect()
}

/// Where the keys are. What comes in the clear from another machine could be anybody's.
fn source(at: &str, issuer: &file::Issuer) -> Result<Source, Problem> {
    match (&issuer.jwks_file, &issuer.jwks_url) {
        (Some(path), None) if path.is_file() => Ok(Source::File(path.clone())),
        (Some(path), None) => {
            let problem = Problem::new(format!("{at}.jwks_file"), "config-no-file-at");
            Err(problem.with("path", path.display().to_string()))
        }
        (None, Some(url)) => {
            let refused = || Problem::new(format!("{at}.jwks_url"), "config-jwks-url");
            let uri: http::Uri = url.parse().map_err(|_not_one| refused())?;
            let host = uri.host().unwrap_or_default();
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            let loopback = host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
            let held = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
            match uri.scheme_str() {
                Some("https") if !host.is_empty() && !held => Ok(Source::Url(uri)),
                Some("http") if loopback && !held => Ok(Source::Url(uri)),
                _ => Err(refused()),
            }
        }
        (None, None) => Err(Problem::new(at, "config-missing").with("key", "jwks_url")),
        (Some(_), Some(_)) => Err(Problem::new(format!("{at}.jwks_file"), "config-excludes").with("other", "jwks_url")),
    }
}
