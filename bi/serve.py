"""Superset itself, in the environment of `bi/requirements.lock`: bring its database to this release, then serve.

One process from beginning to end, since importing Superset takes longer than all else.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

from flask_migrate import upgrade
from gunicorn.app.base import BaseApplication
from superset.app import create_app

ADMIN = "admin"


class Served(BaseApplication):
    """An application served by one worker with some threads."""

    def __init__(self, app: Any, port: int):
        self.app, self.port = app, port
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn's command line would state."""
        self.cfg.set("bind", f"127.0.0.1:{self.port}")
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("threads", 8)
        self.cfg.set("timeout", 120)

    def load(self) -> Any:
        """The application."""
        return self.app


def main() -> None:
    """Migrate, make roles and the administrator, serve until the end."""
    kept = json.loads((Path(os.environ["SEO_WAREHOUSE_BI"]) / "kept.json").read_text(encoding="utf-8"))
    app = create_app()
    with app.app_context():
        # What they name is there only within an application.
        from superset.extensions import appbuilder, db, security_manager

        upgrade()
        # Its migrations silence every logger that was there before; an error would be said nowhere.
        for logger in logging.root.manager.loggerDict.values():
            if isinstance(logger, logging.Logger):
                logger.disabled = False
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        user = security_manager.find_user(ADMIN)
        if user is None:
            role = security_manager.find_role("Admin")
            security_manager.add_user(ADMIN, "The", "administrator", "admin@localhost", role, kept["admin"])
        db.session.commit()
        # The worker is a fork, and opens its own.
        db.engine.dispose()
    Served(app, kept["port"]).run()


if __name__ == "__main__":
    main()
