"""The key of a service: from a file, a credential of systemd, or a variable; never an option, in no output.

Of a service that has several environments (demo, production …), each has a key of its own. The first of these counts:

    --api-key-file FILE                               mode 0600
    $CREDENTIALS_DIRECTORY/SERVICE-ENVIRONMENT-key    LoadCredential= of systemd
    $LOGSTATS_SERVICE_ENVIRONMENT_KEY                 the key itself: only where there is no better way
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from logstats.errors import ConfigurationError, InputMissingError, NoPermissionError
from logstats.store.files import read_private

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Key", "find_key"]

_LONGEST: Final = 1_000


class Key:
    """A secret that shows itself to the connection only.

    Raises:
        ConfigurationError: It cannot stand in a header; the message does not show it.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes, origin: str) -> None:
        text = secret.strip()
        if not text or len(text) > _LONGEST or any(not 0x21 <= byte <= 0x7E for byte in text):  # noqa: PLR2004 - ASCII
            raise ConfigurationError(f"{origin}: holds no key", hint="one word of ASCII characters, and nothing else")
        self._secret = text.decode()

    def headers(self) -> dict[str, str]:
        """Give the header that shows the key to the service."""
        return {"x-api-key": self._secret}

    def hidden_in(self, text: str) -> str:
        """Give a text of somebody else without the key."""
        return text.replace(self._secret, "[key]")

    def __repr__(self) -> str:
        return "<Key>"

    def __reduce__(self) -> str:
        raise TypeError("a key is not written anywhere")


def find_key(service: str, environment: str, file: Path | None, variables: Mapping[str, str] | None = None) -> Key:
    """Find the key of an environment of a service.

    Args:
        service: For example `commission`.
        environment: For example `production`.
        file: As the option names it.
        variables: None for those of the process.

    Raises:
        InputMissingError: The named file is not there.
        NoPermissionError: Others can read it.
        ConfigurationError: There is no key.
    """
    variables = os.environ if variables is None else variables
    if file:
        content = read_private(file)
        if content is None:
            raise InputMissingError(f"{file}: is no file", hint="it holds the key of the service, mode 0600")
        return Key(content, str(file))
    name = f"{service}-{environment}-key"
    folder = variables.get("CREDENTIALS_DIRECTORY")
    if folder and (credential := Path(folder, name)).exists():
        return Key(_read_credential(credential), str(credential))
    variable = f"LOGSTATS_{service.upper()}_{environment.upper()}_KEY"
    if value := variables.get(variable):
        return Key(value.encode("utf-8", "surrogateescape"), variable)
    raise ConfigurationError(
        f"there is no key for {environment}", hint=f"--api-key-file FILE, the credential {name}, or ${variable}"
    )


def _read_credential(path: Path) -> bytes:
    """Read a credential. systemd may give it by an access list, which shows as a permission of the group."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IRWXO:
                raise NoPermissionError(f"{path}: others may read it")
            return file.read()
    except OSError as error:
        raise NoPermissionError(f"{path}: cannot be read: {error.strerror}") from None
