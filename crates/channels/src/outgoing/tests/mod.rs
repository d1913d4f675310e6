//! Rendering and limits. Request bodies are compared with files beside the payloads of what comes in.

mod limits;
mod mail;
mod requests;

use relevo_domain::MessageId;
use relevo_domain::conversation::Author;
use relevo_domain::conversation::outgoing::{
    Body, Choice, ContactCard, Frame, Location, MediaKind, Outgoing, OutgoingMail, OutgoingPersonal, Recipient,
    Section, StoredFile, TemplateUse, TemplateValue,
};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::template::Part;

pub(super) fn outgoing(body: Body) -> Outgoing {
    let kind = if matches!(body, Body::Mail(_)) { IdentifierKind::Email } else { IdentifierKind::WaId };
    let value = if matches!(body, Body::Mail(_)) { "ana@cliente.example" } else { "5491155550101" };
    Outgoing {
        id: MessageId::new([7; 16]),
        author: Author::Staff,
        automatic: false,
        reply_to: None,
        body,
        personal: OutgoingPersonal {
            to: Recipient { kind, value: value.to_owned() },
            author_name: Some("Laura".to_owned()),
            reply_to_provider_id: None,
        },
    }
}

pub(super) fn text(text: &str) -> Body {
    Body::Text { text: text.to_owned(), preview_url: false }
}

pub(super) fn file(mime_type: &str, size_bytes: u64, name: Option<&str>) -> StoredFile {
    let sha256 = "ab".repeat(32);
    StoredFile { sha256, mime_type: mime_type.to_owned(), size_bytes, file_name: name.map(str::to_owned) }
}

pub(super) fn media(kind: MediaKind, mime_type: &str, caption: Option<&str>) -> Body {
    Body::Media { kind, file: file(mime_type, 1_000, Some("factura.pdf")), caption: caption.map(str::to_owned) }
}

pub(super) fn place() -> Location {
    Location {
        latitude_e7: -345_997_222,
        longitude_e7: -583_819_444,
        name: Some("Peluquería".to_owned()),
        address: Some("Av. Corrientes 1234".to_owned()),
    }
}

pub(super) fn card() -> ContactCard {
    ContactCard {
        name: "Juan Pérez".to_owned(),
        phones: vec!["+5491155550102".to_owned()],
        emails: vec!["juan@cliente.example".to_owned()],
        organisation: Some("Acme".to_owned()),
    }
}

pub(super) fn frame() -> Frame {
    Frame { header: Some("Turnos".to_owned()), text: "¿Cuándo?".to_owned(), footer: Some("Gracias".to_owned()) }
}

pub(super) fn choice(id: &str) -> Choice {
    Choice { id: id.to_owned(), title: format!("Título {id}"), description: None }
}

pub(super) fn buttons() -> Body {
    Body::Buttons { frame: frame(), buttons: vec![choice("si"), choice("no")] }
}

pub(super) fn list() -> Body {
    let mut rows = vec![choice("a"), choice("b")];
    rows[0].description = Some("Por la mañana".to_owned());
    let sections = vec![
        Section { title: "Lunes".to_owned(), rows },
        Section { title: "Martes".to_owned(), rows: vec![choice("c")] },
    ];
    Body::List { frame: Frame { header: None, footer: None, ..frame() }, button: "Elegir".to_owned(), sections }
}

pub(super) fn value(part: Part, variable: &str, value: &str) -> TemplateValue {
    TemplateValue { part, variable: variable.to_owned(), value: value.to_owned() }
}

pub(super) fn template(values: Vec<TemplateValue>) -> TemplateUse {
    TemplateUse {
        name: "recordatorio".to_owned(),
        language: "es_AR".to_owned(),
        provider_id: Some("HX0123".to_owned()),
        values,
        header_file: None,
        preview: "Hola Ana".to_owned(),
    }
}

pub(super) fn mail() -> OutgoingMail {
    OutgoingMail {
        subject: "Re: Turno para mañana".to_owned(),
        text: "Hola Ana:\n\nSí, a las 9.\n\n-- \nLaura\n".to_owned(),
        html: Some("<p>Hola Ana:</p><p>Sí, a las 9.</p>".to_owned()),
        html_sha256: None,
        cc: vec!["juan@cliente.example".to_owned()],
        message_id: "cnv_1.msg_2.0123456789abcdef@peluqueria.example".to_owned(),
        in_reply_to: Some("b@cliente.example".to_owned()),
        references: vec!["a@cliente.example".to_owned(), "b@cliente.example".to_owned()],
        reply_to: None,
        files: Vec::new(),
    }
}
