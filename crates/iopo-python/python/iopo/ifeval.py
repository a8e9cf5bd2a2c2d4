"""IFEval: the 25 instruction types of Zhou et al. (2023).

>>> from iopo import ifeval
>>> rows = ifeval.check(["Tea is hot."], [["punctuation:no_comma"]], [[{}]])
>>> rows[0][0].strict
True

``mode="paper"`` gives the verdicts of the published implementation, including its known errors. ``mode="repaired"`` decides by
the wording of the instruction. Scores of the two modes are not comparable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from iopo import _native
from iopo._native import InstructionVerdict

__all__ = ["IDS", "Mode", "check", "prepare"]

Mode = Literal["paper", "repaired"]

IDS: tuple[str, ...] = tuple(_native.instruction_ids("ifeval"))
"""The ids of the instruction types."""


def check(
    responses: Sequence[str],
    instruction_id_list: Sequence[Sequence[str]],
    kwargs: Sequence[Sequence[Mapping[str, Any] | None]],
    *,
    mode: Mode = "paper",
    skip_unsupported: bool = False,
    threads: int | None = None,
) -> list[list[InstructionVerdict | None]]:
    """Checks each response against its own instructions, without the GIL.

    ``instruction_id_list`` and ``kwargs`` have one list per response, as the dataset has them; arguments that are ``None`` count
    as absent. Returns one list per response, with one verdict per instruction.

    Raises ``InstructionError`` for an unknown instruction or invalid arguments. With ``skip_unsupported``, an unknown instruction
    has the verdict ``None``. ``threads`` is 1 to 256; by default, one per core.
    """
    return _native.check_instructions(
        responses,
        instruction_id_list,
        kwargs,
        benchmark="ifeval",
        mode=mode,
        skip_unsupported=skip_unsupported,
        threads=threads,
    )


def prepare(
    ids: Sequence[str],
    kwargs: Sequence[Mapping[str, Any] | None],
    *,
    mode: Mode = "paper",
    skip_unsupported: bool = False,
) -> _native.Instructions:
    """Prepares the instructions of one prompt for checking many responses."""
    return _native.Instructions(
        ids, kwargs, benchmark="ifeval", mode=mode, skip_unsupported=skip_unsupported
    )
