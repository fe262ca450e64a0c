//! Markdown tables.

/// A table, row by row. The first column is text, the others are numbers.
pub struct Table {
    text: String,
    columns: usize,
}

impl Table {
    /// Begins a table with its first row.
    pub fn new<S: AsRef<str>>(head: impl IntoIterator<Item = S>) -> Self {
        let cells: Vec<String> = head.into_iter().map(|cell| cell.as_ref().to_owned()).collect();
        let mut table = Self { text: String::new(), columns: cells.len() };
        table.row(cells);
        let rule = (0..table.columns).map(|column| if column == 0 { "---" } else { "---:" });
        table.row(rule.map(str::to_owned).collect::<Vec<_>>());
        table
    }

    /// Adds a row; what it lacks is left empty.
    pub fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        let mut cells = cells.into_iter();
        self.text.push('|');
        for _ in 0..self.columns {
            let cell = cells.next();
            self.text.push_str(&format!(" {} |", cell.as_ref().map_or("", AsRef::as_ref)));
        }
        self.text.push('\n');
    }

    /// The table.
    pub fn finish(self) -> String {
        self.text
    }
}

/// A number with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Instructions, in millions or thousands where they are many.
pub fn millions(instructions: u64) -> String {
    format!("{:.2}", instructions as f64 / 1e6)
}

/// The same in thousands.
pub fn thousands(instructions: u64) -> String {
    format!("{:.1}", instructions as f64 / 1e3)
}

/// What there may not be.
pub fn or_dash<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or("–".to_owned(), show)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(["", "flash"]);
        table.row(["M0", "1"]);
        table.row(["M3"]);
        assert_eq!(table.finish(), "|  | flash |\n| --- | ---: |\n| M0 | 1 |\n| M3 |  |\n");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
