//! The pages that show commands are typed against a fresh demo, as a newcomer would: every command ends as the page says, and
//! prints what the page shows. Ids, times, positions, durations and hashes are of one run; everything else is compared.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use relevo_tests::Broker;
use relevo_tests::broker::binary;

/// Stands before the binary on the PATH. People read later than intake and a view need, scripts do not: before a command everything
/// that was posted is handled, and every view has all that is on the log.
const PATIENT: &str = r#"#!/bin/bash
admin() { "$RELEVO_REAL" --api-key relevo-demo-admin --json "$@"; }
handled() { admin intake status | grep -q '"backlog":"0"'; }
# What is on its way to the stand-in has arrived, waits for its next attempt, or is not going to.
moving='"SEND_STATE_(QUEUED|SENDING|ACCEPTED|SENT|DELIVERED)"'
arrived() {
  local said
  said=$(admin conversation messages "$1" --newest-first --limit 20)
  ! grep -Eq "$moving" <<<"$said" || grep -q '"next_attempt_at":"' <<<"$said"
}
listens() { (exec 3<>"/dev/tcp/${STAND_IN/://}") 2>/dev/null; }
behind() { admin view status | grep -Eq '"lag":"[1-9]|"VIEW_STATE_(STARTING|CATCHING_UP)"'; }
for _ in {1..500}; do handled && break; done
case "$*" in
channel\ *wa-prueba* | channel\ add\ *) for _ in {1..2000}; do listens && break; done ;;
template\ *wa-prueba* | channel\ list*) for _ in {1..200}; do admin template list wa-prueba | grep -q '"approved"' && break; done ;;
*\ cnv_*) for _ in {1..40}; do arrived "$(grep -o -m 1 'cnv_[0-9a-z]*' <<<"$*")" && break; done ;;
esac
for _ in {1..500}; do handled && break; done
case "$*" in
*--watch*) ;;
*) for _ in {1..500}; do behind || break; done ;;
esac
exec "$RELEVO_REAL" "$@"
"#;

#[tokio::test]
async fn the_walk_through_the_desk_is_true_in_english() {
    typed("docs/desk.en.md", "en").await;
}

#[tokio::test]
async fn the_walk_through_the_desk_is_true_in_spanish() {
    typed("docs/desk.es.md", "es").await;
}

#[tokio::test]
async fn the_page_about_pausing_is_true_in_both_languages() {
    typed("docs/pause.en.md", "en").await;
    typed("docs/pause.es.md", "es").await;
}

#[tokio::test]
async fn the_page_about_many_conversations_is_true_in_both_languages() {
    typed("docs/bulk.en.md", "en").await;
    typed("docs/bulk.es.md", "es").await;
}

#[tokio::test]
async fn the_operators_page_is_true_in_both_languages() {
    typed("docs/operate.en.md", "en").await;
    typed("docs/operate.es.md", "es").await;
}

#[tokio::test]
async fn the_page_about_json_over_http_is_true_in_both_languages() {
    typed("docs/rest.en.md", "en").await;
    typed("docs/rest.es.md", "es").await;
}

/// The tour of the README shows no output, only commands; two of them are refused, as the text says.
#[tokio::test]
async fn the_tour_of_the_readme_can_be_taken() {
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    let tour = page.split("\n## ").find(|part| part.starts_with("A tour")).unwrap();
    // The PATH of the page leads to the release binary.
    let tour: Vec<&str> = tour.lines().filter(|line| !line.starts_with("export PATH=")).collect();
    let blocks = blocks(&tour.join("\n"));
    let said = run(&Broker::start().await, &blocks, "en");
    let exits: Vec<_> = said.iter().flat_map(|said| said.exits.clone()).collect();
    assert_eq!(exits, ["4", "4"], "{said:#?}");
}

/// What needs accounts, or is in a page that shows no output, is not typed; but its commands and flags exist.
#[test]
fn every_command_of_every_page_exists() {
    let refused = |line: &str| {
        // What a page has from an earlier command.
        let script =
            format!("seen=1 before=p1-1\nrelevo() {{ \"$RELEVO_REAL\" \"$@\" --help >/dev/null 2>&1; }}\n{line}");
        let mut bash = Command::new("bash");
        bash.arg("-c").arg(script).env("RELEVO_REAL", binary()).stdin(Stdio::null());
        !bash.status().unwrap().success()
    };
    assert!(refused("relevo channel add meta wa --labell x") && !refused("relevo channel add meta wa --label x"));
    let mut commands = BTreeMap::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let shown = text.split("\n```").filter_map(|part| part.strip_prefix("sh\n")).flat_map(str::lines);
        for line in shown.filter(|line| line.starts_with("relevo ")) {
            let command = line.split(" | ").next().unwrap().split(" >").next().unwrap();
            commands.insert(command.to_owned(), page.clone());
        }
    }
    assert!(commands.len() > 100, "only {} commands were found", commands.len());
    let wrong: Vec<_> = commands.into_iter().filter(|(command, _)| refused(command)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Every page that people read.
fn pages() -> Vec<PathBuf> {
    let folders = [".", "docs", "examples/stand-in", "examples/python", "examples/inbox-web"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "md")).collect()
}

#[test]
fn only_what_is_of_one_run_is_not_compared() {
    let masked = |line: &str| mask(line);
    assert_eq!(masked("Window until  22/11 05:01"), masked("Window until 23:59"));
    assert_eq!(masked("Paused · position p1-9"), masked("Paused · position p1-12"));
    assert_eq!(masked("1  4 s  cnv_7gesm8zfs1hhg8ny6m6tahy6sy"), masked("1  109 ms  cnv_5scxx070hcgrrtybcdewaj7ax3"));
    assert_eq!(masked("14  2026-11-21 17:40:06  wks  v1"), masked("12  2026-11-21 21:41:09  wks  v1"));
    assert_eq!(masked("1 min 0 s  3 h 12 min  x"), masked("58 s  4 min 5 s  x"));
    for (one, other) in [
        ("4 s  5 s", "1 min 5 s"),
        ("open 12", "open 13"),
        ("Active · —", "Paused · —"),
        ("version 4", "version 5"),
        ("", "x"),
    ] {
        assert_ne!(masked(one), masked(other));
    }
}

/// Types the page and compares.
async fn typed(page: &str, language: &str) {
    let broker = Broker::start().await;
    let play = Command::new(binary())
        .args(["demo", "play", "--list", "--timeout", "60s", "--http", &broker.http, "--server", &broker.grpc])
        .output()
        .unwrap();
    assert!(play.status.success(), "{}", String::from_utf8_lossy(&play.stderr));
    let blocks = blocks(&fs::read_to_string(root().join(page)).unwrap());
    let said = run(&broker, &blocks, language);
    assert_eq!(blocks.len(), said.len(), "the shell ended early: {said:#?}");
    let mut wrong = Vec::new();
    for (block, said) in blocks.iter().zip(&said) {
        let shown: Vec<String> = block.shown.iter().map(|line| mask(line)).collect();
        let printed: Vec<String> = said.lines.iter().map(|line| mask(line)).collect();
        if shown != printed || block.exits != said.exits {
            wrong.push(format!("{:#?}\nends with {:?} and prints\n{}", block, said.exits, said.lines.join("\n")));
        }
    }
    if std::env::var_os(REWRITE).is_some() && !wrong.is_empty() {
        rewrite(page, &blocks, &said);
    }
    assert!(wrong.is_empty(), "{page} is not what happens:\n{}", wrong.join("\n\n"));
}

/// Set, a page that is not what happens gets what happens, where the two differ; the test fails all the same. For whoever changed what
/// commands print: read what it did before you keep it.
const REWRITE: &str = "RELEVO_DOCS_REWRITE";

fn rewrite(page: &str, blocks: &[Block], said: &[Said]) {
    let path = root().join(page);
    let text = fs::read_to_string(&path).unwrap();
    let (mut lines, mut at) = (text.lines().map(str::to_owned).collect::<Vec<_>>(), 0);
    for (block, said) in blocks.iter().zip(said) {
        let same = |(shown, printed): (&String, &String)| mask(shown) == mask(printed);
        let kept = block.shown.len() == said.lines.len() && block.shown.iter().zip(&said.lines).all(same);
        let Some(found) = lines[at..].windows(block.shown.len().max(1)).position(|lines| lines == block.shown) else {
            continue;
        };
        let (start, end) = (at + found, at + found + block.shown.len());
        at = if kept { end } else { start + said.lines.len() };
        if !kept {
            lines.splice(start..end, said.lines.iter().cloned());
        }
    }
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

/// Commands of a page, and what it says that they print.
#[derive(Debug, Default)]
struct Block {
    commands: Vec<String>,
    shown: Vec<String>,
    /// Statuses of the commands that do not succeed, as their comments say.
    exits: Vec<String>,
}

/// What a block really printed.
#[derive(Debug, Default)]
struct Said {
    lines: Vec<String>,
    exits: Vec<String>,
}

/// The `sh` blocks of a page but for those that are said not to run, each with the `text` block that follows it.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut inside, mut skipped) = ("", false);
    for line in page.lines() {
        match (inside, line) {
            ("", "```sh") => {
                inside = if skipped { "skipped" } else { "sh" };
                if !skipped {
                    blocks.push(Block::default());
                }
            }
            ("", "```text") => inside = "text",
            ("", fence) if fence.starts_with("```") => inside = "other",
            ("", prose) => skipped = prose.starts_with("<!-- not run"),
            (_, "```") => (inside, skipped) = ("", false),
            (kind, line) => {
                let Some(block) = blocks.last_mut() else { continue };
                match kind {
                    "sh" => {
                        block.exits.extend(line.split_once(" # exit status ").map(|(_, status)| status.to_owned()));
                        block.commands.push(line.to_owned());
                    }
                    "text" => block.shown.push(line.to_owned()),
                    _ => {}
                }
            }
        }
    }
    blocks
}

/// Types the blocks into one shell.
fn run(broker: &Broker, blocks: &[Block], language: &str) -> Vec<Said> {
    let folder = tempfile::tempdir().unwrap();
    let patient = folder.path().join("relevo");
    fs::write(&patient, PATIENT).unwrap();
    fs::set_permissions(&patient, fs::Permissions::from_mode(0o700)).unwrap();
    let mut script = "exec 2>&1\nset -E\ntrap 'echo \"@@exit $?\"' ERR\n".to_owned();
    for block in blocks {
        script.push_str("echo @@begin\n");
        script.push_str(&block.commands.join("\n"));
        script.push('\n');
    }
    // The stand-in for a provider ends with the shell.
    let script = format!("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}")
        .replace("http://127.0.0.1:8480", &broker.http);
    let stand_in = stand_in(folder.path(), broker);
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .arg("-c")
        .arg(script)
        .env("PATH", path)
        .env("RELEVO_REAL", binary())
        .env("RELEVO_SERVER", &broker.grpc)
        .env("RELEVO_HTTP", &broker.http)
        .env("STAND_IN", stand_in)
        .current_dir(folder.path())
        .env("RELEVO_LANG", language)
        .env("RELEVO_TIMEOUT", "30s")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("RELEVO_API_KEY")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut said: Vec<Said> = Vec::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        match (line, line.strip_prefix("@@exit "), said.last_mut()) {
            ("@@begin", _, _) => said.push(Said::default()),
            (_, Some(status), Some(block)) => block.exits.push(status.to_owned()),
            (_, None, Some(block)) => block.lines.push(line.to_owned()),
            (_, _, None) => panic!("before the first command: {line}"),
        }
    }
    // Empty lines at the end of a block are not worth a line in a page.
    for block in &mut said {
        while block.lines.last().is_some_and(String::is_empty) {
            block.lines.pop();
        }
    }
    said
}

/// The stand-in for a provider with this broker's addresses, where a newcomer has it. Says where it listens.
fn stand_in(folder: &Path, broker: &Broker) -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let there = folder.join("examples/stand-in");
    fs::create_dir_all(&there).unwrap();
    for file in ["meta.py", "channel.toml"] {
        let text = fs::read_to_string(root().join("examples/stand-in").join(file)).unwrap();
        let text = text.replace("http://127.0.0.1:8480", &broker.http).replace("127.0.0.1:8482", &free);
        fs::write(there.join(file), text).unwrap();
    }
    free
}

/// A line without what is of one run: spaces of columns, ids, times, positions, durations, sizes, hashes.
fn mask(line: &str) -> String {
    const UNITS: [&str; 8] = ["ms", "s", "min", "h", "B", "kB", "MB", "GB"];
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut masked: Vec<String> = Vec::with_capacity(words.len());
    for (place, word) in words.iter().enumerate() {
        let number = word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let next = words.get(place + 1).copied().unwrap_or_default();
        let unit = UNITS.contains(word) && masked.last().is_some_and(|before| before == "some");
        // A time of today has no date.
        let date = is_date(word) && next.contains(':');
        // Where a commit stands on the log: what several people write at the same time is stored in any order.
        let sequence = place == 0 && number && next.matches('-').count() == 2;
        // `1 min 5 s` is one duration, as `58 s` is.
        let rest = place > 0 && matches!((words[place - 1], next), ("min", "s") | ("h", "min"));
        if number && UNITS.contains(&next) || sequence {
            if !rest {
                masked.push("some".to_owned());
            }
        } else if !unit && !date {
            masked.push(mask_word(word));
        }
    }
    masked.join(" ")
}

/// `22/11`
fn is_date(word: &str) -> bool {
    word.len() == 5 && word.as_bytes()[2] == b'/'
}

fn mask_word(word: &str) -> String {
    if let Some((name, _)) = word.split_once("command_id=") {
        return format!("{name}command_id=");
    }
    if word.starts_with("AgAG") {
        return "AgAG…".to_owned();
    }
    // What makes a number be of one run: it is part of a time, a day or a position, or of something long.
    let moment = [":", "/", "p1-"].iter().any(|sign| word.contains(sign)) || word.matches('-').count() == 2;
    let mut masked = String::new();
    let mut run = String::new();
    for c in word.chars().chain(['\0']) {
        if c.is_ascii_alphanumeric() {
            run.push(c);
            continue;
        }
        // Ids have 26 characters behind their prefix, hashes 64, ids in base64 22 or more.
        if run.len() >= 22 {
            masked.push('~');
        } else if moment {
            masked.extend(run.chars().filter(|c| !c.is_ascii_digit()));
        } else {
            masked.push_str(&run);
        }
        run.clear();
        if c != '\0' {
            masked.push(c);
        }
    }
    masked
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
