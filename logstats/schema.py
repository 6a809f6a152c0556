"""The vocabulary: every frame, table and column of logstats, with its unit and its meaning.

Three kinds of frame follow each other on the way of the data:

    REQUESTS   what a line says; in memory only, it holds an address and a user agent
    HITS       what is kept of it while its day is open; no address, no user agent, no query string
    TABLES     the cells that stay when the day is closed; counts only, additive over days and sites

A column that is not named here exists nowhere (a test refuses it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFINITION: Final = "pageview/1"
"""Version of the counting rules; every output names it."""

UNKNOWN_COUNTRY: Final = "ZZ"
START: Final = "(start)"
END: Final = "(end)"
OTHER_PAGE: Final = "{other}"

OUTCOMES: Final = (
    "page_view",
    "download",
    "asset",
    "technical",
    "error",
    "redirect",
    "other_method",
    "excluded",
)
TRAFFIC: Final = ("human", "bot", "ai_crawler", "ai_assistant", "tool", "monitor", "suspected")
DEVICES: Final = ("PC", "Tablet", "Smartphone", "Others")
REFERRER_KINDS: Final = ("direct", "internal", "search", "social", "ai", "public", "other", "spam")
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other")
"""Methods of HTTP that a site has pages or forms for; whatever else a request says is `other`."""

REJECT_REASONS: Final[Mapping[str, str]] = {
    "empty": "nothing on the line",
    "not_text": "NUL or control bytes: not a line of text",
    "too_long": "longer than 65,536 bytes",
    "truncated": "begins as the format says and then breaks off",
    "unknown_format": "fits none of the formats",
    "bad_client": "the client column holds neither an address nor a host name",
    "bad_time": "the time is missing, impossible or written in another way",
    "bad_request": "there is no request, method or target",
    "bad_status": "the status is not a three-digit number",
    "future": "more than an hour ahead of the clock",
}

REQUESTS: Final[Mapping[str, pl.DataType]] = {
    "line": pl.UInt32(),  # position in the block, from 0
    "time": pl.Datetime("ms", "UTC"),
    "client": pl.String(),
    "forwarded_for": pl.String(),
    "host": pl.String(),  # virtual host, without port
    "method": pl.String(),  # null: the request is not a request
    "target": pl.String(),  # path and query as logged
    "status": pl.UInt16(),
    "bytes": pl.Int64(),
    "seconds": pl.Float64(),  # request time
    "referrer": pl.String(),
    "user_agent": pl.String(),
    "user_agent_logged": pl.Boolean(),  # false: the format has no such column
    "content_type": pl.String(),
    "purpose": pl.String(),  # Sec-Purpose or Purpose
    "opt_out": pl.String(),  # Sec-GPC, DNT
    "cookie": pl.String(),  # the configured opt-out cookie
    "mobile_hint": pl.String(),  # Sec-CH-UA-Mobile
    "platform_hint": pl.String(),  # Sec-CH-UA-Platform
    "form_factor_hint": pl.String(),  # Sec-CH-UA-Form-Factors
    "range": pl.String(),
}
"""What a line says. Absent columns of a format are null. Never written anywhere."""

HITS: Final[Mapping[str, pl.DataType]] = {
    "day": pl.Date(),  # local calendar day
    "time": pl.Datetime("ms", "UTC"),
    "site": pl.String(),
    "visitor": pl.Int64(),  # keyed hash, at most id_bits bits, valid for this site and day only
    "outcome": pl.Enum(OUTCOMES),
    "traffic": pl.Enum(TRAFFIC),
    "status": pl.UInt16(),
    "bytes": pl.Int64(),
    "page": pl.String(),  # template of views and downloads; of people also of redirects, errors and other methods
    "country": pl.String(),
    "device": pl.Enum(DEVICES),
    "referrer_kind": pl.Enum(REFERRER_KINDS),
    "referrer": pl.String(),  # registered domain; null unless the referrer is another site
    "partial": pl.Boolean(),  # status 206: a piece of a download
    "robots_txt": pl.Boolean(),  # asked for robots.txt
    "method": pl.Enum(METHODS),
    "milliseconds": pl.Int32(),  # request time; null where the log has none
    "searched": pl.Boolean(),  # the query had a parameter of the internal search; what was sought is not kept
}
"""What is kept of a line while its day is open: pseudonymous, and gone when the day closes. Texts may be coded."""


@dataclass(frozen=True)
class Column:
    """A column of a table of cells: its type, and what it means in the two languages it is published in."""

    name: str
    dtype: pl.DataType
    english: str
    french: str


_STRING = pl.String()
_COUNT = pl.Int64()

_COLUMNS: Final = {
    column.name: column
    for column in (
        Column("day", pl.Date(), "local calendar day", "jour calendaire local"),
        Column("utc_month", pl.Date(), "first day of the month in UTC", "premier jour du mois en UTC"),
        Column("site", _STRING, "site, as configured", "site, selon la configuration"),
        Column("outcome", _STRING, "what became of the request", "issue de la requête"),
        Column("traffic", _STRING, "class of the visitor", "classe du visiteur"),
        Column("status", pl.Int64(), "HTTP status", "statut HTTP"),
        Column("kind", _STRING, "page or download", "page ou téléchargement"),
        Column("page", _STRING, "template of the path", "modèle du chemin"),
        Column("country", _STRING, "ISO 3166-1 alpha-2, ZZ: unknown", "ISO 3166-1 alpha-2, ZZ : inconnu"),
        Column("device", _STRING, "kind of device", "type d’appareil"),
        Column("entry_page", _STRING, "first page of the visit", "première page de la visite"),
        Column("exit_page", _STRING, "last page of the visit", "dernière page de la visite"),
        Column("referrer_kind", _STRING, "kind of origin", "type de provenance"),
        Column("referrer", _STRING, "registered domain of the origin", "domaine de provenance"),
        Column("from_page", _STRING, "page left, or (start)", "page quittée, ou (start)"),
        Column("to_page", _STRING, "page reached, or (end)", "page atteinte, ou (end)"),
        Column("reason", _STRING, "why a visitor is suspected", "motif du soupçon"),
        Column("step_1", _STRING, "page, or (start)", "page, ou (start)"),
        Column("step_2", _STRING, "page after it, or (end)", "page suivante, ou (end)"),
        Column("step_3", _STRING, "page after that, or (end)", "page d’après, ou (end)"),
        Column("feature", _STRING, "feature, as configured", "fonctionnalité, selon la configuration"),
        Column("funnel", _STRING, "procedure, as configured", "parcours, selon la configuration"),
        Column("step", _COUNT, "number of the step, from 1", "numéro de l’étape, à partir de 1"),
        Column("step_name", _STRING, "step, as configured", "étape, selon la configuration"),
        Column("depth", _COUNT, "views of the visit, lower edge", "vues de la visite, borne inférieure"),
        Column(
            "bucket",
            _COUNT,
            "lower edge of the duration: milliseconds in timings, else seconds",
            "borne inférieure de la durée : millisecondes dans timings, sinon secondes",
        ),
        Column("hits", _COUNT, "requests", "requêtes"),
        Column("bytes", _COUNT, "bytes sent", "octets envoyés"),
        Column("views", _COUNT, "views or downloads by people", "vues ou téléchargements humains"),
        Column("page_views", _COUNT, "page views by people", "pages vues par des personnes"),
        Column("downloads", _COUNT, "downloads by people", "téléchargements par des personnes"),
        Column("visits", _COUNT, "visits of people", "visites de personnes"),
        Column("visitors", _COUNT, "distinct visitors of the day", "visiteurs distincts du jour"),
        Column("bounces", _COUNT, "visits of one single page view", "visites d’une seule page"),
        Column(
            "seconds",
            _COUNT,
            "from first to last view, in seconds",
            "de la première à la dernière vue, en secondes",
        ),
        Column("moves", _COUNT, "steps from page to page within visits", "passages d’une page à l’autre"),
        Column("reloads", _COUNT, "views of the page just viewed", "vues de la page que l’on vient de voir"),
        Column("with_search", _COUNT, "visits that used the site’s search", "visites avec recherche interne"),
        Column(
            "with_search_return",
            _COUNT,
            "visits that came back from a search engine",
            "visites revenues d’un moteur de recherche",
        ),
        Column("with_error", _COUNT, "visits that met an error", "visites ayant rencontré une erreur"),
        Column("family", _STRING, "what is counted, a key of FAMILIES", "ce qui est compté, une clé de FAMILIES"),
        Column("level", _COUNT, "length of the prefix", "longueur du préfixe"),
        Column("level_1", _STRING, "first value of the path", "première valeur du chemin"),
        Column("level_2", _STRING, "second value of the path", "deuxième valeur du chemin"),
        Column("level_3", _STRING, "third value of the path", "troisième valeur du chemin"),
        Column("level_4", _STRING, "fourth value of the path", "quatrième valeur du chemin"),
        Column(
            "max_views", _COUNT, "most views by one visitor of the day", "plus grand nombre de vues d’un seul visiteur"
        ),
    )
}

LEVELS: Final = ("level_1", "level_2", "level_3", "level_4")
NO_FEATURE: Final = "(none)"
FOLDED: Final = "(autres)"
"""In a release, what is not shown on its own: all other children of a node, together."""

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "pages": ("feature", "page", "country", "device"),
    "downloads": ("feature", "page", "country", "device"),
    "sent": ("feature",),  # uses of features that are neither a page view nor a download: a form that is sent
    "visits": ("entry_page", "country", "device"),
    "referrers": ("referrer_kind",),  # a one-dimensional breakdown of visits
    "journeys": ("step_1", "step_2", "step_3"),
    "funnels": ("funnel", "last_step"),
    "errors": ("page", "status"),
    "timings": ("page", "bucket"),
    "traffic": ("outcome", "traffic"),
}
"""Ordered hierarchies of what is released, each below day and site: tables that count one thing are one family."""


@dataclass(frozen=True)
class Table:
    """A table of cells: dimension values of a day, and what was counted for them.

    Measures are Int64 and add up over days, sites and servers; `visitors` added over days are visitor-days. Of
    `max_views` the largest counts.
    """

    name: str
    english: str
    french: str
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its columns, dimensions first."""
        return tuple(_COLUMNS[name] for name in (*self.dimensions, *self.measures))

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Name and type of each column, in order."""
        return {column.name: column.dtype for column in self.columns}


INTERNAL: Final = frozenset(("prefixes",))
"""Tables that are only kept in a store, for disclosure control."""

TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        Table(
            "days",
            "Headline figures of each day",
            "Chiffres clés de chaque jour",
            ("day", "site"),
            ("page_views", "downloads", "visits", "visitors"),
        ),
        Table(
            "traffic",
            "Where every request ended up",
            "Issue de chaque requête",
            ("day", "site", "outcome", "traffic", "status"),
            ("hits", "bytes"),
        ),
        Table(
            "suspected",
            "Visitors who call themselves a browser and act like none",
            "Visiteurs qui se disent navigateur et n’agissent pas comme tel",
            ("day", "site", "reason"),
            ("visitors", "hits"),
        ),
        Table(
            "pages",
            "Pages and downloads by country and device",
            "Pages et téléchargements par pays et appareil",
            ("day", "utc_month", "site", "kind", "page", "country", "device"),
            ("views", "visitors"),
        ),
        Table(
            "visits",
            "Visits by origin, entry and exit",
            "Visites par provenance, entrée et sortie",
            ("day", "site", "country", "device", "entry_page", "exit_page", "referrer_kind", "referrer"),
            ("visits", "visitors", "views", "bounces", "seconds"),
        ),
        Table(
            "transitions",
            "Steps from page to page within visits",
            "Passages d’une page à l’autre dans les visites",
            ("day", "site", "from_page", "to_page"),
            ("visits", "visitors"),
        ),
        Table(
            "journeys",
            "Three steps in a row within visits",
            "Trois étapes consécutives des visites",
            ("day", "site", "step_1", "step_2", "step_3"),
            ("visits", "visitors"),
        ),
        Table(
            "lengths",
            "Visits by number of views and duration",
            "Visites par nombre de vues et durée",
            ("day", "site", "device", "depth", "bucket"),
            ("visits", "visitors"),
        ),
        Table(
            "ease",
            "Visits that searched, went back to a search engine or met an error",
            "Visites avec recherche, retour au moteur ou erreur",
            ("day", "site", "device"),
            (
                *("visits", "visitors", "views", "moves", "reloads"),
                *("with_search", "with_search_return", "with_error"),
            ),
        ),
        Table(
            "features",
            "Use of the features of the service",
            "Usage des fonctionnalités du service",
            ("day", "site", "feature", "country", "device"),
            ("views", "visitors"),
        ),
        Table(
            "funnels",
            "Visits by the last step that they reached of a procedure",
            "Visites par dernière étape atteinte d’un parcours",
            ("day", "site", "funnel", "step", "step_name", "device"),
            ("visits", "visitors"),
        ),
        Table(
            "funnel_times",
            "Visits that reached a step of a procedure, by the time it took",
            "Visites ayant atteint une étape d’un parcours, selon la durée",
            ("day", "site", "funnel", "step", "step_name", "device", "bucket"),
            ("visits", "visitors"),
        ),
        Table(
            "funnel_exits",
            "Where visits went that did not go on in a procedure",
            "Où sont allées les visites qui ont quitté un parcours",
            ("day", "site", "funnel", "step", "step_name", "to_page"),
            ("visits", "visitors"),
        ),
        Table(
            "searches",
            "Pages of the site’s own search",
            "Pages de la recherche interne",
            ("day", "site", "page"),
            ("views", "visitors"),
        ),
        Table(
            "errors",
            "Requests of people that failed: not found, or an error of the server",
            "Requêtes de personnes en échec : introuvable, ou erreur du serveur",
            ("day", "site", "page", "status", "referrer_kind"),
            ("hits", "visitors"),
        ),
        Table(
            "timings",
            "Time that page views took",
            "Temps de réponse des pages vues",
            ("day", "site", "page", "bucket"),
            ("hits",),
        ),
        Table(
            "prefixes",
            "For every prefix of a released hierarchy, what disclosure control needs; internal, never published",
            "Pour chaque préfixe d’une hiérarchie publiée, ce qu’exige le secret statistique ; interne, jamais publié",
            ("day", "site", "family", "level", *LEVELS),
            ("views", "visitors", "max_views"),
        ),
    )
}
