//! A YAML file as a tree that knows its lines. All scalars are texts as they stand there: `no` is a word, not "false".
//!
//! Anchors, aliases and tags are refused rather than followed, so that a small file is a small tree.

use granit_parser::{Event, Parser, Span};

use super::problem::{Problems, What};

/// Levels of nesting: a row of a menu of a step stands in the seventh.
const DEPTH_MAX: usize = 10;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) is: Is,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Is {
    /// Nothing is written there.
    Nothing,
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// The tree of the first document; a second one is a problem. `None` with at least one problem.
pub(super) fn parse(text: &str, problems: &mut Problems) -> Option<Node> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(found) => found,
            Err(error) => {
                problems.add("", error.marker().line(), What::Yaml(error.kind().to_string()));
                return None;
            }
        };
        if let Err(what) = builder.take(&event, span) {
            problems.add("", span.start.line(), what);
            return None;
        }
    }
    builder.root.or_else(|| {
        problems.add("", 1, What::Empty);
        None
    })
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    /// The containers that are open, the outermost first.
    open: Vec<Open>,
}

enum Open {
    List { line: usize, items: Vec<Node> },
    Map { line: usize, entries: Vec<(Node, Node)>, key: Option<Node> },
}

impl Builder {
    fn take(&mut self, event: &Event<'_>, span: Span) -> Result<(), What> {
        let line = span.start.line();
        match event {
            Event::Scalar(_, _, 1.., _)
            | Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, 1.., _)
            | Event::SequenceStart(_, _, Some(_))
            | Event::MappingStart(_, 1.., _)
            | Event::MappingStart(_, _, Some(_))
            | Event::Alias(_)
            | Event::UnresolvedAlias(_)
            | Event::Anchor(..) => Err(What::NotPlain),
            Event::Scalar(text, style, _, None) => {
                let plain = *style == granit_parser::ScalarStyle::Plain;
                let nothing = plain && matches!(text.as_ref(), "" | "~" | "null");
                let is = if nothing { Is::Nothing } else { Is::Text(text.clone().into_owned()) };
                self.put(Node { line, is });
                Ok(())
            }
            Event::SequenceStart(..) => self.begin(Open::List { line, items: Vec::new() }),
            Event::MappingStart(..) => self.begin(Open::Map { line, entries: Vec::new(), key: None }),
            Event::SequenceEnd | Event::MappingEnd => {
                self.end();
                Ok(())
            }
            Event::DocumentStart(..) if self.root.is_some() => Err(What::Yaml("a second document".to_owned())),
            // Where documents begin and end, and comments: no values.
            _ => Ok(()),
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), What> {
        if self.open.len() >= DEPTH_MAX {
            return Err(What::TooDeep { limit: DEPTH_MAX });
        }
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(Open::List { line, items }) => self.put(Node { line, is: Is::List(items) }),
            Some(Open::Map { line, entries, .. }) => self.put(Node { line, is: Is::Map(entries) }),
            None => {}
        }
    }

    fn put(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                None => *key = Some(node),
                Some(name) => entries.push((name, node)),
            },
        }
    }
}
