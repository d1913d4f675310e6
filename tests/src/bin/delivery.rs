//! Runs the table of deliveries, the kill proofs and the bad input on real parts: the broker in its own process, stand-ins for Meta
//! and Twilio, Dovecot and Exim. An argument runs only the cases whose name contains it.
//!
//! Ends with one line, and with 0 only if it reads so: `delivery: N cases, 0 wrong, 0 double sends, 0 lost`.
#![expect(clippy::print_stdout, reason = "a harness for the terminal")]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use relevo_tests::delivery::cases::Tally;
use relevo_tests::delivery::{Cases, Rig, Verdict, Wanted, bad, failures, kills, mail, statuses, types, window};

/// Cases on the one rig at a time, and cases that bring a rig of their own.
const AT_A_TIME: usize = 12;
const RIGS_AT_A_TIME: usize = 4;
/// A table of fewer cases has lost some.
const CASES_MIN: usize = 60;
/// Mails whose way into the inbox is measured, while nothing else happens.
const MEASURED: usize = 10;

#[tokio::main]
async fn main() -> ExitCode {
    tokio::task::LocalSet::new().run_until(run()).await
}

async fn run() -> ExitCode {
    let only = std::env::args().nth(1).unwrap_or_default();
    let rig = Arc::new(Rig::start(Wanted { mail: true, ..Wanted::default() }).await);
    let measured = measured(&rig, &only).await;
    let mut cases = Cases::default();
    cases.extend(types::cases(&rig));
    cases.extend(statuses::cases(&rig));
    cases.extend(failures::cases(&rig));
    cases.extend(mail::cases(&rig));
    cases.extend(window::cases(&rig));
    cases.extend(bad::cases(&rig));
    let (table, killed) =
        tokio::join!(cases.only(&only).run(AT_A_TIME, told), kills::cases().only(&only).run(RIGS_AT_A_TIME, told));
    let cases = measured.cases + table.cases + killed.cases;
    let wrong = measured.wrong.len() + table.wrong.len() + killed.wrong.len();
    let doubled = rig.doubles();
    let lost = rig.lost().await;
    for one in &doubled {
        println!("sent twice: {one}");
    }
    for one in &lost {
        println!("without an end: {} of {}", one.message, one.conversation);
    }
    let doubles = doubled.len() + kills::DOUBLES.load(Ordering::SeqCst);
    let lost = lost.len() + kills::LOST.load(Ordering::SeqCst);
    let whole = cases >= CASES_MIN || !only.is_empty();
    if !whole {
        println!("delivery: fewer than {CASES_MIN} cases");
    }
    println!("delivery: {cases} cases, {wrong} wrong, {doubles} double sends, {lost} lost");
    if wrong == 0 && doubles == 0 && lost == 0 && whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How long mails take from the server's 250 to the inbox: each is a case.
async fn measured(rig: &Arc<Rig>, only: &str) -> Tally {
    let mut tally = Tally::default();
    let mut longest = Duration::ZERO;
    for n in 1..=MEASURED {
        let name = format!("a mail is in the inbox by IDLE within a second ({n})");
        if !name.contains(only) {
            continue;
        }
        tally.cases += 1;
        match mail::arrives_by_idle(rig).await {
            Ok(took) => longest = longest.max(took),
            Err(wrong) => {
                told(&name, Duration::ZERO, &Err(wrong.clone()));
                tally.wrong.push((name, wrong));
            }
        }
    }
    if tally.cases > 0 {
        println!("{} mails are in the inbox by IDLE, the slowest after {} ms", tally.cases, longest.as_millis());
    }
    tally
}

fn told(name: &str, took: Duration, verdict: &Verdict) {
    match verdict {
        Ok(()) => println!("{:>6.1} s  {name}", took.as_secs_f64()),
        Err(wrong) => println!("WRONG     {name}\n  expected: {}\n  seen: {}", wrong.expected, wrong.seen),
    }
}
