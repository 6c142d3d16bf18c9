"""`wameter bill --html --pdf`: the documents of the examples, and where documents go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.cli.main import main
from streams.invoices import files

EXAMPLES = Path(__file__).parents[2] / "examples" / "billing"

KEPT = {
    "s000-annual": ("boulangerie-000002", "en_US"),
    "s000-provisioned-add-on": ("boulangerie-000003", "en_US"),
    "s001-self-service": ("boulangerie-000004", "en_US"),
    "s002-annual": ("boulangerie-000002", "en_US"),
    "s002-monthly": ("boulangerie-000002", "en_US"),
    "s003-licences": ("boulangerie-000004", "fr_FR"),
    "s004-thirty-days": ("boulangerie-000002", "en_US"),
    "shared-whatsapp-account": ("boulangerie-000003", "en_US"),
}
"""The invoice of each example that lies beside it as a document, and in which locale."""


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def bill(folder: Path, *arguments: str) -> int:
    totals = folder / "totals.jsonl"
    return run("bill", str(folder / "commands.jsonl"), *(("--totals", str(totals)) if totals.exists() else ()), *arguments)


@pytest.mark.parametrize("example", sorted(each.name for each in EXAMPLES.iterdir()))
def test_the_documents_of_an_example_are_what_the_command_writes(example: str, tmp_path: Path) -> None:
    number, locale = KEPT[example]
    assert bill(EXAMPLES / example, "--html", str(tmp_path), "--pdf", str(tmp_path), "--locale", locale) == 0
    for kind in ("html", "pdf"):
        written = (tmp_path / f"{number}.{kind}").read_bytes()
        assert written == (EXAMPLES / example / f"invoice.{kind}").read_bytes(), "write it anew: python -m tests.invoices"


def test_a_document_stays_in_its_folder_whatever_the_account_is_called(tmp_path: Path) -> None:
    record = json.loads((EXAMPLES / "s004-thirty-days" / "commands.jsonl").read_text(encoding="utf-8").splitlines()[0])
    (tmp_path / "commands.jsonl").write_text(json.dumps(record | {"account_id": "../../å/b"}), encoding="utf-8")
    assert bill(tmp_path, "--html", str(tmp_path / "deep" / "new")) == 0
    assert [each.name for each in (tmp_path / "deep" / "new").iterdir()] == ["..%2F..%2F%C3%A5%2Fb-000001.html"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--locale", "fr"), "--locale and --font are for documents; add --html or --pdf"),
        (("--pdf", "here", "--locale", "xx"), "--locale xx: is no locale; write a language and a country, such as fr_FR"),
        (("--html", "{file}"), "name another place"),
    ],
)
def test_a_mistake_is_a_sentence(arguments: tuple[str, ...], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert bill(EXAMPLES / "s002-annual", *(each.format(file=tmp_path / "file") for each in arguments)) == 2
    assert sentence in capsys.readouterr().err


def test_without_the_extra_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(files, "find_spec", lambda name: None if name == "reportlab" else files)
    assert bill(EXAMPLES / "s002-annual", "--pdf", str(tmp_path)) == 2
    assert capsys.readouterr().err == "wameter bill: documents need reportlab, which is not installed; install wameter[invoices]\n"
