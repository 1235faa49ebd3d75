"""Matrix + facts → cells: every combination, judged possible, impossible or unknown, with reasons."""

from __future__ import annotations

from builder.cell.aliases import Aim, aims
from builder.cell.catalogue import RULES, Rule
from builder.cell.expansion import MAX_CELLS, expand, refusals
from builder.cell.grounds import Ground, grounds
from builder.cell.hosts import Host, HostGpu, host, there
from builder.cell.own import knowing
from builder.cell.shards import Shard, parts
from builder.cell.values import Cell, Reason, Status, Verdict, Weight

__all__ = [
    "MAX_CELLS",
    "RULES",
    "Aim",
    "Cell",
    "Ground",
    "Host",
    "HostGpu",
    "Reason",
    "Rule",
    "Shard",
    "Status",
    "Verdict",
    "Weight",
    "aims",
    "expand",
    "grounds",
    "host",
    "knowing",
    "parts",
    "refusals",
    "there",
]
