//! What is shown of an answer, for every mail program that we have a sample of, and what must stay whole.

use super::{letter, mail};
use crate::testing::{fixture, testdata};

/// The two halves of a shared sample; `None` if there are no fixtures.
fn halves(file: &str) -> Option<(String, Option<String>)> {
    let mail = mail(&fixture(&format!("email/{file}"))?);
    Some((mail.text.unwrap_or_default(), mail.quoted))
}

fn halves_of(body: &str) -> (String, Option<String>) {
    let mail = mail(&letter("Content-Type: text/plain; charset=utf-8\r\n", body));
    (mail.text.unwrap_or_default(), mail.quoted)
}

#[test]
fn sample_answers_show_the_answer_alone() {
    for (file, visible, quoted) in [
        ("quote_aol.eml", "Hello", "Subject: Test"),
        ("quote_apple_mail.eml", "Hello", "On Apr 3, 2012, at 4:19 PM, bob wrote:\n\n> Hi"),
        ("quote_apple_mail_2.eml", "Hello", "> Hi there!"),
        ("quote_gmail.eml", "Hello", "On Mon, Apr 2, 2012 at 6:26 PM, Megan One <xxx@gmail.com> wrote:\n\n> Hi"),
        ("quote_hotmail.eml", "Hello", "> Hi"),
        ("quote_sparrow.eml", "Hello \n\n-- \nxxx\nSent with Sparrow (http://www.sparrowmailapp.com/?sig)", "> Hello"),
        ("quote_thunderbird.eml", "Hello", "On 04/02/2012 06:26 PM, Megan One wrote:\n> Hi"),
        (
            "cw_mail_with_quote.eml",
            "Yes, I am providing you step how to reproduce this issue\n\n--\n* Nadia Ejemplo*",
            "> Any update on this?",
        ),
    ] {
        let Some((text, rest)) = halves(file) else { return };
        let rest = rest.unwrap_or_else(|| panic!("{file}: nothing split off {text:?}"));
        assert!(text.starts_with(visible), "{file}: {text:?}");
        assert!(rest.contains(quoted), "{file}: {rest:?}");
        assert!(!text.contains("wrote:") && !text.contains('>'), "{file}: {text:?}");
    }
}

#[test]
fn sample_html_answers_show_the_answer_alone() {
    for file in [
        "quotehtml_gmail.html",
        "quotehtml_hotmail.html",
        "quotehtml_ms_outlook_2003.html",
        "quotehtml_windows_mail.html",
    ] {
        let Some(html) = fixture(&format!("email/{file}")) else { return };
        let raw = letter("Content-Type: text/html; charset=utf-8\r\n", &String::from_utf8(html).unwrap());
        let mail = mail(&raw);
        let text = mail.text.unwrap();
        assert_eq!(text.split_whitespace().collect::<Vec<_>>().join(" "), "Hi. I am fine. Thanks, Alex", "{file}");
        assert!(mail.quoted.unwrap().contains("Sasha."), "{file}");
        assert!(mail.html.is_some(), "{file}");
    }
}

#[test]
fn spanish_answers() {
    let gmail = mail(&testdata("email/es_thread_2_reply_to_ours_gmail.eml"));
    assert_eq!(gmail.text.as_deref(), Some("Perfecto, gracias. ¿Incluye IVA?"));
    assert!(gmail.quoted.unwrap().starts_with("El vie, 21 nov 2025 a las 14:12"));
    let outlook = mail(&testdata("email/es_thread_3_reply_outlook_no_references.eml"));
    assert_eq!(outlook.text.as_deref(), Some("Confirmado."));
    assert!(outlook.quoted.unwrap().ends_with("El total es $ 120.000."));
    let html = mail(&testdata("email/es_html_only_outlook_reply.eml"));
    assert_eq!(html.text.as_deref(), Some("Sí, el jueves."));
    assert!(html.quoted.unwrap().contains("¿Qué día?"));
}

#[test]
fn more_mail_programs() {
    for body in [
        "Sí.\n\nEl viernes, 21 de noviembre de 2025, 14:12:00 GMT-3, Soporte <soporte@example.com> escribió: \n\n\nHola Ana:\n¿Le sirve?",
        "Sí.\n\nEl 21 nov 2025, a la(s) 14:12, Soporte Demo <soporte@example.com> escribió:\n\n> Hola Ana:\n> ¿Le sirve?",
        "Sí.\n\n-----Mensaje original-----\nDe: Soporte\nEnviado el: viernes\nAsunto: x\n\nHola Ana:\n¿Le sirve?",
        "Sí.\n\n________________________________\nDe: Soporte <s@example.com>\nEnviado: viernes\nPara: Ana\nAsunto: x\n\n¿Le sirve?",
        "Sí.\n\n*De:* Soporte <s@example.com>\n*Enviado el:* viernes\n*Para:* Ana\n*Asunto:* x\n\n¿Le sirve?",
        "Sí.\n\nEm sex., 21 de nov. de 2025 às 14:12, Soporte <s@example.com> escreveu:\n\n> ¿Le sirve?",
        "Sí.\n\nAm 21.11.2025 um 14:12 schrieb Soporte <s@example.com>:\n> ¿Le sirve?",
        "Sí.\n\nLe ven. 21 nov. 2025 à 14:12, Soporte <s@example.com> a écrit :\n\n> ¿Le sirve?",
        "Sí.\n\nEl jue, 20 nov 2025 a las 9:01, Un Nombre Muy Largo (<un.nombre.muy.largo@example.com>)\nescribió:\n\n> ¿Le sirve?",
        "Sí.\n\n2025-11-21 14:12 GMT-03:00 Soporte <s@example.com>:\n\n> ¿Le sirve?",
    ] {
        let (text, quoted) = halves_of(body);
        assert_eq!(text, "Sí.", "{body}");
        assert!(quoted.unwrap().ends_with("¿Le sirve?"), "{body}");
    }
}

#[test]
fn answers_between_the_quotes_keep_their_context() {
    let Some(bare) = fixture("email/erp_email_1_2.txt") else { return };
    let bare = String::from_utf8(bare).unwrap();
    let (text, quoted) = halves_of(&bare);
    assert!(text.contains("> What is the best way to clear") && text.contains("You can list the keys"));
    assert_eq!(quoted, None);
    let body = "> ¿Color?\nRojo\n> ¿Talle?\nM";
    assert_eq!(halves_of(body), (body.to_owned(), None));
}

#[test]
fn what_only_looks_like_a_quote_stays() {
    for body in [
        "El cliente escribió:\nno me llegó el pedido",
        "De: casa\nllego mañana",
        "El precio es 3 > 2",
        "Hola,\n\nA las 10:30 escribió: nada",
        "Para: Ana\nAsunto: sorpresa",
    ] {
        assert_eq!(halves_of(body), (body.to_owned(), None));
    }
    for file in ["erp_correct_sig.txt", "erp_email_1_5.txt"] {
        let Some(bare) = fixture(&format!("email/{file}")) else { return };
        let bare = String::from_utf8(bare).unwrap();
        assert_eq!(halves_of(&bare), (bare.trim_end().to_owned(), None), "{file}");
    }
}

#[test]
fn a_mail_that_is_all_quote_is_shown_whole() {
    let body = "> Hola\n> ¿cómo va?";
    assert_eq!(halves_of(body), (body.to_owned(), None));
}

#[test]
fn a_forwarded_mail_is_content() {
    let body = "Mirá esto:\n\n---------- Forwarded message ---------\nDe: Luis <luis@x.example>\nDate: vie, 21 nov 2025\nSubject: queja\nTo: Ana\n\nNo funciona.";
    assert_eq!(halves_of(body), (body.to_owned(), None));
    let outlook = "Mirá esto:\n\nDe: Luis <luis@x.example>\nEnviado: viernes\nPara: Ana\nAsunto: queja\n\nNo funciona.";
    let raw = format!(
        "From: ana@x.example\r\nSubject: RV: queja\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{outlook}"
    );
    assert_eq!(mail(raw.as_bytes()).quoted, None);
}

#[test]
fn the_signature_stays() {
    let text = mail(&testdata("email/es_thread_1_first.eml")).text.unwrap();
    assert!(text.ends_with("--\nLucía Fernández"), "{text:?}");
}
