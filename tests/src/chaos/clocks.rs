//! Clocks that jump under a running node, and two nodes whose clocks are ten minutes apart.
//!
//! The processes themselves are shown another time (`clock.c`, loaded before the C library), which they read as they read any clock;
//! how long something takes they measure on a clock that nobody sets, and that stays as it is.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use relevo_domain::ErrorCode;
use relevo_proto::Problem;
use relevo_testkit::NatsServer;
use serde_json::Value;

use super::kills::with_a_bot_and;
use super::promises::Findings;
use super::{Report, stored};
use crate::broker::cli_with;
use crate::delivery::desk::{Desk, text};
use crate::delivery::kills::{burst, ended};
use crate::delivery::rig::{META, Rig, Wanted, key};
use crate::{Broker, eventually_within};

/// How far the second node's clock is ahead, in seconds.
const AHEAD: i64 = 10 * 60;
/// How long what is due may take to come to pass.
const DUE_WITHIN: Duration = Duration::from_secs(20);
/// In seconds.
const HOUR: i64 = 60 * 60;

/// A clock that can be set.
pub struct Clock {
    folder: tempfile::TempDir,
}

// === impl Clock ===

impl Clock {
    /// One that is right. Compiles the few lines that a process reads it through.
    pub fn right() -> Self {
        let clock = Self { folder: tempfile::tempdir().unwrap() };
        let source = clock.folder.path().join("clock.c");
        std::fs::write(&source, include_str!("clock.c")).unwrap();
        let mut compile = Command::new("cc");
        compile.args(["-O1", "-shared", "-fPIC", "-o"]).arg(clock.library()).arg(&source);
        let compiled = compile.output().expect("a C compiler; run `make setup`");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        clock.set(0);
        clock
    }

    /// Sets it to the right time and so many seconds.
    pub fn set(&self, seconds: i64) {
        // In place: processes have the file mapped.
        let mut file = File::options().create(true).truncate(false).write(true).open(self.file()).unwrap();
        file.write_all(&seconds.to_ne_bytes()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("clock.so")
    }

    /// What makes a process read this clock.
    pub fn env(&self) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        vec![("LD_PRELOAD".to_owned(), text(self.library())), ("RELEVO_CLOCK".to_owned(), text(self.file()))]
    }
}

/// Runs both.
pub async fn run() -> Report {
    let clock = Clock::right();
    let mut findings = jumps(&clock).await;
    clock.set(AHEAD);
    findings.add(apart(&clock).await);
    Report::of("clocks", 0, findings)
}

/// One node, whose clock jumps forwards and backwards.
async fn jumps(clock: &Clock) -> Findings {
    let (rig, _rules) = with_a_bot_and(None, clock.env()).await;
    let (_, timed) = rig.customer(META).await.unwrap();
    let (to, fenced) = rig.customer(META).await.unwrap();
    pause(&rig, &timed, &["--for", "1h"]);
    pause(&rig, &fenced, &[]);
    let bot = Desk::at(&rig.broker, "asistente", &rig.ledger);
    let at_pause = rig.meta.received(&to);

    clock.set(2 * HOUR);
    over(&rig, &timed, 1).await;
    silent(&bot, &fenced).await;

    clock.set(-HOUR);
    silent(&bot, &fenced).await;
    // Set an hour before the time that it has been: it is over when that hour is.
    pause(&rig, &timed, &["--for", "10m"]);
    silent(&bot, &timed).await;
    assert_eq!(resumed_by_time(&rig, &timed), 1, "a clock that goes back ends no pause again");
    let sent = rig.desk().say(&fenced, "De una persona").await.unwrap();
    rig.desk().reaches(&sent, relevo_proto::query::v1::SendState::Read).await.unwrap();

    clock.set(0);
    over(&rig, &timed, 2).await;
    silent(&bot, &fenced).await;
    assert_eq!(rig.meta.received(&to), at_pause + 1, "only the person's message goes to whose bot is paused");
    let log = stored::commits(stored::own(&rig.broker.data())).await;
    let mut findings = stored::whole(&log);
    findings.doubled.extend(rig.doubles());
    findings
}

/// Two nodes on one log, one ten minutes ahead: what one has claimed looks old to the other.
async fn apart(clock: &Clock) -> Findings {
    let nats = NatsServer::start().await;
    let rig = Rig::start(Wanted { nats: Some(nats.url()), ..Wanted::default() }).await;
    let mut setup = rig.other_node(&nats.url());
    setup.env.extend(clock.env());
    let other = Broker::start_with(setup).await;
    let there = Desk::at(&other, "laura", &rig.ledger);
    let sent = burst(&rig, &rig.desk(), &there).await.unwrap();
    ended(&rig, &there, &sent).await.unwrap();
    let log = stored::commits(stored::external(&nats.url())).await;
    let mut findings = stored::whole(&log);
    findings.doubled.extend(rig.doubles());
    findings
}

/// Pauses by the command line, whose times are worked out by the node.
fn pause(rig: &Rig, conversation: &str, more: &[&str]) {
    let args = [&["conversation", "pause", conversation, "--reason", "complaint"], more].concat();
    let (code, _, err) = cli_with(&rig.broker, &key("laura"), &args);
    assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
}

/// Waits until a pause is over, and has been by time so many times.
async fn over(rig: &Rig, conversation: &str, times: usize) {
    let active = async || {
        let (code, out, _) = cli_with(&rig.broker, &key("laura"), &["conversation", "show", conversation, "--json"]);
        let shown: Value = serde_json::from_str(&out).ok()?;
        (code == 0 && shown["conversation"]["bot"] == "BOT_STATE_ACTIVE").then_some(())
    };
    eventually_within("the pause is over", DUE_WITHIN, active).await;
    assert_eq!(resumed_by_time(rig, conversation), times, "pauses that ended by time");
}

fn resumed_by_time(rig: &Rig, conversation: &str) -> usize {
    let (code, out, err) = cli_with(&rig.broker, &key("laura"), &["conversation", "messages", conversation, "--json"]);
    assert_eq!(code, 0, "{err}");
    out.matches("TIMELINE_CAUSE_TIMER").count()
}

/// The bot may not write.
async fn silent(bot: &Desk, conversation: &str) {
    let refused = bot.try_send(conversation, text("hola")).await;
    let code = refused.as_ref().err().and_then(Problem::from_status).map(|problem| problem.code);
    assert_eq!(code, Some(ErrorCode::BotPaused), "{refused:?}");
}
