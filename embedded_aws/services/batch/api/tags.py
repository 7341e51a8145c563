"""Tags of environments, queues, definitions, policies and jobs."""

from embedded_aws.services.batch.api.common import Operation, Refusal, Room, job_id
from embedded_aws.services.batch.model.resources import Json
from embedded_aws.settings.limits import BATCH_TAGS_MAX


class Tags(Room):
    """Operations on tags; they live in what a thing was made with."""

    def operations(self) -> dict[str, Operation]:
        """Return the operations by their names in the service\'s model."""
        return {"TagResource": self.tag, "UntagResource": self.untag, "ListTagsForResource": self.list_all}

    def tag(self, request: Json) -> Json:
        """Answer TagResource."""
        tags = {**self._tags(request["resourceArn"]), **request["tags"]}
        if len(tags) > BATCH_TAGS_MAX:
            raise Refusal(f"A resource has at most {BATCH_TAGS_MAX} tags: {len(tags)}")
        self._request_of(request["resourceArn"])["tags"] = tags
        return {}

    def untag(self, request: Json) -> Json:
        """Answer UntagResource."""
        tags = self._tags(request["resourceArn"])
        self._request_of(request["resourceArn"])["tags"] = {
            k: v for k, v in tags.items() if k not in request["tagKeys"]
        }
        return {}

    def list_all(self, request: Json) -> Json:
        """Answer ListTagsForResource."""
        return {"tags": self._tags(request["resourceArn"])}

    def _tags(self, arn: str) -> dict[str, str]:
        found: dict[str, str] = self._request_of(arn).get("tags", {})
        return found

    def _request_of(self, arn: str) -> Json:
        """Return what the thing of an ARN was made with; children and nodes have no tags of their own."""
        engine = self._engine
        job = engine.jobs.get(job_id(arn))
        if job is not None and job.parent is None:
            return job.request
        for known in (engine.environments, engine.queues, engine.definitions, engine.policies):
            if arn in known:
                found: Json = known[arn].request
                return found
        raise Refusal(f"Resource {arn} does not exist, or takes no tags")
