-- The calendar date of an instant in UTC, in any session time zone.
-- arguments: instant
cast(instant at time zone 'UTC' as date)
