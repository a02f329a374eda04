"""The page: an index at `/` and its files under `/static`, which ask for no key."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parents[1] / "web"
FRESH = {"Cache-Control": "no-cache"}
"""A browser asks each time and gets a 304: after an upgrade, no old module meets a new one."""


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers.update(FRESH)
        return answer


def include(app: FastAPI) -> None:
    """Add the page to the application."""
    app.mount("/static", _Files(directory=FOLDER), name="static")

    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return FileResponse(FOLDER / "index.html", headers=FRESH)
