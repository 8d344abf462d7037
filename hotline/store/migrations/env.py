"""Migrations: how Alembic reaches the database of the program that runs it."""

from alembic import context

from hotline.store.tables import Base

engine = context.config.attributes["engine"].execution_options(writing=True)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
