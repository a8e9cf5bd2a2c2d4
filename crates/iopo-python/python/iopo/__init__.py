"""Verifiable instruction constraints: check, repair and revise them, score with IFEval and IFBench, reward GRPO.

>>> import iopo
>>> constraint = iopo.Constraint("max_words", {"n": 10})
>>> constraint.render()
'Use at most 10 words.'
>>> constraint.check("Tea is a warm drink.").satisfied
True

The modules ``iopo.ifeval`` and ``iopo.ifbench`` score responses with the two benchmarks, and ``iopo.rewards`` has reward
functions for TRL's ``GRPOTrainer``. Checks run without the GIL, and functions over many responses use several threads.
"""

from __future__ import annotations

from importlib.metadata import version as _version

from iopo import ifbench, ifeval, rewards
from iopo._native import (
    Constraint,
    Instructions,
    InstructionVerdict,
    Kind,
    Table,
    Tagger,
    Verdict,
    changed_share,
    check_constraints,
    check_instructions,
    kinds,
    read_groups,
    read_scores,
    read_table,
    render_prompt,
    satisfied,
    satisfy,
)
from iopo.errors import ConstraintError, InstructionError, InternalError, IopoError, SchemaError

__version__ = _version("iopo")

__all__ = [
    "Constraint",
    "ConstraintError",
    "InstructionError",
    "InstructionVerdict",
    "Instructions",
    "InternalError",
    "IopoError",
    "Kind",
    "SchemaError",
    "Table",
    "Tagger",
    "Verdict",
    "changed_share",
    "check_constraints",
    "check_instructions",
    "ifbench",
    "ifeval",
    "kinds",
    "read_groups",
    "read_scores",
    "read_table",
    "render_prompt",
    "rewards",
    "satisfied",
    "satisfy",
]
