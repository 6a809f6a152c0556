"""Sending: check, id from the ledger or else from the service and into the ledger, payload to disk, post, answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from logstats.errors import InputRejectedError
from logstats.publish.commission.channel import error_of
from logstats.publish.commission.check import check_value
from logstats.publish.commission.message import INFORMATION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstats.config import Commission
    from logstats.publish.commission.channel import Channel
    from logstats.publish.commission.message import Message
    from logstats.publish.commission.sent import Recipient, Sent

__all__ = ["send", "views_of"]


def send(
    messages: Sequence[Message],
    sent: Sent,
    channel: Channel,
    *,
    to: Recipient,
    settings: Commission,
    unless_sent: bool = False,
) -> list[dict[str, Any]]:
    """Send messages, one after the other; what was posted under an id before is replaced.

    Args:
        messages: In order; periods do not overlap.
        sent: The ledger.
        channel: The connection.
        to: Whom to.
        settings: Paths and limits.
        unless_sent: Leave out what was accepted last with the same figures.

    Returns:
        What was sent: `period`, `unique_id`, `status` (None for what was left out), `views`.

    Raises:
        InputRejectedError: A message has a problem (nothing of it was sent), or was refused.
        BusyError: The service does not answer; the next run goes on with the same ids.
        NoPermissionError: The key is refused.
        ConfigurationError: The answer says that there is nothing at this address.
    """
    path = settings.information_path if to.service == INFORMATION else settings.assistance_path
    done: list[dict[str, Any]] = []
    for message in messages:
        views = _checked(message, settings)
        unique_id = sent.id_of(message.period, messages[-1].period.end)
        entry = {"period": str(message.period), "unique_id": unique_id, "status": None, "views": views}
        if unique_id and unless_sent and sent.accepted_last(message):
            done.append(entry)
            continue
        if unique_id is None:
            unique_id = channel.unique_id()
            sent.keep(message.period, unique_id)
        number, body = sent.begin(message.sent_as(unique_id, datetime.now(UTC)), views)
        answer = channel.post(path, body)
        sent.end(number, answer)
        if not answer.accepted:
            raise error_of(answer, channel.place(path))
        done.append(entry | {"unique_id": unique_id, "status": answer.status})
    return done


def _checked(message: Message, settings: Commission) -> int:
    """Refuse a message that has a problem; give its views."""
    encoded = message.sent_as(message.unique_id, datetime.now(UTC)).encoded
    value = orjson.loads(encoded)
    for problem in check_value(value, len(encoded), settings):
        raise InputRejectedError(
            f"{problem.path}: {problem.text}; nothing was sent", hint="logstats commission --check"
        )
    return views_of(value)


def views_of(value: dict[str, Any]) -> int:
    """Add up the views, or the requests, of a message that has been checked."""
    rows = (row for source in value["sources"] for row in source["statistics"])
    return sum(row["nbVisits"] if "nbVisits" in row else row["nbRequests"] for row in rows)
