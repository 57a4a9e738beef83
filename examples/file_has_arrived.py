"""A flow of your own for a new file: check it, plan it, and send it only if it looks like the files of other days.

Start it from whatever notices the file: an automation, a file watcher, a webhook.

    ARMREST_API_URL=…  ARMREST_TOKEN=…  PREFECT_API_URL=…  python file_has_arrived.py customers.csv 2218
"""

import json
import sys
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact

import armrest

MOST_FINDINGS = 100


@flow
def file_has_arrived(file: str, client_no: int) -> str:
    """Send a file and move it into the folder `done`. An artifact lists what is wrong with its rows."""
    log = get_run_logger()
    checked = armrest.check(file)
    log.info("%s", checked.message)
    if len(checked.findings):  # row, customer number, field and rule: no values
        rows = json.loads(checked.findings.head(MOST_FINDINGS).to_json(orient="records"))
        create_table_artifact(rows, key="file-findings", description=checked.message)

    plan = armrest.plan(file, client_no=client_no, changes_only=True, max_changed="20%", min_rows="50%")
    log.info("%d new, %d changed, %d unchanged", plan.figures.new, plan.figures.changed, plan.figures.unchanged)
    run = plan.apply(deadline="1h").raise_for_state()

    done = Path(file).with_name("done")
    done.mkdir(mode=0o700, exist_ok=True)
    Path(file).replace(done / Path(file).name)
    return run.run_id


if __name__ == "__main__":
    print(file_has_arrived(sys.argv[1], int(sys.argv[2])))
