"""kms-alias.py ENDPOINT ALIAS: makes a KMS key and an alias for it in a local AWS."""

import sys

import botocore.session

endpoint, alias = sys.argv[1:]
session = botocore.session.get_session()
session.set_credentials("test", "test")
kms = session.create_client("kms", region_name="us-east-1", endpoint_url=endpoint)
key = kms.create_key(Description="activity_stream demonstration")["KeyMetadata"]["KeyId"]
kms.create_alias(AliasName=alias, TargetKeyId=key)
