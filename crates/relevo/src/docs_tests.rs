//! Command lines in the documents are command lines of this binary. What they print is another test's matter (`tests/it/docs.rs`).

use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};

use crate::Relevo;

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = Vec::new();
    let examples = ["examples/inbox-web", "examples/python", "examples/stand-in"];
    for folder in ["", "docs", "docs/adr", "docs/errors", "docs/topics"].into_iter().chain(examples) {
        let Ok(entries) = fs::read_dir(root.join(folder)) else { continue };
        pages
            .extend(entries.flatten().map(|entry| entry.path()).filter(|path| path.extension() == Some("md".as_ref())));
    }
    pages.sort();
    pages
}

#[test]
fn every_command_line_of_a_page_parses() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let mut inside = false;
        for line in text.lines() {
            if line.starts_with("```") {
                inside = !inside && line == "```sh";
            } else if inside {
                for command in commands(line) {
                    seen += 1;
                    if let Err(error) = Relevo::try_parse_from(&command) {
                        wrong.push(format!("{}: {}\n  {error}", page.display(), command.join(" ")));
                    }
                }
            }
        }
    }
    assert!(seen > 100, "only {seen} command lines");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// In a sentence a command may be without its arguments; its name and its flags exist.
#[test]
fn every_command_in_a_sentence_exists() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let prose: Vec<&str> = text.split("```").step_by(2).collect();
        for code in prose.iter().flat_map(|prose| prose.split('`').skip(1).step_by(2)) {
            // A choice (`a|b`) stands for its first; a placeholder in a name (`relevo-x`, `relevo.events`) is no command.
            if code.starts_with("relevo ") {
                seen += 1;
                let words = words(code).into_iter().map(|word| word.split('|').next().unwrap_or_default().to_owned());
                if let Err(word) = exists(&words.collect::<Vec<_>>()) {
                    wrong.push(format!("{}: `{code}`: {word}", page.display()));
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} commands");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_line_is_taken_apart_as_a_shell_does() {
    let taken = |line: &str| commands(line).into_iter().map(|words| words.join("|")).collect::<Vec<_>>();
    assert_eq!(taken(r#"relevo log show "$id" --content  # all"#), ["relevo|log|show|1|--content"]);
    assert_eq!(taken("id=$(relevo tag list --json | grep 'relevo x')"), ["relevo|tag|list|--json"]);
    assert_eq!(taken("timeout 2 relevo pause list && relevo tag list"), ["relevo|pause|list", "relevo|tag|list"]);
    assert_eq!(
        taken("relevo tag create 'Two words' --colour '#1b998b' >x"),
        ["relevo|tag|create|Two words|--colour|#1b998b"]
    );
    assert!(taken("export PATH=$HOME/relevo bin").is_empty());
    assert!(exists(&["relevo", "pause", "cut"].map(str::to_owned)).is_err());
    assert!(exists(&["relevo", "pause", "list", "--none"].map(str::to_owned)).is_err());
    assert!(exists(&["relevo", "pause", "list", "--by", "person"].map(str::to_owned)).is_ok());
}

/// Whether the command and its flags exist; else the word that does not.
fn exists(words: &[String]) -> Result<(), String> {
    let mut root = Relevo::command();
    // Global flags come to the inner commands only then.
    root.build();
    let mut command = &root;
    for word in words.iter().skip(1) {
        if let Some(flag) = word.strip_prefix("--") {
            let flag = flag.split(['=', ',']).next().unwrap_or_default();
            let known = flag == "help" || command.get_arguments().any(|argument| argument.get_long() == Some(flag));
            if !known {
                return Err(word.clone());
            }
        } else if let Some(inner) = command.find_subcommand(word) {
            command = inner;
        } else if command.get_positionals().next().is_none() && command.has_subcommands() && !word.contains(['…', '<'])
        {
            return Err(word.clone());
        }
    }
    Ok(())
}

/// The calls of this binary in a line of a shell, each as its words; variables are a number, which is good as a name too.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = line;
    let mut from = 0;
    while let Some(at) = rest[from..].find("relevo ") {
        let (before, after) = (rest[..from + at].trim_end(), &rest[from + at..]);
        let limited = before.rsplit_once("timeout ").is_some_and(|(_, time)| time.bytes().all(|b| b.is_ascii_digit()));
        // A quote before it that was not closed: it is a word of something else.
        let quoted = before.matches('\'').count() % 2 == 1;
        let starts = before.is_empty() || before.ends_with(['(', '|', ';', '&', '{']) || limited;
        if starts && !quoted {
            found.push(words(after));
        }
        rest = after;
        from = "relevo ".len();
    }
    found
}

/// The words of one command, up to where the shell would end it.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '$') => {
                while letters.next_if(|next| next.is_ascii_alphanumeric() || *next == '_').is_some() {}
                word.get_or_insert_default().push('1');
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#') if word.is_none() => break,
            (None, '|' | ')' | ';' | '&' | '>') if word.is_none() || letter != '|' => break,
            (Some(_) | None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}
