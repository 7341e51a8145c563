"""CloudFormation of the embedded AWS: a strict one, where what would be lost is an error."""

from embedded_aws.settings.settings import Settings


def install(settings: Settings) -> None:
    """Apply the patches. moto is loaded only here: templates are read without it."""
    from embedded_aws.services.cloudformation.patch import install as apply

    apply(settings)
