//! The trace that is posted: what customers of a busy business write in a day, the same for ever for a seed.
//!
//! Of the messages 70 % are WhatsApp (one in seven by Twilio) and 30 % mail; of the lines 10 % are statuses. 5 % of the messages come
//! twice, 5 % come later than others that were written after them. Nothing here knows how a line is posted: see `request`.

use std::collections::BTreeMap;

use crate::world::draw;

/// Messages of one customer, on average: as many first messages as a desk sees that is used all day.
const PER_CUSTOMER: u64 = 8;
/// Customers of one kind who write in the same minutes.
const AT_ONCE: u64 = 100;
/// Lines that a delayed one is overtaken by, and after which a duplicate comes, at most.
const DELAY_MAX: u64 = 20;
const AGAIN_AFTER_MAX: u64 = 40;
/// Milliseconds of the business's day between two lines.
pub const LINE_MS: u64 = 20;
/// Shares, in thousands.
const STATUSES: u64 = 100;
const MAILS: u64 = 300;
const DELAYED: u64 = 50;
const TWICE: u64 = 50;
/// One WhatsApp message in so many comes by Twilio.
const BY_TWILIO: u64 = 7;

const SENTENCES: [&str; 12] = [
    "Hola, ¿tienen stock del modelo que vi en la página?",
    "Buenos días, quería saber si el turno del jueves sigue en pie.",
    "Gracias.",
    "¿Cuánto sale el envío a Córdoba capital? Lo necesito antes del viernes, si se puede por la mañana.",
    "Ya hice la transferencia, ¿me confirman cuando la vean?",
    "Perdón, me equivoqué de talle: es el 42 y no el 40.",
    "¿A qué hora cierran hoy?",
    "El pedido llegó con una caja rota y falta una de las piezas que figura en la factura. ¿Qué hacemos?",
    "Sí.",
    "Necesito la factura A a nombre de la empresa, les paso el CUIT por acá si les sirve así la cargan hoy mismo.",
    "¿Me pueden llamar? Prefiero hablarlo.",
    "Perfecto, entonces paso a retirarlo mañana por la sucursal del centro alrededor de las diez y media.",
];

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Meta,
    Twilio,
    Mail,
    Status,
}

/// One thing that a provider hands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub kind: Kind,
    /// Which message of the trace it is, from 0; a duplicate has its original's. `None` for a status.
    pub number: Option<u32>,
    /// What the provider calls it; of a status: the message that it is about.
    pub id: String,
    /// Digits, or an address.
    pub sender: String,
    pub text: String,
    /// Of a mail; empty otherwise.
    pub subject: String,
    /// The mail that this one answers.
    pub in_reply_to: Option<String>,
    /// When it was written: milliseconds since the trace began.
    pub at_ms: u64,
    /// Whether the same was handed in before.
    pub again: bool,
}

/// What is made.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    /// Sets customers and ids of one part of a run apart from those of the others: at most 99.
    pub part: u64,
    /// Lines before duplicates are added.
    pub lines: u64,
}

/// The lines in the order of the hand-in.
pub fn lines(plan: Plan) -> Vec<Line> {
    let mut maker = Maker { plan, messages: 0, of_kind: BTreeMap::new(), last_mail: BTreeMap::new() };
    let mut keyed = Vec::new();
    for n in 0..plan.lines {
        let line = maker.line(n);
        let late = if maker.chance(n, 1) < DELAYED { 1 + maker.draw(n, 2) % DELAY_MAX } else { 0 };
        let place = n + late;
        if line.number.is_some() && maker.chance(n, 3) < TWICE {
            let again = Line { again: true, ..line.clone() };
            keyed.push((place + 1 + maker.draw(n, 4) % AGAIN_AFTER_MAX, 2, again));
        }
        keyed.push((place, u8::from(late > 0), line));
    }
    keyed.sort_by_key(|(place, after, _)| (*place, *after));
    keyed.into_iter().map(|(_, _, line)| line).collect()
}

/// What a message's text begins with, so that it is known wherever it is shown.
pub fn mark(part: u64, number: u32) -> String {
    format!("rvt{part:02}{number:07}")
}

/// The first mark of a part in these bytes. Ids are letters, too, and may begin as a mark does.
pub fn marked(bytes: &[u8], part: u64) -> Option<u32> {
    let mut starts = bytes.windows(3).enumerate().filter(|(_, three)| **three == *b"rvt");
    starts.find_map(|(start, _)| {
        let digits = std::str::from_utf8(bytes.get(start + 3..start + 12)?).ok()?;
        let (of, number) = (digits.get(..2)?.parse::<u64>().ok()?, digits.get(2..)?.parse().ok()?);
        (of == part).then_some(number)
    })
}

struct Maker {
    plan: Plan,
    messages: u32,
    of_kind: BTreeMap<Kind, u64>,
    last_mail: BTreeMap<String, String>,
}

impl Maker {
    fn draw(&self, n: u64, salt: u64) -> u64 {
        draw(n, salt ^ self.plan.seed.wrapping_mul(0x9E37_79B9) ^ (self.plan.part << 20))
    }

    /// Less than a thousand.
    fn chance(&self, n: u64, salt: u64) -> u64 {
        self.draw(n, salt) % 1_000
    }

    fn line(&mut self, n: u64) -> Line {
        let (part, at_ms) = (self.plan.part, n * LINE_MS);
        if self.chance(n, 10) < STATUSES {
            let sender = self.customer(n, Kind::Meta, false);
            let id = format!("wamid.rvs{part:02}{n:08}");
            let empty = String::new();
            let (text, subject) = (empty.clone(), empty);
            return Line {
                kind: Kind::Status,
                number: None,
                id,
                sender,
                text,
                subject,
                in_reply_to: None,
                at_ms,
                again: false,
            };
        }
        let number = self.messages;
        self.messages += 1;
        let kind = match (self.chance(n, 11) < MAILS, self.draw(n, 12).is_multiple_of(BY_TWILIO)) {
            (true, _) => Kind::Mail,
            (false, true) => Kind::Twilio,
            (false, false) => Kind::Meta,
        };
        let sender = self.customer(n, kind, true);
        let sentence = SENTENCES[(self.draw(n, 13) % SENTENCES.len() as u64) as usize];
        let text = format!("{} {sentence}", mark(part, number));
        let (mut subject, mut in_reply_to) = (String::new(), None);
        let id = match kind {
            Kind::Meta | Kind::Status => format!("wamid.rvm{part:02}{number:08}"),
            Kind::Twilio => format!("SM{part:02}{number:030}"),
            Kind::Mail => format!("rvm{part:02}{number:08}@mail.example"),
        };
        if kind == Kind::Mail {
            in_reply_to = self.last_mail.insert(sender.clone(), id.clone());
            subject.push_str(if in_reply_to.is_some() { "Re: Turno" } else { "Turno" });
        }
        Line { kind, number: Some(number), id, sender, text, subject, in_reply_to, at_ms, again: false }
    }

    /// Who writes next by this kind, or whom a status is about: customers come, write some messages, and others come.
    fn customer(&mut self, n: u64, kind: Kind, writes: bool) -> String {
        let count = self.of_kind.entry(kind).or_default();
        let begun = *count / PER_CUSTOMER;
        *count += u64::from(writes);
        let who = begun + self.draw(n, 14) % AT_ONCE;
        let part = self.plan.part;
        match kind {
            Kind::Meta | Kind::Status => format!("5491{part:02}1{who:06}"),
            Kind::Twilio => format!("5491{part:02}2{who:06}"),
            Kind::Mail => format!("cliente{part:02}.{who:06}@mail.example"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PLAN: Plan = Plan { seed: 1, part: 7, lines: 20_000 };

    fn percent(count: usize, of: usize) -> f64 {
        count as f64 * 100.0 / of as f64
    }

    #[test]
    fn the_shares_are_what_the_issue_says_and_the_same_for_ever() {
        let lines = lines(PLAN);
        assert_eq!(lines, super::lines(PLAN));
        assert_ne!(lines, super::lines(Plan { seed: 2, ..PLAN }));
        let first: Vec<&Line> = lines.iter().filter(|line| !line.again && line.number.is_some()).collect();
        let of = |kind: Kind| percent(first.iter().filter(|line| line.kind == kind).count(), first.len());
        assert!((29.0..31.0).contains(&of(Kind::Mail)) && (9.0..11.0).contains(&of(Kind::Twilio)));
        let again = lines.iter().filter(|line| line.again).count();
        assert!((4.5..5.5).contains(&percent(again, first.len())), "{again}");
        let overtaken = lines.windows(2).filter(|pair| pair[0].at_ms < pair[1].at_ms).count();
        assert!(overtaken < lines.len() * 19 / 20, "some come late");
    }

    #[test]
    fn a_number_is_a_message_and_its_text_says_which() {
        let lines = lines(PLAN);
        let messages = lines.iter().filter(|line| line.number.is_some() && !line.again);
        let (numbers, ids): (BTreeSet<u32>, BTreeSet<&str>) =
            messages.map(|line| (line.number.unwrap(), line.id.as_str())).unzip();
        assert_eq!(numbers.len(), ids.len());
        assert_eq!(numbers.last().copied(), Some(numbers.len() as u32 - 1), "without holes");
        for line in lines.iter().filter(|line| line.number.is_some()) {
            assert_eq!(marked(line.text.as_bytes(), PLAN.part), line.number);
            assert_eq!(marked(line.text.as_bytes(), 8), None);
        }
        assert_eq!(marked(b"rvt07", 7), None);
        assert_eq!(marked(b"cnv_a1rvtq8z rvt070000042", 7), Some(42), "an id that begins like a mark");
    }

    #[test]
    fn a_duplicate_comes_after_its_original() {
        let mut seen = BTreeSet::new();
        for line in lines(PLAN).iter().filter(|line| line.number.is_some()) {
            assert_eq!(seen.insert(line.number), !line.again, "{line:?}");
        }
    }
}
