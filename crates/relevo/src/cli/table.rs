//! Tables for people: columns aligned by display width, cut to the terminal if there is one. Into a pipe nothing is ever cut.

use super::text;

/// Two spaces between columns: enough to see, easy to cut with `awk -F'  +'`.
const GAP: usize = 2;

/// How a column behaves when the terminal is too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shrink {
    /// Free text: gives way first, down to this many columns.
    First(usize),
    /// Names: give way after that.
    Then(usize),
    /// Ids, which one wants to copy whole: give way last.
    Last(usize),
    /// Numbers and words: never.
    Never,
}

/// A table that is being filled.
#[derive(Debug)]
pub(crate) struct Table {
    headers: Vec<(String, Shrink)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(headers: Vec<(String, Shrink)>) -> Self {
        Self { headers, rows: Vec::new() }
    }

    /// Adds a row; every cell is made safe to print.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.iter().map(|cell| text::one_line(cell)).collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines of the table. `columns` is the terminal's width, `None` into a pipe.
    pub(crate) fn render(&self, columns: Option<usize>) -> Vec<String> {
        let widths = self.widths(columns);
        let headers: Vec<String> = self.headers.iter().map(|(header, _)| header.clone()).collect();
        std::iter::once(&headers).chain(&self.rows).map(|cells| line(cells, &widths)).collect()
    }

    fn widths(&self, columns: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.headers.iter().map(|(header, _)| text::width(header)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = text::width(cell).max(*width);
            }
        }
        let Some(columns) = columns else { return widths };
        for turn in [
            |shrink: Shrink| if let Shrink::First(least) = shrink { Some(least) } else { None },
            |shrink: Shrink| if let Shrink::Then(least) = shrink { Some(least) } else { None },
            |shrink: Shrink| if let Shrink::Last(least) = shrink { Some(least) } else { None },
        ] {
            // From the right: the last column is the one that a reader misses least.
            for (index, (_, shrink)) in self.headers.iter().enumerate().rev() {
                let total: usize = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
                let excess = total.saturating_sub(columns);
                if let (Some(least), true) = (turn(*shrink), excess > 0) {
                    widths[index] = widths[index].saturating_sub(excess).max(least.min(widths[index]));
                }
            }
        }
        widths
    }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if index > 0 {
            line.push_str(&" ".repeat(GAP));
        }
        let cell = text::cut(cell, *width);
        let padding = width.saturating_sub(text::width(&cell));
        line.push_str(&cell);
        line.push_str(&" ".repeat(padding));
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec![
            ("CONVERSACIÓN".to_owned(), Shrink::Last(8)),
            ("CONTACTO".to_owned(), Shrink::Then(6)),
            ("SIN LEER".to_owned(), Shrink::Never),
            ("ÚLTIMO MENSAJE".to_owned(), Shrink::First(10)),
        ]);
        let id = "cnv_0000000000000000000000000a";
        table.row([id, "María García", "2", "Pero solo quiero por la tarde · 10:42"].map(str::to_owned));
        table.row([id, "日本語", "11", "a\u{1b}[31mb"].map(str::to_owned));
        table
    }

    #[test]
    fn columns_are_aligned_by_what_the_eye_sees() {
        let lines = table().render(None);
        let column = |line: &str, what: &str| text::width(&line[..line.find(what).unwrap()]);
        assert_eq!(column(&lines[0], "SIN LEER"), column(&lines[1], "2  "));
        assert_eq!(column(&lines[0], "SIN LEER"), column(&lines[2], "11  "));
        assert!(lines[1].ends_with("Pero solo quiero por la tarde · 10:42"), "nothing is cut into a pipe");
        assert!(!lines.concat().contains('\u{1b}'));
    }

    #[test]
    fn a_narrow_terminal_takes_from_the_text_before_the_ids() {
        for columns in [20, 60, 70, 80, 100] {
            let lines = table().render(Some(columns));
            let widest = lines.iter().map(|line| text::width(line)).max().unwrap();
            assert!(widest <= columns.max(8 + 6 + 8 + 10 + 3 * GAP), "{columns}: {widest}");
        }
        assert!(
            table().render(Some(70)).iter().skip(1).all(|line| line.starts_with("cnv_0000000000000000000000000a "))
        );
        assert!(table().render(Some(38))[1].starts_with("cnv_000…"));
    }
}
