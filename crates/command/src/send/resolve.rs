//! Looks up what a wanted message names (files, templates, quoted messages, quick replies, recipients) and makes the message of it
//! that is queued.

use std::sync::Arc;

use relevo_domain::conversation::{
    Author, Body, MediaKind, Medium, Outgoing, OutgoingMail, OutgoingPersonal, Recipient, Rejection, StoredFile,
    TemplateUse, TemplateValue,
};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::quick_reply::{QuickReplyProblem, Variable};
use relevo_domain::{Actor, ChannelId, EntityId, MessageId, channel, template, workspace};

use super::mail::{self, Quoted};
use super::ports::{ChannelFacts, PolicyProblem, SendPorts};
use super::recipient;
use super::refused::SendRefused;
use super::wish::{FileRef, Wanted, WantedBody, WantedMail, WantedTemplate};
use crate::channel::channel_of;
use crate::contact;
use crate::conversation::workspace_of;
use crate::execute::{Asked, ExecuteError, Reading};
use crate::ids::IdKey;
use crate::ledger::{Ledger, LedgerError, aside};

/// Characters of a mail's subject: longer ones are cut by mail programs.
pub(super) const SUBJECT_CHARS_MAX: usize = 255;
/// Recipients of one mail. Everybody's copy is somebody's address shown to the others.
pub(super) const RECIPIENTS_MAX: usize = 100;

/// Attachments of one mail, and bytes of its text and of its HTML: what mail channels take, known here before a file is looked
/// up or HTML is cleaned.
const MAIL_FILES_MAX: usize = 50;
const MAIL_PART_BYTES_MAX: usize = 256 * 1_024;

/// The longest part of an address before its `@` (RFC 5321, 4.5.3.1.1).
const LOCAL_PART_BYTES_MAX: usize = 64;

/// Who wants what to be sent.
pub(super) struct Resolver<'a> {
    pub(super) ports: &'a SendPorts,
    pub(super) key: &'a IdKey,
    pub(super) asked: &'a Asked,
    pub(super) author_name: Option<&'a str>,
}

/// The conversation that it is sent in.
pub(super) struct Thread<'a> {
    pub(super) conversation: EntityId,
    pub(super) contact: EntityId,
    pub(super) channel: &'a ChannelId,
    pub(super) facts: ChannelFacts,
    /// Where messages of the conversation go: absent if nobody is known.
    pub(super) to: Option<Recipient>,
    /// What a mail answers unless it says so: absent in a conversation that it begins.
    pub(super) answers: Option<MessageId>,
    /// Whether the message begins the conversation with somebody who was named.
    pub(super) begins: bool,
}

impl Resolver<'_> {
    /// The message to queue. Refusals are about what it names; what the rules and the channel say to it comes after.
    pub(super) async fn outgoing(
        &self,
        reading: &mut Reading<'_>,
        thread: &Thread<'_>,
        wanted: &Wanted,
    ) -> Result<Outgoing, ExecuteError> {
        let id = self.key.outgoing(&thread.conversation, &self.asked.command_id);
        let quoted = self.quoted(reading, thread, wanted).await?;
        let (to, body) = if thread.facts.medium == Medium::Email {
            let mail = self.as_mail(reading, thread, wanted)?;
            self.mail(reading.ledger(), thread, id, &mail, wanted.sign, quoted.as_ref()).await?
        } else {
            let to = thread.to.clone().ok_or(SendRefused::Recipient)?;
            (to, self.body(reading, thread, wanted).await?)
        };
        let author = if matches!(self.asked.caller.actor(), Actor::Bot(_)) { Author::Bot } else { Author::Staff };
        let quotes = wanted.reply_to.is_some();
        Ok(Outgoing {
            id,
            author,
            automatic: author == Author::Bot,
            reply_to: wanted.reply_to,
            body,
            personal: OutgoingPersonal {
                to,
                author_name: self.author_name.map(str::to_owned),
                reply_to_provider_id: quoted.and_then(|quoted| quoted.provider_id).filter(|_| quotes),
            },
        })
    }

    /// What the message refers to: what it names, which must be there; for a mail else the last one.
    async fn quoted(
        &self,
        reading: &Reading<'_>,
        thread: &Thread<'_>,
        wanted: &Wanted,
    ) -> Result<Option<Quoted>, ExecuteError> {
        let (ledger, tenant) = (reading.ledger(), reading.tenant());
        if let Some(message) = wanted.reply_to {
            let quoted = mail::quoted(ledger, tenant, &thread.conversation, message).await?;
            return Ok(Some(quoted.ok_or(SendRefused::MessageNotFound)?));
        }
        match thread.answers.filter(|_| thread.facts.medium == Medium::Email) {
            Some(message) => Ok(mail::quoted(ledger, tenant, &thread.conversation, message).await?),
            None => Ok(None),
        }
    }

    async fn body(
        &self,
        reading: &mut Reading<'_>,
        thread: &Thread<'_>,
        wanted: &Wanted,
    ) -> Result<Body, ExecuteError> {
        Ok(match &wanted.body {
            WantedBody::Text { text, preview_url } => {
                Body::Text { text: self.signed(text, wanted.sign), preview_url: *preview_url }
            }
            WantedBody::QuickReply { name } => {
                let text = self.quick_reply(reading, thread, name)?;
                Body::Text { text: self.signed(&text, wanted.sign), preview_url: false }
            }
            WantedBody::Media { kind, file, caption } => {
                Body::Media { kind: *kind, file: self.file(file).await?, caption: caption.clone() }
            }
            WantedBody::Location(place) => Body::Location(place.clone()),
            WantedBody::Contacts(cards) => Body::Contacts(cards.clone()),
            WantedBody::Reaction { target, emoji } => {
                let (ledger, tenant) = (reading.ledger(), reading.tenant());
                let of = mail::quoted(ledger, tenant, &thread.conversation, *target).await?;
                // What no provider has yet has no name that a reaction could carry.
                let known = of.and_then(|of| of.provider_id).ok_or(SendRefused::MessageNotFound)?;
                Body::Reaction { target: *target, target_provider_id: known, emoji: emoji.clone() }
            }
            WantedBody::Buttons { frame, buttons } => Body::Buttons { frame: frame.clone(), buttons: buttons.clone() },
            WantedBody::List { frame, button, sections } => {
                Body::List { frame: frame.clone(), button: button.clone(), sections: sections.clone() }
            }
            WantedBody::Template(template) => {
                let channel = self.channel(reading, thread.channel)?;
                Body::Template(Box::new(self.template(&channel, template).await?))
            }
            WantedBody::Mail(_) => return Err(cannot("mail")),
        })
    }

    /// The channel as the log has it: its templates, and whether it is paused.
    pub(super) fn channel(
        &self,
        reading: &mut Reading<'_>,
        channel: &ChannelId,
    ) -> Result<channel::State, ExecuteError> {
        Ok(channel_of(&reading.entity(&self.key.channel(channel))?))
    }

    async fn template(&self, channel: &channel::State, wanted: &WantedTemplate) -> Result<TemplateUse, ExecuteError> {
        let language = self.ports.policy.language(&self.asked.caller.tenant);
        let templates = channel.templates.values();
        let found = template::find(templates, &wanted.name, wanted.language.as_deref(), &language);
        let found = found.ok_or_else(|| SendRefused::TemplateNotFound {
            name: wanted.name.clone(),
            language: wanted.language.clone(),
        })?;
        let preview = found.fill(&wanted.values, wanted.header_file.is_some()).map_err(|problem| {
            SendRefused::Template { name: found.name.clone(), language: found.language.clone(), problem }
        })?;
        let header_file = match &wanted.header_file {
            Some(file) => Some(self.file(file).await?),
            None => None,
        };
        let value = |(part, variable, value): &(template::Part, String, String)| TemplateValue {
            part: *part,
            variable: variable.clone(),
            value: value.clone(),
        };
        Ok(TemplateUse {
            name: found.name.clone(),
            language: found.language.clone(),
            provider_id: found.provider_id.clone(),
            values: wanted.values.iter().map(value).collect(),
            header_file,
            preview,
        })
    }

    async fn file(&self, wanted: &FileRef) -> Result<StoredFile, ExecuteError> {
        let known = self.ports.files.look(&self.asked.caller.tenant, &wanted.sha256).await?;
        let known = known.ok_or_else(|| SendRefused::AttachmentNotFound { sha256: wanted.sha256.clone() })?;
        let declared = wanted.mime_type.as_deref().map(str::to_lowercase);
        let mime_type = known.mime_type.or(declared).unwrap_or_else(|| UNKNOWN_TYPE.to_owned());
        Ok(StoredFile {
            sha256: wanted.sha256.clone(),
            mime_type,
            size_bytes: known.size_bytes,
            file_name: wanted.file_name.clone(),
        })
    }

    /// The text of a quick reply with its variables filled in.
    pub(super) fn quick_reply(
        &self,
        reading: &mut Reading<'_>,
        thread: &Thread<'_>,
        name: &str,
    ) -> Result<String, ExecuteError> {
        let workspace = workspace_of(&reading.entity(&EntityId::WORKSPACE)?);
        let contact = contact::name_of(&reading.entity(&thread.contact)?);
        Ok(self.filled(&workspace, contact, name)?)
    }

    pub(super) fn filled(
        &self,
        workspace: &workspace::State,
        contact: Option<String>,
        name: &str,
    ) -> Result<String, SendRefused> {
        let missing = || SendRefused::QuickReplyNotFound { name: name.to_owned() };
        let reply = workspace.quick_replies.get(name).ok_or_else(missing)?;
        let value = |variable| match variable {
            Variable::ContactName => contact.clone(),
            Variable::AgentName => self.author_name.map(str::to_owned),
            Variable::BusinessName => self.ports.policy.business_name(&self.asked.caller.tenant),
        };
        reply.fill(value).map_err(|problem| match problem {
            QuickReplyProblem::NoValue { variable } => SendRefused::QuickReplyValue { variable },
            QuickReplyProblem::Empty
            | QuickReplyProblem::TooLong { .. }
            | QuickReplyProblem::UnknownVariable { .. } => missing(),
        })
    }

    fn signature(&self, sign: bool) -> Option<String> {
        let Actor::Staff(agent) = self.asked.caller.actor() else { return None };
        let signature = self.ports.policy.signature(&self.asked.caller.tenant, &agent).filter(|_| sign)?;
        (!signature.trim().is_empty()).then(|| signature.trim().to_owned())
    }

    fn signed(&self, text: &str, sign: bool) -> String {
        match self.signature(sign) {
            Some(signature) => format!("{text}\n\n{signature}"),
            None => text.to_owned(),
        }
    }

    /// On a mail channel a text, a quick reply or a file is a mail. The rest it cannot say.
    fn as_mail(
        &self,
        reading: &mut Reading<'_>,
        thread: &Thread<'_>,
        wanted: &Wanted,
    ) -> Result<WantedMail, ExecuteError> {
        Ok(match &wanted.body {
            WantedBody::Mail(mail) => mail.clone(),
            WantedBody::Text { text, .. } => WantedMail { text: text.clone(), ..WantedMail::default() },
            WantedBody::QuickReply { name } => {
                WantedMail { text: self.quick_reply(reading, thread, name)?, ..WantedMail::default() }
            }
            WantedBody::Media { kind: MediaKind::Sticker, .. } => return Err(cannot("sticker")),
            WantedBody::Media { file, caption, .. } => WantedMail {
                text: caption.clone().unwrap_or_default(),
                files: vec![file.clone()],
                ..WantedMail::default()
            },
            WantedBody::Location(_) => return Err(cannot("location")),
            WantedBody::Contacts(_) => return Err(cannot("contacts")),
            WantedBody::Reaction { .. } => return Err(cannot("reaction")),
            WantedBody::Buttons { .. } => return Err(cannot("buttons")),
            WantedBody::List { .. } => return Err(cannot("list")),
            WantedBody::Template(_) => return Err(cannot("template")),
        })
    }

    async fn mail(
        &self,
        ledger: &Ledger,
        thread: &Thread<'_>,
        id: MessageId,
        wanted: &WantedMail,
        sign: bool,
        quoted: Option<&Quoted>,
    ) -> Result<(Recipient, Body), ExecuteError> {
        bounded(wanted)?;
        let answered = quoted.and_then(|quoted| quoted.mail.as_ref());
        let to = mail_to(thread, wanted, quoted)?;
        let subject = match (&wanted.subject, answered) {
            (Some(subject), _) => subject_line(subject)?,
            (None, Some(answered)) => answered.answer_subject(),
            (None, None) => return Err(field("mail.subject", "field-required", 1).into()),
        };
        if wanted.text.trim().is_empty() && wanted.html.is_none() && wanted.files.is_empty() {
            return Err(field("mail.text", "field-required", 1).into());
        }
        let cc = mail::copies(&wanted.cc, &to.value).ok_or_else(|| field("mail.cc", "field-address", 1))?;
        let named = cc.iter().chain(wanted.to.is_some().then_some(&to.value));
        self.may_name(ledger, thread, named).await?;
        let mut files = Vec::with_capacity(wanted.files.len());
        for file in &wanted.files {
            files.push(self.file(file).await?);
        }
        let domain = thread.facts.address.as_deref().and_then(|address| address.rsplit_once('@'));
        let domain = domain.map_or(NO_DOMAIN, |(_, domain)| domain);
        let signature = self.signature(sign);
        let html_sha256 = wanted.html.as_deref().map(mail::html_sha256);
        let html = match &wanted.html {
            Some(html) => Some(self.sanitised(html.clone()).await?),
            None => None,
        };
        let html = html.map(|html| match &signature {
            Some(signature) => signed_html(&html, signature),
            None => html,
        });
        let text = match &signature {
            // RFC 3676: what stands below is a signature.
            Some(signature) => format!("{}\n\n-- \n{signature}", wanted.text),
            None => wanted.text.clone(),
        };
        let mail = OutgoingMail {
            subject,
            text,
            html,
            html_sha256,
            cc,
            message_id: self.key.mail_id(&thread.conversation, id, domain),
            in_reply_to: answered.and_then(|mail| mail.message_id.clone()),
            references: answered.map(mail::QuotedMail::thread).unwrap_or_default(),
            reply_to: self.reply_to(thread),
            files,
        };
        Ok((to, Body::Mail(Box::new(mail))))
    }

    /// HTML of hundreds of kilobytes takes its time: nobody else waits for it.
    async fn sanitised(&self, html: String) -> Result<String, LedgerError> {
        let policy = Arc::clone(&self.ports.policy);
        aside(move || Ok(policy.sanitise(&html))).await
    }

    /// A machine writes to whom the conversation is with and to those who have shown to belong to it: what a customer talks it
    /// into must not carry the thread to somebody else. People may write to anybody.
    async fn may_name(
        &self,
        ledger: &Ledger,
        thread: &Thread<'_>,
        named: impl Iterator<Item = &String> + Send,
    ) -> Result<(), ExecuteError> {
        if !matches!(self.asked.caller.actor(), Actor::Bot(_)) {
            return Ok(());
        }
        let with = thread.to.as_ref().map(|to| to.value.to_lowercase());
        let (tenant, conversation) = (&self.asked.caller.tenant, &thread.conversation);
        let mut caught_up = false;
        for address in named.filter(|address| with.as_ref() != Some(*address)) {
            let known = || ledger.read(|rows| rows.participates(tenant, conversation, address));
            if !known()? && !caught_up {
                // They may have written a moment ago.
                ledger.catch_up().await?;
                caught_up = true;
            }
            if !known()? {
                return Err(Rejection::Forbidden { role: self.asked.caller.role }.into());
            }
        }
        Ok(())
    }

    /// Where answers go, if the channel's address can name the conversation.
    fn reply_to(&self, thread: &Thread<'_>) -> Option<String> {
        let address = thread.facts.address.as_deref().filter(|_| thread.facts.plus_addressing)?;
        let (local, domain) = address.rsplit_once('@')?;
        let local = format!("{local}+{}", self.key.conversation_token(&thread.conversation));
        (local.len() <= LOCAL_PART_BYTES_MAX).then(|| format!("{local}@{domain}"))
    }
}

/// What is known to be too much before anything is looked up or worked on.
fn bounded(wanted: &WantedMail) -> Result<(), SendRefused> {
    if wanted.files.len() > MAIL_FILES_MAX {
        return Err(field("mail.files", "field-too-many", MAIL_FILES_MAX));
    }
    if wanted.cc.len() >= RECIPIENTS_MAX {
        return Err(field("mail.cc", "field-too-many", RECIPIENTS_MAX - 1));
    }
    let parts = [("mail.text", wanted.text.len()), ("mail.html", wanted.html.as_ref().map_or(0, String::len))];
    match parts.into_iter().find(|(_, bytes)| *bytes > MAIL_PART_BYTES_MAX) {
        Some((part, _)) => Err(field(part, "field-channel-limit", MAIL_PART_BYTES_MAX)),
        None => Ok(()),
    }
}

/// Who is named; else who wrote the mail that is answered, if they belong to the thread; else whom the conversation is with.
fn mail_to(thread: &Thread<'_>, wanted: &WantedMail, quoted: Option<&Quoted>) -> Result<Recipient, SendRefused> {
    if let Some(to) = &wanted.to {
        if thread.begins {
            return Err(field("mail.to", "field-recipient", 1));
        }
        let value = recipient::address(to).ok_or(SendRefused::Recipient)?;
        return Ok(Recipient { kind: IdentifierKind::Email, value });
    }
    let sender = quoted.and_then(|quoted| quoted.sender.clone());
    let sender = sender.map(|value| Recipient { kind: IdentifierKind::Email, value });
    sender.or_else(|| thread.to.clone()).ok_or(SendRefused::Recipient)
}

/// What is known of a file whose content and sender say nothing.
const UNKNOWN_TYPE: &str = "application/octet-stream";
/// The domain of Message-IDs where the channel has no address (RFC 2606).
const NO_DOMAIN: &str = "relevo.invalid";

fn subject_line(subject: &str) -> Result<String, SendRefused> {
    let subject = subject.trim();
    let fits = !subject.is_empty() && subject.chars().count() <= SUBJECT_CHARS_MAX;
    if fits && !subject.chars().any(char::is_control) {
        Ok(subject.to_owned())
    } else {
        Err(field("mail.subject", "field-line", SUBJECT_CHARS_MAX))
    }
}

fn signed_html(html: &str, signature: &str) -> String {
    let mut escaped = String::with_capacity(signature.len());
    for c in signature.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\n' => escaped.push_str("<br>"),
            other => escaped.push(other),
        }
    }
    format!("{html}<br><br>-- <br>{escaped}")
}

pub(super) const fn field(field: &'static str, key: &'static str, limit: usize) -> SendRefused {
    SendRefused::Field { field, key, limit }
}

fn cannot(what: &str) -> ExecuteError {
    SendRefused::Policy(PolicyProblem::CannotSend { what: what.to_owned() }).into()
}
