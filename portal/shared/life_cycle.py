"""The life cycle of a kind of row: its statuses, their labels and tones, the moves between them.

A life cycle is declared once, beside the enum of its statuses::

    BILL_LIFE_CYCLE = LifeCycle(
        BillStatus,
        {
            BillStatus.OPEN: Stage("待缴款", "warn", (BillStatus.PAID, BillStatus.LAPSED)),
            BillStatus.PAID: Stage("已缴清", "good"),
            BillStatus.LAPSED: Stage("已失效", "quiet"),
        },
        begins=(BillStatus.OPEN,),
    )

The choices of columns, the words and tones of pages, the SQL of triggers and of the audit follow
from it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Literal, TypeVar, get_args

Tone = Literal["good", "info", "warn", "bad", "quiet"]
TONES: tuple[Tone, ...] = get_args(Tone)

S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Stage(Generic[S]):
    """One status: its label in Chinese, its tone, and the statuses that it may move to."""

    label: str
    tone: Tone
    moves: tuple[S, ...] = ()


class LifeCycle(Generic[S]):
    """What one enum's statuses are called, look like and move to.

    Labels and tones stand in the order of the enum, moves in the order of ``stages``. ``begins``
    are the statuses that a new row may have. ``events`` is the label of the model that keeps each
    move (app label and name, such as "orders.OrderEvent"), "" where none does.

    Raises ValueError for a member without a stage, a stage without a label or without a tone, a
    status that is not of the enum, a move to the same status, and a status that is never reached.
    """

    def __init__(
        self,
        statuses: type[S],
        stages: Mapping[S, Stage[S]],
        *,
        begins: Collection[S],
        events: str = "",
    ) -> None:
        self.statuses, self.begins, self.events = statuses, tuple(begins), events
        self._moves: dict[S, tuple[S, ...]] = {status: stage.moves for status, stage in stages.items()}
        if faults := list(self._faults(stages)):
            raise ValueError(f"{statuses.__qualname__}: {'; '.join(faults)}")
        self.labels: dict[S, str] = {status: stages[status].label for status in statuses}
        self.tones: dict[S, Tone] = {status: stages[status].tone for status in statuses}

    def __repr__(self) -> str:
        return f"<life cycle of {self.statuses.__module__}.{self.statuses.__qualname__}>"

    @property
    def moves(self) -> tuple[tuple[S, S], ...]:
        """All moves, each from one status to another."""
        return tuple((start, end) for start, ends in self._moves.items() for end in ends)

    @property
    def final(self) -> tuple[S, ...]:
        """The statuses from which no move leads."""
        return tuple(status for status, ends in self._moves.items() if not ends)

    def moves_from(self, status: S | str) -> tuple[S, ...]:
        """The statuses that this one may move to."""
        return self._moves[self.statuses(status)]

    def label(self, status: S | str) -> str:
        """The label of a status, in Chinese, not translated. ValueError for an unknown status."""
        return self.labels[self.statuses(status)]

    def tone(self, status: S | str) -> Tone:
        """The tone of a status. ValueError for an unknown status."""
        return self.tones[self.statuses(status)]

    @property
    def transitions(self) -> list[tuple[str, str]]:
        """All moves as plain text, as a state machine of django-pgtrigger takes them."""
        return [(str(start), str(end)) for start, end in self.moves]

    @property
    def moves_sql(self) -> str:
        """All moves as SQL rows: ('open', 'paid'), ('open', 'lapsed')."""
        return ", ".join(f"('{start}', '{end}')" for start, end in self.moves)

    def _faults(self, stages: Mapping[S, Stage[S]]) -> Iterator[str]:
        for status in self.statuses:
            if status not in stages:
                yield f"{status} has no stage"
        for status in (*stages, *self.begins, *(end for _start, end in self.moves)):
            if not isinstance(status, self.statuses):
                yield f"{status} is no status of it"
        reached = self._reached()
        for status, stage in stages.items():
            if not stage.label:
                yield f"{status} has no label"
            if stage.tone not in TONES:
                yield f"{status} has no tone"
            if status in stage.moves:
                yield f"{status} moves to itself"
            if status not in reached:
                yield f"{status} is never reached"

    def _reached(self) -> set[S]:
        reached: set[S] = set()
        ahead = list(self.begins)
        while ahead:
            if (status := ahead.pop()) not in reached:
                reached.add(status)
                ahead.extend(self._moves.get(status, ()))
        return reached
