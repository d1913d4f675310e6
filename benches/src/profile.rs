//! Where the time goes: samples of a process by `perf`, as a flame graph and as the frames that were on top.
//!
//! Optional: without `perf` a run says so and goes on. The graph is drawn here, because what it needs is little: frames of less than
//! a few thousandths are left out, so that a file stays small.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Samples a second and core. Not a round number, so that it does not beat with timers.
const HERTZ: &str = "199";
/// Bytes of each stack that are looked at.
const STACK: &str = "dwarf,8192";
/// Frames below this share of all samples, in thousands, are not drawn.
const SHARE_MIN: u64 = 3;
/// How deep it is drawn: below lies what every future and every thread begins with.
const DEPTH_MAX: usize = 60;
/// Frames in the table.
const TOP: usize = 20;
const WIDTH: f64 = 1_200.0;
const ROW: f64 = 16.0;
/// Letters that fit into the width.
const LETTERS: u64 = 180;

/// Samples being taken.
#[derive(Debug)]
pub struct Recording {
    child: Child,
    file: PathBuf,
}

/// What samples say.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    root: Frame,
    /// Samples whose innermost frame this was.
    own: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, Default)]
struct Frame {
    samples: u64,
    callees: BTreeMap<String, Frame>,
}

/// Begins to sample a process; `None` if there is no `perf`, or it may not.
pub fn record(folder: &Path, name: &str, pid: u32) -> Option<Recording> {
    std::fs::create_dir_all(folder).ok()?;
    let file = folder.join(format!("{name}.data"));
    let mut command = Command::new("perf");
    command.args(["record", "-q", "-F", HERTZ, "--call-graph", STACK, "-p", &pid.to_string(), "-o"]).arg(&file);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if child.is_err() {
        crate::tell("perf is not there: no profile");
    }
    Some(Recording { child: child.ok()?, file })
}

impl Recording {
    /// Ends it and reads what was found.
    pub fn finish(mut self) -> io::Result<Profile> {
        let pid = i32::try_from(self.child.id()).map_err(io::Error::other)?;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGINT)?;
        self.child.wait()?;
        let mut command = Command::new("perf");
        command.args(["script", "--no-inline", "-F", "comm,ip,sym", "-i"]).arg(&self.file);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let profile = Profile::read(BufReader::new(out).lines())?;
        child.wait()?;
        std::fs::remove_file(&self.file)?;
        Ok(profile)
    }
}

impl Profile {
    /// Reads what `perf script` writes: a line for the thread, its frames from the innermost out, an empty line.
    fn read(lines: impl Iterator<Item = io::Result<String>>) -> io::Result<Self> {
        let (mut profile, mut frames) = (Self::default(), Vec::new());
        for line in lines {
            let line = line?;
            if line.starts_with([' ', '\t']) {
                // `   55d0c0ffee symbol`, without the address.
                let symbol = line.trim_start().split_once(' ').map_or("", |(_ip, symbol)| symbol);
                frames.push(short(symbol));
            } else {
                profile.add(&mut frames);
            }
        }
        profile.add(&mut frames);
        Ok(profile)
    }

    fn add(&mut self, frames: &mut Vec<String>) {
        let Some(innermost) = frames.first() else { return };
        *self.own.entry(innermost.clone()).or_default() += 1;
        self.root.samples += 1;
        let mut frame = &mut self.root;
        for name in frames.drain(..).rev().filter(|name| !name.is_empty()) {
            frame = frame.callees.entry(name).or_default();
            frame.samples += 1;
        }
    }

    /// How many samples there are.
    pub const fn samples(&self) -> u64 {
        self.root.samples
    }

    /// The frames that most samples were in themselves, as a table in Markdown.
    pub fn table(&self) -> String {
        let mut own: Vec<(&String, &u64)> = self.own.iter().collect();
        own.sort_by_key(|(name, samples)| (std::cmp::Reverse(**samples), *name));
        let mut text = "| own time | frame |\n|---|---|\n".to_owned();
        for (name, samples) in own.into_iter().take(TOP) {
            let share = *samples as f64 * 100.0 / self.root.samples.max(1) as f64;
            // Writing to a `String` cannot fail.
            writeln!(text, "| {share:.1} % | `{}` |", name.replace('|', "\\|")).ok();
        }
        text
    }

    /// The flame graph, the outermost frames below.
    pub fn svg(&self, title: &str) -> String {
        let depth = depth(&self.root, self.least()).min(DEPTH_MAX);
        let height = (depth as f64 + 2.0) * ROW;
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"monospace\" font-size=\"11\">\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><text x=\"4\" y=\"12\">{}: {} samples</text>\n",
            escaped(title),
            self.root.samples
        );
        self.draw(&mut text, &self.root, 0.0, height - ROW, 0);
        text.push_str("</svg>\n");
        text
    }

    fn least(&self) -> u64 {
        (self.root.samples * SHARE_MIN).div_ceil(1_000)
    }

    fn draw(&self, text: &mut String, frame: &Frame, left: f64, top: f64, depth: usize) {
        if depth >= DEPTH_MAX {
            return;
        }
        let mut left = left;
        for (name, callee) in frame.callees.iter().filter(|(_, callee)| callee.samples >= self.least()) {
            let share = callee.samples as f64 / self.root.samples.max(1) as f64;
            let width = share * WIDTH;
            let letters = (callee.samples * LETTERS / self.root.samples.max(1)) as usize;
            let label: String = if letters >= 3 { name.chars().take(letters).collect() } else { String::new() };
            writeln!(
                text,
                "<g><title>{} {:.1} %</title><rect x=\"{left:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{:.0}\" fill=\"{}\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{}</text></g>",
                escaped(name),
                share * 100.0,
                (width - 0.3).max(0.2),
                ROW - 1.0,
                colour(name),
                left + 2.0,
                top + 11.0,
                escaped(&label)
            )
            .ok();
            self.draw(text, callee, left, top - ROW, depth + 1);
            left += width;
        }
    }
}

fn depth(frame: &Frame, least: u64) -> usize {
    let callees = frame.callees.values().filter(|callee| callee.samples >= least);
    callees.map(|callee| 1 + depth(callee, least)).max().unwrap_or(0)
}

/// Ours are told from what others wrote.
fn colour(name: &str) -> &'static str {
    match name {
        name if name.contains("relevo") => "#f5a35c",
        name if name.contains("rocksdb") => "#9ec9e2",
        name if name.contains("tokio") || name.contains("hyper") || name.contains("tonic") || name.contains("h2::") => {
            "#d9d9d9"
        }
        _ => "#f3dfa2",
    }
}

/// A symbol without its hash and its type parameters.
fn short(symbol: &str) -> String {
    let symbol = symbol.trim();
    let symbol = symbol.rsplit_once("::h").filter(|(_, hash)| hash.len() == 16).map_or(symbol, |(name, _)| name);
    let (mut name, mut inside) = (String::new(), 0_usize);
    for letter in symbol.chars() {
        match letter {
            '<' if !name.is_empty() => inside += 1,
            '>' if inside > 0 => inside -= 1,
            letter if inside == 0 => name.push(letter),
            _ => {}
        }
    }
    name
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "\
relevo-worker
\t    55d0c0 relevo_query::list::rows::h0123456789abcdef
\t    55d0c1 tokio::runtime::task::harness::Harness<T,S>::poll
\t    55d0c2 start_thread

relevo-worker
\t    55d0d0 memcpy
\t    55d0c0 relevo_query::list::rows::h0123456789abcdef
\t    55d0c1 tokio::runtime::task::harness::Harness<T,S>::poll
\t    55d0c2 start_thread
";

    #[test]
    fn stacks_are_counted_from_the_outside_and_drawn() {
        let profile = Profile::read(SCRIPT.lines().map(|line| Ok(line.to_owned()))).unwrap();
        assert_eq!(profile.samples(), 2);
        assert!(profile.table().contains("| 50.0 % | `relevo_query::list::rows` |"), "{}", profile.table());
        let svg = profile.svg("a & b");
        assert!(svg.contains("a &amp; b: 2 samples") && svg.contains("<title>memcpy 50.0 %</title>"), "{svg}");
        assert!(svg.contains("<title>tokio::runtime::task::harness::Harness::poll 100.0 %</title>"), "{svg}");
        assert_eq!(depth(&profile.root, 1), 4);
    }
}
