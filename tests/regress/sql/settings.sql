-- Every setting, when it may change, and what it is when nobody says anything.
SELECT name, context, vartype, unit, boot_val, min_val, max_val, enumvals
FROM pg_settings WHERE name LIKE 'activity\_stream.%' ORDER BY name COLLATE "C";

-- What the configuration file says is in force.
SHOW activity_stream.mode;
SHOW activity_stream.kms_key_id;
SHOW activity_stream.endpoint_url;
SHOW activity_stream.shutdown_timeout;
SHOW activity_stream.ring_size;
SHOW activity_stream.batch_linger;

-- What was left empty is derived.
SELECT current_setting('activity_stream.cluster_id') ~ '^cluster-[A-Z2-7]{26}$' AS cluster_id,
       current_setting('activity_stream.instance_id') ~ '^db-[A-Z2-7]{26}$' AS instance_id,
       current_setting('activity_stream.stream_name')
           = 'aws-rds-das-' || current_setting('activity_stream.cluster_id') AS stream_name;

-- No session may change any of them.
SET activity_stream.mode = off;
SET LOCAL activity_stream.mode = off;
SET activity_stream.ring_size = '1GB';
SELECT set_config('activity_stream.mode', 'off', false);
RESET activity_stream.mode;
DO $$
DECLARE
    setting record;
    refused int := 0;
    accepted int := 0;
BEGIN
    FOR setting IN SELECT s.name, s.setting FROM pg_settings s WHERE s.name LIKE 'activity\_stream.%' LOOP
        BEGIN
            PERFORM set_config(setting.name, setting.setting, false);
            accepted := accepted + 1;
        EXCEPTION WHEN cant_change_runtime_param THEN
            refused := refused + 1;
        END;
    END LOOP;
    RAISE NOTICE 'accepted: %, some refused: %', accepted, refused > 0;
END $$;

-- Nor a role or a database carry them.
ALTER ROLE CURRENT_USER SET activity_stream.mode = off;
ALTER DATABASE regression SET activity_stream.kms_key_id = 'alias/other';

-- Unknown names under our prefix are refused.
SET activity_stream.no_such_setting = 1;

-- Nor does ALTER SYSTEM change them, nor the libraries that the server loads.
ALTER SYSTEM SET activity_stream.mode = off;
ALTER SYSTEM RESET activity_stream.cluster_id;
ALTER SYSTEM SET activity_stream.no_such_setting = 1;
ALTER SYSTEM SET shared_preload_libraries = '';

-- Loading it again changes nothing.
LOAD 'activity_stream';
