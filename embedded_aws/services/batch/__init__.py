"""Batch of the embedded AWS: jobs are real processes, and behave as on AWS."""

from embedded_aws.services.batch.patch import close, install

__all__ = ["close", "install"]
