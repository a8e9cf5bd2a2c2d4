"""Reward functions in the signature of TRL's ``GRPOTrainer``.

A reward function receives ``prompts``, ``completions`` and the other columns of the dataset as named lists, and returns one
number per completion: here, the share of the instructions or constraints that the completion follows, from 0 to 1. A row
without instructions has the reward ``None``, which TRL leaves out.

>>> from iopo.rewards import instruction_reward
>>> instruction_reward(
...     prompts=["Describe tea. Do not use commas."],
...     completions=["Tea is hot."],
...     instruction_id_list=[["punctuation:no_comma"]],
...     kwargs=[[{}]],
... )
[1.0]

``InstructionReward`` and ``ConstraintReward`` make reward functions with other settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Union

from iopo import _native
from iopo._native import Constraint, Tagger

__all__ = [
    "Completion",
    "ConstraintReward",
    "InstructionReward",
    "completion_text",
    "constraint_reward",
    "instruction_reward",
    "without_reasoning",
]

Completion = Union[str, Sequence[Mapping[str, Any]]]
"""A completion: text, or the messages of a chat."""


def completion_text(completion: Completion) -> str:
    """Returns the text of a completion: a string itself, or the content of the last assistant message.

    Content may also be a list of parts, whose texts are joined; parts without a ``text``, such as images, are left out. Content that
    is ``None``, as beside a tool call, is empty text.
    """
    if isinstance(completion, str):
        return completion
    if isinstance(completion, (bytes, Mapping)) or not isinstance(completion, Iterable):
        name = type(completion).__name__
        raise TypeError(f"completion: found {name}, expected str or a list of messages")
    messages = list(completion)
    for message in messages:
        if not isinstance(message, Mapping):
            name = type(message).__name__
            raise TypeError(f"completion: found a message of type {name}, expected a mapping")
    for message in reversed(messages):
        if message.get("role") == "assistant":
            return _content_text(message.get("content"))
    raise ValueError("completion: found no assistant message, expected at least one")


def without_reasoning(text: str) -> str:
    """Removes reasoning in ``<think>`` tags from the beginning of a text.

    Some chat templates open the tag in the prompt, so the text may contain only the closing tag. Reasoning that never ends
    leaves no text. A tag within an answer is part of it.
    """
    start = text.lstrip()
    opened = start.startswith("<think>")
    reasoning, closed, answer = (start[len("<think>") :] if opened else text).partition("</think>")
    if closed and (opened or "<think>" not in reasoning):
        return answer.lstrip()
    return "" if opened else text


def _texts(completions: Sequence[Completion], strip_reasoning: bool) -> list[str]:
    texts = [completion_text(completion) for completion in completions]
    return [without_reasoning(text) for text in texts] if strip_reasoning else texts


def _content_text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, (list, tuple)):
        name = type(content).__name__
        raise TypeError(f"completion: found content of type {name}, expected str or a list")
    texts = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, Mapping) and isinstance(part.get("text"), str):
            texts.append(part["text"])
    return "".join(texts)


def _reward(verdicts: list[bool], every: bool) -> float | None:
    if not verdicts:
        return None
    if every:
        return float(all(verdicts))
    return sum(verdicts) / len(verdicts)


def _column(columns: Mapping[str, Any], name: str, rows: int) -> Sequence[Any]:
    values: Sequence[Any] | None = columns.get(name)
    if values is None:
        found = ", ".join(sorted(columns)) or "none"
        raise ValueError(f"column `{name}` of the dataset is missing: found {found}")
    if len(values) != rows:
        raise ValueError(f"column `{name}`: found {len(values)} rows, expected {rows}")
    return values


class InstructionReward:
    """The share of the instructions of IFEval and IFBench that a completion follows.

    The dataset has the ids of the instructions in the column ``ids`` and their arguments in the column ``kwargs``, like those of
    the benchmarks.

    ``benchmark`` is ``"ifeval"``, ``"ifbench"``, or ``None`` (default) for both. ``mode`` is ``"paper"`` (default) or ``"repaired"``.
    ``loose`` counts loose verdicts instead of strict ones. ``every`` gives 1 if all instructions are followed, else 0.
    ``tagger`` is needed for ``words:start_verb``. ``skip_unsupported`` leaves out instructions that cannot be checked, which are errors
    otherwise. ``strip_reasoning`` removes reasoning before the answer (``without_reasoning``). ``threads`` is 1 to 256; by default, one
    per core. ``name`` is the name in TRL's logs.
    """

    def __init__(
        self,
        *,
        benchmark: Literal["ifeval", "ifbench"] | None = None,
        mode: Literal["paper", "repaired"] = "paper",
        loose: bool = False,
        every: bool = False,
        tagger: Tagger | None = None,
        skip_unsupported: bool = False,
        strip_reasoning: bool = False,
        threads: int | None = None,
        ids: str = "instruction_id_list",
        kwargs: str = "kwargs",
        name: str = "instruction_reward",
    ) -> None:
        self.benchmark = benchmark
        self.mode = mode
        self.loose = loose
        self.every = every
        self.tagger = tagger
        self.skip_unsupported = skip_unsupported
        self.strip_reasoning = strip_reasoning
        self.threads = threads
        self.ids = ids
        self.kwargs = kwargs
        # TRL names a reward by this attribute.
        self.__name__ = name
        # Wrong settings fail here, not in the first step of a training.
        self._verdicts([], [], [])

    def _verdicts(
        self, texts: list[str], ids: list[Any], kwargs: list[Any]
    ) -> list[list[_native.InstructionVerdict | None]]:
        return _native.check_instructions(
            texts,
            ids,
            kwargs,
            benchmark=self.benchmark,
            mode=self.mode,
            tagger=self.tagger,
            skip_unsupported=self.skip_unsupported,
            threads=self.threads,
        )

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any
    ) -> list[float | None]:
        """Returns one reward per completion."""
        texts = _texts(completions, self.strip_reasoning)
        ids = [_none_as_empty(row) for row in _column(columns, self.ids, len(texts))]
        kwargs = [_none_as_empty(row) for row in _column(columns, self.kwargs, len(texts))]
        rows = self._verdicts(texts, ids, kwargs)
        return [
            _reward([v.loose if self.loose else v.strict for v in row if v is not None], self.every)
            for row in rows
        ]


def _none_as_empty(row: Any) -> Any:
    return [] if row is None else row


class ConstraintReward:
    """The share of iopo's own constraints that a completion satisfies.

    The dataset has a list of constraints in the column ``constraints``. Each is a ``Constraint``, a mapping with ``id`` and ``params``
    (a mapping or a JSON object as text), or a row of iopo's files such as ``x1_constraints``, whose ``check`` is such a mapping.
    Constraints that only a judge can decide (``check`` is ``None`` and there is no ``id``) are left out. Fields and parameters that are
    ``None`` count as absent, because datasets pad them that way. The reward server reads constraints by the same rules.

    ``every`` gives 1 if all constraints hold, else 0. ``strip_reasoning`` removes reasoning before the answer
    (``without_reasoning``). ``threads`` is 1 to 256; by default, one per core. ``column`` is the name of the column, and ``name``
    the name in TRL's logs.
    """

    def __init__(
        self,
        *,
        every: bool = False,
        strip_reasoning: bool = False,
        threads: int | None = None,
        column: str = "constraints",
        name: str = "constraint_reward",
    ) -> None:
        self.every = every
        self.strip_reasoning = strip_reasoning
        self.threads = threads
        self.column = column
        # TRL names a reward by this attribute.
        self.__name__ = name
        _native.satisfied([], [], threads=threads)

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any
    ) -> list[float | None]:
        """Returns one reward per completion."""
        texts = _texts(completions, self.strip_reasoning)
        rows = _column(columns, self.column, len(texts))
        lists = [_constraints(row, self.column, at) for at, row in enumerate(rows)]
        verdicts = _native.satisfied(texts, lists, threads=self.threads)
        return [_reward(row, self.every) for row in verdicts]


def _constraints(row: Any, column: str, at: int) -> list[Constraint]:
    items = () if row is None else row
    read = (_native.listed_constraint(item, f"{column}[{at}][{index}]") for index, item in enumerate(items))
    return [constraint for constraint in read if constraint is not None]


_INSTRUCTIONS = InstructionReward()
_CONSTRAINTS = ConstraintReward()


def instruction_reward(
    prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any
) -> list[float | None]:
    """The share of the instructions of IFEval and IFBench that each completion follows; see ``InstructionReward``."""
    return _INSTRUCTIONS(prompts, completions, **columns)


def constraint_reward(
    prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any
) -> list[float | None]:
    """The share of iopo's own constraints that each completion satisfies; see ``ConstraintReward``."""
    return _CONSTRAINTS(prompts, completions, **columns)
