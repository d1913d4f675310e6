//! Tables for people: columns aligned by display width, cut to the terminal if there is one. Into a pipe nothing is ever cut.

use super::paint::Painted;
use super::text;

/// Two spaces between columns: enough to see, easy to cut with `awk -F'  +'`.
const GAP: usize = 2;

/// How a column behaves when the terminal is too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shrink {
    /// Free text: gives way first, down to this many columns.
    First(usize),
    /// Names: give way after that.
    Then(usize),
    /// Names that another command shows too: give way like names, and are left out if that is not enough.
    Drop(usize),
    /// Ids, which one wants to copy whole, numbers and words: never. If nothing else helps, the terminal breaks the line.
    Never,
}

/// A table that is being filled.
#[derive(Debug)]
pub(crate) struct Table {
    headers: Vec<(String, Shrink)>,
    rows: Vec<Vec<Painted>>,
}

impl Table {
    pub(crate) fn new(headers: Vec<(String, Shrink)>) -> Self {
        Self { headers, rows: Vec::new() }
    }

    /// Adds a row; every cell is made safe to print.
    pub(crate) fn row<const N: usize>(&mut self, cells: [impl Into<Painted>; N]) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines of the table. `columns` is the terminal's width, `None` into a pipe.
    pub(crate) fn render(&self, columns: Option<usize>, colour: bool) -> Vec<String> {
        let widths = self.widths(columns);
        let headers: Vec<Painted> = self.headers.iter().map(|(header, _)| header.clone().into()).collect();
        std::iter::once(&headers).chain(&self.rows).map(|cells| line(cells, &widths, colour)).collect()
    }

    /// The width of each column; 0 for one that is left out.
    fn widths(&self, columns: Option<usize>) -> Vec<usize> {
        let mut natural: Vec<usize> = self.headers.iter().map(|(header, _)| text::width(header)).collect();
        for row in &self.rows {
            for (width, cell) in natural.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        let Some(columns) = columns else { return natural };
        loop {
            let widths = self.shrunk(natural.clone(), columns);
            let to_drop = |(index, (_, shrink)): &(usize, &(String, Shrink))| {
                matches!(shrink, Shrink::Drop(_)) && natural[*index] > 0
            };
            match self.headers.iter().enumerate().rfind(to_drop) {
                Some((index, _)) if total(&widths) > columns => natural[index] = 0,
                _ => return widths,
            }
        }
    }

    fn shrunk(&self, mut widths: Vec<usize>, columns: usize) -> Vec<usize> {
        for step in [Step::Text, Step::Names] {
            // From the right: the last column is the one that a reader misses least.
            for (index, (_, shrink)) in self.headers.iter().enumerate().rev() {
                let least = match (step, *shrink) {
                    (Step::Text, Shrink::First(least)) | (Step::Names, Shrink::Then(least) | Shrink::Drop(least)) => {
                        least
                    }
                    (Step::Text, Shrink::Then(_) | Shrink::Drop(_) | Shrink::Never)
                    | (Step::Names, Shrink::First(_) | Shrink::Never) => continue,
                };
                let excess = total(&widths).saturating_sub(columns);
                widths[index] = widths[index].saturating_sub(excess).max(least.min(widths[index]));
            }
        }
        widths
    }
}

/// Which columns give way now.
#[derive(Clone, Copy)]
enum Step {
    Text,
    Names,
}

/// The width of a line; a column of no width is left out with its gap.
fn total(widths: &[usize]) -> usize {
    let shown = widths.iter().filter(|width| **width > 0);
    shown.map(|width| width + GAP).sum::<usize>().saturating_sub(GAP)
}

fn line(cells: &[Painted], widths: &[usize], colour: bool) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths).filter(|(_, width)| **width > 0) {
        if !line.is_empty() {
            line.push_str(&" ".repeat(GAP));
        }
        line.push_str(&cell.show(*width, colour));
        line.push_str(&" ".repeat(width.saturating_sub(cell.width())));
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec![
            ("CONVERSACIÓN".to_owned(), Shrink::Never),
            ("CONTACTO".to_owned(), Shrink::Then(6)),
            ("CANAL".to_owned(), Shrink::Drop(5)),
            ("SIN LEER".to_owned(), Shrink::Never),
            ("ÚLTIMO MENSAJE".to_owned(), Shrink::First(10)),
        ]);
        let id = "cnv_0000000000000000000000000a";
        table.row([id, "María García", "WhatsApp", "2", "Pero solo quiero por la tarde · 10:42"].map(str::to_owned));
        table.row([id, "日本語", "Correo", "11", "a\u{1b}[31mb"].map(str::to_owned));
        table
    }

    #[test]
    fn columns_are_aligned_by_what_the_eye_sees() {
        let lines = table().render(None, false);
        let column = |line: &str, what: &str| text::width(&line[..line.find(what).unwrap()]);
        assert_eq!(column(&lines[0], "SIN LEER"), column(&lines[1], "2  "));
        assert_eq!(column(&lines[0], "SIN LEER"), column(&lines[2], "11  "));
        assert!(lines[1].ends_with("Pero solo quiero por la tarde · 10:42"), "nothing is cut into a pipe");
        assert!(!lines.concat().contains('\u{1b}'));
    }

    #[test]
    fn a_narrow_terminal_takes_from_the_text_and_leaves_the_ids() {
        for columns in [61, 70, 80, 100] {
            let lines = table().render(Some(columns), false);
            let widest = lines.iter().map(|line| text::width(line)).max().unwrap();
            assert!(widest <= columns, "{columns}: {widest}");
        }
        for columns in [1, 40, 60, 70] {
            let lines = table().render(Some(columns), false);
            assert!(lines[1].starts_with("cnv_0000000000000000000000000a  "), "{columns}");
        }
        assert!(table().render(Some(70), false)[0].contains("CANAL"));
        assert!(!table().render(Some(61), false)[0].contains("CANAL"), "another command shows it");
    }
}
