//! The words of the command line: help of every command, and transcripts of what needs no server.

use crate::running::{claviger, run};

fn help(path: &[&str]) -> String {
    let mut command = claviger();
    command.args(path).arg("--help");
    run(command, "").done()
}

/// Commands below this one, as its help lists them.
fn below(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_explains_itself_and_stands_in_the_reference() {
    let reference = include_str!("../../../../docs/reference/cli.md");
    let mut leaves = 0;
    let groups = below(&help(&[]));
    assert!(groups.len() > 10, "{groups:?}");
    for group in &groups {
        let text = help(&[group]);
        let deeds = below(&text);
        // The row of the group, or the rows of commands without deeds.
        let row = reference.lines().find(|line| line.contains(&format!("| `{group}")));
        let row = row.unwrap_or_else(|| panic!("{group} is not in the reference"));
        for path in deeds.iter().map(|deed| vec![group.as_str(), deed]).chain(deeds.is_empty().then(|| vec![group.as_str()])) {
            let text = help(&path);
            let mut lines = text.lines();
            assert!(
                lines.next().is_some_and(|about| !about.is_empty() && !about.starts_with("Usage")),
                "{path:?} says what it does: {text}"
            );
            assert!(text.contains(&format!("Usage: claviger {}", path.join(" "))), "{path:?}: {text}");
            assert!(
                path.last().is_some_and(|word| row.contains(&format!("`{word}")) || row.contains(&format!(" {word}`"))),
                "{path:?} is not in: {row}"
            );
            // What the reference shows as an option of a command is one.
            if deeds.is_empty() {
                for option in row.split(['`', ' ', '[', ']', '\\']).filter(|word| word.starts_with("--")) {
                    assert!(text.contains(option), "{group} has no {option}: {text}");
                }
            }
            leaves += 1;
        }
    }
    assert!(leaves > 40, "{leaves}");
}

/// `TRYCMD=overwrite` writes them anew.
#[test]
fn transcripts_hold() {
    let cases = trycmd::TestCases::new();
    cases.register_bin("claviger", std::path::Path::new(env!("CARGO_BIN_EXE_claviger")));
    cases.case("tests/cli/transcripts/*.trycmd").case("tests/cli/transcripts/*.toml");
}
