//! The report: rows for machines (`docs/performance.json`) and a page for people (`docs/performance.md`).
//!
//! Each part of a run keeps what it found in a file of its own, so that one part can be measured again and the page is made from all.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Target {
    /// Figure divided by limit.
    RatioAtLeast(f64),
    RatioAtMost(f64),
    /// The figure itself, in its unit.
    ValueAtMost(f64),
}

/// One figure, and the limit that was taken in the same run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    pub value: f64,
    pub unit: String,
    pub limit: Option<f64>,
    /// What the limit is, for people.
    pub against: String,
    pub target: Option<Target>,
    /// When what the figure is about was on disk: `always`, `os` or `none`.
    pub sync: String,
    pub cores: usize,
}

/// What one part of a run found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Section {
    pub part: String,
    pub title: String,
    pub rows: Vec<Row>,
    /// Markdown below the title.
    pub text: String,
    /// When it was measured, of what and on what; see [`conditions`].
    pub conditions: String,
    pub seconds: f64,
    /// Whether it was the short form, whose figures mean nothing.
    pub short: bool,
}

impl Row {
    pub fn new(name: impl Into<String>, value: f64, unit: &str, sync: &str) -> Self {
        Self {
            name: name.into(),
            value,
            unit: unit.to_owned(),
            limit: None,
            against: String::new(),
            target: None,
            sync: sync.to_owned(),
            cores: crate::procs::cores(),
        }
    }

    /// With the limit that it is measured against.
    pub fn against(mut self, limit: f64, what: &str) -> Self {
        (self.limit, self.against) = (Some(limit), what.to_owned());
        self
    }

    pub const fn should(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    pub fn ratio(&self) -> Option<f64> {
        self.limit.filter(|limit| *limit > 0.0).map(|limit| self.value / limit)
    }

    /// Whether it is as it should be; `None` if nobody said how. A figure that could not be measured is not.
    pub fn met(&self) -> Option<bool> {
        self.target.map(|target| match target {
            Target::RatioAtLeast(least) => self.ratio().is_some_and(|ratio| ratio >= least),
            Target::RatioAtMost(most) => self.ratio().is_some_and(|ratio| ratio <= most),
            Target::ValueAtMost(most) => self.value <= most,
        })
    }

    /// As `docs/performance.json` has it.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "name": self.name, "value": rounded(self.value), "unit": self.unit, "limit": self.limit.map(rounded),
            "ratio": self.ratio().map(rounded), "target": self.target.map(|target| target.words(&self.unit)),
            "met": self.met(), "sync": self.sync, "cores": self.cores,
        })
    }

    fn line(&self) -> String {
        let limit = self.limit.map_or_else(String::new, |limit| format!("{} ({})", shown(limit), self.against));
        let ratio = self.ratio().map_or_else(String::new, |ratio| format!("{} ×", shown(ratio)));
        let met = match self.met() {
            None => "",
            Some(true) => "yes",
            Some(false) => "**no**",
        };
        let target = self.target.map_or_else(String::new, |target| target.words(&self.unit));
        let (name, value, unit, sync) = (&self.name, shown(self.value), &self.unit, &self.sync);
        format!("| {name} | {value} {unit} | {limit} | {ratio} | {target} | {met} | {sync} |")
    }
}

impl Target {
    fn words(self, unit: &str) -> String {
        match self {
            Self::RatioAtLeast(least) => format!("≥ {} × the limit", shown(least)),
            Self::RatioAtMost(most) => format!("≤ {} × the limit", shown(most)),
            Self::ValueAtMost(most) => format!("≤ {} {unit}", shown(most)).trim_end().to_owned(),
        }
    }
}

/// Keeps what a part found, in place of what it found before.
pub fn keep(folder: &Path, section: &Section) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(file_of(folder, &section.part), serde_json::to_vec_pretty(section)?)
}

/// What the parts have found, in this order; those that were never run are left out.
pub fn kept(folder: &Path, parts: &[&str]) -> io::Result<Vec<Section>> {
    let files = parts.iter().map(|part| file_of(folder, part)).filter(|file| file.is_file());
    files.map(|file| Ok(serde_json::from_slice(&fs::read(file)?)?)).collect()
}

fn file_of(folder: &Path, part: &str) -> PathBuf {
    folder.join(format!("{part}.json"))
}

/// Writes both files.
pub fn write(docs: &Path, sections: &[Section]) -> io::Result<()> {
    let rows: Vec<serde_json::Value> = sections.iter().flat_map(|section| &section.rows).map(Row::json).collect();
    fs::create_dir_all(docs)?;
    fs::write(docs.join("performance.json"), format!("{:#}\n", serde_json::Value::Array(rows)))?;
    fs::write(docs.join("performance.md"), page(sections))
}

/// The page.
pub fn page(sections: &[Section]) -> String {
    let mut text = "# Performance\n\nWritten by `make bench`; do not edit. Every figure is of one run on one machine, and beside it stands the \
                    limit that was\ntaken in the same run: what the same machine does with the same bytes and nothing of Relevo. Of the two, \
                    only the ratio means\nanything on another machine.\n"
        .to_owned();
    if sections.iter().any(|section| section.short) {
        text.push_str("\n**Of the short form: that it runs is all that it says.**\n");
    }
    text.push_str(&missed(sections));
    text.push_str("\n## Targets\n");
    text.push_str(&table(sections.iter().flat_map(|section| &section.rows).filter(|row| row.target.is_some())));
    for section in sections {
        // Writing to a `String` cannot fail.
        write!(text, "\n## {}\n\n{}; {:.0} s.\n", section.title, section.conditions, section.seconds).ok();
        let mut others = section.rows.iter().filter(|row| row.target.is_none()).peekable();
        if others.peek().is_some() {
            text.push_str(&table(others));
        }
        if !section.text.is_empty() {
            write!(text, "\n{}\n", section.text.trim_end()).ok();
        }
    }
    text
}

/// The targets that are not met are named first.
fn missed(sections: &[Section]) -> String {
    let rows = sections.iter().flat_map(|section| &section.rows);
    let missed: Vec<String> =
        rows.filter(|row| row.met() == Some(false)).map(|row| format!("- {}\n", row.name)).collect();
    if missed.is_empty() { String::new() } else { format!("\nNot met in this run:\n\n{}", missed.concat()) }
}

fn table<'r>(rows: impl Iterator<Item = &'r Row>) -> String {
    let head =
        "\n| what | figure | limit of the same run | ratio | target | met | sync |\n|---|---|---|---|---|---|---|\n";
    rows.fold(head.to_owned(), |text, row| text + &row.line() + "\n")
}

/// Three digits that matter, and no more noise than that.
pub fn shown(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let plain = format!("{value:.digits$}");
    let (whole, rest) = plain.split_once('.').map_or((plain.as_str(), ""), |(whole, rest)| (whole, rest));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if rest.is_empty() { grouped } else { format!("{grouped}.{rest}") }
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// When, what and where: the versions and the machine.
pub fn conditions() -> String {
    let command = |program: &str, args: &[&str]| {
        let output = std::process::Command::new(program).args(args).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    };
    let commit = command("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "an unknown commit".to_owned());
    let changed = command("git", &["status", "--porcelain", "--untracked-files=no"]).map_or("", |_| " with changes");
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cpu = cpu.trim_start_matches(['\t', ' ', ':']);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = crate::procs::cores();
    format!("{date}, {commit}{changed}, {cores} cores ({cpu}), Linux {}", kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f64) -> Row {
        Row::new("webhook to visible", value, "/s", "always").against(5_000.0, "raw")
    }

    #[test]
    fn a_target_is_met_by_the_ratio_and_a_missing_limit_meets_nothing() {
        assert_eq!(row(8_000.0).met(), None);
        assert_eq!(row(8_000.0).should(Target::RatioAtLeast(1.6)).met(), Some(true));
        assert_eq!(row(7_999.0).should(Target::RatioAtLeast(1.6)).met(), Some(false));
        assert_eq!(row(7_999.0).should(Target::RatioAtMost(1.6)).met(), Some(true));
        let unmeasured = Row { limit: Some(0.0), ..row(1.0) }.should(Target::RatioAtMost(9.0));
        assert_eq!(unmeasured.met(), Some(false));
        assert_eq!(row(1.0).should(Target::ValueAtMost(0.0)).met(), Some(false));
    }

    #[test]
    fn a_row_has_the_nine_keys_and_a_missed_target_is_named_first() {
        let missed = row(1_000.0).should(Target::RatioAtLeast(1.6));
        let json = missed.json();
        let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut wanted = ["name", "value", "unit", "limit", "ratio", "target", "met", "sync", "cores"];
        wanted.sort_unstable();
        assert_eq!(keys, wanted);
        assert!(json["ratio"] == 0.2 && json["met"] == false);
        let page = page(&[Section { rows: vec![missed], ..Section::default() }]);
        assert!(page.find("Not met in this run").unwrap() < page.find("## Targets").unwrap());
        assert!(page.contains(
            "| webhook to visible | 1,000 /s | 5,000 (raw) | 0.200 × | ≥ 1.60 × the limit | **no** | always |"
        ));
    }

    #[test]
    fn numbers_are_short_and_grouped() {
        assert_eq!(
            [0.0, 0.123_4, 1.0, 12.34, 123.4, 1_234_567.0].map(shown),
            ["0", "0.123", "1.00", "12.3", "123", "1,234,567"]
        );
    }

    #[test]
    fn what_a_part_found_is_kept_until_it_is_measured_again() {
        let folder = tempfile::tempdir().unwrap();
        let section = |part: &str, seconds| Section { part: part.to_owned(), seconds, ..Section::default() };
        keep(folder.path(), &section("b", 1.0)).unwrap();
        keep(folder.path(), &section("a", 2.0)).unwrap();
        keep(folder.path(), &section("b", 3.0)).unwrap();
        let found: Vec<f64> = kept(folder.path(), &["a", "b", "c"]).unwrap().iter().map(|one| one.seconds).collect();
        assert_eq!(found, [2.0, 3.0]);
    }
}
