"""Grants: what the public process may do in PostgreSQL: write new rows, read back almost nothing.

With this role a compromised intake process can neither read, change nor delete what is stored:
no SELECT, UPDATE or DELETE on tips, wraps and observations (DESIGN §10).
"""

from __future__ import annotations

from hotline.store.tables import Base

VERSION_TABLE = "alembic_version"  # Alembic's own
WRITTEN = (
    "tips",
    "deadlines",
    "bodies",
    "wraps",
    "observations",
    "packages",
    "outbox",
    "audit",
    "seen",
)
READ_BACK = ("receipts", "replies", "marks")
# Which key directory this database belongs to, and which schema it has: checked at start.
READ = ("meta", VERSION_TABLE)


def intake_grants(role: str) -> list[str]:
    """SQL statements for a role that exists and owns nothing. Safe to repeat."""
    name = '"' + role.replace('"', '""') + '"'
    every = ", ".join((*sorted(Base.metadata.tables), VERSION_TABLE))
    return [
        f"REVOKE ALL ON {every} FROM {name}",
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"GRANT INSERT ON {', '.join(WRITTEN)} TO {name}",
        f"GRANT SELECT, INSERT ON {', '.join(READ_BACK)} TO {name}",
        f"GRANT SELECT ON {', '.join(READ)} TO {name}",
    ]
