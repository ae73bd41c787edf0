"""A database for each server, on a real PostgreSQL server."""

import asyncio
from urllib.parse import urlsplit

import asyncpg
import pytest
from postgres import postgres

from tasks.databases import create_databases

DRIVERS = {"prefect": "asyncpg", "mlflow": "psycopg2"}


@pytest.mark.e2e
def test_databases_are_made_once_and_reached_by_what_is_told() -> None:
    with postgres() as url:
        made = asyncio.run(create_databases(url, drivers=DRIVERS))
        assert asyncio.run(create_databases(url, drivers=DRIVERS)) == made
        assert [urlsplit(address).scheme for address in made.values()] == ["postgresql+asyncpg", "postgresql+psycopg2"]

        async def name(address: str) -> str:
            connection = await asyncpg.connect(address.replace("+asyncpg", "").replace("+psycopg2", ""))
            try:
                return str(await connection.fetchval("select current_database()"))
            finally:
                await connection.close()

        assert [asyncio.run(name(address)) for address in made.values()] == ["postgres_prefect", "postgres_mlflow"]


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1:9/name, cannot be used") as refused:
        asyncio.run(create_databases("postgresql://sar:secret@127.0.0.1:9/name", drivers=DRIVERS))
    assert "secret" not in str(refused.value)
