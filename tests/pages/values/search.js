// What a search finds, word by word in lower case.

import { agree } from "../agree.js";
import { count, trend } from "../figures.js";
import { table, text, video } from "../read.js";

const FOUND = `
  SELECT v.video_id, v.title, v.channel_id, v.channel_title, t.views_gained_24h, t.label
  FROM videos v LEFT JOIN trends t USING (video_id)
  WHERE :'q' IN (v.video_id, v.channel_id)
        OR (SELECT bool_and(strpos(lower(concat_ws(' ', v.title, v.channel_title)), lower(word)) > 0)
            FROM regexp_split_to_table(:'q', '\\s+') AS word WHERE word <> '')
  ORDER BY t.views_gained_24h DESC NULLS LAST, v.video_id COLLATE "C"`;

const MOST = 50;

const stored = async (sql, q) => {
  const found = await sql.rows(FOUND, { q });
  const some = found.length > MOST ? `; the ${MOST} that gained most` : "";
  const none = "No video has all of these words in its title or its channel's name, and none has this id.";
  return {
    said: found.length > 0 ? `${count(found.length)} video${found.length === 1 ? "" : "s"}${some}` : none,
    table: found.slice(0, MOST).map((row) => [video(row), count(row.views_gained_24h), trend(row.label), row.video_id]),
  };
};

// All that the page says of what was found for `q`.
export const searchAgrees = (page, sql, q) =>
  agree(
    `the search for ${q}`,
    async () => ({ said: await text(page, "h1 ~ p"), table: await table(page, "videos") }),
    () => stored(sql, q),
  );
