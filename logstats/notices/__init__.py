"""Notices: texts on privacy for people, made from the effective configuration; the templates lie beside this file.

They say what the code does, and where. No text calls the program certified or compliant: no program can say that.
"""

from __future__ import annotations

from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from logstats.config import Config

__all__ = ["fill"]

_NETWORKS: Final = {"cnil": ("16", "32"), "precise": ("24", "48")}
_WORDS: Final = {
    "fr": {
        True: "Une requête qui porte `Sec-GPC: 1` ou `DNT: 1`{cookie} est seulement comptée comme opposition.",
        False: "Les signaux d’opposition (`Sec-GPC`, `DNT`) ne sont pas pris en compte : honour_opt_out = false.",
        "cookie": " ou le témoin de connexion `{name}`",
        "publisher": "[nom de l’organisme]",
        "contact": "[adresse du délégué à la protection des données]",
    },
    "en": {
        True: "A request with `Sec-GPC: 1` or `DNT: 1`{cookie} is counted as an objection, and nowhere else.",
        False: "Objections (`Sec-GPC`, `DNT`) are not honoured: honour_opt_out = false.",
        "cookie": " or the cookie `{name}`",
        "publisher": "[name of the body]",
        "contact": "[address of the data protection officer]",
    },
}


def fill(text: str, language: str, config: Config) -> str:
    """Give a text.

    Args:
        text: `notice`, `register` or `assessment`.
        language: `fr` or `en`.
        config: The effective configuration.

    Returns:
        Markdown.
    """
    words = _WORDS[language]
    cookie = words["cookie"].format(name=config.privacy.opt_out_cookie) if config.privacy.opt_out_cookie else ""
    ipv4, ipv6 = _NETWORKS[config.privacy.truncation]
    template = resources.files("logstats.notices").joinpath(f"{text}.{language}.md").read_text("utf-8")
    return Template(template).substitute(
        publisher=config.release.publisher or words["publisher"],
        contact=config.release.contact or words["contact"],
        objection=words[config.privacy.honour_opt_out].format(cookie=cookie),
        profile=config.privacy.truncation,
        ipv4=ipv4,
        ipv6=ipv6,
        id_bits=config.privacy.id_bits,
        months=config.privacy.retention_months,
        k=config.protection.k,
        dominance=f"{config.protection.dominance:.0%}".replace("%", " %" if language == "fr" else "%"),
        timezone=config.timezone,
    )
