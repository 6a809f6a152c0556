"""Discover: read a web server's own configuration, to know which logs it writes, in which format and for which hosts.

nginx      nginx.conf: log_format, access_log, server_name; includes followed
apache     apache2.conf: LogFormat, CustomLog, TransferLog, GlobalLog, ServerName; includes and variables followed
proposal   what was found, as a logstats.toml to start from

The files are read, never run, and the server is not asked: what only it knows stands in the notes.
"""

from __future__ import annotations

from logstats.discover.apache import read_apache
from logstats.discover.found import Found, Log, Refused
from logstats.discover.nginx import read_nginx
from logstats.discover.proposal import propose

__all__ = ["Found", "Log", "Refused", "propose", "read_apache", "read_nginx"]
