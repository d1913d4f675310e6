//! From the tree of a file to rules: every key, value and length is looked at, and all that is wrong is told.

use std::collections::BTreeMap;
use std::time::Duration;

use super::check::{self, Goto, Places};
use super::problem::{Problems, RulesError, What};
use super::yaml::{self, Is, Node};
use super::{FILE_BYTES_MAX, Fallback, Greeting, MenuForm, NAME_CHARS_MAX, RULES_MAX, Rules, STEPS_MAX};

mod body;
mod rule;

/// Hours of silence after which a conversation begins anew, unless the file says otherwise.
const GREETING_HOURS: u64 = 24;
/// A month: nobody remembers what was said before.
const GREETING_HOURS_MAX: u64 = 720;
/// Fallbacks in a row that can be counted in the history that a turn tells.
const FALLBACKS_MAX: u64 = 5;

/// Reads a file while problems and leaps are collected.
#[derive(Debug, Default)]
struct Reader {
    problems: Problems,
    gotos: Vec<Goto>,
    /// Every step that stands in the file, faulty or not, with its path and line.
    places: Places,
    regexes: usize,
}

/// A map whose keys are known and stand there once.
struct Fields<'n> {
    path: String,
    line: usize,
    entries: Vec<(&'n str, &'n Node)>,
}

impl<'n> Fields<'n> {
    fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(name, _)| *name == key).map(|(_, node)| *node)
    }

    fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

pub(super) fn rules(text: &str) -> Result<Rules, RulesError> {
    let mut reader = Reader::default();
    let rules = if text.len() > FILE_BYTES_MAX {
        reader.problems.add("", 1, What::FileTooBig { limit: FILE_BYTES_MAX });
        None
    } else {
        let root = yaml::parse(text, &mut reader.problems);
        root.and_then(|root| reader.file(&root))
    };
    match rules {
        Some(rules) if reader.problems.is_empty() => Ok(rules),
        _ => Err(reader.problems.refused()),
    }
}

impl Reader {
    fn file(&mut self, root: &Node) -> Option<Rules> {
        let known = "menus, greeting, fallback, without_text, rules, steps";
        let fields = self.fields(root, String::new(), known)?;
        let mut steps = BTreeMap::new();
        if let Some(node) = fields.get("steps") {
            self.steps(node, &mut steps);
        }
        let listening = fields.get("rules").map_or_else(Vec::new, |node| self.rules(node, &mut steps));
        let rules = Rules {
            menus: fields.get("menus").map_or_else(MenuForm::default, |node| self.menu_form(node, &fields.at("menus"))),
            greeting: fields.get("greeting").and_then(|node| self.greeting(node)),
            fallback: fields.get("fallback").and_then(|node| self.fallback(node)),
            without_text: fields.get("without_text").and_then(|node| self.goto(node, "without_text".to_owned())),
            listening,
            steps,
            choices: BTreeMap::new(),
        };
        if rules.listening.is_empty()
            && rules.greeting.is_none()
            && rules.fallback.is_none()
            && self.problems.is_empty()
        {
            self.problems.add("", root.line, What::NeedsOneOf { keys: "rules, greeting, fallback" });
        }
        Some(check::checked(rules, &self.gotos, &self.places, &mut self.problems))
    }

    fn menu_form(&mut self, node: &Node, path: &str) -> MenuForm {
        match &node.is {
            Is::Text(text) if text == "buttons" => MenuForm::Buttons,
            Is::Text(text) if text == "text" => MenuForm::Text,
            Is::Text(_) | Is::Nothing | Is::List(_) | Is::Map(_) => {
                self.expected(node, path, "buttons, text");
                MenuForm::Buttons
            }
        }
    }

    fn steps(&mut self, node: &Node, steps: &mut BTreeMap<String, super::Step>) {
        let Is::Map(entries) = &node.is else { return self.expected(node, "steps", "map") };
        if entries.len() > STEPS_MAX {
            return self.problems.add("steps", node.line, What::TooMany { limit: STEPS_MAX });
        }
        for (key, value) in entries {
            let Some(name) = self.name(key, "steps") else { continue };
            let path = format!("steps.{name}");
            if self.places.contains_key(&name) {
                self.problems.add("steps", key.line, What::Twice { key: name });
                continue;
            }
            self.places.insert(name.clone(), (path.clone(), key.line));
            if let Some(step) = self.step(value, &path) {
                steps.insert(name, step);
            }
        }
    }

    fn greeting(&mut self, node: &Node) -> Option<Greeting> {
        let fields = self.fields(node, "greeting".to_owned(), "goto, after_hours")?;
        let hours = match fields.get("after_hours") {
            Some(node) => self.number(node, fields.at("after_hours"), 1, GREETING_HOURS_MAX)?,
            None => GREETING_HOURS,
        };
        let step = self.needed_goto(&fields, "goto")?;
        Some(Greeting { step, after: Duration::from_secs(hours * 3_600) })
    }

    fn fallback(&mut self, node: &Node) -> Option<Fallback> {
        let fields = self.fields(node, "fallback".to_owned(), "goto, times, then")?;
        let step = self.needed_goto(&fields, "goto");
        let counted = match (fields.get("times"), fields.get("then")) {
            (None, None) => None,
            (Some(times), Some(then)) => {
                let times = self.number(times, fields.at("times"), 1, FALLBACKS_MAX);
                let then = self.goto(then, fields.at("then"));
                times.zip(then).map(|(times, then)| (usize::try_from(times).unwrap_or(1), then))
            }
            (Some(_), None) => self.missing(&fields, "then"),
            (None, Some(_)) => self.missing(&fields, "times"),
        };
        Some(Fallback { step: step?, counted })
    }

    // --- what values are made of

    /// A map with known keys.
    fn fields<'n>(&mut self, node: &'n Node, path: String, known: &'static str) -> Option<Fields<'n>> {
        let Is::Map(pairs) = &node.is else {
            self.expected(node, &path, "map");
            return None;
        };
        let mut fields = Fields { path, line: node.line, entries: Vec::with_capacity(pairs.len()) };
        for (key, value) in pairs {
            let Is::Text(name) = &key.is else {
                self.expected(key, &fields.path, "text");
                continue;
            };
            if !known.split(", ").any(|known| known == name) {
                let key_name = name.chars().take(NAME_CHARS_MAX).collect();
                self.problems.add(fields.path.clone(), key.line, What::UnknownKey { key: key_name, known });
            } else if fields.get(name).is_some() {
                self.problems.add(fields.path.clone(), key.line, What::Twice { key: name.clone() });
            } else {
                fields.entries.push((name, value));
            }
        }
        Some(fields)
    }

    fn expected(&mut self, node: &Node, path: &str, wanted: &'static str) {
        self.problems.add(path, node.line, What::Expected { wanted });
    }

    fn missing<T>(&mut self, fields: &Fields<'_>, key: &'static str) -> Option<T> {
        self.problems.add(fields.path.clone(), fields.line, What::Missing { key });
        None
    }

    /// One that is not blank and not too long.
    fn text(&mut self, node: &Node, path: &str, limit: usize) -> Option<String> {
        let what = match &node.is {
            Is::Text(text) if text.trim().is_empty() => What::Empty,
            Is::Nothing => What::Empty,
            Is::Text(text) if text.chars().count() > limit => What::TooLong { limit },
            Is::Text(text) => return Some(text.clone()),
            Is::List(_) | Is::Map(_) => What::Expected { wanted: "text" },
        };
        self.problems.add(path, node.line, what);
        None
    }

    fn number(&mut self, node: &Node, path: String, least: u64, most: u64) -> Option<u64> {
        let number = match &node.is {
            Is::Text(text) => text.parse::<u64>().ok(),
            Is::Nothing | Is::List(_) | Is::Map(_) => None,
        };
        let what = match number {
            None => What::Expected { wanted: "number" },
            Some(number) if !(least..=most).contains(&number) => What::OutOfRange { least, most },
            Some(number) => return Some(number),
        };
        self.problems.add(path, node.line, what);
        None
    }

    /// Of `a-z`, `0-9` and `-`.
    fn name(&mut self, node: &Node, path: &str) -> Option<String> {
        let name = self.text(node, path, KEY_CHARS_MAX)?;
        let good = name.len() <= NAME_CHARS_MAX
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !name.starts_with('-');
        if good {
            return Some(name);
        }
        let name = name.chars().take(NAME_CHARS_MAX).collect();
        self.problems.add(path, node.line, What::BadName { name });
        None
    }

    /// The name of a step; whether it exists is seen at the end.
    fn goto(&mut self, node: &Node, path: String) -> Option<String> {
        let step = self.name(node, &path)?;
        self.gotos.push(Goto { path, line: node.line, step: step.clone() });
        Some(step)
    }

    fn needed_goto(&mut self, fields: &Fields<'_>, key: &'static str) -> Option<String> {
        match fields.get(key) {
            Some(node) => self.goto(node, fields.at(key)),
            None => self.missing(fields, key),
        }
    }
}

/// What is shown of a name that is none.
const KEY_CHARS_MAX: usize = 200;
/// The step of a rule has a name that no step can be given.
const RULE_STEP: &str = "rule:";

impl Reader {
    fn rules(&mut self, node: &Node, steps: &mut BTreeMap<String, super::Step>) -> Vec<super::Rule> {
        let Is::List(items) = &node.is else {
            self.expected(node, "rules", "list");
            return Vec::new();
        };
        if items.len() > RULES_MAX {
            self.problems.add("rules", node.line, What::TooMany { limit: RULES_MAX });
            return Vec::new();
        }
        if items.is_empty() {
            self.problems.add("rules", node.line, What::Empty);
        }
        let mut names = Vec::new();
        let read = items.iter().enumerate().filter_map(|(index, item)| self.rule(item, index, &mut names));
        let (rules, bodies): (Vec<_>, Vec<_>) = read.map(|(rule, step)| (rule.clone(), (rule.step, step))).unzip();
        steps.extend(bodies);
        rules
    }
}
