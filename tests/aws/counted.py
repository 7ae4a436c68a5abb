"""What an account holds, counted by a client that is not ours: kind by kind, as JSON."""

import json
import sys

import boto3

endpoint = sys.argv[1]


def client(service):
    return boto3.client(service, endpoint_url=endpoint, region_name="eu-west-1",
                        aws_access_key_id="test", aws_secret_access_key="test")


def listed(service, operation, key, **arguments):
    paginator = client(service)
    if paginator.can_paginate(operation):
        pages = paginator.get_paginator(operation).paginate(**arguments)
    else:
        pages = [getattr(paginator, operation)(**arguments)]
    return [item for page in pages for item in page.get(key, [])]


def own_roles():
    return [role for role in listed("iam", "list_roles", "Roles") if "aws-service-role" not in role["Path"]]


found = {
    "stacks": [s for s in listed("cloudformation", "list_stacks", "StackSummaries") if s["StackStatus"] != "DELETE_COMPLETE"],
    "parameters": listed("ssm", "describe_parameters", "Parameters"),
    "namespaces": listed("servicediscovery", "list_namespaces", "Namespaces"),
    "registries": listed("servicediscovery", "list_services", "Services"),
    "clusters": listed("ecs", "list_clusters", "clusterArns"),
    "task definitions": listed("ecs", "list_task_definitions", "taskDefinitionArns", status="ACTIVE"),
    "roles": own_roles(),
    "log groups": listed("logs", "describe_log_groups", "logGroups"),
    "networks": listed("ec2", "describe_vpcs", "Vpcs"),
    "subnets": listed("ec2", "describe_subnets", "Subnets"),
    "security groups": listed("ec2", "describe_security_groups", "SecurityGroups"),
    "gateways": listed("ec2", "describe_internet_gateways", "InternetGateways"),
    "route tables": listed("ec2", "describe_route_tables", "RouteTables"),
    "load balancers": listed("elbv2", "describe_load_balancers", "LoadBalancers"),
    "target groups": listed("elbv2", "describe_target_groups", "TargetGroups"),
}
json.dump({kind: len(items) for kind, items in found.items()}, sys.stdout)
