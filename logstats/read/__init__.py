"""Files, pipes and compressed streams become bounded blocks of whole lines.

    name ──open_source──> Source ──read_blocks──> Block, Block, ... ──find_lines──> lines

What always holds:

- The blocks of an input join without a gap: each starts at the offset and line where the one before it ended.
- Lines, their numbers and their offsets depend on the content alone, not on its compression or its members.
- Memory is bounded whatever the input holds: a line of any length, a compression of any ratio.
- A block is settled only when every checksum over its bytes has been verified.
"""

from logstats.read.blocks import BLOCK_SIZE, MAX_LINE_BYTES, Block, DamagedInputError, read_blocks
from logstats.read.lines import Lines, find_lines, split_lines
from logstats.read.source import Source, open_source

__all__ = [
    "BLOCK_SIZE",
    "MAX_LINE_BYTES",
    "Block",
    "DamagedInputError",
    "Lines",
    "Source",
    "find_lines",
    "open_source",
    "read_blocks",
    "split_lines",
]
