//! The arguments that say what to send, and the message that they make.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use relevo_proto::command::v1::outgoing_message::Body;
use relevo_proto::command::v1::{
    FileRef, MediaKind, OutgoingButtons, OutgoingChoice, OutgoingContact, OutgoingContacts, OutgoingFrame,
    OutgoingList, OutgoingLocation, OutgoingMail, OutgoingMedia, OutgoingMessage, OutgoingReaction, OutgoingSection,
    OutgoingTemplate, OutgoingTemplateValue, OutgoingText, TemplatePart,
};

use super::super::Failure;
use super::super::client::Client;
use super::upload::{Http, Stored};

/// What to send.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true)
    .args(["text", "file", "html_file", "template", "location", "contact", "react", "quick_reply"])))]
pub(crate) struct What {
    /// The text; with --file its caption, in a mail its text. `-` reads it from standard input.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// A file. In a mail it may be given several times.
    #[arg(long, value_name = "PATH")]
    file: Vec<PathBuf>,
    /// What the file is shown as. Default: by its content.
    #[arg(long = "as", value_enum, value_name = "KIND", requires = "file")]
    kind: Option<Kind>,
    /// A template, NAME or NAME:LANGUAGE. Default language: the tenant's.
    #[arg(long, value_name = "NAME[:LANGUAGE]", conflicts_with_all = ["text", "file"])]
    template: Option<String>,
    /// What stands for a variable of the template: 1=Ana, header.1=Ana, button0.1=x. May be given several times.
    #[arg(long = "value", value_name = "VARIABLE=TEXT", requires = "template")]
    values: Vec<String>,
    /// For a template whose header is a medium.
    #[arg(long, value_name = "PATH", requires = "template")]
    header_file: Option<PathBuf>,
    /// A place, in degrees: -34.6037,-58.3816.
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true, conflicts_with_all = ["text", "file", "template"])]
    location: Option<String>,
    /// Name of the place. Default: none.
    #[arg(long, value_name = "TEXT", requires = "location", default_value = "", hide_default_value = true)]
    place: String,
    /// Address of the place. Default: none.
    #[arg(long, value_name = "TEXT", requires = "location", default_value = "", hide_default_value = true)]
    place_address: String,
    /// A person's card: the name, then phone numbers and mail addresses. May be given several times.
    #[arg(long, value_name = "NAME,NUMBER,…", conflicts_with_all = ["text", "file", "template", "location"])]
    contact: Vec<String>,
    /// A reaction: one emoji, or nothing ("") to take it back.
    #[arg(long, value_name = "EMOJI", requires = "to", conflicts_with_all = ["text", "file", "template", "location", "contact"])]
    react: Option<String>,
    /// The message to react to, `msg_…`.
    #[arg(long, value_name = "MESSAGE", requires = "react")]
    to: Option<String>,
    /// A button below the text; up to three. Its id comes back with the answer.
    #[arg(long = "button", value_name = "ID=TITLE", requires = "text", conflicts_with_all = ["file", "list"])]
    buttons: Vec<String>,
    /// What the button says that opens a list, with its rows.
    #[arg(long, value_name = "TITLE", requires_all = ["text", "rows"], conflicts_with = "file")]
    list: Option<String>,
    /// A row of the list, up to ten: ID=TITLE or ID=TITLE=DESCRIPTION.
    #[arg(long = "row", value_name = "ID=TITLE[=DESCRIPTION]", requires = "list")]
    rows: Vec<String>,
    /// Above the text of buttons or a list. Default: none.
    #[arg(long, value_name = "TEXT", requires = "text", default_value = "", hide_default_value = true)]
    header: String,
    /// Below the text of buttons or a list, small. Default: none.
    #[arg(long, value_name = "TEXT", requires = "text", default_value = "", hide_default_value = true)]
    footer: String,
    /// A quick reply of the workspace, by its name.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["text", "file", "template", "location", "contact", "react"])]
    quick_reply: Option<String>,
    /// The message to quote, `msg_…`; in a mail the one that is answered. Default: none; in a mail the customer's last.
    #[arg(long, value_name = "MESSAGE", default_value = "", hide_default_value = true)]
    reply_to: String,
    /// Shows the first link of the text.
    #[arg(long, requires = "text")]
    preview: bool,
    /// Puts the agent's signature below.
    #[arg(long)]
    sign: bool,
    /// Makes it a mail with this subject. Default: that of the mail that is answered.
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// Makes it a mail, and gives somebody a copy. May be given several times.
    #[arg(long, value_name = "ADDRESS")]
    cc: Vec<String>,
    /// Makes it a mail to this address. Default: who wrote last.
    #[arg(long, value_name = "ADDRESS")]
    mail_to: Option<String>,
    /// Makes it a mail with this HTML.
    #[arg(long, value_name = "PATH")]
    html_file: Option<PathBuf>,
    #[command(flatten)]
    http: Http,
}

/// What a file is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A picture.
    Image,
    /// A recording.
    Audio,
    /// A film.
    Video,
    /// A file.
    Document,
    /// A sticker.
    Sticker,
}

impl From<Kind> for MediaKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Image => Self::Image,
            Kind::Audio => Self::Audio,
            Kind::Video => Self::Video,
            Kind::Document => Self::Document,
            Kind::Sticker => Self::Sticker,
        }
    }
}

impl What {
    /// The message. Files are stored on the way.
    pub(super) async fn message(&self, client: &Client, starts: bool) -> Result<OutgoingMessage, Failure> {
        // What is required of a flag is not looked at when it conflicts with another one that is there.
        if let Some(value) = self.values.first().filter(|_| self.template.is_none()) {
            return Err(Failure::bad_value("--value", value, "--template"));
        }
        if starts && self.mail_to.is_some() {
            return Err(Failure::bad_value("--mail-to", "", "RECIPIENT"));
        }
        let body = if self.is_mail() { self.mail(client).await? } else { self.body(client).await? };
        Ok(OutgoingMessage { reply_to: self.reply_to.clone(), sign: self.sign, body: Some(body) })
    }

    /// Whether something was asked for that only a mail has.
    fn is_mail(&self) -> bool {
        let own = self.subject.is_some() || !self.cc.is_empty() || self.mail_to.is_some() || self.html_file.is_some();
        own || self.file.len() > 1
    }

    async fn body(&self, client: &Client) -> Result<Body, Failure> {
        if let Some(path) = self.file.first() {
            let stored = self.http.store(client, path).await?;
            let kind = self.kind.map_or_else(|| guessed(&stored), MediaKind::from);
            let caption = self.text()?.unwrap_or_default();
            return Ok(Body::Media(OutgoingMedia { kind: kind.into(), file: Some(stored.named(path)), caption }));
        }
        if let Some(template) = &self.template {
            return Ok(Body::Template(self.template(client, template).await?));
        }
        if let Some(place) = &self.location {
            return self.place(place).map(Body::Location);
        }
        if let (Some(emoji), Some(message_id)) = (&self.react, &self.to) {
            return Ok(Body::Reaction(OutgoingReaction { message_id: message_id.clone(), emoji: emoji.clone() }));
        }
        if let Some(name) = &self.quick_reply {
            return Ok(Body::QuickReply(name.clone()));
        }
        if !self.contact.is_empty() {
            return Ok(Body::Contacts(OutgoingContacts {
                contacts: self.contact.iter().map(|one| card(one)).collect(),
            }));
        }
        let text = self.text()?.unwrap_or_default();
        if self.buttons.is_empty() && self.list.is_none() {
            return Ok(Body::Text(OutgoingText { text, preview_url: self.preview }));
        }
        let frame = Some(OutgoingFrame { header: self.header.clone(), text, footer: self.footer.clone() });
        match &self.list {
            None => Ok(Body::Buttons(OutgoingButtons { frame, buttons: choices("--button", &self.buttons)? })),
            Some(button) => {
                let section = OutgoingSection { title: String::new(), rows: choices("--row", &self.rows)? };
                Ok(Body::List(OutgoingList { frame, button: button.clone(), sections: vec![section] }))
            }
        }
    }

    async fn mail(&self, client: &Client) -> Result<Body, Failure> {
        let foreign = [
            ("--template", self.template.is_some()),
            ("--location", self.location.is_some()),
            ("--contact", !self.contact.is_empty()),
            ("--react", self.react.is_some()),
            ("--quick-reply", self.quick_reply.is_some()),
            ("--button", !self.buttons.is_empty()),
            ("--list", self.list.is_some()),
        ];
        if let Some((flag, _)) = foreign.into_iter().find(|(_, given)| *given) {
            return Err(Failure::bad_value(flag, "", "--text, --html-file, --file"));
        }
        let mut files: Vec<FileRef> = Vec::with_capacity(self.file.len());
        for path in &self.file {
            files.push(self.http.store(client, path).await?.named(path));
        }
        let html = self.html_file.as_ref().map(|path| {
            let shown = path.display().to_string();
            std::fs::read_to_string(path).map_err(|error| Failure::bad_value("--html-file", &shown, error.to_string()))
        });
        Ok(Body::Mail(OutgoingMail {
            to: self.mail_to.clone().unwrap_or_default(),
            subject: self.subject.clone().unwrap_or_default(),
            text: self.text()?.unwrap_or_default(),
            html: html.transpose()?.unwrap_or_default(),
            cc: self.cc.clone(),
            files,
        }))
    }

    fn text(&self) -> Result<Option<String>, Failure> {
        match self.text.as_deref() {
            Some("-") => {
                let read = std::io::read_to_string(std::io::stdin());
                let text = read.map_err(|error| Failure::bad_value("--text", "-", error.to_string()))?;
                // The end of the last line is the pipe's, not the author's.
                Ok(Some(text.trim_end_matches('\n').to_owned()))
            }
            given => Ok(given.map(str::to_owned)),
        }
    }

    async fn template(&self, client: &Client, named: &str) -> Result<OutgoingTemplate, Failure> {
        let (name, language) = named.split_once(':').unwrap_or((named, ""));
        let header_file = match &self.header_file {
            Some(path) => Some(self.http.store(client, path).await?.named(path)),
            None => None,
        };
        Ok(OutgoingTemplate {
            name: name.to_owned(),
            language: language.to_owned(),
            values: self.values.iter().map(|text| value(text)).collect::<Result<_, _>>()?,
            header_file,
        })
    }

    fn place(&self, text: &str) -> Result<OutgoingLocation, Failure> {
        let parts = text
            .split_once(',')
            .and_then(|(latitude, longitude)| Some((latitude.trim().parse().ok()?, longitude.trim().parse().ok()?)));
        let (latitude, longitude) = parts.ok_or_else(|| Failure::bad_value("--location", text, "-34.6037,-58.3816"))?;
        let (name, address) = (self.place.clone(), self.place_address.clone());
        Ok(OutgoingLocation { latitude, longitude, name, address })
    }
}

/// By what the broker found out from the content.
fn guessed(stored: &Stored) -> MediaKind {
    match stored.mime_type.split_once('/') {
        Some(("image", "jpeg" | "png")) => MediaKind::Image,
        Some(("image", "webp")) => MediaKind::Sticker,
        Some(("audio", _)) => MediaKind::Audio,
        Some(("video", _)) => MediaKind::Video,
        Some(_) | None => MediaKind::Document,
    }
}

/// `1=Ana`, `header.1=Ana`, `button0.1=x`.
pub(in crate::cli) fn value(text: &str) -> Result<OutgoingTemplateValue, Failure> {
    let bad = || Failure::bad_value("--value", text, "1=…, header.1=…, button0.1=…");
    let (place, value) = text.split_once('=').ok_or_else(bad)?;
    let (part, variable) = place.split_once('.').unwrap_or(("body", place));
    let (part, button) = match part.strip_prefix("button") {
        Some(number) => (TemplatePart::Button, number.parse().map_err(|_not_a_number| bad())?),
        None if part == "header" => (TemplatePart::Header, 0),
        None if part == "body" => (TemplatePart::Body, 0),
        None => return Err(bad()),
    };
    if variable.is_empty() {
        return Err(bad());
    }
    Ok(OutgoingTemplateValue { variable: variable.to_owned(), value: value.to_owned(), part: part.into(), button })
}

/// `id=title` or `id=title=description`.
fn choices(flag: &'static str, texts: &[String]) -> Result<Vec<OutgoingChoice>, Failure> {
    let one = |text: &String| {
        let mut parts = text.splitn(3, '=').map(str::to_owned);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(id), Some(title), description) if !id.is_empty() && !title.is_empty() => {
                Ok(OutgoingChoice { id, title, description: description.unwrap_or_default() })
            }
            _ => Err(Failure::bad_value(flag, text, "ID=TITLE")),
        }
    };
    texts.iter().map(one).collect()
}

/// A name, then numbers and addresses in any order.
fn card(text: &str) -> OutgoingContact {
    let mut parts = text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned);
    let name = parts.next().unwrap_or_default();
    let (emails, phones) = parts.partition(|part| part.contains('@'));
    OutgoingContact { name, phones, emails, organisation: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_says_where_it_stands() {
        let parsed =
            |text: &str| value(text).map(|value| (value.part(), value.button, value.variable, value.value)).ok();
        assert_eq!(parsed("1=Ana"), Some((TemplatePart::Body, 0, "1".to_owned(), "Ana".to_owned())));
        assert_eq!(parsed("header.name=a=b"), Some((TemplatePart::Header, 0, "name".to_owned(), "a=b".to_owned())));
        assert_eq!(parsed("button2.1=x"), Some((TemplatePart::Button, 2, "1".to_owned(), "x".to_owned())));
        for bad in ["Ana", "=Ana", "foot.1=x", "button.1=x", "header.=x"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_card_has_a_name_numbers_and_addresses() {
        let card = card("Ana López, +54 11 5555, ana@acme.example,");
        assert_eq!(card.name, "Ana López");
        assert_eq!((card.phones, card.emails), (vec!["+54 11 5555".to_owned()], vec!["ana@acme.example".to_owned()]));
    }

    #[test]
    fn choices_have_an_id_and_a_title() {
        let rows = choices("--row", &["a=Uno=El primero".to_owned(), "b=Dos".to_owned()]).unwrap();
        assert_eq!((rows[0].description.as_str(), rows[1].title.as_str()), ("El primero", "Dos"));
        assert!(choices("--row", &["a".to_owned()]).is_err() && choices("--row", &["=x".to_owned()]).is_err());
    }
}
