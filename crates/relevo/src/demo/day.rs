//! The sample day of a hairdresser's: who writes, what, and how long before now. Pure: the same target, seed and clock give the
//! same requests, byte for byte.
//!
//! It shows what a real day holds: a customer who goes in circles with the bot, a frustrated one, a complaint, pictures, a voice
//! note, a place, a reaction, a correction, a hidden phone number, delivery reports, a batch, deliveries that come twice, another
//! provider, and mails in a thread. Customers, numbers and addresses are invented.

use super::ids::Ids;
use super::mail::Mail;
use super::meta::{self, Envelope, Number, Person};
use super::post::Post;
use super::target::Target;
use super::twilio;

const MARIA: Person = Person::with_phone("María García", "5491155550101");
const DIEGO: Person = Person::with_phone("Diego Romero", "5491155550102");
const LUCIA: Person = Person::with_phone("Lucía Fernández", "5491155550104");
const CARLOS: Person = Person::with_phone("Carlos Benítez", "5491155550105");
const VALENTINA: Person = Person::with_phone("Valentina Ruiz", "5491155550106");
const ROSA: Person = Person::with_phone("Rosa Medina", "5491155550107");
const JOAO: Person = Person::with_phone("João Souza", "554188880104");
const TOMAS: Person = Person { name: "Tomás Acosta", phone: "", user_id: "AR.40123456789012345678" };
const JOSE: Person = Person::with_phone("José Ángel Núñez", "5215555550103");
const PAULA: Person = Person::with_phone("Paula Ibarra", "5491155550108");

/// The requests of the day, in the order of posting, for a clock that shows `now` (seconds since 1970).
pub(super) fn posts(target: &Target, seed: u64, now: i64) -> Vec<Post> {
    let day = Day { target, ids: Ids::new(seed), now };
    let mut posts = Vec::new();
    posts.extend(day.reminders());
    posts.extend(day.appointment_in_circles());
    posts.extend(day.frustrated());
    posts.extend(day.complex());
    posts.extend(day.complaint());
    posts.extend(day.other_provider());
    posts.extend(day.small_things());
    posts.extend(day.mails());
    posts.extend(day.twice());
    posts
}

struct Day<'a> {
    target: &'a Target,
    ids: Ids,
    now: i64,
}

impl Day<'_> {
    fn ago(&self, minutes: i64) -> i64 {
        self.now - minutes * 60
    }

    fn number(&self) -> &Number {
        &self.target.number
    }

    fn envelope(&self) -> Envelope<'_> {
        Envelope::new(self.number(), self.ids)
    }

    fn whatsapp(&self, envelope: Envelope<'_>) -> Post {
        Post::meta(&self.target.meta_app, &self.target.meta_secret, &envelope.json())
    }

    /// One text of one person in a POST of its own.
    fn says(&self, person: Person, name: &str, minutes_ago: i64, body: &str) -> Post {
        self.whatsapp(self.envelope().message(person, name, self.ago(minutes_ago), meta::text(body)))
    }

    fn twilio(&self, form: &twilio::Form) -> Post {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Post::twilio(&self.target.twilio_channel, &self.target.twilio_token, &self.target.twilio_public_url, &form)
    }

    fn mail(&self, mail: &Mail) -> Post {
        Post::mail(&self.target.mail_channel, &self.target.mail_bearer, &mail.raw(&self.target.mail_address))
    }

    /// Yesterday's reminders: what became of them, out of order as providers do, and an answer by button.
    fn reminders(&self) -> Vec<Post> {
        let delivered = self
            .envelope()
            .status(ROSA, "reminder-rosa", self.ago(1210), "delivered")
            .status(ROSA, "reminder-rosa", self.ago(1211), "sent")
            .status(MARIA, "reminder-maria", self.ago(1211), "sent")
            .status(MARIA, "reminder-maria", self.ago(1205), "delivered");
        let quoted = self.ids.wamid("reminder-rosa");
        let confirmed = self
            .envelope()
            .status(ROSA, "reminder-rosa", self.ago(182), "read")
            .message(ROSA, "rosa-1", self.ago(181), meta::button("Confirmo", &self.number().display, &quoted))
            .message(ROSA, "rosa-2", self.ago(180), meta::text("Llego 10 minutos antes, ¿puede ser con Ana?"));
        vec![self.whatsapp(delivered), self.whatsapp(confirmed)]
    }

    /// The bot answers the same thing again and again (document 000, situation 1).
    fn appointment_in_circles(&self) -> Vec<Post> {
        vec![
            self.says(MARIA, "maria-1", 64, "Necesito cita para mañana"),
            self.says(MARIA, "maria-2", 62, "Necesito cita para mañana por la tarde"),
            self.says(MARIA, "maria-3", 58, "Pero solo quiero por la tarde"),
        ]
    }

    /// Capitals, "no funciona", nobody there (situation 2). Two of the messages arrive in one POST.
    fn frustrated(&self) -> Vec<Post> {
        let both = self
            .envelope()
            .message(DIEGO, "diego-2", self.ago(47), meta::text("YA TE DIJE, CORTE DE PELO"))
            .message(DIEGO, "diego-3", self.ago(46), meta::text("NO FUNCIONA ESTO"));
        vec![
            self.says(DIEGO, "diego-1", 49, "No entiendo, solo quiero UNA CITA"),
            self.whatsapp(both),
            self.says(DIEGO, "diego-4", 41, "¿hay alguien ahí?"),
        ]
    }

    /// Questions that a bot has no answer to (situation 3), with a picture, a correction and a reaction.
    fn complex(&self) -> Vec<Post> {
        let first = self.ids.wamid("lucia-1");
        let picture = self
            .envelope()
            .message(LUCIA, "lucia-2", self.ago(134), meta::image(self.ids, "lucia-2", "Algo así, pero más corto 💇"))
            .message(
                LUCIA,
                "lucia-3",
                self.ago(133),
                meta::edit(&first, "¿Puedo agendar para 3 personas el mismo día?"),
            );
        let thumb = meta::reaction(&self.ids.wamid("lucia-2"), "👍");
        vec![
            self.says(LUCIA, "lucia-1", 135, "¿Puedo agendar para 3 personas al mismo tiempo?"),
            self.whatsapp(picture),
            self.whatsapp(self.envelope().message(LUCIA, "lucia-4", self.ago(120), thumb)),
            self.says(TOMAS, "tomas-1", 96, "¿Cuánto cuesta el alisado? No lo encuentro en la lista"),
        ]
    }

    /// A complaint (situation 4): never a bot's business. Minutes are left before its pause enters the next band of the figures (15 to
    /// 30), so that whoever takes the tour at leisure reads what the pages show.
    fn complaint(&self) -> Vec<Post> {
        let receipt = meta::document(self.ids, "carlos-3", "recibo-0042.pdf");
        let quoting = meta::reply("Me cobraron de más, miren el recibo", CARLOS.phone, &self.ids.wamid("carlos-1"));
        let rest = self.envelope().message(CARLOS, "carlos-2", self.ago(21), quoting).message(
            CARLOS,
            "carlos-3",
            self.ago(20),
            receipt,
        );
        vec![
            self.says(CARLOS, "carlos-1", 23, "El corte que me hicieron la semana pasada quedó mal"),
            self.whatsapp(rest),
        ]
    }

    /// The same business on a number that Twilio serves.
    fn other_provider(&self) -> Vec<Post> {
        vec![
            self.twilio(&twilio::message(self.ids, JOSE, "jose-1", "¿Siguen abiertos? Salgo a las 19:30", false)),
            self.twilio(&twilio::message(self.ids, JOSE, "jose-2", "¿Hacen 20% de descuento + barba?", false)),
            self.twilio(&twilio::message(self.ids, PAULA, "paula-1", "Así quedó, ¡gracias! 🥰", true)),
            self.twilio(&twilio::status(self.ids, PAULA, "offer-paula", "delivered")),
        ]
    }

    /// A voice note, a place, another language; one batch for several people.
    fn small_things(&self) -> Vec<Post> {
        let place = meta::location(-34.6037, -58.3816, "Obelisco", "Av. 9 de Julio s/n, Buenos Aires");
        let batch = self
            .envelope()
            .message(VALENTINA, "valentina-1", self.ago(18), meta::voice_note(self.ids, "valentina-1"))
            .message(VALENTINA, "valentina-2", self.ago(17), place)
            .message(JOAO, "joao-1", self.ago(16), meta::text("Oi! Vocês atendem aos domingos?"))
            .status(DIEGO, "reminder-diego", self.ago(15), "failed");
        vec![self.whatsapp(batch), self.says(VALENTINA, "valentina-3", 12, "Estoy acá, ¿llego a pie?")]
    }

    /// A thread of two mails, an invoice with its file, and an out-of-office note.
    fn mails(&self) -> Vec<Post> {
        let first = self.ids.mail("elena-1", "correo.example");
        vec![
            self.mail(&Mail {
                from: "Elena Prieto",
                address: "elena.prieto@correo.example",
                subject: "Peinado para una boda",
                id: first.clone(),
                date: "Mon, 02 Nov 2026 09:12:00 -0300",
                text: "Hola:\n\nme caso el 12 de diciembre y seremos cinco. ¿Atienden en el salón de la fiesta?\n\nElena",
                ..Mail::default()
            }),
            self.mail(&Mail {
                from: "Gabriel Ortega",
                address: "gabriel@distribuidora.example",
                subject: "Factura de octubre",
                id: self.ids.mail("gabriel-1", "distribuidora.example"),
                date: "Mon, 02 Nov 2026 10:05:00 -0300",
                text: "Buen día, va la factura de octubre.\n\nGabriel",
                attachment: Some(("factura-octubre.pdf", b"%PDF-1.4\n% demo\n")),
                ..Mail::default()
            }),
            self.mail(&Mail {
                from: "Elena Prieto",
                address: "elena.prieto@correo.example",
                subject: "Re: Peinado para una boda",
                id: self.ids.mail("elena-2", "correo.example"),
                references: vec![first],
                date: "Mon, 02 Nov 2026 11:40:00 -0300",
                text: "Perdón, somos seis.\n\nEl lun, 2 nov 2026 a las 9:12, Elena Prieto escribió:\n> me caso el 12 de diciembre y seremos cinco.",
                ..Mail::default()
            }),
            self.mail(&Mail {
                from: "Nicolás Vera",
                address: "nicolas.vera@correo.example",
                subject: "Respuesta automática: Promo de noviembre",
                id: self.ids.mail("nicolas-1", "correo.example"),
                date: "Mon, 02 Nov 2026 12:00:00 -0300",
                text: "Estoy de vacaciones hasta el 16.",
                automatic: true,
                ..Mail::default()
            }),
        ]
    }

    /// What providers do every day: the same delivery again, alone and inside another batch.
    fn twice(&self) -> Vec<Post> {
        let again = self
            .envelope()
            .message(MARIA, "maria-2", self.ago(62), meta::text("Necesito cita para mañana por la tarde"))
            .message(DIEGO, "diego-3", self.ago(46), meta::text("NO FUNCIONA ESTO"));
        vec![self.says(MARIA, "maria-3", 58, "Pero solo quiero por la tarde"), self.whatsapp(again)]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_and_clock_give_the_same_bytes() {
        let target = Target::for_test();
        assert_eq!(posts(&target, 7, 1_790_000_000), posts(&target, 7, 1_790_000_000));
        assert_ne!(posts(&target, 7, 1_790_000_000), posts(&target, 8, 1_790_000_000));
    }

    #[test]
    fn the_clock_moves_times_and_never_ids() {
        let target = Target::for_test();
        let ids = |now| -> BTreeSet<String> {
            posts(&target, 7, now)
                .into_iter()
                .flat_map(|post| {
                    let body = String::from_utf8(post.body).unwrap();
                    let found = body.split(['"', '<', '>', '&', '=']);
                    let wanted = ["wamid.", "SM", "MM"];
                    found
                        .filter(|part| {
                            wanted.iter().any(|prefix| part.starts_with(prefix)) || part.ends_with(".example")
                        })
                        .map(str::to_owned)
                        .collect::<Vec<_>>()
                })
                .collect()
        };
        let first = ids(1_790_000_000);
        assert!(first.len() > 25, "{}", first.len());
        assert_eq!(first, ids(1_795_000_000));
    }

    #[test]
    fn mails_do_not_follow_the_clock_because_their_date_is_part_of_their_identity() {
        let target = Target::for_test();
        let mails = |now| -> Vec<Post> {
            posts(&target, 7, now).into_iter().filter(|post| post.path.contains("/email/")).collect()
        };
        assert_eq!(mails(1_790_000_000), mails(1_795_000_000));
        assert_eq!(mails(0).len(), 4);
    }
}
