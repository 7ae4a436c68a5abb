//! The foreign types in a crate's public API, compared with an allow-list.
//!
//! A type of another crate in a signature binds users to that crate's version. The compiler's own description of an API
//! (rustdoc's JSON) needs a nightly compiler, so this reads the source: every signature of a `pub` item, and the head of
//! every implementation for a `pub` type. That is the whole API, because the lint `unreachable_pub` allows no other
//! `pub` item. Items that macros generate are not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};

/// Names of crates to the files in which their types appear.
type Found = BTreeMap<String, BTreeSet<String>>;

/// The standard library, which every crate may name.
const STANDARD_LIBRARY: [&str; 3] = ["alloc", "core", "std"];

/// Checks that the foreign types in the API are those of `allowed` crates. Each entry is a crate and the reason. The
/// standard library is always allowed.
///
/// `manifest_dir` is the crate's `env!("CARGO_MANIFEST_DIR")`.
///
/// # Panics
///
/// If a type of another crate appears, or an allowed crate is not used.
#[track_caller]
pub fn assert_foreign_crates(manifest_dir: &str, allowed: &[(&str, &str)]) {
    let mut sources = Vec::new();
    read(&Path::new(manifest_dir).join("src"), &mut sources);
    let found = foreign_crates(&sources);
    let allowed: BTreeSet<&str> = allowed.iter().map(|(name, _)| *name).collect();
    let mut others = found.clone();
    others.retain(|name, _| !allowed.contains(name.as_str()));
    assert!(
        others.is_empty(),
        "types of these crates are in the public API; wrap them, or allow the crate with a reason: {others:#?}"
    );
    let used: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(used, allowed, "remove unused crates from the allow-list");
}

/// Reads the sources of a crate except its test modules.
fn read(dir: &Path, sources: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).expect("the sources exist") {
        let path = entry.expect("the sources exist").path();
        if path.is_dir() {
            read(&path, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).expect("the source is text");
            sources.push((path.display().to_string(), text));
        }
    }
}

fn foreign_crates(sources: &[(String, String)]) -> Found {
    let files: Vec<(&String, syn::File)> = sources
        .iter()
        .map(|(name, text)| (name, syn::parse_file(text).expect("the source compiles")))
        .collect();
    let mut public = BTreeSet::new();
    for (_, file) in &files {
        collect_public(&file.items, &mut public);
    }
    let mut found = Found::new();
    for (name, file) in &files {
        let mut visitor = ApiVisitor {
            file: name,
            public: &public,
            imported: BTreeMap::new(),
            modules: BTreeSet::new(),
            found: &mut found,
        };
        visitor.items(&file.items);
    }
    found
}

/// Collects the names of all `pub` types.
fn collect_public(items: &[syn::Item], public: &mut BTreeSet<String>) {
    for item in items {
        match item {
            syn::Item::Struct(item) if is_pub(&item.vis) => drop(public.insert(item.ident.to_string())),
            syn::Item::Enum(item) if is_pub(&item.vis) => drop(public.insert(item.ident.to_string())),
            syn::Item::Mod(item) => {
                let inner = item.content.as_ref();
                inner.into_iter().for_each(|(_, items)| collect_public(items, public));
            }
            _ => {}
        }
    }
}

fn is_pub(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|flag| flag == "test")
    })
}

/// Visits the signatures of one module; every visited path is part of the API.
struct ApiVisitor<'a> {
    file: &'a str,
    public: &'a BTreeSet<String>,
    /// The first segment of the path of each imported name.
    imported: BTreeMap<String, String>,
    modules: BTreeSet<String>,
    found: &'a mut Found,
}

impl ApiVisitor<'_> {
    fn items(&mut self, items: &[syn::Item]) {
        for item in items {
            match item {
                syn::Item::Mod(item) => drop(self.modules.insert(item.ident.to_string())),
                syn::Item::Use(item) => self.import(&item.tree, None, is_pub(&item.vis)),
                _ => {}
            }
        }
        for item in items {
            self.item(item);
        }
    }

    /// Records the names that a `use` item imports. `path` has the first and the last segment before `tree`.
    fn import(&mut self, tree: &syn::UseTree, path: Option<(&str, &str)>, is_pub: bool) {
        match tree {
            syn::UseTree::Path(next) => {
                let name = next.ident.to_string();
                let first = path.map_or(&*name, |(first, _)| first);
                self.import(&next.tree, Some((first, &name)), is_pub);
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, path, is_pub)),
            syn::UseTree::Name(name) => {
                let name = name.ident.to_string();
                match path {
                    // `use a::b::{self}` imports `b`.
                    Some((first, last)) if name == "self" => self.record_import(last, first, is_pub),
                    Some((first, _)) => self.record_import(&name, first, is_pub),
                    None => self.record_import(&name, &name, is_pub),
                }
            }
            syn::UseTree::Rename(rename) => {
                let name = rename.ident.to_string();
                let first = path.map_or(&*name, |(first, _)| first);
                self.record_import(&rename.rename.to_string(), first, is_pub);
            }
            syn::UseTree::Glob(_) => self.record(path.map(|(first, _)| first).filter(|_| is_pub)),
        }
    }

    fn record_import(&mut self, name: &str, first: &str, is_pub: bool) {
        self.record(Some(first).filter(|_| is_pub));
        self.imported.insert(name.to_owned(), first.to_owned());
    }

    fn item(&mut self, item: &syn::Item) {
        match item {
            syn::Item::Fn(item) if is_pub(&item.vis) => self.visit_signature(&item.sig),
            syn::Item::Struct(item) if is_pub(&item.vis) => {
                self.visit_generics(&item.generics);
                item.fields
                    .iter()
                    .filter(|field| is_pub(&field.vis))
                    .for_each(|field| self.visit_field(field));
            }
            syn::Item::Enum(item) if is_pub(&item.vis) => self.visit_item_enum(item),
            syn::Item::Trait(item) if is_pub(&item.vis) => self.visit_item_trait(item),
            syn::Item::Type(item) if is_pub(&item.vis) => self.visit_item_type(item),
            syn::Item::Const(item) if is_pub(&item.vis) => self.visit_type(&item.ty),
            syn::Item::Static(item) if is_pub(&item.vis) => self.visit_type(&item.ty),
            syn::Item::Impl(item) if self.is_for_public(&item.self_ty) => self.implementation(item),
            syn::Item::Mod(item) if !is_for_tests(&item.attrs) => {
                if let Some((_, items)) = &item.content {
                    let mut inner = ApiVisitor {
                        file: self.file,
                        public: self.public,
                        imported: BTreeMap::new(),
                        modules: BTreeSet::new(),
                        found: &mut *self.found,
                    };
                    inner.items(items);
                }
            }
            _ => {}
        }
    }

    fn is_for_public(&self, kind: &syn::Type) -> bool {
        matches!(kind, syn::Type::Path(path)
            if path.path.segments.last().is_some_and(|last| self.public.contains(&last.ident.to_string())))
    }

    fn implementation(&mut self, item: &syn::ItemImpl) {
        self.visit_generics(&item.generics);
        if let Some((_, path, _)) = &item.trait_ {
            self.visit_path(path);
        }
        for item in &item.items {
            match item {
                syn::ImplItem::Fn(method) if is_pub(&method.vis) => self.visit_signature(&method.sig),
                syn::ImplItem::Const(constant) if is_pub(&constant.vis) => self.visit_type(&constant.ty),
                syn::ImplItem::Type(associated) => self.visit_type(&associated.ty),
                _ => {}
            }
        }
    }

    fn record(&mut self, name: Option<&str>) {
        let Some(name) = name else {
            return;
        };
        let is_own = matches!(name, "crate" | "self" | "super" | "Self") || self.modules.contains(name);
        if !is_own && !STANDARD_LIBRARY.contains(&name) {
            self.found
                .entry(name.to_owned())
                .or_default()
                .insert(self.file.to_owned());
        }
    }
}

impl<'a> Visit<'a> for ApiVisitor<'_> {
    fn visit_path(&mut self, path: &'a syn::Path) {
        if let Some(first) = path.segments.first() {
            let name = first.ident.to_string();
            let imported = self.imported.get(&name).cloned();
            // A single name that is not imported belongs to this module or the prelude. A first segment in upper case is
            // a type, as in `B::Error`.
            let is_crate = path.segments.len() > 1 && name.starts_with(|c: char| c.is_ascii_lowercase());
            self.record(imported.or(is_crate.then_some(name)).as_deref());
        }
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}
    fn visit_expr(&mut self, _: &'a syn::Expr) {}
    fn visit_block(&mut self, _: &'a syn::Block) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_types_are_found_in_every_position() {
        for source in [
            "pub fn f() -> a::B { todo!() }",
            "use a::B; pub fn f(b: &[Option<B>]) {}",
            "use a::{B as C, D}; pub struct E { pub c: C }",
            "pub struct E(pub Box<dyn Fn(a::B)>);",
            "pub enum E { F(a::B) }",
            "pub struct E; impl From<a::B> for E { fn from(_: a::B) -> Self { E } }",
            "pub struct E; impl E { pub fn f(&self) -> impl Iterator<Item = a::B> { [].into_iter() } }",
            "pub struct E; impl a::B for E {}",
            "pub struct E; impl Service for E { type Error = a::B; }",
            "pub fn f<T: a::B>() {}",
            "pub fn f<T>() where T: Into<a::B> {}",
            "pub trait T { fn f(&self, b: a::B); }",
            "pub const C: a::B = a::B;",
            "pub type T = a::B;",
            "pub use a::B;",
            "pub use a as b;",
            "use a::b; pub fn f(b: b::C) {}",
            "use a::b::{self, C}; pub fn f(b: b::D) {}",
            "pub mod m { use a::B; pub fn f(b: B) {} }",
        ] {
            let found = foreign_crates(&[("x.rs".to_owned(), source.to_owned())]);
            assert_eq!(Vec::from_iter(found.into_keys()), ["a"], "{source}");
        }
        for source in [
            "use a::B; fn f(b: B) {}",
            "pub(crate) fn f(b: a::B) {}",
            "pub struct E { b: a::B }",
            "pub struct E; impl E { fn f(b: a::B) {} pub fn g() { a::B; } }",
            "struct E; impl From<a::B> for E { fn from(_: a::B) -> Self { E } }",
            "mod b; pub use b::C; pub fn f(c: C, d: crate::b::D, e: self::b::E) {}",
            "#[cfg(test)] mod tests { pub fn f(b: a::B) {} }",
            "pub fn f<T: Clone>(t: T, s: String) -> Option<T> { None }",
            "use std::io; pub fn f(e: io::Error, d: core::time::Duration) {}",
        ] {
            let found = foreign_crates(&[("x.rs".to_owned(), source.to_owned())]);
            assert_eq!(found, Found::new(), "{source}");
        }
    }
}
