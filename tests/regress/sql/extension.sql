-- The extension is what SQL sees of the stream: a view and a function.
CREATE EXTENSION activity_stream;
SELECT extname, extversion, extnamespace::regnamespace, extrelocatable FROM pg_extension WHERE extname = 'activity_stream';

SELECT attname, format_type(atttypid, atttypmod)
FROM pg_attribute WHERE attrelid = 'activity_stream.status'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname, format_type(atttypid, atttypmod)
FROM pg_attribute WHERE attrelid = 'activity_stream.loss_windows'::regclass AND attnum > 0 ORDER BY attnum;

SELECT p.proname, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) LIKE 'TABLE%' AS returns_rows
FROM pg_proc p WHERE p.pronamespace = 'activity_stream'::regnamespace ORDER BY 1;

SELECT mode, kms_key_id, stream_name = 'aws-rds-das-' || cluster_id AS stream_name,
       epoch ~ '^[0-9a-f]{16}$' AS epoch, started_at <= now() AS started, sessions > 0 AS sessions,
       published_events > 0 AS published, acked_events, lost_events, torn_events, dropped_events,
       records, ring_size, ring_used > 0 AS ring_used, contained_failures
FROM activity_stream.status;

-- Nothing was lost, as far as is known.
SELECT * FROM activity_stream.loss_windows;

-- The stream is out of reach: nothing of this session can become durable.
SELECT activity_stream.flush('10 milliseconds');
SELECT activity_stream.flush('-1 second');
SELECT activity_stream.flush(NULL) IS NULL AS no_timeout;

-- Members of pg_monitor may look, others may not.
CREATE ROLE regress_activity_monitor;
CREATE ROLE regress_activity_nobody;
GRANT pg_monitor TO regress_activity_monitor;
SET ROLE regress_activity_monitor;
SELECT count(*) FROM activity_stream.status;
SELECT count(*) FROM activity_stream.loss_windows;
SELECT activity_stream.flush('10 milliseconds');
SET ROLE regress_activity_nobody;
SELECT count(*) FROM activity_stream.loss_windows;
SELECT count(*) FROM activity_stream.status;
SELECT * FROM activity_stream.status_row();
SELECT activity_stream.flush();
RESET ROLE;
GRANT USAGE ON SCHEMA activity_stream TO regress_activity_nobody;
SET ROLE regress_activity_nobody;
SELECT count(*) FROM activity_stream.status;
SELECT mode FROM activity_stream.status_row();
SELECT count(*) FROM activity_stream.loss_windows;
SELECT activity_stream.loss_windows_json();
SELECT activity_stream.flush();
SELECT activity_stream.flush_ms(1);
RESET ROLE;
REVOKE USAGE ON SCHEMA activity_stream FROM regress_activity_nobody;
DROP ROLE regress_activity_monitor, regress_activity_nobody;

-- It is not relocatable, and leaves nothing but the schema when it goes.
CREATE SCHEMA elsewhere;
CREATE EXTENSION activity_stream;
ALTER EXTENSION activity_stream SET SCHEMA elsewhere;
DROP EXTENSION activity_stream;
SELECT count(*) AS left_over FROM (
    SELECT oid FROM pg_class WHERE relnamespace = 'activity_stream'::regnamespace
    UNION ALL SELECT oid FROM pg_proc WHERE pronamespace = 'activity_stream'::regnamespace) AS objects;
DROP SCHEMA activity_stream;
CREATE EXTENSION activity_stream SCHEMA elsewhere;
DROP SCHEMA elsewhere;

-- Activity is captured without it.
SHOW activity_stream.mode;
