//! What an added channel is: the keys of a `[[tenants.channels]]` entry, as TOML.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use toml::{Table, Value};

use crate::config::file;
use crate::config::{Problem, Problems, Secret, definition};

/// The longest definition, in bytes: several certificates' worth of secrets.
pub(crate) const BYTES_MAX: usize = 16 << 10;
/// Bytes of a verify token that is made here.
const TOKEN_BYTES: usize = 24;
/// What the secret is used for here; nothing else that is signed with it begins like this.
const TOKEN_PURPOSE: &[u8] = b"relevo.verify-token.1\0";
const VERIFY_TOKEN: &str = "verify_token";

/// A definition with its secrets.
#[derive(Clone)]
pub(crate) struct Definition {
    /// As it is kept: the typed form hides its secrets when it is written.
    table: Table,
    pub(crate) channel: file::Channel,
}

impl Definition {
    /// Reads a definition. Problems name keys of it, and hold no secret.
    pub(crate) fn parse(text: &str) -> Result<Self, Problems> {
        if text.len() > BYTES_MAX {
            let problem = Problem::new("", "config-too-large").with("value", text.len().to_string());
            return Err(Problems(vec![problem.with("most", BYTES_MAX.to_string())]));
        }
        let channel = definition(text)?;
        let unreadable =
            |_quotes_the_text| Problems(vec![Problem::new("", "config-unreadable").with("reason", "TOML")]);
        let table = text.parse::<Table>().map_err(unreadable)?;
        Ok(Self { table, channel })
    }

    /// Fills in what may be left out: the verify token of an app of its own, the one that it had before, else one that follows
    /// from the app's secret. So every node of an installation answers the provider with the same.
    pub(super) fn complete(&mut self, before: Option<&Self>) {
        if self.channel.app_secrets.is_none() || self.channel.verify_token.is_some() {
            return;
        }
        let Some(token) = before.and_then(Self::verify_token).or_else(|| self.derived_token()) else { return };
        self.table.insert(VERIFY_TOKEN.to_owned(), Value::String(token.clone()));
        self.channel.verify_token = Some(Secret::Literal(token));
    }

    /// Nobody can tell it, or the secret from it, who does not know the secret. None without a secret: that is said elsewhere.
    fn derived_token(&self) -> Option<String> {
        let secret = self.channel.app_secrets.as_ref()?.first()?.read().ok()?;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
        mac.update(TOKEN_PURPOSE);
        mac.update(self.channel.id.as_bytes());
        Some(hex::encode(&mac.finalize().into_bytes()[..TOKEN_BYTES]))
    }

    /// The verify token of an app of its own.
    pub(crate) fn verify_token(&self) -> Option<String> {
        self.table.get(VERIFY_TOKEN).and_then(Value::as_str).map(str::to_owned)
    }

    /// The text that is kept.
    pub(super) fn text(&self) -> String {
        self.table.to_string()
    }
}

impl PartialEq for Definition {
    fn eq(&self, other: &Self) -> bool {
        self.table == other.table
    }
}

// Secrets stay out of `Debug`.
impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt(f)
    }
}
