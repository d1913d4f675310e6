//! docs/integrate shows the examples, and the examples run: every line of a snippet stands in them.

use std::path::{Path, PathBuf};

#[test]
fn every_snippet_of_the_integration_page_is_the_examples_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = String::new();
    for folder in ["examples/inbox-web/src", "examples/python"] {
        for file in files(&root.join(folder)) {
            sources.push_str(&std::fs::read_to_string(file).unwrap());
        }
    }
    let known: std::collections::HashSet<&str> = sources.lines().map(str::trim).collect();
    let pages = ["en", "es"]
        .map(|language| std::fs::read_to_string(root.join(format!("docs/integrate.{language}.md"))).unwrap());
    let snippets = pages.each_ref().map(|page| snippets(page));
    assert!(snippets[0].len() > 20, "only {} lines", snippets[0].len());
    assert_eq!(snippets[0], snippets[1], "the two languages show different code");
    for line in &snippets[0] {
        assert!(known.contains(line), "not in the examples: {line}");
    }
}

/// Source files of the folder itself; what is generated stands below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|end| end == "ts" || end == "py")).collect()
}

/// The lines of TypeScript and Python, without their indentation.
fn snippets(page: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line.trim() {
            "```ts" | "```python" => inside = true,
            "```" => inside = false,
            "" => {}
            code if inside => lines.push(code),
            _ => {}
        }
    }
    lines
}
