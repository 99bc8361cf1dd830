"""What the window asks of PostgreSQL, as two functions of the database: one reads and locks, one writes.

Each statement inside sees what was committed before it began, so what is read after the lock is as the lock holds it.
A plan is kept as long as the connection: made while a table was small it would read all of it for ever, so only ways
through an index are open to it.
"""

from __future__ import annotations

from typing import Any

READ = """
CREATE OR REPLACE FUNCTION membership_read(asked json) RETURNS json LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $read$
DECLARE
  members bigint[] := ARRAY(SELECT json_array_elements_text(asked->'members'));
  source_ids text[] := ARRAY(SELECT json_array_elements_text(asked->'ids'));
  kin bigint[]; family json; balances json;
BEGIN
  SELECT COALESCE(json_agg(json_build_array(id, root)), '[]'), array_agg(id) INTO family, kin FROM (
    WITH named AS (
      SELECT m.id, COALESCE(c.merged_into_id, c.id) AS root
      FROM membership_member m LEFT JOIN customers_customer c ON c.id = m.customer_id WHERE m.id = ANY(members)
    )
    SELECT id, root FROM named
    UNION ALL SELECT m.id, n.root FROM named n JOIN membership_member m ON m.customer_id = n.root
    UNION ALL SELECT m.id, n.root FROM named n JOIN customers_customer c ON c.merged_into_id = n.root
      JOIN membership_member m ON m.customer_id = c.id
  ) k;
  -- Rows are made before any is locked: two who first held what the other waits for would never end.
  INSERT INTO membership_balance (member_id, currency, in_hand, aside, active_on)
    SELECT w.member, w.currency, 0, 0, (asked->>'on')::date
    FROM (SELECT (w->>0)::bigint AS member, w->>1 AS currency FROM json_array_elements(asked->'wanted') w) w
    WHERE w.member = ANY(kin) AND NOT EXISTS (
      SELECT 1 FROM membership_balance b WHERE b.member_id = w.member AND b.currency = w.currency
    ) ORDER BY 1, 2
    ON CONFLICT DO NOTHING;
  SELECT COALESCE(json_agg(json_build_array(member_id, currency, in_hand, aside, active_on, id)), '[]') INTO balances FROM (
    SELECT * FROM membership_balance WHERE member_id = ANY(kin) ORDER BY id FOR UPDATE
  ) b;
  RETURN json_build_array(
    family, balances,
    (SELECT COALESCE(json_agg(json_build_array(
      id, member_id, currency, "on", amount, in_hand, aside, ends, ripe_on, idle, ended
    )), '[]') FROM membership_lot WHERE (in_hand > 0 OR aside > 0) AND member_id = ANY(kin)),
    (SELECT COALESCE(json_agg(json_build_array(source, source_id, kind, id, member_id, short)), '[]')
      FROM membership_posting WHERE source_id = ANY(source_ids)),
    (SELECT COALESCE(json_agg(nextval('membership_posting_id_seq')), '[]') FROM generate_series(1, (asked->>'postings')::integer)),
    (SELECT COALESCE(json_agg(nextval('membership_lot_id_seq')), '[]') FROM generate_series(1, (asked->>'lots')::integer))
  );
END $read$
"""

WRITE = """
CREATE OR REPLACE FUNCTION membership_write(
  postings json, lots json, entries json, lot_changes json, balances json
) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $write$
BEGIN
  INSERT INTO membership_posting (
    id, source, source_id, kind, member_id, "on", at, of_id, rule, receipt, short, detail, store_id, by_id
  ) SELECT id, source, source_id, kind, member_id, "on", at, of_id, rule, receipt, short, detail, store_id, by_id
    FROM json_populate_recordset(NULL::membership_posting, postings);
  INSERT INTO membership_lot (
    id, member_id, currency, posting_id, "on", amount, in_hand, aside, ends, ripe_on, idle, ended
  ) SELECT id, member_id, currency, posting_id, "on", amount, in_hand, aside, ends, ripe_on, idle, ended
    FROM json_populate_recordset(NULL::membership_lot, lots);
  INSERT INTO membership_entry (posting_id, account, member_id, currency, lot_id, amount)
    SELECT posting_id, account, member_id, currency, lot_id, amount
    FROM json_populate_recordset(NULL::membership_entry, entries);
  UPDATE membership_lot l SET in_hand = g.in_hand, aside = g.aside, ripe_on = g.ripe_on, ended = g.ended
    FROM json_populate_recordset(NULL::membership_lot, lot_changes) g WHERE l.id = g.id;
  UPDATE membership_balance b SET in_hand = g.in_hand, aside = g.aside, active_on = g.active_on
    FROM json_populate_recordset(NULL::membership_balance, balances) g WHERE b.id = g.id;
END $write$
"""


def make(apps: Any, schema_editor: Any) -> None:
    """For a migration; a later one that changes a function calls it again."""
    if schema_editor.connection.vendor == "postgresql":
        for function in (READ, WRITE):
            schema_editor.execute(function, params=None)


def drop(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION membership_read", params=None)
        schema_editor.execute("DROP FUNCTION membership_write", params=None)
