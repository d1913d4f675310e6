//! The files that read and write our own tokens, with what they ask of `relevo::auth`.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "only a part of each file is used here, and its own crate lints it"
)]

#[path = "../../crates/relevo/src/auth/crypto.rs"]
mod crypto;
#[path = "../../crates/relevo/src/auth/token.rs"]
mod token;

use relevo_domain::{Role, Timestamp};

/// What somebody wishes for.
mod grant {
    use relevo_domain::Role;

    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(super) struct Wish {
        pub(super) agent: String,
        pub(super) role: Option<Role>,
        pub(super) teams: Vec<String>,
        pub(super) channels: Vec<String>,
    }
}

/// The keys of a made-up installation.
pub(crate) struct Keys(token::TokenKeys);

impl Keys {
    pub(crate) fn new(keys: &[Vec<u8>]) -> Self {
        Self(token::TokenKeys::new(keys))
    }

    /// Whether one of the keys has signed the text.
    pub(crate) fn accept(&self, text: &str) -> bool {
        self.0.read(text).is_some()
    }

    /// A token with these words in it, whether it reads back whole, and its text.
    pub(crate) fn round(&self, words: &str, number: i64) -> (String, bool) {
        let seconds = number.rem_euclid(1 << 33);
        let names: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let token = token::Token {
            tenant: words.to_owned(),
            service: words.chars().rev().collect(),
            wish: grant::Wish {
                agent: names[0].clone(),
                role: Some(Role::Agent).filter(|_| number % 2 == 0),
                teams: names.clone(),
                channels: names,
            },
            session: Timestamp::from_millis(-seconds * 1000),
            valid_until: Timestamp::from_millis(seconds * 1000),
        };
        let text = self.0.sign(&token).unwrap_or_default();
        let whole = self.0.read(&text).as_ref() == Some(&token);
        (text, whole)
    }
}
