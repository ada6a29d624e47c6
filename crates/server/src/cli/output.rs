//! Answers as people or programs want them: table, JSON or YAML.

use std::io::{ErrorKind, Write as _};

use comfy_table::{Table, presets};
use serde_json::Value;

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
    Yaml,
}

impl Format {
    pub fn print(self, value: &Value, columns: &[&str]) -> Result<(), String> {
        say(self.text(value, columns))
    }

    fn text(self, value: &Value, columns: &[&str]) -> String {
        match self {
            Self::Json => format!("{value:#}\n"),
            Self::Yaml => serde_norway::to_string(value).expect("JSON can be written as YAML"),
            Self::Table => match value["data"].as_array() {
                Some(rows) => list(rows, columns, value["next_cursor"].as_str()),
                None => one(value),
            },
        }
    }
}

/// Writes to standard output. A reader that has gone, such as `head`, has heard enough: that is no failure.
pub fn say(text: impl AsRef<[u8]>) -> Result<(), String> {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_ref()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("standard output: {error}")),
        _ => Ok(()),
    }
}

fn list(rows: &[Value], columns: &[&str], next_cursor: Option<&str>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(columns.iter().map(|column| column.to_uppercase()));
    for row in rows {
        table.add_row(columns.iter().map(|column| cell(&row[*column])));
    }
    let more = next_cursor.map(|cursor| format!("\nmore: --cursor {cursor}")).unwrap_or_default();
    format!("{table}{more}\n")
}

fn one(value: &Value) -> String {
    let Some(fields) = value.as_object() else { return String::new() };
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (field, value) in fields {
        table.add_row([field.clone(), cell(value)]);
    }
    format!("{table}\n")
}

/// A value in one line. Control characters of customers' texts do not reach the terminal.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    text.chars().filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_shows_its_columns_and_how_to_go_on() {
        let value = json!({ "data": [{ "id": "org_1", "name": "A\u{1b}[31m", "tags": ["x", "y"] }], "next_cursor": "abc" });
        let text = Format::Table.text(&value, &["id", "name", "tags"]);
        assert!(text.contains("ID") && text.contains("org_1") && text.contains("x y") && text.contains("--cursor abc"), "{text}");
        assert!(!text.contains('\u{1b}'), "no escape sequence reaches the terminal");
    }
}
