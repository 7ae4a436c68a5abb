//! Parser of the trace timeline that a smoke test prints for its longest call.

/// A line of the timeline: one span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// Indentation level.
    pub(crate) depth: usize,
    /// The task or Envoy that made the span.
    pub(crate) component: String,
    /// Name of the span.
    pub(crate) name: String,
    /// Start in milliseconds after the first span.
    pub(crate) start: f64,
}

/// The number of the call, and the lines of its timeline.
pub(crate) fn parse(stdout: &str) -> (usize, Vec<Line>) {
    let rest = stdout.split_once("\nCall ").expect("a timeline").1;
    let (call, rest) = rest
        .split_once(" took the longest path. Its trace timeline:\n")
        .expect("a title");
    let lines = rest.lines().take_while(|line| !line.is_empty());
    (call.parse().expect("a number"), lines.map(parse_line).collect())
}

fn parse_line(text: &str) -> Line {
    let parts: Vec<&str> = text
        .split("  ")
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let [component, name, .., times] = parts.as_slice() else {
        panic!("not a line of a timeline: {text}");
    };
    let spaces = text.len() - text.trim_start().len();
    // The bar contains spaces and has a border on either side.
    let before = text.split('┃').next().expect("the first part");
    let start = before
        .trim_end()
        .strip_suffix(" ms")
        .and_then(|rest| rest.rsplit(' ').next());
    assert!(times.ends_with(" ms"), "{text}");
    Line {
        depth: (spaces - 3) / 2,
        component: (*component).to_owned(),
        name: (*name).to_owned(),
        start: start.and_then(|start| start.parse().ok()).expect("a time"),
    }
}

/// The lines of Envoys. Each must be indented further and start no earlier than the one before.
pub(crate) fn envoys(lines: &[Line]) -> Vec<&Line> {
    let envoys: Vec<&Line> = lines
        .iter()
        .filter(|line| line.component.starts_with("envoy of "))
        .collect();
    for pair in envoys.windows(2) {
        assert!(pair[0].depth < pair[1].depth, "{lines:#?}");
        assert!(pair[0].start <= pair[1].start, "{lines:#?}");
    }
    envoys
}
