"""IFBench: the 58 instruction types of Pyatkin et al. (2025).

>>> from iopo import ifbench
>>> rows = ifbench.check(["We open 9-17."], [["count:numbers"]], [[{"N": 2}]], mode="repaired")
>>> rows[0][0].strict
True

``mode="paper"`` gives the verdicts of the published code, including its known errors. ``mode="repaired"`` decides by the wording
of the instruction. Scores of the two modes are not comparable.

``words:start_verb`` needs a part-of-speech tagger, whose weights have no license. ``cargo xtask tagger`` in a clone of the repository
writes its table, and ``Tagger.load()`` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from iopo import _native
from iopo._native import InstructionVerdict, Tagger

__all__ = ["IDS", "Mode", "Tagger", "check", "prepare"]

Mode = Literal["paper", "repaired"]

IDS: tuple[str, ...] = tuple(_native.instruction_ids("ifbench"))
"""The ids of the instruction types."""


def check(
    responses: Sequence[str],
    instruction_id_list: Sequence[Sequence[str]],
    kwargs: Sequence[Sequence[Mapping[str, Any] | None]],
    *,
    mode: Mode = "paper",
    tagger: Tagger | None = None,
    skip_unsupported: bool = False,
    threads: int | None = None,
) -> list[list[InstructionVerdict | None]]:
    """Checks each response against its own instructions, without the GIL.

    ``instruction_id_list`` and ``kwargs`` have one list per response, as the dataset has them; arguments that are ``None`` count
    as absent. Returns one list per response, with one verdict per instruction.

    Raises ``InstructionError`` for an unknown instruction, invalid arguments, and ``words:start_verb`` without a tagger. With
    ``skip_unsupported``, an unknown instruction and ``words:start_verb`` without a tagger have the verdict ``None``. ``threads`` is
    1 to 256; by default, one per core.
    """
    return _native.check_instructions(
        responses,
        instruction_id_list,
        kwargs,
        benchmark="ifbench",
        mode=mode,
        tagger=tagger,
        skip_unsupported=skip_unsupported,
        threads=threads,
    )


def prepare(
    ids: Sequence[str],
    kwargs: Sequence[Mapping[str, Any] | None],
    *,
    mode: Mode = "paper",
    tagger: Tagger | None = None,
    skip_unsupported: bool = False,
) -> _native.Instructions:
    """Prepares the instructions of one prompt for checking many responses."""
    return _native.Instructions(
        ids,
        kwargs,
        benchmark="ifbench",
        mode=mode,
        tagger=tagger,
        skip_unsupported=skip_unsupported,
    )
