"""Counts how the house in the working directory is built; run by script/counts."""

import ast
import graphlib
import re
import sys
from collections import defaultdict
from pathlib import Path

import grimp

APPS = ("transfers", "certificates", "contributions", "enrollment", "portal")
LONG = 400
# A test that takes a name that begins with an underscore from the code, or replaces it there.
PRIVATE = re.compile(
    r"setattr\(\s*[\w.]+,\s*\"_\w+|\b(?!self\b|cls\b|os\b)[a-z]\w*\._(?!meta\b|default_manager\b|base_manager\b)[a-z]\w*\("
)


def rooms_of(graph: grimp.ImportGraph, app: str) -> tuple[int, int, int]:
    """How many rooms an app has at its top, on how many floors, with how many imports between."""
    needs: dict[str, set[str]] = defaultdict(set)
    for module in graph.modules:
        home = _room(module, app)
        for imported in graph.find_modules_directly_imported_by(module) if home else ():
            other = _room(imported, app)
            if other and other != home:
                needs[home].add(other)
                needs.setdefault(other, set())
    floors: dict[str, int] = {}
    for room in graphlib.TopologicalSorter(needs).static_order():
        floors[room] = 1 + max((floors[below] for below in needs[room]), default=0)
    return len(needs), max(floors.values(), default=0), sum(map(len, needs.values()))


def _room(module: str, app: str) -> str:
    parts = module.split(".")
    return parts[1] if parts[0] == app and len(parts) > 1 and parts[1] != "migrations" else ""


def upward(graph: grimp.ImportGraph) -> list[str]:
    """Imports from portal to an app above it."""
    return [
        f"{module} → {imported}"
        for module in sorted(graph.modules)
        if module.startswith("portal.")
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.split(".")[0] in APPS[:-1]
    ]


def bound(files: list[Path], names: set[str]) -> int:
    """How often one of these names is bound outside a comprehension."""
    count = 0
    for file in files:
        tree = ast.parse(file.read_text())
        inside = {
            id(node)
            for comprehension in ast.walk(tree)
            if isinstance(comprehension, ast.comprehension)
            for node in ast.walk(comprehension.target)
        }
        count += sum(
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Store)
            and node.id in names
            and id(node) not in inside
            for node in ast.walk(tree)
        )
    return count


def main() -> None:
    sys.path.insert(0, str(Path.cwd()))
    graph = grimp.build_graph(*APPS, include_external_packages=False, cache_dir=None)
    for app in APPS:
        try:
            rooms, floors, arrows = rooms_of(graph, app)
            print(f"{app}: rooms {rooms}, floors {floors}, arrows {arrows}")
        except graphlib.CycleError as circle:
            print(f"{app}: a circle: {' → '.join(circle.args[1])}")
    above = upward(graph)
    print(f"imports from portal to an app: {len(above)}", *above, sep="\n  ")
    code = [file for app in APPS for file in Path(app).rglob("*.py") if "migrations" not in file.parts]
    lines = {file: len(file.read_text().splitlines()) for file in code}
    print(
        f"files over {LONG} lines: {sum(count > LONG for count in lines.values())}, the longest {max(lines.values())}"
    )
    print(f"lines of product code: {sum(lines.values())} in {len(lines)} files")
    print(f"`one` and `found` bound outside comprehensions: {bound(code, {'one', 'found'})}")
    tests = [file.read_text() for file in Path("tests").rglob("*.py")]
    print(f"private names that tests take: {sum(len(PRIVATE.findall(text)) for text in tests)}")
    templates = [file.read_text().splitlines() for file in Path("templates").rglob("*.html")]
    print(f"lines of templates: {sum(map(len, templates))}, the longest file {max(map(len, templates))}")
    styles = [file.read_text().splitlines() for file in Path("static").rglob("*.css")]
    print(f"lines of CSS: {sum(map(len, styles))}, the longest file {max(map(len, styles))}")


if __name__ == "__main__":
    main()
