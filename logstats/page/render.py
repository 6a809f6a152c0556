"""Render: templates filled in. Every text is escaped here, and nowhere else.

Markup is escaped by the template engine. Before that, whatever could act on a reader's eye or terminal (controls,
marks of writing direction) is made visible, for every value of every template.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import jinja2
from markupsafe import Markup

from logstats.page.palette import palette
from logstats.text import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["render", "safe_link", "style"]

_DARK: Final = "@media (prefers-color-scheme:dark)"
_DSFR: Final = (
    ":root{color-scheme:light}"
    "body{font-family:Marianne,arial,sans-serif}"
    "dl,dt,dd,.plain,.plain li,nav ul,nav li,footer ul,.brand p{padding:0}"
    ".tabs a,.skip{background-image:none}"
)
"""What the State's style would change beyond letters and links; its dark colours need a script, so there are none."""
_SCHEMES: Final = ("https://", "http://", "mailto:")


def visible(value: object) -> object:
    """Make controls of a text visible; what a template has made already is left as it is."""
    if value is None:
        return ""
    return escape(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("logstats.page"),
        autoescape=True,
        finalize=visible,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """Fill a template in.

    Args:
        template: Of the folder templates.
        values: Plain data, and functions of the language.
    """
    return _environment().get_template(template).render(values).strip().encode() + b"\n"


def safe_link(address: str) -> str:
    """Give an address that a link may have; an empty text for any other scheme, as that of a script."""
    return address if address.lower().startswith(_SCHEMES) else ""


@cache
def style(colour: str, *, dsfr: bool) -> tuple[Markup, str]:
    """Give the style of a page as markup, and the policy that allows it by its digest, and nothing that is not needed.

    Args:
        colour: Of the site, as in #1d4f91.
        dsfr: Whether style and fonts of the State's design system are beside the page.
    """
    text = resources.files("logstats.page").joinpath("templates/style.css").read_text("utf-8")
    for name, value in palette(colour).items():
        text = text.replace(f"@{name}@", value)
    if dsfr:
        text = "\n".join(line for line in text.splitlines() if not line.startswith(_DARK)) + _DSFR
    text = text.replace("\n", "")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    own = " 'self'" if dsfr else ""
    fonts = " font-src 'self';" if dsfr else ""
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'{own};{fonts} img-src 'self' data:;"
        " base-uri 'none'; form-action 'none'"
    )
    return Markup(text), policy  # noqa: S704 - our own style, with colours that were checked
