"""The free space of the stack's disk."""

import asyncio
import shutil
from pathlib import Path

from dualtrain.client.stack.terminal import Terminal

CHECK_SECONDS = 1.0
FULL_BYTES = 8 * 2**20
"""Below this a disk counts as full: a checkpoint or the copy of an append-only file may not fit any more."""
ROOM_BYTES = 2 * FULL_BYTES
"""From here on a disk that was full counts as having space again."""


class DiskWatch:
    """Tells the terminal when the disk of a folder is full, and when it has space again."""

    def __init__(self, folder: Path, terminal: Terminal) -> None:
        self._folder = folder
        self._terminal = terminal
        self._full = False

    async def run(self) -> None:
        """Check the disk until cancelled."""
        while True:
            self.is_full()
            await asyncio.sleep(CHECK_SECONDS)

    def is_full(self) -> bool:
        """Return whether the disk is full now; a change is printed on the terminal."""
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError:  # the folder is gone, which is another trouble
            return False
        full = free < (ROOM_BYTES if self._full else FULL_BYTES)
        if full and not self._full:
            self._terminal.warn(
                f"The disk of {self._folder} is full",
                f" ({free / 2**20:.1f} MiB free). Jobs wait, the rest keeps running; free some space and all go on.",
            )
        if self._full and not full:
            self._terminal.warn(f"The disk of {self._folder} has space again;", " what stopped starts by itself.")
        self._full = full
        return full
