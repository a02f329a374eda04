"""Remarks about Redis servers that the user named: faults of theirs, and other stacks that are at work on them."""

import os
import subprocess

from dualtrain.client.stack.terminal import Terminal
from dualtrain.core.runtime.supervisor import python_command
from dualtrain.core.settings import Settings

CHECK_SECONDS = 30
OTHERS = "ok   aggregators:"
SHARING = "data sets that were uploaded to one data folder are not found in the other"


def describe_servers(settings: Settings, terminal: Terminal) -> None:
    """Print what `dualtrain doctor` finds wrong with the servers, and whether this stack joins another one."""
    environment = {**os.environ, **settings.environment()}
    command = python_command("dualtrain.core.runtime.doctor", "--servers")
    try:
        doctor = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=CHECK_SECONDS)
    except subprocess.TimeoutExpired:  # the stack says later what it waits for
        return
    for line in doctor.stdout.splitlines():
        if line.startswith(OTHERS):
            terminal.warn("this stack joins another one:", f" {line.removeprefix('ok   ')}; {SHARING}")
        elif not line.startswith("ok"):
            terminal.warn(line)
