"""Uses the module as a typed program does; checked with `mypy --strict`, not run."""

from collections.abc import Mapping, Sequence
from typing import Any

import iopo
from iopo import ifbench, ifeval, rewards


def use(responses: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> float:
    constraint: iopo.Constraint | None = iopo.Constraint.from_text("Use at most 10 words.")
    if constraint is None:
        constraint = iopo.Constraint("max_words", {"n": 10})
    verdicts: list[iopo.Verdict] = constraint.check_all(responses, threads=2)
    ids = [row["instruction_id_list"] for row in rows]
    kwargs = [row["kwargs"] for row in rows]
    for checked in (ifeval.check(responses, ids, kwargs), ifbench.check(responses, ids, kwargs, mode="repaired")):
        for row in checked:
            for verdict in row:
                if verdict is not None and verdict.loose and verdict.loose_variant is not None:
                    print(verdict.loose_variant + 1)
    scored: list[float | None] = rewards.InstructionReward(loose=True)(
        responses, list(responses), instruction_id_list=ids, kwargs=kwargs
    )
    print(iopo.satisfy(responses[0], [constraint]), constraint.kind.id.upper())
    return sum(score or 0.0 for score in scored) + sum(verdict.satisfied for verdict in verdicts)


try:
    use(["Tea."], [])
except iopo.InstructionError as error:
    print(error.hint or "no hint")
