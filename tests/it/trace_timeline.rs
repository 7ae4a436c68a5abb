//! The picture of a walk's longest call, read back from what was printed.

/// A line of the picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// How far it is set in.
    pub(crate) depth: usize,
    /// Whose time it was: a task's, or its Envoy's.
    pub(crate) place: String,
    pub(crate) what: String,
    /// In milliseconds after the first beginning.
    pub(crate) start: f64,
}

/// The number of the call in the picture, and its lines.
pub(crate) fn read(stdout: &str) -> (usize, Vec<Line>) {
    let rest = stdout.split_once("\nCall ").expect("a picture").1;
    let (call, rest) = rest
        .split_once(" took the longest path. Its trace timeline:\n")
        .expect("its title");
    let lines = rest.lines().take_while(|line| !line.is_empty());
    (call.parse().expect("a number"), lines.map(line).collect())
}

fn line(text: &str) -> Line {
    let parts: Vec<&str> = text
        .split("  ")
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let [place, what, .., times] = parts.as_slice() else {
        panic!("no line of a picture: {text}");
    };
    let spaces = text.len() - text.trim_start().len();
    // A bar has spaces in it, and an edge on either side.
    let before = text.split('┃').next().expect("the first part");
    let start = before
        .trim_end()
        .strip_suffix(" ms")
        .and_then(|rest| rest.rsplit(' ').next());
    assert!(times.ends_with(" ms"), "{text}");
    Line {
        depth: (spaces - 3) / 2,
        place: (*place).to_owned(),
        what: (*what).to_owned(),
        start: start.and_then(|start| start.parse().ok()).expect("a time"),
    }
}

/// The lines of Envoys, which must be set in one below the other, as the request came to them.
pub(crate) fn envoys(lines: &[Line]) -> Vec<&Line> {
    let envoys: Vec<&Line> = lines
        .iter()
        .filter(|line| line.place.starts_with("envoy of "))
        .collect();
    for pair in envoys.windows(2) {
        assert!(pair[0].depth < pair[1].depth, "{lines:#?}");
        assert!(pair[0].start <= pair[1].start, "{lines:#?}");
    }
    envoys
}
