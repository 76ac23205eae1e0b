// Numbers and times as the pages write them.

// With a comma between thousands; a dash where there is none.
export const count = (value) => (value === null || value === undefined ? "-" : value.toString().replace(/\B(?=(\d{3})+$)/g, ","));

// So many decimals, half to even. `toFixed` takes the larger one of two that are as near.
export const fixed = (value, decimals) => {
  if (value === null || value === undefined) return "-";
  const rounded = value.toFixed(decimals);
  const exact = Math.abs(value).toFixed(100);
  const rest = exact.slice(exact.indexOf(".") + 1 + decimals);
  if (!/^50*$/.test(rest)) return rounded;
  const below = exact.slice(0, exact.length - rest.length).replace(/\.$/, "");
  const isEven = Number(below.at(-1)) % 2 === 0;
  return isEven ? (value < 0 ? `-${below}` : below) : rounded;
};

// A rate or a ratio: whole from a hundred on, with one decimal below.
export const rate = (value) => {
  if (value === null || value === undefined) return "-";
  return Math.abs(value) >= 100 ? count(Math.sign(value) * Math.round(Math.abs(value))) : fixed(value, 1);
};

export const percent = (value) => (value === null || value === undefined ? "-" : `${fixed(value, 1)} %`);

const SIGNS = { spiking: "⇈", rising: "↑", falling: "↓", steady: "→" };

// What a video's views do.
export const trend = (label) => (label ? `${SIGNS[label]} ${label}` : "-");

// The columns of tables that are times, to the second and in UTC.
export const time = (column) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')`;

// What a page says of a time, without how long ago that is, which goes on.
export const withoutAge = (said) => said.replace(/ UTC, .*/, " UTC");
