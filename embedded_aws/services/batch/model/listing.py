"""The filters of ListJobs. Pure."""

from collections.abc import Callable

from embedded_aws.services.batch.model.model import Job
from embedded_aws.services.batch.model.resources import Json


def by_filter(wanted: Json) -> Callable[[Job], bool]:
    """Return what tells whether a job passes a filter; names match in any case, definitions only as written."""
    values: list[str] = wanted["values"]

    tests: dict[str, Callable[[Job], bool]] = {
        "JOB_NAME": lambda job: any(_glob(job.name.lower(), value.lower()) for value in values),
        "JOB_DEFINITION": lambda job: any(
            _glob(job.definition.name, value) or job.definition.arn == value for value in values
        ),
        "BEFORE_CREATED_AT": lambda job: job.created < int(values[0]),
        "AFTER_CREATED_AT": lambda job: job.created > int(values[0]),
        "SHARE_IDENTIFIER": lambda job: any(_glob(job.request.get("shareIdentifier", ""), value) for value in values),
    }
    if wanted["name"] not in tests:
        raise ValueError(f"A filter of ListJobs is one of {', '.join(tests)}: {wanted['name']}")
    return tests[wanted["name"]]


def _glob(text: str, pattern: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
