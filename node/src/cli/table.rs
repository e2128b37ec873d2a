//! Tables that fit a line of 80 columns, whatever script their cells are in.
//!
//! The nouns build them; widths are counted in terminal columns. A column is as wide as its widest cell; where the whole
//! is too wide, columns that may be cut or wrapped give way, the widest first. Lists cut (the full value is one command
//! away), side-by-side views wrap, since a caseworker decides by them.

use super::text::{Isolate, cut, foreign, inert, width, wrap};

/// Columns of a line.
pub(super) const LINE: usize = 80;
/// Between two columns.
const GAP: usize = 2;
/// A column that gives way keeps this much.
const LEAST: usize = 6;

/// What a column does when the table is too wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Stays as wide as its widest cell: ids, numbers, states.
    Whole,
    /// Loses its end.
    Cut,
    /// Goes on in the next line.
    Wrap,
}

/// One cell.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    is_foreign: bool,
}

/// A cell of the program's own words.
pub(super) fn own(text: impl ToString) -> Cell {
    Cell { text: text.to_string(), is_foreign: false }
}

/// A cell of a record's text.
pub(super) fn theirs(text: &str) -> Cell {
    Cell { text: text.to_owned(), is_foreign: true }
}

/// Rows below titles.
pub(super) struct Table<const N: usize> {
    columns: [(&'static str, Flow); N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Table<N> {
    /// A table with these titles.
    pub(super) const fn new(columns: [(&'static str, Flow); N]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    /// The lines, each of at most `line` columns unless the columns that stay whole are wider by themselves.
    pub(super) fn render(&self, line: usize, isolate: Isolate) -> String {
        let widths = self.widths(line);
        let mut text = String::new();
        let titles = self.columns.map(|(title, _)| own(title));
        for row in std::iter::once(&titles).chain(&self.rows) {
            self.push_row(&mut text, row, &widths, isolate);
        }
        text
    }

    fn widths(&self, line: usize) -> [usize; N] {
        let mut widths = self.columns.map(|(title, _)| width(title));
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(width(&inert(&cell.text)));
            }
        }
        let room = line.saturating_sub(GAP * N.saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            let flexible =
                widths.iter_mut().zip(&self.columns).filter(|(wide, (_, flow))| *flow != Flow::Whole && **wide > LEAST);
            match flexible.map(|(wide, _)| wide).max() {
                Some(widest) => *widest -= 1,
                None => break,
            }
        }
        widths
    }

    fn push_row(&self, text: &mut String, row: &[Cell; N], widths: &[usize; N], isolate: Isolate) {
        let cells = row.iter().zip(widths).zip(&self.columns);
        let lines: Vec<(Vec<String>, usize, bool)> = cells
            .map(|((cell, wide), (_, flow))| {
                let inert = inert(&cell.text);
                let lines = match flow {
                    Flow::Whole => vec![inert],
                    Flow::Cut => vec![cut(&inert, *wide)],
                    Flow::Wrap => wrap(&inert, *wide),
                };
                (lines, *wide, cell.is_foreign)
            })
            .collect();
        let height = lines.iter().map(|(lines, ..)| lines.len()).max().unwrap_or(0);
        for at in 0..height {
            let mut printed = String::new();
            for (lines, wide, is_foreign) in &lines {
                let part = lines.get(at).map_or("", String::as_str);
                printed.push_str(&if *is_foreign { foreign(part, isolate) } else { part.to_owned() });
                let padding = wide.saturating_sub(width(part)) + GAP;
                printed.push_str(&" ".repeat(padding));
            }
            text.push_str(printed.trim_end());
            text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(flow: Flow) -> Table<3> {
        let mut table = Table::new([("Person", Flow::Whole), ("Name", flow), ("Place", flow)]);
        table.push([own("P-01hz7h3k"), theirs("م. ح."), theirs("دمشق")]);
        table.push([own("P-01hz7h3m"), theirs(&"경민 ".repeat(20)), theirs(&"Baidoa ".repeat(9))]);
        table.push([own("P-01hz7h3n"), theirs("ሽሬ"), theirs("ሽሬ እንዳ ሥላሴ")]);
        table
    }

    #[test]
    fn no_line_is_wider_than_the_screen() {
        for flow in [Flow::Cut, Flow::Wrap] {
            for isolate in [Isolate::Yes, Isolate::No] {
                let text = sample(flow).render(LINE, isolate);
                assert!(text.lines().all(|line| width(line) <= LINE), "{text}");
                assert_eq!(text.contains('\u{2068}'), isolate == Isolate::Yes);
            }
        }
    }

    #[test]
    fn a_cut_is_marked_and_a_wrap_loses_nothing() {
        assert!(sample(Flow::Cut).render(LINE, Isolate::No).contains('…'));
        let wrapped = sample(Flow::Wrap).render(LINE, Isolate::No);
        assert_eq!(wrapped.matches("경민").count(), 20);
        assert_eq!(wrapped.matches("Baidoa").count(), 9);
    }

    #[test]
    fn columns_stand_under_their_titles_in_every_script() {
        let text = sample(Flow::Cut).render(LINE, Isolate::No);
        let lines: Vec<&str> = text.lines().collect();
        let place = width(lines[0].split("Place").next().unwrap());
        assert_eq!(width(lines[1].split("دمشق").next().unwrap()), place);
        assert_eq!(width(lines[3].split("ሽሬ እንዳ").next().unwrap()), place);
    }
}
