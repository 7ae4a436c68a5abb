//! Columns of text, for tables.

/// Aligns the cells of rows in columns, two spaces apart. Lines have no trailing spaces.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| console::measure_text_width(cell))
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let padding = width - console::measure_text_width(cell);
            line.push_str(cell);
            line.push_str(&" ".repeat(padding + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Text of a process as one line for a terminal: without escape sequences and other control characters.
pub(super) fn plain(text: &str) -> String {
    let text = console::strip_ansi_codes(text);
    text.chars()
        .filter(|character| *character == '\t' || !character.is_control())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_aligned() {
        let rows = [
            vec!["A".to_owned(), "BB".to_owned()],
            vec!["ccc".to_owned(), String::new()],
        ];
        assert_eq!(aligned(&rows), "A    BB\nccc\n");
        assert_eq!(aligned(&[]), "");
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\tx\u{7}\u{1b}]0;title\u{7}\r"), "red\tx");
    }
}
