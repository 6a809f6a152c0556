"""What the tests of the page share: releases of 14 months, the page made of them, a server, and Debian's Chromium."""

from __future__ import annotations

import shutil
import threading
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from logstats import config, page

from .generate import release_months, rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

ROOT: Final = Path(__file__).resolve().parents[2]
LAST: Final = "2026-10"
INDICATORS: Final = (
    config.Indicator(
        *("Usagers satisfaits", "8,4", "2026-10-31", "Équipe du service", "sur 10", "Moyenne de 412 réponses"),
        *("Satisfied users", "of 10", "Mean of 412 answers"),
    ),
    config.Indicator("Coût complet par démarche", "3,10", "2025-12-31", "Direction du service", "€"),
)
HOSTILE: Final = {
    "/articles/59": '/<script>document.title="taken"</script>',
    "/demarches/2": '/"><img src=x onerror="document.title=\'taken\'">',
    "/demarches/3": "/'onmouseover='document.title=1'/{{7*7}}{% raw %}",
    "/demarches/4": "/\u202egnp.exe\u202c/\u2066x\u2069",
    "/demarches/5": "/a\x1b[31m\x07\x00b\x85",
    "/demarches/6": '=HYPERLINK("javascript:alert(1)")',
    "/demarches/7": "'quoted'",
    "/fichiers/0.pdf": "/</style></svg></title><svg onload=document.title=1>.pdf",
    "/fichiers/1.pdf": "/&lt;b&gt;&#60;i>--><!--.pdf",
    "/fichiers/59.pdf": "/" + "très-long-" * 30 + ".pdf",
}


def page_rules(**more: Any) -> config.Config:
    """Give a configuration whose page has everything."""
    usual = rules(
        base="https://stats.example.fr/",
        url="https://demarches.example.fr/",
        accessibility="https://example.fr/accessibilite",
        about="Faire ses démarches à la ville d’Exemple, sans se déplacer.",
        about_en="Do business with the town of Exemple without going there.",
    )
    return replace(usual, indicator=INDICATORS, **more)


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the folders of 14 monthly releases, the oldest first."""
    return release_months(tmp_path_factory.mktemp("months"), LAST, 14)


@pytest.fixture(scope="session")
def built(releases: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the page of all of them."""
    out = tmp_path_factory.mktemp("page") / "out"
    page.build(releases, out, page_rules())
    return out


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the page of a month whose pages and files have hostile names."""
    folder = tmp_path_factory.mktemp("hostile")
    page.build(release_months(folder, LAST, 1, names=HOSTILE), folder / "out", page_rules())
    return folder / "out"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine alone; give its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def serve() -> Callable[[Path], Any]:
    """Return a context that serves a folder."""
    return serving


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """Return a function that starts Debian's Chromium with arguments; without it, tests are skipped."""
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("there is no chromium; scripts/setup test installs it")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of the extra `test`

    with sync_playwright() as playwright, ExitStack() as started:

        def start(*arguments: str) -> Browser:
            made = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", *arguments])
            return started.enter_context(closing(made))

        yield start


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Browser:
    """Return a browser with the usual settings."""
    return launch()


@pytest.fixture(scope="session")
def large_text(launch: Callable[..., Browser]) -> Browser:
    """Return the browser of somebody who has set text to be twice as large."""
    return launch("--blink-settings=defaultFontSize=32")


@pytest.fixture(scope="session")
def web() -> Path:
    """Return the folder of what npm installed; without it, tests are skipped."""
    folder = ROOT / ".venv" / "web" / "node_modules"
    if not folder.is_dir():
        pytest.skip("there is no axe-core; scripts/setup test installs it")
    return folder
