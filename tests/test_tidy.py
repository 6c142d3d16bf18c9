"""The repository keeps its own rules. What ruff, mypy and the import contract can say is theirs; this is the rest.

Every rule is a function from a file to its problems, and every rule is shown a planted fault: it can fail.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.settings import Settings, variable_of

ROOT = Path(__file__).parents[1]
LINES_MAX = 400
FUNCTION_LINES_MAX = 60

PACKAGES = ("schemas", "rating", "streams")
PURE = ("schemas", "rating")
EVERYWHERE = (*PACKAGES, "tests", "benchmarks")
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".jsonl", ".csv", ".lock", ".cfg", ".xml", ".in", ".txt", ""}
BUILT = {"build", "dist"}

Rule = Callable[[str], Iterator[tuple[int, str]]]


def size(source: str) -> Iterator[tuple[int, str]]:
    lines = source.count("\n")
    if lines > LINES_MAX:
        yield lines, f"{lines} lines, {LINES_MAX} at most: it holds more than one idea"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield node.lineno, f"{node.name} has {length} lines, {FUNCTION_LINES_MAX} at most"


def no_float(source: str) -> Iterator[tuple[int, str]]:
    """A line that has to, because it meets no amount, says so: `# not money: …`."""
    excused = {number for number, line in enumerate(source.splitlines(), 1) if re.search(r"# not money: \w", line)}
    for node in ast.walk(ast.parse(source)):
        if getattr(node, "lineno", 0) in excused:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"the float {node.value}: money and quantities are exact"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
            yield node.lineno, "float(…): money and quantities are exact"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield node.lineno, "a division with /: integers divide with //, and the remainder has a rule"


def no_clock(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today", "time_ns", "monotonic", "perf_counter"}:
            yield node.lineno, f".{node.attr}: the core knows event time alone"


def exceptions_have_reasons(source: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(source.splitlines(), 1):
        comment = re.search(r"#\s*(type:\s*ignore|noqa)\b(.*)", line)
        if comment and not re.match(r"(\[[a-z-]+(, ?[a-z-]+)*\]|: [A-Z]+\d+(, ?[A-Z]+\d+)*)\s+(#|-|–|:)\s*\w", comment[2]):
            yield number, f"`{comment[1]}` without the code it silences and a reason after it"


def no_notes_to_self(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"\b(TO" + r"DO|FIX" + r"ME)\b", line):
            yield number, "a note to ourselves: do it, or open an issue"


def no_machine(text: str) -> Iterator[tuple[int, str]]:
    paths = r"(?<![\w./])/(work|root|home|Users)/"
    hosts = r"pypi[.]org|pythonhosted[.]|registry[.]npmjs|proxy[.]golang|static[.]crates|repo1?[.]maven|deb[.]debian"
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.search(f"{paths}|{hosts}", line):
            yield number, f"`{found[0]}`: an address of one machine or of one registry"


def leads_nowhere(path: Path) -> Iterator[tuple[int, str]]:
    """Links, and source files that a document names between backquotes, from the root or from its own folder."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        linked = [target for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", line) if not re.match(r"[a-z]+:", target)]
        for target in linked + re.findall(r"`([\w./-]+(?:\.py|\.md|\w/))`", line):
            if not (path.parent / target).exists() and (target in linked or not (ROOT / target).exists()):
                yield number, f"{target} is not there"


def files(*folders: str, suffixes: set[str]) -> Iterator[Path]:
    """Files of the repository, not of tools: no hidden folders but `.ci`, nothing built."""
    for folder in folders or (".",):
        for path in sorted((ROOT / folder).rglob("*")):
            parts = path.relative_to(ROOT).parts
            hidden = any(part.startswith(".") and part != ".ci" for part in parts[:-1]) or parts[0] in BUILT
            if path.is_file() and not hidden and path.suffix in suffixes and "__pycache__" not in parts:
                yield path


def problems(rule: Rule, paths: Iterator[Path]) -> list[str]:
    return [f"{path.relative_to(ROOT)}:{number}: {what}" for path in paths for number, what in rule(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(
    ("rule", "folders", "suffixes"),
    [
        pytest.param(size, EVERYWHERE, {".py"}, id="modules and functions are small"),
        pytest.param(no_float, PURE, {".py"}, id="money never meets a float"),
        pytest.param(no_clock, PURE, {".py"}, id="the core has no clock"),
        pytest.param(exceptions_have_reasons, EVERYWHERE, {".py"}, id="who silences a checker says why"),
        pytest.param(no_notes_to_self, (), TEXT, id="nothing is left for later in a comment"),
        pytest.param(no_machine, (), TEXT, id="no machine and no registry is named"),
    ],
)
def test_the_repository_keeps_its_rules(rule: Rule, folders: tuple[str, ...], suffixes: set[str]) -> None:
    found = problems(rule, files(*folders, suffixes=suffixes))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (size, "x = 0\n" * (LINES_MAX + 1)),
        (size, "def f():\n" + "    x = 0\n" * FUNCTION_LINES_MAX),
        (no_float, "fee = rate * 0.2"),
        (no_float, "fee = float(rate)"),
        (no_float, "half = rate / 2"),
        (no_clock, "at = datetime.now(UTC)"),
        (exceptions_have_reasons, "f()  # type: " + "ignore"),
        (exceptions_have_reasons, "f()  # type: " + "ignore[arg-type]"),
        (exceptions_have_reasons, "f()  # no" + "qa: S101"),
        (no_notes_to_self, "# TO" + "DO: later"),
        (no_machine, "cd /ho" + "me/me/wameter"),
        (no_machine, "--index-url https://py" + "pi.org/simple"),
    ],
)
def test_each_rule_finds_its_planted_fault(rule: Rule, fault: str) -> None:
    assert list(rule(fault))


def test_the_documents_lead_to_files_that_are_there() -> None:
    found = [f"{path.relative_to(ROOT)}:{n}: {what}" for path in files(suffixes={".md"}) for n, what in leads_nowhere(path)]
    assert not found, "\n".join(found)


def test_a_lost_file_would_be_missed(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("[here](page.md), [gone](gone.md), `page.md`, `gone.py`, `rating/money.py`\n", encoding="utf-8")
    assert [what for _, what in leads_nowhere(tmp_path / "page.md")] == ["gone.md is not there", "gone.py is not there"]


@pytest.mark.parametrize("package", EVERYWHERE)
def test_each_package_says_what_it_owns(package: str) -> None:
    assert (ROOT / package / "README.md").read_text(encoding="utf-8").startswith("# ")


def test_the_changelog_is_one() -> None:
    """Keep a Changelog: Unreleased first, then versions with dates, newest first, and known headings only."""
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert headings[:2] == ["# Changelog", "## [Unreleased]"]
    versions = [line for line in headings[2:] if line.startswith("## ")]
    assert [line for line in versions if not re.fullmatch(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", line)] == []
    assert versions == sorted(versions, key=lambda line: [int(n) for n in re.findall(r"\d+", line)], reverse=True)
    kinds = {"Billing-visible", "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert {line.removeprefix("### ") for line in headings if line.startswith("### ")} <= kinds


def reasons_in_code() -> set[str]:
    """Codes of the wire contract: the constants of `schemas/rejections.py`, the members of every `…Reason` in `schemas`."""
    found: set[str] = set()
    for path in files("schemas", suffixes={".py"}):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = ""
            if isinstance(node, ast.ClassDef):
                named = node.name
            elif isinstance(node, ast.Assign):
                named = ast.unparse(node.targets[0])
            elif isinstance(node, ast.AnnAssign):
                named = ast.unparse(node.target)
            if named.endswith("Reason") or (path.name == "rejections.py" and named.isupper() and not named.startswith("_")):
                found |= {str(leaf.value) for leaf in ast.walk(node) if isinstance(leaf, ast.Constant) and _is_code(leaf.value)}
    return found


def _is_code(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z]+(_[a-z]+)*", value) is not None


def first_column(document: str) -> set[str]:
    """The names that a reference page documents: the first cell of each table row, between backquotes."""
    return set(re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs/reference" / document).read_text(encoding="utf-8"), re.MULTILINE))


def test_every_reason_code_is_documented_and_none_beside() -> None:
    assert reasons_in_code() - first_column("reasons.md") - first_column("records.md") == set()
    assert first_column("reasons.md") - reasons_in_code() == set()


def settings_rows() -> list[str]:
    """The table of docs/reference/settings.md, from the settings themselves."""
    return [
        f"| `{name}` | `{variable_of(name)}` | {'–' if field.default in (None, '') else f'`{field.default}`'} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]


def test_the_settings_page_says_what_the_settings_are() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in page if line.startswith("| `")] == settings_rows()


def metrics_in_code() -> set[str]:
    """The name of every Prometheus metric that `streams` makes, as `/metrics` shows it: counters end in `_total`."""
    found = set()
    for path in files("streams", suffixes={".py"}):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name("Counter"), args=[ast.Constant(str(name)), *_]):
                    found.add(f"{name}_total")
                case ast.Call(func=ast.Name("Gauge" | "Histogram" | "Summary"), args=[ast.Constant(str(name)), *_]):
                    found.add(name)
    return found


def test_every_metric_is_documented_and_none_beside() -> None:
    assert metrics_in_code() == first_column("metrics.md")
