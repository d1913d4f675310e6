//! What `make run` does: the demo starts, plays its sample traffic and shows it, and again for who comes back.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use relevo_tests::broker::binary;
use tempfile::TempDir;

/// A demo in a folder and at ports of its own; it is stopped at the end, however the test ends.
struct Demo(TempDir);

impl Demo {
    fn run(&self, what: &str, key: Option<&str>) -> Output {
        let mut bash = Command::new("bash");
        bash.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/demo.sh")).arg(what).stdin(Stdio::null());
        bash.env("DATA", self.0.path().join("data")).env("BIN", binary()).env("RELEVO_LANG", "en");
        for address in ["RELEVO__SERVER__HTTP_ADDR", "RELEVO__SERVER__GRPC_ADDR"] {
            bash.env(address, "127.0.0.1:0");
        }
        match key {
            Some(key) => bash.env("RELEVO_API_KEY", key),
            None => bash.env_remove("RELEVO_API_KEY"),
        };
        bash.output().unwrap()
    }

    fn starts(&self, key: Option<&str>) -> String {
        let output = self.run("start", key);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        said
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.run("stop", None);
    }
}

#[test]
fn the_demo_shows_its_inbox_again_whatever_key_the_tour_has_left_in_the_environment() {
    let demo = Demo(tempfile::tempdir().unwrap());
    let first = demo.starts(None);
    let inbox = |said: &str| -> Vec<String> {
        said.lines().filter(|line| line.starts_with("cnv_")).map(ToOwned::to_owned).collect()
    };
    assert!(first.contains("Relevo is starting") && inbox(&first).len() > 10, "{first}");
    // Laura's, who may not see what came on each channel.
    let again = demo.starts(Some("relevo-demo-agent"));
    assert!(again.contains("Relevo is already running"), "{again}");
    assert_eq!(inbox(&again), inbox(&first), "every sample message is there once");
}
