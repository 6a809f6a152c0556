"""All text for people: escaped, laid out for the terminal's width, and the same figures as JSON.

Results go to standard output, talk goes to standard error. Nothing leaves but through here, so that no byte of a
log can act on a terminal.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from logstats import sections
from logstats.progress import Progress
from logstats.text import BAR, BIDIRECTIONAL, broken, clipped, duration, escape, percent, ranked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from logstats.read import Source

__all__ = ["Console", "escape"]

_JSON_ESCAPES: Final = {ord(c): f"\\u{ord(c):04x}" for c in (*map(chr, range(0x7F, 0xA0)), *BIDIRECTIONAL)}
_SHOWN_KEYS: Final = 5
_WIDEST: Final = 110
_NARROW: Final = 80  # below it, lines are broken where a word ends
_NARROWEST: Final = 20
_ERROR, _WARNING, _DEBUG = 3, 4, 7  # priorities of syslog, which the journal takes from the front of a line
_WORDS: Final = {
    "page_view": "page views",
    "download": "downloads",
    "asset": "assets (style, script, image)",
    "technical": "technical",
    "error": "errors",
    "redirect": "redirects",
    "other_method": "other methods than GET",
    "excluded": "excluded",
    "human": "people",
    "bot": "robots",
    "ai_crawler": "AI crawlers",
    "ai_assistant": "AI assistants",
    "tool": "tools",
    "monitor": "monitors",
    "suspected": "suspected",
}


class Console:
    """Where results and messages are written.

    Args:
        as_json: Print one object instead of text.
        quiet: No messages but errors.
        verbose: Messages that only help to find out what is wrong.
        colour: False for none; else each stream decides: a terminal has colour unless NO_COLOR or TERM=dumb says no.
    """

    def __init__(
        self, *, as_json: bool = False, quiet: bool = False, verbose: bool = False, colour: bool = True
    ) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        wanted = colour and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._style_result = click.style if wanted and sys.stdout.isatty() else _plain
        self._style_message = click.style if wanted and sys.stderr.isatty() else _plain
        self._to_journal = _is_journal()
        self._width = min(shutil.get_terminal_size((100, 40)).columns, _WIDEST)

    # print, and not click.echo: that runs Python's re over every text that is not for a terminal.
    def result(self, text: str) -> None:
        """Write a line of the result; what comes from a log has been escaped."""
        print(text)  # noqa: T201 - the one place for results

    def object(self, value: Mapping[str, Any]) -> None:
        """Write the result as one JSON object."""
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
        self.result(text.translate(_JSON_ESCAPES))

    def message(self, text: str) -> None:
        """Say something beside the result."""
        if not self.quiet:
            self._say(escape(text), _WARNING)

    def detail(self, text: str) -> None:
        """Say something that only helps to find out what is wrong."""
        if self.verbose:
            self._say(escape(text), _DEBUG)

    def error(self, text: str, hint: str = "") -> None:
        """Say what went wrong, and what to do about it."""
        self._say(self._style_message("logstats: ", fg="red") + escape(text), _ERROR)
        if hint:
            self._say(self._style_message("  hint: ", dim=True) + escape(hint), _ERROR)

    def _say(self, text: str, priority: int) -> None:
        mark = f"<{priority}>" if self._to_journal else ""
        print(mark + text, file=sys.stderr)  # noqa: T201 - the one place for messages

    def progress(self, sources: Sequence[Source]) -> Progress:
        """Give a progress bar, which shows itself on a terminal only."""
        shown = sys.stderr.isatty() and not self.quiet
        return Progress(sources, shown=shown, width=self._width)

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Write names and values below each other."""
        widest = max(len(name) for name, _ in pairs)
        for name, value in pairs:
            self.result(self._style_result(f"{name:<{widest}}", bold=True) + "  " + escape(value))

    def key_values(self, figures: Mapping[str, Any]) -> None:
        """Write one line of `key=value`, which a timer's journal keeps and grep finds."""
        self.result(" ".join(f"{name}={escape(str(value))}" for name, value in figures.items()))

    def plain(self, text: str) -> None:
        """Write lines that may hold anything; they are not cut."""
        for line in text.split("\n"):
            self.result(escape(line))

    def states(self, rows: Sequence[tuple[str, str, str, str]]) -> None:
        """Write the results of checks: state, name, text, and what to do next; with `quiet`, not what is ok.

        On a terminal lines are broken to its width, elsewhere each is one line, for grep.
        """
        colours = {"ok": "green", "warning": "yellow", "error": "red"}
        for state, name, text, after in rows:
            if self.quiet and state == "ok":
                continue
            lines = [f"{name}: {text}", *([f"→ {after}"] if after else [])]
            shown = [part for line in lines for part in self._broken(escape(line))]
            self.result(self._style_result(f"{state:<8}", fg=colours[state]) + f"\n{' ' * 8}".join(shown))
        if not self.quiet:
            counts = Counter(state for state, *_ in rows)
            self.result(", ".join(f"{counts[state]} {state}" for state in colours))

    def _broken(self, text: str) -> list[str]:
        return broken(text, max(self._width - 9, _NARROWEST)) if sys.stdout.isatty() else [text]

    def _line(self, text: str) -> None:
        """Write a line of a text for people; a narrow terminal gets it in pieces, each below the other."""
        if self._width >= _NARROW or len(text) <= self._width or "\x1b" in text or not sys.stdout.isatty():
            self.result(text)
            return
        for part in broken(text, max(self._width, _NARROWEST)):
            self.result(part)

    def sections(self, found: Iterable[sections.Section]) -> None:
        """Write sections whose lines have been escaped."""
        for section in found:
            self._title(section.title)
            for line in section.lines:
                self.result(self._clip(line))

    def status(self, state: Mapping[str, Any]) -> None:
        """Write what a store holds."""
        opened = [day for day in state["days"] if not day["closed"]]
        closed = [day for day in state["days"] if day["closed"]]
        self._title("Days")
        self._line(f"  {len(closed):,} closed, {len(opened):,} open, {state['late']:,} late lines")
        for day in opened:
            self._line(
                f"    open: {day['day']} {escape(day['site'])}, {day['hits']:,} hits, first seen {day['first_seen']}"
            )
        for name, words in (("missing_days", "days without a line"), ("missing_hours", "hours unusually empty")):
            if state[name]:
                self._line(self._clip(f"  {words}: {', '.join(state[name])}"))
        self._title("Inputs")
        for entry in state["inputs"][:BAR]:
            name = escape(f"{entry['source']}: {entry['name']}")
            self._line(f"  {entry['lines']:>12,} lines, {entry['offset']:>15,} bytes  {name}, seen {entry['seen']}")
        if (more := len(state["inputs"]) - BAR) > 0:
            self._line(f"  and {more:,} more")
        self._title("Keys")
        self._line(f"  {len(state['keys']['alive']):,} alive, {len(state['keys']['destroyed']):,} destroyed")
        for entry in state["keys"]["destroyed"][-_SHOWN_KEYS:]:
            self._line(
                f"    {entry['day']} {escape(entry['site'])}: destroyed {entry['at']} ({escape(entry['reason'])})"
            )
        self._line(f"\n  {state['bytes']:,} bytes on disk")

    def summary(self, figures: Mapping[str, Any]) -> None:
        """Write the summary of a run."""
        if not figures["lines"]["total"]:
            self._line("No lines: nothing was counted.")
            return
        self._head(figures)
        self._account(figures)
        self._headline(figures)
        self._tables(figures)
        self._foot(figures)

    def _head(self, figures: Mapping[str, Any]) -> None:
        formats = ", ".join(
            f"{escape(name)} {percent(lines, figures['lines']['total'])}" for name, lines in figures["formats"].items()
        )
        period = figures["period"]
        self._title("What was read")
        rows = [("Format", formats or "none"), *_period_rows(period)]
        rows += [("Input", _input_text(entry)) for entry in figures["inputs"][:BAR]]
        if (more := len(figures["inputs"]) - BAR) > 0:
            rows.append(("", f"and {more} more"))
        for name, value in rows:
            self._line(f"  {name:<10}{value}")

    def _account(self, figures: Mapping[str, Any]) -> None:
        lines = figures["lines"]
        parts = " + ".join(
            f"{lines[name]:,} {name.replace('_', ' ')}" for name in ("hits", "rejected", "opted_out", "late")
        )
        self._title("Where every line ended up")
        self._line(f"  {lines['total']:,} lines = {parts}")
        for reason, count in figures["rejects"].items():
            self._line(f"  rejected as {reason}: {count:,}")
        for shown in figures["rejected_examples"]:
            place = escape(f"{shown['input']}:{shown['line']}")
            self._line(self._clip(f"    {place} {shown['reason']}  {escape(shown['shape'])}"))
        self._line("")
        hits, everybody, people = (
            figures["lines"]["hits"],
            figures["hits"]["outcome"],
            figures["hits"]["outcome_human"],
        )
        self._line(f"  {'Hits by what they are':<34}{'all':>12}{'people':>12}")
        for name, count in everybody.items():
            if count:
                self._line(f"    {_WORDS[name]:<32}{count:>12,}{people[name]:>12,}")
        self._line(f"    {'sum':<32}{hits:>12,}{figures['hits']['traffic']['human']:>12,}")
        self._line("")
        self._line(f"  {'Hits by who sent them':<34}{'all':>12}")
        for name, count in figures["hits"]["traffic"].items():
            if count:
                self._line(f"    {_WORDS[name]:<32}{count:>12,}  {percent(count, hits)}")

    def _headline(self, figures: Mapping[str, Any]) -> None:
        self._title("What people did")
        for name, words in (
            ("page_views", "page views"),
            ("downloads", "downloads"),
            ("visits", "visits"),
            ("visitor_days", "visitor-days (a visitor counts once a day)"),
        ):
            self._line("  " + self._style_result(f"{figures[name]:>12,}", bold=True) + f"  {words}")
        visits = figures["visits"]
        if visits:
            sums = figures["visit_figures"]
            views, mean = sums["views"] / visits, duration(sums["seconds"] / visits)
            bounces = percent(sums["bounces"], visits)
            self._line(f"  a visit has {views:.1f} views and lasts {mean} in the mean; {bounces} end after one page")

    def _tables(self, figures: Mapping[str, Any]) -> None:
        top = figures["top"]
        self._table("Pages", "views", [(row["page"], row["views"]) for row in top["pages"]])
        self._table("Downloads", "count", [(row["page"], row["views"]) for row in top["downloads"]])
        self._table("Countries", "views", [(row["country"], row["views"]) for row in top["countries"]])
        self._table("Devices", "views", [(row["device"], row["views"]) for row in top["devices"] if row["views"]])
        if figures["page_views"]:
            self._line(
                "  An iPad's Safari says that it is a Macintosh and counts as PC; an Android that says nothing of"
            )
            self._line("  being mobile counts as Tablet, which may be a television.")
        self._table(
            "Where visits come from",
            "visits",
            [(row["referrer_kind"], row["visits"]) for row in top["referrer_kinds"]],
        )
        self._table("Referring sites", "visits", [(row["referrer"], row["visits"]) for row in top["referrers"]])
        moves = [(f"{row['from_page']} → {row['to_page']}", row["visits"]) for row in top["transitions"]]
        self._table("From page to page", "visits", moves)
        for section in sections.service(figures, self._width):
            self._title(section.title)
            for line in section.lines:
                self._line(line)

    def _foot(self, figures: Mapping[str, Any]) -> None:
        self._title("What to do next")
        for note in figures["notes"]:
            self._line(f"  - {escape(note['text'])}")
        self._line("  - write these figures as Parquet tables: logstats report --out DIR FILE…")
        self._line("  - see why a line counts or not: logstats explain 'LINE'")
        database, robots = figures["country_database"], figures["lists"]["bots"]
        versions = f"logstats {figures['logstats']}, definition {figures['definition']}"
        dates = f"robot list of {robots}, countries of {database['built']}"
        self._line("\n" + self._style_result(f"{versions}, {dates}", dim=True))
        self._line(self._style_result(escape(database["attribution"]), dim=True))

    def _title(self, text: str) -> None:
        self._line("\n" + self._style_result(text, bold=True, fg="cyan"))

    def _table(self, title: str, measure: str, rows: Sequence[tuple[str | None, int]]) -> None:
        """Write a ranking with bars; nothing for an empty one."""
        if not rows:
            return
        self._title(title)
        most = max(count for _, count in rows) or 1
        for name, count in rows:
            self.result(ranked(name or "(none)", count, most, self._width))
        self._line(self._style_result(f"  {measure:>10}", dim=True))

    def _clip(self, text: str) -> str:
        return clipped(text, self._width)


def _is_journal() -> bool:
    """Tell whether messages go to systemd's journal itself, as systemd.exec(5) says under JOURNAL_STREAM."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _plain(text: str, **_: object) -> str:
    return text


def _period_rows(period: Mapping[str, Any]) -> list[tuple[str, str]]:
    if period["start"] is None:
        return [("Period", "no hit")]
    start, end = (datetime.fromisoformat(period[name]) for name in ("start", "end"))
    days = f"{period['days']} day" + "s" * (period["days"] != 1)
    rows = [
        (
            "Period",
            f"{start:%d %B %Y %H:%M} to {end:%d %B %Y %H:%M} ({period['timezone']}), {days} with lines",
        )
    ]
    gaps = period["gaps"]
    if gaps:
        missing = sum(gap["hours"] for gap in gaps)
        longest = datetime.fromisoformat(gaps[0]["start"])
        text = f"{missing:,} of {period['hours']:,} hours without a line, most of them "
        text += f"({gaps[0]['hours']:,}) from {longest:%d %B %Y %H:%M}"
    else:
        text = f"none: each of the {period['hours']:,} hours has lines"
    return [*rows, ("Gaps", text)]


def _input_text(entry: Mapping[str, Any]) -> str:
    note = f": {escape(entry['note'])}" if "note" in entry else ""
    return f"{escape(entry['name'])}, {entry['lines']:,} lines, {entry['state']}{note}"
