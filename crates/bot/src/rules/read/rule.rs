//! One rule: what it listens to, and what comes of it.

use super::super::keywords::Phrase;
use super::super::problem::What;
use super::super::yaml::{Is, Node};
use super::super::{KEYWORD_CHARS_MAX, KEYWORDS_MAX, REGEX_CHARS_MAX, REGEXES_MAX, Rule, Step, pattern};
use super::{Fields, RULE_STEP, Reader};
use relevo_channels::outgoing::limits::BUTTON_ID_CHARS_MAX;

const KNOWN: &str = "name, keywords, regex, choices, text, quick_reply, menu, goto, handoff";

impl Reader {
    pub(super) fn rule(&mut self, node: &Node, index: usize, names: &mut Vec<String>) -> Option<(Rule, Step)> {
        let place = format!("rules[{index}]");
        let fields = self.fields(node, place, KNOWN)?;
        let name = match fields.get("name") {
            Some(node) => self.name(node, &fields.at("name")),
            None => self.missing(&fields, "name"),
        };
        if let Some(name) = &name {
            if names.contains(name) {
                self.problems.add(fields.at("name"), fields.line, What::Duplicate { value: name.clone() });
            }
            names.push(name.clone());
        }
        if !["keywords", "regex", "choices"].iter().any(|key| fields.get(key).is_some()) {
            let what = What::NeedsOneOf { keys: "keywords, regex, choices" };
            self.problems.add(fields.path.clone(), fields.line, what);
        }
        let keywords = self.keywords(&fields);
        let regex = fields.get("regex").and_then(|node| self.regex(node, &fields.at("regex")));
        let choices = self.texts(&fields, "choices", BUTTON_ID_CHARS_MAX).into_iter().map(|(id, _)| id).collect();
        let body = self.body(&fields);
        let step = format!("{RULE_STEP}{}", name?);
        self.places.insert(step.clone(), (fields.path, fields.line));
        Some((Rule { keywords, regex, choices, step }, body?))
    }

    fn keywords(&mut self, fields: &Fields<'_>) -> Vec<Phrase> {
        let mut phrases = Vec::new();
        for (index, (text, line)) in self.texts(fields, "keywords", KEYWORD_CHARS_MAX).into_iter().enumerate() {
            match Phrase::parse(&text) {
                Some(phrase) => phrases.push(phrase),
                None => self.problems.add(format!("{}[{index}]", fields.at("keywords")), line, What::NoWord),
            }
        }
        phrases
    }

    fn regex(&mut self, node: &Node, path: &str) -> Option<regex::Regex> {
        let text = self.text(node, path, REGEX_CHARS_MAX)?;
        self.regexes += 1;
        // Not even compiled: that costs more than anything else in a file.
        if self.regexes > REGEXES_MAX {
            if self.regexes == REGEXES_MAX + 1 {
                self.problems.add(path, node.line, What::TooMany { limit: REGEXES_MAX });
            }
            return None;
        }
        pattern::parse(&text).map_err(|what| self.problems.add(path, node.line, what)).ok()
    }

    /// A list of texts, each with its line; a single text is a list of one.
    fn texts(&mut self, fields: &Fields<'_>, key: &str, limit: usize) -> Vec<(String, usize)> {
        let Some(node) = fields.get(key) else { return Vec::new() };
        let path = fields.at(key);
        let items = match &node.is {
            Is::Text(_) => std::slice::from_ref(node),
            Is::List(items) => items.as_slice(),
            Is::Nothing | Is::Map(_) => {
                self.expected(node, &path, "list");
                return Vec::new();
            }
        };
        if items.is_empty() {
            self.problems.add(path, node.line, What::Empty);
            return Vec::new();
        }
        if items.len() > KEYWORDS_MAX {
            self.problems.add(path, node.line, What::TooMany { limit: KEYWORDS_MAX });
            return Vec::new();
        }
        let read = items.iter().enumerate().map(|(index, item)| {
            let text = self.text(item, &format!("{path}[{index}]"), limit);
            text.map(|text| (text, item.line))
        });
        read.collect::<Vec<_>>().into_iter().flatten().collect()
    }
}
