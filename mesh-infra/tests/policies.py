"""Judges the IAM policies of CloudFormation templates with parliament: the findings, as JSON of [rule, text] pairs."""

import importlib.resources
import json
import sys
import types

# parliament asks setuptools for the paths of its own files, and setuptools no longer answers.
sys.modules["pkg_resources"] = types.SimpleNamespace(
    resource_filename=lambda package, name: str(importlib.resources.files(package.split(".")[0]).joinpath(name)))

import parliament  # noqa: E402

PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012", "AWS::StackName": "shop",
          "AWS::URLSuffix": "amazonaws.com"}
ARNS = {
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:123456789012:log-group:name:*",
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "arn:aws:servicediscovery:us-east-1:123456789012:namespace/ns-1",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:us-east-1:123456789012:table/name",
    "AWS::EFS::FileSystem": "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-0123456789abcdef0",
    "AWS::EFS::AccessPoint": "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0",
}


def resolved(value, resources):
    """The value with sample texts in place of intrinsic functions."""
    if isinstance(value, list):
        return [resolved(item, resources) for item in value]
    if not isinstance(value, dict):
        return value
    if list(value) == ["Ref"]:
        return PSEUDO.get(value["Ref"], value["Ref"])
    if list(value) == ["Fn::GetAtt"]:
        name, attribute = value["Fn::GetAtt"]
        assert attribute == "Arn", value
        return ARNS[resources[name]["Type"]]
    if list(value) == ["Fn::Sub"]:
        text = value["Fn::Sub"]
        for name, sample in PSEUDO.items():
            text = text.replace("${" + name + "}", sample)
        for name, resource in resources.items():
            if resource["Type"] == "AWS::S3::Bucket":
                text = text.replace("${" + name + "}", "bucket")
        assert "${" not in text, value
        return text
    return {key: resolved(item, resources) for key, item in value.items()}


def policies(resource):
    """The policy documents of a resource, without trust and resource policies, which parliament does not know."""
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::IAM::Role":
        return [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    if resource["Type"] == "AWS::IAM::ManagedPolicy":
        return [properties["PolicyDocument"]]
    return []


found = []
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        resources = json.load(file)["Resources"]
    for name, resource in resources.items():
        for document in policies(resource):
            policy = parliament.analyze_policy_string(json.dumps(resolved(document, resources)))
            for finding in policy.findings:
                found.append((finding.issue, f"{name}: {finding.detail} {json.dumps(finding.location)}"))
json.dump(found, sys.stdout)
