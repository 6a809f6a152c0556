"""Real servers on 127.0.0.1, with a configuration in several files as Debian lays them out."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.servers import free_port, required

if TYPE_CHECKING:
    from collections.abc import Iterator

APACHE_MODULES: Final = Path("/usr/lib/apache2/modules")
FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PATIENCE: Final = 20.0


@dataclass(frozen=True)
class Web:
    """A server that runs, and the file that it was started with."""

    port: int
    configuration: Path

    def ask(self, path: str = "/", host: str = "www.example.org", agent: str = FIREFOX) -> int:
        """Send a request; give the status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers={"Host": host, "User-Agent": agent, "Connection": "close"})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()


@contextmanager
def running(command: list[str], configuration: Path, port: int) -> Iterator[Web]:
    """Run a server in the foreground; when it has ended, its logs are written."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    end = time.monotonic() + PATIENCE
    try:
        while True:
            assert process.poll() is None, (process.stderr.read() if process.stderr else b"").decode()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < end, "the server does not start"
            time.sleep(0.01)
        yield Web(port, configuration)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        if process.stderr:
            process.stderr.close()


@contextmanager
def nginx(folder: Path, http_block: str, servers: dict[str, str]) -> Iterator[Web]:
    """Run nginx.

    Args:
        folder: For all of its files.
        http_block: What stands in http beside the usual.
        servers: What stands in the block of each server, beside `listen` and `server_name`, by its names.
    """
    program, port = required("nginx"), free_port()
    (folder / "www").mkdir()
    (folder / "www" / "index.html").write_text("<!doctype html><title>A page</title>", encoding="utf-8")
    (folder / "logs").mkdir()
    (folder / "sites-enabled").mkdir()
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi"))
    temporary += f"uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;"
    for number, (names, block) in enumerate(servers.items()):
        text = f"server {{ listen 127.0.0.1:{port}; server_name {names}; root {folder}/www; {block} }}\n"
        (folder / "sites-enabled" / f"{number}.conf").write_text(text, encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.txt;\nevents {{ }}\n"
        f"http {{ # the usual\n{temporary}\n{http_block}\ninclude sites-enabled/*.conf;\n}}\n",
        encoding="utf-8",
    )
    command = [program, "-p", str(folder), "-e", f"{folder}/error.txt", "-c", str(configuration)]
    with running(command, configuration, port) as web:
        yield web


@contextmanager
def apache(folder: Path, server: str, hosts: dict[str, str]) -> Iterator[Web]:
    """Run Apache with Debian's layout: apache2.conf, envvars, sites-enabled.

    Args:
        folder: For all of its files.
        server: What stands in apache2.conf beside the usual.
        hosts: What stands in each virtual host beside ServerName, by its names.
    """
    program, port = required("apache2"), free_port()
    for name in ("www", "logs", "sites-enabled", "mods-enabled"):
        (folder / name).mkdir()
    (folder / "www" / "index.html").write_text("<!doctype html><title>A page</title>", encoding="utf-8")
    (folder / "envvars").write_text(
        f"unset HOME\nexport APACHE_LOG_DIR={folder}/logs$SUFFIX\nexport LANG=C\n", encoding="utf-8"
    )
    for module in ("mpm_event", "authz_core", "mime", "dir"):
        load = f"LoadModule {module}_module {APACHE_MODULES}/mod_{module}.so\n"
        (folder / "mods-enabled" / f"{module}.load").write_text(load, encoding="utf-8")
    for number, (names, block) in enumerate(hosts.items()):
        first, *others = names.split()
        alias = f"ServerAlias {' '.join(others)}\n" if others else ""
        text = f"<VirtualHost *:{port}>\nServerName {first}\n{alias}{block}\n</VirtualHost>\n"
        (folder / "sites-enabled" / f"{number}.conf").write_text(text, encoding="utf-8")
    configuration = folder / "apache2.conf"
    configuration.write_text(
        f"ServerRoot {folder}\nIncludeOptional mods-enabled/*.load\nUser www-data\nGroup www-data\n"
        f"PidFile {folder}/apache.pid\nDefaultRuntimeDir {folder}\nErrorLog ${{APACHE_LOG_DIR}}/error.txt\n"
        f"TypesConfig /dev/null\nAddType text/html .html\nListen 127.0.0.1:{port}\nServerName main.example.org\n"
        f"DocumentRoot {folder}/www\n{server}\nIncludeOptional sites-enabled/*.conf\n",
        encoding="utf-8",
    )
    os.environ["APACHE_LOG_DIR"] = str(folder / "logs")
    try:
        with running([program, "-f", str(configuration), "-DFOREGROUND"], configuration, port) as web:
            yield web
    finally:
        del os.environ["APACHE_LOG_DIR"]
