// A table's heads are buttons that sort its rows: numbers by size, texts by letters; a second press turns the order round.
"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const numeric = !head.classList.contains("text");
      const compare = (a, b) => {
        const x = key(a), y = key(b);
        if (!numeric) return x.localeCompare(y);
        const missing = (x === "") - (y === "");
        return missing ? (down ? -missing : missing) : Number(x) - Number(y);
      };
      const rows = [...table.tBodies[0].rows].sort((a, b) => (down ? -compare(a, b) : compare(a, b)));
      table.tBodies[0].append(...rows);
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    });
  });
}
