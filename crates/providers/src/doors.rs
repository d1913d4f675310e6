//! All doors behind one: which one a message goes through follows from its account.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use relevo_channels::outgoing::email;
use relevo_domain::conversation::{Body, FailureClass, Outgoing, SendFailure, StoredFile};
use relevo_domain::template::Template;
use relevo_domain::{Clock, TenantId};

use crate::account::{Account, AccountKind, Credential, MailAccount, MetaAccount, TwilioAccount};
use crate::check::{CheckLine, CheckPart};
use crate::deadline::Deadline;
use crate::door::{Door, FileLinks, Files, Job, Outcome, Prepared};
use crate::http::CALL_MAX;
use crate::media::{self, FetchFailure, FetchedMedium, MediumRef};
use crate::meta::{self, Uploads};
use crate::refusal::{Refusal, failure, file_gone, misconfigured, no_files, unrenderable};
use crate::smtp::{Mails, SUBMIT_MAX, Submission};
use crate::tokens::Tokens;
use crate::{smtp_session, templates, twilio};

/// The doors to Meta, Twilio and mail servers. Cheap to clone.
#[derive(Clone)]
pub struct Doors(Arc<Inner>);

struct Inner {
    files: Arc<dyn Files>,
    links: Arc<dyn FileLinks>,
    tokens: Tokens,
    clock: Clock,
    uploads: Uploads,
    mails: Mails,
}

// === impl Doors ===

impl Doors {
    pub fn new(files: Arc<dyn Files>, links: Arc<dyn FileLinks>, tokens: Tokens, clock: Clock) -> Self {
        let mails = Mails::new(tokens.clone());
        Self(Arc::new(Inner { files, links, tokens, clock, uploads: Uploads::default(), mails }))
    }

    /// A medium that a customer sent, at most `limit_bytes` of it.
    pub async fn fetch_medium(
        &self,
        account: &Account,
        medium: &MediumRef,
        limit_bytes: usize,
    ) -> Result<FetchedMedium, FetchFailure> {
        let http = self.0.tokens.http();
        match &account.kind {
            AccountKind::Meta(meta) => media::from_meta(http, meta, medium, limit_bytes).await,
            AccountKind::Twilio(twilio) => media::from_twilio(http, twilio, medium, limit_bytes).await,
            AccountKind::Mail(_) => Err(FetchFailure::Refused("a mailbox has no media to fetch")),
        }
    }

    /// All templates that the provider has for this account. A mailbox has none.
    pub async fn templates(&self, account: &Account) -> Result<Vec<Template>, SendFailure> {
        let http = self.0.tokens.http();
        match &account.kind {
            AccountKind::Meta(meta) => templates::of_meta(http, meta).await,
            AccountKind::Twilio(twilio) => templates::of_twilio(http, twilio).await,
            AccountKind::Mail(_) => Ok(Vec::new()),
        }
    }

    /// Tells the customer that the message, and those before it, were read; with `typing`, that somebody writes. Meta alone
    /// can; elsewhere nothing happens.
    pub async fn mark_read(&self, account: &Account, provider_id: &str, typing: bool) -> Result<(), SendFailure> {
        match &account.kind {
            AccountKind::Meta(meta) => {
                meta::mark_read(self.0.tokens.http(), meta, provider_id, typing).await.map_err(|(refused, _)| refused)
            }
            AccountKind::Twilio(_) | AccountKind::Mail(_) => Ok(()),
        }
    }

    /// Tries every credential of the account without sending anything. Reading mail is tried by the mailbox crate.
    pub async fn check(&self, account: &Account) -> Vec<CheckLine> {
        let http = self.0.tokens.http();
        match &account.kind {
            AccountKind::Meta(meta) => meta::check(http, meta).await,
            AccountKind::Twilio(twilio) => twilio::check(http, twilio).await,
            AccountKind::Mail(mail) => self.check_mail(mail).await,
        }
    }

    async fn check_mail(&self, mail: &MailAccount) -> Vec<CheckLine> {
        let mut lines = Vec::new();
        if let Credential::OAuth(grant) = &mail.credential.credential {
            let token = self.0.tokens.access_token(grant).await;
            let good = token.is_ok();
            lines.push(CheckLine::of(CheckPart::Token, token.map_err(|refused| (refused, None))));
            if !good {
                return lines;
            }
        }
        if mail.smtp.is_some() {
            let opening = tokio::time::timeout(SUBMIT_MAX, smtp_session::open(mail, &self.0.tokens)).await;
            lines.push(match opening {
                Ok(Ok(connection)) => {
                    smtp_session::quit(connection).await;
                    CheckLine::good(CheckPart::Sending)
                }
                Ok(Err((refused, _))) => CheckLine::failed(CheckPart::Sending, refused),
                Err(_) => {
                    let slow = failure(FailureClass::Transient, "timeout", "the mail server did not answer in time");
                    CheckLine::failed(CheckPart::Sending, slow)
                }
            });
        }
        lines
    }

    async fn for_meta(&self, account: &Account, meta: &MetaAccount, outgoing: &Outgoing) -> Result<Prepared, Refusal> {
        let uploaded = match outgoing.body.files().first() {
            Some(file) => Some(self.upload(account, meta, file).await?),
            None => None,
        };
        meta::render(outgoing, uploaded.as_deref())
    }

    async fn upload(&self, account: &Account, meta: &MetaAccount, file: &StoredFile) -> Result<String, Refusal> {
        let now = (self.0.clock)();
        if let Some(id) = meta::uploaded(&self.0.uploads, meta, file, now) {
            return Ok(id);
        }
        let bytes = self.read(&account.tenant, file).await?;
        meta::upload(self.0.tokens.http(), meta, &self.0.uploads, file, bytes, now).await
    }

    fn for_twilio(&self, account: &Account, twilio: &TwilioAccount, outgoing: &Outgoing) -> Result<Prepared, Refusal> {
        let link = |file| self.0.links.link(&account.tenant, file, twilio::LINK_LIFE);
        let media_url = outgoing.body.files().first().map(link);
        twilio::render(twilio, outgoing, media_url.as_deref())
    }

    async fn for_mail(&self, job: Job<'_>, mail: &MailAccount) -> Result<Prepared, Refusal> {
        let Job { account, outgoing, queued_at } = job;
        let refused = |problem| (unrenderable(&problem), None);
        let to = email::recipients(outgoing).map_err(refused)?;
        let (mut files, mut reply_to) = (Vec::new(), None);
        if let Body::Mail(content) = &outgoing.body {
            reply_to = content.reply_to.as_deref();
            for file in &content.files {
                files.push((file.clone(), self.read(&account.tenant, file).await?));
            }
        }
        let sender = email::Sender { address: &mail.address, name: mail.display_name.as_deref(), reply_to };
        let bytes = email::compose(outgoing, &sender, &files, queued_at).map_err(refused)?;
        self.0.mails.warm(account, mail).await?;
        Ok(Prepared::Mail { from: mail.address.clone(), to, bytes: Bytes::from(bytes) })
    }

    async fn read(&self, tenant: &TenantId, file: &StoredFile) -> Result<Bytes, Refusal> {
        match self.0.files.read(tenant, &file.sha256).await {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err((file_gone(), None)),
            Err(error) => Err((no_files(&error), None)),
        }
    }
}

// === impl Door for Doors ===

#[async_trait]
impl Door for Doors {
    async fn prepare(&self, job: Job<'_>) -> Result<Prepared, Refusal> {
        match &job.account.kind {
            AccountKind::Meta(meta) => self.for_meta(job.account, meta, job.outgoing).await,
            AccountKind::Twilio(twilio) => self.for_twilio(job.account, twilio, job.outgoing),
            AccountKind::Mail(mail) => self.for_mail(job, mail).await,
        }
    }

    async fn hand_over(&self, account: &Account, prepared: Prepared, by: Deadline) -> Outcome {
        let http = self.0.tokens.http();
        match (&account.kind, prepared) {
            (AccountKind::Meta(meta), Prepared::Meta(body)) => meta::hand_over(http, meta, body, by).await,
            (AccountKind::Twilio(twilio), Prepared::Twilio(form)) => twilio::hand_over(http, twilio, &form, by).await,
            (AccountKind::Mail(mail), Prepared::Mail { from, to, bytes }) => {
                let submission = Submission { from: &from, to: &to, bytes: &bytes };
                self.0.mails.submit(account, mail, submission, by).await
            }
            // The channel became another kind of channel between the two steps.
            (AccountKind::Meta(_) | AccountKind::Twilio(_) | AccountKind::Mail(_), _) => {
                Outcome::Failed { failure: misconfigured("the channel has changed its kind"), retry_after: None }
            }
        }
    }

    fn call_limit(&self) -> Duration {
        CALL_MAX.max(SUBMIT_MAX)
    }
}
