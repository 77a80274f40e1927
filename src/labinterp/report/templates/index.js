
"use strict";
const rows = [...document.getElementById("people").rows].map((row) => [row, row.textContent.toLowerCase()]);
const search = document.getElementById("search");
const severity = document.getElementById("severity");
const found = document.getElementById("found");
const fits = {
  "": () => true,
  unjudged: (row) => row.cells[4].textContent !== "0",
};
function filter() {
  const words = search.value.toLowerCase().split(" ").filter(Boolean);
  const wanted = fits[severity.value] || ((row) => row.className === severity.value);
  let count = 0;
  for (const [row, text] of rows) {
    row.hidden = !(wanted(row) && words.every((word) => text.includes(word)));
    count += row.hidden ? 0 : 1;
  }
  found.textContent = `${count} of ${rows.length} listed`;
}
search.addEventListener("input", filter);
severity.addEventListener("change", filter);
document.getElementById("filters").hidden = false;
