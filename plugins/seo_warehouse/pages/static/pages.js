"use strict";

// What a person decides goes to Airflow's own API, which knows who it is and whether he may.
async function decide(form, decision) {
  const told = form.querySelector("output");
  const buttons = form.querySelectorAll("button");
  buttons.forEach((button) => { button.disabled = true; });
  told.textContent = "Handing it to Airflow ...";
  const conf = { load: Number(form.dataset.load), decision, why: form.elements.why.value.trim() };
  try {
    const answer = await fetch("../api/v2/dags/release/dagRuns", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ logical_date: null, conf }),
    });
    if (answer.ok) {
      told.textContent = "Taken. Airflow carries it out; look again in a moment.";
      return;
    }
    const said = await answer.json().catch(() => ({}));
    const detail = typeof said.detail === "string" ? said.detail : JSON.stringify(said.detail ?? "");
    told.textContent = `Airflow refused it (${answer.status}): ${detail}`;
  } catch (error) {
    told.textContent = `Airflow did not answer: ${error.message}`;
  }
  buttons.forEach((button) => { button.disabled = false; });
}

document.querySelectorAll("form[data-load]").forEach((form) => {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    decide(form, event.submitter.value);
  });
});

document.querySelectorAll("form[data-go] select").forEach((select) => {
  select.addEventListener("change", () => {
    const query = new URLSearchParams(new FormData(select.form));
    window.location.search = query.toString();
  });
});

// The day and its state in words, for who points at it and for who walks over the calendar by keys.
const calendar = document.querySelector(".calendar");
if (calendar) {
  // Where not all days fit, the newest are those that one looks for.
  calendar.scrollLeft = calendar.scrollWidth;
  const said = document.getElementById("said");
  const tell = (cell) => { if (cell.title) { said.textContent = cell.title; } };
  calendar.addEventListener("mouseover", (event) => tell(event.target));
  calendar.addEventListener("focusin", (event) => tell(event.target));
  calendar.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) { return; }
    event.preventDefault();
    const rows = [...calendar.querySelectorAll("tbody tr")];
    const here = document.activeElement.closest("td");
    const row = here ? rows.indexOf(here.parentElement) + step[0] : 0;
    const column = here ? here.cellIndex + step[1] : rows[0].cells.length - 1;
    const next = rows[row] && rows[row].cells[column];
    if (next && next.tagName === "TD") {
      next.tabIndex = -1;
      next.focus();
      said.textContent = next.title || "not to be read";
    }
  });
}
