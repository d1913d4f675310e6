//! `relevo key`: makes API keys. The key is printed once and kept nowhere; the configuration holds its hash.

use std::process::ExitCode;

use clap::Subcommand;
use relevo_catalogue::text;
use relevo_domain::Role;
use sha2::{Digest, Sha256};

use crate::cli::Global;
use crate::config::check::HASH_PREFIX;
use crate::out;

/// Bytes of a key: more than anybody can guess.
const KEY_BYTES: usize = 32;
/// What a key begins with, so that a leaked one is recognised by scanners.
const KEY_PREFIX: &str = "rlv_";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints a new key, its hash, and the lines for the configuration file.
    New {
        /// Tenant that the key belongs to.
        #[arg(long, default_value = "TENANT")]
        tenant: String,
        /// Agent or bot that the key belongs to.
        #[arg(long, default_value = "NAME")]
        name: String,
        /// agent, supervisor, admin, bot, analyst, ops or service (which signs agents in and does nothing else).
        #[arg(long, default_value = "agent")]
        role: String,
    },
}

pub(crate) fn run(command: Command, global: &Global) -> ExitCode {
    let Command::New { tenant, name, role } = command;
    let mut bytes = [0u8; KEY_BYTES];
    rand::fill(&mut bytes);
    let key = format!("{KEY_PREFIX}{}", hex::encode(bytes));
    let hash = format!("{HASH_PREFIX}{}", hex::encode(hash(&key)));
    if global.json {
        out::line(&serde_json::json!({ "key": key, "key_hash": hash }).to_string());
        return ExitCode::SUCCESS;
    }
    let language = global.language();
    out::line(&format!("{}\n\n  {key}\n", text(language, "key-new-key", &[])));
    out::line(&format!("{}\n", text(language, "key-new-config", &[])));
    let mints = if role == Role::Service.as_str() { "roles = [\"agent\"]\n" } else { "" };
    out::line(&format!(
        "[[api_keys]]\ntenant = {tenant:?}\nname = {name:?}\nrole = {role:?}\n{mints}key_hash = \"{hash}\""
    ));
    ExitCode::SUCCESS
}

/// The hash of a key. A key is random and long, so a plain hash cannot be reversed and costs nothing per request.
pub(crate) fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}
