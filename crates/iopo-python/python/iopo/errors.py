"""Exceptions. Their text is that of the command line: what failed, what was found, what was expected, and a hint."""

from __future__ import annotations

__all__ = ["ConstraintError", "InstructionError", "InternalError", "IopoError", "SchemaError"]


class IopoError(Exception):
    """Base of all exceptions of iopo. ``hint`` is the remedy, if one is known."""

    message: str
    hint: str | None

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  hint: {self.hint}"


class ConstraintError(IopoError, ValueError):
    """A constraint cannot be created: unknown kind, or invalid parameters."""


class InstructionError(IopoError, ValueError):
    """An instruction of IFEval or IFBench cannot be checked: unknown type, or invalid arguments."""


class SchemaError(IopoError):
    """A file is missing, damaged, or has another schema or version."""


class InternalError(IopoError, RuntimeError):
    """A bug of iopo."""
