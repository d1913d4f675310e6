//! Rules about the tree itself: who may depend on whom, how a file begins, what must be documented.
//!
//! Everything here is read from the checkout (`cargo metadata --no-deps --offline` and plain files); nothing is built or started.
//! Each test names every offender at once, so that one run is enough to mend them all.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "this whole file is a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use relevo_domain::ErrorCode;

/// Allowed edges between our crates (architecture: what each crate may know). A crate that is not named here fails the test:
/// adding one is a decision (ADR 0002).
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("readstore", &[]),
    ("catalogue", &[]),
    ("testkit", &["channels"]),
    ("proto", &["domain"]),
    ("channels", &["domain"]),
    ("providers", &["domain", "channels"]),
    ("sender", &["domain", "channels", "providers", "projection", "readstore", "eventlog", "command"]),
    ("reactor", &["domain", "projection", "readstore", "eventlog", "command"]),
    ("mailbox", &["domain", "channels", "providers", "eventlog"]),
    ("bot", &["domain", "proto", "channels", "providers", "command", "query", "projection", "readstore", "eventlog"]),
    ("eventlog", &["domain", "proto"]),
    ("projection", &["domain", "eventlog", "readstore"]),
    ("command", &["domain", "eventlog", "projection", "readstore", "proto", "catalogue"]),
    ("projector-inbox", &["domain", "projection", "readstore"]),
    ("projector-assignment", &["domain", "projection", "readstore"]),
    ("projector-pause", &["domain", "projection", "readstore"]),
    ("projector-metrics", &["domain", "projection", "readstore"]),
    ("webhook", &["domain", "channels", "eventlog", "catalogue"]),
    ("intake", &["domain", "channels", "command", "eventlog", "projection", "readstore"]),
    (
        "query",
        &[
            "domain",
            "projection",
            "readstore",
            "proto",
            "catalogue",
            "projector-inbox",
            "projector-assignment",
            "projector-pause",
            "projector-metrics",
        ],
    ),
];

/// The binary wires everything, the tests drive everything.
const MAY_NAME_ALL: &[&str] = &["relevo", "tests", "benches"];

/// A heavy dependency and the only crates that may name it.
const OWNED: &[(&str, &[&str])] = &[
    ("async-nats", &["eventlog"]),
    ("rocksdb", &["readstore"]),
    ("axum", &["webhook", "relevo"]),
    ("mail-parser", &["channels"]),
    ("fluent-bundle", &["catalogue"]),
];

/// The most crates that the folder `crates` may have.
const CRATES_MAX: usize = 22;

/// The most lines that a source file may have, and the files that may have more (none).
const LINES_MAX: usize = 500;
const LONGER_FILES: &[&str] = &[];

/// Folders that are not ours to check.
const SKIPPED_FOLDERS: &[&str] = &[".git", "target", "data", "node_modules"];

#[test]
fn crates_depend_only_on_what_the_table_allows() {
    let table: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    let mut wrong = Vec::new();
    for package in packages() {
        let from = package.short.as_str();
        if MAY_NAME_ALL.contains(&from) {
            continue;
        }
        let Some(allowed) = table.get(from) else {
            wrong.push(format!("{from} is not in the table of edges"));
            continue;
        };
        for edge in &package.dependencies {
            let Some(to) = short_name(&edge.name) else { continue };
            // Tests may use the test kit, the stand-ins of providers, the view that turns are told from, and themselves with their
            // test helpers.
            let beside = matches!((from, to.as_str()), ("command", "providers") | ("bot", "projector-inbox"));
            let for_tests = edge.kind == "dev" && (to == "testkit" || beside || to == from);
            if !allowed.contains(to.as_str()) && !for_tests {
                wrong.push(format!("{from} -> {to} ({})", edge.kind));
            }
        }
    }
    assert_none(&wrong, "edges that EDGES does not allow");
}

#[test]
fn the_test_kit_is_for_tests_alone() {
    let wrong: Vec<String> = packages()
        .into_iter()
        .filter(|package| !MAY_NAME_ALL.contains(&package.short.as_str()))
        .filter(|package| package.dependencies.iter().any(|edge| edge.name == "relevo-testkit" && edge.kind != "dev"))
        .map(|package| package.short)
        .collect();
    assert_none(&wrong, "crates that ship the test kit");
}

#[test]
fn a_heavy_dependency_has_one_owner() {
    let mut wrong = Vec::new();
    for package in packages() {
        for edge in &package.dependencies {
            let owners = OWNED.iter().find(|(name, _)| *name == edge.name).map(|(_, owners)| *owners);
            if owners.is_some_and(|owners| !owners.contains(&package.short.as_str())) {
                wrong.push(format!("{} names {} ({})", package.short, edge.name, edge.kind));
            }
        }
    }
    assert_none(&wrong, "crates that name another crate's dependency");
}

#[test]
fn folders_packages_and_members_agree() {
    let root_manifest = read(&root().join("Cargo.toml"));
    let mut wrong = Vec::new();
    let packages = packages();
    for package in &packages {
        let folder = package.folder.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let expected = match folder.as_str() {
            "tests" | "benches" => format!("relevo-{folder}"),
            "crates/relevo" => "relevo".to_owned(),
            other => format!("relevo-{}", other.strip_prefix("crates/").unwrap_or(other)),
        };
        if package.name != expected {
            wrong.push(format!("{folder} holds {}, not {expected}", package.name));
        }
        if !root_manifest.contains(&format!("    \"{folder}\",\n")) {
            wrong.push(format!("{folder} is not written out in the members list"));
        }
    }
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        if folder.is_dir() && !packages.iter().any(|package| package.folder == folder) {
            wrong.push(format!("{} is no member", folder.display()));
        }
    }
    assert_none(&wrong, "folders and packages that do not agree");
    let crates = packages.iter().filter(|package| package.folder.starts_with(root().join("crates"))).count();
    assert!(crates <= CRATES_MAX, "{crates} crates: a module would do (at most {CRATES_MAX})");
}

#[test]
fn members_follow_the_path_of_a_message() {
    let manifest = read(&root().join("Cargo.toml"));
    let position = |folder: &str| manifest.find(&format!("\"crates/{folder}\"")).expect(folder);
    let path =
        ["webhook", "intake", "channels", "command", "domain", "eventlog", "projection", "projector-inbox", "query"];
    let places: Vec<usize> = path.iter().map(|folder| position(folder)).collect();
    assert!(places.is_sorted(), "the members list is the reading order: {path:?}");
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let wrong: Vec<String> = rust_files()
        .into_iter()
        .filter(|(_, text)| !text.trim().is_empty() && !text.starts_with("//! "))
        .map(|(name, _)| name)
        .collect();
    assert_none(&wrong, "files without a `//!` head");
}

#[test]
fn files_stay_short() {
    let wrong: Vec<String> = rust_files()
        .into_iter()
        .map(|(name, text)| (text.lines().count(), name))
        .filter(|(lines, name)| *lines > LINES_MAX && !LONGER_FILES.contains(&name.as_str()))
        .map(|(lines, name)| format!("{name}: {lines} lines"))
        .collect();
    assert_none(&wrong, "files longer than the limit");
}

#[test]
fn no_line_ends_in_a_space_and_every_file_ends_in_a_line_break() {
    let mut wrong = Vec::new();
    for path in files() {
        if !has_extension(&path, &["rs", "toml", "proto", "md", "ftl", "sh", "yml"]) && name_of(&path) != "Makefile" {
            continue;
        }
        let text = read(&path);
        for (index, line) in text.lines().enumerate() {
            if line.ends_with([' ', '\t', '\r']) {
                wrong.push(format!("{}:{}", relative(&path), index + 1));
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            wrong.push(format!("{}: no line break at the end", relative(&path)));
        }
    }
    assert_none(&wrong, "lines that end in a space");
}

#[test]
fn every_error_code_has_a_page_and_every_page_a_code() {
    let folder = root().join("docs/errors");
    let mut wrong: Vec<String> = ErrorCode::ALL
        .iter()
        .map(|code| folder.join(format!("{code}.md")))
        .filter(|page| !page.is_file())
        .map(|page| format!("{} is missing", relative(&page)))
        .collect();
    for page in files().into_iter().filter(|path| path.parent() == Some(folder.as_path())) {
        let stem = page.file_stem().unwrap().to_string_lossy().into_owned();
        if stem != "README" && ErrorCode::parse(&stem).is_none() {
            wrong.push(format!("{} explains no code", relative(&page)));
        }
    }
    assert_none(&wrong, "error codes and pages that do not agree");
}

#[test]
fn every_proto_element_is_commented() {
    let mut wrong = Vec::new();
    for path in files().into_iter().filter(|path| has_extension(path, &["proto"])) {
        let found = uncommented(&read(&path));
        wrong.extend(found.into_iter().map(|(line, what)| format!("{}:{line}: {what}", relative(&path))));
    }
    assert_none(&wrong, "proto elements without a comment");
}

/// The elements of a proto that no comment stands above or beside, with their lines.
fn uncommented(proto: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut statement = String::new();
    let mut commented = false;
    let mut after_comment = false;
    for (index, line) in proto.lines().map(str::trim).enumerate() {
        if line.starts_with("//") {
            after_comment = true;
            continue;
        }
        let (code, trailing) = line.split_once("//").map_or((line, false), |(code, _)| (code.trim(), true));
        if statement.is_empty() {
            commented = after_comment;
        }
        commented |= trailing;
        after_comment = false;
        if code.is_empty() {
            continue;
        }
        statement.push_str(code);
        if !code.ends_with([';', '{', '}']) {
            statement.push(' ');
            continue;
        }
        if needs_a_comment(&statement) && !commented {
            found.push((index + 1, statement.clone()));
        }
        statement.clear();
    }
    found
}

/// Fields, enum values, messages, enums, services and calls are explained; `…_UNSPECIFIED = 0` explains itself.
fn needs_a_comment(statement: &str) -> bool {
    let first = statement.split_whitespace().next().unwrap_or_default();
    match first {
        "" | "}" | "syntax" | "package" | "import" | "option" | "reserved" | "oneof" | "extensions" => false,
        "message" | "enum" | "service" | "rpc" => true,
        _ => statement.ends_with(';') && statement.contains('=') && !statement.ends_with("_UNSPECIFIED = 0;"),
    }
}

#[test]
fn no_test_waits_for_time() {
    // Written in two parts, so that this file does not name what it looks for.
    let needle = concat!("sleep", "(");
    let mut wrong = Vec::new();
    for (name, text) in rust_files() {
        let in_tests_folder = name.starts_with("tests/it/") || name.contains("/tests/");
        let whole = in_tests_folder || name.ends_with("_tests.rs") || name.ends_with("/tests.rs");
        let tests =
            if whole { Some(text.as_str()) } else { text.split_once("#[cfg(test)]\nmod ").map(|(_, after)| after) };
        if tests.is_some_and(|tests| tests.contains(needle)) {
            wrong.push(name);
        }
    }
    assert_none(&wrong, "tests that wait for time, not for a condition");
}

#[test]
fn the_documents_are_there_in_both_languages() {
    for name in ["CHANGELOG.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "LICENSE"] {
        assert!(root().join(name).is_file(), "{name} is missing");
    }
    for (english, spanish) in [
        ("README.md", "README.es.md"),
        ("docs/bots.en.md", "docs/bots.es.md"),
        ("docs/channels.en.md", "docs/channels.es.md"),
        ("docs/deploy.en.md", "docs/deploy.es.md"),
        ("docs/desk.en.md", "docs/desk.es.md"),
        ("docs/guide.en.md", "docs/guide.es.md"),
        ("docs/integrate.en.md", "docs/integrate.es.md"),
        ("docs/operate.en.md", "docs/operate.es.md"),
        ("docs/pause.en.md", "docs/pause.es.md"),
        ("docs/rest.en.md", "docs/rest.es.md"),
        ("docs/topics/README.md", "docs/topics/README.es.md"),
    ] {
        let [english_levels, spanish_levels] = [english, spanish].map(|name| heading_levels(&read(&root().join(name))));
        assert_eq!(
            english_levels, spanish_levels,
            "{english} and {spanish} have the same headings, each in its language"
        );
        let [english_code, spanish_code] = [english, spanish].map(|name| commands(&read(&root().join(name))));
        assert_eq!(english_code, spanish_code, "{english} and {spanish} show the same commands");
    }
    assert!(read(&root().join("ARCHITECTURE.md")).contains("## Life of an inbound message"));
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut wrong = Vec::new();
    for path in files().into_iter().filter(|path| has_extension(path, &["md"])) {
        for target in links(&read(&path)) {
            let file = target.split('#').next().unwrap_or_default();
            let away = target.contains("://") || target.starts_with("mailto:");
            if !away && !file.is_empty() && !path.parent().unwrap().join(file).exists() {
                wrong.push(format!("{} -> {target}", relative(&path)));
            }
        }
    }
    assert_none(&wrong, "links that lead nowhere");
}

#[test]
fn the_rules_can_fail() {
    let proto = "// Said.\nmessage A {\n  // Said.\n  string a = 1;\n  string b = 2;\n\n  repeated\n    string c = 3;\n}\nenum E {\n";
    let lines: Vec<usize> = uncommented(proto).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [5, 8, 10]);
    assert_eq!(heading_levels("# a\n```sh\n# no heading\n```\n## b\n"), [1, 2]);
    assert_eq!(commands("```sh\nls  # all\n```\n```json\n{}\n```\n"), ["ls"]);
    assert_eq!(links("[a](b.md#c) `[no](x)` [d](https://e)"), ["b.md#c", "https://e"]);
    assert_eq!(short_name("relevo-domain").as_deref(), Some("domain"));
    assert_eq!(short_name("tokio"), None);
}

// --- reading the checkout ---

/// One package of the workspace, as cargo describes it.
struct Package {
    name: String,
    /// The name as the table of edges has it.
    short: String,
    folder: PathBuf,
    dependencies: Vec<Edge>,
}

struct Edge {
    name: String,
    /// normal, dev or build.
    kind: String,
}

fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

fn package(value: &serde_json::Value) -> Package {
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let name = text(&value["name"]).unwrap();
    let manifest = PathBuf::from(text(&value["manifest_path"]).unwrap());
    let dependencies = value["dependencies"].as_array().unwrap().iter().map(|edge| Edge {
        name: text(&edge["name"]).unwrap(),
        kind: text(&edge["kind"]).unwrap_or_else(|| "normal".to_owned()),
    });
    Package {
        short: short_name(&name).unwrap_or_else(|| name.clone()),
        folder: manifest.parent().unwrap().to_owned(),
        dependencies: dependencies.collect(),
        name,
    }
}

/// `relevo-domain` is `domain`, `relevo` is itself, and what is not ours is nothing.
fn short_name(package: &str) -> Option<String> {
    if package == "relevo" { Some(package.to_owned()) } else { package.strip_prefix("relevo-").map(str::to_owned) }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !SKIPPED_FOLDERS.contains(&name_of(&path).as_str()) {
                    folders.push(path);
                }
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn rust_files() -> Vec<(String, String)> {
    files().into_iter().filter(|path| has_extension(path, &["rs"])).map(|path| (relative(&path), read(&path))).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned()
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
}

/// The levels of a document's headings, in order; fenced code is not looked at.
fn heading_levels(text: &str) -> Vec<usize> {
    outside_of_code(text)
        .filter(|line| line.starts_with('#'))
        .map(|line| line.chars().take_while(|c| *c == '#').count())
        .collect()
}

/// The command lines that a document shows, without their comments: they are the same in every language.
fn commands(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside && line.trim_start_matches('`') == "sh";
        } else if inside {
            found.push(line.split(" # ").next().unwrap_or_default().trim_end().to_owned());
        }
    }
    found
}

/// The targets of a document's links; code, fenced or in a line, is not looked at.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in outside_of_code(text) {
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for part in prose.split("](").skip(1) {
            found.extend(part.split([')', ' ']).next().map(str::to_owned));
        }
    }
    found
}

fn outside_of_code(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter(move |line| {
        if line.starts_with("```") {
            inside = !inside;
            return false;
        }
        !inside
    })
}

fn assert_none(wrong: &[String], what: &str) {
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
}
