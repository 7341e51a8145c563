"""Mail: what SNS sends to an email subscription lands in the outbox, and goes to a mail server if one is set."""

import logging
import smtplib
import time
import uuid
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any

from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import SNSBackend, Subscription

from embedded_aws.machine.marker import make_marked
from embedded_aws.machine.private_files import write_private
from embedded_aws.settings.application import Application
from embedded_aws.settings.settings import Settings

_EMAIL = ("email", "email-json")
log = logging.getLogger(__name__)


def make_mail(application: Application, address: str, subject: str, text: str, subscription: str) -> EmailMessage:
    """Return the mail as SNS words it: subject, text, and how to leave."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = application.sender, address, subject or "AWS Notification Message"
    mail["Date"], mail["Message-ID"] = formatdate(localtime=True), make_msgid(domain="sns.local")
    leave = application.leave.format(address=address)
    mail.set_content(f"{text}\n--\n{leave}\n({subscription})\n")
    return mail


def deliver(settings: Settings, mail: EmailMessage) -> None:
    """Put a mail into the outbox, whole or not at all, under a name that sorts by time; then send it on."""
    make_marked(settings.outbox)
    write_private(settings.outbox / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.eml", mail.as_bytes())
    if settings.smtp:
        send(settings.smtp, mail)


def send(server: str, mail: EmailMessage) -> None:
    """Send a mail through `host:port`; a failure is logged, for the mail lies in the outbox already."""
    host, _, port = server.partition(":")
    try:
        with smtplib.SMTP(host, int(port or 25), timeout=10) as connection:
            connection.send_message(mail)
    except (OSError, smtplib.SMTPException):
        log.exception("mail to %s could not be sent through %s; it lies in the outbox", mail["To"], server)


def is_address(text: str) -> bool:
    """Return whether an email can go to an address: nothing before or after it, nothing that ends its header."""
    name, _, domain = text.rpartition("@")
    return bool(name and domain) and text.isprintable() and " " not in text


def install(settings: Settings) -> None:
    """Give email subscriptions what moto drops, and refuse an address that SNS refuses; the filter is moto's own."""
    _deliver_mail(settings)
    subscribe = SNSBackend.subscribe

    def subscribe_checked(self: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        if protocol in _EMAIL and not is_address(endpoint):
            raise SNSInvalidParameter("Invalid parameter: Email address")
        return subscribe(self, topic_arn, endpoint, protocol)

    SNSBackend.subscribe = subscribe_checked


def _deliver_mail(settings: Settings) -> None:
    publish = Subscription.publish

    def publish_mail(self: Any, message: str, message_id: str, **named: Any) -> Any:
        if self.protocol not in _EMAIL:
            return publish(self, message, message_id, **named)
        matcher = self._filter_policy_matcher
        if matcher is None or matcher.matches(named.get("message_attributes"), message):
            if named.get("message_structure") == "json":
                message = self._parse_message_structure(message, self.protocol)
            subject = named.get("subject") or ""
            deliver(settings, make_mail(settings.application, self.endpoint, subject, str(message), self.arn))
        return None

    Subscription.publish = publish_mail
