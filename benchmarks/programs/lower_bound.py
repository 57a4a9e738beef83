"""The lower bound: prepared bodies, a bare httpx loop, one poll of each batch. It keeps no record."""

import asyncio
import sys
from pathlib import Path

import httpx

AT_ONCE = 8


async def main(files: list[Path], api_url: str, client_no: str) -> None:
    """Send these files."""
    batches = f"{api_url}/clients/{client_no}/batches"
    waiting = iter(files)
    async with httpx.AsyncClient(headers={"Authorization": "Bearer token", "Content-Type": "application/json"}) as arm:

        async def send() -> None:
            for path in waiting:
                answer = await arm.put(f"{api_url}/clients/{client_no}/customers/batches", content=path.read_bytes())
                asked = await arm.get(f"{batches}/{answer.raise_for_status().json()['batchUuid']}")
                asked.raise_for_status()

        await asyncio.gather(*(send() for _ in range(AT_ONCE)))


if __name__ == "__main__":
    folder, *where = sys.argv[1:]
    asyncio.run(main(sorted(Path(folder).iterdir()), *where))
