//! What is said in these tests.

use relevo_domain::MessageId;
use relevo_domain::conversation::{
    Author, Body, Content, ContentPersonal, Message, MessageFlags, MessageKind, TemplateUse,
};

pub(crate) fn text(text: &str) -> Body {
    Body::Text { text: text.to_owned(), preview_url: false }
}

pub(crate) fn template() -> Body {
    Body::Template(Box::new(TemplateUse {
        name: "recordatorio".to_owned(),
        language: "es".to_owned(),
        provider_id: None,
        values: Vec::new(),
        header_file: None,
        preview: "Le recordamos su turno".to_owned(),
    }))
}

pub(crate) fn received() -> Message {
    let sender_address = Some("5491155550101".to_owned());
    Message {
        id: MessageId::new(*uuid::Uuid::new_v4().as_bytes()),
        author: Author::Customer,
        content: Content {
            kind: MessageKind::Text,
            attachments: Vec::new(),
            personal: ContentPersonal { sender_address, ..ContentPersonal::default() },
        },
        provider_time: None,
        reply_to: None,
        flags: MessageFlags::default(),
    }
}
