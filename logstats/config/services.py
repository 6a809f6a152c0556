"""Checks of what is sent to others: addresses, ids, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logstats.config.outputs import Commission, Platform, Publish
    from logstats.config.reading import Place

__all__ = ["check_commission", "check_publish"]

_THIS_MACHINE: Final = ("127.0.0.1", "::1", "localhost")
_COMMISSION_LIMITS: Final = {"max_bytes": (1_000, 10_000_000), "timeout_seconds": (1, 600), "attempts": (1, 10)}
_PUBLISH_LIMITS: Final = {"timeout_seconds": (1, 3_600), "attempts": (1, 10)}
_LETTERS: Final = {"title": 350, "summary": 200}
_TAG: Final = (3, 96)
_ID: Final = 24


def check_commission(commission: Commission, place: Place) -> None:
    """Check where the Commission's file goes, and under which codes."""
    for name in ("acceptance_url", "production_url", "base_url"):
        if name == "base_url" and not commission.base_url:
            continue
        _check_address(f"commission.{name}", getattr(commission, name), place, with_key=name != "base_url")
    for name in ("unique_id_path", "information_path", "assistance_path"):
        if not getattr(commission, name).startswith("/"):
            raise place.error(f"commission.{name}", "must begin with a slash")
    for code in (commission.unknown_country, *(s for c in commission.countries for s in (c.code, c.sent))):
        if code and not (len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()):  # noqa: PLR2004
            raise place.error("commission.countries", f"{code!r} is no country code", "two capital letters, as in EL")
    _check_limits("commission", commission, _COMMISSION_LIMITS, place)


def check_publish(publish: Publish, place: Place) -> None:
    """Check what the platform would refuse, and where releases go."""
    for name, most in _LETTERS.items():
        if len(getattr(publish, name)) > most:
            raise place.error(f"publish.{name}", f"must have at most {most} letters")
    if publish.service_url:
        _check_address("publish.service_url", publish.service_url, place, with_key=False)
    low, high = _TAG
    for tag in publish.tags:
        # As the platform writes them: others would come back changed, and differ each time.
        words = all(word.isalnum() for word in tag.split("-"))
        if not (low <= len(tag) <= high and tag.isascii() and tag == tag.lower() and words):
            raise place.error(
                "publish.tags", f"{tag!r} is no tag", f"{low} to {high} of a to z and 0 to 9, with single - between"
            )
        if publish.tags.count(tag) > 1:
            raise place.error("publish.tags", f"{tag!r} stands there twice")
    platforms: dict[str, Platform] = {"demo": publish.demo, "production": publish.production}
    for name, platform in platforms.items():
        _check_address(f"publish.{name}.url", platform.url, place, with_key=True)
        ident = platform.organisation
        if ident and not (len(ident) == _ID and set(ident) <= set("0123456789abcdef")):
            raise place.error(f"publish.{name}.organisation", f"must be an id of {_ID} hex digits")
    _check_limits("publish", publish, _PUBLISH_LIMITS, place)


def _check_limits(table: str, values: object, limits: Mapping[str, tuple[int, int]], place: Place) -> None:
    for name, (low, high) in limits.items():
        if not low <= getattr(values, name) <= high:
            raise place.error(f"{table}.{name}", f"must be from {low:,} to {high:,}")


def _check_address(key: str, address: str, place: Place, *, with_key: bool) -> None:
    """Refuse what is no address; the key of a service goes in clear text to this machine only."""
    parts = urlsplit(address)
    secure = parts.scheme == "https" or parts.hostname in _THIS_MACHINE or not with_key
    if not (secure and parts.scheme in {"http", "https"} and parts.hostname) or parts.query or parts.username:
        raise place.error(key, "must be an address with https://, without query or user")
