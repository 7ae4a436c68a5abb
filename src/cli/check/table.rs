//! The judgement of a folder as a table of 80 columns, and what is assumed and not simulated below it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::judgement::Judgement;

/// The width of the column of templates, and that of what they run.
const TEMPLATE: usize = 27;
const RUNS: usize = 23;

/// One row per template, a line with the totals, and the notes of each template.
pub(super) fn text(templates: &[Judgement], other_files: usize) -> String {
    let mut text = row("SET", "TEMPLATE", "RUNS", ["ASSUMED", "IGNORED", "ERRORS"]);
    for template in templates {
        let counts = [
            template.assumed.len(),
            template.not_simulated.len(),
            template.problems.len(),
        ];
        text.push_str(&row(
            &template.set.to_string(),
            &shortened_path(&template.file.display().to_string()),
            &runs(template),
            counts.map(|count| count.to_string()).each_ref().map(String::as_str),
        ));
    }
    let sets: BTreeSet<usize> = templates.iter().map(|template| template.set).collect();
    let failing = templates.iter().filter(|template| !template.can_run()).count();
    let others = match other_files {
        0 => String::new(),
        1 => "; 1 other file".to_owned(),
        count => format!("; {count} other files"),
    };
    let _infallible = writeln!(
        text,
        "\n{} in {}: {} can run, {failing} cannot{others}",
        counted(templates.len(), "template"),
        counted(sets.len(), "set"),
        templates.len() - failing
    );
    for template in templates {
        notes(template, &mut text);
    }
    text
}

fn row(set: &str, template: &str, runs: &str, counts: [&str; 3]) -> String {
    let [assumed, ignored, errors] = counts;
    let row = format!("{set:>3}  {template:<TEMPLATE$}  {runs:<RUNS$} {assumed:>7} {ignored:>7} {errors:>6}");
    format!("{}\n", row.trim_end())
}

/// What a template runs, in the width of its column.
fn runs(template: &Judgement) -> String {
    if let Some(other) = &template.blocked_by {
        let name = other.file_name().unwrap_or_default().to_string_lossy();
        return cut(&format!("needs {name}"), RUNS);
    }
    if !template.problems.is_empty() {
        return "cannot run".to_owned();
    }
    let services: Vec<String> = template
        .services
        .iter()
        .map(|(name, tasks)| format!("{name} × {tasks}"))
        .collect();
    if services.is_empty() {
        return match template.meshes.as_slice() {
            [] => "no service".to_owned(),
            meshes => cut(&format!("no service, mesh {}", meshes.join(", ")), RUNS),
        };
    }
    let all = services.join(", ");
    if all.chars().count() <= RUNS {
        return all;
    }
    let more = services.len() - 1;
    if more == 0 {
        return cut(&all, RUNS);
    }
    let rest = format!(" and {more} more");
    format!("{}{rest}", cut(&services[0], RUNS - rest.chars().count()))
}

fn notes(template: &Judgement, text: &mut String) {
    let (parents, parameters) = (&template.nested_in, &template.parameters);
    let has_none = template.assumed.is_empty() && template.not_simulated.is_empty();
    if has_none && parents.is_empty() && parameters.is_none() {
        return;
    }
    let _infallible = writeln!(text, "\n{}", template.file.display());
    for parent in parents {
        let _infallible = writeln!(text, "  nested in {}", parent.display());
    }
    if let Some(parameters) = parameters {
        let _infallible = writeln!(text, "  parameters of {}", parameters.display());
    }
    for (path, note) in &template.assumed {
        let _infallible = writeln!(text, "  assumed: {path}: {note}");
    }
    // By type: a template of AWS has many resources that mean nothing here.
    let kinds: BTreeSet<&str> = template.not_simulated.iter().map(|(_, kind)| kind.as_str()).collect();
    for kind in kinds {
        let named = template.not_simulated.iter().filter(|(_, other)| other == kind);
        let names: Vec<&str> = named.map(|(name, _)| name.as_str()).collect();
        let _infallible = writeln!(text, "  not simulated: {} ({kind})", names.join(", "));
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// The end of a path: the file name says more than the folders.
fn shortened_path(path: &str) -> String {
    let length = path.chars().count();
    if length <= TEMPLATE {
        return path.to_owned();
    }
    let end: String = path.chars().skip(length - (TEMPLATE - 1)).collect();
    format!("…{end}")
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let start: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_fit_in_80_columns() {
        let mut first = Judgement::new(
            "a/very/long/path/to/the/templates/service.yaml".into(),
            "s".to_owned(),
            1,
        );
        first.services = vec![
            ("orders-with-a-long-name-of-its-own".to_owned(), 2),
            ("api".to_owned(), 12),
        ];
        first.assumed = vec![("p".to_owned(), "n".to_owned()); 1000];
        let mut second = Judgement::new("b.yaml".into(), "b".to_owned(), 112);
        second.services = vec![("front".to_owned(), 1), ("back".to_owned(), 3)];
        let mut third = Judgement::new("c.yaml".into(), "c".to_owned(), 2);
        third.meshes = vec!["shop".to_owned()];
        let text = text(&[first, second, third], 4);
        let table: Vec<&str> = text.lines().take(6).collect();
        assert_eq!(
            table,
            [
                "SET  TEMPLATE                     RUNS                    ASSUMED IGNORED ERRORS",
                "  1  …the/templates/service.yaml  orders-with… and 1 more    1000       0      0",
                "112  b.yaml                       front × 1, back × 3           0       0      0",
                "  2  c.yaml                       no service, mesh shop         0       0      0",
                "",
                "3 templates in 3 sets: 3 can run, 0 cannot; 4 other files",
            ]
        );
        assert!(table.iter().all(|line| line.chars().count() <= 80), "{text}");
    }
}
