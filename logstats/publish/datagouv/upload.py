"""A file as the bodies of requests: one, or above 20 MB one for each part and one that puts the parts together."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final, NamedTuple

from urllib3.filepost import encode_multipart_formdata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["PART_BYTES", "Body", "bodies"]

PART_BYTES: Final = 20_000_000
"""As the platform's own pages cut files."""


class Body(NamedTuple):
    """The body of a request: its content type, and whether the file is complete after it."""

    content: bytes
    kind: str
    last: bool


def bodies(name: str, data: bytes, part_bytes: int = PART_BYTES) -> Iterator[Body]:
    """Give the bodies, in order; of a large file only one is in memory at a time.

    Args:
        name: Of the file, as it will be downloaded.
        data: The file.
        part_bytes: The largest part.
    """
    if len(data) <= part_bytes:
        yield _body({"file": (name, data)}, last=True)
        return
    starts = range(0, len(data), part_bytes)
    # A new one each time: a part that stands there already is refused.
    common = {"uuid": str(uuid.uuid4()), "filename": name, "totalparts": str(len(starts))}
    for index, start in enumerate(starts):
        part = data[start : start + part_bytes]
        place = {"partindex": str(index), "partbyteoffset": str(start), "chunksize": str(len(part))}
        yield _body({**common, **place, "file": (name, part)}, last=False)
    yield _body(common, last=True)


def _body(fields: Mapping[str, str | tuple[str, bytes]], *, last: bool) -> Body:
    content, kind = encode_multipart_formdata(fields)
    return Body(content, kind, last)
