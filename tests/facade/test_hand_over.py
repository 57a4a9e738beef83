"""A frame that is handed over to a deployment: where it lies, who may read it, and how long it stays."""

import os
from pathlib import Path

import pytest
import s3fs

import armrest
from armrest.app.environment import environment_settings
from armrest.app.hand_over import remove_old_handed_over
from armrest.app.open_run import open_update
from armrest.app.source_options import SourceOptions, places_of
from armrest.app.workspace import Workspace, open_workspace
from armrest.intake import InputRefused
from tests.facade.conftest import CLIENT_NO, customers

DAY_SECONDS = 86_400


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:  # type: ignore[misc]
    """What a deployment of the same home has open."""
    with open_workspace(lambda _: environment_settings(home=tmp_path / "home")) as opened:
        yield opened


def plan_of(workspace: Workspace, source: str, *, is_confined: bool = True) -> object:
    """What a flow run opens; that of a deployment is confined to the places of the settings."""
    return open_update(
        workspace,
        reading=SourceOptions(source=source),
        client_no=CLIENT_NO,
        user_id=None,
        mode="update",
        batch_size=None,
        dry_run=False,
        places=places_of(workspace.settings) if is_confined else None,
    )


def test_only_its_owner_may_read_it(connection: armrest.Connection, tmp_path: Path) -> None:
    source = Path(connection.hand_over(customers(3), name="crm"))

    assert source.parent.parent == tmp_path / "home" / "handed-over"
    assert source.name == "crm"
    assert source.stat().st_mode & 0o777 == 0o600
    assert source.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in source.parent.iterdir()] == ["crm"]


def test_a_deployment_may_read_it_and_nothing_else_of_the_home(
    connection: armrest.Connection, workspace: Workspace, tmp_path: Path
) -> None:
    source = connection.hand_over(customers(3))

    assert SourceOptions(source=source).open(workspace.settings, places=places_of(workspace.settings)).columns
    for elsewhere in ("ledger.db", "handed-over/../ledger.db"):
        with pytest.raises(InputRefused, match="a deployment reads only files in the inbox"):
            places_of(workspace.settings).located(str(tmp_path / "home" / elsewhere))


def test_a_refusal_does_not_name_the_place(workspace: Workspace) -> None:
    with pytest.raises(InputRefused) as refused:
        places_of(workspace.settings).located("/etc/passwd")

    assert "handed-over" not in refused.value.message


def test_a_frame_with_a_pitfall_leaves_nothing_behind(connection: armrest.Connection, tmp_path: Path) -> None:
    with pytest.raises(armrest.InputRefused, match="floating point"):
        connection.hand_over(customers(2, phoneNo=1.5))

    assert list((tmp_path / "home" / "handed-over").iterdir()) == []


@pytest.mark.parametrize("name", ["", "../crm", ".crm", "a\nb", "x" * 61])
def test_a_name_that_is_no_file_name_is_refused(name: str, connection: armrest.Connection) -> None:
    with pytest.raises(armrest.InputRefused, match="is not the name of a frame"):
        connection.hand_over(customers(1), name=name)


def aged(source: str, seconds: float) -> None:
    changed = Path(source).stat().st_mtime - seconds
    os.utime(source, (changed, changed))


def test_it_stays_while_a_run_that_is_not_planned_needs_it(
    connection: armrest.Connection, workspace: Workspace
) -> None:
    needed, unused, new = (connection.hand_over(customers(1)) for _ in range(3))
    plan_of(workspace, needed)
    for source in (needed, unused):
        aged(source, 31 * DAY_SECONDS)

    assert remove_old_handed_over(workspace, older_than_seconds=30 * DAY_SECONDS) == 1
    assert [Path(source).exists() for source in (needed, unused, new)] == [True, False, True]
    assert not Path(unused).parent.exists()
    assert remove_old_handed_over(workspace, older_than_seconds=30 * DAY_SECONDS, force=True) == 1
    assert not Path(needed).exists()


def test_a_source_whose_package_is_not_installed_is_no_obstacle(
    connection: armrest.Connection, workspace: Workspace
) -> None:
    source = connection.hand_over(customers(1))
    aged(source, 31 * DAY_SECONDS)
    plan_of(workspace, "abfs://container/customers.csv", is_confined=False)

    assert remove_old_handed_over(workspace, older_than_seconds=30 * DAY_SECONDS) == 1


def test_nothing_was_ever_handed_over(workspace: Workspace) -> None:
    assert remove_old_handed_over(workspace, older_than_seconds=0) == 0


def test_with_several_machines_it_lies_in_the_object_store(
    connection: armrest.Connection, s3: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ARMREST_STORE_URL", "s3://armrest/bodies")
    s3fs.S3FileSystem().mkdir("armrest")

    source = connection.hand_over(customers(3), name="crm")
    with open_workspace(lambda _: environment_settings(home=tmp_path / "other-machine")) as workspace:
        reading = SourceOptions(source=source).open(workspace.settings, places=places_of(workspace.settings))

        assert source.startswith("s3://armrest/bodies/handed-over/")
        assert sum(block.rows for block in reading.blocks()) == 3
        assert remove_old_handed_over(workspace, older_than_seconds=0) == 1
