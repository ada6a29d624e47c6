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
    let mut groups: Vec<Vec<String>> = below(&help(&[])).into_iter().map(|group| vec![group]).collect();
    assert!(groups.len() > 10, "{groups:?}");
    while let Some(group) = groups.pop() {
        let group: Vec<&str> = group.iter().map(String::as_str).collect();
        let text = help(&group);
        let deeds = below(&text);
        // The row of the group, or the rows of commands without deeds.
        let name = group.join(" ");
        let row = reference.lines().find(|line| line.contains(&format!("| `{name}")));
        let row = row.unwrap_or_else(|| panic!("{name} is not in the reference"));
        for path in deeds.iter().map(|deed| [&group[..], &[deed]].concat()).chain(deeds.is_empty().then(|| group.clone())) {
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
            if !deeds.is_empty() && !below(&text).is_empty() {
                groups.push(path.into_iter().map(str::to_owned).collect());
                continue;
            }
            // What the reference shows as an option of a command is one.
            if deeds.is_empty() {
                for option in row.split(['`', ' ', '[', ']', '\\']).filter(|word| word.starts_with("--")) {
                    assert!(text.contains(option), "{name} has no {option}: {text}");
                }
            }
            leaves += 1;
        }
    }
    assert!(leaves > 56, "{leaves}");
}

/// `TRYCMD=overwrite` writes them anew.
#[test]
fn transcripts_hold() {
    let cases = trycmd::TestCases::new();
    cases.register_bin("claviger", std::path::Path::new(env!("CARGO_BIN_EXE_claviger")));
    cases.case("tests/cli/transcripts/*.trycmd").case("tests/cli/transcripts/*.toml");
}
