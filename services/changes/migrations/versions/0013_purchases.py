"""Open purchase orders and what came in: suppliers are part of an impact (C3)."""

from alembic import op

revision = "changes_0013"
down_revision = "changes_0012"
branch_labels = None


def upgrade() -> None:
    for statement in _DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)


_DDL = """
create table purchase_orders (
    number text primary key, supplier text not null, supplier_name text not null, status text not null,
    version int not null
);
create table purchase_lines (
    number text not null, line int not null, item text not null, name text not null, quantity numeric not null,
    promised_at timestamptz, primary key (number, line)
);
create index purchase_lines_by_item on purchase_lines (item);
create table purchase_receipts (
    receipt text not null, number text not null, line int not null, quantity numeric not null,
    primary key (number, line, receipt)
)
"""
