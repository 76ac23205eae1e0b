// What ids and methods are called on the pages.

const CATEGORIES = {
  1: "Film & Animation",
  2: "Autos & Vehicles",
  10: "Music",
  15: "Pets & Animals",
  17: "Sports",
  19: "Travel & Events",
  20: "Gaming",
  22: "People & Blogs",
  23: "Comedy",
  24: "Entertainment",
  25: "News & Politics",
  26: "Howto & Style",
  27: "Education",
  28: "Science & Technology",
  29: "Nonprofits & Activism",
};

export const category = (id) => CATEGORIES[id] ?? `Category ${id}`;

// Members of the blend, in the order of the columns `members_*` of the table `predictions`.
export const MEMBERS = [
  ["lstm", "LSTM"],
  ["last_value", "No change"],
  ["last_increment", "As many as before"],
  ["ewma_3", "Weighted mean, 3 h"],
  ["ewma_6", "Weighted mean, 6 h"],
  ["mean_24", "Mean of 24 h"],
  ["median_24", "Median of 24 h"],
  ["same_hours_yesterday", "Same hours yesterday"],
  ["power_law", "Power law of age"],
  ["blend_of_all", "Blend of all"],
  ["blend_of_naives", "Blend of the naive ones"],
];

const METHODS = { issued: "Issued", trend: "Issued without a network", ...Object.fromEntries(MEMBERS) };

// A value of `views_model` and so on, a member, or all that was issued.
export const method = (id) => {
  const [name, version] = id.split(":");
  return name === "blend" ? `Blend, model version ${version}` : METHODS[name];
};
