"""Reading the configuration of a server: what is found, what is refused, and what is wrong, by file and line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logstats.config import load
from logstats.discover import propose, read_apache, read_nginx
from logstats.discover.apache import read_variables
from logstats.discover.apache_words import words_of
from logstats.discover.nginx_words import parse
from logstats.errors import ConfigurationError, InputMissingError, LogstatsError, NoPermissionError

if TYPE_CHECKING:
    from collections.abc import Callable

LISTEN: Final = "server { listen 80; server_name a.example; "
COMBINED: Final = 'LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined\n'


def nginx(folder: Path, http: str, **files: str) -> Path:
    """Write an nginx.conf with other files beside it."""
    for name, text in files.items():
        (folder / f"{name}.conf").write_text(text, encoding="utf-8")
    file = folder / "nginx.conf"
    file.write_text(f"events {{}}\nhttp {{\n{http}\n}}\n", encoding="utf-8")
    return file


def apache(folder: Path, text: str, **files: str) -> Path:
    """Write an apache2.conf with other files beside it."""
    for name, more in files.items():
        (folder / f"{name}.conf").write_text(more, encoding="utf-8")
    file = folder / "apache2.conf"
    file.write_text(text, encoding="utf-8")
    return file


def test_access_log_is_inherited_until_a_block_says_otherwise(tmp_path: Path) -> None:
    """A server's own lines replace those of http; a location's replace the server's, for what is asked for there."""
    file = nginx(
        tmp_path,
        "access_log /l/all.log;\n"
        f"{LISTEN} location / {{ }} }}\n"
        f"{LISTEN.replace('a.', 'b.')} access_log /l/b.log; location /x {{ access_log /l/x.log; }} }}\n"
        f"{LISTEN.replace('a.', 'c.')} access_log off; location /y {{ if ($z) {{ access_log /l/y.log; }} }} }}",
    )
    found = read_nginx(file)
    assert [(log.path, log.hosts) for log in found.logs] == [
        ("/l/all.log", ("a.example",)),
        ("/l/b.log", ("b.example",)),
        ("/l/x.log", ("b.example",)),
        ("/l/y.log", ("c.example",)),
    ]
    [note] = found.notes
    assert "nginx.conf:6: access_log off" in note


def test_includes_are_followed_with_stars_and_into_each_other(tmp_path: Path) -> None:
    """As nginx does: relative to the folder of nginx.conf, sorted, also within a server."""
    file = nginx(
        tmp_path,
        "include formats.conf; include s?te*.conf; include none*.conf;",
        formats="log_format mine '$remote_addr [$time_local] \"$request\" $status';",
        site2=f"{LISTEN} include log.conf; }}",
        site1=f"{LISTEN} access_log /l/1.log mine; }}",
        log="access_log /l/2.log mine;",
    )
    assert [log.path for log in read_nginx(file).logs] == ["/l/1.log", "/l/2.log"]


@pytest.mark.parametrize(
    ("target", "reason"),
    (
        ("syslog:server=unix:/dev/log,tag=nginx", "goes to syslog"),
        ("/dev/stdout", "goes to the standard output"),
        ("/dev/null", "is no file"),
    ),
)
def test_what_is_no_file_is_refused_with_a_word(target: str, reason: str, tmp_path: Path) -> None:
    """Alone, it is an error that names the line; beside a file, it is left out and said."""
    alone = nginx(tmp_path, f"{LISTEN} access_log {target}; }}")
    with pytest.raises(ConfigurationError, match=reason) as caught:
        propose(read_nginx(alone), "UTC")
    assert str(caught.value).startswith(f"{alone}:3: {target}")
    found = read_nginx(nginx(tmp_path, f"{LISTEN} access_log {target}; access_log /l/a.log; }}"))
    assert [one.target for one in found.refused] == [target]
    assert tomllib.loads(propose(found, "UTC"))["input"]["logs"] == ["/l/a.log*"]


def test_names_of_hosts_that_mean_something(tmp_path: Path) -> None:
    """Patterns, the placeholder and addresses are no hosts; a dot in front stands for two."""
    names = '_ "" a.example .b.example *.c.example d.* ~^e$ A.EXAMPLE 192.0.2.1 $hostname'
    file = nginx(tmp_path, f"log_format h '$host $remote_addr [$time_local] \"$request\" $status';\n"
                           f"server {{ server_name {names}; access_log /l/a.log h; }}")  # fmt: skip
    [site] = tomllib.loads(propose(read_nginx(file), "UTC"))["site"]
    assert site == {"name": "a.example", "hosts": ["a.example", "b.example", "*.b.example", "*.c.example"]}


def test_a_path_with_a_variable_or_a_star_is_a_pattern(tmp_path: Path) -> None:
    """A variable becomes a star; what only looks like a pattern stays what it is."""
    file = nginx(tmp_path, f"{LISTEN} access_log '/l/[x]/${{host}}-$server_port.log'; }}")
    [log] = read_nginx(file).logs
    assert log.path == "/l/[[]x]/*-*.log"


def test_options_are_told(tmp_path: Path) -> None:
    """What an operator should know of a log stands as a comment above it."""
    file = nginx(
        tmp_path,
        "log_format n escape=none '$remote_addr [$time_local] \"$request\" $status';\n"
        f"{LISTEN} access_log /l/a.log n buffer=32k flush=5m if=$x; access_log /l/b.log combined gzip=9; }}",
    )
    text = propose(read_nginx(file), "UTC")
    for words in ("has a condition (if=)", "come late", "compresses it", "escape=none"):
        assert words in text


def test_without_access_log_nginx_has_a_default(tmp_path: Path) -> None:
    """It is Debian's, and said to be assumed."""
    found = read_nginx(nginx(tmp_path, f"{LISTEN} }}"))
    assert [log.path for log in found.logs] == ["/var/log/nginx/access.log"]
    assert "taken to be" in found.notes[0]


@pytest.mark.parametrize(
    ("http", "message"),
    (
        (f"{LISTEN} access_log /l/a.log nothing; }}", ":3: access_log: there is no log_format 'nothing'"),
        ("include nothing.conf;", "nothing.conf: no such file, named at "),
        ("include nginx.conf;", "no file may include itself"),
        ("log_format x 'no end;", ":3: a quote has no end"),
        ("server {", ":3: ends within a directive or block"),
        ("}}", "unexpected '}'"),
        ("include a b;", "wants one path"),
        ("x {;}", "unexpected ';'"),
    ),
)
def test_what_nginx_would_refuse_is_refused(http: str, message: str, tmp_path: Path) -> None:
    """With file and line; never as a traceback."""
    with pytest.raises(LogstatsError) as caught:
        read_nginx(nginx(tmp_path, http))
    assert message in str(caught.value)


def test_blocks_of_lua_are_passed_over(tmp_path: Path) -> None:
    """Their quotes and signs are not nginx's."""
    lua = 'content_by_lua_block { local t = { a = "}" == nil and 1 or 2 } -- it\'s {}\n }'
    file = nginx(tmp_path, f"{LISTEN} location / {{ {lua} }} access_log /l/a.log; }}")
    assert [log.path for log in read_nginx(file).logs] == ["/l/a.log"]


@pytest.mark.parametrize("read", (read_nginx, read_apache))
def test_files_that_are_none(read: Callable[[Path], object], tmp_path: Path) -> None:
    """Missing, a folder, another server's, or a log."""
    with pytest.raises(InputMissingError):
        read(tmp_path / "nothing.conf")
    with pytest.raises(InputMissingError):
        read(tmp_path)
    large = tmp_path / "access.log"
    with large.open("wb") as file:
        file.truncate(20_000_000)
    with pytest.raises(ConfigurationError, match="too large"):
        read(large)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, with what to do; refused by hand, as the tests may run as root, who may read all."""
    file = nginx(tmp_path, "include secret.conf;", secret="")

    def refuse(self: Path, *_: object) -> str:
        if self.name == "secret.conf":
            raise PermissionError(13, "Permission denied")
        return self.read_bytes().decode()

    monkeypatch.setattr("pathlib.Path.read_text", refuse)
    with pytest.raises(NoPermissionError, match=r"secret\.conf: no permission to read it, named at"):
        read_nginx(file)


def test_a_format_without_what_is_needed_is_said(tmp_path: Path) -> None:
    """A log that has no status cannot be counted: its line and what is missing."""
    file = nginx(tmp_path, f"log_format x '$remote_addr [$time_local] $request';\n{LISTEN} access_log /l/a.log x; }}")
    with pytest.raises(ConfigurationError, match=r"nginx\.conf:4: /l/a\.log: .*the format has no status") as caught:
        propose(read_nginx(file), "UTC")
    assert "logstats hook nginx" in caught.value.hint


def test_formats_that_cannot_be_told_apart_are_said(tmp_path: Path) -> None:
    """Two columns of the same look: whoever reads one log would read the other wrongly."""
    base = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer"'
    file = nginx(
        tmp_path,
        f'log_format one \'{base} "$http_user_agent" "$host"\'; log_format two \'{base} "$http_user_agent" "$x"\';\n'
        f"{LISTEN} access_log /l/1.log one; access_log /l/2.log two; }}",
    )
    text = propose(read_nginx(file), "UTC")
    assert "Take care" in text
    assert len(tomllib.loads(text)["input"]["formats"]) == 2


# --- Apache ------------------------------------------------------------------------------------------------------


def test_conditions_sections_and_includes_of_apache(tmp_path: Path) -> None:
    """What is not in force does not count: modules, definitions, files, negations, macros."""
    (tmp_path / "on").mkdir()
    (tmp_path / "on" / "a.conf").write_text("CustomLog /l/folder.log combined\n", encoding="utf-8")
    file = apache(
        tmp_path,
        f"{COMBINED}Define YES\nDefine DIR /l\nLoadModule ssl_module x/mod_ssl.so\n"
        "<IfModule mod_ssl.c>\n  <IfDefine YES>\n    CustomLog ${DIR}/yes.log combined\n  </IfDefine>\n</IfModule>\n"
        "<IfModule !ssl_module>\nCustomLog /l/no1.log combined\n</IfModule>\n"
        "<IfDefine NO>\n<IfModule ssl_module>\nCustomLog /l/no2.log combined\n</IfModule>\n</IfDefine>\n"
        "<IfDefine !NO>\nCustomLog /l/not.log combined\n</IfDefine>\n"
        "<Macro VHost $x>\nCustomLog /l/$x.log combined\n</Macro>\nUse VHost a\n"
        "<IfFile other.conf>\nInclude other.conf\n</IfFile>\nIncludeOptional none*.conf\nInclude on\n"
        "# CustomLog /l/comment.log combined\n",
        other="CustomLog \\\n  /l/other.log \\\n  combined\n",
    )
    found = read_apache(file)
    assert [log.path for log in found.logs] == ["/l/yes.log", "/l/not.log", "/l/other.log", "/l/folder.log"]
    assert str(found.logs[2].place).endswith("other.conf:1")
    assert "macro" in found.notes[0]


def test_logs_of_virtual_hosts(tmp_path: Path) -> None:
    """A virtual host writes to its own logs, else to the server's; GlobalLog gets all; TransferLog has its format."""
    file = apache(
        tmp_path,
        f'{COMBINED}LogFormat "%h %t \\"%r\\" %>s"\nCustomLog /l/server.log combined\nGlobalLog /l/all.log combined\n'
        "<VirtualHost *:80>\nServerName http://A.example:80\nServerAlias www.a.example *.a.example b.?.example\n"
        "TransferLog logs/a.log\n</VirtualHost>\n<VirtualHost *:80>\nServerName c.example\n</VirtualHost>\n",
    )
    found = read_apache(file)
    hosts = ("a.example", "www.a.example", "*.a.example")
    assert [(log.path, log.hosts) for log in found.logs if log.hosts] == [
        (str(tmp_path / "logs" / "a.log"), hosts),
        ("/l/all.log", hosts),
        ("/l/server.log", ("c.example",)),
        ("/l/all.log", ("c.example",)),
    ]
    assert next(log.format_string for log in found.logs if log.path.endswith("/a.log")) == '%h %t "%r" %>s'


@pytest.mark.parametrize(
    ("target", "path"),
    (
        ('"|/usr/bin/rotatelogs -l /l/access-%Y-%m-%d.log 86400"', "/l/access-*-*-*.log"),
        ('"||/usr/sbin/rotatelogs -n 5 /l/access.log 10M"', "/l/access.log*"),
        ('"|$cronolog /l/%Y/access.log"', "/l/*/access.log"),
        ('"|/usr/bin/logger -t x"', ""),
        ('"|/usr/bin/rotatelogs"', ""),
        ("syslog:local1", ""),
    ),
)
def test_pipes_of_apache(target: str, path: str, tmp_path: Path) -> None:
    """What rotatelogs writes is found by its pattern; other programs are refused."""
    found = read_apache(apache(tmp_path, f"{COMBINED}CustomLog {target} combined\n"))
    assert [log.path for log in found.logs] == ([path] if path else [])
    assert bool(found.refused) == (not path)


@pytest.mark.parametrize(
    ("text", "message"),
    (
        ("CustomLog ${NOWHERE}/a.log combined", ":1: ${NOWHERE} is not defined"),
        ("CustomLog /l/a.log", ":1: customlog: names no format"),
        ("CustomLog /l/a.log nothing", ":1: customlog: there is no LogFormat 'nothing'"),
        ("<VirtualHost *>\nServerName x", ":1: <virtualhost> has no end"),
        ("</VirtualHost>", ":1: unexpected </VirtualHost>"),
        ("Include nothing.conf", "nothing.conf: no such file"),
        ("Include apache2.conf", "too many files include each other"),
    ),
)
def test_what_apache_would_refuse_is_refused(text: str, message: str, tmp_path: Path) -> None:
    """With file and line."""
    with pytest.raises(LogstatsError) as caught:
        read_apache(apache(tmp_path, text + "\n"))
    assert message in str(caught.value)


def test_variables_of_a_shell_are_read_and_never_run(tmp_path: Path) -> None:
    """Debian's envvars: exports, a suffix for a second server; a value that takes a shell is left out."""
    folder = tmp_path / "apache2-second"
    folder.mkdir()
    (folder / "envvars").write_text(
        'unset HOME\nif [ "${APACHE_CONFDIR##/etc/apache2-}" != "${APACHE_CONFDIR}" ] ; then\n'
        '\tSUFFIX="-${APACHE_CONFDIR##/etc/apache2-}"\nelse\n\tSUFFIX=\nfi\n'
        f'export APACHE_LOG_DIR=/var/log/apache2$SUFFIX\nDAY="$(touch {tmp_path}/ran)"\nexport LANG=C # a comment\n',
        encoding="utf-8",
    )
    found = read_variables(folder / "envvars")
    assert found["APACHE_LOG_DIR"] == "/var/log/apache2-second"
    assert found["LANG"] == "C"
    assert "DAY" not in found
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("host", ("a\x1b]0;x\x07.example", "ünï.example", 'a".example'))
def test_hostile_names_cannot_act(host: str, tmp_path: Path) -> None:
    """Whatever stands in a server's files: the proposal is TOML, and holds no character that acts on a terminal."""
    text = propose(read_apache(apache(tmp_path, f"{COMBINED}CustomLog '/l/{host}\\n.log' combined\n")), "UTC")
    assert all(character.isprintable() or character == "\n" for character in text)
    file = tmp_path / "logstats.toml"
    file.write_text(text, encoding="utf-8")
    assert host.partition(".")[0][:1] in load(file).input.logs[0]


WORDS: Final = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(["{", "}", ";", "'", '"', "\\", "#", "\n", "$", "${", " ", "include nginx.conf;", "server {"]),
        st.sampled_from(["<VirtualHost *>", "</VirtualHost>", "<IfModule x>", "CustomLog", "LogFormat", "${x}", "%h"]),
        st.sampled_from(["access_log", "log_format x", "location / {", "Include *", "content_by_lua_block {", "--"]),
    ),
    max_size=20,
).map("".join)


@given(text=WORDS)
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_ends_in_a_traceback(text: str, tmp_path: Path) -> None:
    """Whatever stands in a file: it is read, or an error says where it is wrong."""
    for read, file in ((read_nginx, nginx(tmp_path, text)), (read_apache, apache(tmp_path, text))):
        try:
            text = propose(read(file), "UTC")
        except LogstatsError:
            continue
        tomllib.loads(text)


@given(words=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=5))
def test_words_come_back(words: list[str]) -> None:
    """What is quoted and escaped as the servers ask for is read as it was."""
    escaped = [word.replace("\\", "\\\\").replace('"', '\\"') for word in words]
    [found] = parse(" ".join(f'"{word}"' for word in ("name", *escaped)) + ";", Path("x"))
    assert found.words == ["name", *words]
    assert words_of(" ".join(f'"{word}"' for word in escaped)) == words
