"""The table: a row for each thing that is tried, a column for each pair of peers."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

ROWS = (
    "signed handshake",
    "express handshake",
    "retry cookie",
    "resume",
    "unknown device",
    "GET",
    "POST",
    "PUT",
    "FETCH",
    "DELETE",
    "iPATCH",
    "query",
    "4.04",
    "5 KB up",
    "3 KB down",
    "Observe: 5 notifications, cancel",
    "kid moved",
    "kid context",
    "long kid",
    "truncated option",
    "doubled option",
    "wrong key",
    "replay",
)
GROUP_ROWS = (
    "ASK, JOIN, SYNC",
    "SIGNED: PUT, answered",
    "SIGNED: GET, answered",
    "TAGGED: PUT, answered",
    "copies of a request",
    "replay",
    "garbled signature",
    "signed by a member",
    "garbled answer",
    "NOTICE, new epoch",
    "LEAVE",
)
BEGIN, END = "<!-- table: make interop -->", "<!-- end of table -->"
NOT_APPLICABLE = "—"

Row = Callable[[], Awaitable[str | None]]


@dataclass
class Column:
    """What one pair of peers gave, row by row: a word where it went as it should."""

    title: str
    rows: tuple[str, ...] = ROWS
    results: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    async def run(self, row: str, test: Row) -> None:
        """Runs one row; it gives a word other than yes, or None, or raises."""
        assert row in self.rows, row
        try:
            self.results[row] = await test() or "yes"
        except Exception as error:  # a fault of any kind is a result
            self.results[row] = "**no**"
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.faults.append(f"{self.title}: {row}: {Path(where.filename).name}:{where.lineno}: {error!r:.300}")


def markdown(columns: list[Column]) -> str:
    """The tables as Markdown: one for all columns that have the same rows."""
    kinds = dict.fromkeys(column.rows for column in columns)
    return "\n\n".join(_table([column for column in columns if column.rows == rows]) for rows in kinds)


def _table(columns: list[Column]) -> str:
    lines = ["| | " + " | ".join(column.title for column in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for row in columns[0].rows:
        cells = (column.results.get(row, NOT_APPLICABLE) for column in columns)
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(document: Path, table: str) -> None:
    """Puts the table between the marks of the document."""
    before, rest = document.read_text().split(BEGIN)
    _, after = rest.split(END)
    document.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}")
