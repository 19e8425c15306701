-- The place of a message in time: when it was seen, then the order in which it was stored. A site that
-- knows better puts an expression with a first element of TIMESTAMPTZ into HOME/macro/sequence.sql.
-- arguments: received_at, event_at, loaded_at, message_id
row(coalesce(received_at, event_at, loaded_at), message_id)
