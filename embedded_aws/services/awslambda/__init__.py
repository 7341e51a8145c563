"""Lambda of the embedded AWS: the functions' own code, in processes of their own."""

from embedded_aws.services.awslambda.patch import close, install

__all__ = ["close", "install"]
