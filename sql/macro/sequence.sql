-- The rank of a message in time: when it was seen, then the order in which it was stored. To change it,
-- put an expression whose first element is a TIMESTAMPTZ into HOME/macro/sequence.sql.
-- arguments: received_at, event_at, loaded_at, message_id
row(coalesce(received_at, event_at, loaded_at), message_id)
