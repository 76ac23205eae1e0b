-- Records, or items of them, that were no snapshots.
SELECT count(*) AS "dead letters" FROM dead_letters WHERE {{time}} AND {{topic}}
