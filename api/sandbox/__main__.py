"""A child process: `python -P -m dualtrain.api.sandbox`, with a socket to the API as its standard input."""

import os
import socket
import traceback
from typing import Any

from dualtrain.api.sandbox.errors import Abandoned, OverLimit, describe
from dualtrain.api.sandbox.limits import Limits, address_space, begin, confine, peak_bytes
from dualtrain.api.sandbox.messages import BrokenMessage, Message, receive, send
from dualtrain.api.sandbox.operations import OPERATIONS
from dualtrain.api.sandbox.request import Request
from dualtrain.core.runtime.process import die_with_parent, prepare_to_compute

TIRED_BYTES = 256 << 20
"""A child whose memory grew by more than this ends after its reply: the memory would not be given back."""


def main() -> None:
    """Serve requests one at a time until the channel is closed."""
    die_with_parent()
    confine()
    prepare_to_compute()
    channel = socket.socket(fileno=os.dup(0))
    imported, first_peak = address_space(), peak_bytes()
    send(channel, Message({"ready": True}))
    try:
        while True:
            message = receive(channel)
            reply = _reply(channel, message, imported)
            tired = reply.document.get("tired") or peak_bytes() - first_peak > TIRED_BYTES
            send(channel, Message({**reply.document, "tired": tired}, reply.block))
    except (BrokenMessage, BrokenPipeError, ConnectionResetError):
        pass


def _reply(channel: socket.socket, message: Message, imported: int) -> Message:
    document = message.document
    begin(Limits(**document["limits"]), imported)
    request = Request(document["arguments"], message.files, lambda question: _ask(channel, question))
    try:
        values, block = OPERATIONS[document["operation"]](request)
        return Message({"result": values}, block)
    except MemoryError:
        return Message({**describe(OverLimit("it takes more memory than is allowed")), "tired": True})
    except Exception as error:
        return Message(_described(error))
    finally:
        for file in message.files:
            os.close(file)


def _ask(channel: socket.socket, question: dict[str, Any]) -> Message:
    send(channel, Message({"question": question}))
    answer = receive(channel)
    if answer.document.get("abandoned"):
        raise Abandoned
    return answer


def _described(error: Exception) -> dict[str, Any]:
    try:
        return describe(error)
    except Exception:
        return {"error": type(error).__name__, "detail": traceback.format_exc(limit=-8)}


if __name__ == "__main__":
    main()
