"""The page in Chromium: accessible, alone, whole without scripts, and deaf to what logs hold."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from logstats import page
from logstats.text import BIDIRECTIONAL, escape

from .conftest import HOSTILE, page_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Dialog, Page

PAGES = ("index.html", "en/index.html")
WIDTHS = (320, 375, 1280, 1920)
AXE = "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
OPEN = "opened => document.querySelectorAll('details').forEach(d => d.open = opened)"
CHARTS = "[...document.querySelectorAll('svg.chart')].map(s => s.getBoundingClientRect().width)"
CUT = """() => [...document.querySelectorAll('foreignObject')].filter(place => {
    const label = place.firstElementChild, given = place.getBoundingClientRect();
    return label.scrollHeight > given.height + 1 || label.scrollWidth > given.width + 1;
}).map(place => place.textContent)"""
"""Labels that need more place than they have; a long name gives way by itself."""
COLLIDING = """() => [...document.querySelectorAll('svg.chart')].flatMap(chart => {
    const texts = [...chart.querySelectorAll('text')].filter(text => text.getClientRects().length);
    const hit = (a, b) => a.left < b.right - 2 && b.left < a.right - 2 && a.top < b.bottom - 4 && b.top < a.bottom - 4;
    return texts.filter((one, i) => texts.slice(i + 1).some(
        other => hit(one.getBoundingClientRect(), other.getBoundingClientRect()))).map(text => text.textContent);
})"""
SHAPE = "[...document.querySelectorAll('*')].map(e => e.tagName + ' ' + [...e.attributes].map(a => a.name).sort())"


class Visit:
    """A page in a browser, and all that it did."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._refuse)
        self.page.goto(address)

    def _refuse(self, dialog: Dialog) -> None:
        self.said.append("dialog")
        dialog.dismiss()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Return a function that opens an address."""
    opened: list[Visit] = []

    def open_one(address: str, using: Browser = browser, **options: Any) -> Visit:
        opened.append(Visit(using, address, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.context.close()


@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("name", (*PAGES, "2026-03.html"))
def test_axe_finds_no_violation(
    built: Path, serve: Any, visit: Callable[..., Visit], web: Path, name: str, scheme: str
) -> None:
    """WCAG 2 A and AA, at each width, with the tables closed and open: none; and axe did look."""
    axe = (web / "axe-core" / "axe.min.js").read_text()
    with serve(built) as base:
        one = visit(base + name, color_scheme=scheme, bypass_csp=True)
        one.page.evaluate(axe)
        for width, opened in ((375, True), (1280, True), (1280, False), (1920, True)):
            one.page.set_viewport_size({"width": width, "height": 900})
            one.page.evaluate(OPEN, opened)
            found = one.page.evaluate(AXE)
            assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == [], (width, opened)
            assert {rule["id"] for rule in found["passes"]} >= {"color-contrast", "svg-img-alt", "document-title"}


def test_axe_would_find_one(built: Path, serve: Any, visit: Callable[..., Visit], web: Path) -> None:
    """The test above is worth something: a picture without a name is found."""
    with serve(built) as base:
        one = visit(base + "index.html", bypass_csp=True)
        one.page.evaluate((web / "axe-core" / "axe.min.js").read_text())
        one.page.evaluate("document.querySelector('svg[role=img]').removeAttribute('aria-labelledby')")
        one.page.evaluate("document.querySelector('svg[role=img] title').remove()")
        found = one.page.evaluate("axe.run({runOnly: ['wcag2a']})")
        assert [rule["id"] for rule in found["violations"]] == ["svg-img-alt"]


@pytest.mark.parametrize("scripts", (True, False))
@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing_and_nothing_of_it_is_blocked(
    built: Path, serve: Any, visit: Callable[..., Visit], name: str, *, scripts: bool
) -> None:
    """One request, no message of the policy; style holds; with scripts off it is the same page."""
    with serve(built) as base:
        one = visit(base + name, java_script_enabled=scripts)
        assert one.asked == [base + name]
        assert one.said == []
        place = one.page.locator("dd.big").first.bounding_box()
        assert place
        assert place["height"] > 40  # the style is there
        details = one.page.locator("details").first
        assert not details.locator("table").is_visible()
        details.locator("summary").click()
        assert details.locator("table").is_visible()
        one.page.locator(".tabs nav").nth(1).locator("a").first.click()
        assert one.page.url.endswith("2026-01.html")
        one.page.locator(".brand nav a").click()
        assert one.page.url.endswith("2026-01.html")
        assert ("/en/" in one.page.url) == (name == "index.html")


def test_the_policy_does_block(built: Path, serve: Any, visit: Callable[..., Visit], tmp_path: Path) -> None:
    """With a script, a picture from elsewhere and a style put into the page, none of them acts."""
    text = (built / "index.html").read_text()
    evil = (
        '<script>document.title="taken"</script><img src="https://example.org/x.png"><style>body{display:none}</style>'
    )
    (tmp_path / "index.html").write_text(text.replace("</body>", f"{evil}</body>"))
    with serve(tmp_path) as base:
        one = visit(base + "index.html")
        assert one.page.title() != "taken"
        assert one.page.locator("h1").is_visible()
        assert len(one.said) == 3


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_at_any_width(
    built: Path, serve: Any, visit: Callable[..., Visit], large_text: Browser, name: str, width: int
) -> None:
    """From 320 px on, no sideways scrolling, and labels have their place, also if text alone is twice as large.

    Where the reader has set text to be so, no label lies on another, either.
    """
    view = {"width": width, "height": 800}
    with serve(built) as base:
        usual, large = visit(base + name, viewport=view), visit(base + name, large_text, viewport=view)
        for page, size in ((usual.page, "100%"), (usual.page, "200%"), (large.page, "")):
            page.evaluate("size => document.documentElement.style.fontSize = size", size)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, size
            assert page.locator("foreignObject").count() > 50
            assert page.evaluate(CUT) == [], size
            if size != "200%":
                assert page.evaluate(COLLIDING) == [], size
        assert large.page.evaluate("getComputedStyle(document.body).fontSize") == "32px"
        charts = usual.page.evaluate(CHARTS)
        assert len(charts) > 10
        assert min(charts) > width * 0.4


@pytest.mark.parametrize("scheme", ("light", "dark"))
def test_the_design_system_of_the_state(
    releases: list[Path], serve: Any, visit: Callable[..., Visit], web: Path, tmp_path: Path, scheme: str
) -> None:
    """With its real style sheet and fonts, axe finds nothing, the policy blocks nothing, nothing is cut or indented.

    It has no dark colours without a script, so the page has none, either.
    """
    own = web / "@gouvfr" / "dsfr" / "dist"
    if not own.is_dir():
        pytest.skip("the State's design system is not there; scripts/setup test installs it")
    usual = page_rules()
    page.build(releases[-2:], tmp_path, replace(usual, page=replace(usual.page, theme="dsfr", dsfr=str(own))))
    with serve(tmp_path) as base:
        for width in (375, 1280):
            one = visit(base + "index.html", viewport={"width": width, "height": 900}, color_scheme=scheme)
            one.page.evaluate("document.fonts.ready")
            assert one.asked[:2] == [base + "index.html", base + "assets/dsfr.min.css"]
            assert {asked.rpartition("/")[2] for asked in one.asked[2:]} >= {
                "Marianne-Regular.woff2",
                "Marianne-Bold.woff2",
            }
            assert one.said == []
            assert one.page.evaluate("document.fonts.check('16px Marianne')")
            assert one.page.evaluate("getComputedStyle(document.querySelector('.tabs a')).fontFamily").startswith(
                "Marianne"
            )
            assert one.page.evaluate("document.documentElement.scrollWidth") <= width
            assert one.page.evaluate(CUT) == []
            assert one.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
            left = [one.page.locator(place).first.bounding_box() for place in (".body .big", ".body h3", ".words dd")]
            assert len({box["x"] for box in left if box}) == 1
    with serve(tmp_path) as base:
        one = visit(base + "index.html", color_scheme=scheme, bypass_csp=True)
        one.page.evaluate((web / "axe-core" / "axe.min.js").read_text())
        one.page.evaluate(OPEN, True)  # noqa: FBT003 - an argument of the page's function
        found = one.page.evaluate(AXE)
        assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []


def test_a_page_can_be_printed(built: Path, serve: Any, visit: Callable[..., Visit]) -> None:
    """On paper there is no navigation, and the tables are open."""
    with serve(built) as base:
        one = visit(base + "index.html")
        one.page.emulate_media(media="print")
        assert not one.page.locator(".tabs").is_visible()
        assert one.page.locator("details table").first.is_visible()
        assert len(one.page.pdf()) > 20_000


@pytest.mark.parametrize("name", (*PAGES, "2026-10.html"))
def test_hostile_names_are_text(built: Path, hostile: Path, serve: Any, visit: Callable[..., Visit], name: str) -> None:
    """Elements and attributes are those of the template alone; names stand there as text, controls made visible."""
    with serve(built) as base:
        allowed = set(visit(base + name).page.evaluate(SHAPE))
    with serve(hostile) as base:
        one = visit(base + name)
        assert set(one.page.evaluate(SHAPE)) - allowed == set()
        assert one.asked == [base + name]
        assert one.said == []
        assert "taken" not in one.page.title()
        text = one.page.evaluate("document.body.textContent")
        links = one.page.evaluate("[...document.querySelectorAll('[href]')].map(e => e.getAttribute('href'))")
        cells = one.page.evaluate("[...document.querySelectorAll('tbody th')].map(e => e.textContent)")
    assert not set(text) & (BIDIRECTIONAL | set("\x00\x07\x1b\x85"))
    assert not [link for link in links if link.lower().startswith("javascript")]
    shown = [hostile_name for hostile_name in HOSTILE.values() if escape(hostile_name) in cells]
    assert len(shown) >= 8, cells


def test_html_is_valid(built: Path, hostile: Path, web: Path, tmp_path: Path) -> None:
    """The Nu checker has no error and no warning, for harmless and hostile names; and it would have one."""
    jar = web / "vnu-jar" / "build" / "dist" / "vnu.jar"
    if not shutil.which("java"):
        pytest.skip("there is no java; scripts/setup test installs it")
    broken = tmp_path / "broken.html"
    broken.write_text((built / "index.html").read_text().replace("</main>", ""))
    pages = [built / name for name in (*PAGES, "2026-03.html")] + [hostile / name for name in PAGES]

    def checked(*files: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["java", "-Xss1m", "-jar", str(jar), *map(str, files)], capture_output=True, text=True, check=False
        )

    good = checked(*pages)
    assert (good.returncode, good.stderr) == (0, "")
    assert checked(broken).returncode != 0
