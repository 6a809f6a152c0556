"""Slices of an input: blocks put together, and blocks of which something is left away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstats.read import Block

__all__ = ["emptied", "joined", "whole_lines"]


def joined(blocks: Sequence[Block]) -> Block:
    """Give blocks that follow one another as one."""
    if len(blocks) == 1:
        return blocks[0]
    cuts, members, length = [], [], 0
    for block in blocks:
        cuts += [cut._replace(position=cut.position + length) for cut in block.cuts]
        members += [member + length for member in block.members]
        length += len(block.data)
    data = b"".join(block.data for block in blocks)
    last = blocks[-1]
    return replace(
        blocks[0], data=data, end_offset=last.end_offset, settled=last.settled, cuts=tuple(cuts), members=tuple(members)
    )


def emptied(block: Block) -> Block:
    """Give a block without its lines: their place is known, and they are not needed."""
    return replace(block, data=b"", cuts=(), members=())


def whole_lines(block: Block) -> Block:
    """Leave away a last line without newline: it waits until it is whole."""
    end = block.data.rfind(b"\n") + 1
    if end == len(block.data):
        return block
    torn = len(block.data) - end + sum(cut.missing for cut in block.cuts if cut.position >= end)
    cuts = tuple(cut for cut in block.cuts if cut.position < end)
    members = tuple(member for member in block.members if member < end)
    return replace(block, data=block.data[:end], end_offset=block.end_offset - torn, cuts=cuts, members=members)
