-- Videos of which it is known where they are heading.
SELECT count(*) AS videos FROM trends
