//! The judgement of templates: what each of them runs, and what not.

use std::path::PathBuf;

use crate::cli::template::Location;

/// The judgements of all templates.
pub(super) struct Judged {
    pub(super) templates: Vec<Judgement>,
    /// What concerns no template alone, or is accepted and probably not meant.
    pub(super) warnings: Vec<String>,
}

/// The judgement of one template.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) file: PathBuf,
    pub(super) stack: String,
    /// The number of its set, from 1.
    pub(super) set: usize,
    /// The templates whose nested stack it is.
    pub(super) nested_in: Vec<PathBuf>,
    /// A file with values of its parameters that is beside it.
    pub(super) parameters: Option<PathBuf>,
    /// Its services, with their number of tasks.
    pub(super) services: Vec<(String, u32)>,
    /// The meshes of its set, if it has no service.
    pub(super) meshes: Vec<String>,
    /// Paths, each with a note.
    pub(super) assumed: Vec<(String, String)>,
    /// Resources, properties and containers, each with its type.
    pub(super) not_simulated: Vec<(String, String)>,
    pub(super) problems: Vec<Problem>,
    /// A template with problems that this one depends on.
    pub(super) blocked_by: Option<PathBuf>,
}

/// A problem of a template.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) location: Option<Location>,
    /// The path in the template; empty for the whole file.
    pub(super) path: String,
    pub(super) message: String,
}

impl Judged {
    /// All problems, one line each.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        self.templates.iter().flat_map(Judgement::problem_lines)
    }
}

impl Judgement {
    pub(super) fn new(file: PathBuf, stack: String, set: usize) -> Self {
        Self {
            file,
            stack,
            set,
            nested_in: Vec::new(),
            parameters: None,
            services: Vec::new(),
            meshes: Vec::new(),
            assumed: Vec::new(),
            not_simulated: Vec::new(),
            problems: Vec::new(),
            blocked_by: None,
        }
    }

    /// Whether nothing prevents running it.
    pub(super) fn can_run(&self) -> bool {
        self.problems.is_empty() && self.blocked_by.is_none()
    }

    /// The number of settings that have no effect here, without resources that only AWS has.
    pub(super) fn ignored_parts(&self) -> usize {
        let parts = self.not_simulated.iter();
        parts.filter(|(_, kind)| is_part(kind)).count()
    }

    fn problem_lines(&self) -> Vec<String> {
        let lines = self.problems.iter().map(|problem| {
            let place = match &problem.location {
                Some(location) => location.to_string(),
                None => self.file.display().to_string(),
            };
            match problem.path.as_str() {
                "" => format!("{place}: {}", problem.message),
                path => format!("{place}: {path}: {}", problem.message),
            }
        });
        lines.collect()
    }
}

/// Whether this is a part of a service, such as a property or a container: resources have a type of AWS.
pub(super) fn is_part(kind: &str) -> bool {
    !kind.contains("::")
}
