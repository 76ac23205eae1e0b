// What stands in the tables, asked through psql by statements that share nothing with those of the pages.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

// psql's settings of a URL, so that its password is in no list of processes. Without a URL those of the environment stand.
const settings = (url) => {
  if (!url) return {};
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const given = {
    PGHOST: searchParams.get("host") ?? decodeURIComponent(hostname),
    PGPORT: port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value));
};

// In HTML lines end in one way.
const asInHtml = (_, value) => (typeof value === "string" ? value.replace(/\r\n?/g, "\n") : value);

export class Sql {
  constructor(url) {
    this.env = { ...process.env, ...settings(url), PGOPTIONS: "-c timezone=UTC -c default_transaction_read_only=on" };
  }

  // Rows of `statement` as objects; `:'name'` in it is the value of that name in `values`, quoted.
  async rows(statement, values = {}) {
    const sets = Object.entries(values).flatMap(([name, value]) => ["-v", `${name}=${value}`]);
    const args = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", ...sets, "-f", "-"];
    const asked = run("psql", args, { env: this.env, maxBuffer: 1 << 28 });
    asked.child.stdin.end(`SELECT coalesce(json_agg(line), '[]') FROM (${statement}) AS line;`);
    return JSON.parse((await asked).stdout, asInHtml);
  }

  async row(statement, values) {
    const [row] = await this.rows(statement, values);
    return row;
  }
}
