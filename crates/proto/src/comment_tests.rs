//! Every message, field, value and RPC of every proto says what it means, on the line above it.

use std::path::{Path, PathBuf};

#[test]
fn everything_in_the_protos_is_commented() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/relevo"), &mut files);
    assert!(files.len() > 12, "only {} protos", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("// "), "{} has no head", file.display());
        let mut before = "";
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let commented = before.starts_with("//") || !declares(line);
            assert!(commented, "{}:{}: `{line}` has no comment", file.display(), number + 1);
            before = line;
        }
    }
}

fn declares(line: &str) -> bool {
    let kinds = ["message ", "enum ", "service ", "rpc ", "oneof "];
    let assigned = line.ends_with(';') && line.contains(" = ") && !line.starts_with("syntax");
    !line.starts_with("//") && (kinds.iter().any(|kind| line.starts_with(kind)) || assigned)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
