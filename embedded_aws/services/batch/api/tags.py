"""Tags of environments, queues, definitions, policies and jobs."""

from embedded_aws.limits import BATCH_TAGS_MAX
from embedded_aws.services.batch.api.common import Operation, Refusal, Room, job_id
from embedded_aws.services.batch.resources import Json


class Tags(Room):
    """Operations on tags; they live in what a thing was made with."""

    def operations(self) -> dict[str, Operation]:
        return {"TagResource": self.tag, "UntagResource": self.untag, "ListTagsForResource": self.list_all}

    def tag(self, said: Json) -> Json:
        tags = {**self._tags(said["resourceArn"]), **said["tags"]}
        if len(tags) > BATCH_TAGS_MAX:
            raise Refusal(f"A resource has at most {BATCH_TAGS_MAX} tags: {len(tags)}")
        self._said(said["resourceArn"])["tags"] = tags
        return {}

    def untag(self, said: Json) -> Json:
        tags = self._tags(said["resourceArn"])
        self._said(said["resourceArn"])["tags"] = {k: v for k, v in tags.items() if k not in said["tagKeys"]}
        return {}

    def list_all(self, said: Json) -> Json:
        return {"tags": self._tags(said["resourceArn"])}

    def _tags(self, arn: str) -> dict[str, str]:
        found: dict[str, str] = self._said(arn).get("tags", {})
        return found

    def _said(self, arn: str) -> Json:
        """Return what the thing of an ARN was made with; children and nodes have no tags of their own."""
        engine = self._engine
        job = engine.jobs.get(job_id(arn))
        if job is not None and job.parent is None:
            return job.said
        for known in (engine.environments, engine.queues, engine.definitions, engine.policies):
            if arn in known:
                found: Json = known[arn].said
                return found
        raise Refusal(f"Resource {arn} does not exist, or takes no tags")
