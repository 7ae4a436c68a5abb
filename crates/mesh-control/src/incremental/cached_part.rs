//! The translation of one part, made once for all views that it is in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, Weak};

use xds_server::{Resource, Snapshot};

use super::object::Object;
use super::view::View;
use super::{Translations, dependencies, lock};
use crate::configuration::{Part, PartError};
use crate::mesh_state::MeshState;
use crate::translate::EndpointSource;

#[derive(Debug)]
pub(super) struct CachedPart {
    part: Part,
    translated: Mutex<Option<Translated>>,
    /// The views that it is in.
    views: Mutex<Vec<Weak<View>>>,
}

/// The result of a translation.
#[derive(Debug, Clone)]
pub(super) struct PartContent {
    pub(super) snapshot: Snapshot,
    pub(super) notes: Arc<[String]>,
}

#[derive(Debug)]
struct Translated {
    content: Result<Arc<PartContent>, PartError>,
    /// The objects that it depends on, other than endpoints.
    objects: BTreeSet<Object>,
    /// Where the endpoints of each cluster come from.
    endpoints: BTreeMap<String, EndpointSource>,
    /// The clusters with the endpoints of each object.
    clusters: BTreeMap<Object, Vec<String>>,
    stale: Stale,
}

/// What has changed since the translation.
#[derive(Debug, Default)]
struct Stale {
    is_whole: bool,
    /// Clusters whose endpoints have changed.
    endpoints: BTreeSet<String>,
}

impl CachedPart {
    pub(super) fn new(part: Part) -> Self {
        Self {
            part,
            translated: Mutex::default(),
            views: Mutex::default(),
        }
    }

    pub(super) fn add_view(&self, view: &Arc<View>) {
        let mut views = lock(&self.views);
        if views.len() == views.capacity() {
            views.retain(|view| view.strong_count() > 0);
        }
        views.push(Arc::downgrade(view));
    }

    pub(super) fn views(&self) -> Vec<Arc<View>> {
        lock(&self.views).iter().filter_map(Weak::upgrade).collect()
    }

    /// Marks what depends on an object as stale.
    pub(super) fn mark_stale(&self, object: &Object) {
        let mut translated = lock(&self.translated);
        let Some(translated) = &mut *translated else { return };
        match translated.clusters.get(object) {
            Some(clusters) => translated.stale.endpoints.extend(clusters.iter().cloned()),
            None => translated.stale.is_whole = true,
        }
    }

    /// The current translation. What is stale is translated; endpoints without anything else.
    pub(super) fn content(
        self: &Arc<Self>,
        state: &MeshState,
        translations: &Translations,
    ) -> Result<Arc<PartContent>, PartError> {
        let mut guard = lock(&self.translated);
        if let Some(translated) = &mut *guard
            && !translated.stale.is_whole
        {
            let endpoints = std::mem::take(&mut translated.stale.endpoints);
            if endpoints.is_empty() || self.update_endpoints(translated, &endpoints, state, translations) {
                return translated.content.clone();
            }
        }
        let before = guard.take();
        let after = self.translate(state, translations, before.as_ref());
        let mut index = lock(&translations.index);
        let objects = |translated: &Translated| -> BTreeSet<Object> {
            let clusters = translated.clusters.keys();
            translated.objects.iter().chain(clusters).cloned().collect()
        };
        let (old, new) = (before.as_ref().map(objects).unwrap_or_default(), objects(&after));
        index.remove_part(self, old.difference(&new).cloned());
        index.add_part(self, new.difference(&old).cloned());
        drop(index);
        let content = after.content.clone();
        *guard = Some(after);
        content
    }

    fn translate(&self, state: &MeshState, translations: &Translations, before: Option<&Translated>) -> Translated {
        let objects = dependencies::of_part(&self.part, state);
        let translation = match self.part.translate(state) {
            Ok(translation) => translation,
            Err(error) => {
                return Translated {
                    content: Err(error),
                    objects,
                    endpoints: BTreeMap::new(),
                    clusters: BTreeMap::new(),
                    stale: Stale::default(),
                };
            }
        };
        let mut clusters: BTreeMap<Object, Vec<String>> = BTreeMap::new();
        for (cluster, source) in &translation.endpoints {
            if let Some(object) = dependencies::of_endpoints(source, state) {
                clusters.entry(object).or_default().push(cluster.clone());
            }
        }
        let content = PartContent {
            snapshot: translation.snapshot.intern(&translations.interner),
            notes: translation.notes.into(),
        };
        // The same value, so that views and streams see at a glance that nothing has changed.
        let same = before
            .and_then(|before| before.content.as_ref().ok())
            .filter(|before| before.snapshot == content.snapshot && before.notes == content.notes);
        Translated {
            content: Ok(same.map_or_else(|| Arc::new(content), Arc::clone)),
            objects,
            endpoints: translation.endpoints,
            clusters,
            stale: Stale::default(),
        }
    }

    /// Replaces the endpoints of these clusters. False if that is not enough.
    fn update_endpoints(
        &self,
        translated: &mut Translated,
        clusters: &BTreeSet<String>,
        state: &MeshState,
        translations: &Translations,
    ) -> bool {
        let Ok(content) = &translated.content else { return false };
        let mut snapshot = content.snapshot.clone();
        for cluster in clusters {
            let source = translated.endpoints.get(cluster);
            let assignment = source.and_then(|source| source.load_assignment(cluster, state, self.part.metadata()));
            let Some(assignment) = assignment else { return false };
            let resource = translations.interner.resource(Resource::endpoints(&assignment));
            snapshot = snapshot.with_resource(resource);
        }
        translated.content = Ok(Arc::new(PartContent {
            snapshot,
            notes: Arc::clone(&content.notes),
        }));
        true
    }
}
