# Builds the images of version VERSION, and pushes them and a copy of Envoy's to Amazon ECR. Needs Docker and
# the AWS CLI, and runs in a checkout of the project.
set -eu
for file in demo-service/Dockerfile crates/mesh-control-aws/Dockerfile crates/envoy-agent/Dockerfile; do
    [ -f "$file" ] || { echo "$file: no such file; run this script in a checkout of meshwright" >&2; exit 1; }
done
region=eu-west-1
: "${region:?set AWS_REGION, or give --region}"
account=123456789012
case "$region" in cn-*) domain=amazonaws.com.cn ;; *) domain=amazonaws.com ;; esac
registry="$account.dkr.ecr.$region.$domain"
aws ecr get-login-password --region "$region" | docker login --username AWS --password-stdin "$registry"

aws ecr describe-repositories --region "$region" --repository-names meshwright/demo-service >/dev/null 2>&1 ||
    aws ecr create-repository --region "$region" --repository-name meshwright/demo-service --image-scanning-configuration scanOnPush=true
docker build --platform linux/amd64 --file demo-service/Dockerfile --tag "$registry/meshwright/demo-service:VERSION" .
docker push "$registry/meshwright/demo-service:VERSION"

aws ecr describe-repositories --region "$region" --repository-names meshwright/mesh-control >/dev/null 2>&1 ||
    aws ecr create-repository --region "$region" --repository-name meshwright/mesh-control --image-scanning-configuration scanOnPush=true
docker build --platform linux/amd64 --file crates/mesh-control-aws/Dockerfile --tag "$registry/meshwright/mesh-control:VERSION" .
docker push "$registry/meshwright/mesh-control:VERSION"

aws ecr describe-repositories --region "$region" --repository-names meshwright/envoy-agent >/dev/null 2>&1 ||
    aws ecr create-repository --region "$region" --repository-name meshwright/envoy-agent --image-scanning-configuration scanOnPush=true
docker build --platform linux/amd64 --file crates/envoy-agent/Dockerfile --tag "$registry/meshwright/envoy-agent:VERSION" .
docker push "$registry/meshwright/envoy-agent:VERSION"

aws ecr describe-repositories --region "$region" --repository-names meshwright/envoy >/dev/null 2>&1 ||
    aws ecr create-repository --region "$region" --repository-name meshwright/envoy --image-scanning-configuration scanOnPush=true
docker pull --platform linux/amd64 envoyproxy/envoy:v1.40.0
docker tag envoyproxy/envoy:v1.40.0 "$registry/meshwright/envoy:v1.40.0"
docker push "$registry/meshwright/envoy:v1.40.0"
