"""What `logstats publish` does with its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from logstats import folders
from logstats.publish.channel import Channel
from logstats.publish.datagouv.alone import alone
from logstats.publish.datagouv.apply import publish
from logstats.publish.datagouv.client import Client
from logstats.publish.datagouv.describe import description, must_be_known, name_of
from logstats.publish.datagouv.plan import Goal, plan
from logstats.publish.datagouv.resources import in_order, read_release, wanted
from logstats.publish.datagouv.state import DATASET, find
from logstats.publish.key import find_key
from logstats.sections import Section
from logstats.text import escape

if TYPE_CHECKING:
    from pathlib import Path

    from logstats.config import Config, Platform
    from logstats.console import Console
    from logstats.publish.datagouv.apply import Done
    from logstats.publish.datagouv.plan import Plan

__all__ = ["FORMATS", "Options", "goal_of", "run"]

FORMATS: Final = ("parquet", "csv")
_MOST: Final = 64_000_000  # bytes of an answer: a dataset of a thousand resources has about two million


@dataclass(frozen=True)
class Options:
    """The options as they are given."""

    folders: tuple[Path, ...]
    production: bool = False
    public: bool = False
    describe: bool = False
    dry_run: bool = False
    formats: tuple[str, ...] = ()
    api_key_file: Path | None = None

    @property
    def environment(self) -> str:
        """Which platform."""
        return "production" if self.production else "demo"

    def platform(self, config: Config) -> Platform:
        """Give what is configured of it."""
        return config.publish.production if self.production else config.publish.demo


def run(options: Options, config: Config, console: Console) -> int:
    """Verify the releases, and bring the platform to them; with `dry_run`, only look; give the exit code."""
    if options.dry_run:
        goal, client, platform = _ready(options, config, console)
        state = find(client, platform, name_of(config))
        _show_plan(plan(goal, state), state.dataset if state else {}, options, console)
        return 0
    with alone(options.environment, options.platform(config)):
        # Read only now: who reads and then waits for another run would put an older version back.
        goal, client, platform = _ready(options, config, console)
        done = publish(goal, client, platform, name_of(config), attempts=config.publish.attempts)
    _show_done(done, goal, client, (options, platform), console)
    return 0


def _ready(options: Options, config: Config, console: Console) -> tuple[Goal, Client, Platform]:
    """Verify the releases, and ask the platform whether it knows what they need."""
    platform = options.platform(config)
    goal = goal_of(options, config)
    key = find_key("datagouv", options.environment, options.api_key_file)
    timeout, attempts = float(config.publish.timeout_seconds), config.publish.attempts
    channel = Channel(platform.url, key, timeout=timeout, attempts=attempts, most=_MOST)
    client = Client(channel, console.detail)
    # Extensions, licence and frequency are looked at before anything is written.
    must_be_known(goal.fields, {one.name.rpartition(".")[2] for one in goal.resources}, client.lists())
    return goal, client, platform


def goal_of(options: Options, config: Config) -> Goal:
    """Verify the releases; give what is wanted of the platform."""
    releases = [read_release(str(folder), folders.read(folder), config.protection.k) for folder in options.folders]
    return Goal(
        wanted(releases, options.formats or FORMATS),
        wanted(releases, FORMATS),
        description(config, releases),
        {DATASET: name_of(config), "logstats:definition": str(releases[-1].privacy["definition"])},
        options.describe,
        options.public,
    )


def _show_plan(todo: Plan, dataset: dict[str, Any], options: Options, console: Console) -> None:
    counts = {
        name: sum(step.action == name for step in todo.steps) for name in ("create", "replace", "metadata", "keep")
    }
    figures = {"platform": options.environment, "dataset": dataset.get("id") or "none", **counts}
    steps = [
        {
            "action": step.action,
            "resource": step.resource.key if step.resource else step.ident or None,
            "bytes": len(step.resource.data) if step.resource and step.action in {"create", "replace"} else 0,
            "why": step.why,
        }
        for step in todo.steps
    ]
    if console.as_json:
        console.object({**figures, "dry_run": True, "steps": steps, "notes": todo.notes})
        return
    lines = [
        f"  {step['action']:<14}  {step['bytes'] or '':>12}  {escape(str(step['resource'] or '')):<44}  "
        f"{escape(str(step['why']))}".rstrip()
        for step in steps
    ]
    console.sections([Section("Plan: action, bytes to send, resource, why (nothing was written)", lines)])
    _say_notes(todo.notes, console)
    console.key_values({**figures, "dry_run": "yes"})


def _show_done(done: Done, goal: Goal, client: Client, where: tuple[Options, Platform], console: Console) -> None:
    options, platform = where
    dataset = done.state.dataset
    actions = done.actions
    counts = {
        past: sum(action == name for action in actions.values())
        for past, name in (("created", "create"), ("replaced", "replace"), ("described", "metadata"), ("kept", "keep"))
    }
    figures: dict[str, Any] = {"platform": options.environment, "dataset": dataset["id"], **counts}
    figures |= {"removed": done.removed, "writes": client.writes, "bytes": done.bytes}
    figures |= {"private": dataset["private"], "link": dataset.get("page") or dataset["uri"]}
    keys = sorted((one.key for one in goal.resources), key=in_order)
    links = [{"resource": k, "action": actions[k], "link": done.state.keyed[k]["latest"]} for k in keys]
    if console.as_json:
        console.object({**figures, "resources": links, "notes": done.notes})
        return
    console.sections([Section("Resources, by their permanent links", [])])
    for one in links:  # whole, so that they can be copied
        console.result(f"  {one['action']:<8}  {escape(one['resource']):<44}  {escape(one['link'])}")
    _say_notes(done.notes, console)
    if not platform.dataset:
        console.message(f'put dataset = "{dataset["id"]}" into [publish.{options.environment}]')
    console.key_values({**figures, "private": "yes" if dataset["private"] else "no"})


def _say_notes(notes: tuple[str, ...], console: Console) -> None:
    for note in notes:
        console.message(note)
