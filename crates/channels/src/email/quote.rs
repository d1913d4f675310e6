//! What the author wrote now, and what the mail program added from before. For display only: both halves are kept.
//!
//! Careful rather than eager: when answers stand between quoted lines the quotes are their context and stay, a forwarded
//! mail is the content, and if nothing would be left everything is shown.

/// A text in two halves.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Halves {
    pub(super) visible: String,
    pub(super) quoted: Option<String>,
}

/// Lines over which a mail program may fold `On … wrote:`.
const ATTRIBUTION_LINES_MAX: usize = 4;
/// Bytes of a whole attribution; longer lines are prose.
const ATTRIBUTION_BYTES_MAX: usize = 500;
/// Lines of a signature after `-- `.
const SIGNATURE_LINES_MAX: usize = 25;

/// Verbs that end an attribution: Spanish, English, Portuguese, German, French, Italian, Catalan, Dutch.
const WROTE: [&str; 12] = [
    "wrote:",
    "escribió:",
    "escribio:",
    "escribió lo siguiente:",
    "escreveu:",
    "schrieb:",
    "a écrit :",
    "a écrit:",
    "ha scritto:",
    "va escriure:",
    "schreef:",
    "writes:",
];
/// First words of an attribution.
const OPENING: [&str; 12] = ["on ", "el ", "em ", "am ", "le ", "il ", "op ", "no dia ", "den ", "a ", "en ", "al "];
/// Lines that a mail program puts above the original mail.
const SEPARATORS: [&str; 10] = [
    "original message",
    "mensaje original",
    "mensagem original",
    "ursprüngliche nachricht",
    "message d'origine",
    "messaggio originale",
    "original-nachricht",
    "original appointment",
    "missatge original",
    "mensaje citado",
];
/// The same above a forwarded mail.
const FORWARDS: [&str; 7] = [
    "forwarded message",
    "mensaje reenviado",
    "mensagem encaminhada",
    "weitergeleitete nachricht",
    "begin forwarded message",
    "inicio del mensaje reenviado",
    "message transféré",
];
/// Names in the small header that Outlook puts above the original mail: who, and the rest.
const FROM_LABELS: [&str; 5] = ["de", "from", "von", "da", "от"];
const OTHER_LABELS: [&str; 27] = [
    "enviado",
    "enviado el",
    "enviado a las",
    "enviada em",
    "enviada",
    "enviado em",
    "fecha",
    "para",
    "asunto",
    "sent",
    "date",
    "to",
    "subject",
    "cc",
    "data",
    "assunto",
    "gesendet",
    "an",
    "betreff",
    "datum",
    "envoyé",
    "objet",
    "inviato",
    "oggetto",
    "отправлено",
    "кому",
    "тема",
];
/// Prefixes of the subject of a forwarded mail.
const FORWARD_SUBJECTS: [&str; 8] = ["fw:", "fwd:", "rv:", "tr:", "wg:", "enc:", "re-enviado:", "reenviado:"];

/// Whether the subject says that the mail was forwarded to us.
pub(super) fn forwarded(subject: &str) -> bool {
    let subject = subject.trim_start().to_lowercase();
    FORWARD_SUBJECTS.iter().any(|prefix| subject.starts_with(prefix))
}

/// Splits a text. Both halves keep their lines as they were.
pub(super) fn split(text: &str) -> Halves {
    let lines: Vec<&str> = text.lines().collect();
    let whole = || Halves { visible: text.trim_end().to_owned(), quoted: None };
    let (visible, quoted) = match first_cut(&lines) {
        Cut::Forward => return whole(),
        Cut::Below(at) => {
            let (above, marked) = take_marked(&lines[..at]);
            (above, [marked, lines[at..].to_vec()].concat())
        }
        Cut::Nowhere => take_marked(&lines),
    };
    let visible = visible.join("\n").trim_end().to_owned();
    let quoted = quoted.join("\n").trim_matches('\n').to_owned();
    if visible.trim().is_empty() || quoted.trim().is_empty() {
        return whole();
    }
    let start = visible.len() - visible.trim_start_matches('\n').len();
    Halves { visible: visible[start..].to_owned(), quoted: Some(quoted) }
}

enum Cut {
    /// Everything from this line on is the original mail.
    Below(usize),
    /// Everything below is a forwarded mail, and so content.
    Forward,
    Nowhere,
}

/// The first line that says: below stands another mail, unmarked.
fn first_cut(lines: &[&str]) -> Cut {
    for at in 0..lines.len() {
        let line = lines[at].trim();
        if line.is_empty() || line.starts_with('>') {
            continue;
        }
        if is_rule_with(line, &FORWARDS) {
            return Cut::Forward;
        }
        if is_rule_with(line, &SEPARATORS) || is_mail_header(&lines[at..]) {
            let ruled = at > 0 && is_rule(lines[at - 1].trim());
            return Cut::Below(if ruled { at - 1 } else { at });
        }
        if let Some(length) = attribution(&lines[at..]) {
            let below = lines[at + length..].iter().find(|line| !line.trim().is_empty());
            // Followed by `>` lines it is handled with them: there may be an answer below.
            if below.is_some_and(|line| !line.starts_with('>')) {
                return Cut::Below(at);
            }
        }
    }
    Cut::Nowhere
}

/// Takes the block of `>` lines away if it stands above or below the answer, but not in the middle of it.
fn take_marked<'a>(lines: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    let whole = || (lines.to_vec(), Vec::new());
    let blocks = marked_blocks(lines);
    let Some(last) = blocks.last() else { return whole() };
    let below = &lines[last.end..];
    let only_signature = below
        .iter()
        .find(|line| !line.trim().is_empty())
        .is_none_or(|line| is_signature(line) && below.len() <= SIGNATURE_LINES_MAX);
    let alone = blocks.len() == 1;
    let at_top = lines[..last.start].iter().all(|line| line.trim().is_empty());
    let strip = if only_signature { alone || last.attributed } else { alone && at_top };
    if !strip {
        return whole();
    }
    let above = lines[..last.start].iter().copied();
    let above: Vec<&str> = if only_signature && !at_top && below.iter().any(|line| !line.trim().is_empty()) {
        // The blank line that stood before the quote goes before the signature.
        let mut above: Vec<&str> = above.collect();
        while above.last().is_some_and(|line| line.trim().is_empty()) {
            above.pop();
        }
        above.push("");
        above
    } else {
        above.collect()
    };
    let below = below.iter().copied().skip_while(|line| line.trim().is_empty());
    (above.into_iter().chain(below).collect(), lines[last.start..last.end].to_vec())
}

struct Block {
    start: usize,
    end: usize,
    attributed: bool,
}

/// Runs of `>` lines; blank lines between them do not end a run, the attribution above belongs to it.
fn marked_blocks(lines: &[&str]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if !lines[at].starts_with('>') {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        let mut next = end;
        while next < lines.len() && (lines[next].starts_with('>') || lines[next].trim().is_empty()) {
            next += 1;
            if lines[next - 1].starts_with('>') {
                end = next;
            }
        }
        let floor = blocks.last().map_or(0, |block| block.end);
        let above = attribution_above(lines, at, floor);
        blocks.push(Block {
            start: above.unwrap_or(at),
            end,
            attributed: above.is_some() || attributed_inside(&lines[at..end]),
        });
        at = next;
    }
    blocks
}

/// Where the attribution of the block that starts at `at` begins.
fn attribution_above(lines: &[&str], at: usize, floor: usize) -> Option<usize> {
    let last = (floor..at).rev().find(|line| !lines[*line].trim().is_empty())?;
    if at - last > 3 {
        return None;
    }
    (floor..=last)
        .rev()
        .take(ATTRIBUTION_LINES_MAX)
        .find(|start| attribution(&lines[*start..]).is_some_and(|length| start + length == last + 1))
}

/// Apple and Outlook.com put the attribution, or the old mail's header, inside the quote.
fn attributed_inside(block: &[&str]) -> bool {
    let inner: Vec<&str> = block.iter().take(8).map(|line| line.trim_start_matches(['>', ' '])).collect();
    attribution(&inner).is_some() || is_mail_header(&inner)
}

/// How many lines an attribution takes that starts at the first of these lines.
fn attribution(lines: &[&str]) -> Option<usize> {
    let first = lines.first()?.trim_start().to_lowercase();
    let opens = OPENING.iter().any(|opening| first.starts_with(opening));
    let dated = first.starts_with(|c: char| c.is_ascii_digit());
    if !opens && !dated && !first.contains('@') && !first.contains('<') {
        return None;
    }
    let mut joined = String::new();
    for (number, line) in lines.iter().take(ATTRIBUTION_LINES_MAX).enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('>') || joined.len() + line.len() > ATTRIBUTION_BYTES_MAX {
            return None;
        }
        joined.push_str(&line.to_lowercase());
        joined.push(' ');
        let text = joined.trim_end();
        if text.ends_with(':') {
            return says_who_and_when(text, opens, dated).then_some(number + 1);
        }
    }
    None
}

/// `El vie, 21 nov 2025 a las 14:12, Ana <ana@x> escribió:`; not `El cliente escribió:`.
fn says_who_and_when(text: &str, opens: bool, dated: bool) -> bool {
    let verb =
        WROTE.iter().any(|verb| text.ends_with(verb)) || text.contains(" schrieb ") || text.contains(" escribió el ");
    let address = text.contains('@');
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let time = text.split_once(':').is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    verb && (opens && (time || digits >= 5) || address && digits >= 3 || dated)
        || dated && address && text.ends_with(">:")
}

/// At least three lines like `De: …`, `Enviado el: …`, `Asunto: …`, one of them saying from whom.
fn is_mail_header(lines: &[&str]) -> bool {
    let (mut from, mut others) = (0, 0);
    // A long list of recipients may be folded over some lines.
    let mut folded = 0;
    for line in lines.iter().take(12) {
        match label(line) {
            Some(name) if FROM_LABELS.contains(&name.as_str()) => from += 1,
            Some(name) if OTHER_LABELS.contains(&name.as_str()) => others += 1,
            _ if from + others == 0 || line.trim().is_empty() => break,
            _ if folded < 3 => folded += 1,
            _ => break,
        }
    }
    from == 1 && others >= 2
}

/// `*De:* Ana` → `de`.
fn label(line: &str) -> Option<String> {
    let line = line.trim().trim_start_matches('*');
    let (name, _) = line.split_once(':')?;
    let name = name.trim_end_matches('*').trim_end();
    (name.len() <= 20).then(|| name.to_lowercase())
}

fn is_rule_with(line: &str, words: &[&str]) -> bool {
    let inner = line.trim_matches(['-', '_', '*', '=', ' ', ':']).to_lowercase();
    (line.starts_with("--") || line.starts_with("__") || line.ends_with(':')) && words.contains(&inner.as_str())
}

fn is_rule(line: &str) -> bool {
    line.len() >= 10 && line.bytes().all(|byte| matches!(byte, b'_' | b'-'))
}

/// `-- `, also where the blank was lost on the way.
fn is_signature(line: &str) -> bool {
    line.trim_end() == "--"
}
