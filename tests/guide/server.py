"""The server of the story: a clean Debian with nginx, whose clock goes as the story wants it."""

from __future__ import annotations

import http.client
import struct
import subprocess
import time
from datetime import date, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from tests.servers import free_port, wait_for

from .traffic import write_site

if TYPE_CHECKING:
    from tests.machine import Machine

    from .blocks import Block
    from .traffic import Request

PACKAGES: Final = ("nginx-light", "apache2", "logrotate", "openssh-server", "openssh-client")
HOST: Final = "www.example.org"
_OFFSET: Final = "/etc/clock-offset"
_PARIS: Final = ZoneInfo("Europe/Paris")
_SITE: Final = """# The proxy in front says who asks.
set_real_ip_from 127.0.0.1;

server {{
	listen 127.0.0.1:{port};
	server_name {host};
	root /var/www/demarches;
	try_files $uri $uri/index.html =404;
}}
"""
_SSH: Final = """Host web1
	HostName 127.0.0.1
	Port {port}
	User root
	IdentityFile {key}
	StrictHostKeyChecking no
	UserKnownHostsFile /dev/null
	LogLevel ERROR
"""
_PATIENCE: Final = 60.0


class Server:
    """A Debian that serves a site.

    Attributes:
        machine: The Debian.
        port: Where the site is, on 127.0.0.1.
        said: What the commands of the guide, and the runs of the unit, have printed.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.port = free_port()
        self.said: list[str] = []
        machine.path("/etc/nginx/sites-enabled/default").unlink()
        machine.path(f"/etc/nginx/sites-enabled/{HOST}").write_text(_SITE.format(port=self.port, host=HOST))
        write_site(machine.path("/var/www/demarches"))
        machine.path(_OFFSET).write_bytes(bytes(8))
        self._compile_clock()

    def _compile_clock(self) -> None:
        """Give the machine a clock of its own (clock.c)."""
        library = "/usr/local/lib/clock.so"
        source = Path(__file__).with_name("clock.c")
        compile_it = [
            "cc",
            "-shared",
            "-fPIC",
            "-O2",
            "-Wall",
            "-Werror",
            "-o",
            str(self.machine.path(library)),
            str(source),
        ]
        subprocess.run(compile_it, check=True)
        self.machine.path("/etc/ld.so.preload").write_text(f"{library}\n")

    def set_clock(self, moment: datetime) -> None:
        """Put the clock of all processes; it goes on from there."""
        with self.machine.path(_OFFSET).open("r+b") as file:  # in place: it is mapped
            file.write(struct.pack("=q", round(moment.timestamp() - time.time())))

    def put_secret(self, place: str, text: str) -> None:
        """Put a file that the user of the service alone may read."""
        self.machine.path(place).write_text(text, encoding="utf-8")
        self.machine.path(place).chmod(0o600)
        self.machine.run("chown", "logstats:logstats", place, show=False)

    def start(self) -> None:
        """Start the web server."""
        self.machine.run("nginx")
        wait_for(self.port)

    def type(self, block: Block, folder: str = "/") -> None:
        """Type a block of commands in a shell of the user that it is for; the first command that fails ends it."""
        user = block.kind.partition(" ")[2] or "root"
        folder = "/root" if user == "root" else folder
        self.said.append(self.machine.run("bash", "-c", f"set -euo pipefail\ncd {folder}\n{block.text}", user=user))

    def analyse(self) -> None:
        """Do what the unit does that the timer starts, as its user."""
        unit = self.machine.path("/lib/systemd/system/logstats-analyse.service").read_text(encoding="utf-8")
        command = next(line.removeprefix("ExecStart=") for line in unit.splitlines() if line.startswith("ExecStart="))
        self.said.append(self.machine.run("bash", "-c", command, user="logstats"))

    def serve(self, requests: list[Request]) -> None:
        """Let the requests come, as fast as the web server answers, each at its time."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        for request in requests:
            self.set_clock(request.moment)
            headers = {"Host": HOST, "User-Agent": request.agent, "X-Real-IP": request.address}
            headers |= {"Referer": request.referrer} if request.referrer != "-" else {}
            connection.request("GET", request.path, headers=headers)
            connection.getresponse().read()
        connection.close()

    def serve_ssh(self) -> None:
        """Make `ssh web1` reach a server whose folder of logs is another one, /srv/web1, with a restricted key."""
        port = free_port()
        key = "/etc/logstats/web1.key"
        machine = self.machine
        machine.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key, show=False)
        machine.run("chown", "logstats", key, show=False)
        allowed = machine.path("/root/.ssh/authorized_keys")
        allowed.parent.mkdir(mode=0o700, exist_ok=True)
        allowed.write_text(f"restrict {machine.path(f'{key}.pub').read_text()}")
        machine.path("/etc/ssh/ssh_config.d/web1.conf").write_text(_SSH.format(port=port, key=key))
        listen = f"exec /usr/sbin/sshd -p {port} -o ListenAddress=127.0.0.1"
        serve = f"mount --bind /srv/web1 /var/log/nginx && mkdir -p /run/sshd && {listen}"
        machine.run("unshare", "--mount", "--propagation=unchanged", "sh", "-c", serve, show=False)
        wait_for(port)

    def midnight(self, after: date) -> None:
        """Let the night begin: logrotate runs, and asks for the unit."""
        self.set_clock(datetime.combine(after, clock_time(0, 0, 5), _PARIS))
        self.machine.run("logrotate", "/etc/logrotate.conf")
        self.analyse()
