//! The index: from objects to the parts that depend on them, from parts to the views that they are in, and the views and
//! parts in use.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};

use super::cached_part::CachedPart;
use super::object::Object;
use super::view::View;
use crate::configuration::{NodeKey, Part};

/// Views up to which dropped ones are kept.
const MIN_SWEEP: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Index {
    /// By the text of their key.
    views: HashMap<String, Weak<View>>,
    parts: HashMap<String, Weak<CachedPart>>,
    dependents: HashMap<Object, Vec<Dependent>>,
    sweep_at: usize,
}

/// What a changed object concerns.
#[derive(Debug, Clone)]
enum Dependent {
    Part(Weak<CachedPart>),
    /// The parts of a view must be determined anew.
    View(Weak<View>),
}

impl Dependent {
    fn is_alive(&self) -> bool {
        match self {
            Self::Part(part) => part.strong_count() > 0,
            Self::View(view) => view.strong_count() > 0,
        }
    }
}

impl Index {
    /// The view of equal nodes.
    pub(super) fn view(&mut self, key: NodeKey, new: impl FnOnce(NodeKey) -> View) -> Arc<View> {
        let text = format!("{key:?}");
        if let Some(view) = self.views.get(&text).and_then(Weak::upgrade) {
            return view;
        }
        self.sweep();
        let view = Arc::new(new(key));
        self.views.insert(text, Arc::downgrade(&view));
        view
    }

    /// The translation of a part.
    pub(super) fn part(&mut self, part: Part) -> Arc<CachedPart> {
        let text = format!("{part:?}");
        if let Some(part) = self.parts.get(&text).and_then(Weak::upgrade) {
            return part;
        }
        let part = Arc::new(CachedPart::new(part));
        self.parts.insert(text, Arc::downgrade(&part));
        part
    }

    /// Records that a part depends on these objects.
    pub(super) fn add_part(&mut self, part: &Arc<CachedPart>, objects: impl IntoIterator<Item = Object>) {
        for object in objects {
            self.add(object, Dependent::Part(Arc::downgrade(part)));
        }
    }

    /// Records that the parts of a view depend on an object.
    pub(super) fn add_view(&mut self, view: &Arc<View>, object: Object) {
        let is_same = |dependent: &Dependent| match dependent {
            Dependent::View(other) => std::ptr::eq(other.as_ptr(), Arc::as_ptr(view)),
            Dependent::Part(_) => false,
        };
        if !self
            .dependents
            .get(&object)
            .is_some_and(|dependents| dependents.iter().any(is_same))
        {
            self.add(object, Dependent::View(Arc::downgrade(view)));
        }
    }

    fn add(&mut self, object: Object, dependent: Dependent) {
        let dependents = self.dependents.entry(object).or_default();
        // Parts and views come and go with their nodes.
        if dependents.len() == dependents.capacity() {
            dependents.retain(Dependent::is_alive);
        }
        dependents.push(dependent);
    }

    /// Removes a part from the dependents of these objects.
    pub(super) fn remove_part(&mut self, part: &Arc<CachedPart>, objects: impl IntoIterator<Item = Object>) {
        for object in objects {
            if let Some(dependents) = self.dependents.get_mut(&object) {
                dependents.retain(|dependent| match dependent {
                    Dependent::Part(other) => !std::ptr::eq(other.as_ptr(), Arc::as_ptr(part)),
                    Dependent::View(_) => true,
                });
                if dependents.is_empty() {
                    self.dependents.remove(&object);
                }
            }
        }
    }

    /// Marks everything as stale that depends on these objects. Returns the views concerned.
    pub(super) fn mark_stale(&self, objects: &BTreeSet<Object>) -> Vec<Arc<View>> {
        let mut views: HashMap<*const View, Arc<View>> = HashMap::new();
        let mut add = |view: Arc<View>| drop(views.insert(Arc::as_ptr(&view), view));
        for object in objects {
            for dependent in self.dependents.get(object).into_iter().flatten() {
                match dependent {
                    Dependent::Part(part) => {
                        if let Some(part) = part.upgrade() {
                            part.mark_stale(object);
                            part.views().into_iter().for_each(&mut add);
                        }
                    }
                    Dependent::View(view) => {
                        if let Some(view) = view.upgrade() {
                            view.forget_parts();
                            add(view);
                        }
                    }
                }
            }
        }
        views.into_values().collect()
    }

    fn sweep(&mut self) {
        if self.views.len() < self.sweep_at.max(MIN_SWEEP) {
            return;
        }
        self.views.retain(|_, view| view.strong_count() > 0);
        self.parts.retain(|_, part| part.strong_count() > 0);
        self.dependents.retain(|_, dependents| {
            dependents.retain(Dependent::is_alive);
            !dependents.is_empty()
        });
        self.sweep_at = 2 * self.views.len();
    }
}
