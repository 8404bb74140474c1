-- activity_stream 1.0: what SQL sees of the stream. Nothing of the collection needs this: events of all databases are
-- captured from the moment the library is preloaded.

\echo Use "CREATE EXTENSION activity_stream" to load this file. \quit

CREATE FUNCTION activity_stream.status_row()
RETURNS TABLE (
    state text, mode text, cluster_id text, stream_name text,
    kms_key_id text, worker_pid int, worker_starts bigint, epoch text,
    started_at_us bigint, sessions bigint, published_events bigint, acked_events bigint,
    dropped_events bigint, lost_events bigint, torn_events bigint, records bigint,
    record_bytes bigint, heartbeats bigint, retried_records bigint, requests_in_flight bigint,
    ring_size bigint, ring_used bigint, spooled_events bigint, drained_events bigint,
    spool_records bigint, spool_used bigint, lag_us bigint, last_ack_us bigint,
    contained_failures bigint, last_error text)
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'activity_stream_status_wrapper';

CREATE FUNCTION activity_stream.sync_row()
RETURNS TABLE (
    sync_waits bigint, sync_timeouts bigint, sync_wait_us bigint, sync_wait_max_us bigint, not_durable_since_us bigint,
    config_pending boolean)
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'activity_stream_sync_status_wrapper';

CREATE VIEW activity_stream.status AS
SELECT state, mode, config_pending, cluster_id, stream_name, kms_key_id, worker_pid, worker_starts, epoch,
       to_timestamp(started_at_us / 1000000.0) AS started_at,
       sessions, published_events, acked_events, dropped_events, lost_events, torn_events,
       records, record_bytes, heartbeats, retried_records, requests_in_flight,
       ring_size, ring_used, spooled_events, drained_events, spool_records, spool_used,
       lag_us * interval '1 microsecond' AS lag,
       to_timestamp(last_ack_us / 1000000.0) AS last_ack,
       sync_waits, sync_timeouts,
       sync_wait_us * interval '1 microsecond' AS sync_wait_time,
       sync_wait_max_us * interval '1 microsecond' AS sync_wait_max,
       to_timestamp(not_durable_since_us / 1000000.0) AS not_durable_since,
       contained_failures, last_error
FROM activity_stream.status_row(), activity_stream.sync_row();

COMMENT ON VIEW activity_stream.status IS 'one row: how the stream is, and what was captured, delivered and lost';

CREATE FUNCTION activity_stream.setting_rows()
RETURNS TABLE (name text, in_force text, configured text)
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'activity_stream_settings_wrapper';

CREATE VIEW activity_stream.settings AS
SELECT name, in_force, configured FROM activity_stream.setting_rows() ORDER BY name;

COMMENT ON VIEW activity_stream.settings IS 'every setting: what is in force, and what is configured';

CREATE FUNCTION activity_stream.loss_windows_json()
RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'activity_stream_loss_windows_wrapper';

CREATE VIEW activity_stream.loss_windows AS
SELECT id, epoch, reason,
       to_timestamp(began_us / 1000000.0) AS began_at, to_timestamp(ended_us / 1000000.0) AS ended_at,
       to_timestamp(first_us / 1000000.0) AS first_affected, to_timestamp(last_us / 1000000.0) AS last_affected,
       lost AS lost_events, first_sequence, last_sequence, told, detail
FROM jsonb_to_recordset(coalesce(activity_stream.loss_windows_json(), '[]')::jsonb) AS t(
    id text, epoch text, reason text, began_us bigint, ended_us bigint, first_us bigint, last_us bigint,
    lost bigint, first_sequence bigint, last_sequence bigint, told boolean, detail text);

COMMENT ON VIEW activity_stream.loss_windows IS 'when events were lost or might have been, the latest first; lost_events is null where it is not known';

CREATE FUNCTION activity_stream.flush_ms(timeout_ms bigint)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'activity_stream_flush_wrapper';

CREATE FUNCTION activity_stream.flush(timeout interval DEFAULT '10 seconds')
RETURNS boolean
LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED
AS $$ SELECT activity_stream.flush_ms((extract(epoch FROM timeout) * 1000)::bigint) $$;

COMMENT ON FUNCTION activity_stream.flush(interval) IS
    'waits until everything that this session published is durable; false where the timeout came first';

REVOKE ALL ON FUNCTION activity_stream.status_row() FROM PUBLIC;
REVOKE ALL ON FUNCTION activity_stream.sync_row() FROM PUBLIC;
REVOKE ALL ON FUNCTION activity_stream.setting_rows() FROM PUBLIC;
REVOKE ALL ON FUNCTION activity_stream.loss_windows_json() FROM PUBLIC;
REVOKE ALL ON FUNCTION activity_stream.flush_ms(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION activity_stream.flush(interval) FROM PUBLIC;
GRANT USAGE ON SCHEMA activity_stream TO pg_monitor;
GRANT EXECUTE ON FUNCTION activity_stream.status_row() TO pg_monitor;
GRANT EXECUTE ON FUNCTION activity_stream.sync_row() TO pg_monitor;
GRANT EXECUTE ON FUNCTION activity_stream.setting_rows() TO pg_monitor;
GRANT EXECUTE ON FUNCTION activity_stream.loss_windows_json() TO pg_monitor;
GRANT EXECUTE ON FUNCTION activity_stream.flush_ms(bigint) TO pg_monitor;
GRANT EXECUTE ON FUNCTION activity_stream.flush(interval) TO pg_monitor;
GRANT SELECT ON activity_stream.status, activity_stream.settings, activity_stream.loss_windows TO pg_monitor;
