//! Judges sets of templates.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mesh_local::{Images, Network, Plan};
use sidecar_contract::{Diagnostic, ValidationErrors};

use super::judgement::{Judged, Judgement, Problem};
use super::sets::Candidates;
use crate::cli::error::CliError;
use crate::cli::template::{Runnable, TemplateArguments, TemplateFile, Templates, fetch_account_values, plan_of};
use crate::console::chain;

/// Judges all templates.
pub(super) fn judge(arguments: &TemplateArguments, candidates: Candidates) -> Result<Judged, CliError> {
    // Without names of images: those of all sets are known at the end.
    let errors = arguments.image_errors(None);
    if !errors.is_empty() {
        return Err(CliError::NotRunnable(ValidationErrors::from(errors)));
    }
    let mut judge = Judge {
        arguments,
        images: arguments.images(),
        network: arguments.network.into(),
        judgements: BTreeMap::new(),
        used_images: Some(BTreeSet::new()),
        warnings: Vec::new(),
        unread: None,
        candidates: &candidates,
    };
    for set in 0..candidates.sets.len() {
        judge.judge_set(set)?;
    }
    Ok(judge.into_judged())
}

struct Judge<'c> {
    arguments: &'c TemplateArguments,
    candidates: &'c Candidates,
    images: Images,
    network: Network,
    /// By position of the template.
    judgements: BTreeMap<usize, Judgement>,
    /// The images of all templates, if all are known.
    used_images: Option<BTreeSet<String>>,
    /// Mistakes that AWS accepts.
    warnings: Vec<String>,
    /// The values that no set has read, with a message.
    unread: Option<BTreeMap<String, String>>,
}

impl Judge<'_> {
    /// Judges a set. If some of its templates have problems, those that do not depend on them are judged without them.
    fn judge_set(&mut self, set: usize) -> Result<(), CliError> {
        let mut left: BTreeSet<usize> = self.candidates.sets[set].clone();
        for index in self.candidates.sets[set].clone() {
            self.judgement(index, set);
            let template = &self.candidates.templates[index];
            if let Err(error) = &template.file {
                // The message begins with the file.
                let message = chain(error);
                let prefix = format!("{}: ", template.path.display());
                let problem = Problem {
                    location: None,
                    path: String::new(),
                    message: message.strip_prefix(&prefix).unwrap_or(&message).to_owned(),
                };
                self.fail(index, problem);
            }
        }
        self.remove_failed(set, &mut left);
        while !left.is_empty() {
            let before = left.len();
            let templates = self.read(&left)?;
            let result = plan_of(&templates, &self.images, Runnable::OrResources);
            self.note_use(&templates);
            match result {
                Ok(plan) => {
                    self.warnings.extend(templates.plan_warnings(&plan));
                    self.add_plan(set, &plan, &templates, &left);
                    break;
                }
                Err(errors) => {
                    self.add_errors(set, errors, &templates, &left);
                    self.remove_failed(set, &mut left);
                    if left.len() == before {
                        // The errors are those of no template alone.
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn read(&self, set: &BTreeSet<usize>) -> Result<Templates, CliError> {
        let all = &self.candidates.templates;
        let names: Vec<String> = all.iter().map(|template| template.name.clone()).collect();
        let read = set.iter().filter_map(|index| {
            let template = &all[*index];
            Some((template.name.clone(), template.file.as_ref().ok()?))
        });
        let read: Vec<(String, &TemplateFile)> = read.collect();
        let beside = self.candidates.reads_files_beside;
        let part = self.arguments.files.part(&read, &names, beside)?;
        let mut templates = part.with_templates(read.iter().map(|(_, file)| (*file).clone()).collect())?;
        templates.set_network(self.network);
        templates.set_header_limits(self.arguments.header_limits.into());
        fetch_account_values(&part, &mut templates)?;
        Ok(templates)
    }

    /// Keeps the images and the values that a set has used.
    fn note_use(&mut self, templates: &Templates) {
        if self.arguments.has_images() {
            let used = Plan::image_names(&templates.stacks(), templates.environment());
            self.used_images = match (self.used_images.take(), used) {
                (Some(mut all), Some(used)) => {
                    all.extend(used);
                    Some(all)
                }
                _ => None,
            };
        }
        let unread: BTreeMap<String, String> = templates.environment().values.unread().into_iter().collect();
        self.unread = Some(match self.unread.take() {
            None => unread,
            Some(before) => before
                .into_iter()
                .filter(|(name, _)| unread.contains_key(name))
                .collect(),
        });
    }

    /// The template to which a path belongs: that of its file, else the first of the set.
    fn position(&self, path: &str, templates: &Templates, set: &BTreeSet<usize>) -> usize {
        let first = set.first().copied().unwrap_or_default();
        let Some((stack, file)) = templates.source_of(path) else {
            return first;
        };
        let all = self.candidates.templates.iter();
        let mut found = all.enumerate().filter(|(_, template)| is_same(&template.path, &file));
        let found = found.find(|(index, _)| !set.is_disjoint(&self.candidates.roots(*index)));
        if let Some((index, _)) = found {
            return index;
        }
        // A template outside of those to judge: nested in the one whose name its own begins with.
        let parent = set.iter().find(|index| {
            let name = &self.candidates.templates[**index].name;
            stack
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with('-'))
        });
        parent.copied().unwrap_or(first)
    }

    /// The judgement of a template of a set. `None` if it was judged with another set.
    fn judgement(&mut self, index: usize, set: usize) -> Option<&mut Judgement> {
        let candidates = self.candidates;
        let template = &candidates.templates[index];
        let new = || {
            let mut judgement = Judgement::new(template.path.clone(), template.name.clone(), set + 1);
            let parents = candidates.nested.get(&index).into_iter().flatten();
            let parents = parents.map(|parent| candidates.templates[*parent].path.clone());
            judgement.nested_in = parents.collect();
            judgement.parameters = candidates.parameter_file(index);
            judgement
        };
        let judgement = self.judgements.entry(index).or_insert_with(new);
        // Another set may be complete.
        if judgement.set != set + 1 && judgement.blocked_by.is_some() && judgement.problems.is_empty() {
            *judgement = new();
        }
        (judgement.set == set + 1).then_some(judgement)
    }

    fn fail(&mut self, index: usize, problem: Problem) {
        if let Some(judgement) = self.judgements.get_mut(&index) {
            judgement.problems.push(problem);
        }
    }

    fn add_plan(&mut self, set: usize, plan: &Plan, templates: &Templates, left: &BTreeSet<usize>) {
        // Templates of nested stacks that contribute nothing have a row nonetheless.
        for index in self.nested_in(left) {
            self.judgement(index, set);
        }
        for service in &plan.services {
            let path = plan.service_paths.get(&service.name).map_or("", String::as_str);
            let index = self.position(path, templates, left);
            if let Some(judgement) = self.judgement(index, set) {
                judgement.services.push((service.name.clone(), service.desired_count));
            }
        }
        for (path, note) in plan.assumed.clone() {
            let index = self.position(&path, templates, left);
            if let Some(judgement) = self.judgement(index, set) {
                judgement.assumed.push((path, note));
            }
        }
        for (name, kind) in plan.not_simulated_one_by_one(self.network) {
            let index = self.position(&name, templates, left);
            if let Some(judgement) = self.judgement(index, set) {
                judgement.not_simulated.push((name, kind));
            }
        }
        if plan.services.is_empty() {
            for index in left {
                if let Some(judgement) = self.judgement(*index, set) {
                    judgement.meshes = plan.meshes.keys().cloned().collect();
                }
            }
        }
    }

    fn add_errors(&mut self, set: usize, errors: ValidationErrors, templates: &Templates, left: &BTreeSet<usize>) {
        // A value that one set does not read may be another one's.
        let errors: Vec<Diagnostic> = errors
            .into_iter()
            .filter(|error| !error.path.starts_with("--value "))
            .collect();
        let locations = templates.locations(errors.iter().map(|error| error.path.as_str()));
        for (Diagnostic { path, message }, location) in errors.into_iter().zip(locations) {
            let index = self.position(&path, templates, left);
            let problem = Problem {
                location,
                path,
                message,
            };
            if let Some(judgement) = self.judgement(index, set) {
                judgement.problems.push(problem);
            }
        }
    }

    /// Removes the templates with problems, and those that depend on them.
    fn remove_failed(&mut self, set: usize, left: &mut BTreeSet<usize>) {
        let failed = self
            .judgements
            .iter()
            .filter(|(_, judgement)| !judgement.problems.is_empty());
        let failed: BTreeSet<usize> = failed.flat_map(|(index, _)| self.candidates.roots(*index)).collect();
        for index in left.clone() {
            let first = self.candidates.needs[index]
                .iter()
                .find(|needed| failed.contains(needed));
            let Some(first) = first else { continue };
            left.remove(&index);
            let path = self.candidates.templates[*first].path.clone();
            for index in self.nested_in(&BTreeSet::from([index])).into_iter().chain([index]) {
                if let Some(judgement) = self.judgement(index, set)
                    && judgement.problems.is_empty()
                {
                    judgement.blocked_by = Some(path.clone());
                }
            }
        }
    }

    /// The templates that are nested in one of these.
    fn nested_in(&self, roots: &BTreeSet<usize>) -> Vec<usize> {
        let nested = self.candidates.nested.iter();
        let nested = nested.filter(|(_, parents)| !parents.is_disjoint(roots));
        nested.map(|(index, _)| *index).collect()
    }

    fn into_judged(self) -> Judged {
        let unread = self.unread.into_iter().flatten();
        let unread = unread.map(|(name, message)| format!("--value {name}: {message}"));
        let images = self.arguments.image_errors(self.used_images.as_ref());
        let images = images.iter().map(ToString::to_string).collect::<Vec<_>>();
        let files = self.candidates.templates.iter().flat_map(|template| {
            let warnings = template.file.as_ref().map_or(&[][..], |file| &file.warnings);
            warnings
                .iter()
                .map(|warning| format!("{}: {warning}", template.path.display()))
        });
        Judged {
            warnings: files.chain(self.warnings).chain(unread).chain(images).collect(),
            templates: self.judgements.into_values().collect(),
        }
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    one == other || canonical(one) == canonical(other)
}
