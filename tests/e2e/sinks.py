"""Where notices go: an SNS topic and an event bus, each with a queue behind it that keeps what comes."""

import json
import secrets

from local_aws import REGION
from waiting import wait_for


class _Queue:
    """A queue, and what came out of it."""

    def __init__(self, aws, name):
        self._sqs = aws.client("sqs")
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        self.arn = attributes["Attributes"]["QueueArn"]
        self.messages = []

    def poll(self):
        while found := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                self.messages.append(json.loads(message["Body"]))
        return self.messages

    def wait_for_kinds(self, kinds, kind_of, timeout):
        """The messages, when there is one of each kind that is wanted, as often as it is wanted."""

        def all_there():
            there = [kind_of(message) for message in self.poll()]
            return all(there.count(kind) >= kinds.count(kind) for kind in kinds)

        wait_for(all_there, lambda: f"{kinds}; there are {[kind_of(m) for m in self.messages]}", timeout, pause=0.1)
        return self.messages

    def close(self):
        self._sqs.delete_queue(QueueUrl=self._url)


class Topic:
    """An SNS topic; it is there once it is made."""

    def __init__(self, aws):
        self._sns = aws.client("sns")
        self._name = f"notices-{secrets.token_hex(6)}"
        self.arn = f"arn:aws:sns:{REGION}:{aws.account}:{self._name}"
        self._queue = _Queue(aws, self._name)

    def make(self):
        assert self._sns.create_topic(Name=self._name)["TopicArn"] == self.arn
        self._sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=self._queue.arn)
        return self

    def wait_for(self, *kinds, timeout=30):
        """(subject, message) of each notice, when these kinds are there."""
        found = self._queue.wait_for_kinds(kinds, lambda m: json.loads(m["Message"])["Notice Kind"], timeout)
        return [(m["Subject"], json.loads(m["Message"])) for m in found]

    def kinds(self):
        """Of all that came so far."""
        return [json.loads(m["Message"])["Notice Kind"] for m in self._queue.poll()]

    def close(self):
        self._sns.delete_topic(TopicArn=self.arn)
        self._queue.close()


class Bus:
    """An event bus with a rule for our events."""

    def __init__(self, aws):
        self._events = aws.client("events")
        self.name = f"notices-{secrets.token_hex(6)}"
        self._queue = _Queue(aws, self.name)
        self._events.create_event_bus(Name=self.name)
        pattern = json.dumps({"source": ["activity_stream"], "detail-type": ["RDS DB Cluster Event"]})
        self._events.put_rule(Name=self.name, EventBusName=self.name, EventPattern=pattern)
        self._events.put_targets(Rule=self.name, EventBusName=self.name, Targets=[{"Id": "1", "Arn": self._queue.arn}])

    def wait_for(self, *kinds, timeout=30):
        """The events, when these kinds are there."""
        return self._queue.wait_for_kinds(kinds, lambda event: event["detail"]["NoticeKind"], timeout)

    def close(self):
        self._events.remove_targets(Rule=self.name, EventBusName=self.name, Ids=["1"])
        self._events.delete_rule(Name=self.name, EventBusName=self.name)
        self._events.delete_event_bus(Name=self.name)
        self._queue.close()
