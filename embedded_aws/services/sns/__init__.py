"""SNS of the embedded AWS: mail to an outbox, notices to functions."""

from embedded_aws.services.sns import functions, mail, publishing
from embedded_aws.settings.settings import Settings


def install(settings: Settings) -> None:
    """Apply the patches."""
    publishing.install()
    mail.install(settings)
    functions.install()
