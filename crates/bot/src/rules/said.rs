//! What a step says, as a message for the broker, and as it is found again in the history.

use std::fmt::Write as _;

use relevo_proto::command::v1::outgoing_message::Body;
use relevo_proto::command::v1::{
    OutgoingButtons, OutgoingChoice, OutgoingFrame, OutgoingList, OutgoingMessage, OutgoingSection, OutgoingText,
};

use super::{Choice, Menu, MenuForm, Say};

/// To whom and where something is said.
#[derive(Clone, Copy, Debug)]
pub(super) struct To<'t> {
    /// What the contact is called; empty if nobody knows.
    pub(super) name: &'t str,
    pub(super) form: MenuForm,
}

impl Say {
    pub(super) fn message(&self, to: To<'_>) -> OutgoingMessage {
        let body = match self {
            Self::Text(text) => plain(text.said_to(to.name)),
            Self::QuickReply(name) => Body::QuickReply(name.clone()),
            Self::Menu(menu) => match to.form {
                MenuForm::Buttons => menu.with_buttons(to),
                MenuForm::Text => plain(menu.as_text(to)),
            },
        };
        OutgoingMessage { body: Some(body), ..OutgoingMessage::default() }
    }

    /// A message of the bot says this.
    pub(super) fn is(&self, said: &str, to: To<'_>) -> bool {
        let said = said.trim();
        match self {
            Self::Text(text) => text.said_to(to.name).trim() == said,
            Self::QuickReply(_) => false,
            Self::Menu(menu) => menu.text.said_to(to.name).trim() == said || menu.as_text(to).trim() == said,
        }
    }
}

impl Menu {
    fn with_buttons(&self, to: To<'_>) -> Body {
        let part = |text: &Option<super::Text>| text.as_ref().map(|text| text.said_to(to.name)).unwrap_or_default();
        let frame =
            OutgoingFrame { header: part(&self.header), text: self.text.said_to(to.name), footer: part(&self.footer) };
        let choices = self.choices.iter().map(Choice::shown).collect();
        match &self.button {
            None => Body::Buttons(OutgoingButtons { frame: Some(frame), buttons: choices }),
            Some(button) => {
                let section = OutgoingSection { title: String::new(), rows: choices };
                Body::List(OutgoingList { frame: Some(frame), button: button.clone(), sections: vec![section] })
            }
        }
    }

    /// Header, text, the choices with their numbers, footer.
    fn as_text(&self, to: To<'_>) -> String {
        let mut out = String::new();
        if let Some(header) = &self.header {
            out.push_str(&header.said_to(to.name));
            out.push_str("\n\n");
        }
        out.push_str(&self.text.said_to(to.name));
        out.push('\n');
        for (index, choice) in self.choices.iter().enumerate() {
            // Writing to a String cannot fail.
            let _written = write!(out, "\n{}. {}", index + 1, choice.title);
            if !choice.description.is_empty() {
                let _written = write!(out, ": {}", choice.description);
            }
        }
        if let Some(footer) = &self.footer {
            out.push_str("\n\n");
            out.push_str(&footer.said_to(to.name));
        }
        out
    }
}

impl Choice {
    fn shown(&self) -> OutgoingChoice {
        OutgoingChoice { id: self.id.clone(), title: self.title.clone(), description: self.description.clone() }
    }
}

fn plain(text: String) -> Body {
    Body::Text(OutgoingText { text, preview_url: false })
}
