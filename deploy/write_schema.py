"""`make schema`: the API's description as files, for generators of types and clients."""

import json
import os
from pathlib import Path

import django

from deploy.local.paths import ROOT

FOLDER = ROOT / "var" / "schema"


def main() -> None:
    """Write openapi.json and events.json to var/schema; needs no server."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eugpt.settings")
    django.setup()
    from eugpt.docs import events_json, openapi_json

    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in (("openapi", openapi_json()), ("events", events_json())):
        path = FOLDER / f"{name}.json"
        path.write_text(json.dumps(json.loads(content), indent=2) + "\n")
        print(Path(path).relative_to(ROOT))


if __name__ == "__main__":
    main()
