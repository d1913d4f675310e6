//! Files that are refused: with every fault, its place and its line.

use super::super::{FILE_BYTES_MAX, PROBLEMS_MAX, REGEXES_MAX, RULES_MAX, Rules, STEPS_MAX, What};

fn problems(text: &str) -> Vec<String> {
    Rules::parse(text).expect_err(text).problems.iter().map(ToString::to_string).collect()
}

fn one(text: &str) -> String {
    let problems = problems(text);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.into_iter().next().unwrap()
}

/// One line a number.
fn lines(numbers: impl Iterator<Item = usize>, line: impl Fn(usize) -> String) -> String {
    numbers.map(line).collect::<Vec<_>>().concat()
}

/// A file with this rule alone.
fn rule(body: &str) -> String {
    one(&format!("rules:\n  - {{ name: a, {body} }}\nsteps:\n  fin: {{ text: Chau }}\n"))
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_path_and_line() {
    let file = "\
menus: carousel
greeting: { goto: hola, after_hours: 0 }
colour: red
rules:
  - name: Precios
    keywords: [precio, '?!']
    text: '{contact.age}'
  - keywords: [x]
    goto: nowhere
steps:
  hola:
    text: ''
  hola:
    text: otra
  menu:
    menu:
      text: Elija
      choices:
        - { title: Un título que no cabe en un botón, goto: hola }
        - { title: B, goto: gone, icon: x }
";
    assert_eq!(
        problems(file),
        [
            "line 1: menus: expected: buttons, text",
            "line 2: greeting.after_hours: not from 1 to 720",
            "line 3: the file: unknown key `colour`; known here: menus, greeting, fallback, without_text, rules, steps",
            "line 5: rules[0].name: `Precios` is not a name: 1 to 32 of a-z, 0-9 and -",
            "line 6: rules[0].keywords[1]: has no word of letters or digits",
            "line 7: rules[0].text: there is no variable `{contact.age}`",
            "line 8: rules[1]: the key `name` is missing",
            "line 9: rules[1].goto: there is no step `nowhere`",
            "line 12: steps.hola.text: empty",
            "line 13: steps: the key `hola` stands here twice",
            "line 19: steps.menu.menu.choices[0].title: longer than 20 characters",
            "line 20: steps.menu.menu.choices[1]: unknown key `icon`; known here: id, title, description, goto",
            "line 20: steps.menu.menu.choices[1].goto: there is no step `gone`",
        ]
    );
}

#[test]
fn what_is_not_a_plain_yaml_map_is_refused() {
    assert_eq!(one("rules: ["), "line 1: the file: not YAML: unclosed bracket '['");
    assert_eq!(one(""), "line 1: the file: empty");
    assert_eq!(one("# nothing\n"), "line 1: the file: empty");
    assert_eq!(one("- a"), "line 1: the file: expected: map");
    assert_eq!(one("{}"), "line 1: the file: at least one of rules, greeting, fallback is needed");
    assert_eq!(one("rules: []"), "line 1: rules: empty");
    assert_eq!(one("rules: 7"), "line 1: rules: expected: list");
    assert_eq!(one("rules:\n"), "line 1: rules: expected: list");
    assert_eq!(one("rules: [7]"), "line 1: rules[0]: expected: map");
    assert_eq!(one("a: 1\n---\nb: 2\n"), "line 2: the file: not YAML: a second document");
    for text in ["a: &x 1\nb: *x\n", "a: !!str b", "a: !ruby/object b", "b: *x"] {
        assert!(
            one(text).contains("anchors, aliases and tags") || one(text).contains("not YAML"),
            "{text}: {}",
            one(text)
        );
    }
}

#[test]
fn a_small_file_that_would_become_a_large_one_is_refused_at_its_first_anchor() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (from, to) in ["a", "b", "c", "d", "e", "f", "g", "h"].iter().zip(["b", "c", "d", "e", "f", "g", "h", "i"]) {
        let many = vec![format!("*{from}"); 9].join(", ");
        bomb = format!("{bomb}{to}: &{to} [{many}]\n");
    }
    assert_eq!(one(&bomb), "line 1: the file: anchors, aliases and tags are not part of the format");
}

#[test]
fn what_is_too_deep_too_big_or_too_many_is_refused() {
    assert_eq!(
        one(&format!("rules: {}{}", "[".repeat(200), "]".repeat(200))),
        "line 1: the file: nested deeper than 10 levels"
    );
    let big = format!("# {}\n", "x".repeat(FILE_BYTES_MAX));
    assert_eq!(one(&big), "line 1: the file: larger than 524288 bytes");
    let rules = lines(0..=RULES_MAX, |n| format!("  - {{ name: r{n}, keywords: [w{n}], text: x }}\n"));
    assert_eq!(one(&format!("rules:\n{rules}")), "line 2: rules: more than 200");
    let steps = lines(0..=STEPS_MAX, |n| format!("  s{n}: {{ text: x }}\n"));
    assert_eq!(one(&format!("steps:\n{steps}")), "line 2: steps: more than 200");
    let many = lines(0..300, |n| format!("k{n}: 1\n"));
    let refused = Rules::parse(&many).unwrap_err();
    assert!(refused.more && refused.problems.len() == PROBLEMS_MAX);
    assert!(refused.to_string().ends_with('…'));
    let keywords = vec!["a"; 51].join(", ");
    assert_eq!(rule(&format!("keywords: [{keywords}], goto: fin")), "line 2: rules[0].keywords: more than 50");
}

#[test]
fn a_file_of_nothing_but_beginnings_is_refused_at_once() {
    for beginning in
        ["[", "{", "- ", "? ", "a: ", "[[]", "{a: ", "[{", "'", "\"", "|", "&a ", "!", "%", "--- ", "# ", "\n", ": "]
    {
        let file = beginning.repeat(FILE_BYTES_MAX / beginning.len());
        let start = std::time::Instant::now();
        assert!(Rules::parse(&file).is_err(), "{beginning}");
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "{beginning}: {:?}", start.elapsed());
    }
}

#[test]
fn texts_keep_the_limits_of_the_channel_with_the_longest_name() {
    let text = |chars: usize, rest: &str| format!("keywords: [a], text: '{}{rest}'", "x".repeat(chars));
    let fits = format!("rules:\n  - {{ name: a, {} }}\n", text(4_096 - 60, "{contact.name}"));
    assert!(Rules::parse(&fits).is_ok());
    assert_eq!(rule(&text(4_097, "")), "line 2: rules[0].text: longer than 4096 characters");
    assert_eq!(rule(&text(4_037, "{contact.name}")), "line 2: rules[0].text: longer than 4096 characters");
    assert_eq!(
        rule(&format!("keywords: [{}], goto: fin", "x".repeat(81))),
        "line 2: rules[0].keywords[0]: longer than 80 characters"
    );
    let note = format!("keywords: [a], handoff: '{}'", "x".repeat(4_001));
    assert_eq!(rule(&note), "line 2: rules[0].handoff: longer than 4000 characters");
}

#[test]
fn a_rule_listens_to_something_and_does_one_thing() {
    assert_eq!(rule("goto: fin"), "line 2: rules[0]: at least one of keywords, regex, choices is needed");
    assert_eq!(
        rule("keywords: [a]"),
        "line 2: rules[0]: at least one of text, quick_reply, menu, goto, handoff is needed"
    );
    assert_eq!(rule("keywords: [], goto: fin"), "line 2: rules[0].keywords: empty");
    assert_eq!(rule("keywords: [''], goto: fin"), "line 2: rules[0].keywords[0]: empty");
    assert_eq!(rule("keywords: {a: b}, goto: fin"), "line 2: rules[0].keywords: expected: list");
    assert_eq!(rule("keywords: [[a]], goto: fin"), "line 2: rules[0].keywords[0]: expected: text");
    assert_eq!(
        rule("keywords: [a], text: x, quick_reply: y"),
        "line 2: rules[0]: only one of text, quick_reply, menu is possible"
    );
    assert_eq!(
        rule("keywords: [a], quick_reply: 'Mal Nombre'"),
        "line 2: rules[0].quick_reply: `Mal Nombre` is not a name: 1 to 32 of a-z, 0-9 and -"
    );
    let after_a_menu = "keywords: [a], menu: { text: x, choices: [{ title: F, goto: fin }] }, goto: fin";
    assert_eq!(rule(after_a_menu), "line 2: rules[0]: only one of menu, goto, handoff is possible");
    let twice = "rules:\n  - { name: a, keywords: [a], text: x }\n  - { name: a, keywords: [b], text: y }\n";
    assert_eq!(one(twice), "line 3: rules[1].name: `a` is there already");
}

#[test]
fn words_of_yaml_are_words_of_the_customer() {
    let file = "rules: [{ name: a, keywords: [no, on, 2, 1.5, true], text: 'no' }]";
    let rules = Rules::parse(file).unwrap();
    let turn = super::turn(vec![], vec![super::customer("¡NO!")]);
    assert_eq!(super::done(&rules, &turn), ["say no"]);
}

#[test]
fn a_menu_is_one_that_the_channel_can_show() {
    let menu = |inside: &str| rule(&format!("keywords: [a], menu: {{ {inside} }}"));
    let choice = |n: usize| format!("{{ title: T{n}, id: i{n}, goto: fin }}");
    let many = |count: usize| (0..count).map(choice).collect::<Vec<_>>().join(", ");
    assert_eq!(menu(&format!("choices: [{}]", many(1))), "line 2: rules[0].menu: the key `text` is missing");
    assert_eq!(menu("text: x"), "line 2: rules[0].menu: the key `choices` is missing");
    assert_eq!(menu("text: x, choices: []"), "line 2: rules[0].menu.choices: empty");
    assert_eq!(menu(&format!("text: x, choices: [{}]", many(4))), "line 2: rules[0].menu.choices: more than 3");
    let list = |count| format!("text: x, button: Ver, choices: [{}]", many(count));
    assert_eq!(menu(&list(11)), "line 2: rules[0].menu.choices: more than 10");
    assert!(
        Rules::parse(&format!(
            "rules: [{{ name: a, keywords: [a], menu: {{ {} }} }}]\nsteps: {{ fin: {{ text: x }} }}",
            list(10)
        ))
        .is_ok()
    );
    let same = "text: x, choices: [{ title: A, goto: fin }, { title: B, goto: fin }]";
    assert_eq!(menu(same), "line 2: rules[0].menu.choices[1]: `fin` is there already");
    let title = "text: x, choices: [{ title: A, id: a, goto: fin }, { title: A, id: b, goto: fin }]";
    assert_eq!(menu(title), "line 2: rules[0].menu.choices[1]: `A` is there already");
    let described = "text: x, choices: [{ title: A, description: d, goto: fin }]";
    assert_eq!(menu(described), "line 2: rules[0].menu: the key `button` is missing");
    let long = format!("text: '{}', choices: [{}]", "x".repeat(1_025), many(1));
    assert_eq!(menu(&long), "line 2: rules[0].menu.text: longer than 1024 characters");
}

#[test]
fn one_id_leads_to_one_step() {
    let file = "\
rules: [{ name: a, keywords: [a], goto: uno }]
steps:
  uno: { menu: { text: x, choices: [{ title: A, id: si, goto: fin }] } }
  zwei: { menu: { text: x, choices: [{ title: A, id: si, goto: uno }] } }
  fin: { text: Chau }
";
    assert_eq!(one(file), "line 4: steps.zwei.menu: the id `si` leads to another step elsewhere");
}

#[test]
fn steps_that_go_round_without_a_word_of_the_customer_are_refused_once() {
    let file = "\
rules: [{ name: a, keywords: [a], goto: a }]
steps:
  c: { text: c, goto: a }
  a: { text: a, goto: b }
  b: { goto: c }
  self: { text: x, goto: self }
  into: { text: x, goto: b }
";
    assert_eq!(
        problems(file),
        [
            "line 4: steps.a: goes round without a word of the customer: a → b → c → a",
            "line 6: steps.self: goes round without a word of the customer: self → self",
        ]
    );
    // A menu waits for the customer: whoever wants to go round may.
    let menu = "\
rules: [{ name: a, keywords: [a], goto: a }]
steps:
  a: { menu: { text: x, choices: [{ title: B, goto: b }] } }
  b: { text: b, goto: a }
";
    assert!(Rules::parse(menu).is_ok());
}

#[test]
fn nobody_is_told_six_messages_in_a_row() {
    let chain = |count: usize| {
        let steps = lines(1..count, |n| format!("  s{n}: {{ text: x, goto: s{} }}\n", n + 1));
        format!("rules: [{{ name: a, keywords: [a], goto: s1 }}]\nsteps:\n{steps}  s{count}: {{ text: x }}\n")
    };
    assert!(Rules::parse(&chain(5)).is_ok());
    assert!(problems(&chain(6)).contains(&"line 3: steps.s1: says more than 5 messages in a row".to_owned()));
}

#[test]
fn expressions_are_of_limited_size_and_number_and_match_something() {
    let regex = |pattern: &str| rule(&format!("regex: '{pattern}', goto: fin"));
    for bomb in [r"(\w{1,50}){1,50}", r"((a{1,100}){1,100}){1,100}", r"(\pL{1,100}){50}x", r"[^x]{5000}"] {
        assert_eq!(regex(bomb), "line 2: rules[0].regex: too big a regular expression", "{bomb}");
    }
    let deep = format!("{}a{}", "(".repeat(200), ")".repeat(200));
    assert!(regex(&deep).contains("not a regular expression: "), "{}", regex(&deep));
    assert!(regex("(").contains("not a regular expression: unclosed group"), "{}", regex("("));
    assert!(regex(r"(a)\1").contains("backreferences are not supported"));
    assert!(regex(r"a(?=b)").contains("look-around"));
    assert_eq!(regex("a*"), "line 2: rules[0].regex: matches every message");
    assert_eq!(regex(&"a".repeat(501)), "line 2: rules[0].regex: longer than 500 characters");
    let rules = lines(0..=REGEXES_MAX, |n| format!("  - {{ name: r{n}, regex: 'a{n}', text: x }}\n"));
    assert_eq!(one(&format!("rules:\n{rules}")), "line 52: rules[50].regex: more than 50");
}

#[test]
fn an_expression_that_backtracks_elsewhere_takes_no_time_here() {
    let rules = Rules::parse("rules: [{ name: a, regex: '(a+)+$', text: x }]").unwrap();
    let turn = super::turn(vec![super::bot("x")], vec![super::customer(&format!("{}!", "a".repeat(16_000)))]);
    let start = std::time::Instant::now();
    assert_eq!(super::done(&rules, &turn).len(), 1);
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_counted_fallback_says_something_that_can_be_counted() {
    let fallback = |inside: &str, step: &str| {
        one(&format!("fallback: {{ {inside} }}\nsteps:\n  no: {{ {step} }}\n  fin: {{ text: Chau }}\n"))
    };
    assert_eq!(
        fallback("goto: no, times: 2, then: fin", "quick_reply: perdon"),
        "line 1: fallback: a counted fallback has to say a text or a menu of its own"
    );
    assert_eq!(fallback("goto: no, times: 2", "text: x"), "line 1: fallback: the key `then` is missing");
    assert_eq!(fallback("goto: no, then: fin", "text: x"), "line 1: fallback: the key `times` is missing");
    assert_eq!(fallback("goto: no, times: 6, then: fin", "text: x"), "line 1: fallback.times: not from 1 to 5");
    assert_eq!(fallback("goto: no, times: dos, then: fin", "text: x"), "line 1: fallback.times: expected: number");
    assert_eq!(fallback("times: 1, then: fin", "text: x"), "line 1: fallback: the key `goto` is missing");
}

#[test]
fn whatever_is_wrong_has_words_in_both_languages() {
    let every = [
        What::Yaml(String::new()),
        What::FileTooBig { limit: 1 },
        What::TooDeep { limit: 1 },
        What::NotPlain,
        What::UnknownKey { key: String::new(), known: "" },
        What::Twice { key: String::new() },
        What::Missing { key: "" },
        What::Expected { wanted: "" },
        What::Empty,
        What::TooLong { limit: 1 },
        What::TooMany { limit: 1 },
        What::OutOfRange { least: 1, most: 1 },
        What::BadName { name: String::new() },
        What::Duplicate { value: String::new() },
        What::NoStep { step: String::new() },
        What::Loop { steps: String::new() },
        What::LongChain { limit: 1 },
        What::Excludes { keys: "" },
        What::NeedsOneOf { keys: "" },
        What::NoWord,
        What::UnknownVariable { name: String::new() },
        What::BadRegex { reason: String::new() },
        What::RegexTooBig,
        What::RegexMatchesAll,
        What::ChoiceLeadsTwice { id: String::new() },
        What::NotCountable,
    ];
    let catalogues =
        [include_str!("../../../../catalogue/src/en.ftl"), include_str!("../../../../catalogue/src/es.ftl")];
    for what in every {
        for catalogue in catalogues {
            let line = catalogue.lines().find(|line| line.starts_with(&format!("{} = ", what.key())));
            let line = line.unwrap_or_else(|| panic!("{} has no words", what.key()));
            for (name, _) in what.args() {
                assert!(line.contains(&format!("{{ ${name} }}")), "{line} does not say {name}");
            }
        }
    }
}
