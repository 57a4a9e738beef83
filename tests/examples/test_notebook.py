"""The notebook runs in a real kernel, from its first cell to its last."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.examples.conftest import EXAMPLES

CELL_SECONDS = 300


@pytest.mark.long
@pytest.mark.filterwarnings("default")  # the client of Jupyter has sockets of its own
def test_the_notebook_runs_and_shows_tables(tmp_path: Path) -> None:
    notebook = executed(tmp_path)

    html = [output["data"]["text/html"] for output in outputs(notebook) if "text/html" in output.get("data", {})]
    shown = "".join(html)
    for text in ("nothing is sent yet", "PartlyFailed: 1 customer refused", "batchUuid", "superseded", "would be sent"):
        assert text in shown
    assert "floating point numbers" in str(outputs(notebook)[-1])
    assert not [output for output in outputs(notebook) if output["output_type"] == "error"]
    assert not [output for output in outputs(notebook) if output.get("name") == "stderr"]


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = nbformat.read(EXAMPLES / "customers.ipynb", as_version=4)

    assert outputs(notebook) == []


def executed(folder: Path) -> Any:
    notebook = nbformat.read(EXAMPLES / "customers.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(folder)}})
    client.execute()  # the kernel is this Python: ipykernel is installed in it
    return notebook


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
