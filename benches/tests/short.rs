//! The short form of `bench`: every part runs against real processes, and loses, doubles, mis-orders and double-assigns nothing.
//!
//! What it measures means nothing here: a test's machine does other things beside it, and its binaries are not made for speed.
#![expect(clippy::unwrap_used, reason = "this whole file is a test")]

use std::process::Command;

use serde_json::Value;

const KEYS: [&str; 9] = ["cores", "limit", "met", "name", "ratio", "sync", "target", "unit", "value"];

/// Runs these parts into a folder of their own; answers with the rows of `performance.json`.
fn bench(parts: &[&str]) -> Vec<Value> {
    let temp = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command.arg("--short").arg("--folder").arg(temp.path().join("folder")).arg("--docs").arg(temp.path().join("docs"));
    let output = command.args(parts).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, told) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{said}\n{told}", output.status);
    assert!(said.contains("bench: 0 lost, 0 duplicated, 0 mis-ordered, 0 double-assigned"), "{said}");
    assert!(temp.path().join("docs/performance.md").is_file());
    let json = std::fs::read(temp.path().join("docs/performance.json")).unwrap();
    let rows: Vec<Value> = serde_json::from_slice(&json).unwrap();
    for row in &rows {
        let mut keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, KEYS, "{row}");
    }
    rows
}

fn named(rows: &[Value], start: &str) -> f64 {
    let row = rows.iter().find(|row| row["name"].as_str().unwrap().starts_with(start));
    row.unwrap_or_else(|| panic!("no {start}: {rows:#?}"))["value"].as_f64().unwrap()
}

#[test]
fn the_trace_goes_through_a_real_broker_and_nothing_is_lost_doubled_misordered_or_taken_twice() {
    let rows = bench(&["trace"]);
    assert!(named(&rows, "webhook to visible, closed loop, 16 clients") > 0.0);
    assert!(named(&rows, "webhook to visible p99, open loop") > 0.0);
    assert!(named(&rows, "bytes on disk a message") > 0.0);
    for counter in ["lost", "duplicated", "mis-ordered", "double-assigned"] {
        let row = rows.iter().find(|row| row["name"] == counter).unwrap();
        assert!(row["value"] == 0.0 && row["met"] == true, "{row}");
    }
}

#[test]
fn every_other_part_runs_and_has_its_limit_beside_it() {
    let rows = bench(&["limits", "lists", "rebuild", "pausing", "memory"]);
    assert!(rows.len() >= 8, "{rows:#?}");
    for start in ["list page, first page", "rebuild of all views", "PauseBot p99", "memory of nats-server"] {
        assert!(named(&rows, start) > 0.0);
        let row = rows.iter().find(|row| row["name"].as_str().unwrap().starts_with(start)).unwrap();
        assert!(row["limit"].as_f64().unwrap() > 0.0 && row["ratio"].as_f64().unwrap() > 0.0, "{row}");
    }
}
