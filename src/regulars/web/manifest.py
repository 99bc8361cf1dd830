"""What a phone needs to keep the shop on its home screen."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse

from regulars.web.jinja import static
from regulars.web.may import open_to_all


@open_to_all
def manifest(request: HttpRequest) -> HttpResponse:
    business = request.business  # type: ignore[attr-defined]
    return JsonResponse(
        {
            "name": business.name if business else "熟客", "short_name": "熟客", "lang": "zh-CN", "start_url": "/", "scope": "/",
            "display": "standalone", "background_color": "#faf6ef", "theme_color": "#faf6ef",
            "icons": [{"src": static("favicon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
        },
        content_type="application/manifest+json",
    )  # fmt: skip
