"""Writes the documents that lie beside the examples: `python -m tests.invoices`. Look at them before they are committed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.invoices.test_command import EXAMPLES, KEPT, bill

for example, (number, locale) in KEPT.items():
    with tempfile.TemporaryDirectory() as folder:
        bill(EXAMPLES / example, "--html", folder, "--pdf", folder, "--locale", locale)
        for kind in ("html", "pdf"):
            shutil.copy(Path(folder) / f"{number}.{kind}", EXAMPLES / example / f"invoice.{kind}")
