//! What reports are written with.

use super::machine::Machine;

/// A Markdown table, row by row. The first column is text, the others are numbers.
pub struct Table(pub String);

impl Table {
    /// With this head; all columns but the first are numbers.
    pub fn new(head: &[&str]) -> Table {
        let mut table = Table(String::new());
        table.row(head.iter().map(|cell| (*cell).to_owned()));
        let rule = head.iter().enumerate().map(|(n, _)| if n == 0 { "---" } else { "---:" });
        table.row(rule.map(str::to_owned));
        table
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.push('|');
        for cell in cells {
            self.0.push_str(&format!(" {cell} |"));
        }
        self.0.push('\n');
    }
}

/// A value as it is shown, or a dash where there is none.
pub fn or_dash<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or("–".to_owned(), show)
}

/// The facts of a machine.
pub fn machine_table(machine: &Machine) -> String {
    let mut table = Table("| | |\n|---|---|\n".to_owned());
    for (name, fact) in &machine.facts {
        table.row([(*name).to_owned(), fact.clone()]);
    }
    table.0
}
