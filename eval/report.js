document.addEventListener("play", e => document.querySelectorAll("audio").forEach(a => { if (a !== e.target) a.pause(); }), true);
const value = row => { const text = row.textContent.trim(), n = parseFloat(text.replace(/,/g, "")); return isNaN(n) ? text : n; };
const order = (x, y) => typeof x !== typeof y ? (typeof x === "number" ? -1 : 1) : x < y ? -1 : x > y ? 1 : 0;
const sort = th => {
  const body = th.closest("table").tBodies[0], up = th.ariaSort !== "ascending";
  th.parentNode.querySelectorAll("th").forEach(h => h.ariaSort = null);
  th.ariaSort = up ? "ascending" : "descending";
  [...body.rows].sort((a, b) => order(value(a.cells[th.cellIndex]), value(b.cells[th.cellIndex])) * (up ? 1 : -1))
    .forEach(row => body.append(row));
};
document.querySelectorAll("table.sort th").forEach(th => {
  th.addEventListener("click", () => sort(th));
  th.addEventListener("keydown", e => { if (e.key === "Enter") sort(th); });
});
const reveal = () => {
  const clip = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (clip && clip.tagName === "DETAILS") { clip.open = true; clip.scrollIntoView(); }
};
window.addEventListener("hashchange", reveal);
reveal();
