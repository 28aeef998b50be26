/* The page that checks QR codes without a network. */

document.addEventListener("DOMContentLoaded", () => {
  "use strict";

  const keys = JSON.parse(document.getElementById("keys").textContent);
  const kinds = JSON.parse(document.getElementById("kinds").textContent);
  const field = document.getElementById("text");
  const outcome = document.getElementById("outcome");
  const words = outcome.dataset;

  const today = () => new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai" }).format(new Date());

  const show = (state, title, why, rows = []) => {
    outcome.hidden = false;
    outcome.className = `outcome ${state}`;
    outcome.dataset.result = state;
    outcome.replaceChildren();
    const heading = document.createElement("h2");
    heading.textContent = title;
    heading.tabIndex = -1;
    const paragraph = document.createElement("p");
    paragraph.textContent = why;
    const list = document.createElement("dl");
    rows.forEach(([label, value]) => {
      const term = document.createElement("dt");
      term.textContent = label;
      const said = document.createElement("dd");
      said.textContent = value;
      list.append(term, said);
    });
    outcome.append(heading, paragraph, list);
    heading.focus();
  };

  const check = async () => {
    if (!globalThis.crypto?.subtle) return show("unknown", words.unable, words.unableWhy);
    const summary = Summary.read(field.value);
    if (!summary) return show("unknown", words.none, words.noneWhy);
    if (!(await Summary.isSigned(summary, keys))) return show("forged", words.forged, words.forgedWhy);
    const rows = [
      [words.kind, kinds[summary.kind] ?? summary.kind],
      [words.number, summary.serialNumber],
      [words.name, summary.name],
      [words.ending, summary.lastFour],
      [words.issued, summary.issuedOn],
      [words.until, summary.validUntil || words.endless],
      [words.digest, summary.factsDigest],
    ];
    if (summary.validUntil && summary.validUntil < today()) return show("expired", words.expired, words.expiredWhy, rows);
    return show("valid", words.valid, words.validWhy, rows);
  };

  document.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });

  // Where the browser itself can read a picture, it may be chosen instead.
  const picture = document.getElementById("picture");
  if (globalThis.BarcodeDetector) {
    document.getElementById("by-picture").hidden = false;
    picture.addEventListener("change", async () => {
      const [file] = picture.files;
      if (!file) return;
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      const codes = await detector.detect(await createImageBitmap(file)).catch(() => []);
      field.value = codes[0]?.rawValue ?? "";
      check();
    });
  }
});
