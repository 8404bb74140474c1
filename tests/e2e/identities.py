"""A local AWS that enforces IAM: users of it, each with a policy of the documentation and nothing else."""

import json
import secrets
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import boto3

from local_aws import REGION, Aws

_ROOT = Path(__file__).resolve().parents[2]
_SCRIPT = _ROOT / "scripts" / "aws-local.sh"
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
# moto's own.
_ACCOUNT = "123456789012"


def documented(name, **places):
    """A policy of docs/iam, its places filled in."""
    text = (_ROOT / "docs" / "iam" / f"{name}.json").read_text(encoding="utf-8")
    for place, value in (places | {"region": REGION, "account": _ACCOUNT}).items():
        text = text.replace(place.upper().replace("_", "-"), value)
    return json.loads(text)


class IamAws:
    """moto with IAM enforced from the first call on; `admin` may do everything."""

    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="activity-aws-", dir="/tmp")
        self.endpoint = subprocess.check_output([_SCRIPT, "start", "moto", self._folder], text=True).strip()
        anonymous = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
        self._iam = boto3.client("iam", endpoint_url=self.endpoint, region_name=REGION, **anonymous)
        admin = self.user("admin", _EVERYTHING)
        # From the next call on, each is judged.
        start = urllib.request.Request(f"{self.endpoint}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
        urllib.request.urlopen(start).close()
        self.admin = self.as_user(admin)
        self._iam = self.admin.client("iam")

    def user(self, name, policy):
        """A new user with this policy alone; its access key as the environment has it."""
        name = f"{name}-{secrets.token_hex(4)}"
        self._iam.create_user(UserName=name)
        self._iam.put_user_policy(UserName=name, PolicyName="documented", PolicyDocument=json.dumps(policy))
        key = self._iam.create_access_key(UserName=name)["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def as_user(self, credentials):
        """Clients with an access key."""
        return Aws("moto", self.endpoint, credentials, _ACCOUNT)

    def close(self):
        subprocess.run([_SCRIPT, "stop", self._folder], check=True)
