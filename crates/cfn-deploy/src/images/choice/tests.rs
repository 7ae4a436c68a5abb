//! Tests of the choice of digests, with the two sides of a blue-green deployment.

use serde_json::json;

use super::*;
use crate::account_values::evaluator;

/// A version of each side, with the same image, and a gateway.
fn sides(blue: u32, green: u32, image: &str) -> Template {
    let side = |version: u32| {
        json!({"Type": TASK_DEFINITION, "Properties": {"ContainerDefinitions": [
            {"Name": "app", "Image": image, "Environment": [{"Name": "VERSION", "Value": version.to_string()}]},
            {"Name": "envoy", "Image": "host/envoy:1"},
        ]}})
    };
    let gateway = json!({"Type": TASK_DEFINITION, "Properties": {"ContainerDefinitions": [
        {"Name": "envoy", "Image": "host/envoy:1"}]}});
    let resources = json!({"Blue": side(blue), "Gateway": gateway, "Green": side(green)});
    let tag = json!({"Type": "String", "Default": "1"});
    Template::from_json(&json!({"Parameters": {"Tag": tag}, "Resources": resources}).to_string()).unwrap()
}

fn container(definition: &str, name: &str) -> ContainerId {
    (definition.to_owned(), name.to_owned())
}

fn images<'t>(template: &'t Template, digests: &[(&str, &str, &str)]) -> Images<'t> {
    let digests = digests
        .iter()
        .map(|(definition, name, digest)| (container(definition, name), (*digest).to_owned()));
    let evaluator = evaluator(template, &BTreeMap::new(), "123456789012", "eu-west-1");
    Images::new(template, &evaluator, digests.collect())
}

const DEPLOYED: [(&str, &str, &str); 5] = [
    ("Blue", "app", "sha256:old"),
    ("Blue", "envoy", "sha256:blue-envoy"),
    ("Gateway", "envoy", "sha256:gateway-envoy"),
    ("Green", "app", "sha256:new"),
    ("Green", "envoy", "sha256:green-envoy"),
];

fn latest(except: &[&str]) -> PinPolicy {
    PinPolicy::Latest {
        except: except.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn keep(digest: &str) -> Choice {
    Choice::Keep(Some(digest.to_owned()))
}

fn look_up(deployed: Option<&str>) -> Choice {
    Choice::LookUp {
        deployed: deployed.map(str::to_owned),
    }
}

#[test]
fn each_policy_keeps_or_looks_up() {
    let (deployed, new) = (sides(1, 2, "host/app:1"), sides(1, 3, "host/app:1"));
    let (deployed, new) = (images(&deployed, &DEPLOYED), images(&new, &[]));
    let chosen = |policy: &PinPolicy, definition: &str| {
        choose(policy, &new, &deployed, &container(definition, "app"), "host/app:1")
    };
    for (policy, blue, green) in [
        (latest(&[]), look_up(Some("sha256:old")), look_up(Some("sha256:new"))),
        (
            latest(&["Blue", "Green"]),
            keep("sha256:old"),
            look_up(Some("sha256:new")),
        ),
        (
            PinPolicy::KeepUnchanged,
            keep("sha256:old"),
            look_up(Some("sha256:new")),
        ),
        // The other side's.
        (PinPolicy::Restore, keep("sha256:old"), keep("sha256:old")),
        (PinPolicy::Deployed, keep("sha256:old"), keep("sha256:new")),
    ] {
        assert_eq!(
            (chosen(&policy, "Blue"), chosen(&policy, "Green")),
            (blue, green),
            "{policy:?}"
        );
    }
    // The envoy of the side is like that of the other side, not that of the gateway.
    let envoy = choose(
        &PinPolicy::Restore,
        &new,
        &deployed,
        &container("Green", "envoy"),
        "host/envoy:1",
    );
    assert_eq!(envoy, keep("sha256:blue-envoy"));
}

#[test]
fn another_tag_has_no_deployed_digest() {
    let (deployed, new) = (sides(1, 2, "host/app:1"), sides(1, 2, "host/app:2"));
    let (deployed, new) = (images(&deployed, &DEPLOYED), images(&new, &[]));
    let chosen = |policy| choose(&policy, &new, &deployed, &container("Blue", "app"), "host/app:2");
    assert_eq!(chosen(PinPolicy::KeepUnchanged), look_up(None));
    assert_eq!(chosen(PinPolicy::Restore), look_up(None));
    assert_eq!(chosen(PinPolicy::Deployed), Choice::Keep(None));
}

#[test]
fn a_tag_from_a_parameter_is_compared_by_its_value() {
    let template = sides(1, 2, "host/app:1");
    let mut sub = template.clone();
    for id in ["Blue", "Green"] {
        let resource = sub.resources.get_mut(id).unwrap();
        resource.properties["ContainerDefinitions"][0]["Image"] = json!({"Fn::Sub": "host/app:${Tag}"});
    }
    let deployed = images(&sub, &DEPLOYED);
    let parameters = BTreeMap::from([("Tag".to_owned(), "2".to_owned())]);
    let new = Images::new(&sub, &evaluator(&sub, &parameters, "1", "r"), BTreeMap::new());
    let chosen = choose(
        &PinPolicy::KeepUnchanged,
        &new,
        &deployed,
        &container("Blue", "app"),
        "host/app:2",
    );
    assert_eq!(chosen, look_up(None));
}

#[test]
fn a_deployed_tag_is_kept_as_a_tag_during_a_rollout() {
    let template = sides(1, 2, "host/app:1");
    let (deployed, new) = (images(&template, &[]), images(&template, &[]));
    let chosen = choose(
        &PinPolicy::KeepUnchanged,
        &new,
        &deployed,
        &container("Blue", "app"),
        "host/app:1",
    );
    assert_eq!(chosen, Choice::Keep(None));
}

#[test]
fn a_rollback_finds_the_other_side_by_its_image_if_container_names_differ() {
    let renamed = |mut template: Template| {
        let green = template.resources.get_mut("Green").unwrap();
        green.properties["ContainerDefinitions"][0]["Name"] = json!("green");
        template
    };
    let (deployed, new) = (renamed(sides(1, 2, "host/app:1")), renamed(sides(1, 1, "host/app:1")));
    let digests = [("Blue", "app", "sha256:old"), ("Green", "green", "sha256:new")];
    let (deployed, new) = (images(&deployed, &digests), images(&new, &[]));
    let chosen = choose(
        &PinPolicy::Restore,
        &new,
        &deployed,
        &container("Green", "green"),
        "host/app:1",
    );
    assert_eq!(chosen, keep("sha256:old"));
}
