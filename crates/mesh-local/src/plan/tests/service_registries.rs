//! Cloud Map service registries, and errors in them.

use super::app_mesh::{plan_of, service};

const TEMPLATE: &str = include_str!("data/appmesh.yaml");

#[test]
fn tasks_register_in_their_registry() {
    let plan = plan_of(TEMPLATE).unwrap();
    let blue = service(&plan, "blue").registry.as_ref().expect("a registry");
    assert_eq!(blue.service.hostname().as_deref(), Some("blue.demo.local"));
    assert_eq!(blue.port, Some(8080));
    assert_eq!(service(&plan, "blue").family, "blue");
    let store = service(&plan, "store").registry.as_ref().expect("a registry");
    // Discoverable by API calls only, although its namespace has DNS.
    assert_eq!(store.service.hostname(), None);
    assert_eq!((store.service.service.as_str(), store.port), ("store", Some(6379)));
    assert_eq!(service(&plan, "gateway").registry, None);
    assert_eq!(plan.cloud_map.len(), 2);
}

#[test]
fn invalid_registries_are_rejected() {
    let registries = "ServiceRegistries: [{RegistryArn: !GetAtt BlueEntry.Arn}]";
    let path = "Resources.Blue.Properties.ServiceRegistries";
    let arn = "arn:aws:servicediscovery:local:000000000000:service/srv-demo-";
    for (from, to, expected) in [
        (
            registries,
            "ServiceRegistries: [{RegistryArn: arn:x}]",
            format!(
                "{path}[0].RegistryArn: `arn:x` is not a Cloud Map service of this template; known: blue in demo.local, \
                 store in demo.local"
            ),
        ),
        (
            registries,
            "ServiceRegistries: [{Port: 80}]",
            format!("{path}[0].RegistryArn: is missing"),
        ),
        (
            registries,
            "ServiceRegistries: [{RegistryArn: !GetAtt BlueEntry.Arn}, {RegistryArn: !GetAtt StoreEntry.Arn}]",
            format!("{path}: has 2 entries: {arn}blueentry, {arn}storeentry; ECS allows one"),
        ),
        (
            "NamespaceId: !Ref Namespace\n",
            "NamespaceId: demo.locl\n",
            "Resources.StoreEntry.Properties.NamespaceId: `demo.locl` is not a namespace of this template; did you mean \
             `demo.local`?"
                .to_owned(),
        ),
        (
            "      Name: store\n",
            "      Name: blue\n",
            "Resources.StoreEntry.Properties.Name: `blue` is already the name of Resources.BlueEntry in this namespace"
                .to_owned(),
        ),
    ] {
        assert!(TEMPLATE.contains(from), "{from}");
        assert_eq!(plan_of(&TEMPLATE.replace(from, to)).map(drop), Err(expected), "{to}");
    }
}
