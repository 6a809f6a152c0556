"""Proxies: none for what stays on this machine; a password for the others; a value that is none is named, not shown."""

from __future__ import annotations

import socket
import threading
from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from logstats.errors import ConfigurationError, NoPermissionError
from logstats.publish.channel import Channel
from logstats.publish.key import Key, find_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY")


class Proxy:
    """A proxy that writes down what it is told, and refuses it."""

    def __init__(self) -> None:
        self.heard = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):  # nobody came before it was closed
            self._answer(self._listening.accept()[0])

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            while b"\r\n\r\n" not in self.heard and (data := connection.recv(4_000)):
                self.heard += data
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    def close(self) -> None:
        """Listen no more."""
        self._listening.close()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Return a proxy, in an environment that names none."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    made = Proxy()
    yield made
    made.close()


def asked(base: str) -> int:
    """Ask a service once; give the status."""
    channel = Channel(base, Key(b"secret-of-a-test", "test"), timeout=5, attempts=1)
    return channel.request("GET", "/x", safe=True).status


def test_the_key_of_a_service_on_this_machine_goes_through_no_proxy(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without TLS, a proxy would read it."""
    for name in VARIABLES[:4]:
        monkeypatch.setenv(name, f"http://{proxy.place}")
    assert asked("http://127.0.0.1:9") == 0
    assert proxy.heard == b""


@pytest.mark.parametrize("value", ("{place}", "http://{place}", "http://a%40b:p%3Aw@{place}"))
def test_a_proxy_is_asked_for_a_way_and_sees_no_key(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """With or without a scheme, with or without a password."""
    monkeypatch.setenv("https_proxy", value.format(place=proxy.place))
    assert asked("https://service.example.org") == 0
    assert proxy.heard.startswith(b"CONNECT service.example.org:443 ")
    assert b"secret-of-a-test" not in proxy.heard
    password = b"Basic " + b64encode(b"a@b:p:w")
    assert (password in proxy.heard) == ("@" in value)


@pytest.mark.parametrize("value", ("socks5://u:hidden@{place}", "http://u:hidden@[::1", "http://:hidden@"))
def test_a_value_that_names_no_proxy_is_an_error_that_does_not_show_it(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """It may hold a password."""
    monkeypatch.setenv("https_proxy", value.format(place=proxy.place))
    with pytest.raises(ConfigurationError) as caught:
        asked("https://service.example.org")
    assert "https_proxy" in str(caught.value)
    assert "hidden" not in f"{caught.value} {caught.value.hint}"


def test_no_proxy_says_what_is_near(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that it names is asked without the proxy."""
    monkeypatch.setenv("https_proxy", f"http://{proxy.place}")
    monkeypatch.setenv("no_proxy", "localhost")
    assert asked("https://localhost:9") == 0
    assert proxy.heard == b""


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    """It is named, whatever its mode."""
    for mode in (0o700, 0o755):
        tmp_path.chmod(mode)
        with pytest.raises(NoPermissionError, match="is a folder"):
            find_key("commission", "acceptance", tmp_path, {})
