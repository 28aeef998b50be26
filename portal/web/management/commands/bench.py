import json
from collections.abc import Callable
from inspect import signature
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal import rooms
from portal.shared.measuring import Goal

Bench = Callable[..., dict[str, list[float]]]


def found() -> dict[str, tuple[Bench, tuple[Goal, ...]]]:
    """All that the rooms can measure: each brings a module ``benchmarks`` with BENCHES, functions
    by name that give figures by what was measured, one for each round; and, where it has goals,
    GOALS by the same names."""
    benches: dict[str, tuple[Bench, tuple[Goal, ...]]] = {}
    for module in rooms.bring("benchmarks"):
        for name, bench in module.BENCHES.items():
            benches[name] = (bench, getattr(module, "GOALS", {}).get(name, ()))
    return benches


class Command(BaseCommand):
    help = "测速：与参照在同一次运行中轮流进行，取各自最好的一轮相比。"

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = parser.add_subparsers(dest="bench", required=True, metavar="项目")
        for name, (bench, _goals) in sorted(found().items()):
            kind = kinds.add_parser(name, help=(bench.__doc__ or "").strip().split("\n")[0])
            for option in signature(bench).parameters.values():
                kind.add_argument(f"--{option.name}", type=int, default=option.default)
            kind.add_argument("--json", action="store_true", help="以 JSON 输出")

    def handle(self, *args: Any, bench: str, **options: Any) -> None:
        run, goals = found()[bench]
        arguments = {name: options[name] for name in signature(run).parameters}
        measured = run(**arguments)
        bounds = {goal.ours: goal for goal in goals}
        best = {
            name: bounds[name].best(rounds) if name in bounds else max(rounds)
            for name, rounds in measured.items()
        }
        compared = [_compared(goal, measured) for goal in goals]
        if options["json"]:
            answer = {"bench": bench, **arguments, "measured": measured, "compared": compared}
            self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2))
            return
        width = max(len(name) for name in best)
        for name, figure in best.items():
            rounds = " ".join(_short(rate) for rate in measured[name])
            self.stdout.write(f"{name:<{width}}  {_short(figure):>9}   ({rounds})")
        for comparison in compared:
            verdict = "达到" if comparison["reached"] else "未达到"
            beside = (
                f"{comparison['ratio']:.2f} × {comparison['reference']}"
                if comparison["reference"]
                else _short(comparison["ratio"])
            )
            sign = "≥" if comparison["bound"] == "at least" else "≤"
            self.stdout.write(
                f"{comparison['ours']}: {beside}，目标 {sign} {_short(comparison['goal'])}，{verdict}"
            )


def _compared(goal: Goal, measured: dict[str, list[float]]) -> dict[str, Any]:
    ratio, reached = goal.compare(measured)
    return {
        "ours": goal.ours,
        "reference": goal.reference,
        "ratio": ratio,
        "bound": "at most" if goal.at_least is None else "at least",
        "goal": goal.at_most if goal.at_least is None else goal.at_least,
        "reached": reached,
    }


def _short(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.2f}"
