//! What a step says and where it leads.

use relevo_channels::outgoing::limits::{
    BUTTON_ID_CHARS_MAX, BUTTON_TITLE_CHARS_MAX, BUTTONS_MAX, BUTTONS_TEXT_CHARS_MAX, FRAME_CHARS_MAX,
    META_TEXT_CHARS_MAX, ROW_DESCRIPTION_CHARS_MAX, ROW_ID_CHARS_MAX, ROW_TITLE_CHARS_MAX, ROWS_MAX,
};

use super::super::problem::What;
use super::super::text::Text;
use super::super::yaml::{Is, Node};
use super::super::{Choice, Menu, Say, Step, Then};
use super::{Fields, Reader};

/// Characters of a note to colleagues, as the broker takes them.
const NOTE_CHARS_MAX: usize = 4_000;

/// It is there and wrong, and that was told.
struct Faulty;

impl Reader {
    pub(super) fn step(&mut self, node: &Node, path: &str) -> Option<Step> {
        let fields = self.fields(node, path.to_owned(), "text, quick_reply, menu, goto, handoff")?;
        self.body(&fields)
    }

    pub(super) fn body(&mut self, fields: &Fields<'_>) -> Option<Step> {
        let has = |key: &str| fields.get(key).is_some();
        let exclude = |reader: &mut Self, keys: &'static str| {
            if keys.split(", ").filter(|key| has(key)).count() > 1 {
                reader.problems.add(fields.path.clone(), fields.line, What::Excludes { keys });
            }
        };
        exclude(self, "text, quick_reply, menu");
        // After a menu it is the customer's turn.
        exclude(self, "menu, goto, handoff");
        let keys = "text, quick_reply, menu, goto, handoff";
        if !keys.split(", ").any(has) {
            self.problems.add(fields.path.clone(), fields.line, What::NeedsOneOf { keys });
            return None;
        }
        let say = self.say(fields);
        let then = if let Some(node) = fields.get("handoff") {
            let note = match &node.is {
                Is::Nothing => Some(String::new()),
                Is::Text(_) | Is::List(_) | Is::Map(_) => self.text(node, &fields.at("handoff"), NOTE_CHARS_MAX),
            };
            Then::Handoff { note: note? }
        } else if let Some(node) = fields.get("goto") {
            Then::Go(self.goto(node, fields.at("goto"))?)
        } else {
            Then::End
        };
        Some(Step { say: say.ok()?, then })
    }

    fn say(&mut self, fields: &Fields<'_>) -> Result<Option<Say>, Faulty> {
        let say = if let Some(node) = fields.get("text") {
            self.words(node, &fields.at("text"), META_TEXT_CHARS_MAX).map(Say::Text)
        } else if let Some(node) = fields.get("quick_reply") {
            self.name(node, &fields.at("quick_reply")).map(Say::QuickReply)
        } else if let Some(node) = fields.get("menu") {
            self.menu(node, fields.at("menu")).map(Say::Menu)
        } else {
            return Ok(None);
        };
        say.map(Some).ok_or(Faulty)
    }

    /// A text with variables.
    fn words(&mut self, node: &Node, path: &str, limit: usize) -> Option<Text> {
        // Its length is judged with what will stand for the variables.
        let text = self.text(node, path, usize::MAX)?;
        match Text::parse(&text, limit) {
            Ok(text) => Some(text),
            Err(problems) => {
                for what in problems {
                    self.problems.add(path, node.line, what);
                }
                None
            }
        }
    }

    fn menu(&mut self, node: &Node, path: String) -> Option<Menu> {
        let fields = self.fields(node, path, "header, text, footer, button, choices")?;
        let part = |reader: &mut Self, key: &'static str, limit: usize| {
            fields.get(key).map(|node| reader.words(node, &fields.at(key), limit).ok_or(Faulty)).transpose()
        };
        let header = part(self, "header", FRAME_CHARS_MAX);
        let footer = part(self, "footer", FRAME_CHARS_MAX);
        let text = part(self, "text", BUTTONS_TEXT_CHARS_MAX);
        let button = self.optional(&fields, "button", BUTTON_TITLE_CHARS_MAX);
        let is_list = fields.get("button").is_some();
        let choices = match fields.get("choices") {
            Some(node) => self.choices(node, &fields.at("choices"), is_list),
            None => self.missing(&fields, "choices"),
        };
        let text = match text {
            Ok(None) => self.missing(&fields, "text"),
            Ok(text) => text,
            Err(Faulty) => None,
        };
        let choices = choices?;
        if !is_list && choices.iter().any(|choice| !choice.description.is_empty()) {
            // Buttons have no descriptions.
            self.problems.add(fields.path.clone(), fields.line, What::Missing { key: "button" });
        }
        // What is there and wrong was told; the menu is then none.
        Some(Menu { header: header.ok()?, text: text?, footer: footer.ok()?, button: button.ok()?, choices })
    }

    /// A text that may be absent.
    fn optional(&mut self, fields: &Fields<'_>, key: &str, limit: usize) -> Result<Option<String>, Faulty> {
        fields.get(key).map(|node| self.text(node, &fields.at(key), limit).ok_or(Faulty)).transpose()
    }

    fn choices(&mut self, node: &Node, path: &str, list: bool) -> Option<Vec<Choice>> {
        let Is::List(items) = &node.is else {
            self.expected(node, path, "list");
            return None;
        };
        let limit = if list { ROWS_MAX } else { BUTTONS_MAX };
        let what = match items.len() {
            0 => Some(What::Empty),
            count if count > limit => Some(What::TooMany { limit }),
            _ => None,
        };
        if let Some(what) = what {
            self.problems.add(path, node.line, what);
            return None;
        }
        let read: Vec<Option<Choice>> =
            items.iter().enumerate().map(|(index, item)| self.choice(item, format!("{path}[{index}]"), list)).collect();
        for (index, choice) in read.iter().enumerate() {
            let Some(choice) = choice else { continue };
            let mut before = read[..index].iter().flatten();
            let twice = if before.clone().any(|other| other.id == choice.id) {
                Some(&choice.id)
            } else if before.any(|other| other.title == choice.title) {
                Some(&choice.title)
            } else {
                None
            };
            if let Some(value) = twice {
                let what = What::Duplicate { value: value.clone() };
                self.problems.add(format!("{path}[{index}]"), items[index].line, what);
            }
        }
        read.into_iter().collect()
    }

    fn choice(&mut self, node: &Node, path: String, list: bool) -> Option<Choice> {
        let fields = self.fields(node, path, "id, title, description, goto")?;
        let (title_max, id_max) =
            if list { (ROW_TITLE_CHARS_MAX, ROW_ID_CHARS_MAX) } else { (BUTTON_TITLE_CHARS_MAX, BUTTON_ID_CHARS_MAX) };
        let title = match fields.get("title") {
            Some(node) => self.text(node, &fields.at("title"), title_max),
            None => self.missing(&fields, "title"),
        };
        let id = self.optional(&fields, "id", id_max);
        let description = self.optional(&fields, "description", ROW_DESCRIPTION_CHARS_MAX);
        let step = self.needed_goto(&fields, "goto")?;
        let id = id.ok()?.unwrap_or_else(|| step.clone());
        Some(Choice { id, title: title?, description: description.ok()?.unwrap_or_default(), step })
    }
}
