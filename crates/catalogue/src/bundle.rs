//! The embedded messages, parsed once, and how one is written out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use unic_langid::langid;

use crate::language::Language;
use crate::{Arg, MISSING};

const ES: &str = include_str!("es.ftl");
const EN: &str = include_str!("en.ftl");

static SPANISH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new(Language::Es, ES));
static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new(Language::En, EN));

/// One language's messages.
struct Catalogue {
    bundle: FluentBundle<FluentResource>,
    /// The arguments of each message, so that one that is not given can be replaced.
    arguments: BTreeMap<String, BTreeSet<String>>,
    /// What is wrong with the file; a test wants this empty.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the tests ask"))]
    faults: Vec<String>,
}

/// The message of a key in a language, if there is one.
pub(crate) fn format(language: Language, key: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
    let catalogue = match language {
        Language::Es => &SPANISH,
        Language::En => &ENGLISH,
    };
    let pattern = catalogue.bundle.get_message(key)?.value()?;

    let mut given = FluentArgs::new();
    for name in catalogue.arguments.get(key).into_iter().flatten() {
        given.set(name.clone(), FluentValue::from(MISSING));
    }
    for (name, value) in args {
        given.set((*name).to_owned(), fluent_value(value));
    }
    // What cannot be resolved is written as its own source, and reported here; the tests resolve every message.
    let mut faults = Vec::new();
    Some(catalogue.bundle.format_pattern(pattern, Some(&given), &mut faults).into_owned())
}

fn fluent_value<'a>(value: &'a Arg<'_>) -> FluentValue<'a> {
    match value {
        Arg::Text(text) => FluentValue::from(text.as_ref()),
        Arg::Number(number) => FluentValue::from(*number),
    }
}

impl Catalogue {
    fn new(language: Language, source: &str) -> Self {
        let mut faults = Vec::new();
        let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, errors)| {
            faults.extend(errors.iter().map(ToString::to_string));
            resource
        });
        let mut arguments = BTreeMap::new();
        for entry in resource.entries() {
            if let Entry::Message(message) = entry {
                let mut names = BTreeSet::new();
                if let Some(value) = &message.value {
                    pattern_arguments(value, &mut names);
                }
                arguments.insert(message.id.name.to_owned(), names);
            }
        }

        let id = match language {
            Language::Es => langid!("es"),
            Language::En => langid!("en"),
        };
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // Isolation marks are invisible, break searches in a terminal and the width of table columns.
        bundle.set_use_isolating(false);
        if let Err(errors) = bundle.add_resource(resource) {
            faults.extend(errors.iter().map(ToString::to_string));
        }
        Self { bundle, arguments, faults }
    }
}

fn pattern_arguments(pattern: &Pattern<&str>, names: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { .. } => {}
            PatternElement::Placeable { expression: Expression::Inline(inline) } => inline_arguments(inline, names),
            PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                inline_arguments(selector, names);
                for variant in variants {
                    pattern_arguments(&variant.value, names);
                }
            }
        }
    }
}

fn inline_arguments(inline: &InlineExpression<&str>, names: &mut BTreeSet<String>) {
    if let InlineExpression::VariableReference { id } = inline {
        names.insert(id.name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_well_formed_and_name_no_key_twice() {
        assert_eq!(SPANISH.faults, Vec::<String>::new(), "es.ftl");
        assert_eq!(ENGLISH.faults, Vec::<String>::new(), "en.ftl");
        assert!(ENGLISH.arguments.len() > 100);
    }

    #[test]
    fn both_languages_have_the_same_keys_with_the_same_arguments() {
        for (key, arguments) in &ENGLISH.arguments {
            assert_eq!(SPANISH.arguments.get(key), Some(arguments), "`{key}` of en.ftl in es.ftl");
        }
        for key in SPANISH.arguments.keys() {
            assert!(ENGLISH.arguments.contains_key(key), "`{key}` of es.ftl is missing in en.ftl");
        }
    }

    #[test]
    fn every_message_can_be_written_without_arguments_left_open() {
        for language in Language::ALL {
            for (key, arguments) in &ENGLISH.arguments {
                let args: Vec<_> = arguments.iter().map(|name| (name.as_str(), Arg::from("x"))).collect();
                let shown = format(language, key, &args).unwrap();
                assert!(!shown.contains("{$") && !shown.contains("{ $") && !shown.is_empty(), "{key}: {shown}");
                assert!(!shown.contains('\u{2068}'), "{key} is isolated");
            }
        }
    }

    #[test]
    fn an_error_has_all_of_its_three_messages() {
        let errors = |part: &'static str| {
            let of = move |key: &str| Some(key.strip_prefix("error-")?.strip_suffix(part)?.to_owned());
            ENGLISH.arguments.keys().filter_map(move |key| of(key)).collect::<BTreeSet<_>>()
        };
        assert_eq!(errors("-what"), errors("-safe"));
        assert_eq!(errors("-what"), errors("-do"));
    }
}
