-- The calendar day of an instant in UTC, whatever the zone of the session.
-- arguments: instant
cast(instant at time zone 'UTC' as date)
