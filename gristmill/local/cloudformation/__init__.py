"""CloudFormation of the embedded AWS: a strict one, where what would be lost is an error."""

from gristmill.local.settings import Settings


def install(settings: Settings) -> None:
    """Apply the patches. moto is loaded only here: `gristmill deploy` reads templates without it."""
    from gristmill.local.cloudformation.patch import install as apply

    apply(settings)
