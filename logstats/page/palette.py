"""Palette: one colour of the site, made darker or lighter until it can be read on white and on black (WCAG 2)."""

from __future__ import annotations

from typing import Final

__all__ = ["contrast", "is_colour", "palette"]

LIGHT, DARK = "#ffffff", "#14161a"
_TEXT: Final = 5.0
"""Contrast of text and of figures with the ground; WCAG asks for 4.5."""
_GRAPHIC: Final = 3.1
"""Contrast of what is drawn; WCAG asks for 3."""
_STEPS: Final = 100


def is_colour(text: str) -> bool:
    """Tell whether this is a colour, as in #1d4f91."""
    return len(text) == len(LIGHT) and text[0] == "#" and set(text[1:].lower()) <= set("0123456789abcdef")


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours, from 1 to 21, as WCAG 2 defines it."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def palette(colour: str) -> dict[str, str]:
    """Give the accent and a quieter tint of it, for a light and for a dark ground.

    >>> palette("#ffdd00")["accent"] != "#ffdd00"
    True
    """
    light, dark = _until(colour, "#000000", LIGHT, _TEXT), _until(colour, "#ffffff", DARK, _TEXT)
    return {
        "accent": light,
        "accent_dark": dark,
        "tint": _quieter(light, LIGHT),
        "tint_dark": _quieter(dark, DARK),
    }


def _quieter(colour: str, ground: str) -> str:
    """Come as near to the ground as what is drawn may."""
    mixed = [_mix(colour, ground, step / _STEPS) for step in range(_STEPS)]
    return [shade for shade in mixed if contrast(shade, ground) >= _GRAPHIC][-1]


def _until(colour: str, towards: str, ground: str, least: float) -> str:
    mixed = (_mix(colour, towards, step / _STEPS) for step in range(_STEPS + 1))
    return next(shade for shade in mixed if contrast(shade, ground) >= least)


def _mix(one: str, other: str, share: float) -> str:
    parts = zip(_parts(one), _parts(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in parts)


def _parts(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (p / 255 for p in _parts(colour))]  # noqa: PLR2004 - sRGB
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
