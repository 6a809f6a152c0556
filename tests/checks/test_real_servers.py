"""What `config init` writes is right: it loads, and it reads what the real server wrote with that configuration."""

from __future__ import annotations

import json
import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from logstats import config
from logstats.discover import read_apache, read_nginx
from logstats.errors import LogstatsError
from tests.servers import required

from .servers import apache, nginx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Program = Callable[..., subprocess.CompletedProcess[str]]

HOST: Final = "www.example.org"
COMBINED: Final = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
NGINX: Final = {
    # name: what stands in http; the format that reads the lines
    "combined": ("access_log logs/access.log;", "combined"),
    "main": (f"log_format main '{COMBINED} \"$http_x_forwarded_for\"'; access_log logs/access.log main;", "main"),
    "in pieces": (
        (
            "log_format mine '$remote_addr - $remote_user [$time_local] \"$request\" '\n  '$status $body_bytes_sent '\n"
            '  \'"$http_referer" "$http_user_agent" "$host" $request_time\'; # a comment; with signs {\n'
            "access_log logs/access.log mine;"
        ),
        "custom",
    ),
    "escaped quotes": (
        (
            'log_format mine "$time_iso8601|${remote_addr}|$request_method|$request_uri|'
            '$status|\\"$http_user_agent\\"";\n'
            "access_log logs/access.log mine;"
        ),
        "custom",
    ),
    "json": (
        (
            'log_format j escape=json \'{"time":"$time_iso8601","remote_addr":"$remote_addr","request":"$request",'
            '"status":$status,"http_user_agent":"$http_user_agent","host":"$host"}\'; access_log logs/access.log j;'
        ),
        "json",
    ),
    "json with keys of its own": (
        (
            'log_format j escape=json \'{"t":"$time_iso8601","c":"$remote_addr","m":"$request_method",'
            '"u":"$request_uri","s":$status,"a":"$http_user_agent"}\'; access_log logs/access.log j;'
        ),
        "custom",
    ),
    "compressed": ("access_log logs/access.log.gz combined gzip flush=1s;", "combined"),
    "by host": ("access_log logs/$host.log;", "combined"),
}
DEBIAN: Final = '"%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined'
APACHE: Final = {
    "combined": (f"LogFormat {DEBIAN}\nCustomLog ${{APACHE_LOG_DIR}}/access.log combined", "combined"),
    "with the host": (
        (
            'LogFormat "%v:%p %h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" vhost_combined\n'
            "CustomLog logs/access.log vhost_combined"
        ),
        "vhost_combined",
    ),
    "over two lines": (
        ('LogFormat "%a %l %u %t \\"%r\\" %>s %b \\\n  \\"%{User-Agent}i\\" %D" mine\nCustomLog logs/access.log mine'),
        "custom",
    ),
    "tabs": ('CustomLog logs/access.log "%h\\t%t\\t%m\\t%U%q\\t%>s\\t%{User-Agent}i"', "custom"),
    "json": (
        (
            'LogFormat "{\\"time\\":\\"%{%Y-%m-%dT%H:%M:%S%z}t\\",\\"remote_ip\\":\\"%a\\",\\"request\\":\\"%r\\",'
            '\\"status\\":\\"%>s\\",\\"user_agent\\":\\"%{User-Agent}i\\"}" j\nCustomLog logs/access.log j'
        ),
        "json",
    ),
    "single quotes": (
        (
            'Define WHERE logs\nLogFormat \'%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" "%V"\' mine\n'
            "<IfModule mod_log_config.c>\nCustomLog ${WHERE}/access.log mine\n</IfModule>\n"
            "<IfModule !log_config_module>\nCustomLog logs/none.log common\n</IfModule>"
        ),
        "custom",
    ),
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that the servers' own users may enter."""
    with tempfile.TemporaryDirectory(prefix="logstats-checks-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def made(logstats: Program, folder: Path, *options: str | Path) -> Path:
    """Let `config init` write a configuration; return where."""
    file = folder / "logstats.toml"
    done = logstats("config", "init", *options, "--timezone", "Europe/Paris", "--out", file)
    assert done.returncode == 0, done.stderr
    assert config.load(file).input.logs
    return file


def counted(logstats: Program, file: Path, folder: Path) -> dict[str, Any]:
    """Check the configuration and count the logs that it names, without a FILE."""
    done = logstats("check", "--config", file, "--json")
    results = json.loads(done.stdout)["checks"]
    assert done.returncode == 0, results
    for one in results:
        if one["name"].startswith("log ") and one["state"] != "ok":
            assert "come from private networks" in one["text"]  # all requests are this machine's
    assert {"configuration": "ok", "format": "ok"}.items() <= {one["name"]: one["state"] for one in results}.items()
    done = logstats("ingest", "--config", file, "--store", folder / "store", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    files = [path for path in (folder / "logs").iterdir() if path.name != "error.txt"]
    seen = json.loads(logstats("report", "--config", file, "--json", *files).stdout)
    assert seen["lines"] == figures["lines"]
    assert isinstance(figures, dict)
    return figures | {"formats": seen["formats"]}


def asked(web: Any) -> None:
    """Send three page views of a person, one of a tool and one error."""
    assert [web.ask(), web.ask("/?q=a+b"), web.ask("/index.html"), web.ask(agent="curl/8.5.0")] == [200] * 4
    assert web.ask("/nothing") == 404


@pytest.mark.parametrize("name", NGINX)
def test_nginx(name: str, folder: Path, logstats: Program) -> None:
    """The lines that nginx wrote are read whole, by the format that was found in its configuration."""
    http, expected = NGINX[name]
    with nginx(folder, http, {f"{HOST} example.org": ""}) as web:
        asked(web)
    file = made(logstats, folder, "--nginx-conf", web.configuration)
    figures = counted(logstats, file, folder)
    assert figures["formats"] == {expected: 5}
    assert (figures["lines"]["total"], figures["lines"]["rejected"], figures["page_views"]) == (5, 0, 3)
    assert figures["hits"]["traffic"]["tool"] == 1
    assert tomllib.loads(file.read_text("utf-8"))["site"] == [{"name": HOST, "hosts": [HOST, "example.org"]}]


@pytest.mark.parametrize("name", APACHE)
def test_apache(name: str, folder: Path, logstats: Program) -> None:
    """The same for Apache, in Debian's layout, with variables."""
    server, expected = APACHE[name]
    with apache(folder, server, {HOST: ""}) as web:
        asked(web)
    file = made(logstats, folder, "--apache-conf", web.configuration)
    figures = counted(logstats, file, folder)
    assert figures["formats"] == {expected: 5}
    assert (figures["lines"]["total"], figures["lines"]["rejected"], figures["page_views"]) == (5, 0, 3)
    assert figures["hits"]["traffic"]["tool"] == 1
    assert [(site.name, site.hosts) for site in config.load(file).site] == [(HOST, (HOST,))]


def test_two_sites_of_an_nginx_in_two_formats(folder: Path, logstats: Program) -> None:
    """Each server has its log and its format; all lines are read, and each site has its own."""
    http = (
        f"log_format one '{COMBINED} \"$host\" ${{request_time}}s';"
        'log_format two escape=json \'{"ts":"$msec","ip":"$remote_addr","request":"$request",'
        '"status":$status,"agent":"$http_user_agent","domain":"$host"}\';'
    )
    servers = {
        "one.example.org": "access_log logs/one.log one; location /off { access_log off; }",
        "two.example.org www.two.example.org": "access_log logs/two.log two; access_log syslog:server=127.0.0.1:9;",
    }
    with nginx(folder, http, servers) as web:
        assert [web.ask(host="one.example.org"), web.ask(host="two.example.org")] == [200, 200]
        assert web.ask(host="www.two.example.org") == 200
        assert web.ask("/off", host="one.example.org") == 404
    done = logstats("config", "init", "--nginx-conf", web.configuration)
    assert "goes to syslog" in done.stderr
    file = made(logstats, folder, "--nginx-conf", web.configuration)
    figures = counted(logstats, file, folder)
    assert figures["formats"] == {"json": 2, "custom": 1}
    assert (figures["lines"]["total"], figures["lines"]["rejected"], figures["page_views"]) == (3, 0, 3)
    text = file.read_text("utf-8")
    assert [site["name"] for site in tomllib.loads(text)["site"]] == ["one.example.org", "two.example.org"]
    assert "access_log off" in text


def test_two_hosts_of_an_apache(folder: Path, logstats: Program) -> None:
    """A virtual host with a log of its own does not write to the server's; the other does."""
    server = f"LogFormat {DEBIAN}\nLogFormat %v_%h_%t_%m_%U_%>s own\nCustomLog logs/server.log combined"
    hosts = {"one.example.org *.one.example.org": "CustomLog logs/one.log combined", "two.example.org": ""}
    with apache(folder, server, hosts) as web:
        assert [web.ask("/?1", "one.example.org"), web.ask("/?2", "two.example.org"), web.ask("/?3")] == [200, 200, 200]
    lines = {path.name: path.read_bytes().count(b"\n") for path in (folder / "logs").glob("*.log")}
    assert lines == {"one.log": 2, "server.log": 1}  # who is nobody's goes to the first virtual host
    file = made(logstats, folder, "--apache-conf", web.configuration)
    figures = counted(logstats, file, folder)
    assert (figures["lines"]["total"], figures["lines"]["rejected"], figures["page_views"]) == (3, 0, 3)
    assert "[[site]]" in file.read_text("utf-8")  # as a comment: the lines do not say the host
    assert config.load(file).site == ()


NGINX_WORDS: Final = (
    "'plain $status'",
    '"double $status"',
    "bare$status",
    "${status}x",
    "'in ' 'pieces ' \"$status\"",
    *(
        r"'tab\there $status'",
        r"'\"quoted\" $status'",
        r'"\"quoted\" $status"',
        r"'it\'s $status'",
        r"'back\\slash $status'",
    ),
    r"'other \x \d \. $status'",
    "'semi; { } # no comment $status'",
    "a#b$status",
    r"a\ b$status",
    "'é ünï $status'",
    *(
        "'two\nlines $status'",
        "'\"' $status",
        r"'\$status'",
        "[$status]|",
        "'100 %' $status",
        "escape=json '\"$status\"'",
    ),
)
"""Ways to write a format: what stands in the log tells how nginx read them."""


def test_words_are_read_as_nginx_reads_them(folder: Path) -> None:
    """Each format is nothing but text and a status: the line in the log is the format string, the status put in."""
    http = "".join(f"log_format f{i} {words};\n" for i, words in enumerate(NGINX_WORDS))
    block = "".join(f"access_log logs/{i}.log f{i};\n" for i in range(len(NGINX_WORDS)))
    with nginx(folder, http, {HOST: block}) as web:
        assert web.ask() == 200
    read = {log.path: log.format_string for log in read_nginx(web.configuration).logs}
    for i, words in enumerate(NGINX_WORDS):
        log = folder / "logs" / f"{i}.log"
        assert log.read_text("utf-8") == read[str(log)].replace("${status}", "200").replace("$status", "200") + "\n", (
            words
        )


APACHE_WORDS: Final = (
    *(
        '"double %>s"',
        "'single %>s'",
        "bare%>s",
        r'"\"quoted\" %>s"',
        r"'\"quoted\" %>s'",
        r'"it\'s %>s"',
        r"'it\'s %>s'",
    ),
    r'"tab\there %>s"',
    r'"back\\slash %>s"',
    r'"other \x \d %>s"',
    '"# no comment %>s"',
    "a#%>s",
    "'é ünï %>s'",
    '"over \\\n   lines %>s"',
    "${WORD}%>s",
    '"<%>s>"',
    '"$status ${WORD} %>s"',
)


def test_words_are_read_as_apache_reads_them(folder: Path) -> None:
    """The same for Apache."""
    server = "Define WORD wörd\n" + "".join(f"CustomLog logs/{i}.log {words}\n" for i, words in enumerate(APACHE_WORDS))
    with apache(folder, server, {}) as web:
        assert web.ask() == 200
    read = {log.path: log.format_string for log in read_apache(web.configuration).logs}
    for i, words in enumerate(APACHE_WORDS):
        log = folder / "logs" / f"{i}.log"
        assert log.read_text("utf-8") == read[str(log)].replace("%>s", "200") + "\n", words


NGINX_FILES: Final = (
    *(
        "log_format x '$status'; access_log logs/a.log x;",
        "access_log logs/a.log y;",
        "access_log off;",
        "log_format x 'a;",
    ),
    *(
        "include none*.conf;",
        "include none.conf;",
        "server { }",
        "server { ",
        "} server {",
        'server { server_name "a"; }',
    ),
    *(
        "log_format x '$status' # comment ; {\n;",
        'log_format x "a""b";',
        "access_log logs/a.log combined gzip buffer=1k;",
    ),
    *(
        "server { server_name a b; location / { access_log off; } }",
        ";",
        "{ }",
        "include mime.conf;",
        "log_format x 'a' b;",
    ),
)


@pytest.mark.parametrize("text", NGINX_FILES)
def test_what_nginx_takes_is_taken(text: str, folder: Path) -> None:
    """Where `nginx -t` accepts a file, so do we; where it does not, we may, but never end in a traceback."""
    program = required("nginx")
    (folder / "logs").mkdir()
    (folder / "mime.conf").write_text("types { text/html html; }\n", encoding="utf-8")
    file = folder / "nginx.conf"
    file.write_text(f"pid {folder}/pid; events {{ }}\nhttp {{\n{text}\n}}\n", encoding="utf-8")
    command = [program, "-t", "-q", "-p", str(folder), "-e", f"{folder}/error.txt", "-c", str(file)]
    accepted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        read_nginx(file)
        read = True
    except LogstatsError:
        read = False
    assert read >= accepted
