//! Providers: how a message is handed to Meta, Twilio or a mail server, and what else they are asked for (media, templates,
//! tokens). No decisions of the domain: what is sent was decided, what came of it is told.

pub mod account;
pub mod door;
pub mod health;
pub mod oauth;

mod check;
mod connect;
mod counted;
mod deadline;
mod doors;
mod hook;
mod http;
mod kept;
mod media;
mod meta;
mod refusal;
mod smtp;
mod smtp_session;
mod templates;
mod tokens;
mod twilio;

pub use account::{
    Account, AccountKey, AccountKind, Accounts, Credential, ImapServer, MailAccount, MailCredential, MetaAccount,
    OAuthGrant, Secret, Security, SmtpServer, TwilioAccount,
};
pub use check::{CheckLine, CheckPart};
pub use connect::is_public;
pub use deadline::Deadline;
pub use door::{Door, FileLinks, Files, FilesError, Job, Outcome, Prepared};
pub use doors::Doors;
pub use health::{Health, HealthBoard, Part};
pub use hook::{HookAddress, HookAddressError, HookAnswer, HookError, Hooks};
pub use kept::KeptGrants;
pub use media::{FetchFailure, FetchedMedium, MediumRef};
pub use meta::UPLOAD_MAX;
pub use tokens::{Tokens, xoauth2};
