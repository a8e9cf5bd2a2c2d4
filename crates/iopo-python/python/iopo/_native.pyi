"""Native code of the package `iopo`. Import `iopo` instead."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal, final

# pyarrow has no types, and need not be installed.
import pyarrow  # type: ignore[import-untyped, import-not-found]

__all__ = [
    "Constraint",
    "InstructionVerdict",
    "Instructions",
    "Kind",
    "Table",
    "Tagger",
    "Verdict",
    "changed_share",
    "check_constraints",
    "check_instructions",
    "instruction_ids",
    "kinds",
    "listed_constraint",
    "read_groups",
    "read_scores",
    "read_table",
    "render_prompt",
    "satisfied",
    "satisfy",
]

@final
class Verdict:
    """Whether a response satisfies a constraint, and why."""

    @property
    def satisfied(self) -> bool:
        """Whether the response satisfies the constraint."""
    @property
    def evidence(self) -> str:
        """The counts that were found and required, as text for a reader."""
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...

@final
class Kind:
    """A kind of constraints, without parameters."""

    def __new__(cls, id: str) -> Kind:
        """Returns the kind with this id. Raises `ConstraintError` if there is none."""
    @property
    def id(self) -> str:
        """The name in files, such as `max_words`."""
    @property
    def constraint_type(self) -> str:
        """The type in the taxonomy of the IOPO paper: content, situation, style, format or example."""
    @property
    def dimension(self) -> str:
        """The dimension in the taxonomy of the IOPO paper, such as `numerical`."""
    @property
    def ifeval(self) -> list[str]:
        """The ids of the IFEval instruction types that ask for the same thing."""
    def back_translate(self, response: str) -> list[Constraint]:
        """The constraints of this kind that a response satisfies: at most 6, the tightest first."""
    def __getnewargs__(self) -> tuple[str]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Kind, /) -> bool: ...
    def __le__(self, other: Kind, /) -> bool: ...
    def __gt__(self, other: Kind, /) -> bool: ...
    def __ge__(self, other: Kind, /) -> bool: ...
    def __hash__(self, /) -> int: ...

@final
class Constraint:
    """A constraint that code can check: a kind with its parameters."""

    def __new__(cls, kind: str, params: Mapping[str, Any] | str | None = None) -> Constraint:
        """Creates a constraint from the id of its kind and its parameters: a mapping, or a JSON object as text.

        Parameters that are `None` count as absent, and whole floats are integers. Raises `ConstraintError` for an unknown kind and for
        parameters that are missing, unknown, of the wrong type or out of range.
        """
    @classmethod
    def from_text(cls, text: str) -> Constraint | None:
        """Maps an English or Chinese sentence to the constraint that it states; `None` if code cannot decide all of it."""
    @property
    def kind(self) -> Kind:
        """The kind."""
    @property
    def kinds(self) -> list[Kind]:
        """The kind, and those of the parts of an `all_of`."""
    @property
    def parts(self) -> list[Constraint]:
        """The constraints of which the constraint consists: itself, or those of an `all_of`."""
    @property
    def params(self) -> dict[str, Any]:
        """The parameters."""
    @property
    def phrasings(self) -> int:
        """The number of English sentences that express the constraint."""
    def render(self, phrasing: int = 0) -> str:
        """Renders the constraint as an English sentence. `phrasing` selects one of `phrasings` and wraps around."""
    def render_chinese(self, phrasing: int = 0) -> str | None:
        """Renders the constraint as a Chinese sentence; `None` if its kind has none. `phrasing` wraps around."""
    def check(self, response: str) -> Verdict:
        """Checks a response. A blank response satisfies no constraint."""
    def check_all(self, responses: Sequence[str], *, threads: int | None = None) -> list[Verdict]:
        """Checks many responses, without the GIL. `threads` is 1 to 256; by default, one per core."""
    def edit(self, response: str) -> str | None:
        """Edits a response so that it passes the check; `None` if no edit keeps the text natural."""
    def revisions(self) -> list[Constraint]:
        """Constraints that a person might ask for instead. No response satisfies this constraint and one of them."""
    def excludes(self, other: Constraint) -> bool:
        """Whether no response can satisfy both constraints. `True` is certain; `False` proves nothing."""
    def conflicts_with(self, other: Constraint) -> bool:
        """Whether the two constraints do not belong in the same instruction."""
    def __getnewargs__(self) -> tuple[str, str]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Constraint, /) -> bool: ...
    def __le__(self, other: Constraint, /) -> bool: ...
    def __gt__(self, other: Constraint, /) -> bool: ...
    def __ge__(self, other: Constraint, /) -> bool: ...
    def __hash__(self, /) -> int: ...

@final
class InstructionVerdict:
    """Whether a response follows an instruction, strictly and loosely."""

    @property
    def strict(self) -> bool:
        """Whether the response itself follows the instruction."""
    @property
    def loose(self) -> bool:
        """Whether the response or one of its loose variants follows the instruction."""
    @property
    def loose_variant(self) -> int | None:
        """The first of the 8 variants that follows the instruction, from 0 (the response itself); `None` if none does."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...

@final
class Tagger:
    """The table of the part-of-speech tagger, which `words:start_verb` needs."""

    def __new__(cls, table: str) -> Tagger:
        """Reads a table from its text."""
    @classmethod
    def load(cls, path: str | PathLike[str] | None = None) -> Tagger:
        """Reads a table from a file; by default, from iopo's cache, where `cargo xtask tagger` writes it."""

@final
class Instructions:
    """The instructions of a prompt of IFEval or IFBench, prepared for checking many responses."""

    def __new__(
        cls,
        ids: Sequence[str],
        kwargs: Sequence[Mapping[str, Any] | None],
        *,
        benchmark: Literal["ifeval", "ifbench"] | None = None,
        mode: Literal["paper", "repaired"] = "paper",
        tagger: Tagger | None = None,
        skip_unsupported: bool = False,
    ) -> Instructions:
        """Prepares the instructions of a prompt; arguments that are `None` count as absent.

        `benchmark` is `ifeval`, `ifbench`, or `None` for both; `mode` is `paper` or `repaired`. `words:start_verb` needs a tagger. Raises
        `InstructionError` for an instruction that cannot be checked. With `skip_unsupported`, an unknown instruction and one without its
        tagger has the verdict `None`.
        """
    @property
    def ids(self) -> list[str]:
        """The ids of the instructions."""
    @property
    def mode(self) -> str:
        """The rules that decide: `paper` or `repaired`."""
    def check(self, response: str) -> list[InstructionVerdict | None]:
        """Checks a response. Returns one verdict per instruction."""
    def check_all(
        self, responses: Sequence[str], *, threads: int | None = None
    ) -> list[list[InstructionVerdict | None]]:
        """Checks many responses, without the GIL. `threads` is 1 to 256; by default, one per core."""
    def __len__(self) -> int: ...

@final
class Table:
    """The rows of a Parquet file that iopo wrote, shared through Arrow's PyCapsule interface."""

    @property
    def schema_name(self) -> str:
        """The name of the rows' schema, such as `preferences`."""
    @property
    def schema_version(self) -> int:
        """The version of the schema."""
    @property
    def producer(self) -> str:
        """The program that wrote the file."""
    @property
    def config(self) -> Any:
        """The settings that the file was made with."""
    @property
    def num_rows(self) -> int:
        """The number of rows."""
    @property
    def column_names(self) -> list[str]:
        """The names of the columns."""
    def to_pyarrow(self) -> pyarrow.Table:
        """The columns as a `pyarrow.Table` that shares this table's memory. Raises `ImportError` without pyarrow."""
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __len__(self) -> int: ...

def check_constraints(
    responses: Sequence[str],
    constraints: Sequence[Sequence[Constraint]],
    *,
    threads: int | None = None,
) -> list[list[Verdict]]:
    """Checks each response against its own list of constraints, without the GIL. Returns one list of verdicts per response."""
def satisfied(
    responses: Sequence[str],
    constraints: Sequence[Sequence[Constraint]],
    *,
    threads: int | None = None,
) -> list[list[bool]]:
    """Like `check_constraints`, but returns only whether each constraint holds. Faster, because it writes no evidence."""
def satisfy(response: str, constraints: Sequence[Constraint]) -> str | None:
    """Edits a response until all constraints hold; `None` if no order of the edits succeeds. At most 64 constraints."""
def changed_share(original: str, edited: str) -> float:
    """The words that an edit adds or removes, divided by the words of the original."""
def render_prompt(
    task: str, constraints: Sequence[Constraint | str], input: str | None = None
) -> str:
    """Renders a user turn: the task, the numbered constraints and the input. Each constraint is a `Constraint` or a sentence."""
def check_instructions(
    responses: Sequence[str],
    instruction_id_list: Sequence[Sequence[str]],
    kwargs: Sequence[Sequence[Mapping[str, Any] | None]],
    *,
    benchmark: Literal["ifeval", "ifbench"] | None = None,
    mode: Literal["paper", "repaired"] = "paper",
    tagger: Tagger | None = None,
    skip_unsupported: bool = False,
    threads: int | None = None,
) -> list[list[InstructionVerdict | None]]:
    """Checks each response against its own instructions of IFEval or IFBench, without the GIL.

    `instruction_id_list` and `kwargs` have one list per response, as the datasets of the benchmarks do. `benchmark` is `ifeval`,
    `ifbench`, or `None` for both; `mode` is `paper` or `repaired`. `words:start_verb` needs a tagger. Returns one list per response,
    with one verdict per instruction. Raises `InstructionError` for an instruction that cannot be checked. With `skip_unsupported`, an
    unknown instruction and one without its tagger has the verdict `None`.
    """
def listed_constraint(item: object, place: str) -> Constraint | None:
    """Reads a constraint as a dataset lists it: a `Constraint`, or a mapping with `id` and `params`, or with `check`.

    Returns `None` for a constraint that only a judge can decide. `place` is its name in an error.
    """
def instruction_ids(benchmark: Literal["ifeval", "ifbench"]) -> list[str]:
    """The ids of a benchmark's instruction types."""
def kinds() -> list[Kind]:
    """Every kind of constraints, in a stable order."""
def read_groups(path: str | PathLike[str]) -> Table:
    """Reads the preference groups of a file, for instance `runs/default/preferences.parquet`.

    Raises `SchemaError` for a file that is missing, damaged, or has another schema or version.
    """
def read_scores(path: str | PathLike[str]) -> Table:
    """Reads the verdicts of an evaluation, for instance `runs/ifeval/scores.parquet`.

    Raises `SchemaError` for a file that is missing, damaged, or has another schema or version.
    """
def read_table(path: str | PathLike[str]) -> Table:
    """Reads any Parquet file that iopo wrote.

    Raises `SchemaError` for a file that is missing, damaged, or has another schema or version.
    """
