-- Columns of the view say what those say that they are taken from.

DO $$
DECLARE
    taken record;
BEGIN
    FOR taken IN
        SELECT DISTINCT ON (a.attname) a.attname AS name, col_description(f.attrelid, f.attnum) AS comment
        FROM pg_attribute a
        JOIN pg_attribute f ON f.attname = a.attname AND f.attrelid IN ('trends'::regclass, 'videos'::regclass)
        WHERE a.attrelid = 'video_trends'::regclass AND a.attnum > 0
              AND col_description(a.attrelid, a.attnum) IS NULL AND col_description(f.attrelid, f.attnum) IS NOT NULL
        ORDER BY a.attname, f.attrelid
    LOOP
        EXECUTE format('COMMENT ON COLUMN video_trends.%I IS %L', taken.name, taken.comment);
    END LOOP;
END $$;
