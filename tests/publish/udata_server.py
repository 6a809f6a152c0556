"""The software of data.gouv.fr itself (udata) on 127.0.0.1, with a database in memory: run by the tests of publishing.

It runs in an environment of its own (udata.txt). It prints one JSON line, {"base": "http://127.0.0.1:PORT/api/1/",
"key": "udata_…", "organization": "…"}, and serves until it is ended. Nothing is kept but files, in the folder that is
named. mongomock is not MongoDB: what it cannot do answers 500; what publishing asks for was tried. POST /tests/reset is
the one thing that is not udata's.
POST /tests/reset is the one thing that is not udata's.

usage: python udata_server.py PORT FOLDER
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from typing import ClassVar

import mongoengine.connection
import mongomock
import pymongo

warnings.filterwarnings("ignore")
mongoengine.connection.MongoClient = pymongo.MongoClient = mongomock.MongoClient

from udata import settings  # noqa: E402 - after the database is replaced
from udata.app import create_app, standalone  # noqa: E402


class Settings(settings.Testing, settings.Defaults):  # type: ignore[misc] # udata has no types
    """As production has it, but for the database, the mail and the tasks in the background."""

    MONGODB_HOST = "mongodb://localhost:27017/udata_test"
    CACHE_TYPE = "NullCache"
    CELERY_TASK_ALWAYS_EAGER = True
    CELERY_TASK_EAGER_PROPAGATES = False
    SERVER_NAME = None
    SECRET_KEY = "test"  # noqa: S105 - of this server, for as long as it runs
    API_TOKEN_SECRET = "test"  # noqa: S105 - the same
    PLUGINS: ClassVar[list[str]] = []
    SEND_MAIL = False
    ALLOWED_RESOURCES_EXTENSIONS: ClassVar[list[str]] = [*settings.Defaults.ALLOWED_RESOURCES_EXTENSIONS, "parquet"]


def main() -> None:
    """Make a user with a key and an organisation, and serve."""
    port = int(sys.argv[1])
    Settings.FS_ROOT = sys.argv[2]
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = standalone(create_app(Settings, init_logging=lambda _: None))
    with app.app_context():
        from udata.core.api_token.models import ApiToken  # noqa: PLC0415 - the models need the application
        from udata.core.dataset.models import License  # noqa: PLC0415
        from udata.core.organization.models import Member, Organization  # noqa: PLC0415
        from udata.core.user.models import User  # noqa: PLC0415

        user = User(first_name="Test", last_name="Test", email="test@example.org", active=True, password="test").save()  # noqa: S106
        for ident, title in (("lov2", "Licence Ouverte 2.0"), ("odc-odbl", "ODbL 1.0")):
            License(id=ident, title=title).save()
        organization = Organization(name="Test", description="Test", members=[Member(user=user, role="admin")]).save()
        key = ApiToken.generate(user, name="test")[1]

    @app.route("/tests/reset", methods=["POST"])  # type: ignore[untyped-decorator]
    def reset() -> str:
        """Forget all but the user, the key and the licences: mongomock looks at everything each time."""
        database = mongoengine.connection.get_db()
        for name in set(database.list_collection_names()) - {"user", "api_token", "license"}:
            database[name].delete_many({})
        return ""

    facts = {"base": f"http://127.0.0.1:{port}/api/1/", "key": key, "organization": str(organization.id)}
    print(json.dumps(facts), flush=True)  # noqa: T201 - how the tests get them
    app.run("127.0.0.1", port, threaded=False, debug=False)


if __name__ == "__main__":
    main()
