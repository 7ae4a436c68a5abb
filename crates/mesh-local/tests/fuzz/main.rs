//! Fuzz targets: whatever the input, templates are read, evaluated and planned without a panic, a hang, or memory without
//! bound.
//!
//! The inputs are the files of `corpus/TARGET`, which are ordinary templates, and mutations of them. A mutation whose
//! outcome (the kinds of its errors) no earlier input had is mutated further, and with `FUZZ_GROW=1` it is added to the
//! corpus. `FUZZ_SECONDS` is the time of each target (default: 3), `FUZZ_SEED` repeats a run. An input that fails is
//! written to the directory that the failure names; add it to the corpus with the correction.
//!
//! Not coverage-guided: those engines need a nightly compiler, and the random ones of a stable compiler make bytes, which
//! are no templates.

mod corpus;
mod mutation;
mod runner;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use cfn::{Positions, Template};
use mesh_local::{Image, Images, NestedStackRequest, NestedTemplate, Plan, StackEnvironment, StackInput, Values};
use serde_json::Value as Json;

use runner::{Outcome, fuzz};

#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

fn images() -> Images {
    Images::default().with_stub(Image::new(["true"]), "PORT")
}

/// The plan of one stack.
fn plan(template: &Template, environment: &StackEnvironment) -> Outcome {
    let parameters = BTreeMap::from([("Stage".to_owned(), "test".to_owned())]);
    let stack = StackInput {
        name: "app",
        template,
        parameters: &parameters,
    };
    match Plan::in_environment(&[stack], environment, &images()) {
        Ok(plan) => Outcome::new([format!(
            "{} services, {} meshes",
            plan.services.len(),
            plan.meshes.len()
        )]),
        Err(errors) => {
            assert!(errors.iter().next().is_some(), "an error without a message");
            Outcome::new(errors.iter().map(|error| error.message.clone()))
        }
    }
}

/// Reading YAML and JSON.
#[test]
fn text() {
    fuzz("template", "text", |text| {
        let _position = Positions::of(text).get("Resources.Web.Properties.Cluster");
        match Template::from_text_with_warnings(text) {
            Ok((template, warnings)) => {
                let written = template.to_json();
                let again = Template::from_json(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
                assert_eq!(again.to_json(), written, "a template is written as it is read");
                Outcome::new(warnings.iter().map(ToString::to_string))
            }
            Err(error) => Outcome::new([error.to_string()]),
        }
    });
}

/// Evaluation and planning.
#[test]
fn template() {
    fuzz("template", "plan", |text| match Template::from_text(text) {
        Ok(template) => plan(&template, &StackEnvironment::default()),
        Err(_) => Outcome::default(),
    });
}

/// Nested stacks: a file has several templates, which are nested in each other by their position, `0.yaml`.
#[test]
fn nested() {
    fuzz("nested", "plan", |text| {
        let templates: Vec<Template> = text
            .split("\n---\n")
            .filter_map(|part| Template::from_text(part).ok())
            .collect();
        let Some(first) = templates.first().cloned() else {
            return Outcome::default();
        };
        let requests = Rc::new(RefCell::new(0));
        let find = move |request: &NestedStackRequest<'_>| {
            *requests.borrow_mut() += 1;
            let url = request.url.ok_or("no URL")?;
            let number = url.trim_end_matches(".yaml").parse::<usize>();
            let template = number.ok().and_then(|number| templates.get(number));
            Ok(NestedTemplate {
                template: template.ok_or("no template")?.clone(),
                id: url.to_owned(),
            })
        };
        let environment = StackEnvironment {
            nested_templates: Some(Rc::new(find)),
            ..StackEnvironment::default()
        };
        plan(&first, &environment)
    });
}

/// Values that only AWS knows, for a template that reads all kinds of them.
#[test]
fn values() {
    const READER: &str = include_str!("values.yaml");
    let template = Template::from_text(READER).expect("a template");
    fuzz("values", "plan", |text| {
        let Ok(Json::Object(entries)) = Template::document_from_text(text) else {
            return Outcome::default();
        };
        let entries = entries.into_iter();
        let environment = StackEnvironment {
            values: entries.fold(Values::default(), |values, (name, value)| values.with(name, value)),
            ..StackEnvironment::default()
        };
        let outcome = plan(&template, &environment);
        let unread = environment.values.unread().len();
        outcome.with(format!("{} unread", unread > 0))
    });
}
