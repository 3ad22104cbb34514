// The questions at a chapter's end: compares what was chosen or filled in, and says why. The words
// are those of the folded answers below each question; nothing is stored or sent.

const normal = words => words.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

function judge(box, kind, answers, right, given) {
  // [right?, the entries whose words to show, or a sentence of its own]
  if (kind === "number" || kind === "words") {
    const tolerance = Number(box.dataset.tolerance), value = Number(given.replace(",", ".").trim());
    const same = answer => kind === "words" ? normal(answer) === normal(given)
      : Math.abs(Number(answer) - value) <= tolerance + 1e-9;
    const n = answers.findIndex(same);
    if (kind === "number" && Number.isNaN(value)) return [false, "This is not a number. Write it in digits, as 0.5."];
    return n < 0 ? [false, `That is not it. Look once more at section ${box.dataset.section}.`] : [right[n], [n]];
  }
  const wrong = given.filter(n => !right[n]);
  if (wrong.length) return [false, wrong];
  const missing = right.filter(Boolean).length - given.length;
  return missing ? [false, `What you chose is right, but it is not all: ${missing} more.`] : [true, given];
}

for (const box of document.querySelectorAll("fieldset.quiz")) {
  const { kind } = box.dataset, answers = JSON.parse(box.dataset.answers);
  const right = [...box.dataset.right].map(sign => sign === "1");
  const inputs = [...box.querySelectorAll("input")], place = box.querySelector(":scope > p:empty");
  const because = [...box.querySelectorAll("details li > span")];
  const button = document.createElement("button"), said = document.createElement("output");
  button.type = "button";
  button.textContent = "Check";
  said.setAttribute("aria-live", "polite");
  place.append(button, said);

  const tell = () => {
    const chosen = kind === "number" || kind === "words" ? inputs[0].value
      : inputs.flatMap((input, n) => input.checked ? [n] : []);
    if (!chosen.length) { said.className = ""; said.textContent = "Answer first."; return; }
    const [good, words] = judge(box, kind, answers, right, chosen);
    said.className = good ? "good" : "bad";
    said.innerHTML = `<b>${good ? "Right." : "Not quite."}</b> `;
    if (typeof words === "string") said.append(words);
    else for (const n of words) said.append(...because[n].cloneNode(true).childNodes, " ");
  };
  button.addEventListener("click", tell);
  box.addEventListener("input", () => { said.className = ""; said.textContent = ""; });
  box.addEventListener("keydown", event => {
    if (event.key === "Enter" && event.target.matches("input")) { event.preventDefault(); tell(); }
  });
}
