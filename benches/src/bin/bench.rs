//! `make bench`: everything that Relevo's speed is promised by, each figure beside the limit that was taken in the same run.
//!
//! `bench [--short] [--conversations N] [--seed N] [--docs FOLDER] [--profile] [PART…]`; without a part all of them. Each part keeps
//! what it found below `CARGO_TARGET_DIR`; with `--docs` the report is written there from what all parts have kept.
//! `bench export FILE [LINES]` writes the trace for a peer. Fails if one of the four counters is not nought, or, in the full form, if a
//! target is not met.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a harness for the terminal")]

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use relevo_benches::counts::Counters;
use relevo_benches::parts::{self, ALL, Options, peer};
use relevo_benches::report::{self, Section};
use relevo_benches::request::export;
use relevo_benches::trace::Plan;

/// As the broker has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const CONVERSATIONS: u64 = 1_000_000;
const BRIEF_CONVERSATIONS: u64 = 2_000;
const SEED: u64 = 1;
/// Lines of an exported trace, unless it is said.
const EXPORTED: u64 = 20_000;

/// What was asked for.
struct Asked {
    options: Options,
    docs: Option<PathBuf>,
    parts: Vec<String>,
}

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if given.first().is_some_and(|word| word == "export") {
        return match exported(given.get(1), given.get(2)) {
            Ok(lines) => {
                println!("bench: {lines} lines written");
                ExitCode::SUCCESS
            }
            Err(error) => fail(&error),
        };
    }
    let asked = match asked(&given) {
        Ok(asked) => asked,
        Err(error) => return fail(&error),
    };
    match run(&asked) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(&error),
    }
}

fn fail(error: &io::Error) -> ExitCode {
    eprintln!("bench: {error}");
    ExitCode::FAILURE
}

fn asked(given: &[String]) -> io::Result<Asked> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let short = given.iter().any(|word| word == "--short");
    let folder = target.join("relevo-bench");
    let conversations = if short { BRIEF_CONVERSATIONS } else { CONVERSATIONS };
    let mut asked = Asked {
        options: Options { short, folder, conversations, seed: SEED, profile: None },
        docs: None,
        parts: Vec::new(),
    };
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{what}; see the head of bench.rs"));
    let mut profile = false;
    let mut words = given.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| wrong(&format!("{word} needs a value")));
        let number = |text: &String| text.parse().map_err(|_unreadable| wrong(&format!("{text} is no number")));
        match word.as_str() {
            "--short" => {}
            "--profile" => profile = true,
            "--conversations" => asked.options.conversations = number(value()?)?,
            "--seed" => asked.options.seed = number(value()?)?,
            "--docs" => asked.docs = Some(PathBuf::from(value()?)),
            "--folder" => asked.options.folder = PathBuf::from(value()?),
            part if ALL.contains(&part) => asked.parts.push(part.to_owned()),
            other => return Err(wrong(&format!("{other} is no part"))),
        }
    }
    // Beside the page that links to them.
    let pictures = || {
        asked.docs.as_ref().map_or_else(|| asked.options.folder.join("performance"), |docs| docs.join("performance"))
    };
    asked.options.profile = profile.then(pictures);
    Ok(asked)
}

/// Runs the parts one after the other. Answers whether everything is as it should be.
fn run(asked: &Asked) -> io::Result<bool> {
    let options = &asked.options;
    let kept = options.folder.join(if options.short { "found-short" } else { "found" });
    let wanted = |part: &str| asked.parts.is_empty() || asked.parts.iter().any(|given| given == part);
    let (mut counters, mut sections) = (Counters::default(), Vec::new());
    for part in ALL.into_iter().filter(|part| wanted(part)) {
        relevo_benches::tell(&format!("part {part}"));
        let Some((section, found)) = measure(part, options)? else { continue };
        counters.lost += found.lost;
        counters.duplicated += found.duplicated;
        counters.misordered += found.misordered;
        counters.double_assigned += found.double_assigned;
        report::keep(&kept, &section)?;
        sections.push(section);
    }
    print!("{}", report::page(&sections));
    if let Some(docs) = &asked.docs {
        report::write(docs, &report::kept(&kept, &ALL)?)?;
    }
    let met = sections.iter().flat_map(|section| &section.rows).all(|row| row.met() != Some(false));
    println!("\nbench: {counters}");
    Ok(counters == Counters::default() && met)
}

/// Runs one part on a runtime of its own. What generates load has one thread, so that it cannot take the machine.
fn measure(part: &str, options: &Options) -> io::Result<Option<(Section, Counters)>> {
    let one = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let many = || tokio::runtime::Runtime::new();
    let none = Counters::default();
    Ok(Some(match part {
        "trace" => one.block_on(parts::trace::run(options))?,
        "limits" => (one.block_on(parts::limits::run(options))?, none),
        "lists" => (many()?.block_on(parts::lists::run(options))?, none),
        "rebuild" => (many()?.block_on(parts::rebuild::run(options))?, none),
        "pausing" => (many()?.block_on(parts::pausing::run(options))?, none),
        "memory" => (one.block_on(parts::memory::run(options))?, none),
        "peer" => return one.block_on(peer::run(options)),
        _ => return Ok(None),
    }))
}

/// Writes the trace as JSON lines; see `benches/peers/README.md`.
fn exported(file: Option<&String>, count: Option<&String>) -> io::Result<u64> {
    let file = Path::new(file.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "export needs a file"))?);
    let lines = count.and_then(|count| count.parse().ok()).unwrap_or(EXPORTED);
    export(file, Plan { seed: SEED, part: peer::PART, lines })
}
