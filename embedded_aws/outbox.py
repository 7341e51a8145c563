"""The mails that an embedded AWS has sent: files of its outbox, where others may lie as well."""

import email
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from embedded_aws.machine.private_files import read_private
from embedded_aws.settings.settings import OUTBOX

_MOST_BYTES = 1024**2  # SNS takes 256 KiB; quoting makes up to three bytes of one, and there are headers
_HEADERS = ("From", "To", "Date", "Subject")


def read_mails(data: Path) -> tuple[list[EmailMessage], list[str]]:
    """Return the mails, oldest first, and why other files there are none."""
    outbox = data / OUTBOX
    if outbox.is_symlink():
        return [], [f"{outbox}: it is a symbolic link"]
    mails, faults = [], []
    for path in sorted(outbox.glob("*.eml")):
        try:
            mails.append(_read(path))
        except (ValueError, LookupError) as error:
            faults.append(f"{path.name} is no mail of the embedded AWS: {error}")
    return mails, faults


def _read(path: Path) -> EmailMessage:
    mail = email.message_from_bytes(read_private(path, _MOST_BYTES) or b"", policy=default)
    if mail.get_content_type() != "text/plain" or any(mail[name] is None for name in _HEADERS):
        raise ValueError("it is not one text with a sender, a recipient, a date and a subject")
    mail.get_content()  # raises where its bytes are no text
    return mail
