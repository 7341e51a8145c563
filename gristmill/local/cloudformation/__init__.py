"""CloudFormation of the embedded AWS: a strict one, where what would be lost is an error."""

from gristmill.local.cloudformation.patch import install

__all__ = ["install"]
