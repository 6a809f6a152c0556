"""The way to a service: straight, or through the proxy that the environment names."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import urllib3

from logstats.errors import ConfigurationError

__all__ = ["pool_of"]

_VARIABLE: Final = "https_proxy"


def pool_of(base: str) -> urllib3.PoolManager:
    """Make connections to a service, through the proxy of `https_proxy` unless `no_proxy` says otherwise.

    A service without TLS is one of this machine: what is meant for it, a key too, is shown to no proxy.

    Raises:
        ConfigurationError: The variable names no proxy that is understood; its value, which may hold a password, is not
            repeated.
    """
    service = urlsplit(base)
    proxy = getproxies_environment().get("https") if service.scheme == "https" else None
    if not proxy or proxy_bypass(service.hostname or ""):
        return urllib3.PoolManager()
    try:
        named = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host, port = named.hostname, named.port
    except ValueError:
        host = port = None
    if not host or named.scheme not in {"http", "https"}:
        raise ConfigurationError(
            "names no proxy for HTTP", key=_VARIABLE, hint="as in http://proxy.example.org:3128; see no_proxy, too"
        )
    user = f"{unquote(named.username)}:{unquote(named.password or '')}" if named.username else None
    address = f"{named.scheme}://{f'[{host}]' if ':' in host else host}" + (f":{port}" if port else "")
    return urllib3.ProxyManager(address, proxy_headers=urllib3.make_headers(proxy_basic_auth=user))
