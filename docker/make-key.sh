#!/bin/sh
# Run by LocalStack when it is ready: the key that docker/compose.yml names.
set -eu
key=$(awslocal kms create-key --query KeyMetadata.KeyId --output text)
awslocal kms create-alias --alias-name alias/activity-stream --target-key-id "$key"
