"""Puts images into the account's registry, by a client that is not ours: endpoint, account, images as JSON.

An image is [repository, tag, architecture]."""

import json
import sys

import boto3

endpoint, account, images = sys.argv[1:]
client = boto3.client("ecr", endpoint_url=endpoint, region_name="eu-west-1",
                      aws_access_key_id=account, aws_secret_access_key="test")
for repository, tag, architecture in json.loads(images):
    try:
        client.create_repository(repositoryName=repository)
    except client.exceptions.RepositoryAlreadyExistsException:
        pass
    platform = {"architecture": architecture, "os": "linux"}
    manifest = {"schemaVersion": 2, "manifests": [{"platform": platform}]}
    client.put_image(repositoryName=repository, imageTag=tag, imageManifest=json.dumps(manifest),
                     imageManifestMediaType="application/vnd.oci.image.index.v1+json")
json.dump({}, sys.stdout)
