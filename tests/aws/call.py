"""Makes one call to an account, by a client that is not ours: endpoint, service, operation, arguments as JSON."""

import json
import sys

import boto3

endpoint, service, operation, arguments = sys.argv[1:]
client = boto3.client(service, endpoint_url=endpoint, region_name="eu-west-1",
                      aws_access_key_id="test", aws_secret_access_key="test")
answer = getattr(client, operation)(**json.loads(arguments))
answer.pop("ResponseMetadata", None)
json.dump(answer, sys.stdout, default=str)
