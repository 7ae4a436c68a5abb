//! A template as synthesized by the AWS CDK.

use super::app_mesh::service;
use super::*;

const TEMPLATE: &str = include_str!("data/cdk.json");

#[test]
fn cdk_templates_are_planned() {
    let template = Template::from_text(TEMPLATE).expect("a template");
    let asset = "000000000000.dkr.ecr.local.amazonaws.com/cdk-hnb659fds-container-assets-000000000000-local";
    let images = Images::default().with(asset, Image::new(["app"]));
    let plan = read(&template, &images).unwrap();
    let blue = service(&plan, "demo-BlueServiceAEB0D5F9");
    assert_eq!((blue.cluster.as_str(), blue.desired_count), ("demo-ClusterEB0386A7", 1));
    let Membership::Mesh(node) = &blue.membership else {
        panic!("{:?}", blue.membership);
    };
    assert_eq!(
        node.path.to_string(),
        "mesh/ColoursMesh7D8A6C1F/virtualNode/ColoursBlueNode0A0A0A0A"
    );
    assert_eq!(node.suffixes.as_ref().expect("a node").to_string(), "colours.local");
    let hostname = blue.registry.as_ref().and_then(|registry| registry.service.hostname());
    assert_eq!(hostname.as_deref(), Some("blue.colours.local"));
    assert_eq!(blue.containers.len(), 1);
    assert_eq!(blue.containers[0].ports[0].variable.as_deref(), Some("PORT"));

    let types: Vec<&str> = plan.not_simulated.iter().map(|(_, kind)| kind.as_str()).collect();
    // The metadata resource is conditional on AWS regions.
    assert!(!types.contains(&"AWS::CDK::Metadata"));
    for left_out in [
        "AWS::EC2::VPC",
        "AWS::ECS::ClusterCapacityProviderAssociations",
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "Custom::Thing",
    ] {
        assert!(types.contains(&left_out), "{left_out}");
    }
}
