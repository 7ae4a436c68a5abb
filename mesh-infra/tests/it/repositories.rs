//! Repositories of container images.

use mesh_infra::{EcrRepository, Stack, Value};
use serde_json::{Value as Json, json};

use crate::containers::checked;

#[test]
fn a_repository_has_immutable_tags_and_scans() {
    let mut stack = Stack::new("images");
    let app = stack.add("app", EcrRepository::new("team/app"));
    let template = checked(&stack);
    let repository = &template.resources["AppRepository"];
    assert_eq!(repository.deletion_policy, Some(json!("RetainExceptOnCreate")));
    assert_eq!(repository.update_replace_policy, Some(json!("Retain")));
    let policy = repository.properties["LifecyclePolicy"]["LifecyclePolicyText"]
        .as_str()
        .unwrap();
    let policy: Json = serde_json::from_str(policy).unwrap();
    assert_eq!(policy["rules"].as_array().unwrap().len(), 1);
    assert_eq!(policy["rules"][0]["selection"]["tagStatus"], "untagged");
    let mut properties = repository.properties.clone();
    properties.as_object_mut().unwrap().shift_remove("LifecyclePolicy");
    assert_eq!(
        properties,
        json!({
            "RepositoryName": "team/app",
            "ImageTagMutability": "IMMUTABLE",
            "ImageScanningConfiguration": {"ScanOnPush": true},
            "EncryptionConfiguration": {"EncryptionType": "AES256"}
        })
    );
    let image = Value::<String>::from(app.image().with_tag("1"));
    assert_eq!(
        image.to_json(),
        json!({"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/team/app:1"})
    );
}

#[test]
fn its_settings_can_be_changed() {
    let key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let mut stack = Stack::new("images");
    let own = EcrRepository::new("team/app")
        .with_kms_key_arn(key)
        .with_mutable_tags()
        .with_max_images(50);
    stack.add("app", own);
    stack.add("other", EcrRepository::new("team/other").with_kms());
    let template = checked(&stack);
    let properties = &template.resources["AppRepository"].properties;
    assert_eq!(properties["ImageTagMutability"], "MUTABLE");
    assert_eq!(
        properties["EncryptionConfiguration"],
        json!({"EncryptionType": "KMS", "KmsKey": key})
    );
    let policy = properties["LifecyclePolicy"]["LifecyclePolicyText"].as_str().unwrap();
    let policy: Json = serde_json::from_str(policy).unwrap();
    assert_eq!(policy["rules"][1]["selection"]["countNumber"], 50);
    assert_eq!(
        template.resources["OtherRepository"].properties["EncryptionConfiguration"],
        json!({"EncryptionType": "KMS"})
    );
}

#[test]
fn names_that_ecr_rejects_are_reported() {
    let mut stack = Stack::new("images");
    stack.add("app", EcrRepository::new("Team/App").with_max_images(0));
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.AppRepository.Properties.RepositoryName: is `Team/App`; expected 2 to 256 of a-z, 0-9, ., _, - and /, with \
         letters and digits around the others\n\
         Resources.AppRepository.Properties.LifecyclePolicy: keeps no image; expected at least 1"
    );
}
