//! Sets of templates: those that refer to each other are judged together.
//!
//! A template needs those that have what it refers to: exports, parameters, clusters, namespaces, meshes. Of several that
//! have the same, it needs the one in the closest folder. Sets that share a template are one set, unless two of their
//! templates would create the same: then these are versions of each other, each in a set of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mesh_local::{Link, StackLinks};

use super::CheckError;
use super::folder::Candidate;
use crate::cli::error::CliError;
use crate::cli::template::{
    TemplateFile, TemplateFileError, TemplateFiles, closest_hint, parameter_file_beside, stack_name,
};

/// Templates to judge, in sets.
pub(super) struct Candidates {
    pub(super) templates: Vec<NamedTemplate>,
    /// Positions in `templates`.
    pub(super) sets: Vec<BTreeSet<usize>>,
    /// Positions of the templates in which another one is nested, at any depth. They are nested in no other.
    pub(super) nested: BTreeMap<usize, BTreeSet<usize>>,
    /// By position: the templates that it needs, itself included.
    pub(super) needs: Vec<BTreeSet<usize>>,
    /// Whether files with parameters that are beside templates are read: those of a folder are.
    pub(super) reads_files_beside: bool,
}

/// A template with the name of its stack.
pub(super) struct NamedTemplate {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) file: Result<TemplateFile, TemplateFileError>,
}

impl Candidates {
    /// All templates as one set. Nested ones are not among them.
    pub(super) fn together(files: &TemplateFiles, candidates: Vec<Candidate>) -> Result<Self, CliError> {
        let templates = named(files, candidates);
        // As one error, like those of a file that is read by itself.
        let templates: Vec<NamedTemplate> = templates
            .into_iter()
            .map(|template| match template.file {
                Err(error) => Err(error),
                Ok(_) => Ok(template),
            })
            .collect::<Result<_, _>>()?;
        let all: BTreeSet<usize> = (0..templates.len()).collect();
        Ok(Self {
            needs: vec![all.clone(); templates.len()],
            sets: vec![all],
            nested: BTreeMap::new(),
            reads_files_beside: false,
            templates,
        })
    }

    /// The templates in sets.
    pub(super) fn grouped(files: &TemplateFiles, candidates: Vec<Candidate>) -> Result<Self, CliError> {
        let templates = named(files, candidates);
        check_parameters(files, &templates)?;
        let names: Vec<String> = templates.iter().map(|template| template.name.clone()).collect();
        let mut links = Vec::new();
        let mut children = Vec::new();
        let by_path: BTreeMap<PathBuf, usize> = templates
            .iter()
            .enumerate()
            .map(|(index, template)| (canonical(&template.path), index))
            .collect();
        for template in &templates {
            let Ok(file) = &template.file else {
                links.push(StackLinks::default());
                children.push(BTreeSet::new());
                continue;
            };
            let alone = files.part(&[(template.name.clone(), file)], &names, true)?;
            let alone = alone.with_templates(vec![file.clone()])?;
            links.push(StackLinks::of(alone.stacks()[0], alone.environment()));
            let nested = alone.nested_files().into_iter();
            let nested = nested.filter_map(|path: PathBuf| by_path.get(&canonical(&path)).copied());
            children.push(nested.collect::<BTreeSet<usize>>());
        }
        let nested = parents(&children);
        let needs = needs(&templates, &links, &nested);
        let roots: Vec<usize> = (0..templates.len())
            .filter(|index| !nested.contains_key(index))
            .collect();
        Ok(Self {
            sets: sets(&roots, &links, &needs),
            templates,
            nested,
            needs,
            reads_files_beside: true,
        })
    }

    /// The file with values of a template's parameters that is beside it.
    pub(super) fn parameter_file(&self, index: usize) -> Option<PathBuf> {
        let template = self.templates.get(index).filter(|_| self.reads_files_beside)?;
        parameter_file_beside(&template.path)
    }

    /// The templates that stand for one in sets: those in which it is nested, else itself.
    pub(super) fn roots(&self, index: usize) -> BTreeSet<usize> {
        self.nested
            .get(&index)
            .cloned()
            .unwrap_or_else(|| BTreeSet::from([index]))
    }
}

fn named(files: &TemplateFiles, candidates: Vec<Candidate>) -> Vec<NamedTemplate> {
    let named = candidates.into_iter().map(|Candidate { path, file }| NamedTemplate {
        name: files
            .stack_name_of(&path)
            .map_or_else(|| stack_name(&path), str::to_owned),
        path,
        file,
    });
    let mut templates: Vec<NamedTemplate> = named.collect();
    // Two stacks of an account have two names: that of the folder comes first.
    let mut used: BTreeSet<String> = BTreeSet::new();
    for template in &mut templates {
        let mut names = vec![template.name.clone()];
        let folder = template.path.parent().map(stack_name);
        names.extend(folder.map(|folder| format!("{folder}-{}", template.name)));
        let numbered = (2..).map(|number| format!("{}-{number}", template.name));
        let free = names.into_iter().chain(numbered).find(|name| !used.contains(name));
        if let Some(name) = free {
            template.name = name;
        }
        used.insert(template.name.clone());
    }
    templates
}

/// Rejects a parameter for all stacks that no template has.
fn check_parameters(files: &TemplateFiles, templates: &[NamedTemplate]) -> Result<(), CheckError> {
    let read = templates.iter().filter_map(|template| template.file.as_ref().ok());
    let declared: BTreeSet<&str> = read
        .flat_map(|file| file.template.parameters.keys().map(String::as_str))
        .collect();
    match files.parameters_for_all().find(|name| !declared.contains(name)) {
        Some(unknown) => Err(CheckError::UnknownParameter {
            name: unknown.to_owned(),
            hint: closest_hint(unknown, declared.iter().copied()),
        }),
        None => Ok(()),
    }
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// For each template that is nested in others: those of them that are nested in no other. Of templates that nest each
/// other, the first one counts as such.
fn parents(children: &[BTreeSet<usize>]) -> BTreeMap<usize, BTreeSet<usize>> {
    let is_nested = |index: usize| children.iter().any(|of_other| of_other.contains(&index));
    // Those that no other template nests come first. The rest nest each other.
    let mut roots: Vec<usize> = (0..children.len()).collect();
    roots.sort_by_key(|index| is_nested(*index));
    let mut parents: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for root in roots {
        if parents.contains_key(&root) {
            continue;
        }
        let mut reached = BTreeSet::from([root]);
        let mut pending = vec![root];
        while let Some(parent) = pending.pop() {
            for child in &children[parent] {
                if reached.insert(*child) {
                    parents.entry(*child).or_default().insert(root);
                    pending.push(*child);
                }
            }
        }
    }
    parents
}

/// By template: those that it needs, itself included.
fn needs(
    templates: &[NamedTemplate],
    links: &[StackLinks],
    nested: &BTreeMap<usize, BTreeSet<usize>>,
) -> Vec<BTreeSet<usize>> {
    let direct: Vec<Vec<usize>> = (0..templates.len())
        .map(|index| {
            let wants = links[index].wants.iter();
            wants
                .filter_map(|link| {
                    let providers = (0..templates.len()).filter(|other| {
                        *other != index && !nested.contains_key(other) && links[*other].provides.contains(link)
                    });
                    providers.min_by_key(|other| distance(&templates[index].path, &templates[*other].path))
                })
                .collect()
        })
        .collect();
    let closure = |index: usize| {
        let mut needed = BTreeSet::from([index]);
        let mut pending = vec![index];
        while let Some(next) = pending.pop() {
            let new = direct[next].iter().filter(|other| needed.insert(**other));
            pending.extend(new);
        }
        needed
    };
    (0..templates.len()).map(closure).collect()
}

/// The number of folders between two files.
fn distance(from: &Path, to: &Path) -> usize {
    let common = from.components().zip(to.components());
    let common = common.take_while(|(one, other)| one == other).count();
    from.components().count() + to.components().count() - 2 * common
}

fn sets(roots: &[usize], links: &[StackLinks], needs: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    let mut sets: Vec<BTreeSet<usize>> = Vec::new();
    // The largest first, so that what others need comes with those that need it.
    let mut order = roots.to_vec();
    order.sort_by_key(|index| std::cmp::Reverse(needs[*index].len()));
    for index in order {
        let needed = &needs[index];
        if sets.iter().any(|set| needed.is_subset(set)) {
            continue;
        }
        let shared = sets
            .iter_mut()
            .find(|set| !set.is_disjoint(needed) && !have_conflict(set.union(needed).copied(), links));
        match shared {
            Some(set) => set.extend(needed),
            None => sets.push(needed.clone()),
        }
    }
    sets.sort();
    sets
}

/// Whether two of these templates create the same.
fn have_conflict(set: impl Iterator<Item = usize>, links: &[StackLinks]) -> bool {
    let mut created: BTreeSet<&Link> = BTreeSet::new();
    let mut all = set.flat_map(|index| &links[index].provides);
    all.any(|link| !created.insert(link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_contain_no_cycle() {
        // 0 nests 1 and 2, 1 nests 2, and 3 and 4 nest each other.
        let children = [vec![1, 2], vec![2], vec![], vec![4], vec![3]].map(BTreeSet::from_iter);
        let expected = [(1, vec![0]), (2, vec![0]), (4, vec![3])];
        let expected = expected.map(|(child, roots)| (child, BTreeSet::from_iter(roots)));
        assert_eq!(parents(&children), BTreeMap::from(expected));
        // 0 and 1 share 2.
        let children = [vec![2], vec![2], vec![]].map(BTreeSet::from_iter);
        assert_eq!(parents(&children), BTreeMap::from([(2, BTreeSet::from([0, 1]))]));
    }

    #[test]
    fn versions_of_a_template_are_in_sets_of_their_own() {
        let provides = |names: &[&str]| StackLinks {
            provides: names.iter().map(|name| Link::Export((*name).to_owned())).collect(),
            wants: BTreeSet::new(),
        };
        let links = [
            provides(&["base"]),
            provides(&["v"]),
            provides(&["v"]),
            provides(&["w"]),
        ];
        let needs = [vec![0], vec![0, 1], vec![0, 2], vec![0, 3]].map(BTreeSet::from_iter);
        let expected = [vec![0, 1, 3], vec![0, 2]].map(BTreeSet::from_iter);
        assert_eq!(sets(&[0, 1, 2, 3], &links, &needs), expected);
    }
}
