//! File systems of Amazon EFS.

use mesh_infra::{
    AccessPoint, App, Container, EfsVolume, FileSystem, Network, PrivateEgress, Stack, TaskDefinition, Template, Vpc,
};
use serde_json::json;

use crate::containers::{checked, errors_of, stack_of, template_of};
use crate::deployable::{app, container};
use crate::roles::statements;

#[test]
fn a_file_system_of_the_stack_is_mounted_by_its_access_point() {
    let mut stack = Stack::new("demo");
    let network = stack.add("Vpc", Vpc::new().with_private_subnets(PrivateEgress::NatGateway));
    let cluster = stack.add("Cluster", mesh_infra::Cluster::new());
    let files = stack.add("files", FileSystem::new(&network));
    let data = stack.add("data", AccessPoint::new(&files, "/data").with_user(1001, 1002));
    let volume = EfsVolume::of_access_point("data", &data);
    let other = Container::new("other", "team/other:1").with_efs_volume(&volume.clone().with_read_only(), "/data");
    let task = TaskDefinition::new(app(8080).with_efs_volume(&volume, "/data")).with_container(other);
    stack.add("app", mesh_infra::Service::new(&cluster, task).with_network(&network));
    let template = checked(&stack);

    let files = &template.resources["FilesFileSystem"];
    assert_eq!(files.deletion_policy, Some(json!("RetainExceptOnCreate")));
    assert_eq!(files.update_replace_policy, Some(json!("Retain")));
    assert_eq!(files.properties["Encrypted"], true);
    assert_eq!(files.properties["BackupPolicy"], json!({"Status": "ENABLED"}));
    let denied = &files.properties["FileSystemPolicy"]["Statement"][0];
    assert_eq!(
        (&denied["Effect"], &denied["Condition"]),
        (&json!("Deny"), &json!({"Bool": {"aws:SecureTransport": "false"}}))
    );
    for (id, subnet) in [
        ("FilesMountTarget1", "PrivateSubnet1"),
        ("FilesMountTarget2", "PrivateSubnet2"),
    ] {
        let target = &template.resources[id].properties;
        assert_eq!(target["FileSystemId"], json!({"Ref": "FilesFileSystem"}));
        assert!(target["SubnetId"]["Ref"].as_str().unwrap().contains(subnet), "{target}");
        assert_eq!(
            target["SecurityGroups"],
            json!([{"Fn::GetAtt": ["FilesFileSystemSecurityGroup", "GroupId"]}])
        );
        assert!(template.resources["AppService"].depends_on.contains(&id.to_owned()));
    }
    let ingress = &template.resources["FilesFileSystemSecurityGroup"].properties["SecurityGroupIngress"];
    assert_eq!(ingress.as_array().unwrap().len(), 1);
    assert_eq!(
        (&ingress[0]["FromPort"], &ingress[0]["ToPort"]),
        (&json!(2049), &json!(2049))
    );
    assert_eq!(
        ingress[0]["SourceSecurityGroupId"],
        json!({"Fn::GetAtt": ["MembersSecurityGroup", "GroupId"]})
    );

    assert_eq!(
        template.resources["AppTaskDefinition"].properties["Volumes"],
        json!([{"Name": "data", "EFSVolumeConfiguration": {
            "FilesystemId": {"Ref": "FilesFileSystem"},
            "TransitEncryption": "ENABLED",
            "AuthorizationConfig": {"AccessPointId": {"Ref": "DataAccessPoint"}, "IAM": "ENABLED"}
        }}])
    );
    let mount = |name| container(&template, "AppTaskDefinition", name)["MountPoints"][0]["ReadOnly"].clone();
    assert_eq!((mount("app"), mount("other")), (json!(false), json!(true)));
    let allowed = statements(&template, "AppTaskRole");
    assert_eq!(
        allowed[0],
        json!({
            "Effect": "Allow",
            "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
            "Resource": {"Fn::GetAtt": ["FilesFileSystem", "Arn"]},
            "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": {"Fn::GetAtt": ["DataAccessPoint", "Arn"]}}}
        })
    );
    assert_eq!(
        template.resources["DataAccessPoint"].properties,
        json!({
            "FileSystemId": {"Ref": "FilesFileSystem"},
            "PosixUser": {"Uid": "1001", "Gid": "1002"},
            "RootDirectory": {"Path": "/data", "CreationInfo": {
                "OwnerUid": "1001", "OwnerGid": "1002", "Permissions": "0750"}}
        })
    );
}

#[test]
fn an_existing_file_system_is_mounted_by_its_id() {
    let volume = EfsVolume::existing("files", "fs-0123456789abcdef0")
        .with_root_directory("/shared")
        .with_read_only();
    let template = template_of(TaskDefinition::new(app(8080).with_efs_volume(&volume, "/files")));
    assert_eq!(
        template.resources["AppTaskDefinition"].properties["Volumes"],
        json!([{"Name": "files", "EFSVolumeConfiguration": {
            "FilesystemId": "fs-0123456789abcdef0",
            "RootDirectory": "/shared",
            "TransitEncryption": "ENABLED",
            "AuthorizationConfig": {"IAM": "ENABLED"}
        }}])
    );
    let arn =
        "arn:${AWS::Partition}:elasticfilesystem:${AWS::Region}:${AWS::AccountId}:file-system/fs-0123456789abcdef0";
    assert_eq!(
        statements(&template, "AppTaskRole"),
        [json!({"Effect": "Allow", "Action": "elasticfilesystem:ClientMount", "Resource": {"Fn::Sub": arn}})]
    );
    let without = EfsVolume::existing("files", "fs-0123456789abcdef0").without_iam();
    let template = template_of(TaskDefinition::new(app(8080).with_efs_volume(&without, "/files")));
    assert!(!template.resources.contains_key("AppTaskRole"));
}

#[test]
fn volumes_that_ecs_rejects_are_reported() {
    let first = EfsVolume::existing("my files", "fs-1")
        .with_access_point_id("ap-1")
        .with_root_directory("/x");
    let second = EfsVolume::existing("files", "fs-0123456789abcdef0");
    let other = EfsVolume::existing("files", "fs-11111111111111111");
    let app = app(8080)
        .with_efs_volume(&first, "/a")
        .with_efs_volume(&second, "/b")
        .with_efs_volume(&other, "/c");
    let path = "Resources.AppTaskDefinition.Properties.Volumes";
    assert_eq!(
        errors_of(TaskDefinition::new(app)),
        format!(
            "{path}[0].Name: is `my files`; allowed are 1 to 255 of a-z, A-Z, 0-9, _ and -\n\
             {path}[0].EFSVolumeConfiguration.FilesystemId: is `fs-1`; expected an id such as fs-0123456789abcdef0\n\
             {path}[0].EFSVolumeConfiguration.AuthorizationConfig.AccessPointId: is `ap-1`; expected an id such as \
             fsap-0123456789abcdef0\n\
             {path}[0].EFSVolumeConfiguration.RootDirectory: is `/x`, but the volume has an access point with a directory of \
             its own; remove EfsVolume::with_root_directory\n\
             {path}[1].Name: is `files`, which is the name of two different volumes; give each a name of its own"
        )
    );
}

#[test]
fn a_file_system_needs_known_subnets_and_groups() {
    let mut stack = Stack::new("demo");
    let network = stack.add("Network", Network::from_parameters());
    stack.add("files", FileSystem::new(&network));
    let unknown = stack.add("Other", Network::in_subnets(["subnet-0123456789abcdef0"]));
    stack.add("others", FileSystem::new(&unknown));
    let third = stack_handle(&mut stack);
    stack.add("data", AccessPoint::new(&third, "data/x").with_permissions("9"));
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.FilesFileSystem: is in a network whose subnets are parameters, and needs one mount target for each; use a \
         Vpc or Network::in_subnets\n\
         Resources.OthersFileSystem: is in a network without known security groups, so that it cannot allow its tasks; use a \
         Vpc, Network::with_vpc_id or Network::with_security_groups\n\
         Resources.DataAccessPoint.Properties.RootDirectory.Path: is `data/x`; expected an absolute path of 1 to 4 names and at \
         most 100 characters, such as /data\n\
         Resources.DataAccessPoint.Properties.RootDirectory.CreationInfo.Permissions: are `9`; expected three or four octal \
         digits, such as 0750"
    );
}

/// A file system in a network of its own.
fn stack_handle(stack: &mut Stack) -> mesh_infra::FileSystemHandle {
    let network = stack.add("Vpc", Vpc::new());
    stack.add("third", FileSystem::new(&network))
}

/// A stack with a file system of `other`, and `other`.
fn stacks_with_a_shared_volume() -> (Stack, Stack) {
    let mut other = Stack::new("other");
    let files = stack_handle(&mut other);
    let volume = EfsVolume::new("files", &files).with_read_only();
    let stack = stack_of(
        TaskDefinition::new(app(8080).with_efs_volume(&volume, "/files")),
        |_, _, service| service,
    );
    (stack, other)
}

/// The template of a task with a volume of a new file system.
fn mounted(volume: impl Fn(EfsVolume) -> EfsVolume) -> Result<Template, String> {
    let mut stack = Stack::new("demo");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", mesh_infra::Cluster::new());
    let files = stack.add("files", FileSystem::new(&network));
    let volume = volume(EfsVolume::new("files", &files));
    let task = TaskDefinition::new(app(8080).with_efs_volume(&volume, "/files"));
    stack.add("app", mesh_infra::Service::new(&cluster, task).with_network(&network));
    stack.synth().map_err(|errors| errors.to_string())
}

#[test]
fn a_new_file_system_is_written_by_root_alone() {
    assert_eq!(
        mounted(|volume| volume).unwrap_err(),
        "Resources.AppTaskDefinition.Properties.Volumes[0].EFSVolumeConfiguration: is writable, but only root may write to the \
         root directory of a new file system, and the volume has no root access; use EfsVolume::of_access_point, \
         EfsVolume::with_root_access or EfsVolume::with_read_only"
    );
    let actions = |volume: fn(EfsVolume) -> EfsVolume| {
        let template = mounted(volume).unwrap_or_else(|errors| panic!("{errors}"));
        statements(&template, "AppTaskRole")[0]["Action"].clone()
    };
    assert_eq!(
        actions(EfsVolume::with_root_access),
        json!([
            "elasticfilesystem:ClientMount",
            "elasticfilesystem:ClientWrite",
            "elasticfilesystem:ClientRootAccess"
        ])
    );
    assert_eq!(actions(EfsVolume::with_read_only), "elasticfilesystem:ClientMount");
    // A directory may belong to another user.
    assert_eq!(
        actions(|volume| volume.with_root_directory("/shared")),
        json!(["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"])
    );
}

#[test]
fn a_volume_of_a_stack_outside_of_the_app_is_reported() {
    let (stack, _other) = stacks_with_a_shared_volume();
    let errors = stack.synth().unwrap_err().to_string();
    assert!(
        errors
            .lines()
            .all(|line| line.ends_with("which is not in the same app; add both stacks to one App")),
        "{errors}"
    );
    assert!(
        errors.contains("refers to `ThirdMountTarget1` of stack `other`"),
        "{errors}"
    );
}

#[test]
fn a_volume_of_another_stack_of_the_app_is_a_parameter() {
    let (stack, other) = stacks_with_a_shared_volume();
    let name = stack.name().to_owned();
    let app = App::new("both").with_stack(stack).with_stack(other);
    let templates = app.synth().unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(
        templates.keys().map(String::as_str).collect::<Vec<_>>(),
        ["other", &name]
    );
    let volume = &templates[&name].resources["AppTaskDefinition"].properties["Volumes"][0];
    assert_eq!(
        volume["EFSVolumeConfiguration"]["FilesystemId"],
        json!({"Ref": "OtherThirdFileSystem"})
    );
    assert!(templates["other"].outputs.contains_key("SharedThirdFileSystem"));
}
