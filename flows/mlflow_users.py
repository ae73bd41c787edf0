"""Who may use the MLflow server: its administrator has the name and password of the environment that starts it."""

import os
from pathlib import Path


def settings_file(folder: Path) -> Path:
    return folder / "users.ini"


def prepare(folder: Path) -> Path:
    """Settings of MLflow's own authentication, which only the owner may read; gives their file.

    An administrator who is known already gets the password, so that it is changed by a new start. Raises `ValueError`
    when MLflow refuses the name or the password.
    """
    name, password = os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]
    database = folder / "users.db"
    if database.is_file():
        _change(f"sqlite:///{database}", name=name, password=password)
    place = settings_file(folder)
    place.touch(mode=0o600)
    place.write_text(
        "[mlflow]\n"
        "default_permission = NO_PERMISSIONS\n"
        f"database_uri = sqlite:///{database}\n"
        f"admin_username = {name}\n"
        f"admin_password = {password.replace('%', '%%')}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n",
        encoding="utf-8",
    )
    return place


def _change(database: str, *, name: str, password: str) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore()
    store.init_db(database)
    try:
        if store.has_user(name):
            store.update_user(name, password=password, is_admin=True)
        else:
            store.create_user(name, password, is_admin=True)
    except MlflowException as error:
        raise ValueError(f"MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD: {error.message}") from None
    finally:
        store.engine.dispose()
