"""What `logstats page` does: folders of releases, verified, become the files of the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from logstats import folders
from logstats.errors import ConfigurationError, InputMissingError, LogstatsError
from logstats.page.indicators import read_csv
from logstats.page.reading import months_of, read, sites_of
from logstats.page.site import site
from logstats.page.write import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstats.config import Config

__all__ = ["build"]

_LOGOS: Final = (".svg", ".png", ".jpg", ".jpeg", ".webp", ".gif")
_HEAVY: Final = 100_000


def build(releases: Sequence[Path], out: Path, config: Config, name: str = "") -> dict[str, Any]:
    """Write the statistics page of a site.

    Args:
        releases: Folders that `logstats release` wrote.
        out: Folder of the page.
        config: The effective configuration.
        name: Of the site, where the releases hold several.

    Returns:
        Figures to print: months, files, how many changed, the heaviest page in bytes, and what is worth a message.

    Raises:
        LogstatsError: A release is not good; nothing is written.
        InputMissingError: There is no such folder, or no such site.
        CannotWriteError: The folder cannot be written, or holds something else.
    """
    published = read([(str(folder), folders.read(folder)) for folder in releases])
    sites = sites_of(published)
    wanted = name or config.page.site or (sites[0] if len(sites) == 1 else "")
    if not sites:
        raise LogstatsError("no release holds a figure: nothing can be shown")
    if not wanted:
        raise LogstatsError(f"the releases hold {len(sites)} sites", hint=f"--site names one: {', '.join(sites)}")
    if wanted not in sites:
        raise InputMissingError(f"{wanted}: no release holds this site", hint=f"there is: {', '.join(sites)}")
    months = months_of(published, wanted)
    indicators = [*config.indicator]
    if config.page.indicators:
        indicators += read_csv(_beside(config, config.page.indicators))
    files = site(months, config, indicators, _assets(config))
    changed = write(files, out)
    pages = {path: len(data) for path, data in files.items() if path.endswith(".html")}
    shared = sum(len(data) for path, data in files.items() if path.startswith("assets/"))
    notes = [] if config.page.base else ["page.base is not set: there are no feeds and no canonical addresses"]
    if max(pages.values()) > _HEAVY:
        notes.append(f"a page is heavier than {_HEAVY:,} bytes")
    return {
        "months": len(months),
        "pages": len(pages),
        "files": len(files),
        "changed": changed,
        "heaviest_page": max(pages.values()) + shared,
        "out": str(out),
        "notes": notes,
    }


def _beside(config: Config, name: str) -> Path:
    path = Path(name)
    return path if path.is_absolute() or not config.file else config.file.parent / path


def _assets(config: Config) -> dict[str, bytes]:
    """Read logo and design system, which the operator has."""
    assets: dict[str, bytes] = {}
    if config.page.logo:
        logo = _beside(config, config.page.logo)
        if logo.suffix.lower() not in _LOGOS:
            raise ConfigurationError(f"{logo.name}: is no picture", key="page.logo", hint=", ".join(_LOGOS))
        assets[f"assets/logo{logo.suffix.lower()}"] = _bytes(logo, "page.logo")
    if config.page.theme == "dsfr":
        folder = _beside(config, config.page.dsfr)
        assets["assets/dsfr.min.css"] = _bytes(folder / "dsfr.min.css", "page.dsfr")
        for font in sorted((folder / "fonts").glob("Marianne-*.woff2")):
            assets[f"assets/fonts/{font.name}"] = _bytes(font, "page.dsfr")
    return assets


def _bytes(path: Path, key: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise InputMissingError(f"{path}: cannot be read", hint=f"{key} names it") from None
