"""`/docs`: the OpenAPI document in Swagger UI, from files of our own server: no network, no inline script."""

from fastapi import APIRouter, FastAPI, Response
from fastapi.staticfiles import StaticFiles

router = APIRouter(include_in_schema=False)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>dualtrain: HTTP</title>
<link rel="stylesheet" href="/docs/files/swagger-ui.css">
<script src="/docs/files/swagger-ui-bundle.js" defer></script>
<script src="/docs/start.js" defer></script>
</head>
<body><div id="swagger-ui"></div></body>
</html>
"""
START = "SwaggerUIBundle({url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, tryItOutEnabled: true})\n"
POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
"""Swagger UI sets styles of elements, which the policy of the other pages forbids."""


@router.get("/docs")
async def documentation() -> Response:
    """Show the page."""
    return Response(PAGE, media_type="text/html", headers={"Content-Security-Policy": POLICY})


@router.get("/docs/start.js")
async def start() -> Response:
    """Return the one line that starts it."""
    return Response(START, media_type="text/javascript")


def mount(app: FastAPI) -> None:
    """Serve Swagger UI's own files, which the package `fastapi-offline` carries."""
    app.mount("/docs/files", StaticFiles(packages=[("fastapi_offline", "static")]), name="docs")
