"""An answer that is made when somebody awaits it, and costs nothing if nobody does."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

AnswerT = TypeVar("AnswerT")


class Later(Generic[AnswerT]):
    """Awaitable once. Unlike a coroutine it may be dropped without having begun: whoever asked may have gone."""

    __slots__ = ("_arguments", "_begin")

    def __init__(self, begin: Callable[..., Coroutine[Any, Any, AnswerT]], *arguments: object) -> None:
        self._begin = begin
        self._arguments = arguments

    def __await__(self) -> Generator[Any, Any, AnswerT]:
        return self._begin(*self._arguments).__await__()
